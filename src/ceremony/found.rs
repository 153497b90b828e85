//! Founding a quorum: the secret is made, dealt, sealed to each custodian, and forgotten.
//!
//! [`Plan`] is what was agreed, checked before anything happens. [`Founding::begin`] logs the intent
//! and makes the cards; the caller prints them to where they are not yet handed out; only
//! [`Founding::complete`] stores the record and logs `done`, after which they may be.

use super::escrow::{Escrow, quorum_file};
use crate::age;
use crate::log::{Checkpoint, CommitError, Founded, Op, Phase};
use crate::primitive::random::Entropy;
use crate::quorum::{Custodian, Quorum, QuorumRecord, RecordError, Terms};
use crate::seal::{CardHeader, Cost, SealError, SealedShare, Sealer};
use crate::secret::{Passphrase, SecretBytes};
use crate::share::{Scheme, SchemeError, Share, SplitError};
use crate::store::StoreError;
use crate::wire::json::{Json, object};
use core::convert::Infallible;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How one custodian's share will be sealed.
#[derive(Debug)]
pub enum Seal {
    /// Not at all.
    Open,
    /// With this passphrase.
    Passphrase(Passphrase),
    /// To this recipient.
    Age(age::Recipient),
    /// To a recipient that an installed age program must seal to, because it is a plugin's.
    Outside(String),
}

/// One custodian of a quorum to be founded.
#[derive(Debug)]
pub struct Seat {
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: Option<String>,
    /// The seal of their share.
    pub seal: Seal,
}

/// A quorum to be founded.
#[derive(Debug)]
pub struct Plan {
    scheme: Scheme,
    organisation: Option<String>,
    seats: Vec<Seat>,
    cost: Cost,
}

/// Why a quorum was not founded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FoundError {
    /// No scheme.
    #[error(transparent)]
    Scheme(#[from] SchemeError),
    /// The secret was not dealt.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A share was not sealed.
    #[error("the share of {custodian} was not sealed: {error}")]
    Seal {
        /// Whose.
        custodian: String,
        /// Why.
        error: SealError,
    },
    /// The record can't be made.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The escrow can't be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log can't be written: nothing secret is left.
    #[error(transparent)]
    Log(#[from] CommitError<Infallible>),
}

/// Seals `plaintext` to a plugin's recipient by an installed age program; `None` when that failed.
pub type Outside<'a> = &'a (dyn Fn(&str, &SecretBytes) -> Option<Vec<u8>> + Sync);

/// A quorum whose cards exist and whose record is not stored yet.
#[derive(Debug)]
pub struct Founding {
    quorum: Quorum,
    record: QuorumRecord,
    cards: Vec<SealedShare>,
    intent: u64,
}

impl Plan {
    /// A quorum of `seats` of which any `threshold` recover, passphrases sealed at `cost`.
    ///
    /// # Errors
    /// [`FoundError::Scheme`]; [`FoundError::Record`] for names that can't stand.
    pub fn new(
        threshold: usize,
        seats: Vec<Seat>,
        organisation: Option<String>,
        cost: Cost,
    ) -> Result<Self, FoundError> {
        let scheme = Scheme::new(threshold, seats.len())?;
        let names = seats.iter().map(|seat| (seat.name.as_str(), seat.role.as_deref()));
        crate::quorum::check_names(names, organisation.as_deref())?;
        Ok(Self { scheme, organisation, seats, cost })
    }

    /// M of N.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The custodians, in the order of their shares.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }
}

impl Founding {
    /// Logs the intent, makes the secret, deals it and seals the shares, `parallel` at a time.
    /// `sealed` is told after each card how many are.
    ///
    /// # Errors
    /// [`FoundError`]; after the intent, the failure is logged too.
    pub fn begin(
        escrow: &mut Escrow<'_>,
        plan: &Plan,
        parallel: usize,
        outside: Outside<'_>,
        sealed: &(dyn Fn(usize) + Sync),
        entropy: &mut Entropy,
    ) -> Result<Self, FoundError> {
        let names = plan.seats.iter().map(|seat| Json::text(seat.name.clone())).collect();
        let details = object([
            ("custodians", Some(Json::List(names))),
            ("threshold", Some(Json::Number(plan.scheme.threshold().into()))),
        ]);
        // What an earlier program began and did not end, because it was killed, ends here; should it
        // be at work after all, its `done` will be refused.
        let intent = escrow.commit(|state| {
            let open = state.open().iter().filter(|(_, intent)| intent.op == Op::Found);
            let ends = open.map(|(seq, _)| (Op::Found, Phase::Abandoned, intent_of(*seq)));
            Ok::<_, Infallible>(ends.chain([(Op::Found, Phase::Intent, details.clone())]).collect())
        })?;
        let intent = intent.seq();
        let made = Self::make(escrow, plan, intent, parallel, outside, sealed, entropy);
        made.map_err(|error| Self::fail(escrow, intent, error))
    }

    fn make(
        escrow: &Escrow<'_>,
        plan: &Plan,
        intent: u64,
        parallel: usize,
        outside: Outside<'_>,
        sealed: &(dyn Fn(usize) + Sync),
        entropy: &mut Entropy,
    ) -> Result<Self, FoundError> {
        let (quorum, deal) = Quorum::found(plan.scheme, entropy)?;
        let cards = seal_all(plan, &quorum, &deal.shares, parallel, outside, sealed, entropy)?;
        let custodian = |(seat, card): (&Seat, &SealedShare)| Custodian {
            name: seat.name.clone(),
            role: seat.role.clone(),
            seal: card.kind().name(),
            card: card.digest(),
        };
        let terms = Terms {
            generation: GENERATION,
            created: escrow.now(),
            organisation: plan.organisation.clone(),
            custodians: plan.seats.iter().zip(&cards).map(custodian).collect(),
            predecessor: None,
        };
        let record = QuorumRecord::sign(&quorum, &deal.commitments, terms)?;
        Ok(Self { quorum, record, cards, intent })
    }

    /// The record.
    #[must_use]
    pub const fn record(&self) -> &QuorumRecord {
        &self.record
    }

    /// The cards 1 to N.
    #[must_use]
    pub fn cards(&self) -> &[SealedShare] {
        &self.cards
    }

    /// Stores the record and logs `done`; from now on the cards may be handed out.
    ///
    /// # Errors
    /// [`FoundError`].
    pub fn complete(self, escrow: &mut Escrow<'_>) -> Result<(QuorumRecord, Checkpoint), FoundError> {
        self.complete_present(escrow).map(|(record, checkpoint, _)| (record, checkpoint))
    }

    /// As [`Self::complete`], with the quorum, for what else it is to sign while it is there.
    ///
    /// # Errors
    /// [`FoundError`].
    pub fn complete_present(
        self,
        escrow: &mut Escrow<'_>,
    ) -> Result<(QuorumRecord, Checkpoint, Quorum), FoundError> {
        let name = quorum_file(self.record.id(), self.record.terms().generation);
        let stored = escrow.store().create(&name, self.record.bytes()).map_err(FoundError::from);
        let done = |escrow: &mut Escrow<'_>| {
            let founded = Founded {
                quorum: self.record.id(),
                generation: self.record.terms().generation,
                record: self.record.digest(),
            };
            let details = founded.done(self.intent);
            Ok(escrow.record_signed(Op::Found, Phase::Done, &details, &self.quorum)?)
        };
        let error = match stored.and_then(|()| done(escrow)) {
            Ok(checkpoint) => return Ok((self.record, checkpoint, self.quorum)),
            Err(error @ FoundError::Log(CommitError::Unsure(_))) => return Err(error),
            Err(error) => Self::fail(escrow, self.intent, error),
        };
        // A failure can't be logged after a `done` that came through unseen. Then the quorum exists,
        // keys will be backed up to it, and whoever is told otherwise destroys its cards.
        if escrow.state().quorums().iter().any(|entry| entry.founded.quorum == self.record.id()) {
            let checkpoint = escrow.log().checkpoint();
            return Ok((self.record, checkpoint, self.quorum));
        }
        Err(error)
    }

    /// Gives up: the cards must not be handed out.
    pub fn abandon(self, escrow: &mut Escrow<'_>) {
        let details = intent_of(self.intent);
        // Whether or not this can be written, no `done` follows, and the intent stays open.
        let _ = escrow.record(Op::Found, Phase::Abandoned, &details);
    }

    fn fail(escrow: &mut Escrow<'_>, intent: u64, error: FoundError) -> FoundError {
        let details = intent_of(intent);
        // The first error is the one to show; a log that can't be written leaves the intent open.
        let _ = escrow.record(Op::Found, Phase::Failed, &details);
        error
    }
}

fn intent_of(seq: u64) -> Json<'static> {
    object([("intent", Some(Json::Number(seq)))])
}

/// The first set of cards.
const GENERATION: u16 = 1;

fn seal_all(
    plan: &Plan,
    quorum: &Quorum,
    shares: &[Share],
    parallel: usize,
    outside: Outside<'_>,
    sealed: &(dyn Fn(usize) + Sync),
    entropy: &mut Entropy,
) -> Result<Vec<SealedShare>, FoundError> {
    let jobs: Vec<(&Seat, &Share)> = plan.seats.iter().zip(shares).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let cards: Vec<Mutex<Option<Result<SealedShare, FoundError>>>> =
        jobs.iter().map(|_| Mutex::new(None)).collect();
    // Caller entropy is mixed in before threads part: each thread draws from its own mixture.
    let seeds: Result<Vec<_>, _> = jobs.iter().map(|_| entropy.secret(32)).collect();
    let seeds = seeds.map_err(SplitError::from)?;
    std::thread::scope(|scope| {
        for _ in 0..parallel.clamp(1, jobs.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::SeqCst);
                    let (Some((seat, share)), Some(slot), Some(seed)) =
                        (jobs.get(place), cards.get(place), seeds.get(place))
                    else {
                        break;
                    };
                    let mut entropy = Entropy::system();
                    entropy.mix(seed.expose());
                    let card = seal_one(plan, quorum, seat, share, outside, &mut entropy);
                    let error = |error| FoundError::Seal { custodian: seat.name.clone(), error };
                    if let Ok(mut slot) = slot.lock() {
                        *slot = Some(card.map_err(error));
                    }
                    sealed(done.fetch_add(1, Ordering::SeqCst).saturating_add(1));
                }
            });
        }
    });
    let missing = || FoundError::Split(SplitError::SelfCheck);
    cards.into_iter().map(|slot| slot.into_inner().ok().flatten().ok_or_else(missing)?).collect()
}

fn seal_one(
    plan: &Plan,
    quorum: &Quorum,
    seat: &Seat,
    share: &Share,
    outside: Outside<'_>,
    entropy: &mut Entropy,
) -> Result<SealedShare, SealError> {
    let header =
        CardHeader::new(quorum.id(), GENERATION, share.index(), plan.scheme).ok_or(SealError::Recipient)?;
    match &seat.seal {
        Seal::Open => SealedShare::seal(header, share, &Sealer::Open, entropy),
        Seal::Passphrase(passphrase) => {
            SealedShare::seal(header, share, &Sealer::Passphrase(passphrase, plan.cost), entropy)
        }
        Seal::Age(recipient) => SealedShare::seal(header, share, &Sealer::Age(recipient), entropy),
        Seal::Outside(recipient) => {
            let file =
                outside(recipient, &SealedShare::age_plaintext(header, share)).ok_or(SealError::Recipient)?;
            SealedShare::around_age_file(header, &file)
        }
    }
}
