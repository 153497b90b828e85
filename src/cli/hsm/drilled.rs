//! A spare token as the destination of a drill: each key goes in, is proven there, and is removed.
//!
//! It goes in under an id of its own, so that it never meets a key that is in use. What a drill that was killed has left
//! is known by that id and its label, and is removed before the next one begins, whichever keys that is of. The token
//! is opened before anybody is asked for a card, and stays open.

use super::restore::TokenPlace;
use crate::cli::drill::Destination;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, plain};
use quorate::ceremony::drill::Target;
use quorate::hsm::{Place, Token};
use quorate::key::KeyRecord;
use quorate::primitive::random::Entropy;
use quorate::wire::json::Json;
use quorate::wire::text::hex;

/// What stands before the id of a key that a drill puts into a token.
const BEFORE: &[u8] = b"drill:";

/// What their labels begin with.
const LABEL: &str = "drill of ";

/// A token that takes keys and loses them again.
struct Spare<'t> {
    place: &'t TokenPlace,
    entropy: Entropy,
}

impl Target for Spare<'_> {
    fn word(&self) -> &'static str {
        "token"
    }

    fn take(&mut self, key: &KeyRecord) -> Result<(), String> {
        let material = key.material();
        let mut place = Place::of(key.facts(), material.kind()).map_err(|error| error.to_string())?;
        place.id = [BEFORE, &place.id].concat();
        place.label = format!("{LABEL}{}", place.label);
        if let Some(public) = &mut place.public {
            public.label.clone_from(&place.label);
        }
        self.place.put(material, &place, &mut self.entropy).map_err(|error| error.message)?;
        // By its id: after a token went away, a handle may be another key's.
        let gone = self.place.on_token(|token| {
            for object in token.with_id(&place.id)? {
                token.destroy(&object, None)?;
            }
            Ok(())
        });
        gone.map_err(|error| {
            let id = hex(&place.id);
            format!(
                "it was proven in the token, and is LEFT there as {:?} (id {id}): {}",
                place.label, error.message
            )
        })
    }
}

impl Destination for Spare<'_> {
    fn release(&mut self, output: &mut Output) -> Result<Option<Json<'static>>, Failure> {
        output.line("  token       each key was proven in the token, and removed from it");
        output.line("  released    nothing: every key was wiped");
        Ok(None)
    }
}

impl TokenPlace {
    /// Opens the token for a drill.
    pub(in crate::cli) fn for_a_drill<T>(
        &self,
        output: &mut Output,
        drill: impl FnOnce(&mut dyn Destination, &mut Output) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.ready(output)?;
        self.on_token(|token| swept(token, output))?;
        drill(&mut Spare { place: self, entropy: Entropy::system() }, output)
    }
}

/// Removes what earlier drills have left.
fn swept(token: &Token, output: &Output) -> Result<(), Failure> {
    let ours = |id: &[u8], label: &str| id.starts_with(BEFORE) && label.starts_with(LABEL);
    for key in token.keys()?.into_iter().filter(|key| ours(&key.id, &key.label)) {
        token.destroy(&key, None)?;
        output.note(format!(
            "a {} that was cut off has left its key in the token: it is removed",
            plain(&key.label)
        ));
    }
    Ok(())
}
