//! The arguments of `quorate script`.

use super::{Evidence, PaperSize, Present};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Clone, Args)]
pub(crate) struct Script {
    /// The script of a ceremony, in TOML
    #[arg(value_name = "FILE.toml")]
    pub(crate) file: PathBuf,
    /// Print the script as a new PDF, to be ticked and signed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "rehearse"])]
    pub(crate) pdf: Option<PathBuf>,
    /// Size of the paper
    #[arg(long, default_value = "a4")]
    pub(crate) paper: PaperSize,
    /// Hold the ceremony: show each step, do what the program does in it, and wait for the tick
    #[arg(long)]
    pub(crate) run: bool,
    /// Hold it on throw-away keys in a temporary folder, and remove that
    #[arg(long)]
    pub(crate) rehearse: bool,
    /// Tick every step with these initials, instead of asking
    #[arg(long, value_name = "TEXT")]
    pub(crate) initials: Option<String>,
    /// Write each passphrase to a slip in DIR, instead of showing it on the terminal
    #[arg(long, value_name = "DIR")]
    pub(crate) slips: Option<PathBuf>,
    /// Don't read a custodian's card back from its print (`everybody`: none); the log says so
    #[arg(long = "skip-scan-back", value_name = "NAME", num_args = 1..)]
    pub(crate) skip: Vec<String>,
    #[command(flatten)]
    pub(crate) present: Present,
    #[command(flatten)]
    pub(crate) evidence: Evidence,
}
