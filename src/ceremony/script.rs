//! The script of a ceremony: what is to be done, in numbered steps, from a file that people write.
//!
//! In: a text in TOML (`docs/operator.md`, A ceremony from a script); out: a [`Script`], plain data that was
//! checked, and its [`Step`]s, each with the words that are read out, what is expected, and whether the
//! program does it. The same steps are printed, ticked at the terminal, and rehearsed.
//!
//! Reading is strict and total: an unknown field is refused with its line and the nearest name that there
//! is, and nothing is guessed. Nothing secret is ever in a script.

use crate::key::{KeyKind, Label};
use crate::log;

mod read;
mod steps;
pub(super) mod table;

pub use steps::{Action, Step};
pub use table::LONGEST;

/// A ceremony.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its title.
    pub title: String,
    /// What it is held for.
    pub purpose: Option<String>,
    /// The escrow's folder.
    pub escrow: String,
    /// Whose keys.
    pub organisation: Option<String>,
    /// How many custodians recover.
    pub threshold: u8,
    /// Memory of a passphrase seal in MiB, when it is not the program's own.
    pub memory: Option<u32>,
    /// Whom to tell of a lost card.
    pub contact: Option<String>,
    /// The custodians, in the order of their cards.
    pub custodians: Vec<Custodian>,
    /// The keys that are made.
    pub keys: Vec<Key>,
    /// Where copies of the escrow go.
    pub destinations: Vec<Destination>,
    /// Who watches.
    pub witnesses: Vec<Witness>,
    /// What is due when.
    pub policy: Policy,
}

/// A custodian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custodian {
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: Option<String>,
    /// Who stands in for them.
    pub deputy: Option<String>,
    /// `passphrase`, `open`, or an age recipient.
    pub seal: String,
    /// The number of their envelope.
    pub envelope: Option<String>,
}

/// A key that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: Label,
    /// What kind of key.
    pub kind: KeyKind,
}

/// A place for a copy of the escrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What people call it.
    pub name: String,
    /// Who brings the copy there.
    pub carrier: Option<String>,
}

/// Somebody who watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: Option<String>,
}

/// What is due when, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// From one drill to the next.
    pub drill_days: u32,
    /// From one check of every card to the next.
    pub check_days: u32,
    /// Whether the script says so: then it becomes the policy of the escrow.
    pub is_said: bool,
}

impl Policy {
    /// Those of a log without a policy.
    pub const DEFAULT: Self =
        Self { drill_days: log::Policy::DRILL_DAYS, check_days: log::Policy::CARD_DAYS, is_said: false };
}

/// Why a text is no script, or no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// Longer than such a file may be.
    #[error("the file is longer than {LONGEST} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("the file is no text in UTF-8")]
    Text,
    /// Not TOML.
    #[error("line {line}: {message}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A field that a script doesn't have.
    #[error("line {line}: {table} has no field {field:?}{}", near(.nearest))]
    Unknown {
        /// The line, from 1.
        line: usize,
        /// Where.
        table: &'static str,
        /// The field, cut to 40 characters.
        field: String,
        /// The name that is nearest to it.
        nearest: Option<&'static str>,
    },
    /// A field that must be there.
    #[error("line {line}: {table} needs the field {field}")]
    Missing {
        /// The line of the table, from 1.
        line: usize,
        /// Where.
        table: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A value that the field can't have.
    #[error("line {line}: {field}: {why}")]
    Value {
        /// The line, from 1.
        line: usize,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

fn near(nearest: &Option<&'static str>) -> String {
    nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// [`ScriptError`], which names the line.
    pub fn read(bytes: &[u8]) -> Result<Self, ScriptError> {
        read::read(bytes)
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        steps::steps(self)
    }
}
