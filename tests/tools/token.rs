//! Software tokens for a test: SoftHSM and kryoptic, in a folder of their own, without root.
//!
//! In: labels. Out: tokens with PINs, what a program needs to reach them (module, URI, environment, a file with
//! the PIN), OpenSC's `pkcs11-tool` as an independent party, OpenSC's spy and our own `between.rs` in between, and `pkcs11_client.py` where `pkcs11-tool` has no words.
//! A process initialises a module once, so nothing here loads one: everything goes through programs.
//! `./test` installs the parts (`tests/tools/build-kryoptic.sh`); [`present`] says what is missing, and fails for
//! it with `QUORATE_TEST_ALL=1`.
#![allow(clippy::disallowed_methods, reason = "tests")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

pub const PIN: &str = "4711-user";
pub const SO_PIN: &str = "0815-officer";
pub const MAKERS: [Maker; 2] = [Maker::SoftHsm, Maker::Kryoptic];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    SoftHsm,
    Kryoptic,
}

impl Maker {
    pub fn module(self) -> Option<PathBuf> {
        let tools = std::env::var_os("QUORATE_TOOLS").map(PathBuf::from);
        let tools = tools.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools"));
        let places = match self {
            Self::SoftHsm => library("softhsm/libsofthsm2.so"),
            Self::Kryoptic => vec![tools.join("kryoptic/libkryoptic.so")],
        };
        places.into_iter().find(|place| place.is_file())
    }
}

/// Where a distribution may have put a library.
fn library(name: &str) -> Vec<PathBuf> {
    let folders = ["/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
    folders.iter().map(|folder| Path::new(folder).join(name)).collect()
}

fn spy() -> Option<PathBuf> {
    library("pkcs11-spy.so").into_iter().find(|place| place.is_file())
}

/// Whether the soft tokens and what goes with them are installed.
pub fn present() -> bool {
    static PRESENT: OnceLock<bool> = OnceLock::new();
    *PRESENT.get_or_init(|| {
        let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
        let mut missing = Vec::new();
        for (part, there) in [
            ("SoftHSM", Maker::SoftHsm.module().is_some() && has("softhsm2-util")),
            ("kryoptic (tests/tools/build-kryoptic.sh)", Maker::Kryoptic.module().is_some()),
            ("OpenSC's pkcs11-tool", has("pkcs11-tool")),
            ("OpenSC's spy", spy().is_some()),
            ("python3", has("python3")),
            ("openssl", Command::new("openssl").arg("version").output().is_ok()),
        ] {
            if !there {
                missing.push(part);
            }
        }
        let missing = missing.join(", ");
        assert!(missing.is_empty() || std::env::var_os("QUORATE_TEST_ALL").is_none(), "missing: {missing}");
        if !missing.is_empty() {
            eprintln!("left out: keys in tokens (missing: {missing})");
        }
        missing.is_empty()
    })
}

/// The folder of a test's tokens.
pub struct Tokens {
    dir: TempDir,
    slots: RefCell<Vec<String>>,
}

/// One token.
#[derive(Debug, Clone)]
pub struct Token {
    pub maker: Maker,
    pub label: String,
    place: PathBuf,
    root: PathBuf,
}

/// What another program said.
#[derive(Debug)]
pub struct Said {
    pub good: bool,
    pub out: String,
    pub err: String,
}

impl Said {
    #[track_caller]
    pub fn good(self) -> Self {
        assert!(self.good, "{self:#?}");
        self
    }
}

impl Tokens {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("softhsm")).unwrap();
        fs::write(dir.path().join("pin"), format!("{PIN}\n")).unwrap();
        fs::write(dir.path().join("so-pin"), format!("{SO_PIN}\n")).unwrap();
        let tokens = Self { dir, slots: RefCell::new(Vec::new()) };
        tokens.configure_softhsm("");
        tokens.configure_kryoptic();
        tokens
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The file with the user's PIN.
    pub fn pin_file(&self) -> String {
        self.root().join("pin").display().to_string()
    }

    /// The file with the security officer's PIN.
    pub fn so_pin_file(&self) -> String {
        self.root().join("so-pin").display().to_string()
    }

    /// A file with another PIN.
    pub fn other_pin_file(&self, pin: &str) -> String {
        let path = self.root().join("other-pin");
        fs::write(&path, format!("{pin}\n")).unwrap();
        path.display().to_string()
    }

    /// Writes SoftHSM's configuration, with lines of the test's behind it.
    pub fn configure_softhsm(&self, more: &str) {
        let tokens = self.root().join("softhsm");
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n{more}",
            tokens.display()
        );
        fs::write(self.root().join("softhsm2.conf"), text).unwrap();
    }

    fn configure_kryoptic(&self) {
        let text = self.slots.borrow().concat();
        let text = if text.is_empty() { "slots = []\n".to_owned() } else { text };
        fs::write(self.root().join("kryoptic.conf"), text).unwrap();
    }

    /// The environment in which programs find these tokens.
    pub fn variables(&self) -> [(&'static str, PathBuf); 2] {
        variables(self.root())
    }

    /// A new token with both PINs.
    #[track_caller]
    pub fn make(&self, maker: Maker, label: &str) -> Token {
        self.make_without(maker, label, &[])
    }

    /// The same; kryoptic leaves the mechanisms out that are named.
    #[track_caller]
    pub fn make_without(&self, maker: Maker, label: &str, mechanisms: &[&str]) -> Token {
        let root = self.root().to_owned();
        match maker {
            Maker::SoftHsm => {
                assert!(mechanisms.is_empty(), "SoftHSM leaves out none of them by name");
                let before = entries(&root.join("softhsm"));
                let arguments =
                    ["--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", PIN];
                self.program("softhsm2-util", &arguments).good();
                let place = entries(&root.join("softhsm")).difference(&before).next().unwrap().clone();
                Token { maker, label: label.to_owned(), place, root }
            }
            Maker::Kryoptic => {
                let number = self.slots.borrow().len() + 1;
                let place = root.join(format!("kryoptic-{number}.sql"));
                let denied: Vec<String> =
                    ["DENY"].iter().chain(mechanisms).map(|name| format!("{name:?}")).collect();
                let denied = format!("mechanisms = [{}]\n", denied.join(", "));
                self.slots.borrow_mut().push(format!(
                    "[[slots]]\nslot = {number}\ndbtype = \"sqlite\"\ndbargs = {:?}\n{}\n",
                    place.display().to_string(),
                    if mechanisms.is_empty() { "" } else { &denied }
                ));
                self.configure_kryoptic();
                let token = Token { maker, label: label.to_owned(), place, root };
                let slot = number.to_string();
                let so = ["--slot", &slot, "--so-pin", SO_PIN];
                token.raw_tool(&[&so[..], &["--init-token", "--label", label]].concat()).good();
                let pin = ["--login", "--login-type", "so", "--init-pin", "--new-pin", PIN];
                token.raw_tool(&[&so[..], &pin].concat()).good();
                token
            }
        }
    }

    /// Another program with these tokens.
    pub fn program(&self, name: &str, arguments: &[&str]) -> Said {
        said(Command::new(name).args(arguments).envs(self.variables()))
    }
}

fn variables(root: &Path) -> [(&'static str, PathBuf); 2] {
    [("SOFTHSM2_CONF", root.join("softhsm2.conf")), ("KRYOPTIC_CONF", root.join("kryoptic.conf"))]
}

fn said(command: &mut Command) -> Said {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { good: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

impl Token {
    pub fn module(&self) -> String {
        self.maker.module().unwrap().display().to_string()
    }

    /// The token's URI, with the module in its query.
    pub fn uri(&self) -> String {
        format!("pkcs11:token={}?module-path={}", self.label, self.module())
    }

    /// The URI of an object in it, with the module.
    pub fn object(&self, name: &str) -> String {
        format!("pkcs11:token={};object={name}?module-path={}", self.label, self.module())
    }

    fn raw_tool(&self, arguments: &[&str]) -> Said {
        said(
            Command::new("pkcs11-tool")
                .args(["--module", &self.module()])
                .args(arguments)
                .envs(variables(&self.root)),
        )
    }

    /// `pkcs11-tool` as the user of this token.
    pub fn tool(&self, arguments: &[&str]) -> Said {
        self.raw_tool(&[&["--token-label", &self.label, "--login", "--pin", PIN], arguments].concat())
    }

    /// `pkcs11_client.py` as the user of this token: what `pkcs11-tool` has no words for.
    pub fn client(&self, words: &[&str]) -> Said {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/pkcs11_client.py");
        let mut command = Command::new("python3");
        command.args([script, &self.module(), &self.label, PIN]).args(words).envs(variables(&self.root));
        said(&mut command)
    }

    /// The token is lost: nothing answers to its label any more. (Kryoptic keeps an empty slot.)
    pub fn destroy(&self) {
        match self.maker {
            Maker::SoftHsm => fs::remove_dir_all(&self.place).unwrap(),
            Maker::Kryoptic => fs::remove_file(&self.place).unwrap(),
        }
    }

    /// Every file of it, for a search.
    pub fn files(&self) -> Vec<PathBuf> {
        if self.place.is_dir() {
            entries(&self.place).into_iter().collect()
        } else {
            vec![self.place.clone()]
        }
    }

    /// What the token says of its objects of a class (`secrkey`, `privkey`, `pubkey`) with this label.
    pub fn listed(&self, class: &str, label: &str) -> Vec<String> {
        let out = self.tool(&["--list-objects", "--type", class]).good().out;
        let mut blocks: Vec<String> = Vec::new();
        for line in out.lines() {
            if line.starts_with(' ') {
                if let Some(block) = blocks.last_mut() {
                    block.push('\n');
                    block.push_str(line.trim());
                }
            } else if line.contains("Object;") {
                blocks.push(line.to_owned());
            }
        }
        let wanted = |block: &String| block.lines().any(|line| line.split_whitespace().eq(["label:", label]));
        blocks.into_iter().filter(wanted).collect()
    }
}

/// OpenSC's spy between a program and `module`: the module to name, the environment, the log.
///
/// The spy hands out the interfaces of version 3 as they are, unwatched; `between.rs` behind it has none, so that
/// every call goes through the list that the spy watches.
pub fn through_spy(folder: &Path, module: &str) -> (String, [(&'static str, PathBuf); 3], PathBuf) {
    let log = folder.join("spy.log");
    let behind = between().unwrap();
    let variables =
        [("PKCS11SPY", behind.into()), ("PKCS11SPY_OUTPUT", log.clone()), ("BETWEEN_MODULE", module.into())];
    (spy().unwrap().display().to_string(), variables, log)
}

/// What the spy saw, as bytes: each dump of its log by itself.
pub fn dumps(log: &str) -> Vec<Vec<u8>> {
    let mut dumps: Vec<Vec<u8>> = Vec::new();
    for line in log.lines() {
        let Some((offset, rest)) = line.trim_start().split_once("  ") else { continue };
        if offset.len() != 8 || !offset.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        if offset == "00000000" {
            dumps.push(Vec::new());
        }
        let pairs = rest.get(..rest.len().min(48)).unwrap_or(rest).split_whitespace();
        let bytes = pairs.map_while(|pair| u8::from_str_radix(pair, 16).ok().filter(|_| pair.len() == 2));
        if let Some(dump) = dumps.last_mut() {
            dump.extend(bytes);
        }
    }
    dumps
}

/// `between.rs`, compiled once for a test program.
pub fn between() -> Option<&'static str> {
    static MADE: OnceLock<Option<String>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = env!("CARGO_TARGET_TMPDIR");
        let (to, first) = (format!("{folder}/libbetween.so"), format!("{folder}/{}.so", std::process::id()));
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let from = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/between.rs");
        let mut command = Command::new(rustc);
        command.args(["--edition", "2024", "--crate-type", "cdylib", "-O", from, "-o", &first]);
        let good = command.output().is_ok_and(|output| output.status.success());
        assert!(good || std::env::var_os("QUORATE_TEST_ALL").is_none(), "rustc doesn't compile between.rs");
        good.then(|| {
            fs::rename(&first, &to).unwrap();
            to
        })
    });
    made.as_deref()
}
