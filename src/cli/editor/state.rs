//! The line editor without a terminal: keys in, what to draw out.
//!
//! Owns the text of every row, the row and the place in it where the next key goes, and the question that
//! waits for an answer. A row is judged when it has 30 characters, or at Enter. Nothing that was typed
//! is taken away: a correction waits until it was seen and is confirmed, a line that belongs elsewhere
//! changes places with what stood there. Keys that come in a burst, as pasted text does without
//! brackets, answer no question.
//! It reads and draws nothing; `sheet` knows what is right.

mod paste;
mod rows;
mod view;

#[cfg(test)]
mod tests;

use super::keys::Key;
use super::sheet::{Answer, Done, LAST, Outcome, Sheet, judge};
use quorate::secret::Zeroizing;
use quorate::wire::lines::{Line, SYMBOLS};
use rows::{Entry, Standing};

pub(super) use view::{LEAST, View};

/// What comes after a key.
#[derive(Debug)]
pub(super) enum Step {
    /// The next key.
    Go,
    /// The card is whole.
    Done(Box<Done>),
    /// The person gave up.
    GaveUp,
    /// Ctrl-C.
    Interrupted,
}

pub(super) struct State {
    sheet: Sheet,
    entries: Vec<Entry>,
    /// The row, from 0.
    at: usize,
    /// The place in its text.
    cursor: usize,
    /// What there is to say.
    notice: String,
    /// Whether it was asked if the person gives up.
    leaving: bool,
    /// Whether the proposal for this row was on the screen.
    shown: bool,
    /// Whether Enter has asked for it.
    asked: bool,
    /// Whether a row was completed just now: Enter behind it means that row.
    fresh: bool,
    /// Whether questions were put off because more keys were waiting.
    burst: bool,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            sheet: Sheet::new(),
            entries: (0..LAST).map(|_| Entry::new()).collect(),
            at: 0,
            cursor: 0,
            notice: String::new(),
            leaving: false,
            shown: false,
            asked: false,
            fresh: false,
            burst: false,
        }
    }

    /// Takes a key; `more` keys are waiting behind it.
    pub(super) fn press(&mut self, key: Key, more: bool) -> Step {
        let space = matches!(key, Key::Char(' '));
        let fresh = self.fresh && !space;
        self.fresh &= space;
        if key == Key::Interrupt {
            return Step::Interrupted;
        }
        if core::mem::take(&mut self.leaving) {
            self.notice.clear();
            return if matches!(key, Key::Char('y' | 'Y')) { Step::GaveUp } else { Step::Go };
        }
        if key != Key::Other {
            self.notice.clear();
        }
        let step = match key {
            Key::Char(typed) => self.char(typed),
            Key::Enter if fresh => Step::Go,
            Key::Enter => self.enter(more),
            Key::Escape | Key::EndOfInput => self.leave(),
            _ => self.edit(key),
        };
        self.settle(more);
        step
    }

    fn row(&self) -> Option<&Entry> {
        self.entries.get(self.at)
    }

    /// The number of the line at the cursor.
    fn number(&self) -> u8 {
        u8::try_from(self.at.saturating_add(1)).unwrap_or(LAST)
    }

    fn length(&self) -> usize {
        self.row().map_or(0, |row| row.text.len())
    }

    fn go(&mut self, row: usize) {
        self.at = row.min(usize::from(LAST).saturating_sub(1));
        self.cursor = self.length();
        (self.shown, self.asked) = (false, false);
    }

    /// How many rows there are.
    fn rows(&self) -> usize {
        usize::from(self.sheet.last().unwrap_or(LAST))
    }

    /// To the next row that isn't in, behind this one or from the first.
    fn advance(&mut self) {
        let open = |row: &usize| self.entries.get(*row).is_some_and(|entry| !entry.is_in());
        let behind = self.at.saturating_add(1)..self.rows();
        let next = behind.chain(0..self.rows()).find(open);
        self.go(next.unwrap_or(self.at));
    }

    fn edit(&mut self, key: Key) -> Step {
        let length = self.length();
        match key {
            Key::Up => self.go(self.at.checked_sub(1).unwrap_or(self.rows().saturating_sub(1))),
            Key::Down => {
                let next = self.at.saturating_add(1);
                self.go(if next < self.rows() { next } else { 0 });
            }
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = self.cursor.saturating_add(1).min(length),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = length,
            Key::Backspace if self.cursor > 0 => {
                self.cursor = self.cursor.saturating_sub(1);
                return self.change(Entry::remove);
            }
            Key::Delete if self.cursor < length => return self.change(Entry::remove),
            Key::Clear if length > 0 => {
                self.cursor = 0;
                return self.change(|entry, _| entry.clear());
            }
            _ => {}
        }
        Step::Go
    }

    fn char(&mut self, typed: char) -> Step {
        let whole = self.length() >= SYMBOLS && self.cursor == self.length();
        if self.shown && (self.asked || whole) {
            match typed {
                'y' | 'Y' => return self.take(),
                'n' | 'N' => {
                    self.decline();
                    return Step::Go;
                }
                _ => {}
            }
        }
        if typed == '-' || typed == ' ' || matches!(typed, ':' | '.' | ')') {
            // The number of a line, typed as it is printed, or to go there.
            if let Some(number) = self.row().and_then(Entry::number).filter(|_| self.cursor == self.length())
            {
                let _ = self.change(|entry, _| entry.clear());
                self.go(usize::from(number).saturating_sub(1));
                if self.row().is_some_and(Entry::is_in) {
                    self.cursor = 0;
                    self.notice = format!("line {number} is in already");
                }
            }
            return Step::Go;
        }
        self.type_over(typed)
    }

    /// A full row keeps its length: what is typed into it takes the place of what stands there.
    fn type_over(&mut self, typed: char) -> Step {
        let (length, at) = (self.length(), self.cursor);
        let Some(entry) = self.row() else { return Step::Go };
        if entry.is_in() && at >= length {
            self.notice = format!("line {} is in already; Ctrl-U empties it", self.number());
            return Step::Go;
        }
        if length >= rows::LONGEST {
            return Step::Go;
        }
        let over = length >= SYMBOLS && at < length;
        let same = over && entry.text.get(at) == Some(&rows::printed(typed));
        self.cursor = at.saturating_add(1);
        if same {
            return Step::Go;
        }
        self.change(|entry, _| {
            if over {
                entry.remove(at);
            }
            entry.insert(at, typed);
        })
    }

    /// Changes the text of this row, and judges it when it is long enough.
    fn change(&mut self, change: impl FnOnce(&mut Entry, usize)) -> Step {
        let (number, cursor) = (self.number(), self.cursor);
        self.sheet.forget(number);
        (self.shown, self.asked) = (false, false);
        let Some(entry) = self.entries.get_mut(self.at) else { return Step::Go };
        change(entry, cursor);
        entry.reopen();
        if entry.text.len() < SYMBOLS { Step::Go } else { self.judge() }
    }

    fn judge(&mut self) -> Step {
        let number = self.number();
        let Some(entry) = self.entries.get_mut(self.at) else { return Step::Go };
        match judge(number, &entry.string()) {
            Answer::Right(line) => {
                entry.settle(Standing::Right, &line);
                let end = self.cursor >= self.length();
                self.fresh = end;
                return self.took(vec![line], end);
            }
            Answer::Proposed(proposal) => entry.proposal = Some(proposal),
            Answer::Refused(why) => entry.trouble = Some(why),
        }
        Step::Go
    }

    fn enter(&mut self, more: bool) -> Step {
        let Some(entry) = self.entries.get(self.at) else { return Step::Go };
        if entry.is_in() {
            self.advance();
            return Step::Go;
        }
        if entry.text.is_empty() {
            // An empty line in pasted text leaves nothing out.
            if !more {
                self.advance();
            }
            return Step::Go;
        }
        if self.shown && entry.proposal.is_some() {
            return self.take();
        }
        let told = self.asked;
        if entry.proposal.is_none() {
            let step = self.judge();
            if !matches!(step, Step::Go) || self.row().is_none_or(Entry::is_in) {
                return step;
            }
        }
        if more {
            self.burst = true;
            self.advance();
            return Step::Go;
        }
        if told && self.row().is_some_and(|row| row.proposal.is_none()) {
            // Asked twice: it stays as it is, for later.
            self.advance();
            return Step::Go;
        }
        self.asked = true;
        Step::Go
    }

    /// Takes what is proposed for this row.
    fn take(&mut self) -> Step {
        let number = self.number();
        let Some(entry) = self.entries.get_mut(self.at) else { return Step::Go };
        let Some(proposal) = entry.proposal.take() else { return Step::Go };
        if !proposal.is_one() {
            entry.standing = Standing::Ways(proposal.lines.len());
            return self.took(proposal.lines, true);
        }
        let meant = proposal.number();
        let standing = if proposal.places.is_empty() { Standing::Right } else { Standing::Corrected };
        if meant == number {
            if let Some(line) = proposal.lines.first() {
                entry.settle(Standing::Corrected, line);
            }
            return self.took(proposal.lines, true);
        }
        self.elsewhere(standing, usize::from(meant).saturating_sub(1), proposal.lines)
    }

    /// Puts a line into the row where it belongs; what stood there comes here.
    fn elsewhere(&mut self, standing: Standing, there: usize, lines: Vec<Line>) -> Step {
        let Some(line) = lines.first() else { return Step::Go };
        if self.sheet.knows(line) {
            self.notice = format!("line {} is in already", line.number());
            if let Some(entry) = self.entries.get_mut(self.at) {
                entry.clear();
            }
            self.cursor = 0;
            return Step::Go;
        }
        let number = line.number();
        self.entries.swap(self.at, there);
        if let Some(entry) = self.entries.get_mut(there) {
            entry.settle(standing, line);
        }
        if let Some(entry) = self.entries.get_mut(self.at) {
            entry.reopen();
        }
        let step = self.took_as(number, lines, true);
        if matches!(step, Step::Go) && self.notice.is_empty() {
            self.notice = format!("line {number} is in");
        }
        step
    }

    fn took(&mut self, lines: Vec<Line>, advance: bool) -> Step {
        let number = self.number();
        self.took_as(number, lines, advance)
    }

    /// Lines are in: do they give the card?
    fn took_as(&mut self, origin: u8, lines: Vec<Line>, advance: bool) -> Step {
        self.sheet.take(origin, lines);
        match self.sheet.outcome() {
            Outcome::Card(done) => return Step::Done(done),
            Outcome::Trouble(why, Some(line)) => {
                self.notice = why;
                self.fresh = false;
                self.go(usize::from(line).saturating_sub(1));
                return Step::Go;
            }
            Outcome::Trouble(why, None) => self.notice = why,
            Outcome::Missing => {}
        }
        (self.shown, self.asked) = (false, false);
        if !self.row().is_some_and(Entry::is_in) {
            self.cursor = self.length();
        } else if advance {
            self.advance();
        }
        Step::Go
    }

    /// Keeps what was typed, and goes to the place in doubt.
    fn decline(&mut self) {
        let Some(entry) = self.entries.get_mut(self.at) else { return };
        let place = entry.proposal.take().and_then(|proposal| proposal.places.first().copied());
        self.cursor = place.unwrap_or(0).min(self.length());
        (self.shown, self.asked) = (false, false);
        self.notice = "compare the line with the card and change it; Ctrl-U empties it".to_owned();
    }

    fn leave(&mut self) -> Step {
        if self.entries.iter().all(|entry| entry.text.is_empty()) {
            return Step::GaveUp;
        }
        self.leaving = true;
        self.notice =
            "Give this card up and forget what was typed? y gives up, any other key goes on".to_owned();
        Step::Go
    }

    /// When no more keys wait, questions that were put off are asked.
    fn settle(&mut self, more: bool) {
        if more {
            return;
        }
        if core::mem::take(&mut self.burst)
            && self.row().is_none_or(|row| row.text.is_empty())
            && let Some(waiting) = self.entries.iter().position(Entry::is_waiting)
        {
            self.go(waiting);
        }
        self.shown = self.row().is_some_and(|row| row.proposal.is_some());
    }

    /// The text of what there is to say, and what may be answered.
    fn says(&self) -> Vec<Zeroizing<String>> {
        let mut says: Vec<Zeroizing<String>> = Vec::new();
        let entry = self.row().filter(|_| !self.leaving);
        if let Some(proposal) = entry.and_then(|entry| entry.proposal.as_ref()) {
            says.extend(proposal.sentences.iter().cloned());
            let question = match (proposal.is_one(), proposal.number() == self.number()) {
                (true, true) => "Enter or y takes it so; n lets you change the line.",
                (true, false) => "Enter or y puts it there; n lets you change the line.",
                (false, _) => "Enter or y keeps them all; n lets you change the line.",
            };
            says.push(Zeroizing::new(question.to_owned()));
        } else if let Some(trouble) = entry.and_then(|entry| entry.trouble.as_ref()) {
            let whole = self.asked || self.length() >= SYMBOLS;
            says.extend(whole.then(|| Zeroizing::new(trouble.clone())));
            if self.asked {
                says.push(Zeroizing::new("Enter again leaves it for later.".to_owned()));
            }
        }
        if !self.notice.is_empty() {
            says.insert(0, Zeroizing::new(self.notice.clone()));
        }
        says
    }
}
