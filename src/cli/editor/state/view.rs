//! What the editor looks like, as rows of text and a place for the cursor.
//!
//! In: the state, and the size of the terminal. Out: rows that are not wider and not more than that.
//! Everything is in words: no colour, no sign that a photocopy of a terminal would lose.

use super::State;
use super::rows::{Entry, Standing};
use quorate::secret::Zeroizing;
use quorate::wire::lines::GROUP;

/// In front of a line's characters: `> line 03: `.
const MARGIN: usize = 11;
/// Where a row's verdict stands.
const VERDICT: usize = MARGIN + 36;
/// The least rows and columns that the editor can be used with.
pub(in super::super) const LEAST: (usize, usize) = (14, 60);

/// What to draw.
pub(in super::super) struct View {
    pub(in super::super) rows: Vec<Zeroizing<String>>,
    /// Row and column, from 0.
    pub(in super::super) cursor: (usize, usize),
}

impl State {
    pub(in super::super) fn view(&self, height: usize, width: usize) -> View {
        let enough = match self.sheet.needed().zip(self.sheet.last()) {
            Some((needed, last)) => format!("any {needed} of the {last} are enough"),
            None => "two of them may be left out".to_owned(),
        };
        let intro = [
            "Type the card's lines as they are printed: spaces and small letters don't matter, ? is a character that can't be read.".to_owned(),
            format!("Enter or Down leaves a line out, {enough}; Up, Down, or a number and : go to a line; Esc gives up."),
        ];
        let mut rows: Vec<Zeroizing<String>> = intro.iter().flat_map(|text| wrapped(text, width)).collect();
        rows.push(Zeroizing::new(String::new()));

        let mut foot = vec![Zeroizing::new(String::new())];
        foot.extend(wrapped(&self.progress(), width));
        foot.extend(self.says().iter().flat_map(|text| wrapped(text, width)));
        let most = height.saturating_sub(rows.len()).saturating_sub(5).max(3);
        if foot.len() > most {
            // The question is the last row: it stays.
            let last = foot.pop();
            foot.truncate(most.saturating_sub(1));
            foot.extend(last);
        }

        // A window of rows with the cursor's in it, and its marks under it.
        let room = height.saturating_sub(rows.len()).saturating_sub(foot.len()).saturating_sub(1).max(1);
        let used = self
            .entries
            .iter()
            .rposition(|entry| !entry.text.is_empty())
            .map_or(0, |row| row.saturating_add(1));
        let known = self.sheet.last().map_or(10, usize::from);
        let total = known.max(used).max(self.at.saturating_add(1)).min(self.entries.len());
        let first = self.at.saturating_sub(room / 2).min(total.saturating_sub(room));
        let mut cursor = (0, 0);
        for (number, entry) in
            (1_usize..).zip(&self.entries).skip(first).take(room.min(total.saturating_sub(first)))
        {
            let here = number == self.at.saturating_add(1);
            if here {
                let column = MARGIN.saturating_add(self.cursor).saturating_add(self.cursor / GROUP);
                cursor = (rows.len(), column.min(width.saturating_sub(1)));
            }
            rows.push(cut(entry.drawn(number, here), width));
            if here && let Some(marks) = entry.marks() {
                rows.push(cut(marks, width));
            }
        }
        rows.extend(foot);
        rows.truncate(height);
        View { rows, cursor }
    }

    fn progress(&self) -> String {
        let mut progress = self.sheet.progress();
        let waiting = |(number, entry): (usize, &Entry)| entry.is_waiting().then(|| number.to_string());
        let waiting: Vec<String> = (1_usize..)
            .zip(&self.entries)
            .filter(|(number, _)| *number != self.at.saturating_add(1))
            .filter_map(waiting)
            .collect();
        match waiting.as_slice() {
            [] => {}
            [one] => progress.push_str(&format!("; line {one} is still open")),
            several => progress.push_str(&format!("; lines {} are still open", several.join(", "))),
        }
        progress
    }
}

impl Entry {
    fn drawn(&self, number: usize, here: bool) -> Zeroizing<String> {
        let mut row = Zeroizing::new(String::with_capacity(256));
        row.push_str(if here { "> " } else { "  " });
        row.push_str(&format!("line {number:02}: "));
        for (place, typed) in self.text.iter().enumerate() {
            if place > 0 && place % GROUP == 0 {
                row.push(' ');
            }
            row.push(if typed.is_control() { '?' } else { *typed });
        }
        let verdict = match self.standing {
            Standing::Right => "right".to_owned(),
            Standing::Corrected => "corrected".to_owned(),
            Standing::Ways(ways) => format!("{ways} ways"),
            Standing::Open if self.is_waiting() && !here => "open".to_owned(),
            Standing::Open => return row,
        };
        row.push(' ');
        while row.chars().count() < VERDICT {
            row.push(' ');
        }
        row.push_str(&verdict);
        row
    }

    /// Signs under the places in doubt.
    fn marks(&self) -> Option<Zeroizing<String>> {
        let places = &self.proposal.as_ref().filter(|proposal| !proposal.places.is_empty())?.places;
        let last = places.iter().max()?;
        let mut marks = Zeroizing::new(" ".repeat(MARGIN));
        for place in 0..=*last {
            if place > 0 && place % GROUP == 0 {
                marks.push(' ');
            }
            marks.push(if places.contains(&place) { '^' } else { ' ' });
        }
        Some(marks)
    }
}

fn cut(row: Zeroizing<String>, width: usize) -> Zeroizing<String> {
    match row.char_indices().nth(width) {
        None => row,
        Some((end, _)) => Zeroizing::new(row.get(..end).unwrap_or_default().to_owned()),
    }
}

/// A text in rows of at most `width` columns, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<Zeroizing<String>> {
    let row = || Zeroizing::new(String::with_capacity(width.saturating_mul(4)));
    let (mut rows, mut last, mut length) = (Vec::new(), row(), 0_usize);
    for word in text.split(' ') {
        let count = word.chars().count();
        if length > 0 && length.saturating_add(1).saturating_add(count) > width {
            rows.push(core::mem::replace(&mut last, row()));
            length = 0;
        }
        if length > 0 {
            last.push(' ');
            length = length.saturating_add(1);
        }
        last.extend(word.chars().take(width));
        length = length.saturating_add(count);
    }
    rows.push(last);
    rows
}
