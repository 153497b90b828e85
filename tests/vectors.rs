//! Reads every published test vector and holds the library to what it says, exactly.
//!
//! A vector is a file of `tests/vectors/KIND/`: lines `field: value`, an empty line, and a payload
//! whose last line end doesn't count. Vectors are never edited or made again, so that cards, escrows
//! and backups that were ever printed and stored stay readable. `docs/format.md`, Test vectors.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use quorate::age::Identity;
use quorate::backup::{Backup, OpenError};
use quorate::card::sheet::{SheetCodeError, SheetCollector, SheetError, sheet_codes};
use quorate::card::{CodeError, Collector, Offer, codes, typed, verification};
use quorate::ceremony::escrow::{Escrow, expected};
use quorate::ceremony::inspect::{Finding, check_heads, inspect};
use quorate::ceremony::report::{ReportError, Signed};
use quorate::key::{KeyRecord, RecordError as KeyRecordError};
use quorate::log::{Checkpoint, CheckpointError, Log, LogError, RecordError as LogRecordError, Remains};
use quorate::primitive::hash::sha256;
use quorate::quorum::{Quorum, QuorumRecord, RecordError};
use quorate::seal::{CardError, SealedShare, UnsealError};
use quorate::secret::{Passphrase, PassphraseError};
use quorate::share::{
    ClaimedShare, CombineError, Commitments, QuorumId, Scheme, ShareError, combine, combine_claimed,
};
use quorate::store::MemoryStore;
use quorate::wire::WireError;
use quorate::wire::json;
use quorate::wire::lines;
use quorate::wire::text::{from_hex, hex};
use quorate::wire::time::Timestamp;
use std::fs;
use std::path::Path;

/// One vector.
struct Case {
    name: String,
    fields: Vec<(String, String)>,
    payload: String,
}

impl Case {
    fn get(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }

    fn is(&self, field: &str, found: impl ToString) {
        if let Some(wanted) = self.get(field) {
            assert_eq!(found.to_string(), wanted, "{}: {field}", self.name);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        from_hex(&self.payload.replace('\n', "")).unwrap()
    }

    /// Holds an outcome to `expect` and `reason`; gives what was good.
    fn outcome<T, E: std::fmt::Debug>(
        &self,
        outcome: Result<T, E>,
        reason: impl Fn(&E) -> &'static str,
    ) -> Option<T> {
        match (outcome, self.get("expect").unwrap()) {
            (Ok(good), "ok" | "findings") => Some(good),
            (Err(error), "refused") => {
                assert_eq!(Some(reason(&error)), self.get("reason"), "{}: {error:?}", self.name);
                None
            }
            (Ok(_), expect) => panic!("{}: accepted, and {expect} is expected", self.name),
            (Err(error), expect) => panic!("{}: {error:?}, and {expect} is expected", self.name),
        }
    }
}

/// Every vector of a kind; `least` guards against an empty walk.
fn each(kind: &str, least: usize, check: impl Fn(&Case)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(kind);
    let mut seen = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let (head, payload) = text.split_once("\n\n").unwrap();
        let field = |line: &str| line.split_once(": ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let payload = payload.strip_suffix('\n').unwrap_or(payload).to_owned();
        let case =
            Case { name: path.display().to_string(), fields: head.lines().map(field).collect(), payload };
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(case.get("case"), Some(format!("{kind}/{stem}").as_str()));
        check(&case);
        seen += 1;
    }
    assert!(seen >= least, "{kind}: {seen} vectors");
}

#[test]
fn no_published_vector_was_edited() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let list = fs::read_to_string(folder.join("PUBLISHED")).unwrap();
    let mut listed = 0;
    for line in list.lines() {
        let (digest, name) = line.split_once("  ").unwrap();
        assert_eq!(hex(&sha256(&[&fs::read(folder.join(name)).unwrap()])), digest, "{name} was edited");
        listed += 1;
    }
    let count = |folder: &Path| {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|ending| ending == "txt")).count()
    };
    let kinds = fs::read_dir(&folder).unwrap().map(|kind| kind.unwrap().path()).filter(|kind| kind.is_dir());
    let there = kinds.map(|kind| count(&kind)).sum::<usize>() + count(&folder);
    assert_eq!(there, listed, "a new vector stands in PUBLISHED too");
}

#[test]
fn passphrases() {
    each("passphrase", 15, |case| {
        let reason = |error: &PassphraseError| match error {
            PassphraseError::Empty => "empty",
            PassphraseError::TooLong => "too-long",
            PassphraseError::NotUtf8 => "not-utf-8",
            PassphraseError::Control => "control",
            _ => "other",
        };
        if let Some(passphrase) = case.outcome(Passphrase::parse(&case.bytes()), reason) {
            case.is("normal", hex(passphrase.expose()));
        }
    });
}

#[test]
fn canonical_json() {
    each("json", 30, |case| {
        let read = json::read("a vector", case.payload.as_bytes());
        let Some(value) = case.outcome(read, |_| "json") else { return };
        assert_eq!(value.bytes(), case.payload.as_bytes());
    });
}

#[test]
fn cards() {
    each("card", 38, |case| {
        let reason = |error: &CardError| match error {
            CardError::Version { .. } => "version",
            CardError::Kind { .. } => "kind",
            CardError::Check => "check",
            CardError::Cost(_) => "cost",
            CardError::Wire(WireError::Short { .. }) => "short",
            CardError::Wire(WireError::Trailing { .. }) => "trailing",
            CardError::Wire(WireError::Value { .. }) => "field",
            _ => "other",
        };
        let bytes = case.bytes();
        let Some(card) = case.outcome(SealedShare::read(&bytes), reason) else { return };
        let header = card.header();
        case.is("quorum", header.quorum().text());
        case.is("generation", header.generation());
        case.is("index", header.index());
        case.is("threshold", header.scheme().threshold());
        case.is("shares", header.scheme().count());
        case.is("seal", card.kind().name());
        case.is("verification", verification(&card.digest()));
        assert_eq!(card.expose(), bytes);
        // With zeros behind it, it is the same card; with anything else, none.
        assert_eq!(SealedShare::read_padded(&[&bytes[..], &[0; 9]].concat()).unwrap().expose(), bytes);
        assert!(SealedShare::read_padded(&[&bytes[..], &[0, 1]].concat()).is_err());
        let share = unseal(case, &card);
        match case.get("unseal") {
            Some(_) => assert!(share.is_err(), "{}", case.name),
            None => {
                let wanted = from_hex(case.get("share").unwrap()).unwrap();
                assert!(same(&share.unwrap(), &wanted), "{}: share", case.name);
            }
        }
    });
}

fn unseal(case: &Case, card: &SealedShare) -> Result<ClaimedShare, UnsealError> {
    match (case.get("passphrase"), case.get("identity")) {
        (Some(typed), _) => card.open_passphrase(&Passphrase::parse(typed.as_bytes()).unwrap()),
        (_, Some(identity)) => card.open_identity(&Identity::parse(identity.as_bytes()).unwrap()),
        _ => card.open_plain(),
    }
}

/// Whether a claimed share has this value: two shares that differ make another secret.
fn same(share: &ClaimedShare, wanted: &[u8]) -> bool {
    let index = share.index();
    let other = ClaimedShare::read(if index == 1 { 2 } else { 1 }, &[0; 64]).unwrap();
    let wanted = ClaimedShare::read(index, wanted).unwrap();
    let secret = |share| combine_claimed(2, &[share, &other]).unwrap().to_secret_bytes();
    secret(share).ct_eq(&secret(&wanted))
}

#[test]
fn typed_lines() {
    each("lines", 16, |case| {
        let read = typed::read(case.payload.as_bytes());
        let Some(read) = case.outcome(read, |_| "lines") else { return };
        assert_eq!(read.cards.len(), 1);
        case.is("sha256", hex(&read.cards[0].digest()));
        // What is printed is one of the ways to type it.
        let printed = lines::encode(read.cards[0].expose()).unwrap();
        let typed: Vec<String> = case.payload.lines().map(|line| squeeze(&line.to_uppercase())).collect();
        let printed: Vec<String> =
            printed.iter().map(|line| squeeze(&format!("{:02} {}", line.number(), *line.groups()))).collect();
        assert!(typed.iter().all(|line| printed.contains(line)), "{}", case.name);
    });
}

fn squeeze(line: &str) -> String {
    line.split_whitespace().collect()
}

#[test]
fn codes_of_cards() {
    each("qr", 12, |case| {
        let mut collector = Collector::new();
        let mut card = None;
        for code in case.payload.lines() {
            if let Ok(Offer::Card(whole)) = collector.offer(code) {
                card = Some(*whole);
            }
        }
        assert_eq!(card.is_some(), case.get("expect") == Some("ok"), "{}", case.name);
        let Some(card) = card else { return };
        case.is("sha256", hex(&card.digest()));
        let mut again: Vec<String> = codes(&card).iter().map(|code| code.to_string()).collect();
        let mut given: Vec<String> = case.payload.lines().map(str::to_owned).collect();
        again.sort();
        given.sort();
        assert_eq!(again, given, "{}", case.name);
    });
}

#[test]
fn codes_of_backup_sheets() {
    each("sheet", 28, |case| {
        let mut collector = SheetCollector::new();
        let offered: Result<Vec<()>, _> = case.payload.lines().map(|code| collector.offer(code)).collect();
        let gathered = offered.map_err(Err).and_then(|_| {
            let mut all = collector.finish();
            assert_eq!(all.len(), 1, "{}", case.name);
            all.remove(0).map_err(Ok)
        });
        let reason = |error: &Result<SheetError, SheetCodeError>| match error {
            Ok(SheetError::Version) => "later",
            Ok(SheetError::Wire(_)) => "wire",
            Ok(SheetError::Digest) => "digest",
            Ok(SheetError::Facts(_)) => "facts",
            Ok(SheetError::Record(_)) => "record",
            Ok(SheetError::Backup) => "backup",
            Ok(SheetError::Missing { .. }) => "missing",
            Err(SheetCodeError::Card) => "card",
            Err(SheetCodeError::Code(CodeError::Version)) => "later",
            Err(SheetCodeError::Code(CodeError::Damaged)) => "code",
            _ => "other",
        };
        let Some(gathered) = case.outcome(gathered, reason) else { return };
        let sheet = gathered.sheet;
        let number = |number: Option<u16>| number.map(|number| number.to_string());
        assert_eq!(number(gathered.rebuilt).as_deref(), case.get("rebuilt"), "{}", case.name);
        assert_eq!(number(gathered.altered).as_deref(), case.get("altered"), "{}", case.name);
        case.is("sha256", hex(&sha256(&[sheet.bytes()])));
        case.is("sheet", sheet.name());
        case.is("name", &sheet.facts().name);
        case.is("version", sheet.facts().version);
        case.is("kind", sheet.facts().kind);
        case.is("fingerprint", sheet.facts().fingerprint);
        case.is("backup", hex(sheet.backup().digest()));
        case.is("quorum", sheet.record().id().text());
        if case.name.ends_with("/good") {
            assert_eq!(sheet_codes(&sheet).join("\n"), case.payload);
        }
    });
}

#[test]
fn derivation() {
    each("quorum", 1, |case| {
        // The constant polynomial is a share set of its own secret.
        let bytes = [from_hex(case.get("secret").unwrap()).unwrap(), vec![0; 32]].concat();
        let shares = [1, 2].map(|index| ClaimedShare::read(index, &bytes).unwrap());
        let id = QuorumId::from_text(case.get("quorum").unwrap()).unwrap();
        let quorum = Quorum::meet_without_record(id, 2, &[&shares[0], &shares[1]]).unwrap();
        case.is("signer", hex(&quorum.signer()));
        case.is("quorum", quorum.id().text());
        case.is("identity", core::str::from_utf8(quorum.identity().to_text().expose()).unwrap());
        let recipient = quorum.recipient().to_string();
        case.is("recipient-starts", &recipient[..40]);
        case.is("recipient-sha256", hex(&sha256(&[recipient.as_bytes()])));
    });
}

#[test]
fn share_sets() {
    #[derive(Debug)]
    struct Refused(&'static str);
    let share = |error: ShareError| {
        Refused(match error {
            ShareError::Index { .. } => "index",
            ShareError::NotCanonical { .. } => "not-canonical",
            ShareError::NotOfThisDeal { .. } => "not-of-this-deal",
            _ => "other",
        })
    };
    let combined = |error: CombineError| {
        Refused(match error {
            CombineError::TooFew { .. } => "too-few",
            CombineError::Twice { .. } => "twice",
            _ => "other",
        })
    };
    each("share", 10, |case| {
        let number = |field| case.get(field).unwrap().parse().unwrap();
        let scheme = Scheme::new(number("threshold"), number("shares")).unwrap();
        let lines = |what: &'static str| case.payload.lines().filter_map(move |line| line.strip_prefix(what));
        let points: Vec<[u8; 32]> =
            lines("commitment: ").map(|point| from_hex(point).unwrap().try_into().unwrap()).collect();
        let commitments = Commitments::read(scheme, &points).unwrap();
        let secret = || {
            let mut shares = Vec::new();
            for line in lines("share: ") {
                let (index, bytes) = line.split_once(' ').unwrap();
                let claimed = ClaimedShare::read(index.parse().unwrap(), &from_hex(bytes).unwrap());
                shares.push(claimed.and_then(|claimed| claimed.check(&commitments)).map_err(share)?);
            }
            combine(&commitments, &shares).map_err(combined)
        };
        if let Some(secret) = case.outcome(secret(), |error| error.0) {
            case.is("secret", hex(secret.to_secret_bytes().expose()));
        }
    });
}

#[test]
fn quorum_records() {
    each("quorum-record", 25, |case| {
        let reason = |error: &RecordError| match error {
            RecordError::Json(_) => "json",
            RecordError::Later => "later",
            RecordError::Commitments(_) => "commitments",
            RecordError::Id => "id",
            RecordError::Signature => "signature",
            RecordError::Name { .. } | RecordError::NameTwice { .. } => "name",
            _ => "other",
        };
        let Some(record) = case.outcome(QuorumRecord::read(case.payload.as_bytes()), reason) else { return };
        case.is("quorum", record.id().text());
        case.is("generation", record.terms().generation);
        case.is("threshold", record.scheme().threshold());
        case.is("shares", record.scheme().count());
        case.is("sha256", hex(&record.digest()));
    });
}

#[test]
fn reports() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let record = fs::read_to_string(folder.join("quorum-record/good.txt")).unwrap();
    let record = QuorumRecord::read(record.split_once("\n\n").unwrap().1.trim_end().as_bytes()).unwrap();
    each("report", 14, |case| {
        let reason = |error: &ReportError| match error {
            ReportError::Json(_) => "json",
            ReportError::Later => "later",
            ReportError::Unsigned => "unsigned",
            ReportError::Signature { .. } => "signature",
            ReportError::OtherQuorum { .. } => "quorum",
            _ => "other",
        };
        let read = Signed::read(case.payload.as_bytes());
        let verified = read.and_then(|signed| signed.verify(&record).map(|()| signed));
        let Some(signed) = case.outcome(verified, reason) else { return };
        case.is("ceremony", signed.report().kind.name());
        case.is("quorum", signed.report().quorum.text());
        case.is("sha256", hex(&signed.digest()));
        let again = signed.report().clone();
        assert_eq!(Signed::read(case.payload.as_bytes()).unwrap().report(), &again);
    });
}

#[test]
fn key_records() {
    each("key-record", 29, |case| {
        let reason = |error: &KeyRecordError| match error {
            KeyRecordError::Json(_) => "json",
            KeyRecordError::Format { .. } => "format",
            KeyRecordError::Material(_) => "material",
            _ => "other",
        };
        let Some(record) = case.outcome(KeyRecord::from_bytes(case.payload.as_bytes()), reason) else {
            return;
        };
        case.is("kind", record.material().kind());
        case.is("fingerprint", record.fingerprint());
        assert_eq!(case.get("spki-sha256").is_some(), record.material().kind().is_asymmetric());
        case.is(
            "spki-sha256",
            record.material().spki_sha256().map(|digest| hex(&digest)).unwrap_or_default(),
        );
        assert_eq!(record.to_bytes().expose(), case.payload.as_bytes());
    });
}

#[test]
fn backups() {
    each("backup", 12, |case| {
        let backup = Backup::from_bytes(case.bytes());
        let identity = Identity::parse(case.get("identity").unwrap().as_bytes()).unwrap();
        let reason = |error: &OpenError| match error {
            OpenError::Decrypt(_) => "decrypt",
            OpenError::Record(_) => "record",
            _ => "other",
        };
        let Some(record) = case.outcome(backup.open_unlogged(&identity), reason) else { return };
        case.is("sha256", hex(backup.digest()));
        case.is("label", &record.facts().label);
        case.is("version", record.facts().version);
        case.is("kind", record.material().kind());
        case.is("fingerprint", record.fingerprint());
        backup.inspect().unwrap();
    });
}

#[test]
fn escrows() {
    each("escrow", 33, |case| {
        let store = store(&case.payload);
        let reason = |error: &LogError| match error {
            LogError::NoEscrow => "no-escrow",
            LogError::Gap { .. } => "gap",
            LogError::Foreign { .. } => "foreign",
            LogError::Torn { .. } => "torn",
            LogError::Cut { .. } => "cut",
            LogError::Broken { .. } => "broken",
            LogError::State { .. } => "state",
            LogError::Record { error: LogRecordError::Later { .. }, .. } => "later",
            LogError::Record { error: LogRecordError::Json(_), .. } => "json",
            _ => "other",
        };
        let now = || Timestamp::from_unix(0).unwrap();
        let Some(escrow) = case.outcome(Escrow::open(&store, &now, "reader"), reason) else { return };
        let mut last = [0; 32];
        Log::walk(&store, |record| last = sha256(&[&record.line()])).unwrap();
        case.is("head", format!("{}:{}", escrow.log().checkpoint().seq(), hex(&last)));
        let mut void: Vec<String> = Vec::new();
        Log::walk_judged(&store, |record, why| void.extend(why.map(|_| record.seq.to_string()))).unwrap();
        case.is("void", void.join(", "));
        case.is("unacknowledged", escrow.log().unacknowledged());
        let active = escrow.state().operators().active();
        case.is("operators", active.map(|(_, one)| one.name.as_str()).collect::<Vec<_>>().join(", "));
        // Of a published log without this field every record counts, but for what the findings name.
        if case.get("void").is_none() && case.get("findings").is_none() {
            assert_eq!(escrow.log().voids(), 0, "{}", case.name);
        }
        let versions = escrow.state().keys().values().flat_map(|key| key.versions.values());
        let keys = versions.clone().map(|version| {
            let deposit = &version.backed.deposit;
            format!("{}@{} {}", deposit.name, deposit.version, version.backed.fingerprint)
        });
        case.is("keys", keys.collect::<Vec<_>>().join(", "));
        let held = escrow.state().held().map(|held| {
            let one = &held.imported;
            let (drill, stopped) = (held.drill, held.stopped.is_some());
            let more =
                [(drill, " drill"), (stopped, " stopped")].map(|(is, word)| if is { word } else { "" });
            format!("{}@{} {} {}{}", one.name, one.version, one.provider, one.place, more.concat())
        });
        case.is("held", held.collect::<Vec<_>>().join(", "));
        let marks = versions.clone().filter_map(|version| {
            let (deposit, mark) = (&version.backed.deposit, version.backed.mark?);
            Some(format!("{}@{} {}", deposit.name, deposit.version, hex(mark.bytes())))
        });
        assert_eq!(
            marks.collect::<Vec<_>>().join(", "),
            case.get("marks").unwrap_or_default(),
            "{}",
            case.name
        );
        for (field, printed) in &case.fields {
            let holds = || Log::holds(escrow.store(), &Checkpoint::parse(printed).unwrap()).unwrap();
            match field.as_str() {
                "holds" => assert_eq!(holds(), Ok(())),
                // That the hash is another record's is told as well.
                "rewritten" => assert!(matches!(
                    holds(),
                    Err(CheckpointError::Rewritten { .. } | CheckpointError::OtherNumber { .. })
                )),
                "rolled-back" => assert!(matches!(holds(), Err(CheckpointError::RolledBack { .. }))),
                _ => {}
            }
        }
        let states = versions.clone().map(|version| {
            let deposit = &version.backed.deposit;
            format!("{}@{} {}", deposit.name, deposit.version, version.state)
        });
        case.is("states", states.collect::<Vec<_>>().join(", "));
        let certificates = escrow.state().certificates().iter().map(|entry| entry.certificate.what.word());
        case.is("certificates", certificates.collect::<Vec<_>>().join(", "));
        let gone = escrow.state().certificates().iter().filter_map(|entry| match &entry.certificate.what {
            Remains::Provider { name, version, provider, place, target } => {
                let names: String = target.iter().map(|(field, name)| format!(" {field} {name}")).collect();
                Some(format!("{name}@{version} {provider} {place}{names}"))
            }
            _ => None,
        });
        case.is("gone", gone.collect::<Vec<_>>().join(", "));
        let retired = escrow.state().keys().iter().filter(|(_, key)| key.retired.is_some());
        case.is("retired", retired.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "));
        let stopped = escrow.state().held().filter_map(|held| {
            let (one, (_, stopped)) = (&held.imported, held.stopped.as_ref()?);
            Some(format!("{}@{} {} {}", one.name, one.version, one.provider.name(), stopped.state))
        });
        let stopped = stopped.collect::<Vec<_>>().join(", ");
        case.is("stopped", if stopped.is_empty() { "none" } else { &stopped });
        let mut findings = inspect(&escrow).unwrap().findings;
        findings.extend(check_heads(&escrow));
        let found: Vec<&str> = findings.iter().map(Finding::word).collect();
        assert_eq!(found.join(", "), case.get("findings").unwrap_or_default(), "{}", case.name);
        if found.is_empty() {
            for version in versions.filter(|version| version.certificate.is_none()) {
                assert_eq!(escrow.backup(version).unwrap().digest(), &expected(version).backup);
            }
        }
    });
}

/// The objects of a payload: `=== NAME` and its lines, or `=== NAME hex` and its bytes.
fn store(payload: &str) -> MemoryStore {
    let store = MemoryStore::new();
    for section in payload.split("=== ").skip(1) {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        let (name, bytes) = match title.split_once(' ') {
            Some((name, "hex")) => (name, from_hex(&body.replace('\n', "")).unwrap()),
            _ if title.ends_with(".jsonl") => (title, format!("{}\n", body.trim_end()).into_bytes()),
            _ => (title, body.trim_end().as_bytes().to_vec()),
        };
        store.tamper(name, Some(bytes));
    }
    store
}
