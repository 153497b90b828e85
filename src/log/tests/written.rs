//! Writing: by many at once, into stores that fail, with clocks that differ.

use super::*;
use crate::store::{Fault, FaultyStore};
use std::sync::atomic::{AtomicU8, Ordering};

fn all_at_once(store: &dyn Store, writers: usize, each: usize) {
    check(&mut Log::empty(), store, "first").unwrap();
    std::thread::scope(|scope| {
        for writer in 0..writers {
            scope.spawn(move || {
                let mut log = Log::open(store).unwrap();
                for n in 0..each {
                    let seq = check(&mut log, store, &format!("writer {writer} record {n}")).unwrap().seq();
                    assert_eq!(seq, log.checkpoint().seq());
                }
            });
        }
    });
    let log = Log::open(store).unwrap();
    let records = records(store);
    assert_eq!(log.commits(), 1 + (writers * each) as u64);
    assert_eq!(records.len(), 1 + writers * each);
    assert!((1..).zip(&records).all(|(seq, record)| record.seq == seq));
    for writer in 0..writers {
        for n in 0..each {
            let actor = format!("writer {writer} record {n}");
            assert_eq!(records.iter().filter(|record| record.entry.actor == actor).count(), 1, "{actor}");
        }
    }
}

#[test]
fn all_of_many_writers_are_in_the_log_once() {
    all_at_once(&MemoryStore::new(), 16, 4);
    let place = tempfile::tempdir().unwrap();
    all_at_once(&FolderStore::new(place.path()), 16, 2);
    let names = FolderStore::new(place.path()).list(FOLDER).unwrap();
    assert!(names.iter().all(|name| name.ends_with(".jsonl")), "{names:?}");
}

#[test]
fn a_proposal_sees_what_others_wrote_first() {
    let store = MemoryStore::new();
    let mut early = Log::empty();
    check(&mut early, &store, "first").unwrap();
    let mut late = early.clone();
    check(&mut early, &store, "second").unwrap();
    let mut seen = Vec::new();
    let done = late.commit(&store, at(0), |_, next| {
        seen.push(next.head.seq);
        Ok::<_, Infallible>(vec![entry("third", Op::Check, Phase::Done, nothing())])
    });
    assert_eq!((done.unwrap().seq(), seen), (3, vec![1, 2]));
    // And may then refuse.
    let refused = early.commit(&store, at(0), |_, next| match next.head.seq {
        2 => Ok(vec![entry("fourth", Op::Check, Phase::Done, nothing())]),
        _ => Err(LogError::NoEscrow),
    });
    assert_eq!(refused, Err(CommitError::Refused(LogError::NoEscrow)));
    assert_eq!(Log::open(&store).unwrap().checkpoint().seq(), 3);
}

/// Commits the story as a program does that goes on after an error; what it was told.
fn tell(store: &dyn Store) -> Vec<bool> {
    let mut log = Log::empty();
    story().into_iter().map(|said| say(&mut log, store, 0, said).is_ok()).collect()
}

#[test]
fn after_every_fault_the_log_says_what_its_writer_was_told() {
    for at in 0..5 {
        let store = FaultyStore::new(MemoryStore::new(), Fault::LostReply, at);
        assert_eq!(tell(&store), [true; 5]);
        assert_eq!(records(store.inner()).len(), 7, "a lost reply is no second record");

        let store = FaultyStore::new(MemoryStore::new(), Fault::Full, at);
        let told = tell(&store);
        assert!(!told[at] && told[..at].iter().all(|told| *told));
        let done = records(store.inner());
        // What failed is not there; what depended on it was refused and did no harm; the rest is.
        let lengths = [1, 1, 3, 1, 1];
        let told: usize = told.iter().zip(lengths).filter(|(told, _)| **told).map(|(_, n)| n).sum();
        assert_eq!(done.len(), told);

        // Garbage under the name of a commit: nobody can go on, and everybody is told which file.
        let store = FaultyStore::new(MemoryStore::new(), Fault::Taken, at);
        let mut log = Log::empty();
        let results: Vec<_> = story().into_iter().map(|said| say(&mut log, &store, 0, said)).collect();
        let torn = LogError::Torn { name: Log::file(at as u64 + 1) };
        assert!(results[..at].iter().all(Result::is_ok));
        assert_eq!(results[at], Err(CommitError::Log(torn.clone())));
        assert!(results[at..].iter().all(Result::is_err));
        assert_eq!(Log::open(store.inner()).err(), Some(torn));
    }
}

/// A store that makes an object, says nothing of it, and can't be read so many times.
struct Silent(MemoryStore, AtomicU8);

impl Store for Silent {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.create(name, bytes)?;
        if self.1.load(Ordering::SeqCst) > 0 { Err(cut(name)) } else { Ok(()) }
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let one_less = |left: u8| left.checked_sub(1);
        let is_cut = name.starts_with("log/")
            && self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        if is_cut { Err(cut(name)) } else { self.0.read(name, limit) }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.0.list(folder)
    }
}

fn cut(name: &str) -> StoreError {
    StoreError::System { name: name.to_owned(), message: "the line was cut".to_owned() }
}

#[test]
fn a_done_that_nobody_saw_is_not_contradicted() {
    let store = Silent(MemoryStore::new(), AtomicU8::new(0));
    let mut log = Log::empty();
    for said in story().into_iter().take(1) {
        say(&mut log, &store, 0, said).unwrap();
    }
    // Neither the commit's reply comes, nor what is read back, nor the log.
    store.1.store(2, Ordering::SeqCst);
    let done = say(&mut log, &store, 0, vec![(Op::Found, Phase::Done, signed(founded().done(1), 9))]);
    let unknown = CommitError::Unknown(cut(&Log::file(2)));
    assert!(unknown.is_write());
    assert!(unknown.to_string().ends_with("whether these records are in it nobody knows yet"), "{unknown}");
    assert_eq!(done, Err(unknown));
    // The writer believes that it failed, says so, and is refused; the log stays good.
    let failed = say(&mut log, &store, 0, vec![(Op::Found, Phase::Failed, ends(1))]);
    let error = StateError::NoIntent { intent: 1 };
    let unfit = LogError::State { name: Log::file(3), line: 1, error };
    assert_eq!(failed, Err(CommitError::Unfit(unfit)));
    assert_eq!(log.state().quorum().unwrap().founded, founded());
    assert_eq!(records(&store.0).len(), 2);
    // Nor does saying it again make a second one.
    let again = say(&mut log, &store, 0, vec![(Op::Found, Phase::Done, signed(founded().done(1), 9))]);
    assert!(matches!(again, Err(CommitError::Unfit(_))));
    assert_eq!(Log::open(&store).unwrap().checkpoint(), log.checkpoint());
}

/// The reply is lost, and then what is read back; a second look finds the records.
#[test]
fn a_commit_is_looked_for_twice() {
    let store = Silent(MemoryStore::new(), AtomicU8::new(0));
    let mut log = Log::empty();
    store.1.store(1, Ordering::SeqCst);
    let done = say(&mut log, &store, 0, vec![(Op::Found, Phase::Intent, nothing())]);
    assert_eq!(done, Ok(log.checkpoint()));
    assert_eq!((log.checkpoint().seq(), records(&store.0).len()), (1, 1));
    assert_eq!(say(&mut log, &store, 0, vec![(Op::Found, Phase::Abandoned, ends(1))]).unwrap().seq(), 2);
}

/// A folder that is listed while others write to it: names that come meanwhile are listed or not.
struct Moving(MemoryStore);

impl Store for Moving {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.create(name, bytes)
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(name, limit)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let mut names = self.0.list(folder)?;
        names.retain(|name| !name.ends_with("3.jsonl") && !name.ends_with("4.jsonl"));
        Ok(names)
    }
}

#[test]
fn a_listing_that_misses_a_file_is_no_gap() {
    let (store, log) = small();
    let store = Moving(store);
    assert_eq!(Log::open(&store).unwrap().head(), log.head());
    store.0.tamper(&Log::file(4), None);
    assert_eq!(Log::open(&store).err(), Some(LogError::Gap { missing: Log::file(4) }));
}

/// A store that fails while another writer takes the name.
struct Beaten(MemoryStore);

impl Store for Beaten {
    fn create(&self, name: &str, _: &[u8]) -> Result<(), StoreError> {
        check(&mut Log::open(&self.0).unwrap(), &self.0, "the other").unwrap();
        Err(cut(name))
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(name, limit)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.0.list(folder)
    }
}

#[test]
fn another_writers_commit_is_not_taken_for_ones_own() {
    let (store, mut log) = small();
    let store = Beaten(store);
    assert_eq!(check(&mut log, &store, "ann"), Err(CommitError::Store(cut(&Log::file(6)))));
    assert_eq!((log.commits(), records(&store.0)[7].entry.actor.as_str()), (6, "the other"));
    assert_eq!(check(&mut log, &store.0, "ann").unwrap().seq(), 9);
}

/// A folder whose last synchronisation fails.
struct Unsynced(MemoryStore);

impl Store for Unsynced {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.0.create(name, bytes)?;
        Err(StoreError::Unsynced { name: name.to_owned() })
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.read(name, limit)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.0.list(folder)
    }
}

#[test]
fn a_commit_that_may_not_last_is_neither_done_nor_undone() {
    let store = Unsynced(MemoryStore::new());
    let mut log = Log::empty();
    let refused = check(&mut log, &store, "ann").unwrap_err();
    assert_eq!(refused, CommitError::Unsure(StoreError::Unsynced { name: Log::file(1) }));
    assert!(refused.is_write());
    // The program's view is that of the store: it goes on behind it.
    assert_eq!(log.checkpoint(), Log::open(&store.0).unwrap().checkpoint());
    assert_eq!(check(&mut log, &store.0, "ann").unwrap().seq(), 2);
}

#[test]
fn what_could_not_be_read_back_is_never_written() {
    let (store, mut log) = small();
    let (names, head) = (store.names(), log.checkpoint());
    for actor in ["", "  ", "a\nb", &"x".repeat(129)] {
        assert!(matches!(check(&mut log, &store, actor), Err(CommitError::Unfit(_))), "{actor:?}");
    }
    let wrong: Vec<Said> = vec![
        vec![(Op::Found, Phase::Done, signed(founded().done(1), 9))],
        vec![(Op::Found, Phase::Done, signed(founded().done(99), 9))],
        vec![(Op::Generate, Phase::Done, backed(2).done(3))],
        vec![(Op::Generate, Phase::Intent, deposit(1).intent())],
        vec![(Op::Generate, Phase::Intent, deposit(3).intent())],
        vec![(Op::Check, Phase::Intent, nothing())],
        vec![(Op::Check, Phase::Failed, ends(6))],
        vec![(Op::Recover, Phase::Abandoned, ends(6))],
        vec![(Op::Recover, Phase::Failed, nothing())],
        vec![(Op::Add, Phase::Intent, deposit(2).intent()), (Op::Generate, Phase::Done, backed(2).done(8))],
        vec![(Op::Add, Phase::Intent, deposit(2).intent()), (Op::Add, Phase::Done, backed(1).done(8))],
        vec![
            (Op::Recover, Phase::Intent, recovers()),
            (Op::Recover, Phase::Done, signed(proof(6).done(), 4)),
        ],
        vec![(Op::Check, Phase::Done, Json::Number(1 << 60))],
        vec![(Op::Check, Phase::Done, Json::List(vec![nothing()])), (Op::Check, Phase::Intent, nothing())],
    ];
    for (place, said) in wrong.into_iter().enumerate() {
        let refused = say(&mut log, &store, 9, said);
        assert!(matches!(refused, Err(CommitError::Unfit(_))), "{place}: {refused:?}");
    }
    let other = Deposit { quorum: QuorumId::from_bytes([1; 10]), ..deposit(2) };
    let refused = say(&mut log, &store, 9, vec![(Op::Add, Phase::Intent, other.intent())]);
    assert!(matches!(refused, Err(CommitError::Unfit(LogError::State { line: 1, .. }))));
    let long = object([("note", Some(Json::text("x".repeat(LONGEST_LINE))))]);
    assert_eq!(say(&mut log, &store, 9, vec![(Op::Check, Phase::Done, long)]), Err(CommitError::TooLong));
    let half = object([("note", Some(Json::text("x".repeat(LONGEST_LINE - 1000))))]);
    let many = vec![(Op::Check, Phase::Done, half); 1100];
    assert_eq!(say(&mut log, &store, 9, many), Err(CommitError::TooLong));
    assert_eq!((store.names(), log.checkpoint()), (names, head));
    assert_eq!(Log::open(&store).unwrap().checkpoint(), head);
}

#[test]
fn a_version_is_begun_once_and_freed_by_a_failure_only() {
    let (store, mut log) = small();
    let begin = |log: &mut Log, version| {
        let said = vec![(Op::Add, Phase::Intent, deposit(version).intent())];
        say(log, &store, 9, said).unwrap().seq()
    };
    let end = |log: &mut Log, phase, intent| {
        say(log, &store, 9, vec![(Op::Add, phase, ends(intent))]).unwrap();
        log.state().next_version(&deposit(1).name).1.get()
    };
    let two = begin(&mut log, 2);
    assert_eq!(end(&mut log, Phase::Failed, two), 2);
    let two = begin(&mut log, 2);
    assert_eq!(end(&mut log, Phase::Abandoned, two), 3);
    let (three, four) = (begin(&mut log, 3), begin(&mut log, 4));
    // A version in between stays taken, and so does one under a later one.
    assert_eq!(end(&mut log, Phase::Failed, three), 5);
    assert_eq!(end(&mut log, Phase::Failed, four), 4);
    let fresh = Deposit { name: "fresh".parse().unwrap(), ..deposit(1) };
    let one = say(&mut log, &store, 9, vec![(Op::Add, Phase::Intent, fresh.intent())]).unwrap().seq();
    assert_eq!(log.state().open()[&one].deposit, Some(fresh.clone()));
    end(&mut log, Phase::Failed, one);
    assert_eq!(log.state().next_version(&fresh.name), (None, NonZeroU32::MIN));
    assert!(log.state().open().is_empty());
}

#[test]
fn clocks_may_differ_a_little() {
    let (store, mut log) = small();
    say(&mut log, &store, 1000, vec![(Op::Check, Phase::Done, nothing())]).unwrap();
    for behind in [0, 1, SKEW] {
        say(&mut log, &store, 1000 - behind, vec![(Op::Check, Phase::Done, nothing())]).unwrap();
        assert_eq!(log.last_time(), Some(at(1000)));
    }
    let before = log.checkpoint();
    let refused = say(&mut log, &store, 999 - SKEW, vec![(Op::Check, Phase::Done, nothing())]);
    assert_eq!(refused, Err(CommitError::Clock { now: at(999 - SKEW), last: at(1000) }));
    assert_eq!(Log::open(&store).unwrap().checkpoint(), before);
    say(&mut log, &store, 1001, vec![(Op::Check, Phase::Done, nothing())]).unwrap();
    assert_eq!(log.last_time(), Some(at(1001)));
}
