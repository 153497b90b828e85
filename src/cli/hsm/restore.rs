//! A token as the destination of a recovery.
//!
//! It is found, opened and tried before anybody is asked for a card; its PIN is asked for once. The key goes in
//! and is proven before `done` is logged; when the log can't be written it is removed again, unless it had
//! been there before.

use crate::cli::args::Reach;
use crate::cli::failure::{FAILED, Failure};
use crate::cli::output::Output;
use crate::cli::token::{allowed, in_token, module, pin, words};
use core::cell::OnceCell;
use quorate::hsm::{Check, KeyObject, Pin, Place, Token, TokenInfo, TokenUri, Transport};
use quorate::key::KeyRecord;
use quorate::log::InToken;
use quorate::primitive::random::Entropy;

/// A token that a key is restored into.
pub(in crate::cli) struct TokenPlace {
    uri: TokenUri,
    reach: Reach,
    opened: OnceCell<(TokenInfo, Pin)>,
}

/// A key that is in its token and waits for the log.
#[derive(Clone)]
pub(in crate::cli) struct InPlace {
    info: TokenInfo,
    object: KeyObject,
    checks: Vec<Check>,
    there_already: bool,
}

impl TokenPlace {
    pub(in crate::cli) fn new(uri: TokenUri, reach: Reach) -> Result<Self, Failure> {
        if uri.object.is_some() || uri.id.is_some() {
            return Err(Failure::usage("--to names a token, not a key in it")
                .hint("leave out object and id: the key gets the label and id that it had"));
        }
        Ok(Self { uri, reach, opened: OnceCell::new() })
    }

    /// Opens the token and tries the whole road, once; the token for the log.
    pub(in crate::cli) fn ready(&self) -> Result<InToken, Failure> {
        if let Some((info, _)) = self.opened.get() {
            return Ok(in_token(info));
        }
        let module = module(&self.reach, Some(&self.uri))?;
        let info = module.find(&self.uri)?;
        let pin = pin(&self.reach, &self.uri, &info)?;
        let token = Token::open(&module, &info, &pin)?;
        Transport::open(&token, &allowed(&self.reach, &pin)?, &mut Entropy::system())?;
        drop(token);
        let home = in_token(&info);
        let _ = self.opened.set((info, pin));
        Ok(home)
    }

    /// How it is reached.
    pub(super) const fn reached(&self) -> (&Reach, &TokenUri) {
        (&self.reach, &self.uri)
    }

    /// The token and its PIN, after [`Self::ready`].
    pub(super) fn opened(&self) -> Result<(&TokenInfo, &Pin), Failure> {
        let opened = self.opened.get().map(|(info, pin)| (info, pin));
        opened.ok_or_else(|| Failure::new(FAILED, "the token is not open").hint("run the command again"))
    }

    /// Where it is.
    pub(in crate::cli) fn shown(&self) -> String {
        self.opened
            .get()
            .map_or_else(|| self.uri.to_string(), |(info, _)| format!("token {}", in_token(info)))
    }

    /// Puts the key into the token and proves it.
    pub(in crate::cli) fn restore(&self, key: &KeyRecord) -> Result<InPlace, Failure> {
        self.ready()?;
        let (info, pin) = self.opened()?;
        let place = Place::of(key.facts(), key.material().kind())?;
        let module = module(&self.reach, Some(&self.uri))?;
        // Slots may have been numbered anew while the custodians came.
        let token = Token::open(&module, &module.find(&info.uri())?, pin)?;
        let mut entropy = Entropy::system();
        let transport = Transport::open(&token, &allowed(&self.reach, pin)?, &mut entropy)?;
        let restored = transport.restore(key.material(), &place, &mut entropy)?;
        Ok(InPlace {
            info: info.clone(),
            object: restored.object,
            checks: restored.checks,
            there_already: restored.there_already,
        })
    }

    /// Removes what was put in, because nothing of it could be logged.
    pub(in crate::cli) fn undo(&self, key: &InPlace, output: &Output) {
        if key.there_already {
            return;
        }
        let undone = || -> Result<(), Failure> {
            let Some((info, pin)) = self.opened.get() else { return Ok(()) };
            let module = module(&self.reach, Some(&self.uri))?;
            let token = Token::open(&module, &module.find(&info.uri())?, pin)?;
            for object in token.with_id(&key.object.id)? {
                token.destroy(&object)?;
            }
            Ok(())
        };
        if let Err(failure) = undone() {
            output.warn(format!(
                "{} is left in token {}: {}",
                key.object.name(),
                key.info.label,
                failure.message
            ));
        }
    }
}

impl InPlace {
    /// The names of the checks, for the log.
    pub(in crate::cli) fn checks(&self) -> Vec<String> {
        self.checks.iter().map(|check| check.name().to_owned()).collect()
    }

    /// Says how it was proven.
    pub(in crate::cli) fn report(&self, output: &mut Output) {
        if self.there_already {
            output.line("  it was in the token already, from a run that was cut off, and is the same key");
        }
        output.line(format!("  proven by {}", words(&self.checks)));
        output.line("  sensitive, and can't leave the token");
        output.note("a restored key is never \"local\" or \"never extractable\" to its token: that it was born in a token, the log says");
    }
}
