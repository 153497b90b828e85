//! The escrow that a command works on: where it is, who acts, what time it is.

use super::args::Place;
use super::failure::{DIFFERENCE, Failure, NO_LOG};
use super::sign::Signer;
use quorate::ceremony::escrow::Escrow;
use quorate::log::{self, LogError};
use quorate::share::QuorumId;
use quorate::store::{FolderStore, OverlayStore, Store};
use quorate::wire::time::Timestamp;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A store, a clock and an actor, for as long as a command runs.
pub(crate) struct Session {
    store: Box<dyn Store>,
    clock: Box<dyn Fn() -> Timestamp>,
    actor: String,
    root: PathBuf,
    pinned: Option<String>,
    signer: Option<Signer>,
}

impl Session {
    /// The session that the arguments name.
    pub(crate) fn of(place: &Place) -> Result<Self, Failure> {
        Self::with(place, &root(place)?, signer)
    }

    /// As [`Self::of`], for a command that writes nothing: the key that the environment names is not
    /// looked for, which may be on a device in somebody's pocket.
    pub(crate) fn reading(place: &Place) -> Result<Self, Failure> {
        Self::with(place, &root(place)?, named_signer)
    }

    /// The session in the folder `root`.
    pub(crate) fn at(place: &Place, root: &Path) -> Result<Self, Failure> {
        Self::with(place, root, signer)
    }

    fn with(
        place: &Place,
        root: &Path,
        signer: impl FnOnce(&Place) -> Result<Option<Signer>, Failure>,
    ) -> Result<Self, Failure> {
        let actor = actor(place)?;
        let folder = FolderStore::new(root);
        let store: Box<dyn Store> = match &place.log_to {
            None => Box::new(folder),
            Some(other) => {
                let other = FolderStore::new(other);
                continues(&folder, &other)?;
                Box::new(OverlayStore::new(folder, other))
            }
        };
        Ok(Self {
            store,
            clock: clock(place.clock),
            actor,
            root: root.to_owned(),
            pinned: place.quorum.clone(),
            signer: signer(place)?,
        })
    }

    /// The session of a ceremony without an escrow: its log goes to `root`, behind what is there.
    pub(crate) fn apart(place: &Place, root: &Path) -> Result<Self, Failure> {
        Ok(Self {
            store: Box::new(FolderStore::new(root)),
            clock: clock(place.clock),
            actor: actor(place)?,
            root: root.to_owned(),
            pinned: None,
            signer: signer(place)?,
        })
    }

    /// Opens the log that is there, or begins one.
    pub(crate) fn open_or_begin(&self) -> Result<Escrow<'_>, Failure> {
        match Escrow::open(&*self.store, &*self.clock, &self.actor) {
            Err(LogError::NoEscrow) => Ok(self.signing(Escrow::new(&*self.store, &*self.clock, &self.actor))),
            Err(LogError::Store(error)) => {
                Err(Failure::new(NO_LOG, format!("the log can't be written: {error}"))
                    .hint("name another folder for it with --log-to"))
            }
            opened => Ok(self.signing(opened?)),
        }
    }

    /// The escrow, whose records the operator's key signs if one was named.
    fn signing<'a>(&'a self, mut escrow: Escrow<'a>) -> Escrow<'a> {
        if let Some(signer) = &self.signer {
            escrow.sign_with(signer);
        }
        escrow
    }

    /// The key that signs, if one was named.
    pub(crate) const fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// Signs with `signer`, unless another key was named.
    pub(crate) fn or_sign_with(
        &mut self,
        signer: impl FnOnce() -> Result<Signer, Failure>,
    ) -> Result<(), Failure> {
        if self.signer.is_none() {
            self.signer = Some(signer()?);
        }
        Ok(())
    }

    /// Opens the escrow; its log is verified from the first byte.
    pub(crate) fn open(&self) -> Result<Escrow<'_>, Failure> {
        let escrow = match Escrow::open(&*self.store, &*self.clock, &self.actor) {
            Err(error @ LogError::NoEscrow) => {
                let mut failure = Failure::from(error);
                failure.message = format!("{}: {}", self.root.display(), failure.message);
                return Err(failure);
            }
            escrow => escrow.map_err(Failure::from)?,
        };
        if let Some(pinned) = &self.pinned {
            let found = escrow.quorum()?.id();
            if !is_quorum(pinned, found) {
                let message = format!(
                    "this escrow has quorum {found}, not {pinned}: it is another escrow, or was exchanged"
                );
                return Err(Failure::new(DIFFERENCE, message)
                    .hint("compare the id with a card, and use another copy of the escrow"));
            }
        }
        Ok(self.signing(escrow))
    }

    /// An escrow that doesn't exist yet.
    pub(crate) fn create(&self) -> Result<Escrow<'_>, Failure> {
        let ours = |name: &String| name.starts_with(".tmp-") || matches!(name.as_str(), "log" | "quorum");
        if self.store.list("")?.iter().all(ours) {
            // Nothing, or what an `init` that was killed has left: an intent, or not even that.
            match Escrow::open(&*self.store, &*self.clock, &self.actor) {
                Err(LogError::NoEscrow) if self.store.list("quorum")?.iter().all(ours) => {
                    return Ok(self.signing(Escrow::new(&*self.store, &*self.clock, &self.actor)));
                }
                Ok(escrow) if escrow.state().quorum().is_none() => return Ok(self.signing(escrow)),
                Ok(_) | Err(LogError::NoEscrow) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let message = format!("{} is not empty", self.root.display());
        Err(Failure::usage(message)
            .hint("name a folder that does not exist; one escrow is never made over another"))
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The escrow's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// Whether a person's spelling of a quorum's id is that of `found`.
pub(crate) fn is_quorum(typed: &str, found: QuorumId) -> bool {
    typed.replace(['-', ' '], "").to_uppercase() == found.text()
}

/// Refuses another escrow as the other place of a log: its own log would be broken by ours.
fn continues(first: &FolderStore, other: &FolderStore) -> Result<(), Failure> {
    for name in other.list(log::FOLDER)?.iter().filter(|name| !name.starts_with('.')) {
        let name = format!("{}/{name}", log::FOLDER);
        let ours = first.read(&name, log::LONGEST_COMMIT)?;
        // What was carried over into the escrow already is the same in both.
        if ours.is_some() && ours != other.read(&name, log::LONGEST_COMMIT)? {
            let message =
                format!("{} has a log of its own: {name} is another one there", other.root().display());
            return Err(Failure::usage(message)
                .hint("name an empty folder, or the one that was used with this escrow before"));
        }
    }
    Ok(())
}

fn clock(fixed: Option<Timestamp>) -> Box<dyn Fn() -> Timestamp> {
    match fixed {
        Some(time) => Box::new(move || time),
        None => Box::new(now),
    }
}

/// What the system's clock says.
pub(crate) fn now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_unix(seconds).unwrap_or_else(|_| now())
}

/// The escrow's folder that the arguments or the environment name.
fn root(place: &Place) -> Result<PathBuf, Failure> {
    let root = place.escrow.clone().or_else(|| environment("QUORATE_ESCROW").map(PathBuf::from));
    root.ok_or_else(|| {
        Failure::usage("no escrow is named")
            .hint("name it with -C DIR, or in QUORATE_ESCROW; `quorate init` makes one")
    })
}

fn signer(place: &Place) -> Result<Option<Signer>, Failure> {
    let named = place.sign_with.clone().or_else(|| environment("QUORATE_SIGN_WITH"));
    named.map(|named| Signer::named(&named)).transpose()
}

fn named_signer(place: &Place) -> Result<Option<Signer>, Failure> {
    place.sign_with.as_deref().map(Signer::named).transpose()
}

fn actor(place: &Place) -> Result<String, Failure> {
    let named = place.actor.clone();
    let actor = named.or_else(|| environment("USER")).or_else(|| environment("LOGNAME"));
    let actor = actor.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    if log::is_actor(&actor) {
        Ok(actor)
    } else {
        Err(Failure::usage("the actor's name is empty, too long or holds control characters")
            .hint("name yourself with --actor"))
    }
}

/// A variable of the environment; none of them is ever secret.
pub(crate) fn environment(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
