//! Assembling: every way to lose two lines, and what happens when lines don't belong together.
//!
//! In: nothing. Out: nothing.
//! The check that these tests give to `assemble` is equality with the bytes that were encoded.

use proptest::prelude::*;

use super::*;
use crate::wire::lines::{MAX_PAYLOAD, encode};

fn bytes(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| (i.wrapping_mul(i).wrapping_mul(31) ^ i.wrapping_mul(7) ^ len).to_le_bytes()[0])
        .collect()
}

#[allow(clippy::unwrap_used, reason = "tests only")]
fn without(payload: &[u8], lost: &[u8]) -> Vec<Line> {
    encode(payload).unwrap().into_iter().filter(|line| !lost.contains(&line.number())).collect()
}

/// The card's check: the bytes, then zeros.
fn is<'a>(payload: &'a [u8]) -> impl FnMut(&[u8]) -> bool + 'a {
    |bytes| bytes.strip_prefix(payload).is_some_and(|rest| rest.len() < 16 && rest.iter().all(|b| *b == 0))
}

#[test]
fn any_two_lines_may_be_missing() {
    for n in 1..=29_u8 {
        let payload = bytes(usize::from(n) * 125 / 8);
        for first in 1..=n + 2 {
            for second in first..=n + 2 {
                let card = assemble(&without(&payload, &[first, second]), is(&payload)).unwrap();
                assert_eq!((card.data_lines, &*card.payload), (n, &payload));
                let mut rebuilt: Vec<u8> = [first, second].into_iter().filter(|line| *line <= n).collect();
                rebuilt.dedup();
                assert_eq!((card.rebuilt, card.set_aside), (rebuilt, vec![]));
            }
        }
    }
}

#[test]
fn every_length_comes_back_in_any_order() {
    for len in 1..=MAX_PAYLOAD {
        let payload = bytes(len);
        let mut lines = without(&payload, &[1, 3]);
        lines.reverse();
        let card = assemble(&lines, is(&payload)).unwrap();
        assert_eq!(card.payload.len(), usize::from(card.data_lines) * 125 / 8);
        let again = encode(&card.payload).unwrap();
        assert!(again.iter().zip(encode(&payload).unwrap()).all(|(a, b)| a.same(&b)));
    }
}

#[test]
fn missing_lines_are_named() {
    let payload = bytes(78);
    assert_eq!(assemble(&[], |_| true).unwrap_err(), AssembleError::NoLines);
    let error = assemble(&without(&payload, &[2, 3, 5, 6]), is(&payload)).unwrap_err();
    assert_eq!(error, AssembleError::TooFew { needed: 2, missing: vec![2, 3, 5, 6] });
    assert_eq!(error.to_string(), "2 more of these lines are needed: 2, 3, 5, 6");
    // Nothing shows how many lines the card has when the last ones are missing.
    let error = assemble(&without(&payload, &[4, 5, 6, 7]), is(&payload)).unwrap_err();
    assert_eq!(error, AssembleError::Incomplete { lines: vec![1, 2, 3] });
}

#[test]
fn a_line_of_another_card_is_set_aside_and_named() {
    let (payload, other) = (bytes(78), vec![0x5a; 78]);
    for wrong in 1..=7_u8 {
        let mut lines = without(&payload, &[wrong]);
        lines.extend(encode(&other).unwrap().into_iter().filter(|line| line.number() == wrong));
        let card = assemble(&lines, is(&payload)).unwrap();
        assert_eq!(card.set_aside, [wrong]);
        // The lines themselves show which one it is, when the check refuses everything.
        let error = assemble(&lines, |_| false).unwrap_err();
        assert_eq!(error, AssembleError::Contradicts { line: wrong });
        assert_eq!(error.to_string(), format!("line {wrong} contradicts the other lines"));
    }
}

#[test]
fn two_wrong_lines_are_set_aside() {
    let (payload, other) = (bytes(45), vec![0x33; 45]);
    for (first, second) in (1..=5_u8).flat_map(|a| (1..a).map(move |b| (b, a))) {
        let mut lines = without(&payload, &[first, second]);
        let wrong = |line: &Line| [first, second].contains(&line.number());
        lines.extend(encode(&other).unwrap().into_iter().filter(wrong));
        assert_eq!(assemble(&lines, is(&payload)).unwrap().set_aside, [first, second]);
        let error = assemble(&lines, |_| false).unwrap_err();
        assert!(
            matches!(error, AssembleError::Disagree { .. } | AssembleError::Incomplete { .. }),
            "{error}"
        );
    }
}

#[test]
fn a_line_number_beyond_the_card_is_set_aside() {
    let payload = bytes(45);
    let mut lines = without(&payload, &[2]);
    lines.extend(encode(&bytes(400)).unwrap().into_iter().filter(|line| line.number() == 20));
    assert_eq!(assemble(&lines, is(&payload)).unwrap().set_aside, [20]);
}

#[test]
fn candidates_of_a_line_are_tried_in_turn() {
    let (payload, other) = (bytes(78), vec![0x77; 78]);
    let mut lines = encode(&other).unwrap();
    lines.truncate(4);
    lines.extend(without(&payload, &[2, 6]));
    let card = assemble(&lines, is(&payload)).unwrap();
    assert_eq!((&*card.payload, card.set_aside), (&payload, vec![2]));
}

#[test]
fn lines_that_agree_but_are_refused_are_not_blamed() {
    let error = assemble(&without(&bytes(78), &[]), |_| false).unwrap_err();
    assert_eq!(error, AssembleError::Refused);
}

#[test]
fn too_many_candidates_end_the_search() {
    let mut lines = Vec::new();
    for card in 0..4_u8 {
        lines.extend(encode(&[card.wrapping_mul(37) ^ 0x15; 140]).unwrap());
    }
    let error = assemble(&lines, |_| false).unwrap_err();
    assert_eq!(error, AssembleError::TooManyCandidates { lines: (1..=11).collect() });
}

#[test]
fn nothing_secret_is_printed() {
    let payload = bytes(30);
    let card = assemble(&without(&payload, &[1]), is(&payload)).unwrap();
    assert_eq!(format!("{card:?}"), "Assembled(31 bytes redacted, 2 data lines, rebuilt [1], set aside [])");
}

proptest! {
    #[test]
    fn bytes_come_back(payload in proptest::collection::vec(any::<u8>(), 1..=MAX_PAYLOAD), a in 1_u8..32, b in 1_u8..32) {
        let card = assemble(&without(&payload, &[a, b]), is(&payload)).unwrap();
        prop_assert!(card.payload.starts_with(&payload));
    }
}
