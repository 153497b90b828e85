//! The whole walk: found a quorum, back keys up, look, check a card, recover.

use super::world::{CLOCK, SKIP, World, join};
use quorate::wire::json::{Json, object, read};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const FIVE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// One JSON document and nothing behind it.
#[track_caller]
pub fn json(text: &str) -> Json<'_> {
    let document = text.strip_suffix('\n').unwrap_or_else(|| panic!("no line end: {text}"));
    read("the output", document.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
pub fn field<'a, 'b>(value: &'b Json<'a>, name: &str) -> &'b Json<'a> {
    let Json::Object(fields) = value else { panic!("{value:?} is no object") };
    &fields.iter().find(|(key, _)| key == name).unwrap_or_else(|| panic!("no {name} in {value:?}")).1
}

#[track_caller]
pub fn items<'a, 'b>(value: &'b Json<'a>) -> &'b [Json<'a>] {
    let Json::List(items) = value else { panic!("{value:?} is no list") };
    items
}

#[track_caller]
pub fn text<'b>(value: &'b Json<'_>, name: &str) -> &'b str {
    let Json::Text(text) = field(value, name) else { panic!("{name} of {value:?}") };
    text
}

#[test]
fn the_whole_walk() {
    let mut world = World::new();
    let mut arguments = vec!["--clock", CLOCK, "init", "acme", "--threshold", "3", "--custodian"];
    arguments.extend(FIVE);
    arguments.extend(["--slips", "slips", "--memory", "64", "--organisation", "Acme"]);
    arguments.extend(SKIP);
    let init = world.run(&arguments).good();
    world.learn_slips();

    // What is said is what was done.
    let mut said = init.out.lines();
    let first = said.next().unwrap();
    let id = first.strip_prefix("quorum ").unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!(first, format!("quorum {id} is founded: any 3 of 5 custodians recover"));
    let mut codes = Vec::new();
    for (place, name) in FIVE.iter().enumerate() {
        let line = said.next().unwrap();
        let code = line.split("verification code ").nth(1).unwrap()[..9].to_owned();
        let number = place + 1;
        assert_eq!(
            line,
            format!("  {name:<16} passphrase verification code {code}  acme-cards/{number}-{name}.pdf")
        );
        codes.push(code);
    }
    assert!(said.next().unwrap().starts_with("checkpoint 3:"));
    assert!(init.err.starts_with("sealing 5 shares (64 MiB, 3 passes, 4 lanes for a passphrase) … "));
    for (file, mode) in [("acme-cards", 0o700), ("slips", 0o700), ("slips/1-alice.txt", 0o600)] {
        assert_eq!(fs::metadata(world.path(file)).unwrap().permissions().mode() & 0o777, mode, "{file}");
    }
    let left: Vec<_> = fs::read_dir(world.path("acme-cards")).unwrap().collect();
    assert_eq!(left.len(), 5, "cards, and nothing pending");

    // Keys go in without any custodian.
    let made = world.acme(&["--clock", CLOCK, "generate", "payments", "--kind", "aes-256"]).good();
    assert!(made.out.starts_with("generated payments version 1 (aes-256)\n  fingerprint "), "{made:?}");
    assert!(made.out.ends_with(&format!("\n  backed up to quorum {id}\n")), "{made:?}");
    let pem = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/key/rsa-2048.pem")).unwrap();
    world.write("key.pem", &pem);
    world
        .acme(&["--clock", CLOCK, "add", "signing", "--file", "key.pem"])
        .good()
        .prints("added signing version 1 (rsa-2048)")
        .says("key.pem still holds the key in the clear");

    // Looking.
    let list = world.acme(&["list"]).good();
    let row = |name: &str, kind: &str| format!("{name:<8}  1        {kind:<8}  active  {CLOCK}  never\n");
    let header = "NAME      VERSION  KIND      STATE   CREATED               RECOVERED\n";
    assert_eq!(list.out, format!("{header}{}{}", row("payments", "aes-256"), row("signing", "rsa-2048")));
    let listed = world.acme(&["--json", "list"]).good().out;
    let listed = json(&listed);
    let names: Vec<&str> = items(&listed).iter().map(|key| text(key, "name")).collect();
    assert_eq!(names, ["payments", "signing"]);
    let fingerprint = text(&items(&listed)[0], "fingerprint").to_owned();
    let show = world.acme(&["show", "payments@1"]).good().out;
    let lines: Vec<&str> = show.lines().collect();
    assert_eq!(
        lines[..5],
        [
            "payments version 1",
            "  kind         aes-256",
            &format!("  generate     {CLOCK}"),
            &format!("  state        active since {CLOCK}"),
            &format!("  fingerprint  {fingerprint}"),
        ]
    );
    assert_eq!(lines[6..], [format!("  quorum       {id}"), "  recovered    never".to_owned()]);
    let backup = lines[5].strip_prefix("  backup       ").unwrap().split(',').next().unwrap();
    assert!(world.path(&format!("acme/{backup}")).is_file(), "{backup}");
    world.acme(&["show", "signing"]).good().prints("  public key   ").prints("(SHA-256 of the SPKI)");
    let status = world.acme(&["--clock", CLOCK, "status"]).good();
    let expected = [
        "escrow      acme".to_owned(),
        format!("quorum      {id} (generation 1)"),
        "custodians  any 3 of 5: alice (passphrase), bob (passphrase), carol (passphrase), dave (passphrase), erin (passphrase)".to_owned(),
        "cards       never read back: alice (1), bob (2), carol (3), dave (4), erin (5)".to_owned(),
        "keys        2 with 2 versions, 0 of them recovered at least once".to_owned(),
    ];
    assert_eq!(status.out.lines().take(5).collect::<Vec<_>>(), expected);
    let status = world.acme(&["--clock", CLOCK, "--json", "status"]).good().out;
    let status = json(&status);
    assert_eq!(*field(&status, "keys"), Json::Number(2));
    assert_eq!(*field(field(&status, "quorum"), "threshold"), Json::Number(3));
    assert_eq!(text(field(&status, "quorum"), "id"), id);

    // A card, as it was printed: without its passphrase, then with it.
    let good = |depth: &str| {
        format!(
            "the card of alice (share 1) is good\n  it is intact, and the one that was issued\n  {depth}\n  verification code {}\n",
            codes[0]
        )
    };
    let check = world.acme(&["check", "--deadline", "60", "acme-cards/1-alice.pdf"]).good();
    let unopened = good("its share was not looked at: that needs what opens its seal (--passphrase)");
    assert_eq!(check.out, unopened);
    let alice = world.typed(&["alice"]);
    assert_eq!(world.acme(&join(&[&alice], &["check"])).good().out, unopened);
    let opened = good("its share lies on the quorum's polynomials");
    let secret = world.passphrases(&["alice"]);
    assert_eq!(world.acme(&join(&[&alice, &secret], &["check"])).good().out, opened);
    let slip = fs::read_to_string(world.path("slips/1-alice.txt")).unwrap();
    let typed = world.acme_with_input(&join(&[&alice], &["check", "--passphrase"]), &slip).good();
    assert_eq!(typed.out, opened);
    let checked =
        world.acme(&join(&[&alice, &secret], &["--clock", CLOCK, "--json", "check", "--record"])).good().out;
    assert_eq!(*field(&items(&json(&checked))[0], "share"), Json::Bool(true));

    // Back they come.
    let cards = world.typed(&["erin", "alice", "carol"]);
    let secrets = world.passphrases(&["alice", "carol", "erin"]);
    let recover = |name: &str, to: &str, format: &[String]| {
        let words = ["--clock", CLOCK, "--json", "recover", name, "--to", to, "--card"];
        world.acme(&join(&[&cards, &secrets, format], &words)).good().out
    };
    let out = recover("payments", "file:out.key", &[]);
    let out = json(&out);
    assert_eq!(text(&out, "fingerprint"), fingerprint);
    assert_eq!(text(&out, "to"), "out.key");
    let who: Vec<_> = items(field(&out, "custodians")).to_vec();
    assert_eq!(who, ["alice", "carol", "erin"].map(Json::text));
    let key = world.read("out.key");
    assert_eq!(key.len(), 32);
    assert_eq!(fs::metadata(world.path("out.key")).unwrap().permissions().mode() & 0o777, 0o600);
    recover("signing", "file:der", &["--format".to_owned(), "der".to_owned()]);
    recover("signing", "file:pem", &[]);
    let der = |name: &str| quorate::key::import(None, &world.read(name)).unwrap().to_file_bytes();
    assert!(der("pem").ct_eq(&der("key.pem")), "the key that went in");
    assert_eq!(world.read("der"), der("key.pem").expose());

    // What is recovered is known as recovered, and nothing of it is in the log or was said.
    world.keep_secret(&key);
    let log = world.acme(&["log", "show"]).good();
    assert_eq!(log.out.lines().filter(|line| line.contains(" recover done ")).count(), 3);
    let check = world.acme(&["log", "verify"]).good();
    assert_eq!(check.err, "");
    check
        .prints("log         14 records in ")
        .prints("unbroken\nobjects     2 backups and 1 quorum records are");
    world.acme(&["--clock", CLOCK, "status"]).good().prints("2 of them recovered at least once");
}

#[test]
fn three_versions_of_a_name() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    let cards = world.typed(&["carol", "bob"]);
    let mut keys = Vec::new();
    for version in 1..=3_u8 {
        let key = [version.wrapping_mul(77), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        world.write("raw", key);
        world
            .acme(&["add", "orders", "--file", "raw", "--kind", "aes-128"])
            .good()
            .prints(&format!("added orders version {version} (aes-128)"));
        keys.push(key);
    }
    let list = world.acme(&["list"]).good().out;
    assert_eq!(list.lines().count(), 2, "one row a key");
    assert!(list.lines().nth(1).unwrap().starts_with("orders  3 "), "{list}");
    let shown = world.acme(&["show", "orders"]).good().out;
    for version in 1..=3 {
        assert!(shown.contains(&format!("orders version {version}\n")), "{shown}");
    }
    for (name, version, older) in [("orders@1", 1, true), ("orders@2", 2, true), ("orders", 3, false)] {
        let to = format!("file:out{version}");
        let ran = world.acme(&join(&[&cards], &["recover", name, "--to", &to, "--card"])).good();
        assert_eq!(ran.err.contains("this is an older version: the newest is 3"), older, "{ran:?}");
        assert!(
            ran.out.starts_with(&format!("recovered orders version {version} (aes-128) to out{version}\n")),
            "{ran:?}"
        );
        assert_eq!(world.read(&format!("out{version}")), keys[version - 1]);
    }
}

/// Every result for programs is one document, also when the command fails.
#[test]
fn json_is_one_document() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    world.acme(&["generate", "k", "--kind", "hmac-256"]).good();
    let typed = world.typed(&["alice", "bob"]);
    let alice = typed[0].as_str();
    world.write("nothing.txt", "no card");
    let table: [(&[&str], i32); 12] = [
        (&["list"], 0),
        (&["show", "k"], 0),
        (&["status"], 0),
        (&["log", "show"], 0),
        (&["log", "verify"], 0),
        (&["check", alice], 0),
        (&["check", alice, "nothing.txt"], 4),
        (&["check", alice, "nofile"], 1),
        (&["generate", "j", "--kind", "ed25519"], 0),
        (&["show", "x"], 1),
        (&["recover", "k", "--to", "file:out", "--card", alice], 3),
        (&["frobnicate"], 2),
    ];
    for (arguments, status) in table {
        let mut all = vec!["--json"];
        all.extend(arguments);
        let ran = world.acme(&all);
        assert_eq!(ran.status, Some(status), "{ran:#?}");
        let value = json(&ran.out);
        if let (Json::Object(_), true) = (&value, status != 0) {
            assert_eq!(*field(&value, "status"), Json::Number(u64::try_from(status).unwrap()));
            assert!(text(&value, "error").len() > 5 && text(&value, "hint").len() > 5, "{value:?}");
        }
    }
    // Without an escrow too.
    let alone = world.run(&["--json", "check", alice]).good().out;
    assert_eq!(*field(&items(&json(&alone))[0], "good"), Json::Bool(true));
    assert_eq!(object([("a", None)]), Json::Object(Vec::new()), "absent fields are left out");
}

#[test]
fn help_version_manual_and_completions() {
    let world = World::new();
    assert_eq!(world.run(&["--version"]).good().out, format!("quorate {}\n", env!("CARGO_PKG_VERSION")));
    let help = world.run(&["--help"]).good().prints("Exit status: 0 done; 1 failed; 2 usage;");
    assert!(!help.out.contains("scan-file"), "what is internal isn't offered");
    let bare = world.run(&[]);
    assert_eq!((bare.status, bare.out.as_str()), (Some(2), ""), "{bare:?}");
    assert!(bare.err.starts_with("Keeps master keys recoverable"), "{bare:?}");
    for command in
        ["init", "generate", "add", "list", "show", "status", "check", "recover", "log", "rehearse"]
    {
        world.run(&[command, "--help"]).good().prints("Usage: quorate ");
        assert!(help.out.contains(&format!("\n  {command:<8}  ")), "{command} in {}", help.out);
    }
    world.run(&["man"]).good().prints(".TH quorate");
    for shell in ["bash", "zsh", "fish"] {
        world.run(&["completions", shell]).good().prints("quorate");
    }
}

/// Nothing but an earlier rehearsal is ever removed, however much a folder looks like one.
#[test]
fn a_rehearsal_leaves_pictures_and_removes_only_its_own() {
    let world = World::new();
    let init =
        ["init", "real/escrow", "-t", "2", "-c", "a=open", "b=open", "c=open", "--cards", "real/cards"];
    world.run(&[&init[..], &SKIP].concat()).good();
    world
        .run(&["rehearse", "--memory", "64", "--dir", "real"])
        .fails(2, "real exists, and is no earlier rehearsal");
    world.run(&["-C", "real/escrow", "log", "verify"]).good();
    world.write("file", "mine");
    world.run(&["rehearse", "--memory", "64", "--dir", "file"]).fails(2, "file exists, and is no earlier");
    world.run(&["rehearse", "--memory", "100"]).fails(2, "not a size that seals have");
    // What an earlier one left goes.
    fs::create_dir(world.path("rehearsal")).unwrap();
    world.write("rehearsal/REHEARSAL.txt", "");
    world.write("rehearsal/stale", "");
    let ran = world.run(&["rehearse", "--memory", "64"]).good();
    let ran = ran.prints("the key came back: fingerprint ").prints("present: alice, carol, erin\n");
    assert!(ran.err.starts_with("a rehearsal: everything is real but the key, which is thrown away\n"));
    assert!(!world.path("rehearsal/stale").exists() && world.path("rehearsal/REHEARSAL.txt").is_file());
    for (folder, count) in [("rehearsal/cards", 5), ("rehearsal/pictures", 3)] {
        assert_eq!(fs::read_dir(world.path(folder)).unwrap().count(), count, "{folder}");
    }
    world.run(&["-C", "rehearsal/escrow", "log", "verify"]).good();
}
