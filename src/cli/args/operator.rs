//! The arguments of `quorate operator` and of `quorate log export`.

use super::Present;
use clap::{ArgGroup, Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Operator {
    #[command(subcommand)]
    pub(crate) command: OperatorCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OperatorCommand {
    /// Make somebody an operator, or give one other roles; the first one makes all later records signed
    Add {
        /// Who: letters, digits and . _ @ + -
        #[arg(value_name = "NAME")]
        name: String,
        /// The public key, a .pub file (default: the one the operator has)
        #[arg(short, long, value_name = "FILE.pub")]
        key: Option<PathBuf>,
        /// What they may do: founder, depositor, recoverer, auditor (the first operator: everything)
        #[arg(short, long = "role", value_name = "ROLE", num_args = 1..)]
        roles: Vec<String>,
        /// With cards the quorum names the operator: for when every founder's key is lost
        #[command(flatten)]
        present: Box<Present>,
    },
    /// Take the right to sign from somebody
    Revoke {
        /// Who, or the fingerprint of the key
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Replace a key; the old and the new one sign
    Replace {
        /// Who
        #[arg(value_name = "NAME")]
        name: String,
        /// The new key, as for --sign-with: a file, or agent:FINGERPRINT
        #[arg(short, long, value_name = "KEY")]
        key: String,
    },
    /// List the operators and their keys
    List,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true)))]
pub(crate) struct Export {
    /// The records as OCSF JSON lines (API Activity, class 6003)
    #[arg(long, group = "what")]
    pub(crate) ocsf: bool,
    /// The key versions as a table (CSV, RFC 4180)
    #[arg(long, group = "what")]
    pub(crate) csv: bool,
    /// The records as syslog lines (RFC 5424)
    #[arg(long, group = "what")]
    pub(crate) rfc5424: bool,
    /// One record and its signature as files that `ssh-keygen -Y verify` takes
    #[arg(long, value_name = "SEQ", group = "what")]
    pub(crate) record: Option<u64>,
    /// The new file; for --record, the signature goes beside it with .sig (default: record-SEQ)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}
