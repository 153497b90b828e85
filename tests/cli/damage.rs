//! An escrow that was lost, altered or can't be written, and streams that are broken.
//!
//! Root may write anywhere, so that a read-only escrow is made in two ways: a limit on the size of
//! files (for whoever runs the tests), and another user (for root).

use super::world::{Ran, SKIP, World, join};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const OPEN: [&str; 3] = ["alice=open", "bob=open", "carol=open"];

fn log_files(world: &World) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(world.path("acme/log")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The only file under a folder.
fn only(folder: &Path) -> PathBuf {
    let mut entries = fs::read_dir(folder).unwrap();
    let path = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none(), "{}", folder.display());
    if path.is_dir() { only(&path) } else { path }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_tampered_log_is_a_difference() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let cards = world.typed(&["alice", "bob"]);
    let checkpoint = world.acme(&["log", "verify"]).good().out;
    let checkpoint = checkpoint.lines().last().unwrap().strip_prefix("checkpoint  ").unwrap().to_owned();
    world
        .acme(&["log", "verify", "--since", &checkpoint])
        .good()
        .prints(&format!("checkpoint  {checkpoint} is in this log: nothing before it was cut or rewritten"));
    let every = |world: &World, fragment: &str| {
        for arguments in [&["list"][..], &["show", "k"], &["status"], &["log", "verify"], &["log", "show"]] {
            let ran = world.acme(arguments).fails(4, fragment);
            assert!(ran.err.contains("quorate: hint: compare with another copy of the escrow"), "{ran:#?}");
        }
        world.acme(&["generate", "j", "--kind", "aes-256"]).fails(4, fragment);
        world.acme(&join(&[&cards], &["recover", "k", "--to", "file:out", "--card"])).fails(4, fragment);
        assert!(!world.path("out").exists());
    };
    let files = log_files(&world);
    // A byte of a record, a record that is gone, a file that is gone.
    let saved = fs::read(&files[1]).unwrap();
    flip(&files[1], saved.len() / 2);
    every(&world, "log file log/00000000000");
    fs::write(&files[1], &saved[..saved.len() - 10]).unwrap();
    every(&world, "log file log/000000000002.jsonl is cut short");
    fs::remove_file(&files[1]).unwrap();
    every(&world, "log file log/000000000002.jsonl is missing, and later ones are there");
    fs::write(&files[1], &saved).unwrap();
    fs::write(world.path("acme/log/notes"), "mine").unwrap();
    let ran = world.acme(&["list"]);
    assert!(matches!(ran.status, Some(0 | 4)), "{ran:#?}");
    fs::remove_file(world.path("acme/log/notes")).unwrap();
    world.acme(&["log", "verify"]).good();
    // A log that ends early is a log of its own: only a checkpoint shows that it was cut.
    fs::remove_file(files.last().unwrap()).unwrap();
    world.acme(&["log", "verify"]).good();
    world.acme(&["log", "verify", "--since", &checkpoint]).fails(4, "");
}

#[test]
fn what_the_log_names_is_gone_or_another() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let cards = world.typed(&["alice", "bob"]);
    let recover = || world.acme(&join(&[&cards], &["recover", "k", "--to", "file:out", "--card"]));
    let [backup, record] = ["acme/keys", "acme/quorum"].map(|folder| only(&world.path(folder)));
    let name = |path: &Path| path.strip_prefix(world.path("acme")).unwrap().display().to_string();

    let saved = fs::read(&backup).unwrap();
    flip(&backup, saved.len() - 1);
    recover().fails(4, &format!("{} is not what the log says it is", name(&backup)));
    world
        .acme(&["log", "verify"])
        .fails(4, "this escrow is not what its log says")
        .prints(&format!("found       {} is not what the log says it is", name(&backup)));
    fs::remove_file(&backup).unwrap();
    recover().fails(4, &format!("{} is missing although the log names it", name(&backup)));
    world
        .acme(&["log", "verify"])
        .fails(4, "this escrow is not what its log says")
        .prints("is missing although");
    fs::write(&backup, &saved).unwrap();

    let saved = fs::read(&record).unwrap();
    flip(&record, saved.len() / 2);
    recover().fails(4, &name(&record));
    world.acme(&["generate", "j", "--kind", "aes-256"]).fails(4, &name(&record));
    world.acme(&["check", "alice.txt"]).fails(4, &name(&record));
    fs::remove_file(&record).unwrap();
    recover().fails(4, &format!("{} is missing although the log names it", name(&record)));
    fs::write(&record, &saved).unwrap();

    // What was left behind is said, and harmless.
    fs::write(world.path("acme/keys/.tmp-0123"), "cut").unwrap();
    fs::write(world.path("acme/notes"), "mine").unwrap();
    world.acme(&["log", "verify"]).good().prints("found       ");
    recover().good();
}

/// Runs with no file allowed to grow, so that no log can be written.
fn without_space(world: &World, arguments: &[&str]) -> Ran {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_quorate")]);
    command
        .args(["-C", "acme"])
        .args(arguments)
        .current_dir(world.root())
        .env_clear()
        .env("USER", "operator");
    command.stdin(Stdio::null());
    world.finish(command)
}

#[test]
fn a_log_that_cannot_be_written_stops_everything() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let cards = world.typed(&["alice", "bob"]);
    let before = world.acme(&["log", "verify"]).good().out;
    without_space(&world, &["generate", "j", "--kind", "aes-256"])
        .fails(5, "the log can't be written: log/")
        .says("quorate: hint: nothing secret was released; `--log-to DIR` names another place for the log");
    let recover = join(&[&cards], &["recover", "k", "--to", "file:out", "--card"]);
    let ran = without_space(&world, &recover).fails(5, "the log can't be written: log/");
    assert!(!ran.err.contains("the card of"), "no card was looked at: {ran:#?}");
    let drill = join(&[&cards], &["drill", "--report", "report.json", "--card"]);
    let ran = without_space(&world, &drill).fails(5, "the log can't be written: log/");
    assert!(!ran.err.contains("the card of"), "no card was looked at: {ran:#?}");
    without_space(&world, &["check", "--record", "alice.txt"]).fails(5, "the log can't be written: log/");
    without_space(&world, &["list"]).good();
    without_space(&world, &["check", "alice.txt"]).good();
    assert!(!world.path("out").exists());
    assert_eq!(world.acme(&["log", "verify"]).good().out, before, "the escrow is as it was");
    // A clock that was set back is the same kind of trouble.
    world
        .acme(&["--clock", "2001-01-01T00:00:00Z", "generate", "j", "--kind", "aes-256"])
        .fails(5, "the clock says 2001-01-01T00:00:00Z, which is before the last record");
    // An escrow that can't even be begun.
    world.write("file", "");
    let init = ["init", "file/acme", "-t", "2", "-c", "alice=open", "bob=open", "carol=open"];
    let ran = world.run(&[&init[..], &["--cards", "cards"], &SKIP].concat());
    assert!(matches!(ran.status, Some(1 | 5)), "{ran:#?}");
    assert!(!world.path("cards").exists(), "no card without a log");
}

/// Gives everything under a folder this mode.
fn mode(path: &Path, folder: u32, file: u32) {
    let is_dir = path.is_dir();
    fs::set_permissions(path, fs::Permissions::from_mode(if is_dir { folder } else { file })).unwrap();
    if is_dir {
        fs::read_dir(path).unwrap().for_each(|entry| mode(&entry.unwrap().path(), folder, file));
    }
}

#[test]
fn a_read_only_escrow_and_another_log() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let cards = world.typed(&["alice", "bob"]);
    fs::create_dir(world.path("other")).unwrap();
    fs::create_dir(world.path("out")).unwrap();
    fs::set_permissions(world.root(), fs::Permissions::from_mode(0o755)).unwrap();
    mode(&world.path("acme"), 0o555, 0o444);
    mode(&world.path("other"), 0o777, 0o666);
    mode(&world.path("out"), 0o777, 0o666);
    let root = rustix::process::geteuid().is_root();
    let program = world.path("program");
    fs::copy(env!("CARGO_BIN_EXE_quorate"), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let as_another = |arguments: &[&str]| {
        let mut all = vec!["-C", "acme"];
        all.extend(arguments);
        let built = world.command(&all);
        if !root {
            return built;
        }
        // The build may be where nobody else may look.
        let mut command = Command::new(&program);
        command.args(built.get_args()).current_dir(world.root()).env_clear().env("USER", "operator");
        command.uid(65534).gid(65534);
        command
    };
    if as_another(&["list"]).output().is_err() {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "another user can't run the program");
        eprintln!("left out: another user can't run the program here");
        return;
    }
    let before = log_files(&world);
    let recover = join(&[&cards], &["recover", "k", "--to", "file:out/key", "--card"]);
    world
        .finish(as_another(&recover))
        .fails(5, "the log can't be written: the system does not allow access to log/")
        .says("`--log-to DIR` names another place for the log");
    world.finish(as_another(&["generate", "j", "--kind", "aes-256"])).fails(5, "the log can't be written");
    assert!(!world.path("out/key").exists());
    // The disaster's way out.
    let elsewhere = [&["--log-to", "other"][..], &recover].concat();
    world.finish(as_another(&elsewhere)).good().prints("recovered k version 1");
    assert_eq!(world.read("out/key").len(), 32);
    assert_eq!(log_files(&world), before, "the escrow is as it was");
    let seen = |arguments: &[&str]| world.finish(as_another(arguments)).good().out;
    assert!(seen(&["--log-to", "other", "status"]).contains("1 of them recovered at least once"));
    assert!(seen(&["status"]).contains("0 of them recovered at least once"));
    assert!(seen(&["--log-to", "other", "log", "verify"]).contains("unbroken"));
    mode(&world.path("acme"), 0o755, 0o644);
    // Copied into the escrow later, it is the escrow's.
    for file in fs::read_dir(world.path("other/log")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), world.path("acme/log").join(file.file_name())).unwrap();
    }
    world.acme(&["log", "verify"]).good();
    world.acme(&["status"]).good().prints("1 of them recovered at least once");
    let nowhere = [&["--log-to", "alice.txt"][..], &["generate", "j", "--kind", "aes-256"]].concat();
    let ran = world.acme(&nowhere);
    assert!(matches!(ran.status, Some(1 | 5)), "{ran:#?}");
}

fn full() -> Stdio {
    fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

#[test]
fn broken_streams() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let cards = world.typed(&["alice", "bob"]);
    let age = "age:age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let recover = join(&[&cards], &["recover", "k", "--to", "file:out", "--card"]);
    let to_age = join(&[&cards], &["recover", "k", "--to", age, "--card"]);
    let table: [(&[&str], i32); 9] = [
        (&["list"], 0),
        (&["status"], 0),
        (&["log", "show"], 0),
        (&["--json", "show", "k"], 0),
        (&["check", "alice.txt"], 0),
        (&["--help"], 0),
        (&to_age, 0),
        (&["show", "none"], 1),
        (&["frobnicate"], 2),
    ];
    for (arguments, status) in table {
        let mut all = vec!["-C", "acme"];
        all.extend(arguments);
        // A result that can't be written is a failure.
        let mut command = world.command(&all);
        command.stdout(full());
        let ran = world.finish(command);
        assert_eq!(ran.status, Some(if status == 0 { 1 } else { status }), "{ran:#?}");
        if status == 0 && arguments != ["--help"] {
            assert!(ran.err.contains("quorate: error: standard output: no space left on device"), "{ran:#?}");
        }
        // A message that can't be written is lost, and the status still tells.
        let mut command = world.command(&all);
        command.stderr(full());
        assert_eq!(world.finish(command).status, Some(status));
        let mut command = world.command(&all);
        command.stderr(full()).stdout(full());
        assert_eq!(world.finish(command).status, Some(if status == 0 { 1 } else { status }));
        // Who reads has gone.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = world.command(&all);
        command.stdout(writer);
        let ran = world.finish(command);
        assert_eq!(ran.status, Some(if status == 0 { 1 } else { status }), "{ran:#?}");
    }
    // No standard streams at all.
    for closed in ["<&-", "<&- 2>&-"] {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec \"$0\" \"$@\" {closed}"), env!("CARGO_BIN_EXE_quorate")]);
        command.args(["-C", "acme", "list"]).current_dir(world.root()).env_clear().env("USER", "operator");
        world.finish(command).good().prints("k     1 ");
    }
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" <&-", env!("CARGO_BIN_EXE_quorate")]);
    command.args(["-C", "acme"]).args(&recover).current_dir(world.root()).env_clear().env("USER", "operator");
    world.finish(command).good().prints("recovered k version 1 (aes-256) to out");
    let ran = world.acme(&["check", "-"]).fails(4, "-: there is no card in this text");
    assert_eq!(ran.out, "");
}

#[test]
fn a_link_or_a_pipe_in_the_escrow_is_a_difference() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let link = |name: &str| {
        let (inside, outside) = (world.path(&format!("acme/{name}")), world.path("elsewhere"));
        fs::rename(&inside, &outside).unwrap();
        std::os::unix::fs::symlink(&outside, &inside).unwrap();
        (inside, outside)
    };
    let back = |(inside, outside): (PathBuf, PathBuf)| {
        fs::remove_file(&inside).unwrap();
        fs::rename(&outside, &inside).unwrap();
    };
    let linked = link("log");
    world.acme(&["list"]).fails(4, "log is a link or a file, not a folder");
    back(linked);
    let linked = link("keys");
    world.acme(&["log", "verify"]).fails(4, "");
    world.acme(&["generate", "j", "--kind", "aes-256"]).fails(4, "keys is a link");
    assert_eq!(fs::read_dir(world.path("elsewhere")).unwrap().count(), 1, "nothing was written behind it");
    back(linked);
    world.acme(&["log", "verify"]).good();
    // The escrow itself may be reached over one.
    std::os::unix::fs::symlink(world.path("acme"), world.path("way")).unwrap();
    world.run(&["-C", "way", "generate", "j", "--kind", "aes-256"]).good();
    world.run(&["-C", "way", "log", "verify"]).good();

    let next = format!("acme/log/{:012}.jsonl", log_files(&world).len() + 1);
    let made = Command::new("mkfifo").arg(world.path(&next)).status().unwrap();
    assert!(made.success());
    world.acme(&["list"]).fails(4, "is not a plain file");
    fs::remove_file(world.path(&next)).unwrap();
    let long = fs::File::create(world.path(&next)).unwrap();
    long.set_len(65 * 1024 * 1024).unwrap();
    world.acme(&["list"]).fails(4, "is longer than the");
}

#[test]
fn a_pipe_that_nobody_writes_to_does_not_hold_up() {
    let world = World::founded(2, &OPEN);
    let made = Command::new("mkfifo").arg(world.path("pipe")).status().unwrap();
    assert!(made.success());
    world.acme(&["check", "pipe"]).fails(1, "pipe: nobody writes to this pipe");
    // One with a writer is a file like any other.
    let lines = world.lines("alice").join("\n");
    let path = world.path("pipe");
    let writer = std::thread::spawn(move || fs::write(path, lines).unwrap());
    world.acme(&["check", "pipe"]).good().prints("the card of alice (share 1) is good");
    writer.join().unwrap();
}

#[test]
fn a_clock_that_was_wrong_has_a_way_out() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256", "--clock", "2099-01-01T00:00:00Z"]).good();
    let generate = ["generate", "k", "--kind", "aes-256"];
    world.acme(&generate).fails(5, "which is before the last record of the log (2099-01-01T00:00:00Z)").says(
        "if it is right, the last record was written by a machine whose clock was wrong: go on with --clock 2099-01-01T00:00:00Z",
    );
    world.acme(&join(&[], &[&generate[..], &["--clock", "2099-01-01T00:00:00Z"]].concat())).good();
    world.acme(&["log", "verify"]).good();
}

#[test]
fn another_kind_under_a_name_is_said() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let words = "k was of kind aes-256 until now; its new version is of kind";
    let ran = world.acme(&["generate", "k", "--kind", "ed25519"]).good();
    ran.says(&format!("{words} ed25519"));
    world.write("raw", *b"0123456789abc\xfe\x80\x9d");
    world
        .acme(&["add", "k", "--file", "raw", "--kind", "aes-128"])
        .good()
        .says("k was of kind ed25519 until now; its new version is of kind aes-128");
}

#[test]
fn another_escrow_is_no_place_for_the_log() {
    let world = World::founded(2, &OPEN);
    let init = ["init", "other", "-t", "2", "-c", "alice=open", "bob=open", "carol=open"];
    world.run(&[&init[..], &["--skip-scan-back", "everybody"]].concat()).good();
    world
        .acme(&["--log-to", "other", "generate", "k", "--kind", "aes-256"])
        .fails(2, "other has a log of its own: log/0000000");
    world.run(&["-C", "other", "log", "verify"]).good();
}

#[test]
fn a_record_of_the_future_is_named() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256", "--clock", "2099-01-01T00:00:00Z"]).good();
    let found = "found       the last record is of 2099-01-01T00:00:00Z";
    world.acme(&["log", "verify"]).good().prints(found);
    // What is due, a clock that is behind the log can't tell.
    world.acme(&["status"]).prints(found).fails(1, "nothing can be said of what is due");
}

#[test]
fn a_damaged_code_is_damaged_and_no_other_version() {
    let world = World::founded(2, &OPEN);
    let code = world.codes("alice").remove(0);
    let (prefix, bytes) = code.split_at("QUORATE/1/".len());
    assert!(bytes.starts_with("AEA"), "{bytes}");
    // Version 0, version 2, and the version that is there with another byte behind it.
    for start in ["AAA", "AIA", "AEB"] {
        world.write("code.txt", format!("{prefix}{start}{}", &bytes[3..]));
        let ran = world.acme(&["check", "code.txt"]).fails(4, "code.txt: ");
        assert!(!ran.err.contains("version"), "{ran:#?}");
        assert!(ran.err.contains("damaged") || ran.err.contains("misread or altered"), "{ran:#?}");
    }
}

#[test]
fn a_role_or_an_organisation_is_called_what_it_is() {
    let world = World::new();
    let long = "x".repeat(101);
    let (role, init) = (format!("alice={long}"), ["init", "acme", "-t", "2", "--custodian"]);
    let init = [&init[..], &OPEN, &SKIP].concat();
    let at_most = "quorate: hint: use at most 100 bytes of printable text";
    for (option, value, what) in
        [("--role", &role, "the role"), ("--organisation", &long, "the organisation")]
    {
        let ran = world.run(&[&init[..], &[option, value]].concat());
        ran.fails(2, &format!("{what} \"xxx")).says(at_most);
    }
    assert!(!world.path("acme").exists());
}

/// A PDF of a few hundred bytes that is drawn in as many dashes as memory holds.
#[test]
fn a_small_file_does_not_take_much_memory() {
    let world = World::new();
    let content = "100 w [0.0001 0.0001] 0 d 0 300 m 600 300 l 0 400 m 600 400 l S\n";
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>".to_owned(),
        format!("<</Length {}>>stream\n{content}endstream", content.len()),
    ];
    let mut pdf = "%PDF-1.4\n".to_owned();
    let mut table = "xref\n0 5\n0000000000 65535 f \n".to_owned();
    for (number, object) in (1..).zip(objects) {
        table += &format!("{:010} 00000 n \n", pdf.len());
        pdf += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let start = pdf.len();
    world
        .write("dashes.pdf", format!("{pdf}{table}trailer<</Size 5/Root 1 0 R>>\nstartxref\n{start}\n%%EOF"));
    // The most memory that the process had of its children, by the kernel's count.
    let script = "import resource, subprocess, sys\n\
        subprocess.run([sys.argv[1], 'scan-file', '--deadline', '5'], stdin=open('dashes.pdf'), capture_output=True)\n\
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let mut python = Command::new("python3");
    python.args(["-c", script, env!("CARGO_BIN_EXE_quorate")]).current_dir(world.root());
    let Ok(output) = python.output() else { return };
    let kib: u64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    assert!(kib < 700 * 1024, "{kib} KiB");
    world.run(&["check", "--deadline", "5", "dashes.pdf"]).fails(4, "dashes.pdf: ");
}
