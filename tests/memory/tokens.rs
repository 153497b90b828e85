//! The same of keys that live in tokens: made there, added from there, restored there.
//!
//! The software tokens are libraries in the program's process, and have every key in memory of their own. What they free
//! they don't always wipe: SoftHSM leaves a key that it has wrapped, kryoptic one that it has signed with, where a scan
//! finds it now and then. So the C library wipes here what is freed, and the scan asks for the rest: what is still
//! held, and the stack. That the program wipes what it frees by itself, `tests/heap.rs` and the scan without tokens show.

use crate::token::{MAKERS, Maker, PIN, Token, Tokens, present};
use crate::{
    Needles, can_scan, key_needles, passphrase_files, quorum_needles, run, scan_with, secrets, words,
};
use std::fs;
use std::path::Path;

/// As long as what a scan looks for.
const LONG_PIN: &str = "a PIN of twenty-four letters";

/// A token whose PIN is long enough to be looked for.
fn token(tokens: &Tokens, maker: Maker, label: &str) -> Token {
    let token = tokens.make(maker, label);
    let module = token.module();
    let words = ["--module", &module, "--token-label", label, "--login", "--pin", PIN];
    tokens.program("pkcs11-tool", &[&words[..], &["--change-pin", "--new-pin", LONG_PIN]].concat()).good();
    token
}

/// Makes a key that may leave, as another program does.
fn made_elsewhere(tokens: &Tokens, token: &Token, kind: &str, label: &str) {
    let module = token.module();
    let words = ["--module", &module, "--token-label", &token.label, "--login", "--pin", LONG_PIN];
    let make: &[&str] = match kind {
        "aes-256" => &["--keygen", "--key-type", "AES:32"],
        _ => &["--keypairgen", "--key-type", "EC:secp256r1", "--usage-sign"],
    };
    let name = ["--sensitive", "--extractable", "--label", label, "--id", "7e"];
    tokens.program("pkcs11-tool", &[&words[..], make, &name].concat()).good();
}

/// The control: each of these is there.
#[track_caller]
fn finds(found: &str, names: &[&str]) {
    for name in names {
        assert!(found.contains(&format!("\"{name}")), "the control doesn't find {name}: {found}");
    }
}

#[track_caller]
fn is_clean(found: &str, context: &str) {
    assert!(secrets(found).is_empty(), "after {context}: {found}");
}

#[test]
fn no_key_of_a_token_is_left_at_exit() {
    if !can_scan() || !present() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder: &Path = temporary.path();
    let slips = passphrase_files(folder, crate::CUSTODIANS.len());
    run(folder, &format!("init acme --memory 64 -t 2 -c alice bob carol{slips} --skip-scan-back everybody"));
    let mut quorum = quorum_needles(folder);
    quorum.push(("PIN".to_owned(), LONG_PIN.as_bytes().to_vec()));
    fs::write(folder.join("pin"), format!("{LONG_PIN}\n")).unwrap();
    let unseal = format!("--card 1-alice.txt 2-bob.txt{}", passphrase_files(folder, 2));
    // What is known of a key once it was recovered to a file.
    let with_key = |name: &str| -> Needles {
        if !folder.join(name).exists() {
            run(folder, &format!("-C acme recover {name} {unseal} --to file:{name} --format der"));
        }
        let mut needles = quorum.clone();
        needles.extend(key_needles(&fs::read(folder.join(name)).unwrap()));
        needles
    };
    for maker in MAKERS {
        let tokens = Tokens::new();
        let (prod, _spare) = (token(&tokens, maker, "prod"), token(&tokens, maker, "spare"));
        let reach = format!("--module {} --pin-file pin --allow-oaep-sha1", prod.module());
        let mut variables = tokens.variables().to_vec();
        let wiping = "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0";
        variables.push(("GLIBC_TUNABLES", wiping.into()));
        let exits = |arguments: &str, name: &str| {
            let found = scan_with(folder, &variables, "exit_group", 1, &words(arguments), || with_key(name));
            is_clean(&found, &format!("{arguments} ({maker:?})"));
        };
        for kind in ["aes-256", "ec-p256", "rsa-3072"] {
            let name = format!("{kind}-{maker:?}");
            exits(&format!("-C acme generate {name} --kind {kind} --in pkcs11:token=prod {reach}"), &name);
            let recover = format!("-C acme recover {name} {unseal} --to pkcs11:token=spare {reach}");
            // As `done` is about to be logged, all of it is there.
            let found = scan_with(folder, &variables, "renameat2", 2, &words(&recover), || with_key(&name));
            finds(&found, &["PIN\"", "key at ", "signing seed\"", "identity seed\"", "value of bob\""]);
            // What that run had put in is proven once more, and finished.
            exits(&recover, &name);
            exits(&format!("-C acme drill {name} {unseal} --to pkcs11:token=spare {reach}"), &name);
        }
        for kind in ["aes-256", "ec-p256"] {
            let name = format!("added-{kind}-{maker:?}");
            made_elsewhere(&tokens, &prod, kind, &name);
            // `with_key` recovers it from the run before.
            let add =
                format!("-C acme add {name} --from pkcs11:token=prod;object={name} {reach} --leave-open");
            let output = crate::command(folder, &add).envs(variables.clone()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            // As the intent is about to be logged, the key is there: it had to come out first.
            let found = scan_with(folder, &variables, "renameat2", 1, &words(&add), || with_key(&name));
            finds(&found, &["PIN\"", "key at "]);
            exits(&add, &name);
            exits(
                &format!("-C acme hsm close {name} --token pkcs11:token=prod;object={name} {reach}"),
                &name,
            );
        }
    }
}
