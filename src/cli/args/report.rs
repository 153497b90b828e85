//! The arguments of `quorate report`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(subcommand)]
    pub(crate) command: ReportCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Verify a report: its signature, its place in the log, and both its checkpoints
    Verify {
        /// The report (JSON), or the PDF that was made with it
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}
