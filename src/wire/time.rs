//! A moment, to the second: `YYYY-MM-DDTHH:MM:SSZ` (RFC 3339, UTC, this spelling only).
//!
//! Seconds since 1970-01-01 as POSIX counts them, up to the end of the year 9999. Leap seconds,
//! offsets and fractions are refused. It reads no clock: whoever has one converts its time.

use core::fmt;
use core::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A second of the years 1970 to 9999, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// Text or a number that is no moment of the years 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("that is no time of the years 1970 to 9999: write it as 2026-11-23T20:00:00Z")]
pub struct NoTime;

impl Timestamp {
    /// The last second of the year 9999.
    pub const LAST: Self = Self(LAST);

    /// The moment `seconds` after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`NoTime`] after the year 9999.
    pub const fn from_unix(seconds: u64) -> Result<Self, NoTime> {
        if seconds <= LAST { Ok(Self(seconds)) } else { Err(NoTime) }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix(self) -> u64 {
        self.0
    }

    /// How many seconds it is after `earlier`; 0 when it isn't.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = NoTime;

    fn try_from(time: SystemTime) -> Result<Self, NoTime> {
        Self::from_unix(time.duration_since(UNIX_EPOCH).map_err(|_| NoTime)?.as_secs())
    }
}

impl FromStr for Timestamp {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        parse(text).ok_or(NoTime)
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    // Two digits of `text` at `at`.
    let two = |at: usize| {
        let digits = text.as_bytes().get(at..)?.first_chunk::<2>()?;
        if digits.iter().all(u8::is_ascii_digit) {
            core::str::from_utf8(digits).ok()?.parse::<u8>().ok()
        } else {
            None
        }
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if text.len() != 20 || marks.iter().any(|(at, mark)| text.as_bytes().get(*at) != Some(mark)) {
        return None;
    }
    let year = i32::from(two(0)?).checked_mul(100)?.checked_add(i32::from(two(2)?))?;
    let date = Date::from_calendar_date(year, Month::try_from(two(5)?).ok()?, two(8)?).ok()?;
    let time = Time::from_hms(two(11)?, two(14)?, two(17)?).ok()?;
    let seconds = OffsetDateTime::new_in_offset(date, time, UtcOffset::UTC).unix_timestamp();
    Timestamp::from_unix(u64::try_from(seconds).ok()?).ok()
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It fits: `from_unix` saw to that.
        let seconds = i64::try_from(self.0).map_err(|_| fmt::Error)?;
        let at = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        let (date, time) = (at.date(), at.time());
        write!(f, "{:04}-{:02}-{:02}T", date.year(), u8::from(date.month()), date.day())?;
        write!(f, "{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_827_696, "2000-02-29T12:34:56Z"),
            (1_795_464_000, "2026-11-23T20:00:00Z"),
            (LAST, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_unix(seconds).unwrap().to_string(), text);
            assert_eq!(text.parse(), Timestamp::from_unix(seconds));
        }
        assert_eq!(Timestamp::from_unix(LAST + 1), Err(NoTime));
        assert_eq!(Timestamp::try_from(UNIX_EPOCH), Ok(Timestamp(0)));
    }

    #[test]
    fn other_spellings_are_refused() {
        for wrong in [
            "",
            "2026-11-23",
            "2026-11-23T20:00:00",
            "2026-11-23t20:00:00z",
            "2026-11-23 20:00:00Z",
            "2026-11-23T20:00:00.0Z",
            "2026-11-23T20:00:00+00:00",
            "2026-11-23T20:00:60Z",
            "2026-11-23T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-11-+1T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-11-23T20:00:0éZ",
            "+026-11-23T20:00:00Z",
        ] {
            assert_eq!(wrong.parse::<Timestamp>(), Err(NoTime), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_second_comes_back(seconds in 0..=LAST) {
            let time = Timestamp::from_unix(seconds).unwrap();
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn what_is_read_has_one_spelling(text in "[12][09][0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]Z") {
            if let Ok(time) = text.parse::<Timestamp>() { prop_assert_eq!(time.to_string(), text); }
        }
    }
}
