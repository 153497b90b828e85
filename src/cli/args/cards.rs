//! Cards and what opens them, for every command that reads some, and the arguments of `quorate check`.

use clap::Args;
use std::path::PathBuf;

/// Cards and what opens their seals.
#[derive(Debug, Clone, Args)]
pub(crate) struct Seals {
    /// A custodian's passphrase is the first line of a file
    #[arg(long = "passphrase-file", value_name = "NAME=FILE")]
    pub(crate) passphrases: Vec<String>,
    /// An age identity that opens cards sealed to an age recipient
    #[arg(short, long = "identity", value_name = "FILE")]
    pub(crate) identities: Vec<PathBuf>,
    /// Seconds to look for a code in one picture
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) deadline: u64,
}

/// Whether this program was built with the camera. Without it the arguments exist, and say so.
const CAMERA: bool = cfg!(feature = "camera");

/// Cards that are shown to this machine's camera.
#[derive(Debug, Clone, Args)]
pub(crate) struct Camera {
    /// Take cards from this machine's camera, through a page in a browser
    #[arg(long, hide = !CAMERA)]
    pub(crate) camera: bool,
    /// Seconds to wait for the camera
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "camera", hide = !CAMERA, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Pictures (PNG, JPEG), PDFs or text files with cards; `-` is standard input
    #[arg(value_name = "CARD", required_unless_present_any = ["typing", "camera"])]
    pub(crate) cards: Vec<PathBuf>,
    /// Type the card's lines
    #[arg(long = "type", conflicts_with = "cards")]
    pub(crate) typing: bool,
    #[command(flatten)]
    pub(crate) camera: Camera,
    /// How many cards will be shown to the camera
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "camera", hide = !CAMERA, value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) expect: u8,
    #[command(flatten)]
    pub(crate) seals: Seals,
    /// Ask for the passphrase, and check the share too
    #[arg(short, long)]
    pub(crate) passphrase: bool,
    /// Write to the log that the cards were good
    #[arg(long)]
    pub(crate) record: bool,
    /// Overwrite and delete the given files that held a good card
    #[arg(long)]
    pub(crate) wipe_pictures: bool,
}
