//! Operators with keys of stock OpenSSH: who signs, what becomes of what others write, and that a
//! stock verifier agrees.

use super::world::{SKIP, World};
use quorate::log::ssh::{NAMESPACE, SshKey};
use quorate::log::{Entry, Log, Next, Op, OperatorChange, Phase};
use quorate::store::{FolderStore, Store as _};
use quorate::wire::json::{Json, object};
use std::process::{Command, Stdio};

/// A world with a founder, who is the first operator, and pairs of keys for others.
pub(super) fn staffed() -> World {
    let world = World::new();
    for (name, kind) in
        [("flora", "ed25519"), ("dave", "ecdsa"), ("rita", "rsa"), ("new", "ed25519"), ("eve", "ed25519")]
    {
        pair(&world, name, kind);
    }
    let mut arguments =
        vec!["init", "acme", "-t", "2", "--operator", "flora=flora.pub", "--clock", "2026-11-23T20:00:00Z"];
    arguments.extend(SKIP);
    arguments.extend(["--custodian", "alice=open", "bob=open", "carol=open"]);
    world.run(&arguments).good();
    for (name, role) in [("dave", "depositor"), ("rita", "recoverer")] {
        let key = format!("{name}.pub");
        at(&world, 1, "flora", &["operator", "add", name, "--key", &key, "--role", role]).good();
    }
    world
}

fn pair(world: &World, name: &str, kind: &str) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-N", "", "-C", name, "-t", kind, "-f"]).arg(world.path(name));
    if kind == "rsa" {
        command.args(["-b", "2048"]);
    }
    assert!(command.status().expect("ssh-keygen of OpenSSH").success());
}

/// A command in the escrow at a minute, signed with a key.
#[track_caller]
pub(super) fn at(world: &World, minute: u8, key: &str, arguments: &[&str]) -> super::world::Ran {
    let clock = format!("2026-11-23T20:{minute:02}:00Z");
    let mut all = vec!["--clock", &clock];
    if !key.is_empty() {
        all.extend(["--sign-with", key]);
    }
    all.extend(arguments);
    world.acme(&all)
}

#[track_caller]
fn recovers(world: &World, minute: u8, key: &str, to: &str) -> super::world::Ran {
    let to = format!("file:{to}");
    let cards = ["acme-cards/1-alice.pdf", "acme-cards/2-bob.pdf"];
    at(world, minute, key, &["recover", "orders", "--to", &to, "--card", cards[0], cards[1]])
}

/// Puts a record behind the log, as somebody does who can write the folder.
fn force(world: &World, op: Op, details: Json<'static>, signed_as: Option<&str>) {
    let store = FolderStore::new(world.path("acme"));
    let log = Log::open(&store).unwrap();
    let signer = signed_as.map(|name| {
        SshKey::from_line(&String::from_utf8(world.read(&format!("{name}.pub"))).unwrap())
            .unwrap()
            .fingerprint()
    });
    let next = Next { head: log.head(), time: log.last_time().unwrap(), signer };
    let entry = Entry { actor: "mallory".to_owned(), op, phase: Phase::Done, details };
    let mut record = next.record(entry);
    if let (Some(name), Some(signed)) = (signed_as, &mut record.signed_by) {
        signed.signature = Some(vec![0; 8]);
        let _ = name;
    }
    store.create(&Log::file(log.commits() + 1), &record.line()).unwrap();
}

#[test]
fn everybody_does_what_their_role_allows_and_nothing_else() {
    let world = staffed();
    at(&world, 2, "dave", &["generate", "orders", "--kind", "aes-256"]).good();
    at(&world, 3, "rita", &["generate", "more", "--kind", "aes-256"])
        .fails(1, "rita is an operator of this escrow, but no depositor")
        .says("operator add NAME --role");
    at(&world, 3, "", &["generate", "more", "--kind", "aes-256"])
        .fails(1, "no key to sign with is named")
        .says("--sign-with");
    at(&world, 3, "eve", &["generate", "more", "--kind", "aes-256"])
        .fails(1, "is no operator's of this escrow");
    at(&world, 3, "dave", &["operator", "add", "eve", "--key", "eve.pub", "--role", "founder"])
        .fails(1, "dave is an operator of this escrow, but no founder");
    recovers(&world, 4, "dave", "no").fails(1, "but no recoverer");
    recovers(&world, 4, "rita", "key").good();
    assert_eq!(world.read("key").len(), 32);
    let typed = world.typed(&["carol", "alice"]);
    at(&world, 5, "dave", &["check", "--record", &typed[0], &typed[1]]).good();
    at(&world, 6, "", &["log", "verify"])
        .good()
        .prints("dave (depositor)")
        .prints("flora (founder, depositor, recoverer, auditor)")
        .prints("signed the log up to record 10 (recover, 2026-11-23T20:04:00Z); record 11 is not covered");
    at(&world, 6, "", &["status"]).good().prints("operators   ");
    // Every operator's key is lost: the custodians still get their key, and the log says that nobody signed.
    recovers(&world, 7, "", "no").fails(1, "no key to sign with").says("--unsigned");
    let clock = ["--clock", "2026-11-23T20:08:00Z", "recover", "orders", "--unsigned", "--to", "file:again"];
    let cards = ["--card", "acme-cards/1-alice.pdf", "acme-cards/2-bob.pdf"];
    world.acme(&[&clock[..], &cards[..]].concat()).good();
    assert_eq!(world.read("again"), world.read("key"));
    at(&world, 9, "", &["log", "verify"])
        .fails(4, "not what its log says")
        .prints("record 12 (recover intent by operator) does not count: it is not signed");
}

#[test]
fn a_forged_record_is_named_and_believed_by_nobody() {
    let world = staffed();
    let quorum = String::from_utf8(at(&world, 2, "", &["--json", "status"]).good().out.into_bytes()).unwrap();
    let id = quorum.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().replace('-', "");
    let card = object([
        ("depth", Some(Json::text("share"))),
        ("index", Some(Json::Number(1))),
        ("read", Some(Json::text("picture"))),
    ]);
    let checked = object([
        ("cards", Some(Json::List(vec![card]))),
        ("generation", Some(Json::Number(1))),
        ("occasion", Some(Json::text("check"))),
        ("quorum", Some(Json::text(id))),
    ]);
    // The card was never looked at; who can write the folder says that it was.
    let before = at(&world, 2, "", &["status"]).good().prints("never read back: alice (1)");
    assert!(!before.out.contains("last known good"));
    force(&world, Op::Check, checked.clone(), None);
    force(&world, Op::Check, checked.clone(), Some("eve"));
    force(&world, Op::Check, checked, Some("flora"));
    let eve = SshKey::from_line(&String::from_utf8(world.read("eve.pub")).unwrap()).unwrap();
    let add = OperatorChange::Add { name: "eve".to_owned(), key: eve, roles: quorate::log::Role::ALL.into() };
    force(&world, Op::Operator, add.details(), Some("eve"));
    let after =
        at(&world, 3, "", &["status"]).fails(4, "not what its log says").prints("never read back: alice (1)");
    assert!(!after.out.contains("last known good"), "{after:?}");
    let said = at(&world, 3, "", &["log", "verify"]).fails(4, "not what its log says");
    for fragment in [
        "record 7 (check done by mallory) does not count: it is not signed",
        "record 8 (check done by mallory) does not count: it is signed by SHA256:",
        "record 9 (check done by mallory) does not count: its signature is not one of this record by SHA256:",
        "record 10 (operator done by mallory) does not count",
    ] {
        assert!(said.out.contains(fragment), "no {fragment:?} in {}", said.out);
    }
    // The escrow goes on.
    at(&world, 4, "dave", &["generate", "orders", "--kind", "aes-256"]).good();
    at(&world, 5, "", &["list"]).good().prints("orders");
}

#[test]
fn keys_are_revoked_and_replaced_and_nobody_is_locked_out() {
    let world = staffed();
    at(&world, 2, "flora", &["operator", "revoke", "flora"])
        .fails(1, "flora is the last founder")
        .says("add another founder first");
    at(&world, 2, "flora", &["operator", "add", "flora", "--role", "auditor"]).fails(1, "the last founder");
    at(&world, 2, "flora", &["operator", "revoke", "nobody"]).fails(1, "there is no operator nobody");
    at(&world, 2, "flora", &["operator", "add", "new", "--key", "new.pub"]).fails(2, "what new may do");
    at(&world, 2, "flora", &["operator", "add", "new", "--key", "new.pub", "--role", "boss"])
        .fails(2, "no role boss");
    at(&world, 2, "flora", &["operator", "add", "a b", "--key", "new.pub", "--role", "auditor"])
        .fails(2, "can't be called");
    at(&world, 2, "flora", &["operator", "add", "new", "--key", "new", "--role", "auditor"])
        .fails(1, "private key");
    at(&world, 2, "flora", &["operator", "add", "new", "--key", "dave.pub", "--role", "auditor"])
        .fails(1, "that of dave");
    at(&world, 3, "flora", &["operator", "revoke", "dave"]).good();
    at(&world, 4, "dave", &["generate", "orders", "--kind", "aes-256"])
        .fails(1, "was revoked or replaced by record 7");
    at(&world, 4, "flora", &["operator", "add", "dave", "--key", "dave.pub", "--role", "depositor"])
        .fails(1, "before");
    at(&world, 5, "rita", &["operator", "replace", "rita", "--key", "new"])
        .good()
        .prints("rita signs with SHA256:");
    at(&world, 6, "rita", &["operator", "replace", "rita", "--key", "eve"])
        .fails(1, "was revoked or replaced");
    at(&world, 6, "new", &["operator", "replace", "flora", "--key", "eve"]).fails(1, "but no founder");
    at(&world, 7, "", &["operator", "list"]).good().prints("until 2026-11-23T20:03:00Z (record 7)");
    at(&world, 7, "", &["log", "verify"]).good();
    // The missing clock of a machine without a battery, and one that is behind.
    for clock in ["1970-01-01T00:00:03Z", "2026-11-23T19:00:00Z"] {
        world
            .acme(&["--clock", clock, "--sign-with", "flora", "operator", "revoke", "rita"])
            .fails(5, "before the last record of the log");
    }
}

#[test]
fn a_stock_verifier_agrees() {
    let world = staffed();
    at(&world, 2, "dave", &["generate", "orders", "--kind", "aes-256"]).good();
    at(&world, 3, "flora", &["operator", "revoke", "dave"]).good();
    recovers(&world, 4, "rita", "key").good();
    let allowed = at(&world, 5, "", &["log", "allowed-signers"]).good().out;
    assert_eq!(allowed.lines().count(), 3);
    world.write("allowed", &allowed);
    let verify = |seq: &str, name: &str, time: &str, spoil: bool| {
        let file = format!("m{seq}{name}{}{spoil}", time.len());
        at(&world, 5, "", &["log", "export", "--record", seq, "--out", &file]).good();
        let mut message = world.read(&file);
        if spoil {
            message[20] ^= 1;
        }
        world.write("message", message);
        let mut command = Command::new("ssh-keygen");
        command
            .current_dir(world.root())
            .args(["-Y", "verify", "-f", "allowed", "-n", NAMESPACE, "-I", name]);
        command.arg("-O").arg(format!("verify-time={time}")).arg("-s").arg(format!("{file}.sig"));
        command.stdin(std::fs::File::open(world.path("message")).unwrap());
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
    };
    // Record 1 is flora's own; 7 and 8 are the deposit, signed once; 9 takes dave's key away.
    assert!(verify("1", "flora", "20261123200000Z", false));
    assert!(verify("7", "dave", "20261123200200Z", false));
    assert!(verify("11", "rita", "20261123200400Z", false));
    assert!(!verify("7", "flora", "20261123200200Z", false), "by another");
    assert!(!verify("8", "dave", "20261123200400Z", false), "after it was revoked");
    assert!(!verify("8", "dave", "20261123200200Z", true), "altered");
    at(&world, 5, "", &["log", "export", "--record", "99"]).fails(1, "record 99 is not signed");
    at(&world, 5, "", &["log", "export", "--record", "1", "--out", "allowed"]).fails(1, "exists already");
}

#[test]
fn what_does_not_count_is_marked_refused_and_acknowledged() {
    let world = staffed();
    force(&world, Op::Check, object([]), None);
    force(&world, Op::Check, object([]), Some("eve"));
    at(&world, 2, "dave", &["generate", "orders", "--kind", "aes-256"]).good();
    at(&world, 3, "", &["log", "show"]).good().prints(
        "     7 2026-11-23T20:01:00Z mallory check done {}\n       ^ does not count: it is not signed",
    );
    // The next signature in the log is dave's, and stands for neither.
    for seq in ["7", "8"] {
        at(&world, 3, "", &["log", "export", "--record", seq]).fails(4, "does not count");
        assert!(!world.path(&format!("record-{seq}")).exists());
    }
    at(&world, 3, "", &["status"]).fails(4, "not what its log says");
    at(&world, 4, "flora", &["log", "acknowledge", "7"])
        .fails(1, "the last record that does not count is 8, not 7")
        .says("look at all of them");
    at(&world, 4, "dave", &["log", "acknowledge", "8"]).fails(1, "but no founder");
    at(&world, 4, "flora", &["log", "acknowledge", "8"])
        .good()
        .prints("2 records up to record 8 are known not to count");
    at(&world, 5, "flora", &["log", "acknowledge", "8"]).fails(1, "acknowledged already");
    at(&world, 5, "", &["log", "verify"]).good().prints("2 records do not count and were acknowledged");
    at(&world, 5, "", &["status"]).good().prints("2 records do not count and were acknowledged");
    // The next one is news, and the only one that is named.
    force(&world, Op::Check, object([]), None);
    let said = at(&world, 6, "", &["log", "verify"]).fails(4, "not what its log says");
    assert!(said.out.contains("record 12 (check done by mallory)"), "{said:?}");
    assert!(!said.out.contains("record 7 "), "{said:?}");
    let fresh = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    fresh.acme(&["log", "acknowledge", "1"]).fails(1, "nothing to acknowledge");
}

#[test]
fn a_founder_sets_the_clock_back() {
    let world = staffed();
    let at_year = |year: &str, key: &str, words: &[&str]| {
        let clock = format!("{year}-01-01T00:00:00Z");
        world.acme(&[&["--clock", &clock, "--sign-with", key], words].concat())
    };
    at(&world, 2, "flora", &["log", "set-clock"]).fails(1, "nothing is to be set");
    at_year("2126", "dave", &["generate", "orders", "--kind", "aes-256"]).good();
    at(&world, 3, "flora", &["operator", "revoke", "dave"])
        .fails(5, "before the last record of the log (2126-01-01T00:00:00Z)")
        .says("`quorate log set-clock`");
    at(&world, 3, "dave", &["log", "set-clock"]).fails(1, "but no founder");
    at(&world, 3, "", &["log", "set-clock"]).fails(1, "no key to sign with");
    at(&world, 3, "flora", &["log", "set-clock"]).good().prints("the log goes on from 2026-11-23T20:03:00Z");
    at(&world, 4, "flora", &["operator", "revoke", "dave"]).good();
    at(&world, 5, "", &["log", "verify"]).good();
    let fresh = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    fresh.acme(&["--clock", "2001-01-01T00:00:00Z", "log", "set-clock"]).fails(1, "no operators");
}

/// What was written as of the future keeps nothing silent until then: a check, a drill and a certificate.
#[test]
fn a_future_that_was_set_back_is_the_past() {
    let world = staffed();
    let in_year = |year: &str, key: &str, words: &[&str]| {
        let clock = format!("{year}-01-01T00:00:00Z");
        world.acme(&[&["--clock", &clock, "--sign-with", key], words].concat())
    };
    at(&world, 2, "dave", &["generate", "orders", "--kind", "aes-256"]).good();
    let cards = ["acme-cards/1-alice.pdf", "acme-cards/2-bob.pdf"];
    let typed = world.typed(&["alice", "bob", "carol"]);
    let check = ["check", "--record", &typed[0], &typed[1], &typed[2]];
    in_year("2099", "rita", &check).good();
    in_year("2099", "rita", &["drill", "--card", cards[0], cards[1]]).good();
    at(&world, 3, "flora", &["log", "set-clock"]).good();
    let ran = in_year("2028", "rita", &["status", "--quiet"]).fails(4, "overdue");
    for due in
        ["a drill of all keys; the last good one was 2026-11-23T20:03:00Z", "the card of alice (share 1)"]
    {
        assert!(ran.out.contains(due), "{due}: {ran:#?}");
    }
    at(&world, 4, "", &["log", "verify"]).good();
}

#[test]
fn a_key_that_is_not_at_hand_keeps_nobody_from_reading() {
    let world = staffed();
    let with = |words: &[&str]| {
        let mut command =
            world.command(&[&["-C", "acme", "--clock", "2026-11-23T20:09:00Z"], words].concat());
        command.env("QUORATE_SIGN_WITH", "/nowhere/key");
        world.finish(command)
    };
    for words in [&["list"][..], &["status"], &["log", "verify"], &["log", "show"], &["operator", "list"]] {
        with(words).good();
    }
    with(&["generate", "orders", "--kind", "aes-256"]).fails(1, "/nowhere/key");
}

#[test]
fn the_quorum_names_a_founder_when_all_are_lost() {
    let world = staffed();
    let add = ["operator", "add", "new", "--key", "new.pub", "--role", "founder"];
    let cards = ["--card", "acme-cards/1-alice.pdf", "acme-cards/2-bob.pdf"];
    let with = |minute: u8, key: &str, more: &[&str]| at(&world, minute, key, &[&add[..], more].concat());
    with(2, "", &[]).fails(1, "no key to sign with");
    with(2, "flora", &cards).fails(2, "two ways to name an operator");
    at(&world, 2, "", &[&["operator", "add", "new", "--role", "founder"], &cards[..]].concat())
        .fails(2, "no key is named");
    at(&world, 2, "", &[&["operator", "add", "new", "--key", "new.pub"], &cards[..]].concat())
        .fails(2, "what new may do");
    with(2, "", &cards[..2]).fails(3, "1 of 2");
    with(3, "", &cards)
        .good()
        .prints("new is an operator (founder)")
        .says("`quorate log acknowledge 8` with the new key");
    at(&world, 4, "", &["log", "verify"]).fails(4, "not what its log says");
    at(&world, 4, "new", &["log", "acknowledge", "8"]).good();
    at(&world, 5, "", &["log", "verify"]).good().prints("new (founder)");
    at(&world, 6, "new", &["operator", "revoke", "flora"]).good();
    // Whoever has no cards names nobody: the record without the quorum's signature is void.
    let eve = SshKey::from_line(&String::from_utf8(world.read("eve.pub")).unwrap()).unwrap();
    let change =
        OperatorChange::Add { name: "eve".to_owned(), key: eve, roles: quorate::log::Role::ALL.into() };
    let store = FolderStore::new(world.path("acme"));
    let quorum = Log::open(&store).unwrap().state().quorum().unwrap().founded.quorum;
    let mut entry = Entry {
        actor: "m".to_owned(),
        op: Op::Operator,
        phase: Phase::Done,
        details: change.details_by(quorum),
    };
    entry.sign(&[7; 64]);
    force(&world, Op::Operator, entry.details, None);
    at(&world, 7, "", &["log", "verify"]).fails(4, "not what its log says").prints("is not that quorum's");
    at(&world, 7, "", &["operator", "list"]).good();
    assert!(Log::open(&store).unwrap().state().operators().named("eve").is_none());
    let fresh = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    pair(&fresh, "new", "ed25519");
    fresh.acme(&[&add[..], &cards[..]].concat()).fails(1, "the first signs for itself");
}

#[test]
fn a_key_in_the_agent_signs() {
    let world = staffed();
    let socket = world.path("socket");
    let mut agent =
        Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
    for _ in 0..200 {
        if socket.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let add = Command::new("ssh-add")
        .arg("-q")
        .arg(world.path("dave"))
        .env("SSH_AUTH_SOCK", &socket)
        .stderr(Stdio::null())
        .status();
    let key = SshKey::from_line(&String::from_utf8(world.read("dave.pub")).unwrap()).unwrap();
    let name = format!("agent:{}", key.fingerprint());
    let ran = |name: &str| {
        let mut command =
            world.command(&["-C", "acme", "--sign-with", name, "generate", "orders", "--kind", "aes-256"]);
        command.env("SSH_AUTH_SOCK", &socket);
        world.finish(command)
    };
    let (good, other) = (ran(&name), ran("agent:SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    let _ = (agent.kill(), agent.wait());
    assert!(add.unwrap().success());
    good.good();
    other.fails(1, "the agent has no key SHA256:AAAA");
    world.acme(&["--sign-with", "agent:x", "status"]).fails(2, "fingerprint of a key");
    world.acme(&["--sign-with", "absent", "status"]).fails(1, "absent");
    world.acme(&["log", "verify"]).good();
}

#[test]
fn an_escrow_that_has_keys_gets_operators_later() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    pair(&world, "flora", "ed25519");
    pair(&world, "eve", "ed25519");
    world.acme(&["status"]).good().prints("records are not signed");
    world.acme(&["operator", "list"]).good().prints("records of this escrow are not signed");
    world.acme(&["log", "allowed-signers"]).fails(1, "has no operators");
    world.acme(&["operator", "add", "flora"]).fails(2, "no key is named");
    world
        .acme(&["--sign-with", "eve", "operator", "add", "flora", "--key", "flora.pub"])
        .fails(2, "signs for itself");
    world
        .acme(&["operator", "add", "flora", "--key", "flora.pub", "--role", "auditor"])
        .fails(2, "must be a founder");
    world.acme(&["operator", "add", "flora", "--key", "flora.pub"]).good().says("name a second founder");
    world.acme(&["generate", "orders", "--kind", "aes-256"]).fails(1, "no key to sign with");
    world.acme(&["--sign-with", "flora", "generate", "orders", "--kind", "aes-256"]).good();
    world
        .acme(&["log", "verify"])
        .good()
        .prints("flora (founder")
        .prints("records 3 to 6")
        .prints("are not covered");
}

#[test]
fn a_loss_is_for_everybody_to_tell_and_for_a_founder_to_take_back() {
    let world = staffed();
    let say = |minute: u8, key: &str, what: &[&str]| {
        at(&world, minute, key, &[&["custodian"][..], what, &["--reason", "r"]].concat())
    };
    say(2, "dave", &["lost", "carol", "--stolen"]).good();
    for what in [&["found", "carol"][..], &["lost", "carol"], &["lost", "carol", "--unreadable"]] {
        say(3, "dave", what).fails(1, "is for a founder to say");
    }
    at(&world, 3, "", &["status"]).prints("gone        carol (3) stolen since 2026-11-23T20:02:00Z");
    say(4, "flora", &["lost", "carol"]).good();
    say(5, "dave", &["lost", "carol", "--unreadable"]).good();
    say(6, "flora", &["found", "carol"]).good();
    at(&world, 7, "", &["log", "verify"]).good();
}

#[test]
fn the_writer_of_a_certificate_is_no_witness_by_any_name() {
    let world = staffed();
    at(&world, 2, "dave", &["generate", "orders", "--kind", "aes-256"]).good();
    let seen = |name: &str| {
        let what = ["destroy", "backup", "orders@1", "--yes-destroy", "orders@1", "--reason", "r"];
        at(&world, 3, "flora", &[&what[..], &["--witness", "Wim", "--witness", name]].concat())
    };
    seen("FLORA").fails(1, "FLORA writes the certificate and can't be its witness");
    seen("operator").fails(1, "operator writes the certificate");
    at(&world, 3, "", &["destroy", "list"]).good().prints("no certificates");
    seen("Vera").good();
}
