//! A folder of its own for a test, in which the program is run, and what a run gave.
//!
//! No run sees the caller's environment. Whatever is known to be secret (the passphrases on slips, the
//! keys that were put in or came out) must never show up in what a run writes, nor in the log.

use quorate::card::{Collector, Offer, PREFIX, scan};
use quorate::seal::SealedShare;
use quorate::wire::lines::encode;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The time that all logs of these tests begin at.
pub const CLOCK: &str = "2026-11-23T20:00:00Z";

/// What lets `init` end without a terminal.
pub const SKIP: [&str; 2] = ["--skip-scan-back", "everybody"];

pub struct World {
    dir: TempDir,
    secrets: Vec<Vec<u8>>,
}

/// What a run gave.
#[derive(Debug)]
pub struct Ran {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
    words: String,
}

impl Ran {
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:#?}");
        assert!(!self.err.contains("quorate: error"), "{self:#?}");
        self
    }

    /// It failed with this status, these words, and a hint.
    #[track_caller]
    pub fn fails(self, status: i32, fragment: &str) -> Self {
        assert_eq!(self.status, Some(status), "{self:#?}");
        assert!(self.err.contains(fragment), "no {fragment:?} in {self:#?}");
        let last = |start: &str| {
            self.err.lines().enumerate().filter(|(_, line)| line.starts_with(start)).map(|(at, _)| at).last()
        };
        let (error, hint) = (last("quorate: error: "), last("quorate: hint: "));
        assert!(error.is_some() && hint.is_some() && hint > error, "no error with a hint: {self:#?}");
        assert!(self.err.lines().all(|line| line != "quorate: hint: "), "an empty hint: {self:#?}");
        self
    }

    /// It failed with this status, and its result for programs is on standard output all the same.
    #[track_caller]
    pub fn fails_with_json(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self:#?}");
        assert_eq!(self.out.lines().count(), 1, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn says(self, fragment: &str) -> Self {
        assert!(self.err.contains(fragment), "no {fragment:?} in {self:#?}");
        self
    }

    #[track_caller]
    pub fn prints(self, fragment: &str) -> Self {
        assert!(self.out.contains(fragment), "no {fragment:?} in {self:#?}");
        self
    }
}

impl World {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), secrets: Vec::new() }
    }

    /// A world with a quorum in `acme`, its cards in `acme-cards`, passphrases on `slips`.
    #[track_caller]
    pub fn founded(threshold: usize, custodians: &[&str]) -> Self {
        let mut world = Self::new();
        let threshold = threshold.to_string();
        let mut arguments = vec!["init", "acme", "-t", &threshold, "--memory", "64", "--slips", "slips"];
        arguments.extend(SKIP);
        custodians.iter().for_each(|custodian| arguments.extend(["--custodian", custodian]));
        world.run(&arguments).good();
        world.learn_slips();
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// From now on these bytes must not show up: as they are, in hexadecimal, in base64.
    pub fn keep_secret(&mut self, bytes: &[u8]) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let base64 = quorate::wire::text::base64(bytes);
        self.secrets.extend([bytes.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()]);
        self.secrets.push(base64.trim_end_matches('=').as_bytes().to_vec());
    }

    /// Every passphrase on a slip, and every pair of its words, is a secret.
    pub fn learn_slips(&mut self) {
        let Ok(slips) = fs::read_dir(self.path("slips")) else { return };
        for slip in slips {
            let text = fs::read_to_string(slip.unwrap().path()).unwrap();
            let words: Vec<&str> = text.lines().next().unwrap().split(' ').collect();
            assert_eq!(words.len(), 6, "a generated passphrase has six words");
            self.secrets.extend(words.windows(2).map(|pair| pair.join(" ").into_bytes()));
        }
    }

    /// The program with arguments, in this world's folder and with nothing of our environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
        command.args(arguments).current_dir(self.root()).env_clear().env("USER", "operator");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command(arguments))
    }

    /// The same in the escrow `acme`.
    #[track_caller]
    pub fn acme(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["-C", "acme"];
        all.extend(arguments);
        self.run(&all)
    }

    #[track_caller]
    pub fn acme_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        self.write(".input", input);
        let mut all = vec!["-C", "acme"];
        all.extend(arguments);
        let mut command = self.command(&all);
        command.stdin(fs::File::open(self.path(".input")).unwrap());
        self.finish(command)
    }

    #[track_caller]
    pub fn finish(&self, mut command: Command) -> Ran {
        let words = format!("{command:?}");
        let output = command.output().unwrap();
        self.search(&output.stdout, &words);
        self.search(&output.stderr, &words);
        self.search_log();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
        let ran =
            Ran { status: output.status.code(), out: text(output.stdout), err: text(output.stderr), words };
        assert!(!ran.err.contains("panicked"), "{ran:#?}");
        assert!(ran.status.is_some(), "ended by a signal: {} {}", ran.words, ran.err);
        ran
    }

    #[track_caller]
    fn search(&self, bytes: &[u8], place: &str) {
        for secret in &self.secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_slice());
            assert!(!found, "a secret shows up in {place}");
        }
    }

    #[track_caller]
    fn search_log(&self) {
        for folder in ["acme/log", "other/log"] {
            for file in fs::read_dir(self.path(folder)).into_iter().flatten() {
                let path = file.unwrap().path();
                if path.is_file() {
                    self.search(&fs::read(&path).unwrap(), &path.display().to_string());
                }
            }
        }
    }

    /// The path of a custodian's card, relative to this world.
    pub fn card(&self, custodian: &str) -> String {
        self.file("acme-cards", &format!("-{custodian}.pdf"))
    }

    /// The path of a custodian's slip, relative to this world.
    pub fn slip(&self, custodian: &str) -> String {
        self.file("slips", &format!("-{custodian}.txt"))
    }

    fn file(&self, folder: &str, ending: &str) -> String {
        let names = fs::read_dir(self.path(folder)).unwrap();
        let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        format!("{folder}/{}", names.find(|name| name.ends_with(ending)).unwrap())
    }

    /// Draws a custodian's card, as a scanner would; the picture's path, relative to this world.
    pub fn picture(&self, custodian: &str) -> String {
        let name = format!("{custodian}.png");
        let page = self.read(&self.card(custodian));
        self.write(&name, scan::draw_first_page(&page).unwrap());
        name
    }

    /// The typed lines of a custodian's card, from `pdftotext` if it is there, else from the code.
    pub fn lines(&self, custodian: &str) -> Vec<String> {
        let card = self.path(&self.card(custodian));
        from_page(&card).unwrap_or_else(|| from_code(&card))
    }

    /// The texts of a custodian's card's codes.
    pub fn codes(&self, custodian: &str) -> Vec<String> {
        texts(&self.path(&self.card(custodian)))
    }

    /// Writes the typed lines of cards to text files, and gives their names.
    pub fn typed(&self, custodians: &[&str]) -> Vec<String> {
        let write = |custodian: &&str| {
            let name = format!("{custodian}.txt");
            self.write(&name, self.lines(custodian).join("\n"));
            name
        };
        custodians.iter().map(write).collect()
    }

    /// `--passphrase-file` arguments for custodians.
    pub fn passphrases(&self, custodians: &[&str]) -> Vec<String> {
        let one = |name: &&str| ["--passphrase-file".to_owned(), format!("{name}={}", self.slip(name))];
        custodians.iter().flat_map(one).collect()
    }
}

/// The typed lines as they stand on the page; `None` without `pdftotext`.
pub fn from_page(card: &Path) -> Option<Vec<String>> {
    let output = Command::new("pdftotext").arg("-layout").arg(card).arg("-").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let group = |word: &&str| word.len() == 5 && word.bytes().all(|c| matches!(c, b'A'..=b'Z' | b'2'..=b'7'));
    let mut lines = Vec::new();
    for row in text.lines() {
        let words: Vec<&str> = row.split_whitespace().take(7).collect();
        let numbered = words.first().is_some_and(|first| first.parse() == Ok(lines.len() + 1));
        if numbered && words.len() == 7 && words[1..].iter().all(group) {
            lines.push(words.join(" "));
        }
    }
    (lines.len() >= 3).then_some(lines)
}

/// The typed lines that belong to a card's code.
pub fn from_code(card: &Path) -> Vec<String> {
    let mut collector = Collector::new();
    let card = texts(card).iter().find_map(|text| match collector.offer(text) {
        Ok(Offer::Card(card)) => Some(card),
        _ => None,
    });
    let card: Box<SealedShare> = card.expect("a card");
    let lines = encode(card.expose()).unwrap();
    lines.iter().map(|line| format!("{:02} {}", line.number(), line.groups().as_str())).collect()
}

/// The different texts of a page's codes.
pub fn texts(card: &Path) -> Vec<String> {
    let mut search = scan::Search::new(|text| text.starts_with(PREFIX));
    search.limits.deadline = std::time::Duration::from_secs(120);
    let found = scan::read(&fs::read(card).unwrap(), &search, &mut |_| ()).unwrap();
    let mut texts: Vec<String> = found.ours().map(|code| code.text.to_string()).collect();
    texts.sort();
    texts.dedup();
    texts
}

/// Arguments of different origins as one list.
pub fn join<'a>(parts: &[&'a [String]], words: &[&'a str]) -> Vec<&'a str> {
    let mut all = words.to_vec();
    parts.iter().for_each(|part| all.extend(part.iter().map(String::as_str)));
    all
}
