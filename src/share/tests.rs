//! Tests of sharing, with access to its internals.
//!
//! `misuse`: every way to misuse the arithmetic underneath is a refused case with its own error.
//! `records`: the same for commitments that are read. `subsets`: which shares recover and which
//! don't. `oracle`: a second implementation with other arithmetic, and the crate's own check.
//! `bias`: dealt coefficients are uniform, with samplers that must be caught. `vector`: the
//! published example.
#![allow(clippy::arithmetic_side_effects, reason = "tests; the numbers are small")]

mod bias;
mod misuse;
mod oracle;
mod records;
mod subsets;
mod vector;

use super::*;

/// The order of the group, little-endian: 2^252 + 27742317777372353535851937790883648493.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, //
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn scheme(threshold: usize, count: usize) -> Scheme {
    Scheme::new(threshold, count).unwrap()
}

/// A fresh secret and its deal.
fn dealt(threshold: usize, count: usize) -> (SecretScalar, Deal) {
    let secret = fresh_secret(&mut Entropy::system()).unwrap();
    let deal = split(&secret, scheme(threshold, count), &mut Entropy::system()).unwrap();
    (secret, deal)
}

/// The polynomial with the given coefficients, constant first.
fn polynomial(coefficients: &[Scalar]) -> Dealer {
    let slots = coefficients.iter().enumerate().map(|(place, coefficient)| {
        let (identifier, value) =
            if place == 0 { (Scalar::ZERO, *coefficient) } else { (*coefficient, Scalar::ZERO) };
        PrimeFieldShare { identifier: IdentifierPrimeField(identifier), value: IdentifierPrimeField(value) }
    });
    Dealer(Wiped(slots.collect()), coefficients.len())
}

/// A deal of polynomials with the given coefficients.
fn deal_of(count: usize, values: &[Scalar], blinders: &[Scalar]) -> Result<Deal, SplitError> {
    deal(&secret(values[0]), scheme(values.len(), count), &polynomial(values), &polynomial(blinders))
}

fn secret(scalar: Scalar) -> SecretScalar {
    SecretScalar::absorb(&mut scalar.clone())
}

/// The share as it is read from its bytes again, under any index.
fn read_as(index: u8, share: &Share) -> ClaimedShare {
    ClaimedShare::read(index, share.to_secret_bytes().expose()).unwrap()
}

/// The share as it is read from its bytes again.
fn reread(share: &Share) -> ClaimedShare {
    read_as(share.index(), share)
}

fn same(a: &SecretScalar, b: &SecretScalar) -> bool {
    a.to_secret_bytes().ct_eq(&b.to_secret_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn nothing_of_a_secret_is_printed() {
    let (secret, deal) = dealt(2, 3);
    let claimed = reread(&deal.shares[0]);
    let printed = format!(
        "{secret:?} {secret:#?} {claimed:?} {:?} {:#?} {deal:?} {deal:#?} {:?} {:?}",
        deal.shares[0],
        deal.shares,
        combine(&deal.commitments, &deal.shares),
        reread(&deal.shares[0]).check(&deal.commitments),
    );
    let halves = deal.shares.iter().map(Share::to_secret_bytes);
    for bytes in halves.chain([secret.to_secret_bytes()]) {
        for half in bytes.expose().chunks(32) {
            let reversed: Vec<u8> = half.iter().rev().copied().collect();
            // Any run of four bytes, in hexadecimal of either order, and the decimal list of `Debug`.
            for run in half.windows(4).chain(reversed.windows(4)) {
                let list = format!("{run:?}");
                assert!(!printed.to_lowercase().contains(&hex(run)));
                assert!(!printed.contains(list.trim_matches(['[', ']'])));
            }
        }
    }
    assert!(printed.contains("redacted"));
    // All digits that are left are indices and schemes.
    assert!(printed.split(|c: char| !c.is_ascii_digit()).all(|digits| digits.len() < 2), "{printed}");
}
