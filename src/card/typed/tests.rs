//! Text as it comes: from hands, PDFs, character recognition, and Windows.
//!
//! In: a published card. Out: nothing.
#![allow(clippy::string_slice, reason = "tests only")]

use super::*;
use crate::wire::lines::encode;
use proptest::prelude::*;

const CARD: &str = include_str!("../../../tests/vectors/lines/passphrase.txt");

/// What stands on the page around the lines, as programs copy it out of the PDF.
const BEFORE: &str = "Recovery card                              Keep sealed. Never photograph.
                    Share 1 of 3
Log                 record 1, ABY4-GTRY-3TXE-OWQ7-7IRF-4AX5-OXOL-4CW2
1 Check the request with two people you know, on
  numbers you already had.
4 It will not scan? Type any 8 of the 10 typed lines.
Typed lines: any 8 of these 10 are enough
Only A\u{2013}Z and 2\u{2013}7: no 0, 1, 8 or 9. The sixth group checks its line.
";
const AFTER: &str = "quorate 0.1.0, card format 1. Fold on the dotted lines.
\u{c}How to read a card without the program                            card format 1
Ordinary QR codes; any reader shows their text:
QUORATE/1/ and then the bytes of the card in base32
without padding. A long card is cut in parts,
QUORATE/1/P1OF6/ and so on: behind the next slash,
12 2 generation, high byte first
27742317777372353535851937790883648493.
";

#[allow(clippy::unwrap_used, reason = "tests only")]
fn card() -> SealedShare {
    read(CARD.split_once("\n\n").unwrap().1.as_bytes()).unwrap().cards.remove(0)
}

/// `01 MFRGG …`, every line of the card.
#[allow(clippy::unwrap_used, reason = "tests only")]
fn lines() -> Vec<String> {
    let lines = encode(card().expose()).unwrap();
    lines.iter().map(|line| format!("{:02} {}", line.number(), *line.groups())).collect()
}

#[track_caller]
fn gives_the_card(text: impl AsRef<[u8]>) -> Vec<String> {
    let found = read(text.as_ref()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found.cards.len(), 1);
    assert_eq!(found.cards[0].digest(), card().digest());
    found.notes.iter().map(|note| note.to_string()).collect()
}

#[track_caller]
fn refused(text: impl AsRef<[u8]>) -> String {
    read(text.as_ref()).unwrap_err().to_string()
}

#[test]
fn the_whole_page_gives_the_card() {
    let lines = lines();
    let layout = format!("{BEFORE}{}      The same code, turned,\n{AFTER}", lines.join("\n\n"));
    assert_eq!(gives_the_card(&layout), [""; 0]);
    // Without its layout: the first number comes behind the last line.
    let raw = format!("{BEFORE}{}\n01\n{AFTER}", lines.join("\n").replacen("01 ", "", 1));
    assert_eq!(gives_the_card(&raw), [""; 0]);
    let old_macintosh = layout.replace('\n', "\r");
    assert_eq!(gives_the_card(&old_macintosh), [""; 0]);
}

#[test]
fn text_of_windows_is_read() {
    let text = format!("{BEFORE}{}\n{AFTER}", lines().join("\n")).replace('\n', "\r\n");
    let units = || text.encode_utf16();
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        [&b"\xff\xfe"[..], &little].concat(),
        [&b"\xfe\xff"[..], &big].concat(),
        little,
        big,
        [&b"\xef\xbb\xbf"[..], text.as_bytes()].concat(),
        // Prose in Latin-1 around the lines.
        [&b"Schl\xfcssel\r\n"[..], text.as_bytes(), b"\xa7 3"].concat(),
    ] {
        assert_eq!(gives_the_card(bytes), [""; 0]);
    }
}

#[test]
fn what_character_recognition_makes_of_a_page_is_read() {
    let lines = lines();
    for seed in 0..40_usize {
        let mut page = BEFORE.replace('e', "c");
        for (line, number) in lines.iter().zip(0..) {
            // Look-alikes that cards don't use, one or two other errors in a line, a bad number, a lost line.
            let mut row = line.replace('O', "0").replace('B', "8");
            if (number + seed) % 3 == 0 {
                row = row.replace('I', "l");
            }
            let mut chars: Vec<char> = row.chars().collect();
            for error in 0..(number + seed) % 3 {
                let at = 3 + (seed * 7 + number * 5 + error * 13) % 35;
                if chars[at] != ' ' {
                    chars[at] = if chars[at] == 'S' { 'G' } else { 'S' };
                }
            }
            row = chars.into_iter().collect();
            match (number + seed) % 5 {
                0 => row.replace_range(..2, "O1"),
                1 => row.push_str(" |"),
                2 => row.push_str("    in case of damage."),
                _ => {}
            }
            if number != seed % 10 {
                page = page + &row + "\n\n";
            }
        }
        gives_the_card(page + AFTER);
    }
}

#[test]
fn glued_numbers_are_understood() {
    let glued: Vec<String> = lines().iter().map(|line| line.replacen(' ', "", 1)).collect();
    assert_eq!(gives_the_card(glued.join("\n")), [""; 0]);
    let joined: Vec<String> = lines().iter().map(|line| line.replace(' ', "").to_lowercase()).collect();
    assert_eq!(gives_the_card(joined.join("\n")), [""; 0]);
    // No numbers at all, and one line lost.
    let mut bare: Vec<String> = lines().iter().map(|line| line[3..].to_owned()).collect();
    bare.remove(6);
    gives_the_card(bare.join("\n"));
}

#[test]
fn changes_are_told_of_lines_that_the_card_has() {
    let mut lines = lines();
    lines.insert(3, "04 ABCDE ABCDE ABCDE ABCDE ABCDE ABCDE".to_owned());
    let wrong = if lines[1].as_bytes()[3] == b'A' { "C" } else { "A" };
    lines[1].replace_range(3..4, wrong);
    lines.swap(7, 8);
    lines.remove(6);
    let notes = gives_the_card(lines.join("\n"));
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].starts_with("line 2, group 1, place 1: you typed "), "{notes:?}");
    assert_eq!(notes[1], "line 6 was rebuilt from the other lines");
}

#[test]
fn a_line_that_can_be_read_in_one_way_only_is_said_so() {
    let mut lines = lines();
    // Five characters that can't be read: filled in, and nothing in the line confirms it.
    lines[2].replace_range(3..8, "?????");
    let notes = gives_the_card(lines.join("\n"));
    assert_eq!(notes[0], "line 3 could only be guessed: the card's check decided");
    assert_eq!(notes.len(), 6, "{notes:?}");
}

#[test]
fn a_card_and_its_own_code_are_one_card() {
    let code = &super::super::codes(&card())[0];
    assert_eq!(gives_the_card(format!("{}\n{}", **code, lines().join("\n"))), [""; 0]);
    let notes = gives_the_card(format!("{}\n{}", code.to_lowercase(), lines()[..3].join("\n")));
    assert_eq!(notes.len(), 1);
    assert!(notes[0].starts_with("the typed lines beside the code give no card: "), "{notes:?}");
}

#[test]
fn the_most_useful_trouble_is_named() {
    let nothing = "there is no card in this text: it has neither typed lines nor the text of a code";
    assert_eq!(refused(""), nothing);
    assert_eq!(refused("Dear all,\nthe meeting is on Monday at nine.\n"), nothing);
    assert_eq!(refused(b"\x00\x01\x02\xff\xfe\xfd"), "this is not text: use plain text, in UTF-8 or UTF-16");
    let slip = "nine tall trees grow over there\n\nThe line above is the passphrase of alice for quorum X.\n";
    assert!(refused(slip).starts_with("this is a passphrase's slip, not a card"));
    let windows: Vec<u8> = slip.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(refused(windows).starts_with("this is a passphrase's slip, not a card"));

    let lines = lines();
    // The page without enough lines speaks of lines, though its prose begins like a code.
    let page = |kept: &[String]| format!("{BEFORE}{}\n{AFTER}", kept.join("\n"));
    assert_eq!(
        refused(page(&lines[..4])),
        "these lines alone are not a whole card: lines are missing, or one is wrong: 1, 2, 3, 4"
    );
    assert_eq!(refused(page(&lines[5..])), "3 more of these lines are needed: 1, 2, 3, 4, 5");
    assert!(refused(page(&[])).starts_with("this code begins like a card"), "{}", refused(page(&[])));
    // One line, damaged: which, and why.
    let damaged = "01 ABCDE ABCDE ABCDE ABCDE ABCDE ABCDE";
    assert!(
        refused(damaged).contains("line 1 can't be read: more characters are wrong"),
        "{}",
        refused(damaged)
    );
    // A real code that was cut.
    let code = &super::super::codes(&card())[0];
    assert!(
        refused(&code[..60]).contains("damaged") || refused(&code[..60]).contains("check"),
        "{}",
        refused(&code[..60])
    );
}

/// Whatever stands in a text of the longest size, it is read in bounded time.
#[test]
fn the_longest_texts_end() {
    for row in ["01 ABCDE ABCDE ABCDE ABCDE ABCDE ABCDE\n", "A\n", "QUORATE/1/\n", "?"] {
        let _ = read(row.repeat(LONGEST / row.len()).as_bytes());
    }
    assert_eq!(read(&vec![b'A'; LONGEST + 1]).unwrap_err(), TypedError::TooLong);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).is_err());
    }

    /// Up to six wrong characters in every line: the card, or a refusal, but never another card.
    #[test]
    fn no_wrong_correction_is_accepted(
        errors in proptest::collection::vec((0_usize..10, 3_usize..38, 0_usize..32), 3..60),
        lost in proptest::collection::vec(0_usize..10, 0..3),
    ) {
        let mut lines = lines();
        for (line, at, letter) in errors {
            if lines[line].as_bytes()[at] != b' ' {
                let letter = char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[letter]).to_string();
                lines[line].replace_range(at..=at, &letter);
            }
        }
        let kept: Vec<&str> =
            lines.iter().enumerate().filter(|(at, _)| !lost.contains(at)).map(|(_, line)| line.as_str()).collect();
        match read(kept.join("\n").as_bytes()) {
            Ok(found) => prop_assert!(found.cards.iter().all(|read| read.digest() == card().digest())),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
