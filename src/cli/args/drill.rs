//! The arguments of `quorate drill`.

use super::{Evidence, For, Present, Reach};
use clap::Args;
use core::num::NonZeroU32;
use quorate::key::KeyName;

#[derive(Debug, Clone, Args)]
pub(crate) struct Drill {
    /// Keys (all their versions) or single versions; without any, every version of every key
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) names: Vec<KeyName>,
    /// Draw so many key versions at random, and say what that tells about the others
    #[arg(long, value_name = "COUNT", conflicts_with = "names")]
    pub(crate) sample: Option<NonZeroU32>,
    /// Put each key into a spare token (pkcs11:token=LABEL), prove it there, and remove it; or wrap one key for a
    /// test key of a provider (package:DIR, with --for)
    #[arg(long, value_name = "PLACE")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) wanted: For,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) present: Present,
    #[command(flatten)]
    pub(crate) evidence: Evidence,
}
