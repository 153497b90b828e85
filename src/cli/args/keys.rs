//! The arguments of `quorate generate`, `add` and `show`.

use super::{Birth, For, Reach};
use clap::Args;
use quorate::key::{KeyKind, KeyName, Label};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// The key's name; a name that exists gets a new version
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<Label>,
    /// What kind of key
    #[arg(short, long, value_name = "KIND")]
    pub(crate) kind: KeyKind,
    /// Length of an opaque secret in bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) length: Option<usize>,
    /// Mix the bytes of a file (dice, an HSM) into the system's randomness
    #[arg(long, value_name = "FILE")]
    pub(crate) entropy: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) birth: Birth,
    #[command(flatten)]
    pub(crate) wanted: For,
    /// The new folder of the package
    #[arg(long, value_name = "DIR", requires = "requests")]
    pub(crate) package: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The key's name; a name that exists gets a new version
    #[arg(value_name = "NAME")]
    pub(crate) name: Label,
    /// The key: raw bytes, or DER or PEM in PKCS#8, SEC1 or PKCS#1
    #[arg(short, long, value_name = "FILE", required_unless_present = "from", conflicts_with = "from")]
    pub(crate) file: Option<PathBuf>,
    /// A key in a token that may be wrapped out: pkcs11:token=LABEL;object=NAME
    #[arg(long, value_name = "URI")]
    pub(crate) from: Option<String>,
    /// Leave the token's key able to leave it; `quorate hsm close` ends that
    #[arg(long, requires = "from")]
    pub(crate) leave_open: bool,
    /// What kind of key; needed for raw bytes
    #[arg(short, long, value_name = "KIND")]
    pub(crate) kind: Option<KeyKind>,
    #[command(flatten)]
    pub(crate) reach: Reach,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The key, or one version of it
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) name: KeyName,
}
