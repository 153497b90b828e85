//! An escrow, its cards, and tokens: what the tests of this program begin with.

use crate::token::{Maker, Token, Tokens, between, present};
use crate::world::{Ran, World};
use std::fs;
use std::path::PathBuf;

pub struct Stage {
    pub world: World,
    pub tokens: Tokens,
    cards: Vec<String>,
}

/// What stands between the program and a token.
pub struct Between<'a> {
    pub rules: &'a str,
    /// Where the names of the calls go.
    pub log: Option<PathBuf>,
}

impl Stage {
    /// `None`, and said, when the soft tokens aren't installed.
    pub fn new() -> Option<Self> {
        if !present() {
            return None;
        }
        let mut world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
        world.keep_secret(crate::token::PIN.as_bytes());
        let cards = world.typed(&["alice", "carol"]);
        Some(Self { world, tokens: Tokens::new(), cards })
    }

    /// The program in the escrow, with these tokens to be found, and more in its environment.
    #[track_caller]
    pub fn run_with(&self, variables: &[(&str, PathBuf)], arguments: &[&str]) -> Ran {
        let mut command = self.world.command(&[&["-C", "acme"], arguments].concat());
        command.envs(self.tokens.variables()).envs(variables.iter().cloned());
        self.world.finish(command)
    }

    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(&[], arguments)
    }

    /// The same with `between.rs` before the token; the status is `None` when it was killed.
    pub fn through(&self, token: &Token, between_it: &Between<'_>, arguments: &[&str]) -> Broken {
        let mut command = self.world.command(&[&["-C", "acme"], arguments].concat());
        command.envs(self.tokens.variables());
        command.env("BETWEEN_MODULE", token.module()).env("BETWEEN_RULES", between_it.rules);
        if let Some(log) = &between_it.log {
            let _ = fs::remove_file(log);
            command.env("BETWEEN_LOG", log);
        }
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Broken { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The arguments that make a key in a token.
    pub fn generate_words(&self, name: &str, kind: &str, uri: &str, maker: Maker) -> Vec<String> {
        let words = ["generate", name, "--kind", kind, "--in", uri, "--pin-file", &self.tokens.pin_file()];
        with_sha1(&words, maker)
    }

    /// The arguments that bring a key back into a token.
    pub fn recover_words(&self, name: &str, uri: &str, maker: Maker) -> Vec<String> {
        let words = ["recover", name, "--to", uri, "--pin-file", &self.tokens.pin_file()];
        let mut words = with_sha1(&words, maker);
        // What takes several values stands last.
        words.push("--card".to_owned());
        words.extend(self.cards.iter().cloned());
        words
    }

    #[track_caller]
    pub fn generate(&self, token: &Token, name: &str, kind: &str) -> Ran {
        self.run(&refs(&self.generate_words(name, kind, &token.uri(), token.maker)))
    }

    #[track_caller]
    pub fn add(&self, token: &Token, name: &str) -> Ran {
        let pin = self.tokens.pin_file();
        let words = ["add", name, "--from", &token.object(name), "--pin-file", &pin];
        self.run(&refs(&with_sha1(&words, token.maker)))
    }

    #[track_caller]
    pub fn recover(&self, token: &Token, name: &str) -> Ran {
        self.run(&refs(&self.recover_words(name, &token.uri(), token.maker)))
    }

    /// Ends that a key may leave, when a run left that undone.
    #[track_caller]
    pub fn close(&self, token: &Token, name: &str) -> Ran {
        let (pin, module) = (self.tokens.pin_file(), token.module());
        let words = ["hsm", "close", name, "--module", &module, "--pin-file", &pin];
        self.run(&refs(&with_sha1(&words, token.maker)))
    }

    /// The same, by a URI that names the key.
    #[track_caller]
    pub fn close_object(&self, token: &Token, name: &str, object: &str) -> Ran {
        let pin = self.tokens.pin_file();
        let words = ["hsm", "close", name, "--token", &token.object(object), "--pin-file", &pin];
        self.run(&refs(&with_sha1(&words, token.maker)))
    }

    /// Backs a key up that is there, and leaves it able to leave.
    #[track_caller]
    pub fn add_open(&self, token: &Token, name: &str) -> Ran {
        let pin = self.tokens.pin_file();
        let words = ["add", name, "--from", &token.object(name), "--pin-file", &pin, "--leave-open"];
        self.run(&refs(&with_sha1(&words, token.maker)))
    }

    /// The arguments of a drill of every key into a token.
    pub fn drill_words(&self, uri: &str, maker: Maker) -> Vec<String> {
        let mut words = with_sha1(&["drill", "--to", uri, "--pin-file", &self.tokens.pin_file()], maker);
        words.push("--card".to_owned());
        words.extend(self.cards.iter().cloned());
        words
    }

    /// `hsm check` of a token.
    #[track_caller]
    pub fn check(&self, token: &Token, more: &[&str]) -> Ran {
        let (uri, pin) = (token.uri(), self.tokens.pin_file());
        let words = [&["hsm", "check", &uri, "--pin-file", &pin], more].concat();
        self.run(&refs(&with_sha1(&words, token.maker)))
    }

    /// The calls that a run makes which nothing disturbs.
    #[track_caller]
    pub fn calls(&self, token: &Token, words: &[String]) -> String {
        let log = self.tokens.root().join("calls");
        let ran = self.through(token, &Between { rules: "", log: Some(log.clone()) }, &refs(words));
        assert_eq!(ran.status, Some(0), "{ran:#?}");
        fs::read_to_string(log).unwrap()
    }

    /// The key's bytes, by recovering it to a file: raw, or PKCS#8.
    #[track_caller]
    pub fn bytes(&self, name: &str, kind: &str) -> Vec<u8> {
        let file = format!("{name}.plain");
        let _ = fs::remove_file(self.world.path(&file));
        let to = format!("file:{file}");
        let mut words = vec!["recover", name, "--to", &to];
        if !(kind.starts_with("aes") || kind.starts_with("hmac")) {
            words.extend(["--format", "der"]);
        }
        words.push("--card");
        words.extend(refs(&self.cards));
        self.run(&words).good();
        self.world.read(&file)
    }

    /// The URI of a token behind `between.rs`.
    pub fn uri_between(&self, token: &Token) -> Option<String> {
        Some(format!("pkcs11:token={}?module-path={}", token.label, between()?))
    }

    /// The log and everything that it names are good.
    #[track_caller]
    pub fn is_sound(&self, context: &str) {
        let ran = self.run(&["log", "verify"]);
        assert_eq!(ran.status, Some(0), "{context}: {ran:#?}");
        self.run(&["status"]).good();
    }
}

/// What a run gave that may have been killed.
#[derive(Debug)]
pub struct Broken {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Broken {
    /// It failed with this status, these words, and a hint.
    #[track_caller]
    pub fn fails(self, status: i32, fragment: &str) -> Self {
        assert_eq!(self.status, Some(status), "{self:#?}");
        assert!(
            self.err.contains(fragment) && self.err.contains("quorate: hint: "),
            "no {fragment:?}: {self:#?}"
        );
        assert!(!self.err.contains("panicked"), "{self:#?}");
        self
    }
}

/// The concession to a token whose OAEP has SHA-1 only is made by name, and to SoftHSM alone.
pub fn with_sha1(words: &[&str], maker: Maker) -> Vec<String> {
    let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    if maker == Maker::SoftHsm {
        words.push("--allow-oaep-sha1".to_owned());
    }
    words
}

pub fn refs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}
