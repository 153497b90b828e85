//! Why a key service did not do what was asked of it: what is missing, by name, or its own words.
//!
//! Public data only. Words that come from a service are cut to plain characters and to a length before they
//! are kept: they are shown to people, and a service may be hostile.

use crate::provider::{ProofError, Provider, RequestError};
use std::error::Error;
use std::io;

/// The longest words of a service that are kept, in characters.
const LONGEST: usize = 240;

/// Why a service did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnlineError {
    /// No client for this provider.
    #[error("there is no client for {provider} here: use the commands that `IMPORT.txt` prints")]
    NoClient {
        /// The provider.
        provider: Provider,
    },
    /// Credentials, an address or another setting is missing or can't be read.
    #[error("for {provider}, {what}")]
    Settings {
        /// The provider.
        provider: Provider,
        /// What is missing, and where it is looked for.
        what: String,
    },
    /// An address without TLS.
    #[error("{provider}: the address {address} has no TLS: use https")]
    Plain {
        /// The provider.
        provider: Provider,
        /// The address.
        address: String,
    },
    /// No connection; nothing was done.
    #[error("{provider} at {address} can't be reached: {words}")]
    Unreachable {
        /// The provider.
        provider: Provider,
        /// Where.
        address: String,
        /// Why.
        words: String,
    },
    /// TLS was refused; nothing was done.
    #[error("{provider} at {address} is not to be trusted: {words}")]
    Tls {
        /// The provider.
        provider: Provider,
        /// Where.
        address: String,
        /// Why.
        words: String,
    },
    /// No answer in time to a question that changes nothing.
    #[error("{provider} gave no answer in {seconds} seconds to {call}")]
    Timeout {
        /// The provider.
        provider: Provider,
        /// The call.
        call: &'static str,
        /// How long was waited.
        seconds: u64,
    },
    /// A call that changes something was sent, and no answer came, or one that doesn't say it: whether it was done
    /// isn't known.
    #[error("{provider} gave no clear answer to {call}, and whether it was done is not known: {words}")]
    Unsure {
        /// The provider.
        provider: Provider,
        /// The call.
        call: &'static str,
        /// What happened.
        words: String,
    },
    /// It is there, and can't do anything now: sealed, in standby, overloaded. Nothing was done.
    #[error("{provider} can't do {call} now: {words}")]
    NotNow {
        /// The provider.
        provider: Provider,
        /// The call.
        call: &'static str,
        /// What it says of itself.
        words: String,
    },
    /// A place for the key was made, and a later step failed.
    #[error("{place} was made for the key, and then: {error}")]
    Made {
        /// The place.
        place: String,
        /// What failed.
        error: Box<OnlineError>,
    },
    /// A step was accepted, and a later one failed.
    #[error("a part of it was done, and then: {0}")]
    Partly(Box<OnlineError>),
    /// A right is missing.
    #[error("{provider} refuses {right}: these credentials lack that right, or have ended")]
    Right {
        /// The provider.
        provider: Provider,
        /// The right, as the provider calls it.
        right: String,
    },
    /// The credentials themselves are refused: wrong, or ended.
    #[error("{provider} does not accept the credentials: {words}")]
    Credentials {
        /// The provider.
        provider: Provider,
        /// Its words.
        words: String,
    },
    /// Nothing is where the request says.
    #[error("{provider} has no {place}")]
    NoPlace {
        /// The provider.
        provider: Provider,
        /// What was looked for.
        place: String,
    },
    /// Another account, project or vault than that of the target.
    #[error("{place} is of another account than these credentials are: {words}")]
    OtherAccount {
        /// The place.
        place: String,
        /// Whose the credentials are, or the provider's words.
        words: String,
    },
    /// What is there doesn't fit what is asked.
    #[error("{place} {found}: {wanted}")]
    State {
        /// The place.
        place: String,
        /// What is there.
        found: String,
        /// What to do.
        wanted: String,
    },
    /// The wrapping key or token ended.
    #[error(
        "the wrapping key of this package has ended at {provider}: make a new request with `quorate import begin`, and a new package"
    )]
    Expired {
        /// The provider.
        provider: Provider,
    },
    /// The service compared, and holds other material.
    #[error("{place} holds another key than the package: {words}")]
    OtherKey {
        /// The place.
        place: String,
        /// The provider's words.
        words: String,
    },
    /// Refused, for a reason of the service's own.
    #[error("{provider} refuses {call}: {words}")]
    Refused {
        /// The provider.
        provider: Provider,
        /// The call.
        call: &'static str,
        /// Its words.
        words: String,
    },
    /// An answer that isn't one.
    #[error("{provider} answers {call} with nonsense: {wanted} was looked for")]
    Nonsense {
        /// The provider.
        provider: Provider,
        /// The call.
        call: &'static str,
        /// What should be there.
        wanted: &'static str,
    },
    /// The request or package doesn't fit.
    #[error(transparent)]
    Request(Box<RequestError>),
    /// The proof fails.
    #[error(transparent)]
    Proof(ProofError),
}

/// A service's words as they may be kept: printable ASCII, single spaces, cut to a length.
pub(super) fn plain(words: &str) -> String {
    let mut kept = String::new();
    for word in words.split(|c: char| !c.is_ascii_graphic()).filter(|word| !word.is_empty()) {
        if !kept.is_empty() {
            kept.push(' ');
        }
        kept.push_str(word);
        if kept.len() > LONGEST {
            kept.truncate(LONGEST);
            kept.push_str("...");
            break;
        }
    }
    if kept.is_empty() { "without a word".to_owned() } else { kept }
}

/// What made a call fail, as far as it shows whether the call can have been done.
#[derive(Debug)]
pub(super) enum Cause {
    /// No connection that can be trusted: nothing was sent.
    Tls(String),
    /// No connection: nothing was sent.
    NotSent(String),
    /// Anything else: it may have been sent.
    Other(String),
}

/// Looks for the cause of an error of a client, through the errors that it holds.
pub(super) fn cause(error: &(dyn Error + 'static)) -> Cause {
    let mut next = Some(error);
    let mut words = String::new();
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Cause::Tls(plain(&tls.to_string()));
        }
        words = plain(&error.to_string());
        let refused = io.is_some_and(|io| {
            use io::ErrorKind as Kind;
            let kinds = [Kind::ConnectionRefused, Kind::HostUnreachable, Kind::NetworkUnreachable];
            kinds.contains(&io.kind())
        });
        if refused || words.contains("dns error") || words.contains("failed to lookup address") {
            return Cause::NotSent(words);
        }
        // An error of the system skips what it holds, when it is asked for its source.
        let inside = io.and_then(io::Error::get_ref).map(|inside| -> &(dyn Error + 'static) { inside });
        next = inside.or_else(|| error.source());
    }
    Cause::Other(words)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn words_of_a_service_are_cut_to_plain_ones() {
        assert_eq!(plain("1 error:\n\t* permission  denied\x1b[31m"), "1 error: * permission denied [31m");
        assert_eq!(plain(""), "without a word");
        assert_eq!(plain("\u{202e}é"), "without a word");
        assert_eq!(plain(&"a".repeat(100_000)).len(), 243);
    }
}
