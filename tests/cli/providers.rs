//! Keys that leave for a provider: the whole way through files, and every refusal on it.

use super::kek::{fingerprint, wrapping_key};
use super::world::{CLOCK, World, join};
use std::fs;

const REQUEST: [&str; 8] = ["request", "openbao", "--kind", "aes-256", "--set", "key=k", "--from", "kek.pem"];

fn with<'a>(words: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [words, more].concat()
}

#[test]
fn a_key_leaves_in_packages_and_is_proven() {
    let mut world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    wrapping_key(&world, "kek.pem", 4096, "65537");
    let ran = world
        .run(&REQUEST)
        .good()
        .prints("a request of OpenBao and Vault (transit) for a key of kind aes-256");
    let confirmed = fingerprint(&ran);
    assert_eq!(confirmed.len(), 64);
    let aws = world.read("kek.pem");
    let text = String::from_utf8(aws).unwrap();
    let spki: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    world.write(
        "aws.json",
        format!(r#"{{"KeyId":"arn:aws:kms:eu-west-1:1:key/a","ImportToken":"AAAA","PublicKey":"{spki}","ParametersValidTo":"2099-01-01T00:00:00Z"}}"#),
    );
    world
        .run(&["request", "aws", "--kind", "aes-256", "--from", "aws.json", "--out", "aws-request.json"])
        .good();
    // One key, two packages, one confirmation: it is the same wrapping key.
    let two = ["--for", "request.json", "--for", "aws-request.json", "--wrapping-key", &confirmed];
    let generate = with(&["generate", "k", "--kind", "aes-256", "--package", "out"], &two);
    let ran = world.acme(&generate).good().prints("packaged k version 1 for openbao").prints("for aws");
    assert!(ran.out.contains("carry out to the connected machine"));
    for package in ["out/1-openbao", "out/2-aws"] {
        world.acme(&["package", "verify", package]).good().prints("whole, and one that the log knows");
        world.run(&["package", "verify", package]).good().prints("name its escrow");
    }
    assert!(!world.path("out.pending").exists());
    let about = String::from_utf8(world.read("out/2-aws/IMPORT.txt")).unwrap();
    assert!(about.contains("aws kms import-key-material --key-id arn:aws:kms:eu-west-1:1:key/a"), "{about}");
    assert!(about.contains("--expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE"), "{about}");
    // The key itself is nowhere in them.
    let cards = world.typed(&["alice", "carol"]);
    world.acme(&join(&[&cards], &["recover", "k", "--to", "file:k.raw", "--card"])).good();
    let key = world.read("k.raw");
    world.keep_secret(&key);
    for package in ["out/1-openbao", "out/2-aws"] {
        for file in fs::read_dir(world.path(package)).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(key.len()).any(|window| window == key));
        }
    }
    // AWS names the material: the same id again is taken, another one is not.
    let id = "ab".repeat(32);
    let record = ["import", "record", "k", "--package", "out/2-aws", "--material-id"];
    world.acme(&with(&record, &[&id])).good().prints("compared by the provider");
    world.acme(&with(&record, &[&id])).good();
    let other = "cd".repeat(32);
    world.acme(&with(&record, &[&other])).fails(4, "it holds another key");
    world.acme(&with(&record, &["short"])).fails(1, "the answer can't be read");
    // The challenge of OpenBao has one answer.
    world.write("answer.txt", "c29tZXRoaW5nIGVsc2U=");
    let record = ["import", "record", "k", "--package", "out/1-openbao"];
    world
        .acme(&with(&record, &["--answer", "answer.txt"]))
        .fails(4, "the provider's reply is not that of the key");
    world.acme(&with(&record, &["--statement", "yes"])).fails(1, "this package is proven by another answer");
    world.acme(&with(&record, &["--answer", "missing"])).fails(1, "missing: no such file");
    world.acme(&record).fails(2, "required");
    // From the backup, into a package again.
    let recover =
        ["recover", "k", "--to", "package:again", "--for", "request.json", "--wrapping-key", &confirmed];
    let recover = join(&[&cards], &with(&recover, &["--report", "packed.json", "--card"]));
    world.acme(&recover).good().prints("packaged k version 1 for openbao").prints("matches the log");
    world.acme(&["package", "verify", "again"]).good();
    world.acme(&["report", "verify", "packed.json"]).good().prints("report      recover of ");
    world.acme(&recover).fails(1, "again: it exists already");
    world.acme(&["log", "verify"]).good();
    world.acme(&["log", "show"]).good().prints("package").prints("import");
    // A package of another escrow is whole, and unknown here.
    let mut text = String::from_utf8(world.read("again/package.json")).unwrap();
    text = text.replace("\"made\":\"20", "\"made\":\"19").replace("\"made\":\"19", "\"made\":\"20");
    assert!(text.contains("quorate/v1/package"));
    world
        .run(&[
            "init",
            "other",
            "-t",
            "2",
            "--memory",
            "64",
            "--skip-scan-back",
            "everybody",
            "--custodian",
            "a=open",
            "b=open",
            "--yes",
        ])
        .good();
    world.run(&["-C", "other", "package", "verify", "again"]).fails(4, "the log knows no such package");
}

/// Whoever carries a request can alter where the key goes, and leave the wrapping key as it is.
#[test]
fn a_request_is_confirmed_as_a_whole() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    wrapping_key(&world, "kek.pem", 4096, "65537");
    let ran =
        world.run(&with(&REQUEST, &["--set", "server=bao.example", "--as", "version", "--set", "version=2"]));
    let ran = ran
        .good()
        .prints("  goes to       k\n")
        .prints("  server        bao.example\n  version       2\n")
        .prints("  brings        a later version of the key there\n");
    let line = ran.out.lines().find(|line| line.contains("whole request")).unwrap();
    let whole: String = line.split_whitespace().skip(2).collect();
    let text = String::from_utf8(world.read("request.json")).unwrap();
    for (name, from, to) in [
        ("place.json", r#""key":"k""#, r#""key":"payroll""#),
        ("server.json", "bao.example", "bao.elsewhere"),
        ("version.json", r#""version":"2""#, r#""version":"3""#),
        ("purpose.json", r#""as":"version""#, r#""as":"again""#),
    ] {
        assert!(text.contains(from), "{text}");
        world.write(name, text.replacen(from, to, 1));
        let words = ["generate", "k", "--kind", "aes-256", "--for", name, "--package", "out"];
        world.acme(&with(&words, &["--request", &whole])).fails(4, "is not a request that was confirmed");
        // Its wrapping key is the right one: what that leaves open is said.
        let out = format!("out-{name}");
        let words = ["generate", "k", "--kind", "aes-256", "--for", name, "--package", &out];
        let ran = world.acme(&with(&words, &["--wrapping-key", &fingerprint(&ran)])).good();
        ran.says("its wrapping key was confirmed; that it goes to ")
            .says("--request SHA256 confirms that too");
    }
    let words = ["generate", "k", "--kind", "aes-256", "--for", "request.json", "--package", "out"];
    let both = ["--request", &whole, "--wrapping-key", &fingerprint(&ran)];
    world.acme(&with(&words, &both)).fails(2, "cannot be used with");
    // In any spelling that people copy.
    let spelled = whole
        .to_uppercase()
        .as_bytes()
        .chunks(8)
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect::<Vec<_>>()
        .join(" ");
    let ran = world.acme(&with(&words, &["--request", &spelled])).good();
    assert!(!ran.err.contains("was not"), "{ran:#?}");
}

#[test]
fn what_is_refused_before_a_key_is_made() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    wrapping_key(&world, "kek.pem", 4096, "65537");
    wrapping_key(&world, "other.pem", 4096, "65537");
    wrapping_key(&world, "small.pem", 1024, "65537");
    wrapping_key(&world, "three.pem", 4096, "3");
    let request = |more: &[&'static str]| world.run(&with(&["request"], more));
    let bao = ["openbao", "--kind", "aes-256", "--set", "key=k", "--from"];
    request(&with(&bao, &["small.pem"]))
        .fails(1, "the wrapping key has 1024 bits: services use 2048, 3072 or 4096");
    request(&with(&bao, &["three.pem"])).fails(1, "exponent other than 65537");
    request(&["openbao", "--kind", "aes-256", "--from", "kek.pem"]).fails(1, "needs its field `key`");
    request(&["openbao", "--kind", "ec-secp256k1", "--set", "key=k", "--from", "kek.pem"])
        .fails(1, "openbao takes no key of kind ec-secp256k1");
    request(&["azure", "--kind", "aes-256", "--from", "kek.pem"])
        .fails(1, "azure takes no key of kind aes-256");
    request(&["nobody", "--kind", "aes-256", "--from", "kek.pem"]).fails(2, "that is no provider");
    request(&with(&bao, &["kek.pem", "--set", "key"])).fails(2, "is no field with a value");
    request(&with(&bao, &["kek.pem", "--set", "key=l"])).fails(2, "twice");
    request(&with(&bao, &["kek.pem", "--set", "mount=$(id)"]))
        .fails(1, "a character that no name of openbao has");
    request(&with(&bao, &["kek.pem", "--method", "MD5"])).fails(1, "no such import method");
    request(&with(&bao, &["kek.pem", "other.pem"])).fails(1, "contradict each other");
    request(&["aws", "--kind", "aes-256", "--from", "kek.pem", "--set", "key=k"])
        .fails(1, "give the whole download");
    request(&with(&bao, &["missing.pem"])).fails(1, "missing.pem: no such file");
    assert!(!world.path("request.json").exists());
    let confirmed = fingerprint(&world.run(&REQUEST).good());
    world.run(&REQUEST).fails(1, "request.json: it exists already");
    // What a ceremony refuses before it begins.
    let generate = |more: &[&str]| {
        world.acme(&with(&["generate", "k", "--kind", "aes-256", "--for", "request.json"], more))
    };
    generate(&["--package", "out"]).fails(2, "the wrapping key in request.json was not confirmed");
    generate(&["--package", "out", "--wrapping-key", &"ab".repeat(32)])
        .fails(4, "is not one that was confirmed");
    let sure = ["--wrapping-key", confirmed.as_str()];
    generate(&sure).fails(2, "--for needs a folder");
    generate(&with(&["l", "--package", "out"], &sure)).fails(2, "--for wraps one key, and several are named");
    generate(&with(&["--package", "acme"], &sure)).fails(1, "acme: it exists already");
    generate(&with(&["--package", "no/out"], &sure)).fails(1, "no: there is no such folder");
    let wrong = ["generate", "k", "--kind", "hmac-256", "--for", "request.json", "--package", "out"];
    world
        .acme(&with(&wrong, &sure))
        .fails(1, "the request of openbao is for a key of kind aes-256, and this one is of kind hmac-256");
    world.acme(&["generate", "k", "--kind", "aes-256", "--package", "out"]).fails(2, "required");
    // A request that was touched, and one of yesterday.
    let text = String::from_utf8(world.read("request.json")).unwrap();
    world.write("touched.json", text.replace("\"key\":\"k\"", "\"key\":\"k;id\""));
    let touched = ["generate", "k", "--kind", "aes-256", "--for", "touched.json", "--package", "out"];
    world.acme(&with(&touched, &sure)).fails(1, "touched.json: the field `key` holds a character");
    world.write("cut.json", &text[..text.len() / 2]);
    let cut = ["generate", "k", "--kind", "aes-256", "--for", "cut.json", "--package", "out"];
    world.acme(&with(&cut, &sure)).fails(1, "is not canonical JSON");
    let spki = text.split("\"spki\":\"").nth(1).unwrap().split('"').next().unwrap();
    world.write(
        "aws.json",
        format!(r#"{{"KeyId":"k","ImportToken":"AAAA","PublicKey":"{spki}","ParametersValidTo":"2026-11-24T20:00:00Z"}}"#),
    );
    let aws = [
        "--clock",
        CLOCK,
        "request",
        "aws",
        "--kind",
        "aes-256",
        "--from",
        "aws.json",
        "--out",
        "aws-request.json",
    ];
    world.run(&aws).good();
    world
        .run(&with(&["--clock", "2026-11-24T20:00:00Z"], &with(&aws[2..9], &["late.json"])))
        .fails(1, "ended at 2026-11-24T20:00:00Z");
    let late = [
        "--clock",
        "2099-11-24T20:00:00Z",
        "generate",
        "k",
        "--kind",
        "aes-256",
        "--for",
        "aws-request.json",
        "--package",
        "out",
    ];
    world.acme(&with(&late, &sure)).fails(1, "get a new one and make a new request");
    // None of this began a key.
    assert!(!world.path("out").exists() && !world.path("out.pending").exists());
    world.acme(&["list"]).good();
    for commit in fs::read_dir(world.path("acme/log")).unwrap() {
        let lines = fs::read_to_string(commit.unwrap().path()).unwrap();
        assert!(!lines.contains("generate"), "{lines}");
    }
}

#[test]
fn what_is_refused_of_a_package() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    wrapping_key(&world, "kek.pem", 4096, "65537");
    let confirmed = fingerprint(&world.run(&REQUEST).good());
    let sure = ["--for", "request.json", "--wrapping-key", confirmed.as_str()];
    world.acme(&with(&["generate", "k", "--kind", "aes-256", "--package", "out"], &sure)).good();
    world.acme(&["generate", "l", "--kind", "aes-256"]).good();
    world
        .acme(&["import", "record", "l", "--package", "out", "--statement", "x"])
        .fails(2, "the package is of k version 1, not of l version 1");
    world
        .acme(&["import", "record", "m", "--package", "out", "--statement", "x"])
        .fails(1, "there is no key m");
    let recover = |more: &[&str]| world.acme(&with(&["recover", "k"], more));
    recover(&["--to", "package:new"]).fails(2, "--to package:… needs a request");
    recover(&with(&["--to", "file:new"], &sure)).fails(2, "--for is for --to package:… only");
    recover(&with(&["--to", "package:out"], &sure)).fails(1, "out: it exists already");
    recover(&with(&["--to", "package:new", "--sheet", "s"], &sure)).fails(2, "without --sheet");
    recover(&with(&["--to", "package:new"], &sure)).fails(3, "");
    assert!(!world.path("new").exists() && !world.path("new.pending").exists());
    let blob = world.read("out/wrapped.b64");
    for (altered, fragment) in [
        (blob[..100].to_vec(), "out: wrapped.b64 has 100 bytes instead of 736: it was cut short"),
        ([&blob[..], &blob].concat(), "out: wrapped.b64 has 1472 bytes instead of 736"),
        ([&blob[4..], b"AAAA"].concat(), "out: wrapped.b64 was altered"),
    ] {
        world.write("out/wrapped.b64", altered);
        world.acme(&["package", "verify", "out"]).fails(4, fragment);
        world.acme(&["import", "record", "k", "--package", "out", "--statement", "x"]).fails(4, fragment);
    }
    fs::remove_file(world.path("out/wrapped.b64")).unwrap();
    world.acme(&["package", "verify", "out"]).fails(4, "out: wrapped.b64 is missing from the package");
    world.write("out/wrapped.b64", &blob);
    world.write("out/more", "x");
    world.acme(&["package", "verify", "out"]).fails(4, "out: more does not belong to the package");
    fs::remove_file(world.path("out/more")).unwrap();
    world.acme(&["package", "verify", "out"]).good();
    world.acme(&["package", "verify", "nowhere"]).fails(1, "nowhere: no such file");
    world.acme(&["package", "verify", "."]).fails(4, "holds more than a package does");
}

#[test]
fn a_key_is_stopped_by_hand_and_that_is_logged() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    wrapping_key(&world, "kek.pem", 4096, "65537");
    let gcp = r#"{"name":"projects/p/locations/l/keyRings/r/importJobs/j","importMethod":"RSA_OAEP_4096_SHA256_AES_256","state":"ACTIVE","expireTime":"2099-01-01T00:00:00Z","publicKey":{"pem":"PEM"}}"#;
    let pem = String::from_utf8(world.read("kek.pem")).unwrap().replace('\n', "\\n");
    world.write("gcp.json", gcp.replace("PEM", &pem));
    let request = ["request", "gcp", "--kind", "aes-256", "--from", "gcp.json", "--set", "key=KEYRING"];
    let confirmed = fingerprint(&world.run(&request).good());
    let sure = ["--for", "request.json", "--wrapping-key", confirmed.as_str(), "--package", "out"];
    world.acme(&with(&["generate", "k", "--kind", "aes-256"], &sure)).good();
    world.acme(&["shred", "k", "--yes"]).fails(2, "the log knows of no provider that took k");
    world.acme(&["shred", "l", "--yes"]).fails(1, "there is no key l");
    let version = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
    world.acme(&["import", "record", "k", "--package", "out", "--statement", version]).good();
    // What is known of the place stands in the command, once; the log says nothing yet.
    let by_hand = world.acme(&["shred", "k@1", "--by-hand"]).good();
    by_hand.prints("gcloud kms keys versions destroy").prints("nothing was done or logged yet");
    let disable = world.acme(&["shred", "k", "--disable", "--by-hand"]).good();
    disable.prints("gcloud kms keys versions disable VERSION --key KEYRING --keyring r --location l");
    assert!(!world.acme(&["log", "show"]).good().out.contains("shred"));
    world.acme(&["shred", "k@1", "--done"]).fails(2, "it was not confirmed that k@1 will be deleted there");
    world.acme(&["shred", "k@2", "--done", "--yes"]).fails(1, "k has no version 2");
    world.acme(&["shred", "k@1", "--at", "aws", "--done", "--yes"]).fails(2, "the log knows of no provider");
    world.acme(&["shred", "k@1", "--days", "7", "--disable"]).fails(2, "cannot be used with");
    // Less first, then more; what is said already is not said twice.
    world.acme(&["shred", "k@1", "--disable", "--done", "--yes"]).good().prints("as you say (disable)");
    let done = world.acme(&["--json", "shred", "k@1", "--done", "--yes"]).good();
    done.prints("\"by\":\"hand\"")
        .prints("\"state\":\"empty\"")
        .prints("\"cards\":\"2 of 3\"")
        .prints("/1.age");
    let again = world.acme(&["shred", "k@1", "--done", "--yes"]).good();
    again.prints("is stopped already, says the log").prints("the key exists, and can be imported again");
    let phases = world.acme(&["log", "show"]).good();
    assert_eq!(phases.out.matches("shred").count(), 4, "{}", phases.out);
    world.acme(&["log", "verify"]).good();
}

#[test]
fn providers_are_listed_and_shown() {
    let world = World::new();
    let ran = world.run(&["provider", "list"]).good();
    for name in ["aws", "gcp", "azure-hsm", "openbao", "ibm-hpcs", "kmip"] {
        assert!(ran.out.contains(name));
        world.run(&["provider", "show", name]).good().prints("destroyed by:");
        world.run(&["--json", "provider", "show", name]).good().prints(&format!("\"name\":\"{name}\""));
    }
    for provider in ["aws", "gcp", "azure", "azure-hsm", "openbao"] {
        for role in ["importer", "rotator", "auditor", "prover", "shredder"] {
            let words = ["provider", "policy", provider, "--role", role, "--key", "k", "--kind", "aes-128"];
            world.run(&words).good();
        }
    }
    let policy = |words: &[&'static str]| world.run(&with(&["provider", "policy"], words));
    policy(&["oci", "--role", "importer", "--key", "k"]).fails(2, "there is no policy for oci");
    policy(&["openbao", "--role", "importer", "--key", "+"]).fails(2, "holds a character");
    for provider in ["gcp", "openbao"] {
        let prover = policy(&[provider, "--role", "prover", "--key", "k"]);
        prover.fails(2, "depends on its kind: give --kind KIND");
    }
    for (kind, uses) in [
        ("aes-256", &["transit/decrypt/k"][..]),
        ("hmac-384", &["transit/hmac/k/sha2-384"]),
        ("ed25519", &[]),
    ] {
        let prover = policy(&["openbao", "--role", "prover", "--key", "k", "--kind", kind]).good();
        let paths =
            prover.out.lines().filter_map(|line| line.split('"').nth(1).filter(|_| line.starts_with("path")));
        let wanted = uses.iter().copied().chain(["transit/keys/k"]);
        assert_eq!(paths.collect::<Vec<_>>(), wanted.collect::<Vec<_>>(), "{}", prover.out);
    }
    policy(&["openbao", "--role", "owner", "--key", "k"]).fails(2, "invalid value 'owner'");
}
