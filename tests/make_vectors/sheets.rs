//! Vectors of backup sheets, and a log of a salvage: made of the published escrow and its open cards, with
//! nothing random, so that they tell of the same quorum and can be made again to compare.

use super::Out;
use quorate::card::sheet::{BackupSheet, Facts, sheet_codes};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::recover::Gathering;
use quorate::ceremony::salvage::Salvaging;
use quorate::log::Phase;
use quorate::primitive::hash::sha256;
use quorate::quorum::{Quorum, QuorumRecord};
use quorate::seal::SealedShare;
use quorate::secret::Passphrase;
use quorate::store::{MemoryStore, Store};
use quorate::wire::text::{base32, from_hex, hex};
use quorate::wire::time::Timestamp;
use std::cell::Cell;
use std::fs;
use std::path::Path;

/// The payload of a published vector.
pub(crate) fn published(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let text = fs::read_to_string(folder.join(name).with_extension("txt")).unwrap();
    text.split_once("\n\n").unwrap().1.to_owned()
}

pub(crate) fn store() -> MemoryStore {
    store_of("escrow/good")
}

/// The escrow of a vector.
pub(crate) fn store_of(name: &str) -> MemoryStore {
    let store = MemoryStore::new();
    for object in published(name).split("=== ").skip(1) {
        let (name, content) = object.split_once('\n').unwrap();
        match name.strip_suffix(" hex") {
            Some(name) => store.create(name, &from_hex(&content.replace('\n', "")).unwrap()).unwrap(),
            None if name.ends_with(".json") => store.create(name, content.trim_end().as_bytes()).unwrap(),
            None => store.create(name, content.as_bytes()).unwrap(),
        }
    }
    store
}

fn sheet(store: &MemoryStore) -> BackupSheet {
    let clock = || Timestamp::from_unix(1_795_470_000).unwrap();
    let escrow = Escrow::open(store, &clock, "maker of vectors").unwrap();
    let version = escrow.version(&"orders@2".parse().unwrap()).unwrap();
    let (backed, deposit) = (&version.backed, &version.backed.deposit);
    let facts = Facts {
        name: deposit.name.clone(),
        key: deposit.key,
        version: deposit.version,
        kind: backed.kind,
        created: backed.created,
        fingerprint: backed.fingerprint,
        spki: backed.spki,
        checkpoint: escrow.log().checkpoint().to_string(),
        time: escrow.log().last_time().unwrap(),
    };
    let record = escrow.quorum_by_id(deposit.quorum).unwrap();
    BackupSheet::new(facts, record, escrow.backup(version).unwrap()).unwrap()
}

/// The texts of codes for any bytes, cut here once more: `padding` zeros follow, at least those that must.
fn cut(bytes: &[u8], name: &str, count: usize, padding: &[u8]) -> Vec<String> {
    let mut bytes = [bytes, padding].concat();
    while bytes.len() % count != 0 {
        bytes.push(0);
    }
    let mut parts: Vec<Vec<u8>> = bytes.chunks(bytes.len() / count).map(<[u8]>::to_vec).collect();
    let mut spare = vec![0; parts[0].len()];
    parts.iter().for_each(|part| spare.iter_mut().zip(part).for_each(|(sum, byte)| *sum ^= byte));
    parts.push(spare);
    let of = parts.len();
    let code =
        |(n, part): (usize, &Vec<u8>)| format!("QUORATE/1/B{n}OF{of}/{name}/{}", base32(part).as_str());
    (1..).zip(&parts).map(code).collect()
}

/// Bytes with a digest that fits them, and their name.
fn ended(mut bytes: Vec<u8>) -> (Vec<u8>, String) {
    let digest = sha256(&[b"quorate/v1/sheet", &bytes]);
    bytes.extend(digest);
    (bytes, base32(&digest[..5]).to_string())
}

fn container(facts: &[u8], record: &[u8], backup: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 2];
    bytes.extend((facts.len() as u16).to_be_bytes());
    bytes.extend((record.len() as u32).to_be_bytes());
    bytes.extend((backup.len() as u32).to_be_bytes());
    [&bytes, facts, record, backup].concat()
}

/// Another last character that is still base32 of whole bytes.
fn altered(code: &str) -> String {
    let at = code.len() - 20;
    let other = if &code[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &code[..at], &code[at + 1..])
}

pub(crate) fn make(out: &Out) {
    let store = store();
    let sheet = sheet(&store);
    let codes = sheet_codes(&sheet);
    let count = codes.len() - 1;
    assert_eq!(cut(sheet.bytes(), &sheet.name(), count, &[]), codes);
    let facts = sheet.facts();
    let (digest, backup, quorum) =
        (hex(&sha256(&[sheet.bytes()])), hex(sheet.backup().digest()), sheet.record().id().text());
    let (version, fingerprint, sheet_name) =
        (facts.version.to_string(), facts.fingerprint.to_string(), sheet.name());
    let about = [
        ("expect", "ok"),
        ("sha256", digest.as_str()),
        ("sheet", &sheet_name),
        ("name", facts.name.as_str()),
        ("version", &version),
        ("kind", facts.kind.name()),
        ("fingerprint", &fingerprint),
        ("backup", &backup),
        ("quorum", &quorum),
    ];
    let good = |name: &str, more: &[(&str, &str)], codes: &[String]| {
        out.put(&format!("sheet/{name}"), &[&about, more].concat(), &codes.join("\n"));
    };
    let without = |lost: &[usize]| -> Vec<String> {
        (1..).zip(&codes).filter(|(n, _)| !lost.contains(n)).map(|(_, code)| code.clone()).collect()
    };
    let with = |wrong: &[usize]| -> Vec<String> {
        let one = |(n, code): (usize, &String)| if wrong.contains(&n) { altered(code) } else { code.clone() };
        (1..).zip(&codes).map(one).collect()
    };
    let last = codes.len();
    good("good", &[], &codes);
    let twice: Vec<String> = codes.iter().rev().chain(&codes).map(|code| code.to_lowercase()).collect();
    good("backwards-twice-lower-case", &[], &twice);
    good("first-missing", &[("rebuilt", "1")], &without(&[1]));
    good("last-data-missing", &[("rebuilt", &count.to_string())], &without(&[count]));
    good("spare-missing", &[("rebuilt", &last.to_string())], &without(&[last]));
    good("one-altered", &[("altered", "3")], &with(&[3]));
    good("spare-altered", &[("altered", &last.to_string())], &with(&[last]));

    let refuse = |name: &str, reason: &str, codes: &[String]| {
        let headers = [("expect", "refused"), ("reason", reason)];
        out.put(&format!("sheet/refused-{name}"), &headers, &codes.join("\n"));
    };
    refuse("two-missing", "missing", &without(&[2, last]));
    refuse("two-altered", "digest", &with(&[2, 5]));
    refuse("one-missing-one-altered", "digest", &[with(&[2])[..3].to_vec(), codes[4..].to_vec()].concat());
    let mixed = |from: &str, to: &str| -> Vec<String> {
        let mut codes = codes.clone();
        codes[0] = codes[0].replacen(from, to, 1);
        codes
    };
    refuse("leading-zero", "code", &mixed("/B1OF", "/B01OF"));
    refuse("number-0", "code", &mixed("/B1OF", "/B0OF"));
    refuse("number-over-count", "code", &mixed("/B1OF", &format!("/B{}OF", last + 1)));
    refuse("padded-base32", "code", &mixed(&codes[0].clone(), &format!("{}=", codes[0])));
    let qr = published("qr/open");
    refuse("card", "card", &[qr.trim_end().to_owned()]);
    refuse("later-text", "later", &mixed("QUORATE/1/", "QUORATE/2/"));
    refuse("other-name", "digest", &cut(sheet.bytes(), "ABCDEFGH", count, &[]));

    let plain = &sheet.bytes()[..sheet.bytes().len() - 32];
    let (head, about) = plain.split_at(12);
    let lengths = [u16::from_be_bytes([head[2], head[3]]).into(), sheet.record().bytes().len()];
    let (json, rest) = about.split_at(lengths[0]);
    let (record, age) = rest.split_at(lengths[1]);
    let ended_cut = |bytes: Vec<u8>, padding: &[u8]| {
        let (bytes, name) = ended(bytes);
        cut(&bytes, &name, count, padding)
    };
    let patched = |at: usize, byte: u8| {
        let mut bytes = plain.to_vec();
        bytes[at] = byte;
        bytes
    };
    refuse("version-2", "later", &ended_cut(patched(0, 2), &[]));
    refuse("kind-1", "later", &ended_cut(patched(1, 1), &[]));
    let lacks = count - sheet.bytes().len() % count;
    refuse("padding-not-zero", "wire", &ended_cut(plain.to_vec(), &vec![7; lacks]));
    refuse("padding-too-long", "wire", &ended_cut(plain.to_vec(), &vec![0; count]));
    refuse("length-too-long", "wire", &ended_cut(patched(8, 1), &[]));
    let text = String::from_utf8(json.to_vec()).unwrap();
    let other = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        ended_cut(container(text.replacen(from, to, 1).as_bytes(), record, age), &[])
    };
    refuse("facts-unknown-field", "facts", &other("\"version\":2", "\"version\":2,\"weight\":1"));
    refuse(
        "facts-spki-of-a-raw-key",
        "facts",
        &other("\"time\"", &format!("\"spki\":\"{}\",\"time\"", hex(&[1; 32]))),
    );
    refuse("facts-format", "later", &other("quorate/v1/sheet", "quorate/v2/sheet"));
    refuse("facts-checkpoint", "facts", &other("\"checkpoint\":\"", "\"checkpoint\":\"0"));
    let forged = String::from_utf8(record.to_vec()).unwrap().replacen("\"Dora\"", "\"Dana\"", 1);
    refuse("record-signature", "record", &ended_cut(container(json, forged.as_bytes(), age), &[]));
    refuse("no-age-file", "backup", &ended_cut(container(json, record, &age[1..]), &[]));

    salvaged(out, &sheet);
}

/// Three custodians of the published quorum.
pub(crate) fn met(record: QuorumRecord) -> (Gathering, Quorum) {
    let mut gathering = Gathering::new(record);
    for name in ["card/open", "card/passphrase", "card/open-4"] {
        let card = SealedShare::read(&from_hex(&published(name).replace('\n', "")).unwrap()).unwrap();
        let share = match card.header().index() {
            2 => card.open_passphrase(&Passphrase::parse(super::BOB.as_bytes()).unwrap()),
            _ => card.open_plain(),
        };
        let index = gathering.present(card).unwrap();
        gathering.unsealed(index, share).unwrap();
    }
    let quorum = gathering.meet().unwrap();
    (gathering, quorum)
}

/// A log that begins with a salvage.
fn salvaged(out: &Out, sheet: &BackupSheet) {
    let store = MemoryStore::new();
    let time = Cell::new(1_795_550_000);
    let tick = || {
        time.set(time.get() + 60);
        Timestamp::from_unix(time.get()).unwrap()
    };
    let mut escrow = Escrow::new(&store, &tick, "maker of vectors");
    let given_up = Salvaging::begin(&mut escrow, sheet, "file").unwrap();
    given_up.end(&mut escrow, Phase::Abandoned);
    let salvaging = Salvaging::begin(&mut escrow, sheet, "age").unwrap();
    let (gathering, _) = met(sheet.record().clone());
    let (quorum, key) = salvaging.open(sheet, &gathering).unwrap();
    let key = key.prove(|found| *found == sheet.facts().fingerprint).unwrap();
    salvaging.complete(&mut escrow, &quorum, &gathering, &key).unwrap();
    let head = escrow.log().checkpoint().to_string();
    let mut payload = String::new();
    for number in 1..=escrow.log().commits() {
        let name = quorate::log::Log::file(number);
        let text = String::from_utf8(store.read(&name, 1 << 20).unwrap().unwrap()).unwrap();
        payload += &format!("=== {name}\n{text}");
    }
    let name = quorate::ceremony::escrow::quorum_file(quorum.id(), 1);
    payload += &format!("=== {name}\n{}", String::from_utf8(sheet.record().bytes().to_vec()).unwrap());
    let plain = [("expect", "ok"), ("keys", ""), ("holds", head.as_str())];
    out.put("escrow/salvaged", &plain, payload.trim_end());
    let refuse = |name: &str, from: &str, to: &str| {
        assert!(payload.contains(from), "{from}");
        let mut store = String::new();
        let mut prev = hex(&[0; 32]);
        // The chain made anew, so that only the fold can tell.
        for object in payload.split("=== ").skip(1) {
            let (file, content) = object.split_once('\n').unwrap();
            let mut content = content.to_owned();
            if file.starts_with("log/") {
                content = content.replacen(from, to, 1);
                let (before, rest) = content.split_once("\"prev\":\"").unwrap();
                content = format!("{before}\"prev\":\"{prev}{}", &rest[64..]);
                prev = hex(&sha256(&[content.as_bytes()]));
            }
            store += &format!("=== {file}\n{content}");
        }
        let headers = [("expect", "refused"), ("reason", "state")];
        out.put(&format!("escrow/refused-{name}"), &headers, store.trim_end());
    };
    let other = hex(&sha256(&[b"another backup"]));
    let backup = hex(sheet.backup().digest());
    refuse("salvage-of-another-backup", &format!("{backup}\",\"cards"), &format!("{other}\",\"cards"));
    refuse("salvage-ends-nothing", "\"intent\":3", "\"intent\":1");
}
