//! Salvage: a key from cards and a sheet with no escrow left, and every sheet that must give none.

use super::*;
use crate::backup::{Backup, OpenError};
use crate::card::sheet::{BackupSheet, Facts};
use crate::ceremony::inspect::{check_heads, inspect};
use crate::ceremony::salvage::{SalvageError, Salvaging};
use crate::key::{KeyFacts, KeyRecord};
use crate::log::{CommitError, Phase};
use crate::store::{Fault, FaultyStore, StoreError};

fn facts(escrow: &Escrow<'_>, name: &str) -> Facts {
    let backed = &escrow.version(&name.parse().unwrap()).unwrap().backed;
    Facts {
        name: backed.deposit.name.clone(),
        key: backed.deposit.key,
        version: backed.deposit.version,
        kind: backed.kind,
        created: backed.created,
        fingerprint: backed.fingerprint,
        spki: backed.spki,
        checkpoint: escrow.log().checkpoint().to_string(),
        time: escrow.log().last_time().unwrap(),
    }
}

/// An escrow's cards, its record, and the sheet of one of its keys.
fn printed() -> (MemoryStore, Vec<Vec<u8>>, BackupSheet) {
    let (store, cards) = found(2, 3);
    back_up(&store, &["orders", "payroll"]).unwrap();
    let escrow = open(&store);
    let version = escrow.version(&"orders".parse().unwrap()).unwrap();
    let backup = escrow.backup(version).unwrap();
    let sheet = BackupSheet::new(facts(&escrow, "orders"), escrow.quorum().unwrap(), backup).unwrap();
    (store, cards, sheet)
}

/// Salvages into `store`; `agrees` is what a person says of the fingerprint.
fn salvage(
    store: &dyn Store,
    cards: &[Vec<u8>],
    sheet: &BackupSheet,
    agrees: bool,
) -> Result<Vec<u8>, SalvageError> {
    let mut escrow = match Escrow::open(store, &now, "ann") {
        Ok(escrow) => escrow,
        Err(_) => Escrow::new(store, &now, "ann"),
    };
    let salvaging = Salvaging::begin(&mut escrow, sheet, "file")?;
    let room = gather(sheet.record().clone(), cards, &[1, 3]);
    let (quorum, unproven) = salvaging.open(sheet, &room)?;
    let key = unproven.prove(|_| agrees)?;
    salvaging.complete(&mut escrow, &quorum, &room, &key)?;
    Ok(key.material().bytes().expose().to_vec())
}

#[test]
fn a_key_comes_back_into_an_empty_log_and_into_any_other() {
    let (store, cards, sheet) = printed();
    let right = recover(&store, &cards, &[1, 2], "orders").unwrap();
    let other = found(2, 2).0;
    back_up(&other, &["orders"]).unwrap();
    // Nothing; a log of salvages; the escrow itself; the escrow of another quorum with a key of that name.
    let fresh = MemoryStore::new();
    for (store, commits, salvaged) in [(&fresh, 2, 1), (&fresh, 4, 2), (&store, 8, 1), (&other, 6, 1)] {
        assert_eq!(salvage(store, &cards, &sheet, true).unwrap(), right);
        let escrow = open(store);
        assert_eq!(escrow.log().commits(), commits);
        let all = escrow.state().salvaged();
        assert_eq!(all.len(), salvaged);
        let last = all.last().unwrap();
        assert_eq!(last.fingerprint, sheet.facts().fingerprint);
        assert_eq!((&last.cards, last.to), (&vec![1, 3], "file"));
        assert_eq!(escrow.quorum_by_id(sheet.record().id()).unwrap(), *sheet.record());
        // The quorum's signature is checked, and nothing is left over.
        assert_eq!(inspect(&escrow).unwrap().findings, []);
        assert_eq!(check_heads(&escrow), []);
        assert!(escrow.state().open().is_empty());
    }
    // What the log says of its own key of that name is as it was.
    let escrow = open(&other);
    let own = escrow.version(&"orders".parse().unwrap()).unwrap();
    assert!(own.recovered.is_none() && own.backed.deposit.quorum != sheet.record().id());
    assert_eq!(escrow.quorum().unwrap().id(), own.backed.deposit.quorum);
}

#[test]
fn nothing_is_released_that_nobody_confirmed() {
    let (_, cards, sheet) = printed();
    let store = MemoryStore::new();
    match salvage(&store, &cards, &sheet, false) {
        Err(SalvageError::Fingerprint { name, found }) => {
            assert_eq!((name, found), (label("orders"), sheet.facts().fingerprint));
        }
        other => panic!("{other:?}"),
    }
    let escrow = open(&store);
    assert!(escrow.state().salvaged().is_empty());
    assert_eq!(escrow.state().open().len(), 1);
}

#[test]
fn a_sheet_that_says_what_is_not_so_is_named_by_the_field() {
    let (_, cards, sheet) = printed();
    let refused = |edit: &dyn Fn(&mut Facts)| {
        let mut facts = sheet.facts().clone();
        edit(&mut facts);
        let other = BackupSheet::new(facts, sheet.record().clone(), sheet.backup().clone()).unwrap();
        match salvage(&MemoryStore::new(), &cards, &other, true) {
            Err(SalvageError::Facts { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(&|facts| facts.name = label("payroll")), "name");
    assert_eq!(refused(&|facts| facts.version = 2.try_into().unwrap()), "version");
    assert_eq!(refused(&|facts| facts.key = crate::key::KeyId::parse("ABCDEFGHIJKLMNOP").unwrap()), "key id");
    assert_eq!(refused(&|facts| facts.kind = KeyKind::Aes128), "kind");
    assert_eq!(refused(&|facts| facts.created = Timestamp::from_unix(7).unwrap()), "date");
    let print = crate::key::Fingerprint::parse(&"5b".repeat(32)).unwrap();
    assert_eq!(refused(&|facts| facts.fingerprint = print), "fingerprint");
}

/// Anybody can make a sheet for a key of their own; only the fingerprint tells.
#[test]
fn a_forged_sheet_has_another_fingerprint_and_a_log_refuses_it() {
    let (store, cards, sheet) = printed();
    let mut entropy = Entropy::system();
    let honest = sheet.facts();
    let facts = KeyFacts {
        key: honest.key,
        label: honest.name.clone(),
        version: honest.version,
        created: honest.created,
        usage: [].into(),
        attributes: [].into(),
    };
    let key = generate(KeyKind::Aes256, &mut entropy).unwrap();
    let key = KeyRecord::new(facts, key, &mut entropy).unwrap();
    let backup = Backup::seal(&key, sheet.record().recipient(), &mut entropy).unwrap();
    let forged = Facts { fingerprint: key.fingerprint(), ..honest.clone() };
    let forged = BackupSheet::new(forged, sheet.record().clone(), backup).unwrap();
    let wanted = honest.fingerprint;
    let empty = MemoryStore::new();
    let mut escrow = Escrow::new(&empty, &now, "ann");
    let salvaging = Salvaging::begin(&mut escrow, &forged, "file").unwrap();
    let room = gather(sheet.record().clone(), &cards, &[1, 2]);
    let (_, unproven) = salvaging.open(&forged, &room).unwrap();
    assert!(matches!(unproven.prove(|found| *found == wanted), Err(SalvageError::Fingerprint { .. })));
    // With a log the backup isn't the one that it names.
    let mut escrow = open(&store);
    let recovery = Recovery::begin(&mut escrow, &"orders".parse().unwrap(), "file").unwrap();
    match recovery.open_backup(&escrow, &room, forged.backup()) {
        Err(RecoverError::Open { error: OpenError::Digest, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert!(recovery.open_backup(&escrow, &room, sheet.backup()).is_ok());
}

#[test]
fn a_store_that_fails_releases_nothing_that_is_not_logged() {
    let (_, cards, sheet) = printed();
    // Three writes: the intent, the record, `done`.
    for fault in [Fault::Full, Fault::LostReply, Fault::Taken] {
        for at in 0..4 {
            let store = FaultyStore::new(MemoryStore::new(), fault, at);
            let told = salvage(&store, &cards, &sheet, true);
            let store = store.into_inner();
            let logged = Escrow::open(&store, &now, "ann").map(|escrow| escrow.state().salvaged().len());
            if told.is_ok() {
                assert_eq!(logged.unwrap(), 1, "{fault:?} {at}");
            }
            if fault == Fault::Full && at < 3 {
                let told = told.unwrap_err();
                let by_log = matches!(told, SalvageError::Log(CommitError::Store(_)));
                let by_store = matches!(told, SalvageError::Store(StoreError::Full { .. }));
                assert!(by_log || by_store, "{told:?}");
            }
        }
    }
    // Another record of this quorum is in the way.
    let store = MemoryStore::new();
    store.create(&quorum_file(sheet.record().id(), 1), b"another").unwrap();
    assert!(matches!(salvage(&store, &cards, &sheet, true), Err(SalvageError::OtherRecord { .. })));
}

#[test]
fn what_fails_or_is_given_up_is_logged_as_that() {
    let (_, _, sheet) = printed();
    let store = MemoryStore::new();
    let mut escrow = Escrow::new(&store, &now, "ann");
    for phase in [Phase::Failed, Phase::Abandoned] {
        Salvaging::begin(&mut escrow, &sheet, "age").unwrap().end(&mut escrow, phase);
    }
    assert!(open(&store).state().open().is_empty());
    assert!(open(&store).state().salvaged().is_empty());
}
