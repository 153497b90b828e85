//! The contract of a store, the same for each.

use super::*;

fn contract(store: &dyn Store) {
    assert_eq!(store.list("log"), Ok(vec![]));
    assert_eq!(store.read("log/1", 10), Ok(None));
    assert_eq!(store.create("log/1", b"one"), Ok(()));
    assert_eq!(store.create("log/1", b"two"), Err(StoreError::Exists { name: "log/1".into() }));
    assert_eq!(store.read("log/1", 3), Ok(Some(b"one".to_vec())));
    assert_eq!(store.read("log/1", 2), Err(StoreError::TooLong { name: "log/1".into(), limit: 2 }));
    assert_eq!(store.create("keys/a/1.age", b""), Ok(()));
    assert_eq!(store.list("keys"), Ok(vec!["a".into()]));
    let many: Vec<_> = (0..20).map(|n| (format!("keys/{n:02}/1.age"), vec![n; 5])).collect();
    let all = |objects: &[Object]| store.create_all(&mut objects.iter().cloned().map(Ok));
    assert_eq!(all(&many[..3]), Ok(()));
    // An error among them leaves none.
    let gone = StoreError::Full { name: "made elsewhere".into() };
    for count in [3, 20] {
        let mut objects =
            many[..count].iter().map(|(name, bytes)| (name.replace("keys", "gone"), bytes.clone())).map(Ok);
        let mut objects = objects.by_ref().chain([Err(gone.clone())]);
        assert_eq!(store.create_all(&mut objects), Err(gone.clone()));
        for (name, _) in &many {
            assert_eq!(store.read(&name.replace("keys", "gone"), 10), Ok(None));
        }
    }
    assert_eq!(all(&many[3..]), Ok(()));
    assert_eq!(store.read("keys/19/1.age", 10), Ok(Some(vec![19; 5])));
    assert!(all(&many).is_err());
    assert_eq!(store.list("keys").unwrap().len(), 21);
    assert_eq!(store.list("log"), Ok(vec!["1".into()]));
}

fn race(store: &dyn Store) {
    for round in 0..20 {
        let name = format!("log/{round}");
        let winners = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..16_u8)
                .map(|n| {
                    let name = &name;
                    scope.spawn(move || store.create(name, &[n]).is_ok())
                })
                .collect();
            writers
                .into_iter()
                .filter(|_| true)
                .map(|writer| writer.join().unwrap())
                .filter(|won| *won)
                .count()
        });
        assert_eq!(winners, 1);
        assert_eq!(store.read(&name, 10).unwrap().unwrap().len(), 1);
    }
}

#[test]
fn in_memory() {
    contract(&MemoryStore::new());
    race(&MemoryStore::new());
}

#[test]
fn in_a_folder() {
    let place = tempfile::tempdir().unwrap();
    contract(&FolderStore::new(place.path().join("deep/er")));
    race(&FolderStore::new(place.path().join("race")));
    let left = FolderStore::new(place.path()).list("race/log").unwrap();
    assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
}

#[test]
fn nothing_leads_out_of_the_folder() {
    let place = tempfile::tempdir().unwrap();
    let store = FolderStore::new(place.path().join("escrow"));
    for name in ["../x", "/etc/x", "log/../../x", "log//x", ".x", "log/.x", "a b", "ä", "log/"] {
        assert!(store.create(name, b"").is_err(), "{name}");
        assert!(store.read(name, 10).is_err(), "{name}");
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn only_plain_files_are_read() {
    let place = tempfile::tempdir().unwrap();
    let store = FolderStore::new(place.path());
    std::fs::create_dir(place.path().join("folder")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", place.path().join("link")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    for name in ["folder", "link", "pipe"] {
        assert_eq!(store.read(name, 100), Err(StoreError::NotAFile { name: name.into() }));
    }
}

#[test]
fn a_fault_strikes_once() {
    let store = FaultyStore::new(MemoryStore::new(), Fault::Full, 1);
    assert!(store.create("a", b"").is_ok());
    assert_eq!(store.create("b", b""), Err(StoreError::Full { name: "b".into() }));
    assert!(store.create("b", b"").is_ok());
}
