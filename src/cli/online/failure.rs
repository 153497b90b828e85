//! What an error of a key service says on the command line: its hint and its status.

use crate::cli::failure::{DIFFERENCE, FAILED, Failure, USAGE};
use quorate::online::OnlineError;

impl From<OnlineError> for Failure {
    fn from(error: OnlineError) -> Self {
        match error {
            OnlineError::Request(error) => Self::from(*error),
            OnlineError::Proof(error) => Self::from(error),
            OnlineError::State { place, found, wanted } => {
                Self::new(FAILED, format!("{place} {found}")).hint(wanted)
            }
            OnlineError::Made { ref place, .. } => {
                let hint = format!("mend that, then name the key that is there: --set key={place}; run without it, another is made");
                // The inner error's own advice is part of the fact here.
                Self { status: FAILED, message: error.to_string(), hint: Some(hint) }
            }
            // What to do about it first, where that says nothing of what was done.
            OnlineError::Partly(inner)
                if matches!(
                    *inner,
                    OnlineError::Right { .. } | OnlineError::Credentials { .. } | OnlineError::State { .. }
                ) =>
            {
                let inner = Self::from(*inner);
                let again = "run the same command again: it looks first, and does only what is not done";
                let message = format!("a part of it was done, and then: {}", inner.message);
                let hint = inner.hint.map_or_else(|| again.to_owned(), |hint| format!("{hint}; then {again}"));
                Self { status: inner.status, message, hint: Some(hint) }
            }
            OnlineError::Unsure { call: "CreateKey", .. } => Self::new(FAILED, error.to_string())
                .hint("look for a new key without material there, and name it with --set key=ID; run without that, it makes another"),
            error => {
                let status = match error {
                    OnlineError::OtherKey { .. } => DIFFERENCE,
                    OnlineError::Plain { .. } | OnlineError::NoClient { .. } => USAGE,
                    _ => FAILED,
                };
                let failure = Self::new(status, error.to_string());
                if failure.hint.is_some() {
                    return failure;
                }
                failure.hint(hint(&error))
            }
        }
    }
}

fn hint(error: &OnlineError) -> &'static str {
    match error {
        OnlineError::Unreachable { .. } => {
            "nothing was sent or nothing was changed: check the address and the network, then run it again"
        }
        OnlineError::Tls { .. } => {
            "nothing was sent: if the service has a certificate of your own authority, give that with --ca FILE; else somebody may stand between"
        }
        OnlineError::Timeout { .. } => "run it again, with a longer --call-timeout if the service is slow",
        OnlineError::Settings { .. } => {
            "nothing was sent; `quorate provider show NAME` lists the fields of a target, and the page of the provider where credentials and addresses come from"
        }
        OnlineError::NotNow { .. } => {
            "nothing was done: unseal it, or wait, or name the server that is active; then run it again"
        }
        OnlineError::Unsure { .. } | OnlineError::Partly(_) => {
            "run the same command again: it looks first, and does only what is not done"
        }
        OnlineError::Right { .. } => {
            "give the right to whom these credentials are (`quorate provider policy` prints the smallest ones), or use others; what was done stays, so run it again"
        }
        OnlineError::Credentials { .. } => "log in to the provider again, then run it again",
        OnlineError::NoPlace { .. } => "check the name, the region and whose credentials these are",
        OnlineError::OtherAccount { .. } => "use credentials of the account that the request names",
        OnlineError::OtherKey { .. } => {
            "use the key there for nothing until it is known whose it is; import this package into a place of its own"
        }
        OnlineError::Nonsense { .. } => {
            "check the address: something else than the service may answer there; then run it again"
        }
        _ => "the provider's words are all that is known; `quorate provider show` has its rules",
    }
}
