//! What somebody can do who may write the folder, or who is an operator and means ill: files that are
//! joined or cut, records that fit nothing, times of the future. Nothing of it counts, and nothing stops
//! the others.

use super::operators::*;
use super::*;

/// The lines of the last commit, one by one.
fn pieces(store: &MemoryStore, number: u64) -> Vec<Vec<u8>> {
    bytes(store, number).split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn whole(log: &Log) -> String {
    format!("{:?}", log.state())
}

#[test]
fn a_strangers_line_is_not_covered_by_what_is_written_after_it() {
    // The line names the founder's key, and the founder writes next: one record, or several.
    let many = |from: u64| {
        let mut said = deposit_of(from);
        said.push(checked());
        said
    };
    for several in [false, true] {
        let (store, mut log, [flora, ..]) = staffed();
        let mallory = hand(9);
        let next = Next { head: log.head(), time: at(10), signer: Some(flora.print()) };
        let line = next.record(entry("m", Op::Operator, Phase::Done, add("mallory", &mallory, &Role::ALL)));
        store.create(&Log::file(log.commits() + 1), &line.line()).unwrap();
        log.catch_up(&store).unwrap();
        assert_eq!((log.voids(), log.last_void()), (1, Some(6)));
        let said = if several { many(7) } else { vec![checked()] };
        write(&mut log, &store, Some(&flora), said).unwrap();
        let (own, all) = (whole(&log), log.commits());
        assert!(log.state().operators().named("mallory").is_none());
        // Now the two files become one.
        let joined = [bytes(&store, all - 1), bytes(&store, all)].concat();
        store.tamper(&Log::file(all - 1), Some(joined));
        store.tamper(&Log::file(all), None);
        let again = Log::open(&store).unwrap();
        assert_eq!((again.voids(), again.commits(), again.head()), (1, all - 1, log.head()));
        assert_eq!(whole(&again), own);
        assert_eq!(again.void()[0].why, log.void()[0].why);
        // And all of them, in one file or in pairs.
        let files: Vec<Vec<u8>> = (1..all).map(|number| bytes(&store, number)).collect();
        for at_once in 2..=files.len() {
            let other = MemoryStore::new();
            for (number, part) in (1..).zip(files.chunks(at_once)) {
                other.create(&Log::file(number), &part.concat()).unwrap();
            }
            let joined = Log::open(&other).unwrap();
            assert_eq!((whole(&joined), joined.voids(), joined.head()), (own.clone(), 1, log.head()));
        }
    }
}

/// A record that a hand signs, whatever it says of where its commit begins.
fn signed_by(
    log: &Log,
    hand: &Hand,
    from: Option<u64>,
    time: Timestamp,
    said: (Op, Phase, Json<'static>),
) -> Record {
    let next = Next { head: log.head(), time, signer: Some(hand.print()) };
    let mut record = next.record(entry("x", said.0, said.1, said.2));
    record.signed_by = Some(SignedBy { key: hand.print(), from, signature: None });
    let signature = Some(hand.sign(&record.operator_message()).unwrap());
    record.signed_by = Some(SignedBy { key: hand.print(), from, signature });
    record
}

#[test]
fn a_commit_that_was_cut_apart_is_refused() {
    let (store, mut log, [_, dave, _]) = staffed();
    write(&mut log, &store, Some(&dave), deposit_of(6)).unwrap();
    let (last, lines) = (log.commits(), pieces(&store, log.commits()));
    store.tamper(&Log::file(last), Some(lines[0].clone()));
    store.tamper(&Log::file(last + 1), Some(lines[1].clone()));
    let cut = LogError::Cut { name: Log::file(last + 1), from: 6 };
    assert_eq!(Log::open(&store).err(), Some(cut));
    // A key that nobody knows cuts nothing: its line is a stranger's.
    let (store, log, _) = staffed();
    let line = signed_by(&log, &hand(9), Some(5), at(10), checked());
    store.create(&Log::file(log.commits() + 1), &line.line()).unwrap();
    assert_eq!(Log::open(&store).unwrap().voids(), 1);
}

/// Every way to lay the same records into files either is refused or means the same. So nobody can plant a
/// record that counts only when files are joined later, nor void one by cutting them.
#[test]
fn every_layout_that_is_taken_means_the_same() {
    let (store, mut log, [flora, dave, rita]) = staffed();
    // Bare lines in others' names.
    for hand in [&flora, &dave] {
        let next = Next { head: log.head(), time: at(10), signer: Some(hand.print()) };
        let line = next.record(entry("m", Op::Check, Phase::Done, nothing())).line();
        store.create(&Log::file(log.commits() + 1), &line).unwrap();
        log.catch_up(&store).unwrap();
    }
    let next = log.head().seq + 1;
    write(&mut log, &store, Some(&dave), deposit_of(next)).unwrap();
    write(&mut log, &store, Some(&rita), vec![checked(), checked()]).unwrap();
    let revoke = OperatorChange::Revoke { operator: rita.print() }.details();
    write(&mut log, &store, Some(&flora), vec![(Op::Operator, Phase::Done, revoke)]).unwrap();
    force(&store, Some(&rita), false, checked());
    let before = Log::open(&store).unwrap();
    let lines: Vec<Vec<u8>> = (1..=before.commits()).flat_map(|number| pieces(&store, number)).collect();
    let (mut taken, mut refused) = (0, 0);
    for cuts in 0_u32..1 << (lines.len() - 1) {
        let mut files = vec![Vec::new()];
        for (place, line) in lines.iter().enumerate() {
            files.last_mut().unwrap().extend_from_slice(line);
            if place + 1 < lines.len() && cuts & (1 << place) != 0 {
                files.push(Vec::new());
            }
        }
        let other = MemoryStore::new();
        for (number, file) in (1..).zip(files) {
            other.create(&Log::file(number), &file).unwrap();
        }
        match Log::open(&other) {
            Ok(read) => {
                assert_eq!(read.head(), before.head());
                assert_eq!((whole(&read), read.void()), (whole(&before), before.void()), "{cuts:b}");
                taken += 1;
            }
            Err(LogError::Cut { .. }) => refused += 1,
            Err(error) => panic!("{cuts:b}: {error}"),
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} {refused}");
}

#[test]
fn nothing_can_be_planted_that_counts_when_files_are_joined() {
    let late = "9999-12-31T23:59:59Z".parse().unwrap();
    for (roles, time) in [(&[Role::Founder][..], at(10)), (&[Role::Auditor], late)] {
        let (store, mut log, [flora, ..]) = staffed();
        let (xena, other) = (hand(20), hand(21));
        write(&mut log, &store, Some(&flora), vec![(Op::Operator, Phase::Done, add("xena", &xena, roles))])
            .unwrap();
        // A change of her own key that says to end a commit which began one record before.
        let change = |consent| {
            OperatorChange::Replace { operator: xena.print(), key: other.1.clone(), consent }.details()
        };
        let next = Next { head: log.head(), time, signer: Some(xena.print()) };
        let draft = next.record(entry("x", Op::Operator, Phase::Done, change(None)));
        let consent = other.sign(&draft.consent_message()).unwrap();
        let (seq, place) = (log.head().seq, log.commits());
        let said = (Op::Operator, Phase::Done, change(Some(consent)));
        let line = signed_by(&log, &xena, Some(seq), time, said).line();
        let name = Log::file(place + 1);
        store.create(&name, &line).unwrap();
        assert_eq!(Log::open(&store).err(), Some(LogError::Cut { name, from: seq }));
        // In one file with the record before it, it is what she says, now and for ever.
        let joined = [bytes(&store, place), line].concat();
        store.tamper(&Log::file(place), Some(joined));
        store.tamper(&Log::file(place + 1), None);
        let read = Log::open(&store).unwrap();
        assert_eq!(read.state().operators().named("xena").map(|(key, _)| *key), Some(other.print()));
    }
}

#[test]
fn where_a_commit_begins_has_one_spelling() {
    let (store, mut log, [_, dave, _]) = staffed();
    write(&mut log, &store, Some(&dave), deposit_of(6)).unwrap();
    let line = String::from_utf8(pieces(&store, log.commits())[1].clone()).unwrap();
    assert!(line.contains("\"operator_from\":6,"));
    for other in ["0", "7", "8"] {
        let other = line.replace("\"operator_from\":6,", &format!("\"operator_from\":{other},"));
        assert!(Record::read(other.as_bytes()).is_err());
    }
    let first = String::from_utf8(pieces(&store, log.commits())[0].clone()).unwrap();
    assert!(!first.contains("operator_from"));
    // Who signs nothing begins nothing.
    let named = first.replace("\"phase\"", "\"operator_from\":5,\"phase\"");
    assert!(Record::read(named.as_bytes()).is_err());
}

#[test]
fn an_operator_who_writes_nonsense_stops_nobody() {
    let (store, mut log, [flora, dave, rita]) = staffed();
    write(&mut log, &store, Some(&dave), deposit_of(6)).unwrap();
    write(&mut log, &store, Some(&rita), vec![(Op::Recover, Phase::Intent, recovers())]).unwrap();
    let own = whole(&log);
    let ends = |intent: u64| object([("intent", Some(Json::Number(intent)))]);
    let mut other = proof(8);
    other.name = "another".parse().unwrap();
    let nonsense = [
        (&flora, Op::Found, Phase::Done, nothing()),
        (&flora, Op::Found, Phase::Done, signed(founded().done(8), 1)),
        (&dave, Op::Generate, Phase::Intent, nothing()),
        (&dave, Op::Generate, Phase::Intent, deposit(3).intent()),
        (&dave, Op::Generate, Phase::Done, backed(2).done(8)),
        (&dave, Op::Add, Phase::Failed, ends(8)),
        (&rita, Op::Recover, Phase::Done, nothing()),
        (&rita, Op::Recover, Phase::Done, signed(other.done(), 1)),
        (&rita, Op::Recover, Phase::Done, ends(8)),
        (&rita, Op::Salvage, Phase::Done, ends(8)),
        (&rita, Op::Drill, Phase::Done, ends(8)),
        (&rita, Op::Drill, Phase::Intent, nothing()),
        (&rita, Op::Close, Phase::Done, nothing()),
        (&rita, Op::Package, Phase::Done, nothing()),
        (&rita, Op::Import, Phase::Done, nothing()),
        (&rita, Op::Report, Phase::Done, nothing()),
        (&rita, Op::Check, Phase::Intent, nothing()),
        (&flora, Op::Operator, Phase::Done, nothing()),
        (&flora, Op::Operator, Phase::Done, OperatorChange::Revoke { operator: flora.print() }.details()),
        (&flora, Op::Operator, Phase::Done, OperatorChange::Acknowledge { upto: 3, void: [0; 32] }.details()),
    ];
    for (count, (hand, op, phase, details)) in (1..).zip(nonsense) {
        let void = force(&store, Some(hand), false, (op, phase, details.clone()));
        assert!(matches!(void.why, Unauthorised::Unfit(_)), "{op} {phase}: {:?}", void.why);
        // A writer is told before.
        log.catch_up(&store).unwrap();
        let refused = write(&mut log, &store, Some(hand), vec![(op, phase, details)]);
        assert!(matches!(refused, Err(CommitError::Unfit(_))), "{refused:?}");
        assert_eq!((whole(&log), log.voids()), (own.clone(), count), "{op} {phase}");
    }
    let next = log.head().seq + 1;
    write(&mut log, &store, Some(&dave), deposit_again(next)).unwrap();
    assert_eq!(Log::open(&store).unwrap().state().versions(), 2);
}

fn deposit_again(seq: u64) -> Said {
    vec![(Op::Generate, Phase::Intent, deposit(2).intent()), (Op::Generate, Phase::Done, backed(2).done(seq))]
}

#[test]
fn a_record_of_the_future_stops_nobody_for_long() {
    let (store, mut log, [flora, dave, _]) = staffed();
    let future = "9999-12-31T23:59:59Z".parse().unwrap();
    // An operator, by mistake or not.
    let mut late = log.clone();
    let said =
        |_: &State, _: &Next| Ok::<_, Infallible>(vec![entry("dave", Op::Check, Phase::Done, nothing())]);
    late.commit_signed(&store, future, Signing { by: Some(&dave), ..Signing::default() }, said).unwrap();
    log.catch_up(&store).unwrap();
    let stopped = write(&mut log, &store, Some(&flora), vec![checked()]);
    assert!(matches!(stopped, Err(CommitError::Clock { .. })));
    // What is written with the right time all the same doesn't count, unless a founder sets the clock.
    assert_eq!(
        force(&store, Some(&dave), false, checked()).why,
        Unauthorised::Time { time: at(10), last: future }
    );
    let set = || (Op::Operator, Phase::Done, OperatorChange::Clock.details());
    let role = Unauthorised::Role { name: "dave".to_owned(), role: Role::Founder };
    assert_eq!(force(&store, Some(&dave), false, set()).why, role);
    log.catch_up(&store).unwrap();
    let founder = Signing { by: Some(&flora), sets_clock: true, ..Signing::default() };
    let clock = |_: &State, _: &Next| {
        let (op, phase, details) = set();
        Ok::<_, Infallible>(vec![entry("flora", op, phase, details)])
    };
    log.commit_signed(&store, at(20), founder, clock).unwrap();
    let revoke = OperatorChange::Revoke { operator: dave.print() }.details();
    write(&mut log, &store, Some(&flora), vec![(Op::Operator, Phase::Done, revoke)]).unwrap();
    let again = Log::open(&store).unwrap();
    assert_eq!((again.last_time(), again.voids()), (Some(at(20)), 2));
    assert!(again.state().operators().named("dave").is_none());
}

#[test]
fn what_does_not_count_is_acknowledged_by_a_founder() {
    let (store, mut log, [flora, dave, _]) = staffed();
    force(&store, None, false, checked());
    force(&store, None, false, checked());
    log.catch_up(&store).unwrap();
    assert_eq!((log.voids(), log.unacknowledged(), log.last_void()), (2, 2, Some(7)));
    let known = |upto: u64, void: [u8; 32]| {
        vec![(Op::Operator, Phase::Done, OperatorChange::Acknowledge { upto, void }.details())]
    };
    let digest = log.void_digest();
    for (upto, void) in [(6, digest), (7, [0; 32])] {
        let other = OperatorError::Acknowledge { upto };
        assert!(matches!(
            write(&mut log, &store, Some(&flora), known(upto, void)),
            Err(CommitError::Unfit(LogError::State { error: StateError::Operators(error), .. })) if error == other
        ));
    }
    assert!(matches!(
        write(&mut log, &store, Some(&dave), known(7, digest)),
        Err(CommitError::Unauthorised(Unauthorised::Role { .. }))
    ));
    write(&mut log, &store, Some(&flora), known(7, digest)).unwrap();
    let again = Log::open(&store).unwrap();
    assert_eq!((again.voids(), again.unacknowledged(), again.void()), (2, 0, &[][..]));
    // The next one is news, and is named.
    let void = force(&store, None, false, checked());
    let again = Log::open(&store).unwrap();
    assert_eq!((again.voids(), again.unacknowledged(), again.last_void()), (3, 1, Some(9)));
    assert_eq!(again.void(), [void]);
}

/// Only so many are kept, and each later one is still refused for its own reason.
#[test]
fn after_many_void_records_the_reason_is_right() {
    let (store, mut log, [_, _, rita]) = staffed();
    let mut lines = Vec::new();
    let mut next = Next { head: log.head(), time: at(10), signer: None };
    for _ in 0..=VOID {
        let record = next.record(entry("m", Op::Check, Phase::Done, nothing()));
        next.head = record.head();
        lines.extend_from_slice(&record.line());
    }
    store.create(&Log::file(log.commits() + 1), &lines).unwrap();
    log.catch_up(&store).unwrap();
    assert_eq!((log.voids(), log.void().len()), (1001, VOID));
    let role = Unauthorised::Role { name: "rita".to_owned(), role: Role::Depositor };
    let next = log.head().seq + 1;
    let refused = write(&mut log, &store, Some(&rita), deposit_of(next));
    assert_eq!(refused, Err(CommitError::Unauthorised(role)));
}

/// Whatever an operator writes, the log opens, and what doesn't count changes nothing.
#[test]
fn any_record_of_an_operator_is_folded_or_void() {
    let (store, log, hands) = staffed();
    let whole_before = whole(&log);
    let details = [
        nothing(),
        object([("intent", Some(Json::Number(2)))]),
        object([("intent", Some(Json::Number(6)))]),
        deposit(1).intent(),
        recovers(),
        backed(1).done(6),
    ];
    let mut seen = 0;
    for op in [
        "found", "generate", "add", "recover", "check", "salvage", "close", "package", "import", "drill",
        "report", "operator",
    ] {
        for phase in [Phase::Intent, Phase::Done, Phase::Failed, Phase::Abandoned] {
            for (hand, details) in hands.iter().flat_map(|hand| details.iter().map(move |one| (hand, one))) {
                let next = Next { head: log.head(), time: at(10), signer: Some(hand.print()) };
                let mut record = next.record(entry("x", Op::Check, phase, details.clone()));
                let line =
                    String::from_utf8(record.line()).unwrap().replace("\"check\"", &format!("\"{op}\""));
                record = Record::read(line.as_bytes()).unwrap();
                let signature = Some(hand.sign(&record.operator_message()).unwrap());
                record.signed_by = record.signed_by.map(|signed| SignedBy { signature, ..signed });
                store.tamper(&Log::file(log.commits() + 1), Some(record.line()));
                let read = Log::open(&store).unwrap();
                assert_eq!(read.head(), record.head());
                if read.voids() > 0 {
                    assert_eq!(whole(&read), whole_before, "{op} {phase}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 500, "{seen}");
}
