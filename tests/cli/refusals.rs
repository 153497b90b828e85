//! Every refusal of arguments, files and names: a message, a hint, a status, and nothing left behind.

use super::world::{SKIP, World};
use std::fs;

type Row = (&'static [&'static str], i32, &'static str);

/// Runs each row and holds it to its status, words and hint; the world stays as it was.
#[track_caller]
fn refused(world: &World, escrow: bool, rows: &[Row]) {
    let mut before = names(world);
    before.retain(|name| name != ".input");
    for (arguments, status, fragment) in rows {
        let ran = if escrow { world.acme(arguments) } else { world.run(arguments) };
        let ran = ran.fails(*status, fragment);
        assert_eq!(ran.out, "", "{ran:#?}");
        let mut after = names(world);
        after.retain(|name| name != ".input");
        assert_eq!(after, before, "something was left behind by {arguments:?}");
    }
}

fn names(world: &World) -> Vec<String> {
    names_in(world, ".")
}

fn names_in(world: &World, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(world.path(folder))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn no_escrow_and_no_command() {
    let world = World::new();
    world.write("card.txt", "nothing");
    refused(
        &world,
        false,
        &[
            (&["list"], 2, "no escrow is named"),
            (&["generate", "k", "--kind", "aes-256"], 2, "no escrow is named"),
            (&["recover", "k", "--to", "file:k"], 2, "no escrow is named"),
            (&["check", "card.txt", "--record"], 2, "--record needs an escrow"),
            (&["-C", "nowhere", "list"], 1, "nowhere: there is no escrow here: its log is missing"),
            (&["-C", "nowhere", "status"], 1, "there is no escrow here"),
            (&["-C", "nowhere", "generate", "k", "--kind", "aes-256"], 1, "there is no escrow here"),
            (&["-C", "nowhere", "recover", "k", "--to", "file:k"], 1, "there is no escrow here"),
            (&["-C", "nowhere", "log", "verify"], 1, "there is no escrow here"),
            (&["-C", "nowhere", "--actor", "", "list"], 2, "the actor's name is empty"),
            (
                &["-C", "nowhere", "--actor", "a\nb", "list"],
                2,
                "the actor's name is empty, too long or holds control",
            ),
            (&["frobnicate"], 2, "unrecognized subcommand 'frobnicate'"),
            (
                &["lst"],
                2,
                "unrecognized subcommand 'lst'\nquorate: hint: a similar subcommand exists: 'list'",
            ),
            (&["--frob"], 2, "unexpected argument '--frob'"),
            (&["list", "more"], 2, "unexpected argument 'more' found"),
        ],
    );
    // The variable names it as well as the argument.
    let mut command = world.command(&["list"]);
    command.env("QUORATE_ESCROW", "elsewhere");
    world.finish(command).fails(1, "there is no escrow here");
}

#[test]
fn init() {
    let world = World::new();
    fs::create_dir(world.path("full")).unwrap();
    world.write("full/notes", "mine");
    world.write("pass", "one two three four five six\n");
    world.write("empty", "");
    world.write("words.bin", b"\xff\xfe\n");
    const OPEN: [&str; 3] = ["a=open", "b=open", "c=open"];
    let rows: &[(&[&str], i32, &str)] = &[
        (&["full", "-t", "2", "OPEN"], 2, "full is not empty"),
        (&["e", "-t", "0", "OPEN"], 2, "threshold"),
        (&["e", "-t", "1", "OPEN"], 2, "a threshold of 1 lets one custodian recover alone"),
        (&["e", "-t", "4", "OPEN"], 2, "a threshold of 4 can never be met by 3 custodians"),
        (&["e", "-t", "256", "OPEN"], 2, "threshold"),
        (&["e", "-t", "two", "OPEN"], 2, "invalid value 'two' for '--threshold <M>'"),
        (&["e", "-t", "3", "OPEN"], 2, "one lost card loses every key"),
        (&["e", "OPEN"], 2, "required arguments were not provided: --threshold <M>"),
        (&["e", "-t", "2"], 2, "required arguments were not provided: --custodian"),
        (&["-t", "2", "OPEN"], 2, "required arguments were not provided: <DIR>"),
        (&["e", "-t", "2", "-c", "a=open", "b=open", "a=open"], 2, "\"a\" and \"a\" have one name"),
        (&["e", "-t", "2", "-c", "a=open", "b=open", "A=open"], 2, "\"a\" and \"A\" have one name"),
        (&["e", "-t", "2", "-c", "a=open", "b=open", "=open"], 2, "\"\" can't stand in a quorum record\n"),
        (
            &["e", "-t", "2", "-c", "a=open", "b=open", "c\nd=open"],
            2,
            "\"c\\nd\" can't stand in a quorum record\n",
        ),
        (&["e", "-t", "2", "OPEN", "--cards", "e/cards"], 2, "the cards must not go into the escrow"),
        (&["e", "-t", "2", "OPEN", "--cards", "e"], 2, "the cards must not go into the escrow"),
        (&["e", "-t", "2", "OPEN", "--slips", "e-cards"], 2, "the slips must not go where the cards"),
        (&["e", "-t", "2", "OPEN", "--slips", "e-cards/x"], 2, "the slips must not go where the cards"),
        (
            &["e", "-t", "2", "OPEN", "--cards", "x/y", "--slips", "x"],
            2,
            "the slips must not go where the cards",
        ),
        (&["e", "-t", "2", "OPEN", "--slips", "e/slips"], 2, "the slips must not go where the cards"),
        (
            &["e", "-t", "2", "-c", "a", "b=open", "c=open"],
            2,
            "no terminal to show the generated passphrases on",
        ),
        (
            &["e", "-t", "2", "-c", "a", "b=open", "c=open", "--choose", "a"],
            2,
            "no passphrase was typed for a",
        ),
        (
            &["e", "-t", "2", "-c", "a=age1xyz", "b=open", "c=open"],
            2,
            "a: the X25519 recipient is mistyped or cut",
        ),
        (&["e", "-t", "2", "-c", "a=age1pq1xyz", "b=open", "c=open"], 2, "a: the"),
        (&["e", "-t", "2", "-c", "a=paper", "b=open", "c=open"], 2, "a: not an age recipient"),
        (&["e", "-t", "2", "-c", "a=", "b=open", "c=open"], 2, "a: not an age recipient"),
        (&["e", "-t", "2", "OPEN", "--role", "zed=Chief"], 2, "--role names zed, who is not a custodian"),
        (&["e", "-t", "2", "OPEN", "--role", "Chief"], 2, "--role \"Chief\" has not the form NAME=TEXT"),
        (&["e", "-t", "2", "OPEN", "--choose", "zed"], 2, "--choose names zed, who is not a custodian"),
        (&["e", "-t", "2", "OPEN", "--envelope", "zed=7"], 2, "--envelope names zed, who is not a custodian"),
        (&["e", "-t", "2", "OPEN", "--envelope", "a="], 2, "--envelope \"a=\" has not the form NAME=TEXT"),
        (&["e", "-t", "2", "OPEN", "--passphrase-file", "zed=pass"], 2, "--passphrase-file names zed, who"),
        (
            &["e", "-t", "2", "OPEN", "--passphrase-file", "a=pass"],
            2,
            "names a, whose card has no passphrase",
        ),
        (&["e", "-t", "2", "OPEN", "--passphrase-file", "pass"], 2, "has not the form NAME=FILE"),
        (&["e", "-t", "2", "OPEN", "--passphrase-file", "a=none"], 1, "none: no such file or directory"),
        (&["e", "-t", "2", "OPEN", "--passphrase-file", "a=empty"], 1, "empty: the passphrase is empty"),
        (&["e", "-t", "2", "OPEN", "--passphrase-file", "a=words.bin"], 1, "words.bin: "),
        (&["e", "-t", "2", "OPEN", "--memory", "63"], 2, "invalid value '63' for '--memory <MIB>'"),
        (&["e", "-t", "2", "OPEN", "--memory", "32"], 2, "not a size that seals have\n"),
        (&["e", "-t", "2", "OPEN", "--memory", "8192"], 2, "not a size that seals have\n"),
        (&["e", "-t", "2", "OPEN", "--memory", "much"], 2, "that is no number of MiB\n"),
        (&["e", "-t", "2", "OPEN", "--entropy", "empty"], 1, "empty: is empty: nothing can be mixed in"),
        (&["e", "-t", "2", "OPEN", "--entropy", "none"], 1, "none: no such file or directory"),
        (&["e", "-t", "2", "OPEN", "--entropy", "full"], 1, "full: is a folder, not a file"),
        (&["e", "-t", "2", "OPEN", "--paper", "a5"], 2, "invalid value 'a5' for '--paper <PAPER>'"),
        (&["e", "-t", "2", "OPEN", "-C", "other"], 2, "two folders are named: e and other"),
        (&["e", "-t", "2", "OPEN", "--clock", "now"], 2, "invalid value 'now' for '--clock <TIME>'"),
    ];
    let before = names(&world);
    for (arguments, status, fragment) in rows {
        let mut all = vec!["init"];
        for argument in *arguments {
            if *argument == "OPEN" {
                all.push("--custodian");
                all.extend(OPEN);
            } else {
                all.push(argument);
            }
        }
        all.extend(SKIP);
        let ran = world.run(&all).fails(*status, fragment);
        assert_eq!(ran.out, "", "{ran:#?}");
        assert_eq!(names(&world), before, "{ran:#?}");
    }
    // Nobody could read the cards back: said before anything happens, with what to add.
    let alone = ["init", "e", "-t", "2", "-c", "a=open", "b=open", "c=open"];
    world.run(&alone).fails(2, "there is no terminal to read the printed cards back at");
    let most = [&alone[..], &["--skip-scan-back", "a", "c"]].concat();
    world.run(&most).fails(2, "there is no terminal").says("add --skip-scan-back NAME…");
    world.run(&[&most[..], &["x"]].concat()).fails(2, "--skip-scan-back names x, who is not a custodian");
    // The folder behind the names is taken for one.
    world
        .run(&["init", "-t", "2", "-c", "a=open", "b=open", "c=open", "e"])
        .fails(2, "required arguments were not provided: <DIR>")
        .says("name the escrow's folder before --custodian");
    assert_eq!(names(&world), before);
    // An escrow is never made over another, and a card that is there is never written over.
    let founded = [&["init", "e", "-t", "2", "-c", "a=open", "b=open", "c=open"][..], &SKIP].concat();
    world.run(&founded).good();
    world.run(&founded).fails(2, "e is not empty");
    fs::remove_dir_all(world.path("e")).unwrap();
    let card = world.read("e-cards/1-a.pdf");
    world.run(&founded).fails(1, "e-cards/1-a.pdf: it exists already");
    assert_eq!(world.read("e-cards/1-a.pdf"), card);
    assert!(!world.path("e").exists(), "nothing was begun");
    // Names of people are not names of files.
    let paths = ["init", "f", "-t", "2", "-c", "../up=open", "a/b", "a?b", "..=open", "--memory", "64"];
    world.run(&[&paths[..], &["--slips", "slips"], &SKIP].concat()).good();
    let mut slips = names_in(&world, "slips");
    slips.sort();
    assert_eq!(slips, ["2-a_b.txt", "3-a_b.txt"]);
    let mut cards = names_in(&world, "f-cards");
    cards.sort();
    assert_eq!(cards, ["1-___up.pdf", "2-a_b.pdf", "3-a_b.pdf", "4-__.pdf"]);
}

#[test]
fn names_and_kinds() {
    let world = World::founded(2, &["a=open", "b=open", "c=open"]);
    world.acme(&["generate", "orders", "--kind", "aes-256"]).good();
    world.write("raw", [7, 8, 9]);
    refused(
        &world,
        true,
        &[
            (&["generate", "k"], 2, "required arguments were not provided: --kind <KIND>"),
            (&["generate", "--kind", "aes-256"], 2, "required arguments were not provided: <NAME>..."),
            (
                &["generate", "k", "--kind", "aes"],
                2,
                "that is no kind of key\nquorate: hint: the kinds are aes-128, aes-256",
            ),
            (
                &["generate", "", "--kind", "aes-256"],
                2,
                "a key's name is empty\nquorate: hint: use 1 to 64 letters",
            ),
            (
                &["generate", "a b", "--kind", "aes-256"],
                2,
                "a key's name holds ' '\nquorate: hint: use letters",
            ),
            (
                &["generate", "../x", "--kind", "aes-256"],
                2,
                "a key's name holds '/'\nquorate: hint: use letters",
            ),
            (
                &["generate", "x@1", "--kind", "aes-256"],
                2,
                "a key's name holds '@'\nquorate: hint: use letters",
            ),
            (
                &["generate", ".x", "--kind", "aes-256"],
                2,
                "a key's name begins with '.'\nquorate: hint: begin it with",
            ),
            (
                &[
                    "generate",
                    "0123456789012345678901234567890123456789012345678901234567890123x",
                    "-k",
                    "aes-256",
                ],
                2,
                "65 bytes",
            ),
            (&["generate", "k", "--kind", "opaque"], 2, "an opaque secret needs its length"),
            (
                &["generate", "k", "--kind", "opaque", "--length", "0"],
                2,
                "an opaque secret has 1 to 65536 bytes, not 0",
            ),
            (&["generate", "k", "--kind", "opaque", "--length", "65537"], 2, "1 to 65536 bytes, not 65537"),
            (&["generate", "k", "--kind", "opaque", "--length", "-1"], 2, "unexpected argument '-1'"),
            (
                &["generate", "k", "--kind", "aes-256", "--length", "32"],
                2,
                "a key of kind aes-256 has a length of its own",
            ),
            (&["generate", "k", "k", "--kind", "aes-256"], 2, "k is named twice"),
            (&["add", "k"], 2, "required arguments were not provided: --file <FILE>"),
            (&["add", "a b", "--file", "raw"], 2, "a key's name holds ' '"),
            (&["show", "none"], 1, "there is no key none in this escrow\nquorate: hint: `quorate list`"),
            (
                &["show", "orders@2"],
                1,
                "orders has no version 2 that is backed up\nquorate: hint: `quorate show orders`",
            ),
            (
                &["show", "orders@0"],
                2,
                "what follows the @ of a key's name is no version\nquorate: hint: write a whole",
            ),
            (&["show", "orders@x"], 2, "what follows the @ of a key's name is no version"),
            (&["log", "verify", "--since", "yesterday"], 2, "that is no checkpoint"),
            (&["log", "verify", "--since", "1:AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"], 4, ""),
            (&["log", "verify", "--since", "99:AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"], 4, ""),
        ],
    );
    // None of these reached the log but the names of keys that exist.
    let list = world.acme(&["list"]).good().out;
    assert_eq!(list.lines().count(), 2, "{list}");
}

#[test]
fn add() {
    let world = World::founded(2, &["a=open", "b=open", "c=open"]);
    let rsa =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/key/rsa-2048.pem")).unwrap();
    world.write("key.pem", &rsa);
    world.write("two.pem", format!("{rsa}{rsa}"));
    world.write("cut.pem", &rsa[..rsa.len() / 2]);
    world.write("public.pem", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n");
    world.write(
        "encrypted.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    world.write("ssh", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n");
    world.write("ssh.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI operator\n");
    world.write("certificate.pem", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    world.write("dsa.pem", "-----BEGIN DSA PRIVATE KEY-----\nMAA=\n-----END DSA PRIVATE KEY-----\n");
    world.write("jwk", "{\"kty\":\"oct\",\"k\":\"AAAA\"}");
    world.write("hex", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
    world.write("base64", "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=\n");
    world.write("zero", [0; 32]);
    world.write("empty", "");
    world.write("short", [1, 2, 3, 4]);
    let ended: Vec<u8> = (1..=32).chain([b'\n']).collect();
    world.write("ended", ended);
    world.write("large", vec![9; 70_000]);
    world.write("huge", vec![9; 300_000]);
    let openssl = std::process::Command::new("openssl")
        .args(["genrsa", "-traditional", "-out", "weak.pem", "1024"])
        .current_dir(world.root())
        .output();
    if !openssl.is_ok_and(|made| made.status.success()) {
        eprintln!("left out: a weak RSA key (openssl)");
    } else {
        world.acme(&["add", "k", "--file", "weak.pem"]).fails(1, "k: the RSA key has 1024 bits");
    }
    refused(
        &world,
        true,
        &[
            (&["add", "k", "--file", "nofile"], 1, "nofile: no such file or directory"),
            (&["add", "k", "--file", "acme"], 1, "acme: is a folder, not a file"),
            (&["add", "k", "--file", "empty"], 1, "k: the key file is empty"),
            (&["add", "k", "--file", "large"], 1, "k: the key file is longer than 65536 bytes"),
            (&["add", "k", "--file", "huge"], 1, "huge: is longer than the 262144 bytes that are read"),
            (
                &["add", "k", "--file", "short"],
                1,
                "k: the file is neither PEM nor DER, and no kind of key was named",
            ),
            (
                &["add", "k", "--file", "short", "-k", "aes-256"],
                1,
                "k: a key of kind aes-256 has 32 bytes, and the file has 4",
            ),
            (
                &["add", "k", "--file", "short", "-k", "ed25519"],
                1,
                "k: a key of kind ed25519 must be PEM or DER",
            ),
            (
                &["add", "k", "--file", "hex", "-k", "aes-256"],
                1,
                "k: the file is hexadecimal text of 32 bytes",
            ),
            (&["add", "k", "--file", "base64", "-k", "aes-256"], 1, "k: the file is base64 text of 32 bytes"),
            (
                &["add", "k", "--file", "ended", "-k", "aes-256"],
                1,
                "k: the file holds a line end after the 32 bytes",
            ),
            (&["add", "k", "--file", "zero", "-k", "aes-256"], 1, "k: the aes-256 key is one byte repeated"),
            (
                &["add", "k", "--file", "key.pem", "-k", "aes-256"],
                1,
                "k: the file holds a key of kind rsa-2048, not aes-256",
            ),
            (
                &["add", "k", "--file", "key.pem", "-k", "ed25519"],
                1,
                "k: the file holds a key of kind rsa-2048, not ed25519",
            ),
            (&["add", "k", "--file", "two.pem"], 1, "k: the file holds 2 PEM blocks instead of one"),
            (&["add", "k", "--file", "cut.pem"], 1, "k: the PEM is damaged at line "),
            (&["add", "k", "--file", "public.pem"], 1, "k: the file holds a public key, not a private key"),
            (&["add", "k", "--file", "ssh.pub"], 1, "k: the file holds a public key, not a private key"),
            (
                &["add", "k", "--file", "certificate.pem"],
                1,
                "k: the file holds a certificate, not a private key",
            ),
            (
                &["add", "k", "--file", "encrypted.pem"],
                1,
                "k: the private key is encrypted with a passphrase",
            ),
            (&["add", "k", "--file", "ssh"], 1, "k: the private key is in OpenSSH's own format"),
            (&["add", "k", "--file", "dsa.pem"], 1, "k: the private key is for DSA, which isn't supported"),
            (&["add", "k", "--file", "jwk"], 1, "k: the file is a JSON web key, which isn't read"),
            (&["add", "k", "--file", "short", "-k", "secret"], 2, "that is no kind of key"),
        ],
    );
    world.acme(&["list"]).good().prints("no keys yet: `quorate generate NAME --kind KIND` makes one\n");
    world.acme(&["log", "verify"]).good();
    // What was refused takes no version.
    world.acme(&["add", "k", "--file", "short", "-k", "opaque"]).good().prints("added k version ");
}

#[test]
fn recover() {
    let world = World::founded(2, &["a=open", "b=open", "c=open"]);
    world.acme(&["generate", "orders", "--kind", "aes-256"]).good();
    world.write("there", "mine");
    world.write("half.pending", "of a run that was ended");
    world.write("key.pem", "-----BEGIN PRIVATE KEY-----\n");
    refused(
        &world,
        true,
        &[
            (
                &["recover", "orders"],
                2,
                "it is not said where the key goes, and there is no terminal to ask at",
            ),
            (&["recover", "--to", "file:x"], 2, "no key is named, and there is no terminal to ask at"),
            (&["recover", "none", "--to", "file:x"], 1, "there is no key none in this escrow"),
            (&["recover", "orders@2", "--to", "file:x"], 1, "orders has no version 2 that is backed up"),
            (
                &["recover", "orders@", "--to", "file:x"],
                2,
                "what follows the @ of a key's name is no version",
            ),
            (&["recover", "orders", "--to", "file:there"], 1, "there: it exists already"),
            (&["recover", "orders", "--to", "file:acme"], 1, "acme: it exists already"),
            (&["recover", "orders", "--to", "file:half"], 1, "half.pending: it exists already"),
            (&["recover", "orders", "--to", "file:no/where"], 1, "no: there is no such folder"),
            (&["recover", "orders", "--to", "file:"], 2, "--to \"file:\" is no place for a key"),
            (&["recover", "orders", "--to", "x"], 2, "--to \"x\" is no place for a key"),
            (&["recover", "orders", "--to", "https://x"], 2, "--to \"https://x\" is no place for a key"),
            (&["recover", "orders", "--to", "age:age1x"], 2, "--to: the X25519 recipient is mistyped or cut"),
            (&["recover", "orders", "--to", "age:"], 2, "--to: not an age recipient"),
            (&["recover", "orders", "--to", "file:x", "--out", "y"], 2, "--out is for --to age:"),
            (
                &["recover", "orders", "--to", "file:x", "--format", "pem"],
                2,
                "a key of kind aes-256 has no PEM form",
            ),
            (
                &["recover", "orders", "--to", "file:x", "--format", "jwk"],
                2,
                "invalid value 'jwk' for '--format <FORMAT>'",
            ),
            (
                &["recover", "orders", "--to", "file:x", "--identity", "none"],
                1,
                "none: no such file or directory",
            ),
            (
                &["recover", "orders", "--to", "file:x", "--identity", "key.pem"],
                1,
                "key.pem: not an age identity",
            ),
            (
                &["recover", "orders", "--to", "file:x", "--passphrase-file", "a"],
                2,
                "has not the form NAME=FILE",
            ),
            (
                &["recover", "orders", "--to", "file:x"],
                3,
                "the quorum is not reached: 0 of 2 custodians are present",
            ),
            (
                &["recover", "orders", "--to", "file:x", "--card", "none"],
                3,
                "the quorum is not reached: 0 of 2",
            ),
            (
                &["recover", "orders", "--to", "file:x", "--card", "acme"],
                3,
                "the last trouble was: acme: is a folder",
            ),
        ],
    );
    world.acme(&["status"]).good().prints("0 of them recovered at least once");
}

#[test]
fn another_quorum_than_the_one_that_is_pinned() {
    let world = World::founded(2, &["a=open", "b=open", "c=open"]);
    let status = world.acme(&["status"]).good().out;
    let id = status.lines().find_map(|line| line.strip_prefix("quorum      ")).unwrap();
    let id = id.split(' ').next().unwrap().to_owned();
    world.acme(&["--quorum", &id.to_lowercase(), "generate", "k", "--kind", "aes-256"]).good();
    world
        .acme(&["--quorum", "AAAA-AAAA-AAAA-AAAA", "generate", "k", "--kind", "aes-256"])
        .fails(4, "not AAAA-AAAA-AAAA-AAAA");
    // A passphrase for somebody who isn't a custodian is a mistyped name.
    world.write("slip", "correct horse battery");
    let recover = ["recover", "k", "--to", "file:k", "--passphrase-file", "alise=slip"];
    world.acme(&recover).fails(2, "alise, who is not a custodian");
    // What a file is called reaches no terminal as it is.
    world.write("acme/\u{1b}[2Jred", "");
    world.acme(&["log", "verify"]).good().prints("\\u{1b}[2Jred");
}
