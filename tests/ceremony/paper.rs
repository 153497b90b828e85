//! A recovery from cards and a backup sheet alone, at the terminal: a person vouches for the key.

use crate::cli::world::{World, texts};
use crate::terminal::{Act, has_python, play};
use std::fs;

#[test]
fn a_key_from_paper_alone_is_vouched_for_by_a_person() {
    if !has_python() {
        return;
    }
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    world.typed(&["alice", "bob"]);
    world.acme(&["print", "backup", "k", "--out", "k.pdf"]).good();
    world.write("k.txt", texts(&world.path("k.pdf")).join("\n"));
    let shown = world.acme(&["show", "k"]).good().out;
    let fingerprint = shown.lines().find_map(|line| line.trim().strip_prefix("fingerprint  ")).unwrap();
    fs::rename(world.path("acme"), world.path("gone")).unwrap();
    let question = format!(
        r"(?s)the key's fingerprint is {fingerprint}, in short .*not kept with the backup sheet.*type it from that record .*, or yes .*, or no: "
    );
    let recover = |answer: &str, keeps: bool| {
        let act: Act = (question.clone(), answer.to_owned(), Some(true));
        let argv = [
            env!("CARGO_BIN_EXE_quorate"),
            "recover",
            "k",
            "--sheet",
            "k.txt",
            "--to",
            "file:out",
            "--log-to",
            "log",
            "--card",
            "alice.txt",
            "bob.txt",
        ];
        let keep: Act = (r"overwrite and delete them now\? \[y/N\] ".to_owned(), "\n".to_owned(), Some(true));
        let acts = if keeps { vec![act, keep] } else { vec![act] };
        play(world.root(), &[("TERM", "xterm")], &argv, &acts)
    };
    let (status, shown) = recover("maybe\nMFRG-GZDF-MZTW-QKLL\nno\n", false);
    assert_eq!(status, 4, "{shown}");
    assert!(!world.path("out").exists() && !world.path("out.pending").exists(), "{shown}");
    let (status, shown) = recover("yes\n", true);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("was confirmed"), "{shown}");
    assert_eq!(world.read("out").len(), 32);
    let log = world.run(&["-C", "log", "log", "show"]).good().out;
    assert_eq!(
        (log.matches(" salvage failed ").count(), log.matches(" salvage done ").count()),
        (1, 1),
        "{log}"
    );
}
