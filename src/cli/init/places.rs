//! Where the papers of a founding go: the cards, their pocket copies, the slips.

use super::Handover;
use crate::cli::failure::Failure;
use quorate::ceremony::found::Plan;
use std::path::{Path, PathBuf};

pub(super) fn card_place(folder: &Path, index: u8, name: &str) -> PathBuf {
    folder.join(format!("{index}-{}.pdf", file_name(name)))
}

/// Where the extra copy of a card goes.
pub(super) fn pocket_place(folder: &Path, index: u8, name: &str) -> PathBuf {
    folder.join(format!("{index}-{}.pocket.pdf", file_name(name)))
}

pub(super) fn slip_place(folder: &Path, index: u8, name: &str) -> PathBuf {
    folder.join(format!("{index}-{}.txt", file_name(name)))
}

/// A folder of a like name beside `dir`.
pub(super) fn beside(dir: &Path, suffix: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    dir.with_file_name(name)
}

/// The escrow, the cards and the slips are three places: whoever copies one must not get another.
pub(super) fn separate(escrow: &Path, cards: &Path, slips: Option<&Path>) -> Result<(), Failure> {
    let full = |path: &Path| std::path::absolute(path).map_err(|error| Failure::file(path, &error));
    let (escrow, cards) = (full(escrow)?, full(cards)?);
    if cards.starts_with(&escrow) {
        return Err(Failure::usage("the cards must not go into the escrow")
            .hint("choose another folder with --cards"));
    }
    let Some(slips) = slips else { return Ok(()) };
    let slips = full(slips)?;
    if slips.starts_with(&cards) || cards.starts_with(&slips) || slips.starts_with(&escrow) {
        return Err(Failure::usage("the slips must not go where the cards or the escrow are")
            .hint("whoever finds both opens the card: choose another folder with --slips"));
    }
    Ok(())
}

/// Whether every file's name is free: known before anything is logged.
pub(super) fn are_free(
    plan: &Plan,
    handovers: &[Handover],
    cards: &Path,
    slips: Option<&Path>,
    pocket: bool,
) -> Result<(), Failure> {
    let seats = || (1..=u8::MAX).zip(plan.seats());
    let mut paths: Vec<PathBuf> = seats().map(|(index, seat)| card_place(cards, index, &seat.name)).collect();
    if pocket {
        paths.extend(seats().map(|(index, seat)| pocket_place(cards, index, &seat.name)));
    }
    let slips = slips.into_iter().flat_map(|folder| {
        handovers.iter().map(move |handover| slip_place(folder, handover.index, &handover.name))
    });
    paths.extend(slips);
    for path in &paths {
        if path.symlink_metadata().is_ok() {
            return Err(Failure::file(path, &std::io::ErrorKind::AlreadyExists.into()));
        }
    }
    Ok(())
}

/// A custodian's name as part of a file's name.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' }).collect()
}
