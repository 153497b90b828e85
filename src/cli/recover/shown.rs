//! Cards for a recovery that are held up to the camera.
//!
//! In: what is gathered so far. Out: the gathering with the cards that were shown, still sealed, until there are
//! as many as are needed. What opens them is asked for afterwards, on the terminal.

use crate::cli::args::Camera;
use crate::cli::camera::{self, Verdict};
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use quorate::ceremony::check::check;
use quorate::ceremony::recover::Gathering;
use quorate::seal::SealedShare;

/// Takes cards from the camera until there are as many as are needed.
pub(super) fn show(options: &Camera, gathering: &mut Gathering, output: &Output) -> Result<(), Failure> {
    let mut left = gathering.missing().saturating_sub(gathering.sealed().count());
    if left == 0 {
        return Ok(());
    }
    let present: &Gathering = gathering;
    let mut judge = |card: &SealedShare| match check(present.record(), card, None) {
        Ok(good) if present.card(good.index).is_some() => {
            Verdict::Refused(format!("the card of {} (share {}) is here already", good.custodian, good.index))
        }
        Ok(good) => {
            left = left.saturating_sub(1);
            let name = format!("the card of {} (share {})", good.custodian, good.index);
            Verdict::Taken { name, enough: left == 0 }
        }
        Err(error) => Verdict::Refused(error.to_string()),
    };
    for card in camera::cards(options, &mut judge, output)? {
        gathering.present(card)?;
    }
    Ok(())
}
