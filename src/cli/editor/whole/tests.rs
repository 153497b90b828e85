//! Typing by whole lines, with a script for a person.
//!
//! In: nothing. Out: nothing.
#![allow(clippy::string_slice, reason = "tests only")]

use super::*;
use quorate::card::typed::read;
use quorate::seal::SealedShare;
use quorate::wire::lines::encode;

const CARD: &str = include_str!("../../../../tests/vectors/lines/passphrase.txt");

#[allow(clippy::unwrap_used, reason = "tests only")]
fn card() -> SealedShare {
    read(CARD.split_once("\n\n").unwrap().1.as_bytes()).unwrap().cards.remove(0)
}

#[allow(clippy::unwrap_used, reason = "tests only")]
fn lines() -> Vec<String> {
    encode(card().expose()).unwrap().iter().map(|line| line.groups().to_string()).collect()
}

/// Somebody who types these lines, and what they are told.
struct Script {
    typed: Vec<String>,
    told: String,
    interactive: bool,
}

impl Talk for Script {
    fn tell(&mut self, text: &str) {
        self.told = format!("{}{text}\n", self.told);
    }

    fn ask(&mut self, prompt: &str) -> Result<Option<SecretBytes>, Failure> {
        self.told.push_str(prompt);
        let next = (!self.typed.is_empty()).then(|| self.typed.remove(0));
        self.told = format!("{}<{}>\n", self.told, next.as_deref().unwrap_or("end"));
        Ok(next.map(|typed| SecretBytes::copy_of(typed.as_bytes())))
    }

    fn is_interactive(&self) -> bool {
        self.interactive
    }
}

#[allow(clippy::unwrap_used, reason = "tests only")]
fn run(typed: impl IntoIterator<Item = String>, interactive: bool) -> (Option<Done>, String) {
    let mut script = Script { typed: typed.into_iter().collect(), told: String::new(), interactive };
    let done = type_card(&mut script).unwrap();
    assert!(!script.told.contains('\u{1b}'), "an escape sequence");
    (done, script.told)
}

#[track_caller]
fn is_card(done: Option<&Done>) {
    assert_eq!(done.map(|done| done.card.digest()), Some(card().digest()));
}

fn wrong(line: &str) -> String {
    let other = if line.starts_with('X') { "Y" } else { "X" };
    [other, line.get(1..).unwrap_or_default()].concat()
}

#[test]
fn lines_are_read_one_by_one() {
    let (done, told) = run(lines(), true);
    is_card(done.as_ref());
    assert!(told.contains("line 02: <") && told.contains("7 of 8 lines are in\nline 08: "), "{told}");
    assert!(told.contains("clear it before others see it"), "{told}");
    // Numbered, backwards, two of them lost.
    let backwards = lines().into_iter().zip(1..11).map(|(line, number)| format!("{number:02} {line}")).rev();
    let (done, told) = run(backwards.skip(2), false);
    is_card(done.as_ref());
    assert!(!told.contains("Y/n"), "{told}");
}

#[test]
fn a_correction_is_asked_for() {
    for (answer, taken) in [("", true), ("y", true), ("YES", true), ("n", false)] {
        let (done, told) = run([wrong(&lines()[0]), answer.to_owned()], true);
        assert!(done.is_none());
        assert!(told.contains("line 1, group 1, place 1: you typed "), "{told}");
        assert_eq!(told.contains("1 line is in"), taken, "{told}");
        assert!(taken || told.contains("then type it again\nline 01: "), "{told}");
    }
    // A script doesn't say yes by silence, and loses nothing that it sends.
    let mut all: Vec<String> =
        lines().into_iter().zip(1..).map(|(line, number)| format!("{number:02} {line}")).collect();
    all[3] = format!("04 {}", wrong(&lines()[3]));
    let (done, told) = run(all, false);
    is_card(done.as_ref());
    assert!(told.contains("that was no answer: the line is left out for now"), "{told}");
    assert_eq!(done.map(|done| done.notes), Some(vec!["line 4 was rebuilt from the other lines".to_owned()]));
}

#[test]
fn lines_may_be_left_out_gone_to_and_given_up() {
    let lines = lines();
    let typed = ["", "3", &lines[2], "9:", &lines[8], "1", &lines[0], "stop"].map(str::to_owned);
    let (done, told) = run(typed, true);
    assert!(done.is_none());
    for prompt in ["line 02: <3>", "line 09: <", "line 10: <1>", "line 02: <stop>"] {
        assert!(told.contains(prompt), "no {prompt:?} in {told}");
    }
    assert!(told.ends_with("there is no whole card: 3 lines are in\n"), "{told}");
    let (done, told) = run([lines[6].clone(), "y".to_owned(), "ABC".to_owned()], true);
    assert!(done.is_none());
    assert!(told.contains("this is line 7 of the card, not line 1"), "{told}");
    assert!(told.contains("characters are missing: a line has 30"), "{told}");
    // The wrong number in front of a line: asked for, and not taken for that line.
    let (_, told) = run([format!("05 {}", lines[6]), "n".to_owned()], true);
    assert!(
        told.contains("this is line 7 of the card, not line 5") && !told.contains("1 line is in"),
        "{told}"
    );
    let (done, _) = run([quorate::card::codes(&card())[0].to_string()], true);
    is_card(done.as_ref());
}
