//! Arguments about tokens: how one is reached, and the commands that look at them.

use clap::{Args, Subcommand};
use quorate::key::KeyName;
use std::path::PathBuf;

/// How a token is reached and opened.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Reach {
    /// The maker's PKCS#11 module (or QUORATE_PKCS11_MODULE, or module-path in the URI)
    #[arg(long, value_name = "FILE")]
    pub(crate) module: Option<PathBuf>,
    /// The token's PIN is the first line of a file
    #[arg(long, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
    /// The token's PIN is the first line of what an open file descriptor gives
    #[arg(long, value_name = "NUMBER", conflicts_with = "pin_file")]
    pub(crate) pin_fd: Option<u16>,
    /// The PIN is typed at the token's own pad
    #[arg(long, conflicts_with_all = ["pin_file", "pin_fd"])]
    pub(crate) pin_pad: bool,
    /// For keys that leave under trusted wrapping keys only: the security officer's PIN is the first line of a file
    #[arg(long, value_name = "FILE")]
    pub(crate) so_pin_file: Option<PathBuf>,
    /// Allow RSA-OAEP with SHA-1, for tokens that have nothing else; the backup says so
    #[arg(long)]
    pub(crate) allow_oaep_sha1: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Hsm {
    #[command(subcommand)]
    pub(crate) command: HsmCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HsmCommand {
    /// List the tokens of a module
    List {
        #[command(flatten)]
        reach: Reach,
    },
    /// Show a token: what it says that it can do, and its keys
    Show {
        /// The token, as pkcs11:token=LABEL
        #[arg(value_name = "URI")]
        token: String,
        /// Log in, and list its keys
        #[arg(long)]
        keys: bool,
        #[command(flatten)]
        reach: Reach,
    },
    /// Try whether keys can leave a token and come back, with a key that is worth nothing
    Check {
        /// The token, as pkcs11:token=LABEL
        #[arg(value_name = "URI")]
        token: String,
        /// Remove the trusted wrapping keys that runs which were cut off have left in the token
        #[arg(long)]
        remove_left: bool,
        #[command(flatten)]
        reach: Reach,
    },
    /// Make a key that is backed up stay in its token: what `generate --in` does at its end
    Close {
        /// The key, or one version of it
        #[arg(value_name = "NAME[@VERSION]")]
        name: KeyName,
        /// The token, when it isn't the one that the log names
        #[arg(long, value_name = "URI")]
        token: Option<String>,
        /// The token is lost, broken or wiped: log that, and why, instead
        #[arg(long, value_name = "REASON", conflicts_with = "token")]
        lost: Option<String>,
        #[command(flatten)]
        reach: Reach,
    },
}

/// A token that a new key is born in.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Birth {
    /// Make the key in a token (pkcs11:token=LABEL): it is backed up, then it can't leave any more
    #[arg(long = "in", value_name = "URI", conflicts_with = "entropy")]
    pub(crate) token: Option<String>,
    /// What the key in the token may do: decrypt, derive, encrypt, sign, unwrap, verify, wrap
    #[arg(long, value_name = "USAGE", value_delimiter = ',', requires = "token")]
    pub(crate) usage: Vec<String>,
    /// The key leaves its token under a wrapping key that the security officer trusts, and no other
    #[arg(long, requires_all = ["token", "so_pin_file"])]
    pub(crate) trusted_only: bool,
    /// Leave the key able to leave its token; `quorate hsm close` ends that
    #[arg(long)]
    pub(crate) leave_open: bool,
    #[command(flatten)]
    pub(crate) reach: Reach,
}
