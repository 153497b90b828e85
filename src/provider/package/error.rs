//! Why files are not a whole package.
//!
//! Each names the file, so that it can be copied again from where it was made. Public data only.

use crate::provider::RequestError;
use crate::wire::json::JsonError;

/// Why files are not a whole package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// A file is missing.
    #[error("{file} is missing from the package")]
    Missing {
        /// Its name.
        file: String,
    },
    /// A file that doesn't belong here.
    #[error("{file} does not belong to the package")]
    Extra {
        /// Its name.
        file: String,
    },
    /// A file of another length.
    #[error("{file} has {found} bytes instead of {wanted}: it was cut short, or something was added")]
    Size {
        /// Its name.
        file: String,
        /// Its length in bytes.
        found: usize,
        /// What it should be.
        wanted: usize,
    },
    /// A file with other bytes.
    #[error("{file} was altered: its SHA-256 is another one")]
    Altered {
        /// Its name.
        file: String,
    },
    /// Too many files, or too long ones.
    #[error("the folder holds more than a package does")]
    TooMuch,
    /// No blob of the form that the request asks for.
    #[error("the wrapped key in the package is not as long as its method makes it, or is another one")]
    Blob,
    /// `package.json` says other things than the request.
    #[error("package.json contradicts the request in the package")]
    Contradiction,
    /// A package of a later program.
    #[error("the package was written by a later version of the program: use that one")]
    Later,
    /// Not canonical JSON, or not the fields of a package.
    #[error(transparent)]
    Json(JsonError),
    /// The request in it isn't one.
    #[error(transparent)]
    Request(#[from] RequestError),
}
