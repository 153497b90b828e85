//! Vectors of logs that operators sign: who counts, and what is void. Made behind the published escrow with keys
//! from fixed seeds and nothing random, so that they can be made again to compare.

use super::Out;
use super::escrows::sections;
use super::hand::{Hand, hand};
use super::sheets::{met, published, store};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::inspect::check_heads;
use quorate::log::{Entry, Log, Next, Op, OperatorChange, Phase, Role, Sign as _, SignedBy, Signing};
use quorate::quorum::QuorumRecord;
use quorate::store::{MemoryStore, Store};
use quorate::wire::json::{Json, object};
use quorate::wire::time::Timestamp;
use std::convert::Infallible;

pub(crate) fn at(minute: u64) -> Timestamp {
    Timestamp::from_unix(1_795_480_000 + 60 * minute).unwrap()
}

pub(crate) type Said = (Op, Phase, Json<'static>);

fn entry(actor: &str, (op, phase, details): Said) -> Entry {
    Entry { actor: actor.to_owned(), op, phase, details }
}

fn checked() -> Said {
    (Op::Check, Phase::Done, object([]))
}

fn change(change: &OperatorChange) -> Said {
    (Op::Operator, Phase::Done, change.details())
}

fn add(name: &str, hand: &Hand, roles: &[Role]) -> OperatorChange {
    OperatorChange::Add { name: name.to_owned(), key: hand.1.clone(), roles: roles.iter().copied().collect() }
}

/// A log on its way.
pub(crate) struct Story {
    store: MemoryStore,
    minute: u64,
}

impl Story {
    /// Flora is a founder, Dave a depositor; two checks of Dave's share one signature.
    pub(crate) fn begin(flora: &Hand, dave: &Hand) -> Self {
        let mut story = Self { store: store(), minute: 0 };
        story.write(flora, vec![change(&add("flora", flora, &Role::ALL))]);
        story.write(flora, vec![change(&add("dave", dave, &[Role::Depositor]))]);
        story.write(dave, vec![checked(), checked()]);
        story
    }

    fn write(&mut self, by: &Hand, said: Vec<Said>) {
        self.minute += 1;
        let mut log = Log::open(&self.store).unwrap();
        let sets_clock = said.contains(&change(&OperatorChange::Clock));
        let signing = Signing { by: Some(by), sets_clock, ..Signing::default() };
        let entries = |_: &_, _: &_| {
            Ok::<_, Infallible>(said.iter().map(|one| entry("maker of vectors", one.clone())).collect())
        };
        log.commit_signed(&self.store, at(self.minute), signing, entries).unwrap();
    }

    /// A record that no writer of ours would write.
    pub(crate) fn force(&mut self, by: Option<&Hand>, time: Timestamp, said: Said, spoil: bool) {
        let log = Log::open(&self.store).unwrap();
        let next = Next { head: log.head(), time, signer: by.map(|hand| hand.1.fingerprint()) };
        let mut record = next.record(entry("mallory", said));
        let message = record.operator_message();
        record.signed_by = record.signed_by.map(|signed| {
            let mut signature = by.unwrap().sign(&message).unwrap();
            *signature.last_mut().unwrap() ^= u8::from(spoil);
            SignedBy { signature: Some(signature), ..signed }
        });
        self.store.create(&Log::file(log.commits() + 1), &record.line()).unwrap();
    }

    fn file(&self, number: u64) -> Vec<u8> {
        self.store.read(&Log::file(number), 1 << 20).unwrap().unwrap()
    }

    fn last(&self) -> u64 {
        Log::open(&self.store).unwrap().commits()
    }

    /// Publishes it, with what a reader finds.
    pub(crate) fn put(&self, out: &Out, name: &str) {
        let mut void: Vec<String> = Vec::new();
        let log = Log::walk_judged(&self.store, |record, why| {
            void.extend(why.map(|_| record.seq.to_string()));
        });
        let log = log.unwrap();
        let names: Vec<&str> =
            log.state().operators().active().map(|(_, operator)| operator.name.as_str()).collect();
        let (void, names, known) = (void.join(", "), names.join(", "), log.unacknowledged().to_string());
        let mut headers = vec![("expect", "ok"), ("operators", names.as_str())];
        if !void.is_empty() {
            headers.extend([("void", void.as_str()), ("unacknowledged", known.as_str())]);
        }
        let now = || at(100);
        let escrow = Escrow::open(&self.store, &now, "maker of vectors").unwrap();
        if !check_heads(&escrow).is_empty() {
            headers.push(("findings", "signature"));
        }
        out.put(&format!("escrow/operators-{name}"), &headers, &sections(&self.store));
    }
}

pub(crate) fn make(out: &Out) {
    let (flora, dave, eve) = (hand(0xf1), hand(0xd1), hand(0xe1));
    let story = Story::begin(&flora, &dave);
    story.put(out, "good");

    // Each of these is void: by nobody, by a stranger, with a wrong signature, in a wrong role, of an earlier
    // time, contradicting the log; and Dave's own after he was revoked.
    let mut story = Story::begin(&flora, &dave);
    let now = at(9);
    story.force(None, now, checked(), false);
    story.force(Some(&eve), now, checked(), false);
    story.force(Some(&flora), now, checked(), true);
    story.force(Some(&dave), now, change(&add("eve", &eve, &Role::ALL)), false);
    story.force(Some(&dave), at(0), checked(), false);
    story.force(Some(&flora), now, (Op::Close, Phase::Done, object([])), false);
    story.write(&flora, vec![change(&OperatorChange::Revoke { operator: dave.1.fingerprint() })]);
    story.force(Some(&dave), now, checked(), false);
    story.put(out, "void");
    let log = Log::open(&story.store).unwrap();
    let (upto, void) = (log.last_void().unwrap(), log.void_digest());
    story.write(&flora, vec![change(&OperatorChange::Acknowledge { upto, void })]);
    story.put(out, "acknowledged");

    // A stranger's line in the founder's name, in one file with what the founder wrote next.
    let mut story = Story::begin(&flora, &dave);
    let log = Log::open(&story.store).unwrap();
    let next = Next { head: log.head(), time: at(3), signer: Some(flora.1.fingerprint()) };
    let line = next.record(entry("mallory", change(&add("eve", &eve, &Role::ALL)))).line();
    story.store.create(&Log::file(log.commits() + 1), &line).unwrap();
    story.write(&flora, vec![checked(), checked()]);
    let last = story.last();
    let joined = [story.file(last - 1), story.file(last)].concat();
    story.store.tamper(&Log::file(last - 1), Some(joined));
    story.store.tamper(&Log::file(last), None);
    story.put(out, "joined");

    // A clock that was wrong, and is set right.
    let mut story = Story::begin(&flora, &dave);
    story.force(Some(&dave), "9999-12-31T23:59:59Z".parse().unwrap(), checked(), false);
    story.write(&flora, vec![change(&OperatorChange::Clock)]);
    story.put(out, "clock");

    // The quorum names a founder; and the same with a signature of another record.
    let mut story = Story::begin(&flora, &dave);
    let record = QuorumRecord::read(published("quorum-record/good").trim_end().as_bytes()).unwrap();
    let (_, quorum) = met(record.clone());
    for spoil in [true, false] {
        let log = Log::open(&story.store).unwrap();
        let next = Next { head: log.head(), time: at(5), signer: None };
        let details = add("eve", &eve, &[Role::Founder]).details_by(record.id());
        let mut entry = entry("maker of vectors", (Op::Operator, Phase::Done, details));
        let mut signature = quorum.sign(&next.record(entry.clone()).message());
        signature[0] ^= u8::from(spoil);
        entry.sign(&signature);
        story.store.create(&Log::file(log.commits() + 1), &next.record(entry).line()).unwrap();
    }
    story.minute = 5;
    story.write(&eve, vec![change(&OperatorChange::Revoke { operator: flora.1.fingerprint() })]);
    story.put(out, "by-quorum");

    // What no reader takes.
    let story = Story::begin(&flora, &dave);
    let last = story.last();
    let text = String::from_utf8(story.file(last)).unwrap();
    let refuse_as = |name: &str, reason: &str, texts: Vec<String>| {
        let copy = MemoryStore::new();
        for number in 1..last {
            copy.tamper(&Log::file(number), Some(story.file(number)));
        }
        for (number, text) in (last..).zip(texts) {
            copy.tamper(&Log::file(number), Some(text.into_bytes()));
        }
        let headers = [("expect", "refused"), ("reason", reason)];
        out.put(&format!("escrow/refused-operator-{name}"), &headers, &sections(&copy));
    };
    let refuse = |name: &str, text: String| refuse_as(name, "json", vec![text]);
    // Dave's commit of two records, cut into two files.
    let pieces = text.split_inclusive('\n').map(str::to_owned).collect();
    refuse_as("cut", "cut", pieces);
    let from = text.split("\"operator_from\":").nth(1).unwrap().split(',').next().unwrap().to_owned();
    let with = |other: &str| text.replace(&format!("\"operator_from\":{from},"), other);
    refuse("from-zero", with("\"operator_from\":0,"));
    refuse("from-itself", with(&format!("\"operator_from\":{},", from.parse::<u64>().unwrap() + 1)));
    let (first, second) = text.split_once('\n').unwrap();
    let bare = first.replace("\"phase\"", "\"operator_from\":1,\"phase\"");
    refuse("from-without-signature", format!("{bare}\n{second}"));
    let line = second.replace("\"operator\":\"", "\"oparator\":\"");
    refuse("signature-without-operator", format!("{first}\n{line}"));
}
