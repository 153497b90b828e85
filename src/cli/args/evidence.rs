//! What a ceremony's report says that the program can't know, and where the report goes.

use clap::Args;
use quorate::ceremony::report::Step;
use std::path::PathBuf;

/// The report of a ceremony.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Evidence {
    /// Write a report, signed by the quorum: FILE.json, FILE.pdf to sign by hand, or both
    #[arg(long = "report", value_name = "FILE")]
    pub(crate) reports: Vec<PathBuf>,
    /// What the ceremony is held for, for the report
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,
    /// A witness, for the report
    #[arg(long = "witness", value_name = "NAME")]
    pub(crate) witnesses: Vec<String>,
    /// Number of a custodian's envelope, for the report (and printed on a new card)
    #[arg(long = "envelope", value_name = "NAME=TEXT")]
    pub(crate) envelopes: Vec<String>,
    /// Something that was not as planned, for the report
    #[arg(long = "exception", value_name = "TEXT")]
    pub(crate) exceptions: Vec<String>,
    /// The steps of a script that were ticked before
    #[arg(skip)]
    pub(crate) steps: Vec<Step>,
    /// After how many days a drill, and a check of every card, are due, by a script
    #[arg(skip)]
    pub(crate) due: Option<(u32, u32)>,
}
