//! The guides are run: every console block of the README and of two documents, and both examples.
//!
//! A block is marked `console`. A line that begins with `$ ` is a command (a `\` at its end continues it
//! on the next line), the lines below it are what it writes to standard output and standard error. `…`
//! stands for anything within a line, a line that is `…` alone for any lines. All blocks of a document run
//! in order through `sh` in one temporary folder, with the program that was built first on the path and no
//! escrow in the environment. A block marked `session` is one command at a terminal: what is shown and, behind
//! a question, what is typed; `(typed unseen)` is the passphrase of the custodian that is asked, from the
//! folder `slips`, and `(mistyped)` something else. A block in a remark (`<!-- … -->`) runs too: it makes what the next one needs.
//! Beside that: every dependency is accounted for, and links between documents lead somewhere.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

#[path = "../examples/backup_and_recover.rs"]
mod backup_and_recover;
#[path = "../examples/check_card.rs"]
mod check_card;
#[allow(clippy::print_stderr, clippy::missing_panics_doc, unreachable_pub)]
#[path = "tools/terminal.rs"]
mod terminal;
#[allow(
    clippy::print_stderr,
    clippy::missing_panics_doc,
    unreachable_pub,
    dead_code,
    missing_debug_implementations
)]
#[path = "tools/token.rs"]
mod token;

/// A command and the lines that it should write, or show and be answered with.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    expected: Vec<String>,
    at_terminal: bool,
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut inside, mut continued, mut at_terminal) = (false, false, false);
    for line in text.lines() {
        if line.starts_with("```") {
            at_terminal = line == "```session";
            inside = line == "```console" || at_terminal;
        } else if continued {
            let step = steps.last_mut().unwrap();
            step.command.push('\n');
            step.command.push_str(line);
            continued = line.ends_with('\\');
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            steps.push(Step { command: command.to_owned(), expected: Vec::new(), at_terminal });
            continued = command.ends_with('\\');
        } else if inside {
            steps.last_mut().unwrap().expected.push(line.to_owned());
        }
    }
    steps
}

/// Whether `actual` is `pattern`, in which `…` stands for anything.
fn line_matches(pattern: &str, actual: &str) -> bool {
    match pattern.split_once('…') {
        None => pattern == actual,
        Some((start, rest)) => actual.strip_prefix(start).is_some_and(|after| {
            let ends = after.char_indices().map(|(at, _)| at).chain([after.len()]);
            ends.into_iter().any(|at| line_matches(rest, &after[at..]))
        }),
    }
}

fn lines_match(pattern: &[String], actual: &[&str]) -> bool {
    match (pattern.split_first(), actual.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "…" => {
            lines_match(rest, actual)
                || actual.split_first().is_some_and(|(_, left)| lines_match(pattern, left))
        }
        (Some((first, rest)), Some((line, left))) => line_matches(first, line) && lines_match(rest, left),
        _ => false,
    }
}

/// One document at a time: a picture must be read within the program's own deadline.
static TURN: Mutex<()> = Mutex::new(());

fn run(document: &str, least: usize) {
    run_with(document, least, &[]);
}

fn run_with(document: &str, least: usize, environment: &[(String, String)]) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
    let steps = steps(&text);
    assert!(steps.len() >= least, "{document} has only {} commands", steps.len());
    let program = Path::new(env!("CARGO_BIN_EXE_quorate")).parent().unwrap();
    let mut path = std::ffi::OsString::from(program);
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let folder = tempfile::tempdir().unwrap();
    for step in steps {
        if step.at_terminal {
            session(document, folder.path(), &step);
            continue;
        }
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("exec 2>&1\n{}", step.command)).current_dir(folder.path());
        shell.env("PATH", &path).env("USER", "operator").env_remove("QUORATE_ESCROW").stdin(Stdio::null());
        shell.envs(tokens()).envs(environment.iter().cloned());
        let output = String::from_utf8_lossy(&shell.output().unwrap().stdout).into_owned();
        let actual: Vec<&str> = output.lines().collect();
        assert!(
            lines_match(&step.expected, &actual),
            "{document}: $ {}\nshould write:\n{}\nbut wrote:\n{output}",
            step.command,
            step.expected.join("\n")
        );
    }
}

/// Where the soft tokens of a document are: their modules, and configurations that the document writes.
fn tokens() -> Vec<(&'static str, std::path::PathBuf)> {
    let modules = [("SOFTHSM", token::Maker::SoftHsm), ("KRYOPTIC", token::Maker::Kryoptic)];
    let modules = modules.into_iter().filter_map(|(name, maker)| Some((name, maker.module()?)));
    let files = [("SOFTHSM2_CONF", "softhsm2.conf"), ("KRYOPTIC_CONF", "kryoptic.conf")];
    modules.chain(files.map(|(name, file)| (name, file.into()))).collect()
}

/// The questions of the program, by how they end; what stands behind one is an answer.
const QUESTIONS: [&str; 6] = [
    "or NAME@VERSION): ",
    "or pkcs11:token=LABEL): ",
    "to leave it open): ",
    "type, or help): ",
    "puts the card away): ",
    "[y/N] ",
];

/// The question in a line, and what is answered.
fn question(line: &str) -> Option<(&str, &str)> {
    let end = QUESTIONS.iter().find_map(|end| Some(line.find(end)? + end.len()))?;
    Some(line.split_at(end))
}

/// Has a command at a terminal, answers as the block does, and compares what was shown.
fn session(document: &str, folder: &Path, step: &Step) {
    let mut acts = Vec::new();
    let mut expected = Vec::new();
    for line in &step.expected {
        let Some((asked, answer)) = question(line) else {
            expected.push(line.clone());
            continue;
        };
        let typed = match answer {
            "(typed unseen)" => passphrase(folder, asked.split(',').next().unwrap()),
            "(mistyped)" => "not the passphrase".to_owned(),
            answer => answer.to_owned(),
        };
        let unseen = answer.starts_with('(') && answer.ends_with(')');
        let escaped = |c: char| if c.is_alphanumeric() { c.to_string() } else { format!("\\{c}") };
        acts.push((asked.chars().map(escaped).collect(), format!("{typed}\n"), Some(!unseen)));
        expected.push(if unseen { asked.to_owned() } else { line.clone() });
    }
    let words: Vec<&str> = step.command.split(' ').collect();
    let argv = [&[env!("CARGO_BIN_EXE_quorate")], &words[1..]].concat();
    let (status, shown) = terminal::play(folder, &[("TERM", "xterm")], &argv, &acts);
    // A line that moved is what it was in the end.
    let last = |line: &str| line.rsplit("\r\x1b[K").next().unwrap_or_default().trim_end().to_owned();
    let lines: Vec<String> = shown.split("\r\n").map(last).collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let expected: Vec<String> = expected.iter().map(|line| line.trim_end().to_owned()).collect();
    assert!(
        status == 0 && lines_match(&expected, &lines),
        "{document}: $ {}\nshould show:\n{}\nbut showed:\n{}",
        step.command,
        expected.join("\n"),
        lines.join("\n")
    );
}

/// What stands on a custodian's slip.
fn passphrase(folder: &Path, name: &str) -> String {
    let ending = format!("-{name}.txt");
    let slips = std::fs::read_dir(folder.join("slips")).unwrap().map(|slip| slip.unwrap().path());
    let slip = slips.filter(|slip| slip.to_string_lossy().ends_with(&ending)).last().unwrap();
    std::fs::read_to_string(slip).unwrap().lines().next().unwrap().to_owned()
}

#[test]
fn the_readme_is_true() {
    run("README.md", 3);
}

#[test]
#[allow(clippy::print_stderr)]
fn the_operators_guide_is_true() {
    // Its text of typed lines is taken from a card's PDF, and its pictures are drawn from them.
    if Command::new("pdftotext").arg("-v").stderr(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "no pdftotext (poppler-utils)");
        eprintln!("skipped: no pdftotext on this machine");
        return;
    }
    if !terminal::has_python() {
        return;
    }
    run("docs/operator.md", 20);
}

#[test]
fn the_page_on_hsms_is_true() {
    if token::present() {
        run("docs/hsm.md", 25);
    }
}

/// A key service that ends with this test.
#[cfg(feature = "online")]
struct Served(std::process::Child);

#[cfg(feature = "online")]
impl Drop for Served {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// Runs a page against the service that it is about, if that is on this machine.
#[cfg(feature = "online")]
#[allow(clippy::print_stderr)]
fn run_served(document: &str, least: usize, service: &str, python: &Path, modules: &str) {
    use std::io::BufRead as _;
    let there = Command::new(python).arg("-c").arg(modules).output().is_ok_and(|ran| ran.status.success());
    if !there {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "{service} is missing");
        eprintln!("left out: {service} is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/serve.py");
    let mut server = Command::new(python);
    server.arg(script).arg(service).arg(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut served = Served(server.spawn().unwrap());
    let mut line = String::new();
    std::io::BufReader::new(served.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // One flat object of names and plain values.
    let words: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
    let environment: Vec<(String, String)> =
        words.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect();
    assert!(!environment.is_empty(), "{service} did not start: {line}");
    run_with(document, least, &environment);
}

#[cfg(feature = "online")]
#[test]
fn the_page_on_openbao_is_true() {
    let there = "import shutil; assert shutil.which('bao')";
    run_served("docs/providers/openbao-online.md", 17, "openbao", Path::new("python3"), there);
}

#[cfg(feature = "online")]
#[test]
fn the_page_on_aws_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = std::env::var_os("QUORATE_TOOLS").map_or_else(|| root.join("target/tools"), Into::into);
    let python = tools.join("aws/bin/python3");
    run_served("docs/providers/aws-online.md", 14, "aws", &python, "import ministack");
}

#[test]
fn the_custodians_page_is_true() {
    run("docs/custodian.md", 2);
}

#[test]
fn the_comparison_finds_differences() {
    let found = steps("$ no\n```console\n$ a \\\n  b\none\n\n$ c\n```\n```sh\n$ d\n```\n");
    let step = |command: &str, expected: &[&str]| Step {
        command: command.to_owned(),
        expected: expected.iter().map(|line| (*line).to_owned()).collect(),
        at_terminal: false,
    };
    assert_eq!(found, [step("a \\\n  b", &["one", ""]), step("c", &[])]);
    assert!(line_matches("a … c…", "a b, b c"));
    assert!(!line_matches("a … c", "a b"));
    let pattern = ["a…".to_owned(), "…".to_owned(), "z".to_owned()];
    assert!(lines_match(&pattern, &["ab", "z"]));
    assert!(lines_match(&pattern, &["a", "b", "c", "z"]));
    assert!(!lines_match(&pattern, &["a", "b"]));
    assert!(!lines_match(&pattern, &["b", "z"]));
    assert!(!lines_match(&pattern, &[]));
}

#[test]
fn every_dependency_is_accounted_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let about = std::fs::read_to_string(root.join("docs/dependencies.md")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let names: Vec<&str> =
        section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    assert!(names.len() > 30, "the manifest was not read");
    for name in names {
        assert!(about.contains(&format!("`{name}`")), "docs/dependencies.md does not name {name}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in [root.to_path_buf(), root.join("docs")] {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let file = link.split('#').next().unwrap();
                let outside = link.starts_with("http") || file.is_empty();
                assert!(outside || folder.join(file).exists(), "{}: {link}", path.display());
            }
        }
    }
}
