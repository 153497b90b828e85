//! M of N, checked once: whoever has a [`Scheme`] has one that can be dealt and met.

use core::fmt;

/// "3 of 5": the threshold M and the number of shares N, 2 <= M <= N <= 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    threshold: u8,
    count: u8,
}

/// Why two numbers are no scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemeError {
    /// A threshold below two: one person alone would hold the key.
    #[error("a threshold of {threshold} lets one custodian recover alone: use at least 2")]
    NoQuorum {
        /// The threshold asked for.
        threshold: usize,
    },
    /// More shares needed than there are.
    #[error(
        "a threshold of {threshold} can never be met by {count} custodians: name more custodians or lower it"
    )]
    Unreachable {
        /// The threshold asked for.
        threshold: usize,
        /// The shares there would be.
        count: usize,
    },
    /// More than 255 shares.
    #[error("{count} custodians are more than the 255 that a quorum can have")]
    TooMany {
        /// The shares there would be.
        count: usize,
    },
}

impl Scheme {
    /// The scheme "`threshold` of `count`".
    ///
    /// # Errors
    /// [`SchemeError`] outside 2 <= M <= N <= 255.
    pub fn new(threshold: usize, count: usize) -> Result<Self, SchemeError> {
        if threshold < 2 {
            return Err(SchemeError::NoQuorum { threshold });
        }
        let n = u8::try_from(count).map_err(|_| SchemeError::TooMany { count })?;
        let m = u8::try_from(threshold).map_err(|_| SchemeError::Unreachable { threshold, count })?;
        if m > n {
            Err(SchemeError::Unreachable { threshold, count })
        } else {
            Ok(Self { threshold: m, count: n })
        }
    }

    /// M: how many shares recover.
    #[must_use]
    pub const fn threshold(self) -> u8 {
        self.threshold
    }

    /// N: how many shares there are.
    #[must_use]
    pub const fn count(self) -> u8 {
        self.count
    }

    /// The index of every share, 1 to N.
    pub fn indices(self) -> impl Iterator<Item = u8> {
        1..=self.count
    }

    /// Whether losing a single share loses everything, which deserves a warning.
    #[must_use]
    pub const fn is_fragile(self) -> bool {
        self.threshold == self.count
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.threshold, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_allowed_schemes_exist() {
        for threshold in 0..=300 {
            for count in 0..=300 {
                let allowed = 2 <= threshold && threshold <= count && count <= 255;
                assert_eq!(Scheme::new(threshold, count).is_ok(), allowed, "{threshold} of {count}");
            }
        }
    }
}
