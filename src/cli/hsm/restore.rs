//! A token as the destination of a recovery.
//!
//! It is found, opened and tried before anybody is asked for a card, and stays open: its PIN is asked for once, and the
//! session's pair is made once. When it went away meanwhile, it is opened anew. The key goes in and is proven before
//! `done` is logged; when the log can't be written it is removed again, unless it had been there before, or the log
//! may name it after all.

use crate::cli::args::Reach;
use crate::cli::failure::{FAILED, Failure};
use crate::cli::output::{Output, plain};
use crate::cli::token::{allowed_back, in_token, module, open, words};
use core::cell::RefCell;
use quorate::ceremony::escrow::Escrow;
use quorate::hsm::{Check, HsmError, KeyObject, Pin, Place, Restored, Token, TokenInfo, TokenUri, Transport};
use quorate::key::{KeyMaterial, KeyRecord, PublicKey};
use quorate::log::{InToken, Log};
use quorate::primitive::random::Entropy;
use quorate::wire::text::hex;
use std::rc::Rc;

/// A token that a key is restored into.
pub(in crate::cli) struct TokenPlace {
    uri: TokenUri,
    reach: Reach,
    opened: RefCell<Option<Opened>>,
}

/// The token, for as long as the command runs.
struct Opened {
    info: TokenInfo,
    pin: Pin,
    /// Nothing while it is opened anew.
    way: Option<(Rc<Token>, Transport)>,
}

/// A key that is in its token and waits for the log.
#[derive(Clone)]
pub(in crate::cli) struct InPlace {
    info: TokenInfo,
    object: KeyObject,
    checks: Vec<Check>,
    there_already: bool,
    public: Option<PublicKey>,
    not_given: Vec<&'static str>,
}

impl TokenPlace {
    pub(in crate::cli) fn new(uri: TokenUri, reach: Reach) -> Result<Self, Failure> {
        if uri.object.is_some() || uri.id.is_some() {
            return Err(Failure::usage("--to names a token, not a key in it")
                .hint("leave out object and id: the key gets the label and id that it had"));
        }
        allowed_back(&reach)?;
        Ok(Self { uri, reach, opened: RefCell::new(None) })
    }

    /// Opens the token and tries the whole road, once; the token for the log.
    pub(in crate::cli) fn ready(&self, output: &Output) -> Result<InToken, Failure> {
        let mut opened = self.opened.borrow_mut();
        if let Some(opened) = &*opened {
            return Ok(in_token(&opened.info));
        }
        let module = module(&self.reach, Some(&self.uri))?;
        let (token, pin) = open(&module, &self.reach, &self.uri, output)?;
        let transport = Transport::open(&token, &allowed_back(&self.reach)?, &mut Entropy::system())?;
        let info = token.info().clone();
        let home = in_token(&info);
        *opened = Some(Opened { info, pin, way: Some((token, transport)) });
        Ok(home)
    }

    /// Has the token do something; once more in a new session when it went away since it was opened.
    fn on_way<T>(
        &self,
        mut work: impl FnMut(&Token, &Transport) -> Result<T, HsmError>,
    ) -> Result<T, Failure> {
        let mut opened = self.opened.borrow_mut();
        let none = || Failure::new(FAILED, "the token is not open").hint("run the command again");
        let opened = opened.as_mut().ok_or_else(none)?;
        match opened.way.as_ref().map(|(token, transport)| work(token, transport)) {
            Some(Err(error)) if error.is_gone() => {}
            Some(done) => return Ok(done?),
            None => {}
        }
        // A module is initialised once: the old session ends before the new one begins. Slots may be numbered anew.
        opened.way = None;
        let module = module(&self.reach, Some(&self.uri))?;
        let token = Rc::new(Token::open(&module, &module.find(&opened.info.uri())?, &opened.pin)?);
        let transport = Transport::open(&token, &allowed_back(&self.reach)?, &mut Entropy::system())?;
        let (token, transport) = &*opened.way.insert((token, transport));
        Ok(work(token, transport)?)
    }

    /// Has the open token do something.
    pub(super) fn on_token<T>(
        &self,
        mut work: impl FnMut(&Token) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut outcome = None;
        self.on_way(|token, _| {
            outcome = Some(work(token));
            Ok(())
        })?;
        outcome.unwrap_or_else(|| {
            Err(Failure::new(FAILED, "the token is not open").hint("run the command again"))
        })
    }

    /// Puts a key into the token and proves it.
    pub(super) fn put(
        &self,
        key: &KeyMaterial,
        place: &Place,
        entropy: &mut Entropy,
    ) -> Result<Restored, Failure> {
        self.on_way(|_, transport| transport.restore(key, place, entropy))
    }

    /// Where it is.
    pub(in crate::cli) fn shown(&self) -> String {
        self.opened
            .borrow()
            .as_ref()
            .map_or_else(|| self.uri.to_string(), |opened| format!("token {}", in_token(&opened.info)))
    }

    /// Puts the key into the token and proves it.
    pub(in crate::cli) fn restore(&self, key: &KeyRecord) -> Result<InPlace, Failure> {
        let place = Place::of(key.facts(), key.material().kind())?;
        let restored = self.put(key.material(), &place, &mut Entropy::system())?;
        let info = self.on_token(|token| Ok(token.info().clone()))?;
        Ok(InPlace {
            info,
            object: restored.object,
            checks: restored.checks,
            there_already: restored.there_already,
            public: restored.public,
            not_given: restored.not_given,
        })
    }

    /// Removes what was put in, because nothing of it could be logged: not if the log may say otherwise.
    pub(in crate::cli) fn undo(&self, key: &InPlace, escrow: &Escrow<'_>, intent: u64, output: &Output) {
        if key.there_already {
            return;
        }
        let left = format!(
            "{} (id {}) is left in token {}",
            plain(&key.object.name()),
            hex(&key.object.id),
            plain(&key.info.label)
        );
        // An error of the disk may have come after the record: what can be read decides.
        match Log::open(escrow.store()) {
            Err(error) => {
                return output.warn(format!(
                    "{left}, proven: the log can't be read, and may name it ({error}); run the command again when it can"
                ));
            }
            Ok(log) if !log.state().open().contains_key(&intent) => {
                return output.warn(format!(
                    "{left}, proven: the log names it, and may not last; look with `quorate show`, and run the command again if it is not there"
                ));
            }
            Ok(_) => {}
        }
        let undone = self.on_way(|token, _| {
            for object in token.with_id(&key.object.id)? {
                // A key alone has no public half to be removed; one that was there before stays.
                match &key.public {
                    Some(public) => token.destroy(&object, Some(public))?,
                    None => token.destroy_alone(&object)?,
                }
            }
            Ok(())
        });
        if let Err(failure) = undone {
            output.warn(format!("{left}: {}", failure.message));
        }
    }
}

impl InPlace {
    /// The names of the checks, for the log.
    pub(in crate::cli) fn checks(&self) -> Vec<String> {
        self.checks.iter().map(|check| check.name().to_owned()).collect()
    }

    /// What it had and the token didn't take.
    pub(in crate::cli) fn not_given(&self) -> &[&'static str] {
        &self.not_given
    }

    /// Says how it was proven.
    pub(in crate::cli) fn report(&self, output: &mut Output) {
        if self.there_already {
            output.line("  it was in the token already, from a run that was cut off, and is the same key");
        }
        output.line(format!("  proven by {}", words(&self.checks)));
        for what in &self.not_given {
            output.warn(format!("the token doesn't take {what}: the key is restored without it"));
        }
        output.line("  sensitive, and can't leave the token");
        output.note("a restored key is never \"local\" or \"never extractable\" to its token: that it was born in a token, the log says");
    }
}
