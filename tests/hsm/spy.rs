//! No plain key crosses the PKCS#11 boundary: a spy between the program and the token looks at every call.
//!
//! The key is known from recovering it to a file. The control: the same search finds a key that
//! `pkcs11-tool` writes into the token through the same spy, which is how it would look.

use super::stage::{Stage, refs};
use crate::token::{MAKERS, PIN, Token, between, dumps, through_spy};
use std::fs;
use std::path::Path;

/// Whether the spy saw these bytes, in a dump of any call, or written out in hexadecimal.
fn seen(log: &str, secret: &[u8]) -> bool {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let digits: String = log.to_lowercase().chars().filter(char::is_ascii_hexdigit).collect();
    let dumped = dumps(log).iter().any(|dump| dump.windows(secret.len()).any(|window| window == secret));
    dumped || digits.contains(&hex)
}

/// Parts of a key by which it would be found wherever its encoding begins.
fn parts(key: &[u8]) -> Vec<&[u8]> {
    if key.len() <= 64 {
        // A half of it is as bad.
        vec![key, &key[..16], &key[key.len() - 16..]]
    } else {
        key.chunks_exact(16).collect()
    }
}

/// The secret numbers of a PKCS#8 key by `openssl`, or a symmetric key as it is.
fn secrets(stage: &Stage, kind: &str, key: &[u8]) -> Vec<Vec<u8>> {
    if kind.starts_with("aes") || kind.starts_with("hmac") {
        return vec![key.to_vec()];
    }
    fs::write(stage.tokens.root().join("der"), key).unwrap();
    let words = ["pkey", "-inform", "DER", "-in", "der", "-text", "-noout"];
    let mut openssl = std::process::Command::new("openssl");
    let output = openssl.args(words).current_dir(stage.tokens.root()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut numbers: Vec<(String, Vec<u8>)> = Vec::new();
    for line in text.lines() {
        if let Some(bytes) = line.strip_prefix("    ") {
            let bytes = bytes.trim().split(':').filter_map(|pair| u8::from_str_radix(pair, 16).ok());
            numbers.last_mut().unwrap().1.extend(bytes);
        } else {
            numbers.push((line.trim_end_matches(':').to_owned(), Vec::new()));
        }
    }
    let secret = ["priv", "privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"];
    let found = numbers.into_iter().filter(|(name, _)| secret.contains(&name.as_str()));
    let found: Vec<Vec<u8>> =
        found.map(|(_, bytes)| bytes.into_iter().skip_while(|byte| *byte == 0).collect()).collect();
    assert!(!found.is_empty(), "no secret numbers in {text}");
    found
}

fn uri(token: &Token, spy: &str) -> String {
    format!("pkcs11:token={}?module-path={spy}", token.label)
}

/// The control: what is written in plain is seen.
#[track_caller]
fn the_spy_sees(stage: &Stage, token: &Token, folder: &Path) {
    let (spy, variables, log) = through_spy(folder, &token.module());
    let key: Vec<u8> = (0..32u8).map(|byte| byte.wrapping_mul(37).wrapping_add(101)).collect();
    let file = folder.join("control");
    fs::write(&file, &key).unwrap();
    let mut tool = std::process::Command::new("pkcs11-tool");
    tool.args(["--module", &spy, "--token-label", &token.label, "--login", "--pin", PIN, "--write-object"]);
    tool.arg(&file).args(["--type", "secrkey", "--key-type", "AES:32", "--label", "control", "--id", "c0"]);
    let output = tool.envs(stage.tokens.variables()).envs(variables).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = fs::read_to_string(log).unwrap();
    for part in parts(&key) {
        assert!(seen(&log, part), "the search does not find what it must find");
    }
}

#[test]
fn no_plain_key_crosses_the_boundary() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    for maker in MAKERS {
        let old = stage.tokens.make(maker, &format!("old-{maker:?}"));
        let new = stage.tokens.make(maker, &format!("new-{maker:?}"));
        let control = tempfile::tempdir().unwrap();
        the_spy_sees(&stage, &old, control.path());
        for kind in ["aes-256", "hmac-512", "ec-p256", "rsa-2048"] {
            let name = format!("{kind}-{maker:?}");
            let folder = tempfile::tempdir().unwrap();
            let (spy, variables, log) = through_spy(folder.path(), &old.module());
            let made = stage.generate_words(&name, kind, &uri(&old, &spy), maker);
            stage.run_with(&variables, &refs(&made)).good();
            let restored = stage.recover_words(&name, &uri(&new, &spy), maker);
            stage.run_with(&variables, &refs(&restored)).good();
            let log = fs::read_to_string(log).unwrap();
            for call in ["C_WrapKey", "C_UnwrapKey"] {
                assert!(log.contains(call), "the spy was not asked: no {call}");
            }
            for secret in secrets(&stage, kind, &stage.bytes(&name, kind)) {
                for part in parts(&secret) {
                    assert!(!seen(&log, part), "a part of the plain {kind} crossed into or out of {maker:?}");
                }
            }
            // Nor is a value asked for, or put in.
            assert!(!log.contains("CKA_VALUE  "), "the value of a key was asked for or given");
            assert!(!log.contains("CKA_PRIVATE_EXPONENT"), "a private number was asked for or given");
        }
    }
}
