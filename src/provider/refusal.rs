//! Why a request is not made, not taken, or not wrapped for: the provider's rule, and what to do.
//!
//! Public data only. Each names the provider, and what it does take, because the providers themselves
//! answer most of these mistakes with nothing but "decryption error".

use super::Provider;
use crate::key::{KeyKind, WrappingKeyError};
use crate::wire::json::JsonError;
use crate::wire::time::Timestamp;
use crate::wrap::WrapError;

/// Why a request can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The provider has no such kind of key.
    #[error("{provider} takes no key of kind {kind}: it takes {known}")]
    Kind {
        /// The provider.
        provider: Provider,
        /// The kind.
        kind: KeyKind,
        /// The kinds that it takes.
        known: String,
    },
    /// The method isn't for that kind.
    #[error("{method} of {provider} takes no key of kind {kind}: it is for {known}")]
    KindOfMethod {
        /// The provider.
        provider: Provider,
        /// The method.
        method: &'static str,
        /// The kind.
        kind: KeyKind,
        /// The kinds that it is for.
        known: String,
    },
    /// No such method.
    #[error("{provider} has no such import method: use one of {known}")]
    Algorithm {
        /// The provider.
        provider: Provider,
        /// Its methods.
        known: String,
    },
    /// A wrapping key of a size that the method doesn't have.
    #[error(
        "a wrapping key of {bits} bits is not for {method} of {provider}: its wrapping keys have {known}"
    )]
    Size {
        /// The provider.
        provider: Provider,
        /// The method.
        method: &'static str,
        /// The size.
        bits: usize,
        /// The sizes of the method.
        known: String,
    },
    /// Longer than the method takes.
    #[error(
        "a key of kind {kind} has {found} bytes, and {method} of {provider} takes {longest} under {bits} bits: use a larger wrapping key, or another method"
    )]
    TooLong {
        /// The provider.
        provider: Provider,
        /// The method.
        method: &'static str,
        /// The kind.
        kind: KeyKind,
        /// Its length in bytes.
        found: usize,
        /// What fits.
        longest: usize,
        /// The size of the wrapping key.
        bits: usize,
    },
    /// After its time.
    #[error(
        "the wrapping key of {provider} ended at {expires}, and it is {now}: get a new one and make a new request"
    )]
    Expired {
        /// The provider.
        provider: Provider,
        /// When it ended.
        expires: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
    /// Made later than now.
    #[error(
        "the request was made at {made}, and the clock says {now}: set the clock of the machine that is wrong"
    )]
    Clock {
        /// When it was made.
        made: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
    /// Nothing says when the wrapping key ends.
    #[error(
        "a wrapping key of {provider} ends, and the download does not say when: give the time with --expires"
    )]
    NoEnd {
        /// The provider.
        provider: Provider,
    },
    /// The request is for another kind.
    #[error("the request of {provider} is for a key of kind {wanted}, and this one is of kind {found}")]
    OtherKind {
        /// The provider.
        provider: Provider,
        /// The kind in the request.
        wanted: KeyKind,
        /// The key's kind.
        found: KeyKind,
    },
    /// A field that must be there.
    #[error("a request for {provider} needs its field `{field}` ({about}): give it with --set {field}=…")]
    Missing {
        /// The provider.
        provider: Provider,
        /// The field.
        field: &'static str,
        /// What it is.
        about: &'static str,
    },
    /// A field that the provider doesn't have.
    #[error("a request for {provider} has no field {field:?}: use {known}")]
    Field {
        /// The provider.
        provider: Provider,
        /// The field, cut to 40 characters.
        field: String,
        /// The fields that it has.
        known: String,
    },
    /// A value that can't stand in a command line.
    #[error(
        "the field `{field}` holds a character that no name of {provider} has, or is empty or too long: use letters, digits and . _ : / @ + = -"
    )]
    Value {
        /// The provider.
        provider: Provider,
        /// The field.
        field: String,
    },
    /// The provider's file isn't what it should be.
    #[error("this is not what {provider} answers: {wanted}")]
    Download {
        /// The provider.
        provider: Provider,
        /// What was looked for.
        wanted: &'static str,
    },
    /// No wrapping key in the files.
    #[error("no wrapping key is in the files: give the download of {provider}, or the public key in PEM")]
    NoKey {
        /// The provider.
        provider: Provider,
    },
    /// Two files hold different values.
    #[error("the files contradict each other in {what}: give those of one download only")]
    Twice {
        /// What is there twice.
        what: &'static str,
    },
    /// The wrapping key isn't one.
    #[error(transparent)]
    WrappingKey(#[from] WrappingKeyError),
    /// Not a request.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A request of a later program.
    #[error("the request was written by a later version of the program: use that one")]
    Later,
    /// The key could not be wrapped.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// No randomness for a proof, or a key that none can be made with.
    #[error("no proof could be made for {provider}: the system gave no randomness")]
    Proof {
        /// The provider.
        provider: Provider,
    },
}
