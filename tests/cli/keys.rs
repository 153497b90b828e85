//! Keys of every kind on their way in and out, and the escrow of mixed seals.

use super::world::{SKIP, World, join};
use quorate::age::{self, Identity, Kind, LIMITS, Stanzas};
use quorate::key::{KeyKind, import};
use quorate::primitive::random::Entropy;
use quorate::secret::SecretBytes;
use std::fs;

/// A fresh age identity in a file, as age-keygen writes it; its recipient.
fn identity(world: &mut World, kind: Kind, name: &str) -> (Identity, String) {
    let seed = Entropy::system().secret(32).unwrap();
    let identity = Identity::from_seed(kind, &seed).unwrap();
    let recipient = identity.recipient().unwrap().to_string();
    let text = identity.to_text();
    let file = [format!("# public key: {recipient}\n").as_bytes(), text.expose(), b"\n"].concat();
    world.write(name, file);
    world.keep_secret(text.expose());
    (identity, recipient)
}

#[test]
fn every_kind_comes_back() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    let cards = world.typed(&["alice", "carol"]);
    let kinds = ["aes-128", "hmac-512", "ed25519", "ec-p256", "ec-p384", "ec-p521", "ec-secp256k1"];
    for kind in kinds {
        world.acme(&["generate", kind, "--kind", kind]).good();
    }
    world.acme(&["generate", "blob", "--kind", "opaque", "--length", "100"]).good();
    for (name, file) in [("rsa-3072", "rsa-3072.pem"), ("rsa-4096", "rsa-4096.pem")] {
        let path = format!("{}/tests/data/key/{file}", env!("CARGO_MANIFEST_DIR"));
        world.write(file, fs::read(path).unwrap());
        world.acme(&["add", name, "--file", file, "--kind", name]).good();
    }
    for name in kinds.into_iter().chain(["blob", "rsa-3072", "rsa-4096"]) {
        let to = format!("file:{name}.out");
        let arguments = join(&[&cards], &["recover", name, "--to", &to, "--card"]);
        world.acme(&arguments).good().prints("matches the log");
        let kind: KeyKind = name.parse().unwrap_or(KeyKind::Opaque);
        let bytes = world.read(&format!("{name}.out"));
        let key = import(kind.is_asymmetric().then_some(kind).or(Some(kind)), &bytes).unwrap();
        assert_eq!(key.kind(), kind);
        assert_eq!(bytes.starts_with(b"-----BEGIN PRIVATE KEY-----\n"), kind.is_asymmetric(), "{name}");
    }
}

#[test]
fn a_key_goes_to_an_age_recipient() {
    let mut world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    let cards = world.typed(&["bob", "carol"]);
    let key: Vec<u8> = (0..32).map(|byte| byte * 7 + 1).collect();
    world.write("raw", &key);
    world.keep_secret(&key);
    world.acme(&["add", "k", "--file", "raw", "--kind", "aes-256"]).good();
    for (kind, file) in [(Kind::X25519, "a.txt"), (Kind::Hybrid, "b.txt")] {
        let (identity, recipient) = identity(&mut world, kind, file);
        let to = format!("age:{recipient}");
        let out = format!("{file}.age");
        let decrypt = |armored: &[u8]| -> SecretBytes {
            let file = age::without_armor(armored).unwrap();
            age::decrypt(&file, &[&identity], Stanzas::Any, &LIMITS).unwrap()
        };
        // To standard output, where nothing else is; to a file; into the result for programs.
        let arguments = join(&[&cards], &["recover", "k", "--to", &to, "--card"]);
        let ran = world.acme(&arguments).good().says("recovered k version 1 (aes-256) to standard output");
        assert_eq!(decrypt(ran.out.as_bytes()).expose(), key);
        let mut with_file = arguments.clone();
        with_file.extend(["--out", &out]);
        world.acme(&with_file).good().prints(&format!("to {out}\n"));
        assert_eq!(decrypt(&world.read(&out)).expose(), key);
        world.acme(&with_file).fails(1, "exists already");
        let mut as_json = arguments;
        as_json.insert(0, "--json");
        let ran = world.acme(&as_json).good();
        let value = ran.out.split("\"age\":\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(decrypt(value.replace("\\n", "\n").as_bytes()).expose(), key);
    }
}

#[test]
fn one_quorum_of_every_seal() {
    let mut world = World::new();
    let (_, x25519) = identity(&mut world, Kind::X25519, "bob.id");
    let (_, hybrid) = identity(&mut world, Kind::Hybrid, "carol.id");
    world.write("dave.pass", "a passphrase that dave chose long ago\n");
    world.keep_secret(b"a passphrase that dave chose");
    let (bob, carol) = (format!("bob={x25519}"), format!("carol={hybrid}"));
    let init =
        ["init", "acme", "-t", "4", "--memory", "64", "--slips", "slips", "-c", "alice=open", &bob, &carol];
    let rest = ["dave", "erin", "--passphrase-file", "dave=dave.pass", "--role", "alice=Chief, security"];
    let init = world.run(&[&init[..], &rest, &SKIP].concat()).good();
    world.learn_slips();
    assert!(!world.path("slips/4-dave.txt").exists(), "who brings a passphrase gets no slip");
    let seals: Vec<_> =
        init.out.lines().skip(1).take(5).map(|line| line.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(seals[0], "open");
    assert_eq!(seals[3..], ["passphrase", "passphrase"]);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();

    // The hybrid card is too long for typed lines and one code: it is printed in six.
    let long = world.card("carol");
    let check = world.acme(&["check", "--deadline", "120", &long]).good();
    for have in 1..=5 {
        assert!(
            check.err.contains(&format!("part of a long card, {have} of 6 parts are here")),
            "{check:#?}"
        );
    }
    check.prints("the card of carol (share 3) is good").prints("(--identity FILE)");
    // From here on as text, in any order: reading the page takes its time in a debug build.
    let mut parts = world.codes("carol");
    assert_eq!(parts.len(), 6);
    parts.reverse();
    world.write("five.txt", parts[1..].join("\n"));
    world.acme(&["check", "five.txt"]).fails(4, "");
    world.write("carol.txt", parts.join("\n"));
    world
        .acme(&["check", "carol.txt", "--identity", "bob.id", "--identity", "carol.id"])
        .good()
        .prints("its share lies on the quorum's polynomials");
    world
        .acme(&["check", "carol.txt", "--identity", "bob.id"])
        .fails(4, "this age identity does not open share 3");

    let typed = world.typed(&["alice", "bob", "dave"]);
    let mut arguments = vec!["recover", "k", "--to", "file:out", "--card", "carol.txt"];
    arguments.extend(typed.iter().map(String::as_str));
    arguments.extend(["--passphrase-file", "DAVE=dave.pass", "--identity", "carol.id"]);
    // Without bob's identity there are three.
    world
        .acme(&arguments)
        .fails(3, "the quorum is not reached: 3 of 4 custodians are present (alice, carol, dave)")
        .says("this age identity does not open share 2");
    arguments.extend(["--identity", "bob.id"]);
    world.acme(&arguments).good().prints("custodians alice, bob, carol, dave\n");
    assert_eq!(world.read("out").len(), 32);
}
