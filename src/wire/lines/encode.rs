//! Bytes to lines, and the regrouping of bits that both directions share.
//!
//! Bits are taken most significant first and padded with zeros to whole lines of 125 bits, so that a line
//! starts as the base32 text of its bytes does. The two parity lines are sums over each column.
//! In: 1..=453 bytes. Out: n data and 2 parity lines.
//! It knows nothing of typing errors.

use thiserror::Error;
use zeroize::Zeroizing;

use super::field::{alpha_to, mul};
use super::{DATA, Line, MAX_PAYLOAD, PARITY_LINES};

/// Why bytes have no typed form.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[non_exhaustive]
pub enum EncodeError {
    /// No bytes.
    #[error("a card of 0 bytes has no lines")]
    Empty,
    /// More than `MAX_PAYLOAD` bytes.
    #[error("a card of {len} bytes doesn't fit in lines: 453 bytes do")]
    TooLong {
        /// Bytes given.
        len: usize,
    },
}

/// The n data lines and the two parity lines of `payload`, in order.
///
/// # Errors
/// The payload is empty or longer than `MAX_PAYLOAD`.
pub fn encode(payload: &[u8]) -> Result<Vec<Line>, EncodeError> {
    let too_long = EncodeError::TooLong { len: payload.len() };
    match payload.len() {
        0 => return Err(EncodeError::Empty),
        1..=MAX_PAYLOAD => {}
        _ => return Err(too_long),
    }
    let symbols = regroup(payload, 8, 5);
    let data: Vec<&[u8]> = symbols.chunks(DATA).collect();
    let last = u8::try_from(data.len()).map_err(|_| too_long)?;
    let (first_spare, second_spare) = (last.saturating_add(1), last.saturating_add(PARITY_LINES));

    let mut sums = Sums::default();
    for (line, number) in data.iter().zip(1..) {
        sums.add(number, line.iter().copied());
    }
    let parity = [
        Line::closed(first_spare, sums.two(first_spare, second_spare).map(|(first, _)| first)),
        Line::closed(second_spare, sums.two(first_spare, second_spare).map(|(_, second)| second)),
    ];
    data.iter()
        .zip(1..)
        .map(|(line, number)| Line::closed(number, line.iter().copied()))
        .chain(parity)
        .collect::<Option<_>>()
        .ok_or(too_long)
}

/// The two sums that are zero in every column over all n + 2 lines, over the lines that were added.
#[derive(Default)]
pub(super) struct Sums {
    /// sum of r_i
    plain: Zeroizing<[u8; DATA]>,
    /// sum of alpha^i r_i
    weighted: Zeroizing<[u8; DATA]>,
}

impl Sums {
    pub(super) fn add(&mut self, number: u8, data: impl Iterator<Item = u8>) {
        let weight = alpha_to(number);
        for ((plain, weighted), symbol) in self.plain.iter_mut().zip(self.weighted.iter_mut()).zip(data) {
            *plain ^= symbol;
            *weighted ^= mul(weight, symbol);
        }
    }

    fn columns(&self) -> impl Iterator<Item = (u8, u8)> + '_ {
        self.plain.iter().copied().zip(self.weighted.iter().copied())
    }

    /// With every line added: whether they agree.
    pub(super) fn are_zero(&self) -> bool {
        self.columns().all(|sums| sums == (0, 0))
    }

    /// With every line but this one added: its data, if the others agree on it.
    pub(super) fn one(&self, number: u8) -> Option<impl Iterator<Item = u8> + '_> {
        let weight = alpha_to(number);
        let agree = self.columns().all(|(plain, weighted)| mul(weight, plain) == weighted);
        agree.then(|| self.plain.iter().copied())
    }

    /// With every line but these two added: their data.
    pub(super) fn two(&self, first: u8, second: u8) -> impl Iterator<Item = (u8, u8)> + '_ {
        let weight = alpha_to(first);
        let scale = super::field::inverse(weight ^ alpha_to(second));
        self.columns().map(move |(plain, weighted)| {
            let of_second = mul(scale, weighted ^ mul(weight, plain));
            (plain ^ of_second, of_second)
        })
    }
}

/// Regroups bits, most significant first, from `from` bits per byte to `to`, with zeros to fill the last group.
#[expect(clippy::arithmetic_side_effects, reason = "bits < to <= 8 and from <= 8: at most 16 bits of 16")]
pub(super) fn regroup(input: &[u8], from: u32, to: u32) -> Zeroizing<Vec<u8>> {
    let mut output = Zeroizing::new(Vec::with_capacity(input.len().saturating_mul(2).saturating_add(1)));
    let (mut held, mut bits, low) = (0_u16, 0_u32, (1_u16 << to) - 1);
    let mut push = |group: u16| output.push(group.to_le_bytes()[0]);
    for byte in input {
        held = (held << from) | u16::from(*byte);
        bits += from;
        while bits >= to {
            bits -= to;
            push((held >> bits) & low);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        push((held << (to - bits)) & low);
    }
    output
}
