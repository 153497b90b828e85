//! One row of the editor: its text, and what it stands for.
//!
//! Text is in capitals, as printed, with what is forgiven already mended: O for 0, I for 1, B for 8.
//! It is kept in wiped memory that never grows.

use super::super::sheet::{LAST, Proposal};
use quorate::secret::Zeroizing;
use quorate::wire::lines::Line;

/// The most characters of a row: a line, its number, and a slip or two.
pub(super) const LONGEST: usize = 40;
/// From so many characters on, somebody has tried to type a line.
const TRIED: usize = 20;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// Nothing that counts.
    Open,
    /// Right as typed.
    Right,
    /// Right, after a confirmed change.
    Corrected,
    /// One of several.
    Ways(usize),
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) text: Zeroizing<Vec<char>>,
    pub(super) standing: Standing,
    pub(super) proposal: Option<Proposal>,
    pub(super) trouble: Option<String>,
}

/// A character as cards print it.
pub(super) fn printed(typed: char) -> char {
    match typed.to_ascii_uppercase() {
        '0' => 'O',
        '1' => 'I',
        '8' => 'B',
        other => other,
    }
}

impl Entry {
    pub(super) fn new() -> Self {
        let text = Zeroizing::new(Vec::with_capacity(LONGEST));
        Self { text, standing: Standing::Open, proposal: None, trouble: None }
    }

    pub(super) fn is_in(&self) -> bool {
        self.standing != Standing::Open
    }

    /// Whether somebody must look at it.
    pub(super) fn is_waiting(&self) -> bool {
        !self.is_in() && self.text.len() >= TRIED
    }

    pub(super) fn insert(&mut self, at: usize, typed: char) {
        let typed = printed(typed);
        if self.text.len() < LONGEST && at <= self.text.len() {
            self.text.insert(at, typed);
        }
    }

    pub(super) fn remove(&mut self, at: usize) {
        if at < self.text.len() {
            self.text.remove(at);
        }
    }

    pub(super) fn clear(&mut self) {
        // Not only shortened: what stood there is gone.
        self.text.fill('\0');
        self.text.clear();
        self.reopen();
    }

    /// What was said of it no longer counts.
    pub(super) fn reopen(&mut self) {
        (self.standing, self.proposal, self.trouble) = (Standing::Open, None, None);
    }

    /// The row is this line.
    pub(super) fn settle(&mut self, standing: Standing, line: &Line) {
        self.clear();
        self.text.extend(line.groups().chars().filter(|c| *c != ' '));
        self.standing = standing;
    }

    pub(super) fn string(&self) -> Zeroizing<String> {
        let mut string = Zeroizing::new(String::with_capacity(LONGEST.saturating_mul(4)));
        string.extend(self.text.iter());
        string
    }

    /// The line number that the text is, if it is nothing else.
    pub(super) fn number(&self) -> Option<u8> {
        let digit = |c: &char| match c {
            'O' => Some(0),
            'I' => Some(1),
            'B' => Some(8),
            c => c.to_digit(10).and_then(|digit| u8::try_from(digit).ok()),
        };
        let digits: Option<Vec<u8>> = self.text.iter().take(3).map(digit).collect();
        let number = match digits?.as_slice() {
            [ones] => Some(*ones),
            [tens, ones] => tens.checked_mul(10)?.checked_add(*ones),
            _ => None,
        };
        number.filter(|number| (1..=LAST).contains(number))
    }
}
