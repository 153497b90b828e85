//! What is fuzzed: every reader of bytes that somebody else wrote, as a function of those bytes.
//!
//! Included by the fuzz programs of this folder and by `tests/fuzz_smoke.rs`. Whatever comes in, a
//! reader returns; and what it accepts it writes again as the same bytes, where the format has one
//! spelling only. Cost is bounded by the readers' own limits; the pictures' are small here.

use quorate::age::{self, Header, Identity, LIMITS, Recipient, Stanzas};
use quorate::card::sheet::{BackupSheet, SheetCollector, sheet_codes};
use quorate::card::{Collector, scan, typed};
use quorate::ceremony::report::Signed;
use quorate::ceremony::script::Script;
use quorate::key::{KeyKind, KeyName, KeyRecord, Label, import};
use quorate::log::ssh::{self, NAMESPACE, SshFingerprint, SshKey, read_signature};
use quorate::log::{Checkpoint, Log, Record};
use quorate::quorum::QuorumRecord;
use quorate::seal::SealedShare;
use quorate::secret::Passphrase;
use quorate::store::MemoryStore;
use quorate::wire::ttlv::Item;
use quorate::wire::{json, lines};
use std::time::Duration;

/// A reader under test.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: [(&str, Target); 18] = [
    ("age", age_file),
    ("armor", armor),
    ("card", card),
    ("codes", codes),
    ("json", json_text),
    ("key_import", key_import),
    ("key_record", key_record),
    ("log", log),
    ("log_record", log_record),
    ("picture", picture),
    ("policy", policy),
    ("quorum_record", quorum_record),
    ("report", report),
    ("sheet", sheet),
    ("ssh", ssh),
    ("ttlv", ttlv_message),
    ("typed", typed_lines),
    ("words", words),
];

/// The identity of the vectors in `tests/vectors/backup`, which opens the good one.
const IDENTITY: &[u8] = b"AGE-SECRET-KEY-PQ-1E2HRH725YGFPPZHAPQYY7PSX0LLHFUFZA0MYN4R5R5K3047TAGTQCE4SGV";

/// A public key for signatures that come without one.
pub const SSH_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+E95PDjoouvrumx65FnVoLOUxGkVTAahoVVjfbgYMc";

/// A message of KMIP.
pub fn ttlv_message(data: &[u8]) {
    if let Some(item) = Item::read(data) {
        assert_eq!(item.encode().as_deref(), Some(data));
    }
}

/// An age file: its header, and all of it.
pub fn age_file(data: &[u8]) {
    let _ = Header::parse(data, &LIMITS);
    if let Ok(identity) = Identity::parse(IDENTITY) {
        let _ = age::decrypt(data, &[&identity], Stanzas::Any, &LIMITS);
    }
}

/// Armor around an age file.
pub fn armor(data: &[u8]) {
    if let Ok(file) = age::unarmor(data, LIMITS.file) {
        assert_eq!(age::unarmor(age::armor(&file).as_bytes(), LIMITS.file), Ok(file));
    }
}

/// The bytes of a card.
pub fn card(data: &[u8]) {
    if let Ok(card) = SealedShare::read(data) {
        assert_eq!(card.expose(), data);
        let _ = card.open_plain();
        let _ = lines::encode(data);
    }
    let _ = SealedShare::read_padded(data);
}

/// The texts of codes, one a line.
pub fn codes(data: &[u8]) {
    let mut collector = Collector::new();
    for code in String::from_utf8_lossy(data).lines() {
        let _ = collector.offer(code);
    }
    let _ = collector.unfinished().count();
}

/// The report of a ceremony.
pub fn report(data: &[u8]) {
    if let Ok(signed) = Signed::read(data) {
        assert_eq!(signed.bytes(), data);
        assert!(signed.report().is_fit().is_ok());
    }
}

/// A policy, and the script of a ceremony: files that people write.
pub fn policy(data: &[u8]) {
    let _ = (quorate::ceremony::policy::read(data), Script::read(data));
}

/// The bytes of a backup sheet, and the texts of its codes, one a line.
pub fn sheet(data: &[u8]) {
    if let Ok(sheet) = BackupSheet::read(data) {
        assert_eq!(sheet.bytes(), data);
    }
    let mut collector = SheetCollector::new();
    for code in String::from_utf8_lossy(data).lines() {
        let _ = collector.offer(code);
    }
    for gathered in collector.finish().into_iter().flatten() {
        let codes = sheet_codes(&gathered.sheet);
        let mut again = SheetCollector::new();
        assert!(codes.iter().all(|code| again.offer(code).is_ok()));
        assert!(again.finish().into_iter().flatten().any(|same| same.sheet == gathered.sheet));
    }
}

/// JSON of the one spelling.
pub fn json_text(data: &[u8]) {
    if let Ok(value) = json::read("the text", data) {
        assert_eq!(value.bytes(), data);
    }
}

/// A file with a key that another program made.
pub fn key_import(data: &[u8]) {
    let _ = import(None, data);
    for kind in ["aes-256", "hmac-256", "ec-p256", "rsa-3072"] {
        let _ = import(kind.parse::<KeyKind>().ok(), data);
    }
}

/// What is in a backup.
pub fn key_record(data: &[u8]) {
    if let Ok(record) = KeyRecord::from_bytes(data) {
        assert!(record.to_bytes().expose() == data);
    }
}

/// A log, each commit ended by a zero byte.
pub fn log(data: &[u8]) {
    let store = MemoryStore::new();
    for (number, commit) in (1..).zip(data.split(|byte| *byte == 0)).take(64) {
        store.tamper(&Log::file(number), Some(commit.to_vec()));
    }
    let _ = Log::open(&store);
}

/// One line of a log.
pub fn log_record(data: &[u8]) {
    if let Ok(record) = Record::read(data) {
        assert_eq!(record.line().trim_ascii_end(), data.strip_suffix(b"\n").unwrap_or(data));
    }
}

/// An operator's public key, as text or bytes, and a signature behind the first empty line.
pub fn ssh(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (line, armour) = text.split_once("\n\n").unwrap_or((&text, &text));
    let _ = SshFingerprint::parse(line);
    let keys = [SshKey::from_line(line).ok(), SshKey::from_bytes(data).ok(), SshKey::from_line(SSH_KEY).ok()];
    for key in keys.into_iter().flatten() {
        assert!(SshKey::from_line(&key.to_string()).is_ok_and(|same| same == key));
        let _ = key.has_signed(NAMESPACE, b"a record\n", data);
        if let Ok(signature) = read_signature(armour, &key, NAMESPACE, b"a record\n") {
            let again =
                read_signature(&ssh::armor(&key, NAMESPACE, &signature), &key, NAMESPACE, b"a record\n");
            assert!(again.is_ok_and(|again| again == signature));
        }
    }
}

/// A picture or a PDF, under small limits.
pub fn picture(data: &[u8]) {
    let mut search = scan::Search::new(|text| text.starts_with("QUORATE/"));
    search.limits.deadline = Duration::from_millis(200);
    search.limits.per_page = Duration::ZERO;
    search.limits.longest = Duration::from_millis(200);
    search.limits.pixels = 1_000_000;
    search.limits.unpacked = 4 << 20;
    search.limits.pages = 2;
    let _ = scan::read(data, &search, &mut |_| ());
}

/// The public record of a quorum.
pub fn quorum_record(data: &[u8]) {
    if let Ok(record) = QuorumRecord::read(data) {
        assert_eq!(record.bytes(), data);
    }
}

/// Typed lines, and what corrects them.
pub fn typed_lines(data: &[u8]) {
    let _ = typed::read(data);
}

/// Short texts: names, passphrases, recipients, identities, checkpoints.
pub fn words(data: &[u8]) {
    let _ = Passphrase::parse(data);
    let _ = Identity::parse(data);
    if let Ok(text) = core::str::from_utf8(data) {
        let _ = (text.parse::<Label>(), text.parse::<KeyName>(), text.parse::<KeyKind>());
        let _ = (text.parse::<Recipient>(), Checkpoint::parse(text));
    }
}
