//! The typed form as a person meets it: what is typed wrongly, in which row, and which lines are lost.
//!
//! In: nothing. Out: nothing.
//! The proofs over all error patterns are in `word/tests`, those of assembling in `sheet/tests`.

use proptest::prelude::*;

use super::*;

/// Bytes without a pattern.
fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    (0..len).map(|_| next()).collect()
}

#[allow(clippy::unwrap_used, reason = "tests only")]
fn lines(len: usize, seed: u64) -> Vec<Line> {
    encode(&bytes(len, seed)).unwrap()
}

fn typed(line: &Line) -> Vec<char> {
    line.groups().chars().filter(|c| *c != ' ').collect()
}

fn text(chars: &[char]) -> String {
    chars.iter().collect()
}

/// The proposals of a verdict that isn't an acceptance.
fn readings(verdict: Verdict) -> Vec<Reading> {
    match verdict {
        Verdict::Corrected(reading) | Verdict::OtherRow(reading) => vec![reading],
        Verdict::Ambiguous(readings) => readings,
        Verdict::Good(_) | Verdict::Refused(_) => Vec::new(),
    }
}

fn corrected(number: u8, typed: &[char], meant: &Line) -> Option<Reading> {
    match judge(number, &text(typed)) {
        Verdict::Corrected(reading) if reading.line().same(meant) => Some(reading),
        _ => None,
    }
}

/// Letters in their order, for the next one as a wrong one.
fn other(c: char, step: usize) -> char {
    let all: Vec<char> = typed::ALPHABET.iter().map(|a| char::from(*a)).collect();
    let at = all.iter().position(|a| *a == c).unwrap_or(0);
    all.into_iter().cycle().nth(at.saturating_add(step)).unwrap_or('A')
}

#[test]
fn lines_begin_as_base32_does_and_are_grouped() {
    let lines = encode(b"foobar, foobar, foobar, foo").unwrap();
    assert_eq!(lines.len(), 4);
    assert!(lines[0].groups().starts_with("MZXW6 YTBOI WCAZT PN5RG C4RME"), "{:?}", lines[0]);
    assert_eq!(lines.iter().map(Line::number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(lines.iter().all(|line| line.groups().len() == 35));
    assert_eq!(format!("{:?}", lines[0]), "Line(01, redacted)");
}

/// Vectors from the Python of `docs/format.md`, which divides by the generator polynomial instead.
#[test]
fn lines_equal_those_of_the_independent_program() {
    let groups = |payload: &[u8]| -> Vec<String> {
        encode(payload).unwrap().iter().map(|line| line.groups().to_string()).collect()
    };
    let foobar = [
        "MZXW6 YTBOI WCAZT PN5RG C4RME PHQFW",
        "BTG63 3CMFZ CYIDG N5XQA AAAAA AH2BZ",
        "2AV3A WUQNJ JFMYS 3SB6W RVGJH 4S3MU",
        "XKETF VF5GY 57ECH ZCL7Q TJXFD AZHRY",
    ];
    assert_eq!(groups(b"foobar, foobar, foobar, foo"), foobar);
    let one = [
        "74AAA AAAAA AAAAA AAAAA AAAAA FRYHL",
        "CSAAA AAAAA AAAAA AAAAA AAAAA M3RSL",
        "5OAAA AAAAA AAAAA AAAAA AAAAA JKJVA",
    ];
    assert_eq!(groups(&[0xff]), one);
    let full: Vec<u8> = (0..MAX_PAYLOAD).map(|i| (i * 7).to_le_bytes()[0]).collect();
    assert_eq!(groups(&full)[29], "R66JI LBMHP T6Q4W 3VDYP 6RWIO XQWHH");
    assert_eq!(groups(&full)[30], "NBG6R W555P M4FLU 3FANS PNGSQ F2HEH");
}

#[test]
fn limits_are_named() {
    assert!(matches!(encode(&[]), Err(EncodeError::Empty)));
    assert_eq!(encode(&[1; MAX_PAYLOAD]).unwrap().len(), 31);
    assert_eq!(
        encode(&[1; 454]).unwrap_err().to_string(),
        "a card of 454 bytes doesn't fit in lines: 453 bytes do"
    );
}

#[test]
fn right_lines_are_good_in_any_dress() {
    for line in lines(78, 1) {
        let groups = line.groups();
        for typed in
            [groups.to_lowercase(), groups.replace(' ', "-"), groups.replace('O', "0").replace('I', "1")]
        {
            assert!(
                matches!(judge(line.number(), &typed.replace('B', "8")), Verdict::Good(read) if read.same(&line))
            );
        }
    }
}

#[test]
fn every_single_wrong_character_is_proposed_with_its_place() {
    for line in lines(78, 2) {
        let right = typed(&line);
        for at in 0..SYMBOLS {
            for step in 1..32 {
                let mut wrong = right.clone();
                wrong[at] = other(wrong[at], step);
                let reading = corrected(line.number(), &wrong, &line).unwrap();
                let [change] = reading.changes() else { panic!("{reading:?}") };
                assert_eq!((change.slip, change.group, change.place), (Slip::Wrong, at / 5 + 1, at % 5 + 1));
                assert_eq!((change.typed, change.probable), (Some(wrong[at]), Some(right[at])));
            }
        }
    }
}

#[test]
fn two_wrong_characters_are_proposed() {
    for line in lines(15, 3) {
        let right = typed(&line);
        for (a, b) in (0..SYMBOLS).flat_map(|a| (0..a).step_by(19).map(move |b| (a, b))) {
            let mut wrong = right.clone();
            wrong[a] = other(wrong[a], a + 1);
            wrong[b] = other(wrong[b], b + 1);
            // In rare cases a shift explains them as well: then both are shown.
            let found = readings(judge(line.number(), &text(&wrong)));
            assert!(found.iter().any(|reading| reading.line().same(&line) && reading.changes().len() == 2));
        }
    }
}

#[test]
fn swaps_are_named() {
    for line in lines(170, 4) {
        let right = typed(&line);
        for at in (1..SYMBOLS).filter(|at| right[*at] != right[*at - 1]) {
            let mut wrong = right.clone();
            wrong.swap(at - 1, at);
            let reading = corrected(line.number(), &wrong, &line).unwrap();
            assert!(reading.changes().iter().all(|change| change.slip == Slip::Swapped));
            assert_eq!(reading.changes().len(), 2);
        }
    }
}

#[test]
fn a_character_left_out_or_typed_twice_is_named() {
    for line in lines(170, 5) {
        let right = typed(&line);
        for at in 0..SYMBOLS {
            let mut short = right.clone();
            short.remove(at);
            let reading = corrected(line.number(), &short, &line).unwrap();
            assert_eq!((reading.changes().len(), reading.changes()[0].slip), (1, Slip::LeftOut));
            assert_eq!(reading.changes()[0].probable, Some(right[at]));

            let mut long = right.clone();
            long.insert(at, right[at]);
            let reading = corrected(line.number(), &long, &line).unwrap();
            assert_eq!((reading.changes().len(), reading.changes()[0].slip), (1, Slip::Doubled));

            long[at] = other(right[at], at + 1);
            let reading = corrected(line.number(), &long, &line).unwrap();
            assert!(matches!(reading.changes()[0].slip, Slip::TooMany | Slip::Doubled));
        }
    }
}

#[test]
fn a_character_left_out_and_another_doubled_is_proposed() {
    for line in lines(15, 6) {
        let right = typed(&line);
        for (out, twice) in (0..SYMBOLS).flat_map(|a| (0..SYMBOLS - 1).step_by(12).map(move |b| (a, b))) {
            let mut wrong = right.clone();
            wrong.remove(out);
            wrong.insert(twice, wrong[twice]);
            let found = readings(judge(line.number(), &text(&wrong)));
            assert!(wrong == right || found.iter().any(|reading| reading.line().same(&line)));
        }
    }
}

#[test]
fn unreadable_characters_are_filled_in() {
    for line in lines(78, 7) {
        let right = typed(&line);
        for start in 0..SYMBOLS {
            for unread in 1..=6 {
                let mut marked = right.clone();
                (0..unread).for_each(|i| marked[(start + i * 7) % SYMBOLS] = '?');
                let verdict = judge(line.number(), &text(&marked));
                match unread {
                    1..=4 => assert!(matches!(verdict, Verdict::Corrected(r) if r.line().same(&line))),
                    5 => assert!(matches!(verdict, Verdict::Ambiguous(r) if r[0].line().same(&line))),
                    _ => assert!(matches!(verdict, Verdict::Refused(Refusal::TooManyUnread { unread: 6 }))),
                }
            }
        }
    }
}

#[test]
fn a_line_in_another_row_is_never_accepted() {
    for line in lines(MAX_PAYLOAD, 8) {
        let mut wrong = typed(&line);
        wrong[11] = other(wrong[11], 9);
        let mut short = typed(&line);
        short.remove(17);
        for row in (1..=31).filter(|row| *row != line.number()) {
            let whole = judge(row, &line.groups());
            assert!(matches!(whole, Verdict::OtherRow(reading) if reading.line().same(&line)));
            if row % 8 != line.number() % 8 {
                continue;
            }
            for typed in [text(&wrong), text(&short)] {
                let verdict = judge(row, &typed);
                assert!(matches!(verdict, Verdict::OtherRow(_) | Verdict::Ambiguous(_)));
                assert!(readings(verdict).iter().any(|reading| reading.line().same(&line)));
            }
        }
    }
}

#[test]
fn refusals_say_what_is_wrong() {
    let line = &lines(15, 9)[0];
    let refusal = |number, typed: &str| match judge(number, typed) {
        Verdict::Refused(refusal) => refusal.to_string(),
        verdict => panic!("{verdict:?}"),
    };
    let right = line.groups();
    assert_eq!(refusal(0, &right), "there is no line 0: lines are numbered from 1 to 31");
    assert_eq!(refusal(32, &right), "there is no line 32: lines are numbered from 1 to 31");
    assert_eq!(refusal(1, " - \t"), "the line is empty");
    assert_eq!(refusal(1, &text(&typed(line)[..25])), "5 characters are missing: a line has 30");
    assert_eq!(refusal(1, &format!("{}ABC", *right)), "3 characters too many: a line has 30");
    let hint = "is not used on cards: A to Z and 2 to 7 are";
    assert_eq!(refusal(1, "ABCDE FG9"), format!("group 2, place 3: '9' {hint}"));
    assert_eq!(refusal(1, "ABCDE \u{1b}"), format!("group 2, place 1: '\\u{{1b}}' {hint}"));
    let zebra = "ZEBRA".repeat(6);
    assert!(refusal(1, &zebra).starts_with("more characters are wrong than can be located"));
}

/// A character that cards don't use is an unreadable one that needn't be marked.
#[test]
fn a_foreign_character_is_mended_with_its_place() {
    let line = &lines(15, 10)[0];
    let mut wrong = typed(line);
    wrong[8] = '9';
    let reading = corrected(1, &wrong, line).unwrap();
    let change = &reading.changes()[0];
    assert_eq!((change.slip, change.typed), (Slip::Wrong, Some('9')));
    let expected = format!("group 2, place 4: you typed 9, the card probably says {}", typed(line)[8]);
    assert_eq!(*change.sentence(), expected);
    assert_eq!(format!("{change:?}"), "Change(Wrong in group 2, place 4)");
}

/// Two wrong characters in every line, and any two lines lost: the card comes back, and what was typed is judged
/// as a person's lines are, with every candidate kept.
#[test]
fn two_errors_in_every_line_and_any_two_lines_lost() {
    for (n, seed) in [(1_u8, 20), (2, 21), (5, 22), (8, 23), (8, 24), (29, 25)] {
        let payload = bytes(usize::from(n) * 125 / 8, seed);
        let mut candidates: Vec<(u8, Line)> = Vec::new();
        for line in encode(&payload).unwrap() {
            let (mut wrong, number) = (typed(&line), usize::from(line.number()));
            // Every distance between the two, every place, over the cards.
            let a = (number * 7 + usize::from(n)) % SYMBOLS;
            let b = (a + 1 + (number * 11 + usize::from(n)) % (SYMBOLS - 1)) % SYMBOLS;
            wrong[a] = other(wrong[a], 1 + (number * 5) % 31);
            wrong[b] = other(wrong[b], 1 + (number * 13) % 31);
            let found = readings(judge(line.number(), &text(&wrong)));
            assert!(found.iter().any(|reading| reading.line().same(&line)));
            candidates.extend(found.into_iter().map(|reading| (line.number(), reading.into_line())));
        }
        let copy = |line: &Line| Line::closed(line.number(), line.data()).unwrap();
        for (first, second) in (1..=n + 2).flat_map(|a| (1..a).map(move |b| (a, b))) {
            let kept = candidates.iter().filter(|(row, _)| ![first, second].contains(row));
            let kept: Vec<Line> = kept.map(|(_, line)| copy(line)).collect();
            let card = assemble(&kept, |bytes| bytes == payload).unwrap();
            assert_eq!((card.data_lines, &*card.payload), (n, &payload));
        }
    }
}

proptest! {
    #[test]
    fn judges_any_text(number in any::<u8>(), text in any::<String>()) {
        let accepted = matches!(judge(number, &text), Verdict::Good(_));
        prop_assert!(!accepted);
    }

    /// Random lines of the right size: whatever is proposed is a line with its changes; `Good` is out of reach.
    #[test]
    fn judges_any_symbols(number in 1_u8..32, text in "[A-Z2-7?9]{28,32}") {
        let verdict = judge(number, &text);
        prop_assert!(!matches!(verdict, Verdict::Good(_)));
        for reading in readings(verdict) {
            let again = judge(reading.line().number(), &reading.line().groups());
            prop_assert!(matches!(again, Verdict::Good(line) if line.same(reading.line())));
            prop_assert!(reading.line().number() != number || !reading.changes().is_empty());
        }
    }
}
