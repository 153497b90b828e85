//! Cards and what opens them: the arguments of every command in which a quorum meets.

use super::{Camera, Seals};
use clap::Args;
use std::path::PathBuf;

/// The cards of the custodians who meet.
#[derive(Debug, Clone, Args)]
pub(crate) struct Present {
    /// A picture (PNG, JPEG), a PDF or a text file with a card; `-` is standard input
    #[arg(long = "card", value_name = "CARD", num_args = 1..)]
    pub(crate) cards: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) camera: Camera,
    #[command(flatten)]
    pub(crate) seals: Seals,
    /// Overwrite and delete the given files that held a card, when all went well
    #[arg(long)]
    pub(crate) wipe_pictures: bool,
}
