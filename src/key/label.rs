//! What keys are called: the label that people give ([`Label`], with a version [`KeyName`]) and the
//! random name that files carry ([`KeyId`]).
//!
//! A label is 1 to 64 of `a-z A-Z 0-9 . _ -` and starts with a letter or a digit, so that it is
//! never an option, a path, a hidden file or something to be quoted, and reads the same on paper.
//! Case counts, but two labels that differ in case only are for the escrow to refuse.

use crate::primitive::random::{Entropy, NoEntropy};
use crate::wire::text;
use core::fmt;
use core::num::NonZeroU32;
use core::str::FromStr;

/// A key's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

/// `NAME` or `NAME@VERSION`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyName {
    /// The key.
    pub label: Label,
    /// Its version; without one, the newest is meant.
    pub version: Option<NonZeroU32>,
}

/// Why text is no key name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// Nothing at all.
    #[error("a key's name is empty: use 1 to 64 letters, digits and . _ -")]
    Empty,
    /// More than 64 characters.
    #[error("a key's name has {length} bytes: use at most 64 letters, digits and . _ -")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The first character is neither letter nor digit.
    #[error("a key's name begins with {found:?}: begin it with a letter or a digit")]
    Start {
        /// The character.
        found: char,
    },
    /// A character that isn't allowed.
    #[error("a key's name holds {found:?}: use letters a-z A-Z, digits and . _ - only")]
    Character {
        /// The first such character.
        found: char,
    },
    /// What follows `@` is no version.
    #[error("what follows the @ of a key's name is no version: write a whole number from 1, as in orders@3")]
    Version,
}

impl Label {
    /// The most characters.
    pub const LIMIT: usize = 64;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let first = text.chars().next().ok_or(LabelError::Empty)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some(found) = text.chars().find(|c| !allowed(*c)) {
            return Err(LabelError::Character { found });
        }
        if text.len() > Self::LIMIT {
            return Err(LabelError::TooLong { length: text.len() });
        }
        if first.is_ascii_alphanumeric() {
            Ok(Self(text.into()))
        } else {
            Err(LabelError::Start { found: first })
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let Some((label, version)) = text.split_once('@') else {
            return Ok(Self { label: text.parse()?, version: None });
        };
        let label = label.parse()?;
        let number: NonZeroU32 = version.parse().map_err(|_| LabelError::Version)?;
        // One spelling: no sign, no leading zero.
        if number.to_string() != version {
            return Err(LabelError::Version);
        }
        Ok(Self { label, version: Some(number) })
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            None => write!(f, "{}", self.label),
            Some(version) => write!(f, "{}@{version}", self.label),
        }
    }
}

/// The random name of a key, the same for all its versions: 80 bits, 16 base32 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 10]);

impl KeyId {
    /// A new one.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn random(entropy: &mut Entropy) -> Result<Self, NoEntropy> {
        entropy.public().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key id that `text` spells; `None` for any other spelling than Display's.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text::from_base32(text)?.as_slice().try_into().ok().map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&text::base32(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names() {
        for good in ["a", "Orders-DB.2026_q4", "0", &"x".repeat(64)] {
            assert_eq!(good.parse::<Label>().unwrap().as_str(), good);
        }
        let refused = |text: &str| text.parse::<KeyName>().unwrap_err();
        assert_eq!(refused(""), LabelError::Empty);
        assert_eq!(refused(&"x".repeat(65)), LabelError::TooLong { length: 65 });
        for first in ['.', '_', '-'] {
            assert_eq!(refused(&format!("{first}a")), LabelError::Start { found: first });
        }
        for wrong in [' ', '/', '\\', '\n', '\0', 'é', '\u{202e}', ':', '%'] {
            assert_eq!(refused(&format!("a{wrong}b")), LabelError::Character { found: wrong });
        }
        for wrong in ["a@", "a@0", "a@01", "a@+1", "a@-1", "a@1@2", "a@4294967296", "a@1 "] {
            assert_eq!(refused(wrong), LabelError::Version, "{wrong}");
        }
        assert_eq!("a@12".parse::<KeyName>().unwrap().version, NonZeroU32::new(12));
    }

    proptest! {
        #[test]
        fn what_is_read_has_one_spelling(text in "[a-zA-Z0-9._@+ -]{0,12}") {
            if let Ok(name) = text.parse::<KeyName>() { prop_assert_eq!(name.to_string(), text); }
        }

        #[test]
        fn a_key_id_comes_back(bytes in any::<[u8; 10]>()) {
            let id = KeyId(bytes);
            prop_assert_eq!(KeyId::parse(&id.to_string()), Some(id));
            prop_assert_eq!(id.to_string().len(), 16);
            prop_assert_eq!(KeyId::parse(id.to_string().get(1..).unwrap_or_default()), None);
        }
    }
}
