//! The lines of a card that are in so far, and whether they give the card.
//!
//! In: what was typed as a line; lines that a person has confirmed. Out: an answer to each typed line, and
//! the card, or what is still missing. A person's lines may be replaced one by one.
//! It draws and asks nothing.

use quorate::card::typed::from_lines;
use quorate::seal::SealedShare;
use quorate::secret::Zeroizing;
use quorate::wire::lines::{AssembleError, GROUP, Line, Reading, Row, SYMBOLS, Verdict, row};
use quorate::wire::text::from_base32;

/// The greatest line number.
pub(super) const LAST: u8 = 31;
/// Characters of a line that carry the card's bytes.
const DATA: usize = 25;
/// Bits of a line that carry the card's bytes.
const BITS: usize = 125;
/// Characters of the first two lines that give whole bytes: 30.
const START: usize = 48;

/// A finished card, and what was done to read it.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) card: SealedShare,
    pub(super) notes: Vec<String>,
}

/// What a typed line is.
#[derive(Debug)]
pub(super) enum Answer {
    /// Right, in its row.
    Right(Line),
    /// Probably something else than what was typed; to be confirmed.
    Proposed(Proposal),
    /// Nothing that can be read, and why.
    Refused(String),
}

/// What is probably meant.
#[derive(Debug)]
pub(super) struct Proposal {
    /// One line, or several candidates with whatever numbers.
    pub(super) lines: Vec<Line>,
    /// What to say, one sentence each.
    pub(super) sentences: Vec<Zeroizing<String>>,
    /// Places of the typed line that are in doubt, from 0.
    pub(super) places: Vec<usize>,
}

impl Proposal {
    /// The number of the line that is probably meant.
    pub(super) fn number(&self) -> u8 {
        self.lines.first().map_or(0, Line::number)
    }

    /// Whether only one line is meant.
    pub(super) fn is_one(&self) -> bool {
        self.lines.len() == 1
    }
}

/// What the lines give.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The card.
    Card(Box<Done>),
    /// More lines are needed.
    Missing,
    /// Something is wrong with the lines that are in, perhaps with this one.
    Trouble(String, Option<u8>),
}

/// The lines that are in.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    lines: Vec<Line>,
    /// The rows that they were typed in.
    origins: Vec<u8>,
}

impl Sheet {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Whether the line with this number is in.
    pub(super) fn has(&self, number: u8) -> bool {
        self.lines.iter().any(|line| line.number() == number)
    }

    /// Whether this very line is in.
    pub(super) fn knows(&self, line: &Line) -> bool {
        self.lines.iter().any(|other| other.same(line))
    }

    /// Takes a line in place of the one with its number, or the candidates for the line of row `origin`.
    pub(super) fn take(&mut self, origin: u8, mut lines: Vec<Line>) {
        self.forget(origin);
        if let [line] = lines.as_slice() {
            let number = line.number();
            self.retain(|known, _| known.number() != number);
        } else {
            // A guess is no reason to give up a line that is in.
            lines.retain(|line| !self.has(line.number()));
        }
        self.origins.extend(lines.iter().map(|_| origin));
        self.lines.append(&mut lines);
    }

    /// Forgets what was typed in this row.
    pub(super) fn forget(&mut self, origin: u8) {
        self.retain(|_, of| of != origin);
    }

    fn retain(&mut self, keep: impl Fn(&Line, u8) -> bool) {
        let kept: Vec<bool> =
            self.lines.iter().zip(&self.origins).map(|(line, of)| keep(line, *of)).collect();
        let (mut of_lines, mut of_origins) = (kept.iter(), kept.iter());
        self.lines.retain(|_| of_lines.next() == Some(&true));
        self.origins.retain(|_| of_origins.next() == Some(&true));
    }

    /// How many different lines are in.
    pub(super) fn count(&self) -> usize {
        (1..=LAST).filter(|number| self.has(*number)).count()
    }

    /// How many lines are enough, once the first two are in: the card's header says its length.
    pub(super) fn needed(&self) -> Option<u8> {
        let mut start = Zeroizing::new(String::with_capacity(2 * SYMBOLS + 2 * GROUP));
        for number in [1, 2] {
            let mut of_number = self.lines.iter().filter(|line| line.number() == number);
            let line = of_number.next()?;
            if of_number.next().is_some() {
                return None;
            }
            start.extend(line.groups().chars().filter(|c| *c != ' ').take(DATA));
        }
        start.truncate(START);
        let length = SealedShare::stated_length(&from_base32(&start)?)?;
        let needed = length.checked_mul(8)?.div_ceil(BITS);
        u8::try_from(needed).ok().filter(|needed| (1..=LAST.saturating_sub(2)).contains(needed))
    }

    /// The greatest number that the card has, as far as it is known.
    pub(super) fn last(&self) -> Option<u8> {
        self.needed().map(|needed| needed.saturating_add(2))
    }

    /// `5 of 8 lines are in`.
    pub(super) fn progress(&self) -> String {
        let count = self.count();
        match (count, self.needed()) {
            (0, _) => "no line is in yet".to_owned(),
            (1, None) => "1 line is in".to_owned(),
            (_, None) => format!("{count} lines are in"),
            (_, Some(needed)) => format!("{count} of {needed} lines are in"),
        }
    }

    /// What the lines give.
    pub(super) fn outcome(&self) -> Outcome {
        let (card, assembled) = match from_lines(&self.lines) {
            Ok(done) => done,
            Err(error) => return self.trouble(error),
        };
        let mut notes = Vec::new();
        for number in &assembled.rebuilt {
            notes.push(format!("line {number} was rebuilt from the other lines"));
        }
        for number in &assembled.set_aside {
            notes.push(format!(
                "line {number} contradicts the card and was set aside: compare it with the card"
            ));
        }
        Outcome::Card(Box::new(Done { card, notes }))
    }

    fn trouble(&self, error: AssembleError) -> Outcome {
        let enough = self.needed().is_some_and(|needed| self.count() >= usize::from(needed));
        match error {
            AssembleError::Contradicts { line } => {
                Outcome::Trouble(format!("{error}: compare it with the card"), Some(line))
            }
            AssembleError::TooManyCandidates { lines } => Outcome::Trouble(
                "too many lines can be read in several ways: type some of them again".to_owned(),
                lines.first().copied(),
            ),
            AssembleError::Refused => Outcome::Trouble(format!("{error}: are they all of one card?"), None),
            AssembleError::Disagree { .. } | AssembleError::Incomplete { .. } if enough => Outcome::Trouble(
                "one of these lines is wrong, or of another card: with one more line it can be told which"
                    .to_owned(),
                None,
            ),
            _ => Outcome::Missing,
        }
    }
}

/// What `text`, typed as line `number`, is.
pub(super) fn judge(number: u8, text: &str) -> Answer {
    let Row { number: stated, verdict, .. } = row(text, number);
    match verdict {
        Verdict::Good(line) if line.number() == number => Answer::Right(line),
        Verdict::Good(line) => Answer::Proposed(elsewhere(number, line)),
        Verdict::Corrected(reading) | Verdict::OtherRow(reading) => {
            let mut proposal = of_reading(&reading);
            let meant = reading.line().number();
            if meant != number {
                proposal.sentences.insert(0, Zeroizing::new(belongs(stated, meant)));
            }
            proposal.lines.push(reading.into_line());
            Answer::Proposed(proposal)
        }
        Verdict::Ambiguous(readings) => Answer::Proposed(ambiguous(number, readings)),
        Verdict::Refused(why) => Answer::Refused(format!("line {stated}: {why}")),
        _ => Answer::Refused(format!("line {stated} can't be read")),
    }
}

fn belongs(number: u8, meant: u8) -> String {
    format!("this is line {meant} of the card, not line {number}")
}

fn elsewhere(number: u8, line: Line) -> Proposal {
    let sentences = vec![Zeroizing::new(belongs(number, line.number()))];
    Proposal { lines: vec![line], sentences, places: Vec::new() }
}

/// `line 3, group 2, place 4: you typed 1, the card probably says 7`, for every change.
fn of_reading(reading: &Reading) -> Proposal {
    let number = reading.line().number();
    let sentence = |change: &quorate::wire::lines::Change| {
        let said = change.sentence();
        let mut sentence = Zeroizing::new(String::with_capacity(said.len().saturating_add(16)));
        sentence.push_str(&format!("line {number}, "));
        sentence.push_str(&said);
        sentence
    };
    let place = |change: &quorate::wire::lines::Change| {
        let before = change.group.saturating_sub(1).saturating_mul(GROUP);
        before.saturating_add(change.place.saturating_sub(1))
    };
    Proposal {
        lines: Vec::with_capacity(1),
        sentences: reading.changes().iter().map(sentence).collect(),
        places: reading.changes().iter().map(place).collect(),
    }
}

fn ambiguous(number: u8, readings: Vec<Reading>) -> Proposal {
    let ways = readings.len();
    let mut proposal =
        Proposal { lines: Vec::with_capacity(ways), sentences: Vec::new(), places: Vec::new() };
    if ways > 1 {
        let ways =
            format!("line {number} can be read in {ways} ways; the card's check can decide, or your eyes:");
        proposal.sentences.push(Zeroizing::new(ways));
    }
    for (reading, way) in readings.into_iter().zip(1..) {
        let one = of_reading(&reading);
        for sentence in one.sentences {
            let mut numbered = Zeroizing::new(String::with_capacity(sentence.len().saturating_add(8)));
            if ways > 1 {
                numbered.push_str(&format!("{way}) "));
            }
            numbered.push_str(&sentence);
            proposal.sentences.push(numbered);
        }
        if way == 1 {
            proposal.places = one.places;
        }
        proposal.lines.push(reading.into_line());
    }
    if ways == 1 {
        proposal
            .sentences
            .push(Zeroizing::new("nothing in the line confirms that: the card's check will".to_owned()));
    }
    proposal
}
