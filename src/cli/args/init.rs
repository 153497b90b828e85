//! The arguments of `quorate init` and `quorate rehearse`.

use super::{Evidence, PaperSize};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Rehearse {
    /// Where to leave the cards and pictures to look at
    #[arg(long, value_name = "DIR", default_value = "rehearsal")]
    pub(crate) dir: PathBuf,
    /// Memory of a passphrase seal in MiB: 64, 128, 256, 512, 1024, 2048 or 4096
    #[arg(long, value_name = "MIB", default_value = "512", value_parser = memory)]
    pub(crate) memory: u8,
    /// Size of the paper
    #[arg(long, default_value = "a4")]
    pub(crate) paper: PaperSize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Init {
    /// The escrow's folder, which must not exist or be empty
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// How many custodians recover (M)
    #[arg(short, long, value_name = "M", required_unless_present = "ceremony")]
    pub(crate) threshold: Option<usize>,
    /// A custodian, and how their card is sealed: `alice` (passphrase), `alice=age1…`, `alice=open`
    #[arg(short, long = "custodian", value_name = "NAME[=SEAL]", required_unless_present = "ceremony", num_args = 1..)]
    pub(crate) custodians: Vec<String>,
    /// A custodian's role, printed on the card
    #[arg(long = "role", value_name = "NAME=ROLE")]
    pub(crate) roles: Vec<String>,
    /// Whose keys these are, printed on the cards
    #[arg(long, value_name = "TEXT")]
    pub(crate) organisation: Option<String>,
    /// Where the cards go (default: DIR-cards)
    #[arg(long, value_name = "DIR")]
    pub(crate) cards: Option<PathBuf>,
    /// Write each passphrase to a slip in DIR, instead of showing it on the terminal
    #[arg(long, value_name = "DIR")]
    pub(crate) slips: Option<PathBuf>,
    /// Take a custodian's passphrase from the first line of a file
    #[arg(long = "passphrase-file", value_name = "NAME=FILE")]
    pub(crate) passphrases: Vec<String>,
    /// Let a custodian type a passphrase of their own choice
    #[arg(long = "choose", value_name = "NAME")]
    pub(crate) choose: Vec<String>,
    /// Memory of a passphrase seal in MiB: 64, 128, 256, 512, 1024, 2048 or 4096
    #[arg(long, value_name = "MIB", default_value = "512", value_parser = memory)]
    pub(crate) memory: u8,
    /// Mix the bytes of a file (dice, an HSM) into the system's randomness
    #[arg(long, value_name = "FILE")]
    pub(crate) entropy: Vec<PathBuf>,
    /// Size of the paper
    #[arg(long, default_value = "a4")]
    pub(crate) paper: PaperSize,
    /// Number of the ceremony, printed on the cards; or its script, which says who and how many
    #[arg(long, value_name = "TEXT|FILE.toml")]
    pub(crate) ceremony: Option<String>,
    #[command(flatten)]
    pub(crate) evidence: Evidence,
    /// Whom to tell of a lost card, as a role, printed on the cards
    #[arg(long, value_name = "TEXT")]
    pub(crate) contact: Option<String>,
    /// The first operator: from now on all records are signed, this one's by --sign-with (default: KEY)
    #[arg(long, value_name = "NAME=KEY.pub")]
    pub(crate) operator: Option<String>,
    /// Don't read a custodian's card back from its print (`everybody`: none); the log says so
    #[arg(long = "skip-scan-back", value_name = "NAME", num_args = 1..)]
    pub(crate) skip: Vec<String>,
    /// Overwrite and delete the pictures that cards were read back from
    #[arg(long)]
    pub(crate) wipe_pictures: bool,
    /// Make an extra copy of each card too, in the size of a bank card: its code alone
    #[arg(long)]
    pub(crate) pocket: bool,
    /// Answer every question with yes
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Memory in MiB as the binary logarithm of KiB.
fn memory(text: &str) -> Result<u8, String> {
    let mib: u32 = text
        .parse()
        .map_err(|_| "that is no number of MiB: choose 64, 128, 256, 512, 1024, 2048 or 4096".to_owned())?;
    let exponent = mib.checked_ilog2().and_then(|log| u8::try_from(log.saturating_add(10)).ok());
    match exponent {
        Some(exponent @ 16..=22) if mib.is_power_of_two() => Ok(exponent),
        _ => Err("not a size that seals have: choose 64, 128, 256, 512, 1024, 2048 or 4096".to_owned()),
    }
}
