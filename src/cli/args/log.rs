//! The arguments of `quorate log`.

use super::Export;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Log {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Show the records
    Show,
    /// Verify the log and everything that it names
    Verify {
        /// A checkpoint from a card or a report: nothing before it may be cut or rewritten
        #[arg(long, value_name = "SEQ:HASH")]
        since: Option<String>,
    },
    /// Write the log for other programs, or one record with its signature
    Export(Export),
    /// Print who signed in which time, as `ssh-keygen -Y verify` takes it
    AllowedSigners,
    /// Say that something begun will never end: a program was killed, a ceremony was broken off
    Abandon {
        /// The number of the record that began it, as `quorate status` shows it
        #[arg(value_name = "SEQ")]
        seq: u64,
    },
    /// Say that the records that don't count are known, so that later ones stand out (a founder signs)
    Acknowledge {
        /// The number of the last record that doesn't count, as `quorate log verify` shows it
        #[arg(value_name = "SEQ")]
        seq: u64,
    },
    /// Go on from this machine's time, though the last record is of a later one (a founder signs)
    SetClock,
}
