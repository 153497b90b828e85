//! The arguments of `quorate print`, and of everything else that makes a paper.

use clap::{Args, Subcommand, ValueEnum};
use quorate::card::page::Paper;
use quorate::key::KeyName;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Print {
    #[command(subcommand)]
    pub(crate) what: PrintWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PrintWhat {
    /// A backup sheet: with M cards and this paper alone a key is recovered
    Backup {
        /// The key, or one version of it
        #[arg(value_name = "NAME[@VERSION]")]
        name: KeyName,
        #[command(flatten)]
        onto: Onto,
    },
    /// The public sheet of a ceremony: cards, keys, steps, places for signatures
    Ceremony {
        #[command(flatten)]
        onto: Onto,
    },
}

/// Where a paper goes.
#[derive(Debug, Args)]
pub(crate) struct Onto {
    /// The new PDF file (default: a name in this folder)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Size of the paper
    #[arg(long, default_value = "a4")]
    pub(crate) paper: PaperSize,
}

/// A paper size.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PaperSize {
    /// 210 by 297 mm
    A4,
    /// 8.5 by 11 inches
    Letter,
}

impl From<PaperSize> for Paper {
    fn from(size: PaperSize) -> Self {
        match size {
            PaperSize::A4 => Self::A4,
            PaperSize::Letter => Self::Letter,
        }
    }
}
