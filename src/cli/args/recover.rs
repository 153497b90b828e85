//! The arguments of `quorate recover`.

use super::{Evidence, For, Present, Reach};
use crate::cli::failure::Failure;
use clap::{Args, ValueEnum};
use quorate::key::KeyName;
use std::path::PathBuf;

#[derive(Debug, Clone, Args)]
pub(crate) struct Recover {
    /// The key, or one version of it (asked for at a terminal)
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) name: Option<KeyName>,
    /// A backup sheet (PDF, picture, or a text file with its codes), instead of the escrow's backup
    #[arg(long = "sheet", value_name = "SHEET", num_args = 1..)]
    pub(crate) sheets: Vec<PathBuf>,
    /// The key's fingerprint from another record than the backup sheet, when there is no escrow to say it
    #[arg(long, value_name = "HEX", requires = "sheets")]
    pub(crate) fingerprint: Option<String>,
    #[command(flatten)]
    pub(crate) present: Present,
    /// Where the key goes: `file:PATH` (new, mode 0600), `age:RECIPIENT` (to standard output or --out),
    /// `pkcs11:token=LABEL` (into a token) or `package:DIR` (wrapped, with --for); asked for at a terminal
    #[arg(long, value_name = "WHERE")]
    pub(crate) to: Option<String>,
    /// The file for `--to age:…`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) wanted: For,
    /// How the key is written
    #[arg(long, default_value = "auto")]
    pub(crate) format: KeyFormat,
    #[command(flatten)]
    pub(crate) evidence: Evidence,
    /// Bring a key version to a provider though it is suspended, deactivated or compromised
    #[arg(long)]
    pub(crate) despite_state: bool,
    /// Go on without an operator's key, when all are lost; the log says that nobody signed
    #[arg(long)]
    pub(crate) unsigned: bool,
}

impl Recover {
    /// The key.
    pub(crate) fn key(&self) -> Result<&KeyName, Failure> {
        self.name.as_ref().ok_or_else(|| {
            Failure::usage("no key is named, and there is no terminal to ask at")
                .hint("name it before --card, as in `quorate recover NAME --to file:PATH --card FILE…`")
        })
    }

    /// Where the key goes.
    pub(crate) fn to(&self) -> Result<&str, Failure> {
        self.to.as_deref().ok_or_else(|| {
            Failure::usage("it is not said where the key goes, and there is no terminal to ask at")
                .hint("add --to file:PATH, or --to age:RECIPIENT")
        })
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KeyFormat {
    /// Raw bytes for a symmetric key, PEM for a private key
    Auto,
    /// PKCS#8 in PEM
    Pem,
    /// PKCS#8 in DER, or raw bytes for a symmetric key
    Der,
}
