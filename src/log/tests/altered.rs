//! Logs that somebody, or some disk, has changed.

use super::*;
use std::io::Write as _;

/// The small log with file `number` replaced.
fn with(number: u64, bytes: Vec<u8>) -> MemoryStore {
    let (store, _) = small();
    store.tamper(&Log::file(number), Some(bytes));
    store
}

fn error(store: &dyn Store) -> LogError {
    Log::open(store).unwrap_err()
}

fn broken(number: u64, line: usize) -> LogError {
    LogError::Broken { name: Log::file(number), line }
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn every_altered_bit_is_found() {
    let (whole, log) = small();
    let sweep = |number: u64| {
        let store = small().0;
        let bytes = bytes(&whole, number);
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut altered = bytes.clone();
                altered[place] ^= 1 << bit;
                store.tamper(&Log::file(number), Some(altered));
                match Log::open(&store) {
                    // At this file, or at the one behind it, which names what stood here.
                    Err(error) => {
                        let error = error.to_string();
                        let near = [number, number + 1].map(|near| error.contains(&Log::file(near)));
                        assert!(near[0] || near[1], "{error}");
                    }
                    // Nothing is behind the last record but a checkpoint on paper.
                    Ok(_) => {
                        assert_eq!(number, 5, "byte {place} bit {bit}");
                        let rewritten = Err(CheckpointError::Rewritten { seq: 7 });
                        assert_eq!(Log::holds(&store, &log.checkpoint()).unwrap(), rewritten);
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| [1, 2, 4].into_iter().for_each(sweep));
        [3, 5].into_iter().for_each(sweep);
    });
}

#[test]
fn every_cut_is_found() {
    let (whole, log) = small();
    for number in 1..=5 {
        let bytes = bytes(&whole, number);
        for length in 0..bytes.len() {
            let store = with(number, bytes[..length].to_vec());
            let ended = length > 0 && bytes[length - 1] == b'\n';
            match Log::open(&store) {
                Err(LogError::Torn { name }) => assert!(!ended && name == Log::file(number)),
                // Whole lines are missing: the next file doesn't continue what is left.
                Err(found) => assert!(ended && found == broken(number + 1, 1), "{found}"),
                Ok(_) => panic!("file {number} cut to {length}"),
            }
        }
    }
    // Whole lines of the last file can go unseen, but for a checkpoint.
    let (store, _) = small();
    store.tamper(&Log::file(4), None);
    store.tamper(&Log::file(5), None);
    store.tamper(&Log::file(3), Some(lines(&bytes(&whole, 3))[..2].concat()));
    let rolled_back = CheckpointError::RolledBack { seq: 7, last: 4 };
    assert_eq!(Log::holds(&store, &log.checkpoint()).unwrap(), Err(rolled_back));
}

#[test]
fn records_that_are_removed_added_or_moved_are_found() {
    let third = lines(&bytes(&small().0, 3));
    let [one, two, three] = [0, 1, 2].map(|line| third[line].clone());
    let opened = |lines: &[&Vec<u8>]| {
        let lines: Vec<u8> = lines.iter().flat_map(|line| line.to_vec()).collect();
        error(&with(3, lines))
    };
    assert_eq!(opened(&[&two, &three]), broken(3, 1));
    assert_eq!(opened(&[&one, &three]), broken(3, 2));
    assert_eq!(opened(&[&one, &two]), broken(4, 1));
    assert_eq!(opened(&[&one, &one, &two, &three]), broken(3, 2));
    assert_eq!(opened(&[&one, &two, &two, &three]), broken(3, 3));
    assert_eq!(opened(&[&one, &two, &three, &three]), broken(3, 4));
    assert_eq!(opened(&[&two, &one, &three]), broken(3, 1));
    assert_eq!(opened(&[&one, &three, &two]), broken(3, 2));
    let empty = opened(&[&one, &b"\n".to_vec(), &two, &three]);
    assert!(matches!(empty, LogError::Record { line: 2, .. }));
    let all = bytes(&small().0, 3);
    let windows = String::from_utf8(all).unwrap().replace('\n', "\r\n");
    assert!(matches!(error(&with(3, windows.into_bytes())), LogError::Record { line: 1, .. }));
}

#[test]
fn files_that_are_missing_or_change_places_are_found() {
    for number in 1..5 {
        let (store, _) = small();
        store.tamper(&Log::file(number), None);
        assert_eq!(error(&store), LogError::Gap { missing: Log::file(number) });
        if number == 1 {
            // Nor is another beginning put before what is left.
            let refused = check(&mut Log::empty(), &store, "ann").unwrap_err();
            assert_eq!(refused, CommitError::Log(LogError::Gap { missing: Log::file(1) }));
        }
        let (store, _) = small();
        let [this, next] = [number, number + 1].map(|number| bytes(&store, number));
        store.tamper(&Log::file(number), Some(next));
        store.tamper(&Log::file(number + 1), Some(this));
        assert_eq!(error(&store), broken(number, 1));
    }
}

#[test]
fn foreign_files_are_named() {
    for name in [
        "log/notes.txt",
        "log/1.jsonl",
        "log/+00000000001.jsonl",
        "log/000000000000.jsonl",
        "log/000000000001.json",
        "log/000000000001.jsonl.bak",
        "log/0000000000001.jsonl",
        "log/00000000000a.jsonl",
        "log/000000000001",
        "log/zz/000000000001.jsonl",
    ] {
        let (store, _) = small();
        store.tamper(name, Some(vec![]));
        let shown = if name.starts_with("log/zz") { "log/zz" } else { name };
        assert_eq!(error(&store), LogError::Foreign { name: shown.to_owned() });
    }
    let (store, log) = small();
    store.tamper("log/.tmp-0011223344556677", Some(vec![]));
    assert_eq!(Log::open(&store).unwrap().checkpoint(), log.checkpoint());
}

#[test]
fn what_a_later_program_wrote_is_named() {
    let (whole, _) = small();
    let line = String::from_utf8(bytes(&whole, 5)).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(line.contains(from), "{line}");
        error(&with(5, line.replace(from, to).into_bytes()))
    };
    let later = |found: &str| LogError::Record {
        name: Log::file(5),
        line: 1,
        error: RecordError::Later { found: found.to_owned() },
    };
    assert_eq!(changed("\"op\":\"recover\"", "\"op\":\"reshare\""), later("reshare"));
    assert_eq!(changed("quorate/v1/log", "quorate/v2/log"), later("quorate/v2/log"));
    assert_eq!(changed("\"recover\"", &format!("\"{}\"", "x".repeat(90))), later(&"x".repeat(40)));
    let unknown = changed("\"op\":", "\"oddity\":1,\"op\":");
    assert!(matches!(unknown, LogError::Record { error: RecordError::Json(_), .. }));
}

#[test]
fn a_record_that_contradicts_the_others_is_named_even_in_a_good_chain() {
    // The chain is made anew around a key that nobody began to back up, and one that was begun as another.
    let entries = |said: Said| {
        let (store, log) = small();
        let entries = said.into_iter().map(|(op, phase, details)| entry("ann", op, phase, details)).collect();
        store.tamper(&Log::file(6), Some(unsigned(&log, at(9), entries)));
        error(&store)
    };
    let state = |line, error| LogError::State { name: Log::file(6), line, error };
    let no_intent = |intent| StateError::NoIntent { intent };
    let forged = entries(vec![(Op::Generate, Phase::Done, backed(2).done(8))]);
    assert_eq!(forged, state(1, no_intent(8)));
    let forged = entries(vec![
        (Op::Generate, Phase::Intent, deposit(2).intent()),
        (Op::Generate, Phase::Done, backed(1).done(8)),
    ]);
    assert_eq!(forged, state(2, no_intent(8)));
    let again = entries(vec![(Op::Generate, Phase::Intent, deposit(1).intent())]);
    let version = StateError::Version { name: deposit(1).name, version: deposit(1).version };
    assert_eq!(again, state(1, version.clone()));
    let recovered = |edit: &dyn Fn(&mut Proof)| {
        let mut proof = proof(8);
        edit(&mut proof);
        entries(vec![
            (Op::Recover, Phase::Intent, recovers()),
            (Op::Recover, Phase::Done, signed(proof.done(), 4)),
        ])
    };
    let other = Fingerprint::parse(&"5b".repeat(32)).unwrap();
    assert_eq!(recovered(&|proof| proof.fingerprint = other), state(2, version.clone()));
    assert_eq!(recovered(&|proof| proof.quorum = QuorumId::from_bytes([1; 10])), state(2, version));
    // Time runs backwards.
    let (store, log) = small();
    let early = unsigned(&log, at(3), vec![entry("ann", Op::Check, Phase::Done, nothing())]);
    store.tamper(&Log::file(6), Some(early));
    assert_eq!(error(&store), broken(6, 1));
}

#[test]
fn what_is_too_long_is_not_read() {
    let long = [vec![b'a'; 70_000], b"\n".to_vec()].concat();
    let name = Log::file(2);
    let wanted = LogError::Record { name, line: 1, error: RecordError::TooLong };
    assert_eq!(error(&with(2, long)), wanted);

    let place = tempfile::tempdir().unwrap();
    let store = FolderStore::new(place.path());
    let mut log = Log::empty();
    check(&mut log, &store, "ann").unwrap();
    let mut huge = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(place.path().join(Log::file(2)))
        .unwrap();
    huge.write_all(b"{").unwrap();
    huge.set_len(1 << 30).unwrap();
    let too_long = StoreError::TooLong { name: Log::file(2), limit: LONGEST_COMMIT };
    assert_eq!(error(&store), LogError::Store(too_long.clone()));
    assert_eq!(check(&mut log, &store, "ann"), Err(CommitError::Log(LogError::Store(too_long))));
}

#[test]
fn a_link_in_the_place_of_a_commit_is_not_followed() {
    let place = tempfile::tempdir().unwrap();
    let store = FolderStore::new(place.path());
    check(&mut Log::empty(), &store, "ann").unwrap();
    std::os::unix::fs::symlink(place.path().join(Log::file(1)), place.path().join(Log::file(2))).unwrap();
    let name = Log::file(2);
    assert_eq!(error(&store), LogError::Store(StoreError::NotAFile { name }));
}
