//! How one record changes what a log adds up to.
//!
//! Folding is strict: a record must fit what came before it (its intent is open, the version is the
//! one reserved for it), so an inserted or altered record is found even by somebody who made the
//! chain anew. After an error nothing has changed.

use super::super::countersign::Verdict;
use super::{
    Backed, Checked, Closed, Deposit, Depth, Entry, Fields, Founded, Intent, KeyEntry, KeyState, KeyVersion,
    Op, OperatorChange, Phase, Proof, QuorumEntry, QuorumId, Record, ReportOf, Salvage, Salvaged, State,
    StateError, Timestamp,
};
use core::num::NonZeroU32;
use std::collections::BTreeMap;

/// What a log knows of a record beside the state before it.
#[derive(Debug, Clone, Copy)]
pub(in crate::log) struct About {
    /// The last record before it that doesn't count, and the digest over all of them.
    pub(in crate::log) voids: Option<(u64, [u8; 32])>,
    /// What a quorum's signature in it is worth.
    pub(in crate::log) verdict: Verdict,
}

impl About {
    /// Whether no quorum's signature is forged: asked last, so that what contradicts the log is told first.
    pub(super) fn is_genuine(self) -> Result<(), StateError> {
        match self.verdict {
            Verdict::Forged(quorum) => Err(StateError::Forged { quorum }),
            _ => Ok(()),
        }
    }

    /// Whether it proves what it says: a quorum's signature that nobody can check proves nothing.
    pub(super) const fn is_proven(self) -> bool {
        matches!(self.verdict, Verdict::Good(_))
    }
}

impl State {
    /// Folds a record; after an error nothing has changed. `about` is what the log knows of it beside this state.
    pub(in crate::log) fn apply(&mut self, record: &Record, about: About) -> Result<(), StateError> {
        let Record { seq, time, entry, .. } = record;
        let Entry { actor, op, phase, details } = entry;
        let fields = || Fields::of("the record", details.by_ref());
        let phase_error = StateError::Phase { op: *op, phase: *phase };
        match phase {
            Phase::Intent => {
                let mut intent = Intent {
                    op: *op,
                    actor: actor.clone(),
                    time: *time,
                    deposit: None,
                    recovers: None,
                    salvages: None,
                    drills: None,
                    shreds: None,
                };
                match op {
                    Op::Check | Op::Close | Op::Package | Op::Import | Op::Report | Op::Operator => {
                        return Err(phase_error);
                    }
                    Op::Policy | Op::State | Op::Card | Op::Destroy | Op::Retire => return Err(phase_error),
                    Op::Generate | Op::Add => {
                        intent.deposit = Some(self.reserve(Deposit::read(fields()?)?)?);
                    }
                    Op::Recover => intent.recovers = Some(Proof::read_intent(&mut fields()?)?),
                    Op::Salvage => intent.salvages = Some(Salvage::read(&mut fields()?)?),
                    Op::Drill => intent.drills = Some(self.drill_begun(fields()?)?),
                    Op::Shred => intent.shreds = Some(self.shred_begun(fields()?)?),
                    Op::Found => {}
                }
                self.open.insert(*seq, intent);
                Ok(())
            }
            Phase::Failed | Phase::Abandoned => {
                let intent = fields()?.number("intent")?;
                let deposit = self.begun(*op, intent)?.deposit.clone();
                self.open.remove(&intent);
                // Who reports a failure knows that nothing was written; an abandoned version stays taken.
                if let Some(deposit) = deposit.filter(|_| *phase == Phase::Failed) {
                    self.release(&deposit);
                }
                Ok(())
            }
            Phase::Done => match op {
                Op::Operator => {
                    self.operate(OperatorChange::read(details)?, (*time, *seq), about)?;
                    Ok(())
                }
                Op::Check => {
                    if let Some(checked) = Checked::read(details) {
                        self.note(&checked, *time);
                    }
                    Ok(())
                }
                Op::Policy => self.set_policy(fields()?, (*time, *seq)),
                Op::State => self.change_state(fields()?, *time),
                Op::Retire => self.retire(fields()?, *time),
                Op::Card => self.change_card(fields()?, *time, self.is_by_founder(record)),
                Op::Destroy => {
                    let signed = record.signed_by.as_ref().map(|signed| &signed.key);
                    self.destroyed(fields()?, (actor, signed), (*time, *seq))
                }
                Op::Close => self.shut(Closed::read(fields()?)?, *time),
                Op::Package => self.packaged(fields()?, *time),
                Op::Import => self.imported(fields()?, *time),
                Op::Salvage => {
                    let mut fields = fields()?;
                    let intent = fields.number("intent")?;
                    let begun = self.begun(*op, intent)?.salvages.clone();
                    let salvaged = Salvaged::read(fields)?;
                    if begun.as_ref() != Some(&salvaged.salvage) {
                        return Err(StateError::NoIntent { intent });
                    }
                    about.is_genuine()?;
                    // It brings its quorum along: without that, anybody could bring any.
                    let quorum = salvaged.quorum.quorum;
                    if !about.is_proven() {
                        return Err(StateError::Unproven { quorum });
                    }
                    self.end(intent, (*seq, *time), (ReportOf::Salvage, quorum));
                    self.salvaged.push(salvaged);
                    Ok(())
                }
                Op::Shred => {
                    let mut fields = fields()?;
                    let intent = fields.number("intent")?;
                    let begun = self.begun(*op, intent)?.shreds.clone();
                    self.shred_done((intent, begun), fields, *time)?;
                    self.open.remove(&intent);
                    Ok(())
                }
                Op::Report => self.reported(fields()?, (*seq, *time), about),
                Op::Drill => {
                    let mut fields = fields()?;
                    let intent = fields.number("intent")?;
                    let begun = self.begun(*op, intent)?.drills.clone();
                    let quorum = self.drill_done((intent, begun), fields, (*seq, *time), about)?;
                    self.end(intent, (*seq, *time), (ReportOf::Drill, quorum));
                    Ok(())
                }
                Op::Found => {
                    let mut fields = fields()?;
                    let intent = fields.number("intent")?;
                    self.begun(*op, intent)?;
                    let founded = Founded::read(fields)?;
                    // Keys go to the quorum of the escrow: whoever could add another would get them.
                    if let Some(first) = self.quorums.first() {
                        return Err(StateError::SecondQuorum { quorum: first.founded.quorum });
                    }
                    let cards = BTreeMap::new();
                    self.end(intent, (*seq, *time), (ReportOf::Found, founded.quorum));
                    self.quorums.push(QuorumEntry { founded, time: *time, seq: *seq, cards });
                    Ok(())
                }
                Op::Generate | Op::Add => {
                    let mut fields = fields()?;
                    let intent = fields.number("intent")?;
                    let begun = self.begun(*op, intent)?.deposit.clone();
                    let begun = begun.ok_or(StateError::NoIntent { intent })?;
                    let backed = Backed::read(fields)?;
                    if backed.deposit != begun {
                        return Err(StateError::NoIntent { intent });
                    }
                    let key = self.keys.get_mut(&begun.name).ok_or(StateError::NoIntent { intent })?;
                    let version = begun.version;
                    let (recovered, drilled, closed, failed) = (None, None, None, None);
                    let (op, time, seq) = (*op, *time, *seq);
                    let (state, since, changed, certificate) = (KeyState::default(), time, false, None);
                    let entry = KeyVersion {
                        backed,
                        op,
                        time,
                        seq,
                        recovered,
                        drilled,
                        closed,
                        lost: None,
                        failed,
                        state,
                        since,
                        compromised: None,
                        changed,
                        certificate,
                    };
                    key.retired = None;
                    key.versions.insert(version, entry);
                    self.counted(begun.quorum, true);
                    self.open.remove(&intent);
                    Ok(())
                }
                Op::Recover => {
                    let mut fields = fields()?;
                    let intent = fields.number("intent")?;
                    let begun = self.begun(*op, intent)?.recovers.clone();
                    let proof = Proof::read(intent, fields)?;
                    if begun
                        .is_none_or(|(name, version)| (name, version) != (proof.name.clone(), proof.version))
                    {
                        return Err(StateError::NoIntent { intent });
                    }
                    let version =
                        self.keys.get_mut(&proof.name).and_then(|key| key.versions.get_mut(&proof.version));
                    match version {
                        Some(version)
                            if version.backed.fingerprint == proof.fingerprint
                                && version.backed.deposit.quorum == proof.quorum =>
                        {
                            about.is_genuine()?;
                            if about.is_proven() {
                                (version.recovered, version.failed) = (Some(*time), None);
                                self.used(proof.quorum, &proof.cards, *time);
                            }
                            self.last_recovery = Some((*seq, *time));
                            self.end(intent, (*seq, *time), (ReportOf::Recover, proof.quorum));
                            Ok(())
                        }
                        _ => Err(StateError::Version { name: proof.name, version: proof.version }),
                    }
                }
            },
        }
    }

    /// Remembers that a key version can't leave its token any more.
    fn shut(&mut self, closed: Closed, time: Timestamp) -> Result<(), StateError> {
        let Closed { name, version, token, lost } = closed;
        let found = self.keys.get_mut(&name).and_then(|key| key.versions.get_mut(&version));
        match found {
            Some(found) if found.backed.deposit.token == Some(token) => {
                (found.closed, found.lost) = (Some(time), lost);
                Ok(())
            }
            _ => Err(StateError::Version { name, version }),
        }
    }

    /// Remembers which cards were good. A check of a quorum that isn't here is nobody's.
    fn note(&mut self, checked: &Checked, time: Timestamp) {
        let ours = |entry: &&mut QuorumEntry| {
            (entry.founded.quorum, entry.founded.generation) == (checked.quorum, checked.generation)
        };
        let Some(entry) = self.quorums.iter_mut().find(ours) else { return };
        for index in &checked.skipped {
            entry.cards.entry(*index).or_default().skipped = true;
        }
        for card in &checked.cards {
            let history = entry.cards.entry(card.index).or_default();
            history.good = Some(time);
            if card.depth == Depth::Share {
                history.share = Some(time);
            }
        }
    }

    /// Takes the next version of a name for an intent, so that nobody else takes it.
    fn reserve(&mut self, deposit: Deposit) -> Result<Deposit, StateError> {
        let (id, next) = self.next_version(&deposit.name);
        if deposit.version != next || id.is_some_and(|id| id != deposit.key) {
            return Err(StateError::Version { name: deposit.name, version: deposit.version });
        }
        if !self.quorums.iter().any(|entry| entry.founded.quorum == deposit.quorum) {
            return Err(StateError::Quorum { quorum: deposit.quorum });
        }
        let fresh = || KeyEntry { id: deposit.key, versions: BTreeMap::new(), reserved: next, retired: None };
        self.keys.entry(deposit.name.clone()).or_insert_with(fresh).reserved = next;
        Ok(deposit)
    }

    /// Frees the version of a failed deposit, unless a later one was begun since.
    fn release(&mut self, deposit: &Deposit) {
        let Some(key) = self.keys.get_mut(&deposit.name) else { return };
        if key.reserved == deposit.version {
            match NonZeroU32::new(deposit.version.get().saturating_sub(1)) {
                Some(before) => key.reserved = before,
                None => drop(self.keys.remove(&deposit.name)),
            }
        }
    }

    /// What is open since record `intent`, which is an `op`.
    fn begun(&self, op: Op, intent: u64) -> Result<&Intent, StateError> {
        self.open.get(&intent).filter(|open| open.op == op).ok_or(StateError::NoIntent { intent })
    }

    /// Closes what was begun, in which a quorum met.
    fn end(&mut self, intent: u64, (seq, time): (u64, Timestamp), (kind, quorum): (ReportOf, QuorumId)) {
        self.open.remove(&intent);
        self.ceremonies.insert(seq, (kind, quorum));
        // By the policy of that time: a later one neither asks for what can't be made any more, nor forgives it.
        if self.policy.as_ref().is_some_and(|entry| entry.policy.reports.contains(&kind)) {
            self.owed.insert(kind, (seq, time));
        }
    }
}
