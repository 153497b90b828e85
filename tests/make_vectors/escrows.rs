//! Vectors of key records, backups and whole escrows.

use super::{Out, folded};
use quorate::age::{Identity, Kind, Recipient, encrypt};
use quorate::backup::Backup;
use quorate::ceremony::escrow::{Escrow, expected};
use quorate::key::{KeyFacts, KeyId, KeyKind, KeyMaterial, KeyRecord, generate};
use quorate::log::Log;
use quorate::primitive::hash::sha256;
use quorate::primitive::random::Entropy;
use quorate::quorum::Quorum;
use quorate::secret::SecretBytes;
use quorate::store::{MemoryStore, Store};
use quorate::wire::text::{base64, from_base64, hex};

pub(crate) fn key_records(out: &Out, entropy: &mut Entropy) {
    let facts = |kind: KeyKind| KeyFacts {
        key: KeyId::parse("ABCDEFGHIJKLMNOP").unwrap(),
        label: format!("a.{kind}").parse().unwrap(),
        version: 3.try_into().unwrap(),
        created: "2026-11-23T20:00:00Z".parse().unwrap(),
        usage: ["encrypt".to_owned(), "wrap".to_owned()].into(),
        attributes: [("ckaid".to_owned(), "0a\"\\\u{e9}".to_owned())].into(),
    };
    let fixed = |length: u8| SecretBytes::copy_of(&(0..length).collect::<Vec<_>>());
    let mut good = std::collections::BTreeMap::new();
    for kind in KeyKind::ALL {
        let material = match (kind.symmetric_length(), kind) {
            (Some(length), _) => KeyMaterial::raw(kind, fixed(length as u8)).unwrap(),
            (None, KeyKind::Opaque) => KeyMaterial::raw(kind, fixed(200)).unwrap(),
            _ => generate(kind, entropy).unwrap(),
        };
        let spki = material.spki_sha256().map(|digest| hex(&digest)).unwrap_or_default();
        let record = KeyRecord::new(facts(kind), material, entropy).unwrap();
        let text = String::from_utf8(record.to_bytes().expose().to_vec()).unwrap();
        let fingerprint = record.fingerprint().to_string();
        let mut headers = vec![("expect", "ok"), ("kind", kind.name()), ("fingerprint", &fingerprint)];
        if !spki.is_empty() {
            headers.push(("spki-sha256", &spki));
        }
        out.put(&format!("key-record/{kind}"), &headers, &text);
        good.insert(kind, text);
    }
    let refuse = |name: &str, reason: &str, text: &str| {
        out.put(&format!("key-record/refused-{name}"), &[("expect", "refused"), ("reason", reason)], text);
    };
    let aes = &good[&KeyKind::Aes128];
    let material = "AAECAwQFBgcICQoLDA0ODw==";
    refuse("format", "format", &aes.replace("quorate/v1/key", "quorate/v2/key"));
    refuse("unknown-field", "json", &aes.replace(",\"version\":3", ",\"version\":3,\"weight\":1"));
    refuse("version-0", "json", &aes.replace("\"version\":3", "\"version\":0"));
    refuse("version-too-large", "json", &aes.replace("\"version\":3", "\"version\":4294967296"));
    refuse("usage-order", "json", &aes.replace("\"encrypt\",\"wrap\"", "\"wrap\",\"encrypt\""));
    refuse("encoding", "json", &aes.replace("\"raw\"", "\"pkcs8\""));
    refuse("kind", "json", &aes.replace("\"aes-128\"", "\"aes-192\""));
    refuse("label", "json", &aes.replace("\"a.aes-128\"", "\".a\""));
    refuse("unpadded", "json", &aes.replace(material, &material[..22]));
    refuse("tail-bits", "json", &aes.replace(material, "AAECAwQFBgcICQoLDA0ODx=="));
    refuse("other-length", "material", &aes.replace(material, &base64(&[1; 17])));
    refuse("one-byte-repeated", "material", &aes.replace(material, &base64(&[7; 16])));
    refuse("other-kind", "material", &aes.replace("\"aes-128\"", "\"aes-256\""));
    let swapped = good[&KeyKind::EcP256].replace("\"ec-p256\"", "\"ec-secp256k1\"");
    refuse("other-curve", "material", &swapped);
    let ed = &good[&KeyKind::Ed25519];
    let start = ed.find("\"material\":\"").unwrap() + 12;
    let old = ed[start..].split('"').next().unwrap();
    let mut longer = from_base64(old).unwrap();
    longer.splice(1..2, [0x81, 46]);
    refuse("not-canonical-der", "material", &ed.replace(old, &base64(&longer)));
}

pub(crate) fn backups(
    out: &Out,
    escrow: &Escrow<'_>,
    quorum: &Quorum,
    identity: &str,
    entropy: &mut Entropy,
) {
    let version = escrow.version(&"signing.2026".parse().unwrap()).unwrap();
    let (backup, wanted) = (escrow.backup(version).unwrap(), expected(version));
    let (fingerprint, digest) = (wanted.fingerprint.to_string(), hex(backup.digest()));
    let headers = [
        ("expect", "ok"),
        ("identity", identity),
        ("label", "signing.2026"),
        ("version", "1"),
        ("kind", "ed25519"),
    ];
    let headers = [&headers[..], &[("fingerprint", &fingerprint), ("sha256", &digest)]].concat();
    out.put("backup/good", &headers, &folded(backup.bytes()));
    let refuse = |name: &str, reason: &str, bytes: &[u8]| {
        out.put(
            &format!("backup/refused-{name}"),
            &[("expect", "refused"), ("reason", reason), ("identity", identity)],
            &folded(bytes),
        );
    };
    let change = |at: usize| {
        let mut bytes = backup.bytes().to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let length = backup.bytes().len();
    refuse("payload", "decrypt", &change(length - 20));
    refuse("tag", "decrypt", &change(length - 1));
    refuse("header", "decrypt", &change(200));
    refuse("version", "decrypt", &change(20));
    refuse("cut", "decrypt", &backup.bytes()[..length - 1]);
    refuse("longer", "decrypt", &[backup.bytes(), &[0]].concat());
    let record = backup.open_unlogged(quorum.identity()).unwrap().to_bytes();
    let seal = |plain: &[u8], to: &Recipient, entropy: &mut Entropy| {
        encrypt(plain, core::slice::from_ref(to), entropy).unwrap()
    };
    let classical = Identity::from_seed(Kind::X25519, &entropy.secret(32).unwrap()).unwrap();
    let other = Identity::from_seed(Kind::Hybrid, &entropy.secret(32).unwrap()).unwrap();
    refuse("x25519", "decrypt", &seal(record.expose(), &classical.recipient().unwrap(), entropy));
    refuse("other-quorum", "decrypt", &seal(record.expose(), &other.recipient().unwrap(), entropy));
    refuse("no-record", "record", &seal(b"a note", quorum.recipient(), entropy));
    refuse("empty", "record", &seal(b"", quorum.recipient(), entropy));
    let again = Backup::from_bytes(seal(record.expose(), quorum.recipient(), entropy));
    let digest = hex(again.digest());
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, if *name == "sha256" { digest.as_str() } else { *value }))
        .collect();
    out.put("backup/good-again", &headers, &folded(again.bytes()));
}

pub(crate) fn escrows(out: &Out, store: &MemoryStore, escrow: &Escrow<'_>, early: &str) {
    let head = format!(
        "{}:{}",
        escrow.log().checkpoint().seq(),
        hex(&{
            let mut last = [0; 32];
            Log::walk(store, |record| last = sha256(&[&record.line()])).unwrap();
            last
        })
    );
    let keys: Vec<String> = escrow
        .state()
        .keys()
        .iter()
        .flat_map(|(name, key)| {
            key.versions
                .iter()
                .map(move |(version, entry)| format!("{name}@{version} {}", entry.backed.fingerprint))
        })
        .collect();
    let (all, keys, late) = (sections(store), keys.join(", "), escrow.log().checkpoint().to_string());
    let mut headers =
        vec![("expect", "ok"), ("head", head.as_str()), ("keys", &keys), ("holds", early), ("holds", &late)];
    out.put("escrow/good", &headers, &all);
    headers.truncate(1);
    let other = format!("4:{}", &early.split(':').nth(1).unwrap());
    let beyond = format!("99:{}", &early.split(':').nth(1).unwrap());
    headers.extend([("rewritten", other.as_str()), ("rolled-back", beyond.as_str())]);
    out.put("escrow/checkpoints", &headers, &all);

    let file =
        |number: u64| String::from_utf8(store.read(&Log::file(number), 1 << 20).unwrap().unwrap()).unwrap();
    let last = escrow.log().commits();
    let with = |name: &str, expect: &[(&str, &str)], changes: &[(String, Option<String>)]| {
        let copy = MemoryStore::new();
        // For a log that is refused, the log is enough.
        let wanted = |name: &String| expect[0].1 == "findings" || name.starts_with("log/");
        for name in store.names().into_iter().filter(wanted) {
            copy.tamper(&name, store.read(&name, 1 << 20).unwrap());
        }
        for (name, text) in changes {
            copy.tamper(name, text.clone().map(String::into_bytes));
        }
        out.put(&format!("escrow/{name}"), expect, &sections(&copy));
    };
    let refuse = |name: &str, reason: &str, changes: &[(String, Option<String>)]| {
        with(&format!("refused-{name}"), &[("expect", "refused"), ("reason", reason)], changes);
    };
    let edit = |number: u64, from: &str, to: &str| {
        assert!(file(number).contains(from), "{from}");
        (Log::file(number), Some(file(number).replacen(from, to, 1)))
    };
    refuse("no-log", "no-escrow", &(1..=last).map(|number| (Log::file(number), None)).collect::<Vec<_>>());
    refuse("gap", "gap", &[(Log::file(3), None)]);
    refuse("altered-actor", "broken", &[edit(2, "maker of vectors", "somebody else")]);
    refuse("altered-time-backwards", "broken", &[edit(last, "2026-11-23", "2026-11-22")]);
    refuse("torn", "torn", &[(Log::file(last), Some(file(last).trim_end().to_owned() + "\n{\"actor\":"))]);
    refuse("foreign-file", "foreign", &[("log/notes.txt".into(), Some("hello\n".into()))]);
    refuse("unknown-op", "later", &[edit(last, "\"op\":\"recover\"", "\"op\":\"forget\"")]);
    refuse("format", "later", &[edit(last, "quorate/v1/log", "quorate/v2/log")]);
    refuse("unknown-field", "json", &[edit(last, ",\"time\":", ",\"tame\":1,\"time\":")]);
    let line = file(last);
    let (start, end) = (line.find("\"details\":").unwrap(), line.find(",\"format\"").unwrap());
    let flat = format!("{}\"details\":1{}", &line[..start], &line[end..]);
    refuse("details-no-object", "json", &[(Log::file(last), Some(flat))]);
    refuse("not-canonical", "json", &[edit(last, "\"op\":", "\"op\": ")]);
    refuse(
        "phase",
        "state",
        &[
            edit(last, "\"phase\":\"done\"", "\"phase\":\"intent\""),
            edit(last, "\"op\":\"recover\"", "\"op\":\"check\""),
        ][1..]
            .iter()
            .map(|(name, text)| {
                (
                    name.clone(),
                    text.clone().map(|text| text.replace("\"phase\":\"done\"", "\"phase\":\"intent\"")),
                )
            })
            .collect::<Vec<_>>(),
    );
    refuse("recovers-another-version", "state", &[edit(last, "\"version\":1", "\"version\":2")]);
    refuse("ends-nothing", "state", &[edit(last, "\"intent\":9", "\"intent\":1")]);
    refuse("next-version", "state", &[edit(last - 1, "\"op\":\"recover\"", "\"op\":\"add\"")]);
    // What the log alone doesn't show: a signature that isn't the quorum's, and a lost backup.
    with(
        "found-signature",
        &[("expect", "findings"), ("findings", "signature")],
        &[edit(last, "\"to\":\"file\"", "\"to\":\"age\"")],
    );
    let backup = store.names().into_iter().find(|name| name.ends_with(".age")).unwrap();
    with(
        "found-backup-missing",
        &[("expect", "findings"), ("findings", "missing")],
        &[(backup.clone(), None)],
    );
    with(
        "found-backup-altered",
        &[("expect", "findings"), ("findings", "altered")],
        &[(backup, Some("x".into()))],
    );
    let record = store.names().into_iter().find(|name| name.ends_with(".json")).unwrap();
    with(
        "found-record-missing",
        &[("expect", "findings"), ("findings", "missing, signature, signature")],
        &[(record, None)],
    );
    with(
        "found-orphan",
        &[("expect", "findings"), ("findings", "orphan")],
        &[("keys/ABCDEFGHIJKLMNOP/1.age".into(), Some("x".into()))],
    );
    with(
        "found-foreign",
        &[("expect", "findings"), ("findings", "foreign")],
        &[("README".into(), Some("x".into()))],
    );
}

pub(crate) fn sections(store: &MemoryStore) -> String {
    let mut text = String::new();
    for name in store.names() {
        let bytes = store.read(&name, 1 << 20).unwrap().unwrap();
        text += &match String::from_utf8(bytes.clone()) {
            Ok(lines) if name.ends_with(".jsonl") && lines.ends_with('\n') => format!("=== {name}\n{lines}"),
            Ok(line) if name.ends_with(".json") => format!("=== {name}\n{line}\n"),
            _ => format!("=== {name} hex\n{}\n", folded(&bytes)),
        };
    }
    text.trim_end().to_owned()
}
