//! Operators: who may say what, and what becomes of what others say.

use super::*;
pub(super) use crate::hand::{Hand, hand};
use crate::log::{CardChange, CardId, Certificate, Fate, Remains, Retirement};
use std::collections::BTreeSet;

pub(super) fn add(name: &str, hand: &Hand, roles: &[Role]) -> Json<'static> {
    let roles: BTreeSet<Role> = roles.iter().copied().collect();
    OperatorChange::Add { name: name.to_owned(), key: hand.1.clone(), roles }.details()
}

pub(super) fn write(log: &mut Log, store: &dyn Store, by: Option<&Hand>, said: Said) -> Committed {
    let mut signing = Signing::default();
    if let Some(hand) = by {
        signing.by = Some(hand);
    }
    log.commit_signed(store, at(10), signing, |_, _| {
        Ok(said.iter().map(|(op, phase, details)| entry("ann", *op, *phase, details.clone())).collect())
    })
}

/// Writes as somebody does who has another program: whatever it is, it is there.
pub(super) fn force(
    store: &dyn Store,
    by: Option<&Hand>,
    spoil: bool,
    said: (Op, Phase, Json<'static>),
) -> Void {
    force_at(at(10), store, by, spoil, said)
}

pub(super) fn force_at(
    time: Timestamp,
    store: &dyn Store,
    by: Option<&Hand>,
    spoil: bool,
    said: (Op, Phase, Json<'static>),
) -> Void {
    let mut log = Log::open(store).unwrap();
    let next = Next { head: log.head(), time, signer: by.map(Hand::print) };
    let mut record = next.record(entry("mallory", said.0, said.1, said.2));
    let message = record.operator_message();
    if let (Some(signed), Some(hand)) = (&mut record.signed_by, by) {
        let mut signature = hand.sign(&message).unwrap();
        if spoil {
            *signature.last_mut().unwrap() ^= 1;
        }
        signed.signature = Some(signature);
    }
    store.create(&Log::file(log.commits() + 1), &record.line()).unwrap();
    log.catch_up(store).unwrap();
    assert_eq!(log.head(), record.head());
    log.void().last().unwrap().clone()
}

pub(super) fn checked() -> (Op, Phase, Json<'static>) {
    (Op::Check, Phase::Done, nothing())
}

/// A log with a founder (1) who founded it, a depositor (2) and a recoverer (3).
pub(super) fn staffed() -> (MemoryStore, Log, [Hand; 3]) {
    let (store, mut log) = (MemoryStore::new(), Log::empty());
    let hands = [hand(1), hand(2), hand(3)];
    let founder = Some(&hands[0]);
    let all = vec![(Op::Operator, Phase::Done, add("flora", &hands[0], &Role::ALL))];
    write(&mut log, &store, founder, all).unwrap();
    write(&mut log, &store, founder, vec![(Op::Found, Phase::Intent, nothing())]).unwrap();
    write(&mut log, &store, founder, vec![(Op::Found, Phase::Done, signed(founded().done(2), 9))]).unwrap();
    let more = vec![
        (Op::Operator, Phase::Done, add("dave", &hands[1], &[Role::Depositor])),
        (Op::Operator, Phase::Done, add("rita", &hands[2], &[Role::Recoverer])),
    ];
    write(&mut log, &store, founder, more).unwrap();
    (store, log, hands)
}

pub(super) fn deposit_of(seq: u64) -> Said {
    vec![(Op::Generate, Phase::Intent, deposit(1).intent()), (Op::Generate, Phase::Done, backed(1).done(seq))]
}

/// Who signs such a record has another program: readers pass it over all the same.
#[test]
fn rules_of_the_fold_hold_for_whoever_signs() {
    let (store, mut log, [flora, dave, rita]) = staffed();
    let next = log.checkpoint().seq() + 1;
    write(&mut log, &store, Some(&dave), deposit_of(next)).unwrap();
    let card = CardId { quorum: founded().quorum, generation: 1, index: 2 };
    let told = |fate| (Op::Card, Phase::Done, CardChange { card, fate, reason: "r".to_owned() }.details());
    write(&mut log, &store, Some(&rita), vec![told(Fate::Stolen)]).unwrap();
    let unfit = |by: &Hand, said| match force(&store, Some(by), false, said).why {
        Unauthorised::Unfit(error) => *error,
        why => panic!("{why:?}"),
    };
    // A loss is taken back, or made less of, by a founder alone.
    for fate in [Fate::Found, Fate::Lost] {
        assert_eq!(unfit(&dave, told(fate)), StateError::Founder { index: 2, fate });
    }
    // Who writes a certificate is no witness of it: by the actor's name (mallory), or by that of the key.
    let certificate = |witness: &str| {
        let what = Remains::Card(card);
        let witnesses = vec!["Wim".to_owned(), witness.to_owned()];
        let one = Certificate { number: 1, what, reason: "r".to_owned(), witnesses };
        (Op::Destroy, Phase::Done, one.details())
    };
    for name in ["MALLORY", "Flora"] {
        assert_eq!(unfit(&flora, certificate(name)), StateError::Witness { name: name.to_owned() });
    }
    // And no key is retired by anybody but a founder.
    let retired = Retirement { name: deposit(1).name, reason: "r".to_owned() }.details();
    let role = Unauthorised::Role { name: "rita".to_owned(), role: Role::Founder };
    assert_eq!(force(&store, Some(&rita), false, (Op::Retire, Phase::Done, retired)).why, role);
    log.catch_up(&store).unwrap();
    assert_eq!((log.voids(), log.state().certificates().len()), (5, 0));
    assert_eq!(log.state().quorum().unwrap().cards[&2].gone, Some((at(10), Fate::Stolen)));
    assert!(log.state().keys()[&deposit(1).name].retired.is_none());
    // The same by who may say it counts.
    force_good(&store, &flora, told(Fate::Found));
    force_good(&store, &flora, certificate("Vera"));
    assert_eq!(Log::open(&store).unwrap().state().certificates().len(), 1);
}

fn force_good(store: &dyn Store, by: &Hand, said: (Op, Phase, Json<'static>)) {
    let mut log = Log::open(store).unwrap();
    let voids = log.voids();
    write(&mut log, store, Some(by), vec![said]).unwrap();
    assert_eq!(log.voids(), voids);
}

#[test]
fn what_operators_sign_counts_and_is_read_again() {
    let (store, mut log, [flora, dave, rita]) = staffed();
    write(&mut log, &store, Some(&dave), deposit_of(6)).unwrap();
    write(&mut log, &store, Some(&rita), vec![(Op::Recover, Phase::Intent, recovers())]).unwrap();
    write(&mut log, &store, Some(&rita), vec![(Op::Recover, Phase::Done, signed(proof(8).done(), 4))])
        .unwrap();
    write(&mut log, &store, Some(&flora), vec![checked()]).unwrap();
    let again = Log::open(&store).unwrap();
    assert_eq!((again.voids(), again.void(), again.checkpoint()), (0, &[][..], log.checkpoint()));
    assert_eq!((again.state().versions(), again.state().open().len()), (1, 0));
    assert_eq!(again.state().operators(), log.state().operators());
    // One signature for a commit: the first of the two lines has none of its own, and is covered.
    let commits: Vec<_> =
        records(&store).into_iter().filter(|record| record.seq == 6 || record.seq == 7).collect();
    let by =
        |record: &Record| record.signed_by.clone().map(|signed| (signed.key, signed.signature.is_some()));
    assert_eq!(
        commits.iter().map(by).collect::<Vec<_>>(),
        [Some((dave.print(), false)), Some((dave.print(), true))]
    );
    for record in records(&store) {
        assert_eq!(Record::read(&record.line()).unwrap(), record);
    }
}

#[test]
fn nobody_else_is_believed() {
    let (store, mut log, [_, dave, rita]) = staffed();
    let stranger = hand(9);
    let before = Log::open(&store).unwrap();
    let taken = deposit_of(6);
    // A writer is told before anything is written.
    let refused = |log: &mut Log, by: Option<&Hand>, said: Said| match write(log, &store, by, said) {
        Err(CommitError::Unauthorised(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&mut log, None, taken.clone()), Unauthorised::Unsigned);
    let key = stranger.print();
    assert_eq!(refused(&mut log, Some(&stranger), taken.clone()), Unauthorised::Stranger { key });
    let no_depositor = Unauthorised::Role { name: "rita".to_owned(), role: Role::Depositor };
    assert_eq!(refused(&mut log, Some(&rita), taken), no_depositor);
    let no_founder = Unauthorised::Role { name: "dave".to_owned(), role: Role::Founder };
    let more = vec![(Op::Operator, Phase::Done, add("eve", &stranger, &[Role::Founder]))];
    assert_eq!(refused(&mut log, Some(&dave), more), no_founder);
    assert_eq!(Log::open(&store).unwrap().checkpoint(), before.checkpoint());

    // What is written all the same keeps its place and changes nothing.
    let void = force(&store, None, false, checked());
    assert_eq!((void.seq, void.actor.as_str(), void.why), (6, "mallory", Unauthorised::Unsigned));
    assert_eq!(force(&store, Some(&stranger), false, checked()).why, Unauthorised::Stranger { key });
    let key = dave.print();
    let wrong = Unauthorised::Signature { key, name: Some("dave".to_owned()) };
    assert_eq!(force(&store, Some(&dave), true, checked()).why, wrong);
    let intent = (Op::Generate, Phase::Intent, deposit(1).intent());
    assert_eq!(force(&store, Some(&rita), false, intent).why, no_depositor);
    let me = (Op::Operator, Phase::Done, add("mallory", &stranger, &Role::ALL));
    assert_eq!(
        force(&store, Some(&stranger), false, me).why,
        Unauthorised::Stranger { key: stranger.print() }
    );
    // Details that a reader would refuse from an operator.
    force(&store, None, false, (Op::Found, Phase::Done, nothing()));
    let after = Log::open(&store).unwrap();
    assert_eq!((after.voids(), after.void().len(), after.checkpoint().seq()), (6, 6, 11));
    assert_eq!(after.state().operators(), before.state().operators());
    assert_eq!((after.state().versions(), after.state().open().len()), (0, 0));
    // And the escrow goes on.
    log.catch_up(&store).unwrap();
    write(&mut log, &store, Some(&dave), deposit_of(12)).unwrap();
    assert_eq!(Log::open(&store).unwrap().state().versions(), 1);
}

#[test]
fn the_time_of_a_strangers_record_stops_nobody() {
    let (store, mut log, [flora, ..]) = staffed();
    for time in ["9999-12-31T23:59:59Z", "2000-01-01T00:00:00Z"] {
        force_at(time.parse().unwrap(), &store, Some(&hand(9)), false, checked());
        write(&mut log, &store, Some(&flora), vec![checked()]).unwrap();
        assert_eq!(Log::open(&store).unwrap().last_time(), Some(at(10)));
    }
    assert_eq!(log.voids(), 2);
}

#[test]
fn a_key_that_is_revoked_or_replaced_signs_no_more() {
    let (store, mut log, [flora, dave, rita]) = staffed();
    let revoke = |hand: &Hand| {
        vec![(Op::Operator, Phase::Done, OperatorChange::Revoke { operator: hand.print() }.details())]
    };
    write(&mut log, &store, Some(&flora), revoke(&dave)).unwrap();
    let gone = Unauthorised::Revoked { key: dave.print(), name: "dave".to_owned(), by: 6 };
    assert_eq!(
        write(&mut log, &store, Some(&dave), deposit_of(7)),
        Err(CommitError::Unauthorised(gone.clone()))
    );
    assert_eq!(force(&store, Some(&dave), false, checked()).why, gone);
    log.catch_up(&store).unwrap();

    // A new key, agreed to by both: the old one signs the record, the new one consents in it.
    let new = hand(4);
    let replace = |log: &mut Log, by: &Hand, old: &Hand, new: &Hand, consenting: &Hand| {
        let signing = Signing { by: Some(by), ..Signing::default() };
        log.commit_signed(&store, at(10), signing, |_, next| {
            let mut change =
                OperatorChange::Replace { operator: old.print(), key: new.1.clone(), consent: None };
            let draft = next.record(entry("ann", Op::Operator, Phase::Done, change.details()));
            if let OperatorChange::Replace { consent, .. } = &mut change {
                *consent = Some(consenting.sign(&draft.consent_message())?);
            }
            Ok::<_, SignError>(vec![entry("ann", Op::Operator, Phase::Done, change.details())])
        })
    };
    let consent = Unauthorised::Consent { key: new.print(), name: "rita".to_owned() };
    assert_eq!(replace(&mut log, &rita, &rita, &new, &rita), Err(CommitError::Unauthorised(consent)));
    replace(&mut log, &rita, &rita, &new, &new).unwrap();
    let operators = log.state().operators().clone();
    assert_eq!((operators.named("rita").unwrap().0, operators.active().count()), (&new.print(), 2));
    assert_eq!(operators.get(&new.print()).unwrap().roles, [Role::Recoverer].into());
    assert!(write(&mut log, &store, Some(&rita), vec![checked()]).is_err());
    write(&mut log, &store, Some(&new), vec![checked()]).unwrap();
    // Nobody gets another one's key replaced without being a founder.
    let other = hand(5);
    let role = Unauthorised::Role { name: "rita".to_owned(), role: Role::Founder };
    assert_eq!(replace(&mut log, &new, &flora, &other, &other), Err(CommitError::Unauthorised(role)));
    assert_eq!(Log::open(&store).unwrap().state().operators(), log.state().operators());
}

#[test]
fn nobody_is_locked_out() {
    let (store, mut log, [flora, dave, _]) = staffed();
    let change = |details| vec![(Op::Operator, Phase::Done, details)];
    let refusal = |done: Committed| match done {
        Err(CommitError::Unfit(LogError::State { error: StateError::Operators(error), .. })) => error,
        other => panic!("{other:?}"),
    };
    let last = OperatorError::LastFounder { name: "flora".to_owned() };
    let revoked = OperatorChange::Revoke { operator: flora.print() }.details();
    assert_eq!(refusal(write(&mut log, &store, Some(&flora), change(revoked.clone()))), last);
    let less = change(add("flora", &flora, &[Role::Auditor]));
    assert_eq!(refusal(write(&mut log, &store, Some(&flora), less.clone())), last);
    // With another founder there, both are fine.
    write(&mut log, &store, Some(&flora), change(add("dave", &dave, &[Role::Founder, Role::Depositor])))
        .unwrap();
    write(&mut log, &store, Some(&flora), less).unwrap();
    write(&mut log, &store, Some(&dave), change(revoked)).unwrap();
    let used = OperatorError::Used { key: flora.print() };
    let back = change(add("flora", &flora, &[Role::Auditor]));
    assert_eq!(refusal(write(&mut log, &store, Some(&dave), back)), used);
    let taken = OperatorError::Taken { key: dave.print(), name: "dave".to_owned() };
    assert_eq!(refusal(write(&mut log, &store, Some(&dave), change(add("david", &dave, &Role::ALL)))), taken);
    let named = OperatorError::Named { name: "dave".to_owned() };
    assert_eq!(
        refusal(write(&mut log, &store, Some(&dave), change(add("dave", &hand(7), &Role::ALL)))),
        named
    );
}

#[test]
fn the_first_operator_signs_for_itself() {
    let (store, log) = small();
    let (one, two) = (hand(1), hand(2));
    let first = |hand: &Hand, roles: &[Role]| vec![(Op::Operator, Phase::Done, add("flora", hand, roles))];
    for (by, said, why) in [
        (None, first(&one, &Role::ALL), Unauthorised::Unsigned),
        (Some(&one), first(&one, &[Role::Auditor]), Unauthorised::First),
        (Some(&two), first(&one, &Role::ALL), Unauthorised::First),
        (Some(&two), vec![checked()], Unauthorised::Stranger { key: two.print() }),
    ] {
        let done = write(&mut log.clone(), &store, by, said);
        assert_eq!(done, Err(CommitError::Unauthorised(why)));
    }
    // What was written before stands as it is, and nothing after it goes unsigned.
    let mut log = log;
    write(&mut log, &store, Some(&one), first(&one, &Role::ALL)).unwrap();
    assert_eq!(log.state().versions(), 1);
    assert!(say(&mut log, &store, 20, vec![checked()]).is_err());
    let signing = Signing { even_void: true, ..Signing::default() };
    let entries =
        |_: &State, _: &Next| Ok::<_, Infallible>(vec![entry("ann", Op::Recover, Phase::Intent, recovers())]);
    log.commit_signed(&store, at(20), signing, entries).unwrap();
    assert_eq!((log.voids(), log.state().open().len()), (1, 0));
    let allowed = log.state().operators().allowed_signers();
    assert_eq!(
        allowed,
        format!("flora namespaces=\"quorate-log@v1\",valid-after=\"20261123200010Z\" {}\n", one.1)
    );
}

#[test]
fn of_two_writers_at_once_the_second_signs_again() {
    let (store, mut early, [flora, dave, _]) = staffed();
    let mut late = early.clone();
    assert_eq!(write(&mut early, &store, Some(&flora), vec![checked()]).unwrap().seq(), 6);
    let begun = vec![(Op::Generate, Phase::Intent, deposit(1).intent())];
    assert_eq!(write(&mut late, &store, Some(&dave), begun).unwrap().seq(), 7);
    // Revoked while the other one was about to write.
    early.catch_up(&store).unwrap();
    let revoked = OperatorChange::Revoke { operator: dave.print() }.details();
    write(&mut early, &store, Some(&flora), vec![(Op::Operator, Phase::Done, revoked)]).unwrap();
    assert!(matches!(
        write(&mut late, &store, Some(&dave), vec![checked()]),
        Err(CommitError::Unauthorised(Unauthorised::Revoked { by: 8, .. }))
    ));
    let log = Log::open(&store).unwrap();
    assert_eq!((log.voids(), log.checkpoint().seq(), log.state().open().len()), (0, 8, 1));
}

#[test]
fn every_bit_of_a_signed_record_is_signed() {
    let (store, _, _) = staffed();
    let (first, before) = (bytes(&store, 1), Log::open(&store).unwrap());
    for bit in 0..first.len() * 8 {
        let mut other = first.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        store.tamper(&Log::file(1), Some(other));
        match Log::open(&store) {
            Err(_) => {}
            Ok(log) => panic!("bit {bit}: {:?} instead of {:?}", log.checkpoint(), before.checkpoint()),
        }
    }
    // In the last record no later one tells: it is void, or no record.
    store.tamper(&Log::file(1), Some(first));
    let last = bytes(&store, 4);
    for bit in 0..last.len() * 8 {
        let mut other = last.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        store.tamper(&Log::file(4), Some(other));
        if let Ok(log) = Log::open(&store) {
            assert!(log.voids() > 0, "bit {bit}");
        }
    }
}
