//! The code word's promises, over every pattern of one and two errors.
//!
//! Syndromes are linear and vanish on code words, so a proof over error patterns holds for every line.
//! In: nothing. Out: nothing.
//! It doesn't test letters or slips: `lines/tests` does.

use super::*;

/// What each symbol at each position adds to the syndromes, by definition: e alpha^(jk).
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests only")]
fn contributions() -> Vec<[[u8; CHECKS]; 32]> {
    let powers: Vec<u8> = locators().collect();
    let at = |k: usize, e: u8| std::array::from_fn(|j| mul(e, powers[(j + 1) * k % 31]));
    (0..LEN).map(|k| std::array::from_fn(|e| at(k, u8::try_from(e).unwrap_or(0)))).collect()
}

fn sum(parts: &[[u8; CHECKS]]) -> Syndromes {
    let mut terms = [0; CHECKS];
    for part in parts {
        terms.iter_mut().zip(part).for_each(|(term, add)| *term ^= add);
    }
    Syndromes { terms, len: CHECKS }
}

fn changes(repair: &Repair) -> Vec<(u8, u8)> {
    let mut changes = repair.changes.to_vec();
    changes.sort_unstable();
    changes
}

#[test]
fn syndromes_are_as_defined() {
    let add = contributions();
    for (k, of_position) in add.iter().enumerate() {
        for (e, expected) in of_position.iter().enumerate() {
            let mut word = [0; LEN];
            word[k] = u8::try_from(e).unwrap();
            assert_eq!(Syndromes::of(&word).terms, *expected);
        }
    }
}

#[test]
fn closed_words_have_no_syndromes() {
    for k in 0..LEN - CHECKS {
        for e in 0..32 {
            let mut word = Word::new([7; LEN]);
            word[k] = e;
            close(&mut word);
            assert!(Syndromes::of(&word).is_zero());
        }
    }
}

#[test]
fn every_single_error_is_located() {
    let add = contributions();
    for k in 0..31_u8 {
        for e in 1..32_u8 {
            let syndromes = sum(&[add[usize::from(k)][usize::from(e)]]);
            let repair = repair(&syndromes, &[], 1).unwrap();
            assert_eq!((changes(&repair), repair.errors, repair.spare), (vec![(k, e)], 1, 3));
        }
    }
}

#[test]
fn every_double_error_is_located() {
    let add = contributions();
    for k in 0..31_u8 {
        for l in 0..k {
            for (e, f) in (1..32_u8).flat_map(|e| (1..32).map(move |f| (e, f))) {
                let syndromes =
                    sum(&[add[usize::from(k)][usize::from(e)], add[usize::from(l)][usize::from(f)]]);
                let found = repair(&syndromes, &[], 2).unwrap();
                assert_eq!((changes(&found), found.errors), (vec![(l, f), (k, e)], 2));
            }
        }
    }
}

/// All 418,965 ways to mistype one or two of the thirty printed characters of a line, on a line.
#[test]
fn every_way_to_mistype_two_characters_of_a_line_is_located() {
    let mut word = Word::new([0; LEN]);
    word.iter_mut()
        .zip([3, 14, 15, 9, 26, 5, 31, 0, 17, 22].into_iter().cycle())
        .for_each(|(to, from)| *to = from);
    close(&mut word);
    let mut count = 0;
    let mut check = |wrong: &Word, expected: &[(u8, u8)]| {
        let found = repair(&Syndromes::of(wrong), &[], 2).unwrap();
        assert!(
            found.errors == expected.len() && expected.iter().all(|change| found.changes.contains(change))
        );
        count += 1;
    };
    for (first, e) in (1..31_u8).flat_map(|at| (1..32_u8).map(move |e| (at, e))) {
        let mut wrong = word.clone();
        wrong[usize::from(first)] ^= e;
        check(&wrong, &[(first, e)]);
        for (second, f) in (1..first).flat_map(|at| (1..32_u8).map(move |f| (at, f))) {
            wrong[usize::from(second)] ^= f;
            check(&wrong, &[(first, e), (second, f)]);
            wrong[usize::from(second)] ^= f;
        }
    }
    assert_eq!(count, 418_965);
}

/// Three errors are at distance 3 or more from every code word: never repaired.
#[test]
fn triple_errors_are_refused() {
    let add = contributions();
    for k in 2..31_usize {
        for l in 1..k {
            for m in (0..l).step_by(3) {
                let of = |at: usize, seed: usize| add[at][1 + (k * 7 + l * 11 + m * 13 + seed) % 31];
                assert!(repair(&sum(&[of(k, 0), of(l, 5), of(m, 17)]), &[], 2).is_none());
            }
        }
    }
}

#[test]
fn unreadable_positions_are_filled_and_errors_beside_them_found() {
    let add = contributions();
    for start in 0..31_u8 {
        for unread in 1..=5_u8 {
            let erased: Vec<u8> = (0..unread).map(|i| (start + i * 6) % 31).collect();
            let wrong: Vec<u8> =
                (0..31).filter(|k| !erased.contains(k)).take(usize::from(5 - unread) / 2).collect();
            let mut expected: Vec<(u8, u8)> =
                erased.iter().chain(&wrong).map(|k| (*k, 1 + (k * 5 + start) % 31)).collect();
            let parts: Vec<_> = expected.iter().map(|(k, e)| add[usize::from(*k)][usize::from(*e)]).collect();
            let repair = repair(&sum(&parts), &erased, 2).unwrap();
            expected.sort_unstable();
            assert_eq!(changes(&repair), expected);
            assert_eq!(repair.spare, 5 - usize::from(unread) - 2 * wrong.len());
        }
    }
    assert!(repair(&sum(&[]), &[0, 1, 2, 3, 4, 5], 0).is_none());
}
