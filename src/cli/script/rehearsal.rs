//! A rehearsal of a script: its folder, which is removed at the end, and what stands in for the custodians.
//!
//! The quorum and its keys are thrown away, so nobody is asked for anything: seals are quick, cards are read
//! from the files that they are printed from, and passphrases from slips.

use crate::cli::args::{Init, Present};
use crate::cli::failure::Failure;
use crate::cli::files::make_private_folder;
use quorate::ceremony::script::Script;
use quorate::primitive::random::Entropy;
use quorate::wire::text::hex;
use std::path::{Path, PathBuf};

/// 64 MiB, as the binary logarithm of KiB.
const QUICK: u8 = 16;

/// A folder that is removed when the rehearsal is over.
pub(super) struct Stage(PathBuf);

impl Stage {
    pub(super) fn new() -> Result<Self, Failure> {
        let name = format!("quorate-rehearsal-{}", hex(&Entropy::system().public::<8>()?));
        let folder = std::env::temp_dir().join(name);
        make_private_folder(&folder)?;
        Ok(Self(folder))
    }

    pub(super) fn escrow(&self) -> PathBuf {
        self.0.join("escrow")
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Changes a founding so that nobody need be there.
    pub(super) fn founding(&self, options: &mut Init) {
        options.cards = Some(self.0.join("cards"));
        options.slips = Some(self.0.join("slips"));
        options.memory = QUICK;
        options.skip = vec!["everybody".to_owned()];
        options.yes = true;
        for custodian in &mut options.custodians {
            // Whoever holds the identity of an age recipient isn't here.
            if let Some((name, seal)) = custodian.split_once('=')
                && seal != "passphrase"
            {
                *custodian = format!("{name}=open");
            }
        }
    }

    /// The cards of as many custodians as are needed, and what opens them.
    pub(super) fn present(&self, script: &Script, present: &mut Present) -> Result<(), Failure> {
        present.cards.clear();
        present.seals.passphrases.clear();
        for (number, custodian) in (1_usize..=script.threshold.into()).zip(&script.custodians) {
            present.cards.extend(numbered(&self.0.join("cards"), number)?);
            let by_passphrase = custodian.seal == "passphrase";
            let slip = if by_passphrase { numbered(&self.0.join("slips"), number)? } else { None };
            if let Some(slip) = slip {
                present.seals.passphrases.push(format!("{}={}", custodian.name, slip.display()));
            }
        }
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What can't be removed guards nothing.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The file of a folder whose name begins with this number.
fn numbered(folder: &Path, number: usize) -> Result<Option<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| Failure::file(folder, &error))?;
    let start = format!("{number}-");
    let names = entries.filter_map(Result::ok).map(|entry| entry.path());
    Ok(names
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&start)))
        .min())
}
