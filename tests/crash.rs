//! Killed at every system call that writes, or told that the disk is full: nothing that was reported
//! is lost, what is left is told truthfully, and the same command run again succeeds.
//!
//! `strace` ends the program with SIGKILL when it enters the n-th `mkdir`, `openat`, `write`, `fsync`
//! or rename, for n from 1 until the command gets through; and lets the n-th one fail with ENOSPC or
//! EIO. Without `strace` the tests say so and pass; with `QUORATE_TEST_ALL=1` they fail. Power cuts
//! are in `power.rs`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests and their report"
)]

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[path = "tools/strace.rs"]
mod strace;

use strace::{copy_all, has_strace, words};

const PROGRAM: &str = env!("CARGO_BIN_EXE_quorate");
/// What is left out without `strace`.
const WHAT: &str = "crashes at every system call";
/// A key that is added.
const KEY: &[u8; 32] = b"\x000123456789abcdefghijklmnopqrst\xff";
/// More calls of one kind than a command makes.
const MOST: usize = 60;

/// A folder with an escrow `acme`, one key `root` in it, and the cards of alice and bob as text.
struct Room {
    folder: PathBuf,
    cards: [PathBuf; 2],
}

impl Room {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).stdin(Stdio::null()).env_remove("QUORATE_ESCROW");
        // Cargo's has the loader look in many folders, which would all be calls to fail at.
        command.env_remove("LD_LIBRARY_PATH");
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.command(PROGRAM).args(arguments.split(' ')).output().unwrap()
    }

    /// Runs a command that must succeed; what it says.
    fn succeeds(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments}: {}", words(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command with the injection in the calls named.
    fn injected(&self, calls: &str, how: &str, arguments: &str) -> Output {
        self.command("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e"])
            .arg(format!("trace={calls}"))
            .arg("-e")
            .arg(format!("inject={calls}:{how}"))
            .arg(PROGRAM)
            .args(arguments.split(' '))
            .output()
            .unwrap()
    }

    fn copy(&self) -> (tempfile::TempDir, Self) {
        let copy = tempfile::tempdir().unwrap();
        copy_all(&self.folder.join("acme"), &copy.path().join("acme"));
        fs::write(copy.path().join("key"), KEY).unwrap();
        let room = Self { folder: copy.path().to_owned(), cards: self.cards.clone() };
        (copy, room)
    }

    /// The log and everything that it names are good, and every key in `names` comes back.
    fn is_sound(&self, context: &str, names: &[&str]) {
        let verified = self.run("-C acme log verify");
        assert!(verified.status.success(), "{context}: {}", words(&verified));
        self.succeeds("-C acme status");
        for name in names {
            let _ = fs::remove_file(self.folder.join("out"));
            let cards = format!("{} {}", self.cards[0].display(), self.cards[1].display());
            self.succeeds(&format!("-C acme recover {name} --card {cards} --to file:out"));
            let key = fs::read(self.folder.join("out")).unwrap();
            assert_eq!(key.len(), 32, "{context}");
            assert!(!name.starts_with("kept") || key == KEY, "{context}: {name} is another key");
        }
    }
}

const INIT: &str =
    "init acme --threshold 2 --custodian alice=open bob=open carol=open --skip-scan-back everybody";

/// An escrow with a quorum, the key `root`, and two cards as the text of their codes.
fn room(folder: &Path) -> Room {
    let mut room = Room { folder: folder.to_owned(), cards: [folder.join("1.txt"), folder.join("2.txt")] };
    room.succeeds(INIT);
    room.succeeds("-C acme generate root --kind aes-256");
    room.cards = [codes(folder, "1-alice"), codes(folder, "2-bob")];
    room
}

/// The codes of a card's page as a text file, which is quicker to read again and again.
fn codes(folder: &Path, card: &str) -> PathBuf {
    let page = fs::File::open(folder.join(format!("acme-cards/{card}.pdf"))).unwrap();
    let mut read = Command::new(PROGRAM);
    let read = read.args(["scan-file", "--deadline", "30"]).stdin(page).output().unwrap();
    let text = String::from_utf8(read.stdout).unwrap();
    let path = folder.join(format!("{card}.txt"));
    // Its answer: a letter, a text, a zero byte, for each code.
    fs::write(&path, text.split('\0').next().unwrap().strip_prefix('C').unwrap()).unwrap();
    path
}

/// Kills `arguments` at every call of a kind, and shows each time what is left to `check`.
fn killed(room: &Room, calls: &[&str], arguments: &str, check: impl Fn(&str, &Room)) {
    for call in calls {
        let mut through = false;
        for n in 1..MOST {
            let (_copy, room) = room.copy();
            let output = room.injected(call, &format!("signal=KILL:when={n}"), arguments);
            let context = format!("{arguments}, killed at {call} {n}");
            let dead = output.status.signal() == Some(9) || output.status.code() == Some(137);
            through = !dead;
            assert!(dead || output.status.success(), "{context}: {}", words(&output));
            if !through {
                check(&context, &room);
                continue;
            }
            break;
        }
        assert!(through, "{arguments}: never got through {call}");
    }
}

/// Lets each call of a kind fail, and shows each time what is left to `check`; with a `+` in `modes`,
/// every call from the n-th on too, as a full disk does.
fn failing(
    room: &Room,
    faults: &[(&str, &str)],
    modes: &[&str],
    arguments: &str,
    check: impl Fn(&str, &Room, bool),
) {
    for (call, error) in faults {
        for more in modes {
            for n in 1..MOST {
                let (_copy, room) = room.copy();
                let output = room.injected(call, &format!("error={error}:when={n}{more}"), arguments);
                let context = format!("{arguments}, {call} {n}{more} with {error}: {}", words(&output));
                match output.status.code() {
                    Some(0) => {
                        check(&context, &room, true);
                        break;
                    }
                    Some(1 | 5) => {
                        // When nothing can be written, the words can't either.
                        let said = String::from_utf8_lossy(&output.stderr);
                        let mute = *call == "write";
                        assert!(mute || said.contains("quorate: error: "), "{context}");
                        assert!(!said.contains("panicked"), "{context}");
                    }
                    _ => unreachable!("{context}"),
                }
                check(&context, &room, false);
            }
        }
    }
}

const CALLS: [&str; 6] = ["mkdir", "openat", "write", "fsync", "renameat2", "rename"];

#[test]
fn a_killed_generate_or_add_loses_nothing() {
    if !has_strace(WHAT) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let room = room(folder.path());
    let generate = "-C acme generate root --kind aes-256";
    killed(&room, &CALLS, generate, |context, room| {
        room.is_sound(context, &[]);
        room.succeeds(generate);
        room.is_sound(context, &["root@1", "root"]);
    });
    let add = "-C acme add kept --file key --kind aes-256";
    killed(&room, &CALLS, add, |context, room| {
        room.is_sound(context, &[]);
        room.succeeds(add);
        room.is_sound(context, &["kept"]);
    });
}

/// More keys than are sealed before the first is written: another thread writes them meanwhile. `strace`
/// counts the calls of each thread by itself, and that thread makes by far the most.
#[test]
fn a_killed_generate_of_many_loses_nothing() {
    if !has_strace(WHAT) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let room = room(folder.path());
    let names: Vec<String> = (0..70).map(|number| format!("many-{number}")).collect();
    let generate = format!("-C acme generate {} --kind aes-256", names.join(" "));
    let calls = [
        ("mkdir", &[1, 20, 70][..]),
        ("openat", &[20, 60]),
        ("write", &[5, 40, 70]),
        ("syncfs", &[1, 2]),
        ("renameat2", &[1, 3, 30, 70]),
    ];
    for (call, ns) in calls {
        for n in ns {
            let (_copy, room) = room.copy();
            let output = room.injected(call, &format!("signal=KILL:when={n}"), &generate);
            let context = format!("killed at {call} {n}: {}", words(&output));
            assert!(output.status.signal() == Some(9) || output.status.code() == Some(137), "{context}");
            room.is_sound(&context, &["root"]);
            assert!(!room.succeeds("-C acme list").contains("many-"), "{context}");
            room.succeeds(&generate);
            room.is_sound(&context, &["root", "many-0", "many-69"]);
        }
    }
    for (call, error, n) in [("syncfs", "EIO", 1), ("syncfs", "EIO", 2), ("renameat2", "ENOSPC", 30)] {
        let (_copy, room) = room.copy();
        let output = room.injected(call, &format!("error={error}:when={n}"), &generate);
        let context = format!("{call} {n} with {error}: {}", words(&output));
        assert_eq!(output.status.code(), Some(1), "{context}");
        room.is_sound(&context, &["root"]);
        room.succeeds(&generate);
        room.is_sound(&context, &["many-0", "many-69"]);
    }
}

#[test]
fn a_killed_recover_releases_all_or_nothing() {
    if !has_strace(WHAT) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let room = room(folder.path());
    let cards = format!("{} {}", room.cards[0].display(), room.cards[1].display());
    let recover = format!("-C acme recover root --card {cards} --to file:key-of-root");
    room.succeeds(&recover);
    let key = fs::read(folder.path().join("key-of-root")).unwrap();
    killed(&room, &CALLS, &recover, |context, room| {
        let (place, waiting) = ("key-of-root", "key-of-root.pending");
        let released = fs::read(room.folder.join(place));
        assert!(released.as_ref().map_or(true, |released| *released == key), "{context}");
        room.is_sound(context, &[]);
        if room.folder.join(waiting).exists() {
            // Named before any custodian is asked for anything.
            let refused = words(&room.run(&recover));
            assert!(refused.contains(waiting) && refused.contains("delete it"), "{context}: {refused}");
            assert!(!refused.contains("unsealing"), "{context}: {refused}");
            fs::remove_file(room.folder.join(waiting)).unwrap();
        }
        if released.is_err() {
            room.succeeds(&recover);
        }
        assert_eq!(fs::read(room.folder.join(place)).unwrap(), key, "{context}");
    });
}

/// A drill is in the log whole, or as one that has not ended; what it sends to a test key leaves only behind its end.
#[test]
fn a_killed_drill_claims_nothing_and_releases_nothing() {
    if !has_strace(WHAT) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let room = room(folder.path());
    let key = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out kek";
    for words in [key, "pkey -in kek -pubout -out kek.pem"] {
        assert!(room.command("openssl").args(words.split(' ')).output().unwrap().status.success());
    }
    let asked = room.succeeds("--json request openbao --kind aes-256 --set key=test --from kek.pem");
    let digest = asked.split("\"request\":\"").nth(1).unwrap().split('"').next().unwrap();
    let cards = format!("{} {}", room.cards[0].display(), room.cards[1].display());
    let plain = format!("-C acme drill --report drill.json --card {cards}");
    let request = folder.path().join("request.json").display().to_string();
    let packing =
        format!("-C acme drill root --to package:sent --for {request} --request {digest} --card {cards}");
    let told = |context: &str, room: &Room, again: &str| {
        let verified = room.run("-C acme log verify");
        assert!(verified.status.success(), "{context}: {}", words(&verified));
        room.is_sound(context, &["root"]);
        let log = room.succeeds("-C acme log show");
        let (done, sent) = (log.matches(" drill done ").count(), log.matches(" package done ").count());
        assert!(done <= 1 && sent <= 1, "{context}: {log}");
        // Nothing leaves that the log doesn't say, and no drill is taken for done that isn't.
        assert!(!room.folder.join("sent").exists() || (done, sent) == (1, 1), "{context}: {log}");
        let drilled = room.succeeds("-C acme show root");
        assert_eq!(drilled.contains("  drilled  "), done == 1, "{context}: {drilled}");
        if room.folder.join("drill.json").exists() {
            room.succeeds("-C acme report verify drill.json");
        }
        // The way on: what is in the way is named, and the same command proves it.
        for left in ["sent", "sent.pending", "drill.json", "drill.json.pending"] {
            let left = room.folder.join(left);
            if left.is_dir() {
                fs::remove_dir_all(left).unwrap();
            } else if left.exists() {
                fs::remove_file(left).unwrap();
            }
        }
        room.succeeds(again);
        let log = room.succeeds("-C acme log show");
        assert_eq!(log.matches(" drill done ").count(), done + 1, "{context}: {log}");
    };
    let calls = ["mkdir", "openat", "write", "fsync", "renameat2"];
    killed(&room, &calls, &plain, |context, room| told(context, room, &plain));
    killed(&room, &[&calls[..], &["rename"]].concat(), &packing, |context, room| {
        told(context, room, &packing);
    });
    let faults = [("write", "ENOSPC"), ("fsync", "EIO"), ("renameat2", "EIO")];
    failing(&room, &faults, &["+"], &packing, |context, room, _| told(context, room, &packing));
}

#[test]
fn a_full_or_failing_disk_is_told() {
    if !has_strace(WHAT) {
        return;
    }
    let faults = [
        ("write", "ENOSPC"),
        ("write", "EIO"),
        ("fsync", "EIO"),
        ("renameat2", "ENOSPC"),
        ("renameat2", "EIO"),
        ("mkdir", "ENOSPC"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let room = room(folder.path());
    let generate = "-C acme generate root --kind aes-256";
    failing(&room, &faults, &["", "+"], generate, |context, room, done| {
        let listed = room.succeeds("-C acme show root --json");
        assert!(!done || listed.contains("\"version\":2"), "{context}: {listed}");
        room.succeeds(generate);
        room.is_sound(context, &["root@1", "root"]);
    });
}

#[test]
fn a_full_or_failing_disk_under_add_or_recover_is_told() {
    if !has_strace(WHAT) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let room = room(folder.path());
    let faults = [("write", "ENOSPC"), ("fsync", "EIO"), ("renameat2", "EIO")];
    let add = "-C acme add kept --file key --kind aes-256";
    failing(&room, &faults, &["", "+"], add, |context, room, done| {
        if !done {
            room.succeeds(add);
        }
        room.is_sound(context, &["kept"]);
    });
    let cards = format!("{} {}", room.cards[0].display(), room.cards[1].display());
    let recover = format!("-C acme recover root --card {cards} --to file:key-of-root");
    room.succeeds(&recover);
    let key = fs::read(folder.path().join("key-of-root")).unwrap();
    let faults = [("write", "ENOSPC"), ("fsync", "EIO"), ("renameat2", "EIO"), ("rename", "EIO")];
    failing(&room, &faults, &["", "+"], &recover, |context, room, done| {
        let place = room.folder.join("key-of-root");
        let released = fs::read(&place).ok();
        assert!(released.as_ref().is_none_or(|released| *released == key), "{context}: a wrong key");
        assert!(!done || released.is_some(), "{context}");
        room.is_sound(context, &[]);
        if released.is_none() {
            let _ = fs::remove_file(room.folder.join("key-of-root.pending"));
            room.succeeds(&recover);
            assert_eq!(fs::read(&place).unwrap(), key, "{context}");
        }
    });
}

/// An empty folder in which escrows are founded.
fn nowhere() -> (tempfile::TempDir, Room) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("acme")).unwrap();
    let room = Room { folder: folder.path().to_owned(), cards: Default::default() };
    (folder, room)
}

/// What a killed or failed `init` has left is told, and the same command makes the escrow.
fn founds_again(context: &str, room: &Room) {
    let status = room.run("-C acme status");
    let said = words(&status);
    assert!(status.status.success() || said.contains("there is no escrow here"), "{context}: {said}");
    let verified = room.run("-C acme log verify");
    assert!(verified.status.code() == status.status.code(), "{context}: {}", words(&verified));
    let again = room.run(INIT);
    let said = words(&again);
    // Only when all was done and nothing but the last words were lost is there nothing to do.
    let complete = said.contains("is not empty");
    assert!(again.status.success() || complete, "{context}: {said}");
    for card in ["1-alice", "2-bob", "3-carol"] {
        assert!(room.folder.join(format!("acme-cards/{card}.pdf")).is_file(), "{context}: no {card}");
    }
    room.succeeds("-C acme generate root --kind aes-256");
    room.is_sound(context, &[]);
    let status = room.succeeds("-C acme status");
    assert!(!status.contains("has not ended"), "{context}: {status}");
    assert!(status.contains("any 2 of 3"), "{context}: {status}");
}

#[test]
fn a_killed_init_is_no_dead_end() {
    if !has_strace(WHAT) {
        return;
    }
    let (_folder, room) = nowhere();
    // A file that is about to be opened is where the call before it left everything.
    killed(&room, &["mkdir", "write", "fsync", "renameat2", "rename"], INIT, founds_again);
}

#[test]
fn the_cards_of_a_killed_init_recover() {
    if !has_strace(WHAT) {
        return;
    }
    let (_folder, mut room) = nowhere();
    // The quorum is founded, one card is released, the others wait.
    let output = room.injected("rename", "signal=KILL:when=2", INIT);
    assert!(!output.status.success());
    let cards = fs::read_dir(room.folder.join("acme-cards")).unwrap();
    let waiting = cards.filter(|card| card.as_ref().unwrap().path().extension().unwrap() == "pending");
    assert_eq!(waiting.count(), 2);
    let said = room.succeeds(INIT);
    assert!(said.contains("is founded") && said.contains("2-bob.pdf"), "{said}");
    room.cards = [codes(&room.folder, "1-alice"), codes(&room.folder, "2-bob")];
    room.succeeds("-C acme generate root --kind aes-256");
    room.is_sound("released by the second run", &["root"]);
}

#[test]
fn an_init_on_a_full_or_failing_disk_is_no_dead_end() {
    if !has_strace(WHAT) {
        return;
    }
    let (_folder, room) = nowhere();
    let faults = [("write", "ENOSPC"), ("fsync", "EIO"), ("rename", "EIO")];
    failing(&room, &faults, &[""], INIT, |context, room, done| {
        if !done {
            founds_again(context, room);
        }
    });
}

#[test]
fn sixteen_programs_at_once_share_one_escrow() {
    let folder = tempfile::tempdir().unwrap();
    let room = room(folder.path());
    let start = |index: u32| {
        let name = if index.is_multiple_of(2) { "shared".to_owned() } else { format!("own-{index}") };
        let mut command = room.command(PROGRAM);
        command.args(["-C", "acme", "generate", &name, "--kind", "aes-256", "--json"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = (0..16).map(start).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", words(&output));
    }
    room.is_sound("sixteen at once", &["shared@1", "shared@8", "own-15"]);
    assert!(!room.run("-C acme show shared@9").status.success());
    let status = room.succeeds("-C acme status");
    assert!(status.contains("keys        10 with 17 versions"), "{status}");
    assert!(!status.contains("has not ended"), "{status}");
}

/// What the log says can be read again by anybody, and the keys that are not destroyed come back.
fn says_again(context: &str, room: &Room, command: &str) {
    let verified = room.run("-C acme log verify");
    assert!(verified.status.success(), "{context}: {}", words(&verified));
    let again = room.run(command);
    let said = words(&again);
    // When it was done and only the last words were lost, saying it again is refused for that reason.
    let done = ["can't become suspended", "is lost since", "was destroyed before"];
    assert!(again.status.success() || done.iter().any(|done| said.contains(done)), "{context}: {said}");
    // A lost card is overdue, and that is all that is wrong.
    let status = room.run("-C acme status");
    let lost = words(&status).contains("1 thing is overdue");
    assert!(status.status.success() || lost, "{context}: {}", words(&status));
    let cards = format!("{} {}", room.cards[0].display(), room.cards[1].display());
    room.succeeds(&format!("-C acme recover root --card {cards} --to file:again"));
}

const SUSPEND: &str = "-C acme state root --set suspended --reason tests";
const LOSE: &str = "-C acme custodian lost carol --reason tests";
const CERTIFY: &str =
    "-C acme destroy card carol --witness Wim --witness Vera --reason tests --yes-destroy carol";

#[test]
fn a_killed_change_of_state_or_card_is_made_whole_or_not_at_all() {
    if !has_strace(WHAT) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let room = room(folder.path());
    fs::write(folder.path().join("acme/policy.toml"), "drill-days = 100\n").unwrap();
    let set = "-C acme policy set acme/policy.toml";
    let calls = ["openat", "write", "fsync", "renameat2"];
    for command in [SUSPEND, set, CERTIFY] {
        killed(&room, &calls, command, |context, room| says_again(context, room, command));
    }
    let faults = [("write", "ENOSPC"), ("fsync", "EIO"), ("renameat2", "EIO")];
    for command in [LOSE, CERTIFY] {
        failing(&room, &faults, &["", "+"], command, |context, room, done| {
            if !done {
                says_again(context, room, command);
            }
        });
    }
}

/// The certificate comes first, then the file goes: killed between the two, the log names what is left, and
/// the same command ends it.
#[test]
fn a_killed_destruction_is_named_and_ended() {
    if !has_strace(WHAT) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let room = room(folder.path());
    room.succeeds("-C acme generate root --kind aes-256");
    let destroy =
        "-C acme destroy backup root@1 --witness Wim --witness Vera --reason tests --yes-destroy root@1";
    let ends = |context: &str, room: &Room| {
        let verified = room.run("-C acme log verify");
        let said = String::from_utf8_lossy(&verified.stdout).into_owned();
        // Either nothing happened, or the certificate is there and what it is of is named, or all is done.
        let named = said.contains("was destroyed, says certificate 1, and is still here");
        assert!(verified.status.success() || named, "{context}: {said}");
        let again = room.run(destroy);
        let said = words(&again);
        assert!(again.status.success() || said.contains("was destroyed before"), "{context}: {said}");
        let log = room.succeeds("-C acme log show");
        assert_eq!(log.matches(" destroy done ").count(), 1, "{context}: {log}");
        let key = fs::read_dir(room.folder.join("acme/keys")).unwrap().next().unwrap().unwrap().path();
        assert!(!key.join("1.age").exists() && key.join("2.age").exists(), "{context}");
        room.is_sound(context, &["root"]);
        assert!(!room.run("-C acme show root@1").stdout.is_empty());
    };
    killed(&room, &["openat", "write", "fsync", "renameat2", "unlink"], destroy, ends);
    let faults = [("write", "ENOSPC"), ("fsync", "EIO"), ("renameat2", "ENOSPC"), ("unlink", "EIO")];
    failing(&room, &faults, &["", "+"], destroy, |context, room, _| ends(context, room));
}
