//! Power cuts: every folder that a disk may hold when the power fails, at every moment of a command,
//! is an escrow that opens, holds what was reported, and takes the same command again.
//!
//! `strace` shows in which order a command writes, synchronises and renames. From that all states are made
//! that POSIX allows after a cut: of bytes that were not synchronised none, half or all are there, and each
//! name that was made, moved or removed since its folder was synchronised is there or not (the model of
//! ALICE, OSDI 2014). Without `strace` the tests say so and pass; with `QUORATE_TEST_ALL=1` they fail.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests and their report"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[path = "tools/strace.rs"]
mod strace;

use strace::{copy_all, has_strace, words};

const PROGRAM: &str = env!("CARGO_BIN_EXE_quorate");
/// What is left out without `strace`.
const WHAT: &str = "power cuts";
const CALLS: &str = "openat,open,write,fsync,fdatasync,syncfs,rename,renameat,renameat2,mkdir,unlink,linkat";

fn run(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments.split(' ')).current_dir(folder).env_remove("QUORATE_ESCROW");
    command.stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn succeeds(folder: &Path, arguments: &str) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments}: {}", words(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// One thing that a command did to the disk. Paths are relative to its folder.
#[derive(Debug, Clone, PartialEq)]
enum Event {
    Create(PathBuf),
    Write(PathBuf),
    Sync(PathBuf),
    SyncAll,
    Move {
        from: PathBuf,
        to: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Folder(PathBuf),
    Remove(PathBuf),
    /// It said that it was done.
    Report,
}

/// What `strace -f -y` wrote, as events under `folder`.
fn events(trace: &str, folder: &Path) -> Vec<Event> {
    let inside = |path: &str| {
        let path = if path.starts_with('/') { PathBuf::from(path) } else { folder.join(path) };
        path.strip_prefix(folder).ok().map(Path::to_owned)
    };
    let mut events = Vec::new();
    for line in trace.lines() {
        let call = line.split_once(' ').map_or("", |(_, rest)| rest.trim_start());
        let Some((name, rest)) = call.split_once('(') else { continue };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { continue };
        assert!(!line.contains("unfinished"), "calls of two threads: {line}");
        if result.starts_with('-') {
            continue;
        }
        // `5</path/of/it>`: a descriptor and what it is open on.
        let opened = |text: &str| inside(text.split_once('<')?.1.split('>').next()?);
        let quoted: Vec<PathBuf> = arguments.split('"').skip(1).step_by(2).filter_map(inside).collect();
        let event = match name {
            "openat" | "open" if arguments.contains("O_CREAT") => opened(result).map(Event::Create),
            "write" if arguments.starts_with("1<") => Some(Event::Report),
            "write" => opened(arguments).map(Event::Write),
            "fsync" | "fdatasync" => opened(arguments).map(Event::Sync),
            "syncfs" => Some(Event::SyncAll),
            "rename" | "renameat" | "renameat2" => {
                quoted.get(1).map(|to| Event::Move { from: quoted[0].clone(), to: to.clone() })
            }
            "linkat" => quoted.get(1).map(|to| Event::Link { from: quoted[0].clone(), to: to.clone() }),
            "mkdir" => quoted.first().cloned().map(Event::Folder),
            "unlink" => quoted.first().cloned().map(Event::Remove),
            _ => None,
        };
        events.extend(event);
    }
    events
}

/// A change of a name in a folder.
#[derive(Debug, Clone)]
enum Change {
    Appears(PathBuf, usize),
    Folder(PathBuf),
    Moves { from: PathBuf, to: PathBuf, file: usize },
    Goes(PathBuf),
}

impl Change {
    /// The folders that must be synchronised for it to last.
    fn folders(&self) -> Vec<PathBuf> {
        let above = |path: &Path| path.parent().unwrap().to_owned();
        match self {
            Self::Appears(path, _) | Self::Folder(path) | Self::Goes(path) => vec![above(path)],
            Self::Moves { from, to, .. } => vec![above(from), above(to)],
        }
    }
}

/// The disk as the program sees it, and what of it lasts.
#[derive(Default)]
struct Disk {
    /// Each change, and whether it lasts.
    changes: Vec<(Change, bool)>,
    /// Of each file, whether all its bytes last.
    files: Vec<bool>,
    names: BTreeMap<PathBuf, usize>,
}

impl Disk {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Create(path) => {
                if self.names.contains_key(path) {
                    return;
                }
                self.files.push(true);
                let file = self.files.len() - 1;
                self.names.insert(path.clone(), file);
                self.changes.push((Change::Appears(path.clone(), file), false));
            }
            Event::Write(path) => {
                if let Some(file) = self.names.get(path) {
                    self.files[*file] = false;
                }
            }
            Event::Sync(path) => {
                if let Some(file) = self.names.get(path) {
                    self.files[*file] = true;
                    return;
                }
                for (change, lasts) in &mut self.changes {
                    *lasts |= change.folders().iter().all(|folder| folder == path);
                }
            }
            Event::SyncAll => {
                self.files.iter_mut().for_each(|lasts| *lasts = true);
                self.changes.iter_mut().for_each(|(_, lasts)| *lasts = true);
            }
            Event::Move { from, to } => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                    self.changes.push((Change::Moves { from: from.clone(), to: to.clone(), file }, false));
                }
            }
            Event::Link { from, to } => {
                if let Some(file) = self.names.get(from).copied() {
                    self.names.insert(to.clone(), file);
                    self.changes.push((Change::Appears(to.clone(), file), false));
                }
            }
            Event::Folder(path) => self.changes.push((Change::Folder(path.clone()), false)),
            Event::Remove(path) => {
                self.names.remove(path);
                self.changes.push((Change::Goes(path.clone()), false));
            }
            Event::Report => {}
        }
    }

    /// Every state that a cut may leave: each name with the bytes of its file, a folder with `None`.
    fn states(&self, contents: &[Vec<u8>]) -> Vec<BTreeMap<PathBuf, Option<Vec<u8>>>> {
        let doubtful: Vec<usize> = (0..self.changes.len()).filter(|at| !self.changes[*at].1).collect();
        let unsynced: Vec<usize> = (0..self.files.len()).filter(|at| !self.files[*at]).collect();
        assert!(doubtful.len() + 2 * unsynced.len() <= 12, "{doubtful:?} {unsynced:?} of {:?}", self.changes);
        let mut states = Vec::new();
        for mask in 0..1_u32 << doubtful.len() {
            for thirds in 0..3_u32.pow(u32::try_from(unsynced.len()).unwrap()) {
                let holds = |at: usize| {
                    doubtful.iter().position(|one| *one == at).is_none_or(|bit| mask >> bit & 1 == 1)
                };
                let bytes = |file: usize| {
                    let Some(place) = unsynced.iter().position(|one| *one == file) else {
                        return contents[file].clone();
                    };
                    let part = thirds / 3_u32.pow(u32::try_from(place).unwrap()) % 3;
                    contents[file][..contents[file].len() * part as usize / 2].to_vec()
                };
                let mut state = BTreeMap::new();
                for (at, (change, _)) in self.changes.iter().enumerate() {
                    if !holds(at) {
                        continue;
                    }
                    match change {
                        Change::Appears(path, file) => drop(state.insert(path.clone(), Some(bytes(*file)))),
                        Change::Folder(path) => drop(state.insert(path.clone(), None)),
                        Change::Moves { from, to, file } => {
                            state.remove(from);
                            state.insert(to.clone(), Some(bytes(*file)));
                        }
                        Change::Goes(path) => drop(state.remove(path)),
                    }
                }
                states.push(state);
            }
        }
        states
    }
}

/// Runs `arguments` on a copy of `before` and shows `check` each folder that a cut may leave, with
/// whether the command had reported its result by then.
fn cut(before: &Path, arguments: &str, check: impl Fn(&str, &Path, bool)) {
    let place = tempfile::tempdir().unwrap();
    let after = fs::canonicalize(place.path()).unwrap();
    copy_all(before, &after);
    let known: BTreeSet<PathBuf> = folders(&after, &after).into_iter().collect();
    let trace = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-s", "0", "-qq", "-e"]).arg(format!("trace={CALLS}")).arg("-o");
    command.arg(trace.path()).arg(PROGRAM).args(arguments.split(' ')).current_dir(&after);
    let output = command.stdin(Stdio::null()).env_remove("QUORATE_ESCROW").output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let events = events(&fs::read_to_string(trace.path()).unwrap(), &after);

    // What the files hold in the end is what was written to them: none is written twice.
    let mut whole = Disk::default();
    events.iter().for_each(|event| whole.apply(event));
    let contents: Vec<Vec<u8>> = (0..whole.files.len())
        .map(|file| {
            let name = whole.names.iter().find(|(_, one)| **one == file).map(|(name, _)| after.join(name));
            name.map_or_else(Vec::new, |name| fs::read(&name).unwrap())
        })
        .collect();
    assert!(whole.files.len() >= 2, "nothing was written: {events:?}");

    let (mut disk, mut reported, mut seen, mut count) = (Disk::default(), false, BTreeSet::new(), 0);
    for (at, event) in std::iter::once(None).chain(events.iter().map(Some)).enumerate() {
        if let Some(event) = event {
            disk.apply(event);
            reported |= *event == Event::Report;
        }
        for state in disk.states(&contents) {
            if !seen.insert((reported, state.clone())) {
                continue;
            }
            let place = tempfile::tempdir().unwrap();
            copy_all(before, place.path());
            for (path, bytes) in state {
                // In a folder that did not last nothing is.
                let parent = path.parent().unwrap();
                if !known.contains(parent) && !place.path().join(parent).is_dir() {
                    continue;
                }
                match bytes {
                    None => fs::create_dir_all(place.path().join(&path)).unwrap(),
                    Some(bytes) => fs::write(place.path().join(&path), bytes).unwrap(),
                }
            }
            count += 1;
            check(&format!("{arguments}, cut after {at}: {event:?}"), place.path(), reported);
        }
    }
    eprintln!("{arguments}: {} events, {count} states", events.len());
    assert!(count > 10, "{arguments}: only {count} states");
}

fn folders(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut all = vec![folder.strip_prefix(root).unwrap().to_owned()];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(folders(root, &path));
        }
    }
    all
}

/// An escrow with a quorum, the key `root`, and two cards as text.
fn room() -> tempfile::TempDir {
    let room = tempfile::tempdir().unwrap();
    succeeds(
        room.path(),
        "init acme --threshold 2 --custodian alice=open bob=open carol=open --skip-scan-back everybody",
    );
    succeeds(room.path(), "-C acme generate root --kind aes-256");
    for card in ["1-alice", "2-bob"] {
        let page = fs::File::open(room.path().join(format!("acme-cards/{card}.pdf"))).unwrap();
        let mut read = Command::new(PROGRAM);
        let read = read.args(["scan-file", "--deadline", "30"]).stdin(page).output().unwrap();
        let text = String::from_utf8(read.stdout).unwrap();
        let code = text.split('\0').next().unwrap().strip_prefix('C').unwrap();
        fs::write(room.path().join(format!("{card}.txt")), code).unwrap();
    }
    fs::remove_dir_all(room.path().join("acme-cards")).unwrap();
    room
}

const RECOVER: &str = "-C acme recover root --card 1-alice.txt 2-bob.txt --to file:out";

#[track_caller]
fn is_sound(context: &str, folder: &Path) {
    let verified = run(folder, "-C acme log verify");
    assert!(verified.status.success(), "{context}: {}", words(&verified));
}

#[test]
fn what_generate_reported_is_there_after_a_power_cut() {
    if !has_strace(WHAT) {
        return;
    }
    let room = room();
    let generate = "-C acme generate root --kind aes-256";
    cut(room.path(), generate, |context, folder, reported| {
        is_sound(context, folder);
        let shown = succeeds(folder, "-C acme show root --json");
        assert!(!reported || shown.contains("\"version\":2"), "{context}: {shown}");
        succeeds(folder, generate);
        succeeds(folder, RECOVER);
        assert_eq!(fs::read(folder.join("out")).unwrap().len(), 32, "{context}");
        is_sound(context, folder);
    });
}

#[test]
fn what_recover_reported_is_there_after_a_power_cut() {
    if !has_strace(WHAT) {
        return;
    }
    let room = room();
    succeeds(room.path(), RECOVER);
    let key = fs::read(room.path().join("out")).unwrap();
    fs::remove_file(room.path().join("out")).unwrap();
    cut(room.path(), RECOVER, |context, folder, reported| {
        is_sound(context, folder);
        let out = fs::read(folder.join("out")).ok();
        assert!(out.as_ref().is_none_or(|out| *out == key), "{context}: a wrong key");
        assert!(!reported || out.is_some(), "{context}: a key that was reported is gone");
        if out.is_none() {
            let _ = fs::remove_file(folder.join("out.pending"));
            succeeds(folder, RECOVER);
            assert_eq!(fs::read(folder.join("out")).unwrap(), key, "{context}");
        }
    });
}
