//! The editor as fingers meet it: every slip, in every order, and nothing typed is lost.
//!
//! In: keys. Out: nothing. Each test types a published card. What is drawn is read as a person reads it.
#![allow(clippy::string_slice, reason = "tests only")]

use super::*;
use proptest::prelude::*;
use quorate::card::typed::read;
use quorate::seal::SealedShare;
use quorate::wire::lines::encode;

const CARD: &str = include_str!("../../../../tests/vectors/lines/passphrase.txt");

/// The card of this published text.
#[allow(clippy::unwrap_used, reason = "tests only")]
fn card() -> SealedShare {
    let text = CARD.split_once("\n\n").unwrap().1;
    read(text.as_bytes()).unwrap().cards.remove(0)
}

/// Its lines, without numbers and spaces.
#[allow(clippy::unwrap_used, reason = "tests only")]
fn lines() -> Vec<String> {
    encode(card().expose()).unwrap().iter().map(|line| line.groups().replace(' ', "")).collect()
}

/// Types as fingers do: each key is drawn before the next. `<` is Up, `>` is Down.
fn typed(state: &mut State, text: &str) -> Step {
    for c in text.chars() {
        let step = state.press(key(c), false);
        if !matches!(step, Step::Go) {
            return step;
        }
    }
    Step::Go
}

fn key(c: char) -> Key {
    match c {
        '\r' | '\n' => Key::Enter,
        '<' => Key::Up,
        '>' => Key::Down,
        '\u{8}' => Key::Backspace,
        '\u{15}' => Key::Clear,
        '\u{1b}' => Key::Escape,
        c => Key::Char(c),
    }
}

/// As in one go, without time to draw.
fn burst(state: &mut State, text: &str) -> Step {
    let count = text.chars().count();
    for (c, number) in text.chars().zip(1..) {
        let step = state.press(key(c), number < count);
        if !matches!(step, Step::Go) {
            return step;
        }
    }
    Step::Go
}

fn shown(state: &State) -> String {
    let rows = state.view(40, 80).rows;
    rows.iter().map(|row| row.trim_end().to_owned() + "\n").collect()
}

#[track_caller]
fn shows(state: &State, part: &str) {
    let shown = shown(state);
    // A sentence may be broken between words.
    let joined = shown.replace('\n', " ");
    assert!(shown.contains(part) || joined.contains(part), "no {part:?} in\n{shown}");
}

#[track_caller]
fn is_card(step: &Step) {
    assert!(matches!(step, Step::Done(done) if done.card.digest() == card().digest()), "{step:?}");
}

/// A letter that isn't this one.
fn other(c: char) -> char {
    if c == 'X' { 'Y' } else { 'X' }
}

fn mistyped(line: &str, places: &[usize]) -> String {
    line.chars().enumerate().map(|(at, c)| if places.contains(&at) { other(c) } else { c }).collect()
}

#[test]
fn groups_appear_as_they_are_typed() {
    let mut state = State::new();
    assert!(matches!(typed(&mut state, "ab0 1-8cdef"), Step::Go));
    shows(&state, "> line 01: ABOIB CDEF\n");
    assert_eq!(state.view(40, 80).cursor.1, 11 + 10);
    typed(&mut state, "\u{8}\u{8}");
    shows(&state, "> line 01: ABOIB CD\n");
}

#[test]
fn eight_lines_are_enough_with_or_without_enter() {
    let lines = lines();
    for enter in ["", "\r"] {
        let mut state = State::new();
        for (line, number) in lines.iter().zip(1..).take(7) {
            assert!(matches!(typed(&mut state, &format!("{line}{enter}")), Step::Go));
            shows(&state, "right\n");
            assert_eq!(state.at, number, "the next line is asked for");
        }
        shows(&state, "7 of 8 lines are in");
        is_card(&typed(&mut state, &lines[7]));
    }
}

#[test]
fn any_two_lines_are_left_out() {
    let lines = lines();
    for (first, second) in (0..10).flat_map(|a| (0..a).map(move |b| (b, a))) {
        let mut state = State::new();
        let mut done = Step::Go;
        for (line, at) in lines.iter().zip(0..) {
            let keys = if at == first || at == second { ">".to_owned() } else { line.clone() };
            done = typed(&mut state, &keys);
            if !matches!(done, Step::Go) {
                break;
            }
        }
        is_card(&done);
    }
}

#[test]
fn a_correction_is_proposed_with_its_place_and_confirmed() {
    let lines = lines();
    for answer in ["\r", "y", "Y"] {
        let mut state = State::new();
        typed(&mut state, &lines[0]);
        typed(&mut state, &lines[1]);
        let wrong = mistyped(&lines[2], &[6, 19]);
        typed(&mut state, &wrong);
        let (meant, instead) = (&lines[2][6..7], &wrong[6..7]);
        let sentence =
            format!("line 3, group 2, place 2: you typed {instead}, the card probably says {meant}");
        shows(&state, &sentence);
        let marks = format!("{}{}\n", " ".repeat(18), ["^", &" ".repeat(14), "^"].concat());
        shows(&state, &marks);
        shows(&state, "Enter or y takes it so");
        assert!(state.sheet.count() == 2, "nothing is taken unasked");
        typed(&mut state, answer);
        shows(&state, "corrected\n");
        shows(&state, "3 of 8 lines are in");
        for line in &lines[3..7] {
            typed(&mut state, line);
        }
        is_card(&typed(&mut state, &lines[7]));
    }
}

#[test]
fn a_correction_may_be_refused_and_the_line_changed() {
    let lines = lines();
    let mut state = State::new();
    typed(&mut state, &mistyped(&lines[0], &[7]));
    typed(&mut state, "n");
    shows(&state, "compare the line with the card");
    assert_eq!(state.cursor, 7);
    // The right character typed over the wrong one.
    typed(&mut state, &lines[0][7..8]);
    shows(&state, &format!("line 01: {}", &lines[0][..5]));
    shows(&state, "right\n");
    assert_eq!(state.sheet.count(), 1);
}

#[test]
fn a_character_left_out_or_too_many_is_proposed_at_enter() {
    let lines = lines();
    let mut state = State::new();
    let mut short = lines[0].clone();
    short.remove(8);
    typed(&mut state, &format!("{short}\r"));
    shows(&state, "was probably left out");
    typed(&mut state, "\r");
    shows(&state, "1 line is in");
    let mut long = lines[1].clone();
    long.insert(4, other(long.chars().nth(3).unwrap()));
    typed(&mut state, &long);
    shows(&state, "is probably too many");
    typed(&mut state, "\r");
    shows(&state, "2 of 8 lines are in");
}

#[test]
fn a_line_of_another_row_changes_places() {
    let lines = lines();
    let mut state = State::new();
    // Line 7 is half typed; then line 7 is typed as line 1.
    typed(&mut state, ">>>>>>ABCDE<<<<<<");
    typed(&mut state, &lines[6]);
    shows(&state, "this is line 7 of the card, not line 1");
    typed(&mut state, "\r");
    shows(&state, "line 7 is in");
    shows(&state, "> line 01: ABCDE\n");
    shows(&state, "  line 07: ");
    assert_eq!(state.sheet.count(), 1);
    // Once more, it is there already.
    typed(&mut state, "\u{15}");
    typed(&mut state, &lines[6]);
    typed(&mut state, "\r");
    shows(&state, "line 7 is in already");
    assert_eq!((state.sheet.count(), state.at, state.length()), (1, 0, 0));
}

#[test]
fn numbers_go_to_their_line_and_are_no_part_of_it() {
    let lines = lines();
    let mut state = State::new();
    for number in [10, 3, 1, 9, 2, 8, 4] {
        typed(&mut state, &format!("{number:02} {}", lines[number - 1]));
        shows(&state, &format!("line {number:02}: {}", &lines[number - 1][..5]));
    }
    typed(&mut state, "5:");
    assert_eq!(state.at, 4);
    // A line that is in may be typed again.
    typed(&mut state, &format!("04 {}", lines[3]));
    assert_eq!(state.sheet.count(), 7);
    is_card(&typed(&mut state, &format!("\r07 {}", lines[6])));
}

#[test]
fn a_number_glued_to_its_line_is_understood() {
    let mut state = State::new();
    typed(&mut state, &format!("01{}", lines()[0]));
    assert_eq!((state.sheet.count(), state.at), (1, 1));
}

#[test]
fn what_cannot_be_read_stays_for_later() {
    let lines = lines();
    let mut state = State::new();
    typed(&mut state, &mistyped(&lines[0], &[1, 4, 9, 16, 25]));
    let text = state.entries[0].string().to_string();
    typed(&mut state, "\r");
    shows(&state, "Enter again leaves it for later");
    typed(&mut state, "\r");
    assert_eq!(state.at, 1);
    assert_eq!(*state.entries[0].string(), text);
    shows(&state, "line 1 is still open");
    for line in &lines[1..8] {
        assert!(matches!(typed(&mut state, line), Step::Go));
    }
    is_card(&typed(&mut state, &lines[8]));
}

#[test]
fn a_line_of_another_card_is_named_and_gone_back_to() {
    let lines = lines();
    let foreign = encode(&[0x42; 125]).unwrap();
    let mut state = State::new();
    for (line, number) in lines.iter().zip(1..).take(9) {
        let line = if number == 4 { foreign[3].groups().replace(' ', "") } else { line.clone() };
        let step = typed(&mut state, &line);
        if matches!(step, Step::Done(_)) {
            // Nine lines with one wrong: eight agree, and give the card.
            is_card(&step);
            assert!(number == 9);
            return;
        }
        if number == 8 {
            shows(&state, "one of these lines is wrong, or of another card");
        }
    }
    panic!("no card");
}

#[test]
fn editing_a_line_that_is_in_takes_it_out() {
    let lines = lines();
    let mut state = State::new();
    typed(&mut state, &lines[0]);
    typed(&mut state, "<");
    typed(&mut state, "A");
    shows(&state, "line 1 is in already");
    assert_eq!(state.sheet.count(), 1);
    typed(&mut state, "\u{8}");
    assert_eq!(state.sheet.count(), 0);
    typed(&mut state, &lines[0][29..]);
    assert_eq!(state.sheet.count(), 1);
}

#[test]
fn giving_up_is_asked_for() {
    let mut state = State::new();
    assert!(matches!(state.press(Key::Escape, false), Step::GaveUp), "nothing was typed");
    typed(&mut state, "ABC");
    for key in [Key::Escape, Key::EndOfInput] {
        assert!(matches!(state.press(key, false), Step::Go));
        shows(&state, "y gives up, any other key goes on");
        typed(&mut state, "n");
        shows(&state, "line 01: ABC\n");
    }
    assert!(matches!(typed(&mut state, "\u{1b}y"), Step::GaveUp));
    assert!(matches!(state.press(Key::Interrupt, false), Step::Interrupted));
}

#[test]
fn a_burst_of_keys_answers_no_question() {
    let lines = lines();
    let mut state = State::new();
    let all: Vec<String> = lines
        .iter()
        .zip(0..)
        .map(|(line, at)| if at == 2 { mistyped(line, &[3]) } else { line.clone() })
        .take(8)
        .collect();
    assert!(matches!(burst(&mut state, &(all.join("\r\n\r\n") + "\r")), Step::Go));
    assert_eq!((state.at, state.sheet.count()), (2, 7));
    shows(&state, "line 3, group 1, place 4: you typed");
    is_card(&typed(&mut state, "\r"));
}

#[test]
fn pasted_pages_are_read_line_by_line() {
    let lines = lines();
    let page: String = lines
        .iter()
        .zip(1..)
        .map(|(line, number)| {
            let line = if number % 3 == 0 { mistyped(line, &[number]) } else { line.clone() };
            format!("{number:02} {line}\rTyped lines: any 8 of these 10 are enough\r")
        })
        .collect();
    let mut state = State::new();
    assert!(matches!(state.paste(&page), Step::Go));
    shows(&state, "10 lines were pasted; 10 other rows are left out");
    assert_eq!((state.at, state.sheet.count()), (2, 7));
    is_card(&typed(&mut state, "\r"));
    // Eight right ones are enough; a code is a card at once; a few characters are only typed.
    is_card(&State::new().paste(&lines[1..9].join("\r\n")));
    is_card(&State::new().paste(&quorate::card::codes(&card())[0]));
    let mut state = State::new();
    state.paste(" mfr gg ");
    shows(&state, "> line 01: MFRGG\n");
    state.paste("https://example.org/a-page-about-cards");
    assert_eq!(state.sheet.count(), 0);
}

#[test]
fn what_is_drawn_fits_the_terminal() {
    let mut state = State::new();
    let page: String = lines().iter().map(|line| mistyped(line, &[1, 2]) + "\r").collect();
    state.paste(&page);
    for (height, width) in [(14, 60), (24, 80), (50, 200), (14, 200)] {
        for at in [0, 5, 30] {
            state.go(at);
            state.settle(false);
            let view = state.view(height, width);
            assert!(view.rows.len() <= height, "{} of {height}", view.rows.len());
            assert!(view.rows.iter().all(|row| row.chars().count() <= width));
            let row = &view.rows[view.cursor.0];
            assert!(row.starts_with(&format!("> line {:02}: ", at + 1)), "{}", row.as_str());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is typed: no row is taken that isn't a line, and what is drawn fits.
    #[test]
    fn takes_any_keys(keys in proptest::collection::vec(prop_oneof![
        8 => "[A-Z2-7]".prop_map(|text| text.chars().next().map_or(Key::Other, Key::Char)),
        2 => any::<char>().prop_map(Key::Char),
        4 => (0_usize..12).prop_map(|at| [
            Key::Enter, Key::Backspace, Key::Delete, Key::Left, Key::Right, Key::Up,
            Key::Down, Key::Home, Key::End, Key::Clear, Key::Other, Key::Escape,
        ][at]),
    ], 0..200), more in any::<bool>()) {
        let mut state = State::new();
        for key in keys {
            let _ = state.press(key, more);
            let view = state.view(14, 60);
            prop_assert!(view.rows.len() <= 14 && view.rows.iter().all(|row| row.chars().count() <= 60));
            prop_assert!(state.cursor <= state.length());
            for (entry, number) in state.entries.iter().zip(1..) {
                prop_assert!(entry.text.len() <= rows::LONGEST && entry.text.capacity() >= entry.text.len());
                let sure = matches!(entry.standing, Standing::Right | Standing::Corrected);
                prop_assert!(!sure || state.sheet.has(number));
            }
        }
    }

    /// Two wrong characters in every line: each is confirmed, and the card comes back.
    #[test]
    fn two_errors_in_every_line(places in proptest::collection::vec((0_usize..30, 0_usize..30), 10)) {
        let mut state = State::new();
        let mut step = Step::Go;
        for (line, (a, b)) in lines().iter().zip(places) {
            step = typed(&mut state, &mistyped(line, &[a, b]));
            if matches!(step, Step::Go) {
                step = typed(&mut state, "\r");
            }
            if !matches!(step, Step::Go) {
                break;
            }
        }
        is_card(&step);
    }
}
