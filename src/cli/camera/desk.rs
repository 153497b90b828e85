//! The desk at which pictures are looked at: a frame of the camera in, what it shows out.
//!
//! Most frames get a glance, which reads every clean code; one of several that showed nothing is looked at
//! longer. Each is decoded in a process of its own (`scan`). A card is offered to the judge until it is taken;
//! what the same frame shows again is said once on standard error, and every time to the page.

use super::super::output::{Output, plain};
use super::super::scan::glance;
use super::Verdict;
use quorate::card::{Collector, Offer};
use quorate::seal::SealedShare;
use quorate::secret::{SecretBytes, Zeroizing};
use quorate::wire::json::{Json, object};

/// After so many glances in vain, one frame is looked at longer.
const GLANCES: u32 = 6;
/// The most parts of long cards that are remembered: six for each of 255 cards.
const PARTS: usize = 6 * 255;

/// What a frame shows, from nothing to a card: the best of it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Nothing,
    Again,
    Wrong,
    Part,
    Taken,
}

/// What the page is told.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) done: bool,
    state: State,
    say: String,
    cards: Vec<String>,
}

impl Answer {
    /// As the page reads it.
    pub(super) fn json(&self) -> Vec<u8> {
        let state = match self.state {
            State::Nothing => "nothing",
            State::Again => "again",
            State::Wrong => "wrong",
            State::Part => "part",
            State::Taken => "taken",
        };
        let cards = self.cards.iter().map(|name| Json::text(name.clone())).collect();
        object([
            ("cards", Some(Json::List(cards))),
            ("done", Some(Json::Bool(self.done))),
            ("say", Some(Json::text(self.say.clone()))),
            ("state", Some(Json::text(state))),
        ])
        .bytes()
    }
}

/// The cards that were taken, and what is needed to take more.
pub(super) struct Desk<'a> {
    judge: &'a mut dyn FnMut(&SealedShare) -> Verdict,
    output: &'a Output,
    collector: Collector,
    parts: Vec<Zeroizing<String>>,
    taken: Vec<(SealedShare, String)>,
    misses: u32,
    said: String,
}

impl<'a> Desk<'a> {
    pub(super) fn new(judge: &'a mut dyn FnMut(&SealedShare) -> Verdict, output: &'a Output) -> Self {
        Self {
            judge,
            output,
            collector: Collector::new(),
            parts: Vec::new(),
            taken: Vec::new(),
            misses: 0,
            said: String::new(),
        }
    }

    pub(super) fn output(&self) -> &'a Output {
        self.output
    }

    /// The cards that were taken, in the order in which they were shown.
    pub(super) fn cards(self) -> Vec<SealedShare> {
        self.taken.into_iter().map(|(card, _)| card).collect()
    }

    /// Looks at one frame.
    pub(super) fn look(&mut self, picture: &SecretBytes) -> Answer {
        let longer = self.misses >= GLANCES;
        let mut best = (State::Nothing, String::new());
        let mut done = false;
        match glance(picture, longer) {
            Ok(codes) => {
                let nothing = codes.texts.is_empty() && !longer;
                self.misses = if nothing { self.misses.saturating_add(1) } else { 0 };
                for text in &codes.texts {
                    let (state, say, enough) = self.offer(text);
                    done |= enough;
                    if state > best.0 {
                        best = (state, say);
                    }
                }
            }
            Err(failure) => {
                let message = failure.message.trim_start_matches("camera: ");
                best = (State::Wrong, message.to_owned());
            }
        }
        let (state, say) = best;
        let say = plain(&say);
        if !say.is_empty() && say != self.said {
            self.output.note(format!("camera: {say}"));
            self.said.clone_from(&say);
        }
        self.answer(done, state, say)
    }

    /// The person at the page wants to end.
    pub(super) fn end(&self) -> Answer {
        self.output.note("camera: ended at the page");
        self.answer(true, State::Nothing, String::new())
    }

    fn answer(&self, done: bool, state: State, say: String) -> Answer {
        let cards = self.taken.iter().map(|(_, name)| plain(name)).collect();
        Answer { done, state, say, cards }
    }

    /// Takes the text of one code; says what it is, and whether it was the last that is needed.
    fn offer(&mut self, text: &Zeroizing<String>) -> (State, String, bool) {
        if self.parts.contains(text) {
            return (State::Again, "this part of a long card is here already".to_owned(), false);
        }
        match self.collector.offer(text) {
            Ok(Offer::Card(card)) => self.card(*card),
            Ok(Offer::Part { have, of }) => {
                if self.parts.len() < PARTS {
                    self.parts.push(text.clone());
                }
                (State::Part, format!("part of a long card, {have} of {of} parts are here"), false)
            }
            Err(error) => (State::Wrong, error.to_string(), false),
        }
    }

    fn card(&mut self, card: SealedShare) -> (State, String, bool) {
        let known = self.taken.iter().find(|(taken, _)| taken.digest() == card.digest());
        if let Some((_, name)) = known {
            return (State::Again, format!("{name} is here already"), false);
        }
        match (self.judge)(&card) {
            Verdict::Taken { name, enough } => {
                self.taken.push((card, name.clone()));
                (State::Taken, name, enough)
            }
            Verdict::Refused(why) => (State::Wrong, why, false),
        }
    }
}
