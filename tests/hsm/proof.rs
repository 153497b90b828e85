//! What a key did before, and that the restored one does the same: by `pkcs11-tool` and `openssl`.
//!
//! A secret key encrypts, or makes a MAC, before its token is lost; a pair signs, and its public half is kept.
//! Afterwards the other token's key must decrypt the old ciphertext, make the same MAC, and sign what the old
//! public half verifies.

use super::stage::Stage;
use crate::token::Token;
use std::fs;
use std::path::PathBuf;

const MESSAGE: &[u8] = b"what was encrypted or signed before the token was lost";
const IV: &str = "000102030405060708090a0b0c0d0e0f";

/// What is known of a key before its token is lost.
pub struct Before {
    kind: &'static str,
    name: String,
    /// Ciphertext, MAC or signature.
    made: Vec<u8>,
    /// SubjectPublicKeyInfo, of a pair.
    public: Option<Vec<u8>>,
    usage: String,
    id: String,
}

fn line(block: &str, start: &str) -> String {
    let found = block.lines().find_map(|line| line.trim().strip_prefix(start));
    found.unwrap_or_else(|| panic!("no {start} in {block}")).trim().to_owned()
}

fn class(kind: &str) -> &'static str {
    if kind.starts_with("aes") || kind.starts_with("hmac") { "secrkey" } else { "privkey" }
}

fn mechanism(kind: &str) -> &'static str {
    match kind {
        "hmac-224" => "SHA224-HMAC",
        "hmac-256" => "SHA256-HMAC",
        "hmac-384" => "SHA384-HMAC",
        "hmac-512" => "SHA512-HMAC",
        "ed25519" => "EDDSA",
        kind if kind.starts_with("rsa") => "SHA256-RSA-PKCS",
        kind if kind.starts_with("ec-") => "ECDSA",
        _ => "AES-CBC-PAD",
    }
}

/// The one object of this label in its class, as `pkcs11-tool` lists it.
#[track_caller]
pub fn only(token: &Token, kind: &str, name: &str) -> String {
    let mut found = token.listed(class(kind), name);
    assert_eq!(found.len(), 1, "{name} in {}: {found:?}", token.label);
    found.pop().unwrap()
}

/// It is sensitive, and nobody can wrap it out any more.
#[track_caller]
pub fn is_closed(token: &Token, kind: &str, name: &str) {
    let block = only(token, kind, name);
    let access = line(&block, "Access:");
    let words: Vec<&str> = access.split(", ").collect();
    assert!(words.contains(&"sensitive") && !words.contains(&"extractable"), "{name}: {access}");
}

/// Has the token use the key; what came out.
#[track_caller]
fn made(stage: &Stage, token: &Token, kind: &str, name: &str, id: &str) -> Vec<u8> {
    let place = |name: &str| stage.tokens.root().join(name);
    let (input, output) = (place("in"), place("out"));
    // Without a hash in the mechanism, the hash is what is signed.
    if kind.starts_with("ec-") {
        let digest = ["dgst", "-sha256", "-binary", "-out", "in", "message"];
        fs::write(place("message"), MESSAGE).unwrap();
        let mut openssl = std::process::Command::new("openssl");
        assert!(openssl.args(digest).current_dir(stage.tokens.root()).status().unwrap().success());
    } else {
        fs::write(&input, MESSAGE).unwrap();
    }
    let _ = fs::remove_file(&output);
    let (input, output) = (input.display().to_string(), output.display().to_string());
    let mut words = vec!["--id", id, "-m", mechanism(kind), "-i", &input, "-o", &output];
    if class(kind) == "secrkey" && kind.starts_with("aes") {
        words.extend(["--encrypt", "--iv", IV]);
    } else {
        words.push("--sign");
    }
    if kind.starts_with("ec-") {
        words.extend(["--signature-format", "openssl"]);
    }
    token.tool(&words).good();
    fs::read(&output).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A pair's public half, as a third party reads it from the token.
#[track_caller]
fn public(stage: &Stage, token: &Token, kind: &str, name: &str, id: &str) -> Vec<u8> {
    let mut found = token.listed("pubkey", name);
    assert_eq!(found.len(), 1, "public half of {name} in {}: {found:?}", token.label);
    if kind.starts_with("ec-") {
        return of_point(kind, &unhex(&line(&found.pop().unwrap(), "EC_POINT:")));
    }
    let output = stage.tokens.root().join("public");
    let _ = fs::remove_file(&output);
    token
        .tool(&["--read-object", "--type", "pubkey", "--id", id, "-o", &output.display().to_string()])
        .good();
    fs::read(&output).unwrap()
}

/// The SubjectPublicKeyInfo of a point, by hand: OpenSC 0.23 can't write that of P-384.
fn of_point(kind: &str, point: &[u8]) -> Vec<u8> {
    let point = match point {
        [4, length, point @ ..] if usize::from(*length) == point.len() => point,
        [4, 0x81, length, point @ ..] if usize::from(*length) == point.len() => point,
        point => point,
    };
    let start = match kind {
        "ec-p256" => "3059301306072a8648ce3d020106082a8648ce3d030107034200",
        "ec-p384" => "3076301006072a8648ce3d020106052b81040022036200",
        _ => "30819b301006072a8648ce3d020106052b8104002303818600",
    };
    [&unhex(start), point].concat()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

#[track_caller]
fn verifies(stage: &Stage, kind: &str, public: &[u8], signature: &[u8]) {
    let root = stage.tokens.root();
    for (name, bytes) in [("message", MESSAGE), ("public", public), ("signature", signature)] {
        fs::write(root.join(name), bytes).unwrap();
    }
    let words: &[&str] = if kind == "ed25519" {
        let verify = ["pkeyutl", "-verify", "-pubin", "-inkey", "public", "-keyform", "DER"];
        &[&verify[..], &["-rawin", "-in", "message", "-sigfile", "signature"]].concat()
    } else {
        &["dgst", "-sha256", "-verify", "public", "-keyform", "DER", "-signature", "signature", "message"]
    };
    let output = std::process::Command::new("openssl").args(words).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{kind}: {output:?}");
}

impl Before {
    #[track_caller]
    pub fn of(stage: &Stage, token: &Token, kind: &'static str, name: &str) -> Self {
        let block = only(token, kind, name);
        let id = line(&block, "ID:");
        let made = made(stage, token, kind, name, &id);
        let public = (class(kind) == "privkey").then(|| public(stage, token, kind, name, &id));
        if let Some(public) = &public {
            verifies(stage, kind, public, &made);
        }
        Self { kind, name: name.to_owned(), made, public, usage: line(&block, "Usage:"), id }
    }

    /// The key in `token` is that key, with its label, id and usage, and is closed.
    #[track_caller]
    pub fn is_restored(&self, stage: &Stage, token: &Token) {
        is_closed(token, self.kind, &self.name);
        let block = only(token, self.kind, &self.name);
        assert_eq!(line(&block, "ID:"), self.id, "{}", self.name);
        assert_eq!(line(&block, "Usage:"), self.usage, "{}", self.name);
        match &self.public {
            Some(old) => {
                let new = public(stage, token, self.kind, &self.name, &self.id);
                assert_eq!(&new, old, "the public half of {}", self.name);
                let signature = made(stage, token, self.kind, &self.name, &self.id);
                verifies(stage, self.kind, old, &signature);
            }
            None if self.kind.starts_with("hmac") => {
                assert_eq!(made(stage, token, self.kind, &self.name, &self.id), self.made, "{}", self.name);
            }
            None => assert_eq!(self.decrypted(stage, token), MESSAGE, "{}", self.name),
        }
    }

    #[track_caller]
    fn decrypted(&self, stage: &Stage, token: &Token) -> Vec<u8> {
        let place = |name: &str| -> PathBuf { stage.tokens.root().join(name) };
        fs::write(place("in"), &self.made).unwrap();
        let (input, output) = (place("in").display().to_string(), place("out").display().to_string());
        let words =
            ["--decrypt", "--id", &self.id, "-m", "AES-CBC-PAD", "--iv", IV, "-i", &input, "-o", &output];
        token.tool(&words).good();
        fs::read(place("out")).unwrap()
    }

    /// The token's ciphertext opens with `openssl` and the bytes of the key.
    #[track_caller]
    pub fn opens_with_openssl(&self, stage: &Stage, key: &str) {
        let root = stage.tokens.root();
        fs::write(root.join("in"), &self.made).unwrap();
        let words = ["enc", "-d", "-aes-256-cbc", "-K", key, "-iv", IV, "-in", "in"];
        let output = std::process::Command::new("openssl").args(words).current_dir(root).output().unwrap();
        assert_eq!(output.stdout, MESSAGE, "{output:?}");
    }
}
