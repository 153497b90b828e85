//! Typed lines to bytes: any n of the n + 2 lines are enough.
//!
//! Rebuilds up to two missing lines, checks what is spare, and goes through what is left open: how many data
//! lines there are, which candidate of a line is meant, whether a line or two have to be set aside.
//! In: lines, in any order. Out: candidate bytes for the caller's check, and what was done to reach them.
//! It decides nothing: `accept` does, and should check at least 32 bits over all bytes.
//! It doesn't know the length of the bytes: they come with the zeros that fill the last line.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use super::encode::{Sums, regroup};
use super::{DATA, Line, MAX_DATA_LINES, PARITY_LINES};

#[cfg(test)]
mod tests;

/// Combinations that are looked at before giving up.
const MOST_TRIES: usize = 1 << 16;

/// A card's bytes from its typed lines. `encode(&payload)` gives all its lines as they should read.
pub struct Assembled {
    /// floor(125 n / 8) bytes: the card's, then zeros.
    pub payload: Zeroizing<Vec<u8>>,
    /// n.
    pub data_lines: u8,
    /// Data lines that were calculated from the others.
    pub rebuilt: Vec<u8>,
    /// Lines that were typed but contradict the accepted bytes: misread, or of another card. Tell the person.
    pub set_aside: Vec<u8>,
}

impl fmt::Debug for Assembled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { payload, data_lines, rebuilt, set_aside } = self;
        write!(f, "Assembled({} bytes redacted, {data_lines} data lines, ", payload.len())?;
        write!(f, "rebuilt {rebuilt:?}, set aside {set_aside:?})")
    }
}

/// Why lines give no card.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum AssembleError {
    /// Nothing was typed.
    #[error("there are no lines")]
    NoLines,
    /// The greatest line number shows that lines are missing.
    #[error("{needed} more of these lines are needed: {}", list(missing))]
    TooFew {
        /// How many more, at least.
        needed: usize,
        /// The numbers that were not typed, up to the greatest that was.
        missing: Vec<u8>,
    },
    /// All lines but this one agree, but the card's check refuses them.
    #[error("line {line} contradicts the other lines")]
    Contradicts {
        /// The line's number.
        line: u8,
    },
    /// The lines don't belong together, and it can't be told which is wrong.
    #[error("these lines contradict each other: {}", list(lines))]
    Disagree {
        /// The numbers of all lines.
        lines: Vec<u8>,
    },
    /// All lines agree, but the card's check refuses them.
    #[error("the lines agree with each other, but the card's own check refuses them")]
    Refused,
    /// Without a spare line nothing can be said: the check refuses what the lines give.
    #[error("these lines alone are not a whole card: lines are missing, or one is wrong: {}", list(lines))]
    Incomplete {
        /// The numbers of all lines.
        lines: Vec<u8>,
    },
    /// Too many lines have several candidates.
    #[error("too many lines are uncertain: type some of them again: {}", list(lines))]
    TooManyCandidates {
        /// The numbers of the lines with several candidates.
        lines: Vec<u8>,
    },
}

fn list(numbers: &[u8]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The bytes of the card that these lines are of, as soon as `accept` says yes.
///
/// Lines with the same number are candidates for it, best first. `accept` sees candidate bytes with their
/// trailing zeros, those first that need the fewest lines set aside (at most two); it is asked at most 65,536
/// times, and seldom more than once when a spare line confirms the others.
///
/// # Errors
/// Lines are missing, contradict each other, or are refused by `accept`.
pub fn assemble(lines: &[Line], accept: impl FnMut(&[u8]) -> bool) -> Result<Assembled, AssembleError> {
    let rows = rows(lines);
    let numbers: Vec<u8> = rows.iter().map(|row| row.number).collect();
    let Some(last) = numbers.last() else {
        return Err(AssembleError::NoLines);
    };
    let mut search = Search { accept, tries: MOST_TRIES, agreed: Vec::new(), unconfirmed: false };

    // How many are set aside, and which: an index past the end sets nothing aside.
    let end = rows.len();
    let pairs = || (0..end).flat_map(|i| (0..i).map(move |j| (j, i)));
    let subsets = [(end, end)].into_iter().chain((0..end).map(|i| (i, end))).chain(pairs());
    for (one, other) in subsets {
        let (used, aside): (Vec<_>, Vec<_>) =
            rows.iter().zip(0..).partition(|(_, at)| *at != one && *at != other);
        let used: Vec<&Row<'_>> = used.into_iter().map(|(row, _)| row).collect();
        let aside: Vec<u8> = aside.into_iter().map(|(row, _)| row.number).collect();
        if let Some(assembled) = search.over(&used, &aside) {
            return Ok(assembled);
        }
    }

    let missing: Vec<u8> = (1..*last).filter(|number| !numbers.contains(number)).collect();
    let mut alone: Vec<u8> = search
        .agreed
        .iter()
        .filter_map(|aside| <[u8; 1]>::try_from(aside.as_slice()).ok())
        .map(|[line]| line)
        .collect();
    alone.dedup();
    let uncertain = rows.iter().filter(|row| row.candidates.len() > 1).map(|row| row.number).collect();
    Err(if missing.len() > usize::from(PARITY_LINES) {
        AssembleError::TooFew { needed: missing.len().saturating_sub(usize::from(PARITY_LINES)), missing }
    } else if search.tries == 0 {
        AssembleError::TooManyCandidates { lines: uncertain }
    } else if search.agreed.iter().any(Vec::is_empty) {
        AssembleError::Refused
    } else if let [line] = alone[..] {
        AssembleError::Contradicts { line }
    } else if search.unconfirmed {
        AssembleError::Incomplete { lines: numbers }
    } else {
        AssembleError::Disagree { lines: numbers }
    })
}

/// The candidates for one line number.
struct Row<'a> {
    number: u8,
    candidates: Vec<&'a Line>,
}

/// By number, candidates in the order given, without repetitions.
fn rows(lines: &[Line]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for line in lines {
        match rows.iter_mut().find(|row| row.number == line.number()) {
            None => rows.push(Row { number: line.number(), candidates: vec![line] }),
            Some(row) if row.candidates.iter().any(|other| other.same(line)) => {}
            Some(row) => row.candidates.push(line),
        }
    }
    rows.sort_by_key(|row| row.number);
    rows
}

struct Search<A> {
    accept: A,
    /// Combinations that may still be looked at.
    tries: usize,
    /// Lines that were set aside when the rest agreed with a line to spare, but was refused.
    agreed: Vec<Vec<u8>>,
    /// With nothing set aside, some candidate had no spare line to confirm it.
    unconfirmed: bool,
}

impl<A: FnMut(&[u8]) -> bool> Search<A> {
    /// Every n and every combination of candidates of these rows.
    fn over(&mut self, used: &[&Row<'_>], aside: &[u8]) -> Option<Assembled> {
        let last = used.last()?.number;
        let least = last.saturating_sub(PARITY_LINES).max(1);
        let most = u8::try_from(used.len()).ok()?.min(MAX_DATA_LINES);
        for data_lines in least..=most {
            let absent: Vec<u8> = (1..=data_lines.saturating_add(PARITY_LINES))
                .filter(|number| used.iter().all(|row| row.number != *number))
                .collect();
            let confirmed = absent.len() < usize::from(PARITY_LINES);
            self.unconfirmed |= !confirmed && aside.is_empty();
            let mut odometer = vec![0_usize; used.len()];
            loop {
                self.tries = self.tries.checked_sub(1)?;
                let chosen =
                    || used.iter().zip(&odometer).filter_map(|(row, at)| row.candidates.get(*at).copied());
                if let Some(payload) = payload(data_lines, chosen, &absent) {
                    if (self.accept)(&payload) {
                        let rebuilt = absent.into_iter().filter(|number| *number <= data_lines).collect();
                        return Some(Assembled { payload, data_lines, rebuilt, set_aside: aside.to_vec() });
                    }
                    if confirmed {
                        self.agreed.push(aside.to_vec());
                    }
                }
                if !advance(&mut odometer, used) {
                    break;
                }
            }
        }
        None
    }
}

/// The next combination, the last row fastest; `false` after the last.
fn advance(odometer: &mut [usize], used: &[&Row<'_>]) -> bool {
    for (at, row) in odometer.iter_mut().zip(used).rev() {
        *at = at.saturating_add(1);
        if *at < row.candidates.len() {
            return true;
        }
        *at = 0;
    }
    false
}

/// The bytes of these lines, if they agree; `absent` are the numbers of at most two lines of n + 2 not there.
fn payload<'a, I: Iterator<Item = &'a Line>>(
    data_lines: u8,
    chosen: impl Fn() -> I,
    absent: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut sums = Sums::default();
    chosen().for_each(|line| sums.add(line.number(), line.data()));
    let mut lost = Zeroizing::new(Vec::with_capacity(DATA));
    match absent {
        [] if sums.are_zero() => {}
        [only] => lost.extend(sums.one(*only)?.map(|symbol| (symbol, 0))),
        [first, second] => lost.extend(sums.two(*first, *second)),
        _ => return None,
    }
    let mut symbols = Zeroizing::new(Vec::with_capacity(DATA.saturating_mul(usize::from(data_lines))));
    for number in 1..=data_lines {
        if let Some(line) = chosen().find(|line| line.number() == number) {
            symbols.extend(line.data());
        } else if absent.first() == Some(&number) {
            symbols.extend(lost.iter().map(|(first, _)| *first));
        } else {
            symbols.extend(lost.iter().map(|(_, second)| *second));
        }
    }
    // Bits behind the last whole byte are padding like the bytes before them.
    let mut bytes = regroup(&symbols, 5, 8);
    let whole = symbols.len().saturating_mul(5) / 8;
    let padded = bytes.iter().skip(whole).all(|bits| *bits == 0);
    bytes.truncate(whole);
    padded.then_some(bytes)
}
