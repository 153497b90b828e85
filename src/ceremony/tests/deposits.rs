//! Keys of every kind, versions, names, and writers at once.

use super::*;

#[test]
fn every_kind_of_key_comes_back() {
    let (store, cards) = found(2, 3);
    let mut made = Vec::new();
    for kind in KeyKind::ALL {
        let make = |_: &Label, entropy: &mut Entropy| {
            let key = match kind {
                KeyKind::Opaque => generate_opaque(65_536, entropy)?,
                kind => generate(kind, entropy)?,
            };
            made.push((kind, key.bytes().expose().to_vec(), key.spki_sha256()));
            Ok::<_, GenerateError>(key)
        };
        let backed =
            deposit(&mut open(&store), Op::Generate, &[label(kind.name())], make, &mut Entropy::system());
        let one = &backed.unwrap()[0];
        assert_eq!((one.kind, one.spki), (kind, made.last().unwrap().2));
        assert_eq!(one.spki.is_some(), kind.is_asymmetric());
    }
    for (kind, bytes, _) in made {
        assert_eq!(recover(&store, &cards, &[1, 3], kind.name()).unwrap(), bytes, "{kind}");
    }
    assert_eq!(super::super::inspect::inspect(&open(&store)).unwrap().findings, vec![]);
}

#[test]
fn every_version_comes_back() {
    let (store, cards) = found(2, 3);
    let mut made = Vec::new();
    let mut key = None;
    for version in 1..=3 {
        let make = |_: &Label, entropy: &mut Entropy| {
            let key = generate(KeyKind::Aes256, entropy)?;
            made.push(key.bytes().expose().to_vec());
            Ok::<_, GenerateError>(key)
        };
        let backed =
            deposit(&mut open(&store), Op::Generate, &[label("orders")], make, &mut Entropy::system());
        let backed = backed.unwrap();
        assert_eq!(backed[0].deposit.version.get(), version);
        assert_eq!(*key.get_or_insert(backed[0].deposit.key), backed[0].deposit.key);
    }
    for (version, bytes) in (1..).zip(&made) {
        assert_eq!(&recover(&store, &cards, &[1, 2], &format!("orders@{version}")).unwrap(), bytes);
    }
    assert_eq!(&recover(&store, &cards, &[2, 3], "orders").unwrap(), &made[2]);
    let refused = recover(&store, &cards, &[1, 2], "orders@4").unwrap_err();
    assert!(
        matches!(refused, RecoverError::Escrow(EscrowError::NoVersion { version, .. }) if version.get() == 4)
    );
    let refused = recover(&store, &cards, &[1, 2], "payroll").unwrap_err();
    assert!(matches!(refused, RecoverError::Escrow(EscrowError::NoKey { .. })));
}

#[test]
fn many_keys_go_in_two_commits() {
    let (store, cards) = found(2, 2);
    let names: Vec<String> = (0..50).map(|n| format!("key-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let before = open(&store).log().commits();
    assert_eq!(back_up(&store, &names).unwrap().len(), 50);
    let escrow = open(&store);
    assert_eq!((escrow.log().commits(), escrow.state().versions()), (before + 2, 50));
    drop(escrow);
    assert!(recover(&store, &cards, &[1, 2], "key-49").is_ok());
}

#[test]
fn names_are_told_apart() {
    let (store, _) = found(2, 2);
    let refused = back_up(&store, &["orders", "payroll", "orders"]).unwrap_err();
    assert!(matches!(refused, DepositError::Twice { name } if name == label("orders")));
    let alike = |names: &[&str]| match back_up(&store, names) {
        Err(DepositError::Alike { name, other }) => (name.to_string(), other.to_string()),
        other => panic!("{other:?}"),
    };
    assert_eq!(alike(&["orders", "Orders"]), ("Orders".to_owned(), "orders".to_owned()));
    back_up(&store, &["orders"]).unwrap();
    assert_eq!(alike(&["payroll", "ORDERS"]), ("ORDERS".to_owned(), "orders".to_owned()));
    assert_eq!(open(&store).state().versions(), 1);
}

#[test]
fn two_writers_at_once_get_two_versions() {
    let (store, cards) = found(2, 3);
    let mut inner = Vec::new();
    // The second begins and ends while the first makes its key.
    let make = |name: &Label, entropy: &mut Entropy| {
        inner = back_up(&store, &["orders"]).unwrap();
        aes(name, entropy)
    };
    let outer = deposit(&mut open(&store), Op::Generate, &[label("orders")], make, &mut Entropy::system());
    let (outer, inner) = (outer.unwrap(), inner);
    let versions = [&outer[0], &inner[0]].map(|one| one.deposit.version.get());
    assert_eq!((versions, outer[0].deposit.key == inner[0].deposit.key), ([1, 2], true));
    assert!(recover(&store, &cards, &[1, 2], "orders@1").is_ok());
    assert!(recover(&store, &cards, &[1, 2], "orders@2").is_ok());

    std::thread::scope(|scope| {
        for writer in 0..8 {
            let store = &store;
            scope.spawn(move || back_up(store, &["orders", &format!("own-{writer}")]).unwrap());
        }
    });
    let escrow = open(&store);
    let versions: Vec<u32> =
        escrow.state().keys()[&label("orders")].versions.keys().map(|version| version.get()).collect();
    assert_eq!(versions, (1..=10).collect::<Vec<_>>());
    assert_eq!(escrow.state().versions(), 18);
    assert_eq!(super::super::inspect::inspect(&escrow).unwrap().backups, 18);
}

#[test]
fn a_key_that_could_not_be_had_frees_its_version() {
    let (store, cards) = found(2, 3);
    let none = |_: &Label, _: &mut Entropy| Err(GenerateError::NoLength);
    let attempt = || deposit(&mut open(&store), Op::Add, &[label("orders")], none, &mut Entropy::system());
    for _ in 0..3 {
        let refused = attempt().unwrap_err();
        assert!(
            matches!(refused, DepositError::Source { name, error: GenerateError::NoLength } if name == label("orders"))
        );
        assert!(open(&store).state().open().is_empty());
    }
    assert_eq!(back_up(&store, &["orders"]).unwrap()[0].deposit.version.get(), 1);
    attempt().unwrap_err();
    assert_eq!(back_up(&store, &["orders"]).unwrap()[0].deposit.version.get(), 2);
    assert!(recover(&store, &cards, &[1, 2], "orders@2").is_ok());
    // Of two keys, the second fails: the first isn't backed up either.
    let mut first = true;
    let second = |name: &Label, entropy: &mut Entropy| {
        if std::mem::take(&mut first) { aes(name, entropy) } else { Err(GenerateError::NoLength) }
    };
    let names = [label("a"), label("b")];
    deposit(&mut open(&store), Op::Add, &names, second, &mut Entropy::system()).unwrap_err();
    let seen = super::super::inspect::inspect(&open(&store)).unwrap();
    assert_eq!((seen.backups, seen.findings), (2, vec![]));
}

#[test]
fn a_forged_quorum_record_gets_no_key() {
    let (store, _) = found(2, 3);
    let (other, _) = found(2, 3);
    let id = |store: &MemoryStore| open(store).quorum().unwrap().id();
    let (ours, theirs) = (quorum_file(id(&store), 1), quorum_file(id(&other), 1));
    store.tamper(&ours, other.read(&theirs, 1 << 20).unwrap());
    let make =
        |_: &Label, _: &mut Entropy| -> Result<KeyMaterial, GenerateError> { panic!("no key is made") };
    let refused = deposit(&mut open(&store), Op::Add, &[label("orders")], make, &mut Entropy::system());
    let altered = EscrowError::Altered { name: ours.clone() };
    assert!(matches!(refused, Err(DepositError::Escrow(error)) if error == altered));
    store.tamper(&ours, None);
    let missing = EscrowError::Missing { name: ours };
    assert!(matches!(back_up(&store, &["orders"]), Err(DepositError::Escrow(error)) if error == missing));
    assert_eq!(open(&store).log().commits(), 2);
}
