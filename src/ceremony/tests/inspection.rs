//! Everything that the log doesn't account for is found and named.

use super::*;
use crate::ceremony::inspect::{Finding, check_heads, inspect};
use crate::log::{Entry, Phase, Proof, Record, Unauthorised};
use crate::store::FolderStore;
use crate::wire::json::{Json, object};

#[test]
fn everything_that_is_not_as_the_log_says_is_found() {
    let (store, _) = found(2, 3);
    back_up(&store, &["orders", "payroll"]).unwrap();
    let whole = snapshot(&store);
    let files: Vec<&String> = whole.keys().filter(|name| !name.starts_with("log/")).collect();
    assert_eq!(files.len(), 3);
    let seen = |name: &str, bytes: Option<Vec<u8>>| {
        let store = restored(&whole);
        store.tamper(name, bytes);
        let seen = inspect(&open(&store)).unwrap();
        let [finding] = &seen.findings[..] else { panic!("{seen:?}") };
        let serious = matches!(finding, Finding::Damaged(_));
        assert_eq!(finding.is_serious(), serious);
        assert_eq!(seen.backups + seen.records, if serious { 2 } else { 3 });
        finding.clone()
    };
    for name in files {
        let missing = EscrowError::Missing { name: name.clone() };
        assert_eq!(seen(name, None), Finding::Damaged(missing));
        for place in (0..whole[name].len()).step_by(41) {
            let mut altered = whole[name].clone();
            altered[place] ^= 1 << (place % 8);
            let finding = seen(name, Some(altered));
            let Finding::Damaged(error) = finding else { panic!("{finding:?}") };
            assert!(error.to_string().contains(name.as_str()), "{error}");
        }
    }
    for name in ["keys/ABCDEFGHIJKLMNOP/1.age", "quorum/ABCDEFGHIJKLMNOP.7.json"] {
        assert_eq!(seen(name, Some(vec![1])), Finding::Orphan { name: name.to_owned() });
    }
    for name in ["keys/ABCDEFGHIJKLMNOP/.tmp-00", "quorum/.tmp-00", "log/.tmp-00"] {
        assert_eq!(seen(name, Some(vec![1])), Finding::Temporary { name: name.to_owned() });
    }
    for name in [
        "notes.txt",
        "logs.jsonl",
        "log.jsonl",
        "keys/notes.txt",
        "keys/ABCDEFGHIJKLMNOP/notes.txt",
        "keys/ABCDEFGHIJKLMNOP/x.age",
        "keys/ABCDEFGHIJKLMNO1/1.age",
        "quorum/ABCDEFGHIJKLMNOP.json",
        "quorum/notes.txt",
        "log/.DS_Store",
    ] {
        assert_eq!(seen(name, Some(vec![1])), Finding::Foreign { name: name.to_owned() });
    }
}

#[test]
fn a_folder_is_inspected_as_memory_is() {
    let place = tempfile::tempdir().unwrap();
    let store = FolderStore::new(place.path());
    let cards = try_found(&store, &open_plan(2, 2)).unwrap();
    back_up(&store, &["orders"]).unwrap();
    recover(&store, &cards, &[1, 2], "orders").unwrap();
    let found = |store| inspect(&open(store)).unwrap().findings;
    assert_eq!(found(&store), vec![]);
    for name in ["notes.txt", "keys/notes.txt", "quorum/notes.txt", "keys/.tmp-00"] {
        std::fs::OpenOptions::new().create_new(true).write(true).open(place.path().join(name)).unwrap();
        let foreign = Finding::Foreign { name: name.to_owned() };
        let temporary = Finding::Temporary { name: name.to_owned() };
        assert_eq!(found(&store), vec![if name.contains(".tmp-") { temporary } else { foreign }]);
        std::fs::remove_file(place.path().join(name)).unwrap();
    }
    // A link to a backup elsewhere is no backup.
    let escrow = open(&store);
    let deposit = &escrow.version(&"orders".parse().unwrap()).unwrap().backed.deposit;
    let name = backup_file(deposit.key, deposit.version);
    let elsewhere = place.path().join("elsewhere");
    std::fs::rename(place.path().join(&name), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, place.path().join(&name)).unwrap();
    let findings = found(&store);
    assert!(matches!(&findings[0], Finding::Damaged(EscrowError::Store(_))), "{findings:?}");
}

fn with_signature(details: Json<'static>, signature: &[u8; 64]) -> Json<'static> {
    let mut entry = Entry { actor: "ann".to_owned(), op: Op::Found, phase: Phase::Done, details };
    entry.sign(signature);
    entry.details
}

#[test]
fn a_head_that_the_quorum_did_not_sign_is_found() {
    let (store, _) = found(2, 3);
    back_up(&store, &["orders"]).unwrap();
    let mut escrow = open(&store);
    assert_eq!(check_heads(&escrow), vec![]);
    let first = escrow.state().quorum().unwrap().founded.clone();
    let fingerprint = escrow.version(&"orders".parse().unwrap()).unwrap().backed.fingerprint;
    // Somebody who writes to the log claims a recovery, with no quorum to sign for it.
    let mut claim = |signature: &[u8; 64]| {
        let name = Json::text("orders");
        let intent = object([
            ("name", Some(name)),
            ("to", Some(Json::text("file"))),
            ("version", Some(Json::Number(1))),
        ]);
        let begun = escrow.record(Op::Recover, Phase::Intent, &intent).unwrap().seq();
        let proof = Proof {
            intent: begun,
            name: label("orders"),
            version: core::num::NonZeroU32::MIN,
            to: "file",
            cards: vec![1, 2],
            quorum: first.quorum,
            fingerprint,
            token: None,
            checks: Vec::new(),
        };
        // No writer of ours would: a reader doesn't count it.
        let details = with_signature(proof.done(), signature);
        assert!(escrow.record(Op::Recover, Phase::Done, &details).is_err());
        let entry = Entry { actor: "mallory".to_owned(), op: Op::Recover, phase: Phase::Done, details };
        let record = Record::after(escrow.log().head(), now(), entry);
        store.create(&Log::file(escrow.log().commits() + 1), &record.line()).unwrap();
        escrow = open(&store);
        record.seq
    };
    let done = claim(&[0x5a; 64]);
    // And once more with a signature that is the quorum's, of another record.
    let mut others = Vec::new();
    Log::walk(&store, |record| others.extend(record.signed().map(|(_, signature)| signature))).unwrap();
    let again = claim(&others[0]);
    let findings = check_heads(&open(&store));
    let wanted = [done, again].map(|seq| Finding::HeadSignature { seq });
    assert_eq!(findings, wanted);
    assert!(findings.iter().all(Finding::is_serious));
    // Neither counts: nothing was recovered, and both intents are open.
    let believed = open(&store);
    let void: Vec<u64> = believed.log().void().iter().map(|void| void.seq).collect();
    let quorum = first.quorum;
    assert_eq!((void, believed.state().open().len()), (vec![done, again], 2));
    assert!(believed.log().void().iter().all(|void| void.why == Unauthorised::Quorum { quorum }));
    assert_eq!(believed.version(&"orders".parse().unwrap()).unwrap().recovered, None);
    // When the record is gone, nobody can tell, and that is what is said.
    let name = quorum_file(first.quorum, 1);
    store.tamper(&name, None);
    let missing = Finding::Damaged(EscrowError::Missing { name });
    assert_eq!(check_heads(&open(&store)), vec![missing]);
}
