//! A spare token as the destination of a drill: each key goes in, is proven there, and is removed.
//!
//! It goes in under an id of its own, so that it never meets a key that is in use, and what a drill that was
//! killed has left is found, proven and removed by the next one. The token is opened before anybody is asked for a
//! card, and stays open.

use super::restore::TokenPlace;
use crate::cli::failure::Failure;
use crate::cli::token::{allowed, module};
use quorate::ceremony::drill::Target;
use quorate::hsm::{Place, Token, Transport};
use quorate::key::KeyRecord;
use quorate::primitive::random::Entropy;

/// What stands before the id of a key that a drill puts into a token.
const BEFORE: &[u8] = b"drill:";

/// A token that takes keys and loses them again.
struct Spare<'t, 'm> {
    token: &'t Token<'m>,
    transport: Transport<'t, 'm>,
    entropy: Entropy,
}

impl Target for Spare<'_, '_> {
    fn word(&self) -> &'static str {
        "token"
    }

    fn take(&mut self, key: &KeyRecord) -> Result<(), String> {
        let material = key.material();
        let mut place = Place::of(key.facts(), material.kind()).map_err(|error| error.to_string())?;
        place.id = [BEFORE, &place.id].concat();
        place.label = format!("drill of {}", place.label);
        let restored = self.transport.restore(material, &place, &mut self.entropy);
        let restored = restored.map_err(|error| error.to_string())?;
        let gone = self.token.destroy(&restored.object);
        gone.map_err(|error| {
            format!("it was proven in the token, and is left there as {:?}: {error}", place.label)
        })
    }
}

impl TokenPlace {
    /// Opens the token for a drill.
    pub(in crate::cli) fn for_a_drill<T>(
        &self,
        drill: impl FnOnce(&mut dyn Target) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.ready()?;
        let (reach, uri) = self.reached();
        let module = module(reach, Some(uri))?;
        let (info, pin) = self.opened()?;
        let token = Token::open(&module, &module.find(&info.uri())?, pin)?;
        let mut entropy = Entropy::system();
        let transport = Transport::open(&token, &allowed(reach, pin)?, &mut entropy)?;
        drill(&mut Spare { token: &token, transport, entropy })
    }
}
