//! Reed–Solomon decoding of one block of a QR code, with errors and erasures (ISO/IEC 18004, annex B).
//!
//! In: the codewords of a block, how many of them are check symbols, and which positions are not to be
//! trusted. Out: whether it was corrected, in place. An erasure costs one check symbol and an error two;
//! [`SPARE`] of them are never spent, so that a block of noise is refused.
//! The field is GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1, the first root is 1 (alpha^0).
//! Forney's syndromes, then Berlekamp–Massey. It knows nothing of modules, masks or texts.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "indices and counts below 256, and the field's own operations"
)]

use zeroize::Zeroizing;

/// Check symbols that are left to judge the result: noise passes once in 65,536 blocks, and a card has several.
const SPARE: usize = 2;

type Poly = Zeroizing<Vec<u8>>;

/// The product of two elements, without carries.
fn mul(a: u8, b: u8) -> u8 {
    let (mut product, mut shifted) = (0_u8, a);
    for bit in 0..8 {
        product ^= shifted & ((b >> bit) & 1).wrapping_neg();
        shifted = (shifted << 1) ^ (0x1d & (shifted >> 7).wrapping_neg());
    }
    product
}

/// a^254: zero for zero.
fn inverse(a: u8) -> u8 {
    let mut power = a;
    let mut result = 1;
    for _ in 0..7 {
        power = mul(power, power);
        result = mul(result, power);
    }
    result
}

/// alpha^exponent.
fn alpha(exponent: usize) -> u8 {
    (0..exponent % 255).fold(1, |power, _| mul(power, 2))
}

/// The value at `x` of a polynomial, lowest coefficient first.
fn value(poly: &[u8], x: u8) -> u8 {
    poly.iter().rev().fold(0, |sum, coefficient| mul(sum, x) ^ coefficient)
}

/// The product, up to but without x^`limit`.
fn product(a: &[u8], b: &[u8], limit: usize) -> Poly {
    let mut result = Zeroizing::new(vec![0; limit.min(a.len() + b.len())]);
    for (shift, factor) in a.iter().enumerate() {
        for (to, other) in result.iter_mut().skip(shift).zip(b) {
            *to ^= mul(*factor, *other);
        }
    }
    result
}

fn syndromes(block: &[u8], checks: usize) -> Poly {
    let mut root = 1;
    let mut result = Zeroizing::new(Vec::with_capacity(checks));
    for _ in 0..checks {
        result.push(block.iter().fold(0, |sum, symbol| mul(sum, root) ^ symbol));
        root = mul(root, 2);
    }
    result
}

/// Corrects `block`, whose last `checks` symbols are check symbols. `false`, and nothing changed, when it can't.
pub(super) fn correct(block: &mut [u8], checks: usize, erased: &[usize]) -> bool {
    let spare = checks.saturating_sub(SPARE);
    if block.len() > 255 || checks == 0 || checks >= block.len() || erased.len() > spare {
        return false;
    }
    let syndromes = syndromes(block, checks);
    if syndromes.iter().all(|syndrome| *syndrome == 0) {
        return true;
    }
    let last = block.len() - 1;
    let mut erasures = Zeroizing::new(vec![1]);
    for at in erased {
        let Some(power) = last.checked_sub(*at) else { return false };
        erasures = product(&erasures, &[1, alpha(power)], erased.len() + 1);
    }
    let modified = product(&syndromes, &erasures, checks);
    let Some(errors) = locator(modified.get(erased.len()..).unwrap_or_default()) else { return false };
    let count = errors.len() - 1;
    if 2 * count + erased.len() > spare {
        return false;
    }
    let places = product(&errors, &erasures, count + erased.len() + 1);
    let values = product(&syndromes, &places, checks);
    // The formal derivative: in characteristic 2 the even terms vanish.
    let derivative: Poly = Zeroizing::new(
        places.iter().skip(1).enumerate().map(|(at, c)| if at % 2 == 0 { *c } else { 0 }).collect(),
    );
    let mut fixed = Zeroizing::new(block.to_vec());
    let mut roots = 0;
    for (at, symbol) in fixed.iter_mut().enumerate() {
        let place = alpha(last - at);
        let back = inverse(place);
        if value(&places, back) == 0 {
            roots += 1;
            *symbol ^= mul(place, mul(value(&values, back), inverse(value(&derivative, back))));
        }
    }
    if roots != count + erased.len() || self::syndromes(&fixed, checks).iter().any(|syndrome| *syndrome != 0)
    {
        return false;
    }
    block.copy_from_slice(&fixed);
    true
}

/// Berlekamp–Massey: the shortest recurrence of the syndromes, `None` when it has not the length of its degree.
fn locator(syndromes: &[u8]) -> Option<Poly> {
    let mut current: Poly = Zeroizing::new(vec![1]);
    let mut before: Poly = Zeroizing::new(vec![1]);
    let (mut length, mut shift, mut last) = (0, 1, 1_u8);
    for (at, syndrome) in syndromes.iter().enumerate() {
        let earlier = syndromes.get(..at)?.iter().rev();
        let terms = current.iter().skip(1).take(length).zip(earlier);
        let discrepancy = terms.fold(*syndrome, |sum, (a, b)| sum ^ mul(*a, *b));
        if discrepancy == 0 {
            shift += 1;
            continue;
        }
        let factor = mul(discrepancy, inverse(last));
        let mut next = current.clone();
        next.resize(current.len().max(before.len() + shift), 0);
        for (to, from) in next.iter_mut().skip(shift).zip(before.iter()) {
            *to ^= mul(factor, *from);
        }
        if 2 * length <= at {
            (length, last, shift) = (at + 1 - length, discrepancy, 1);
            before = current;
        } else {
            shift += 1;
        }
        current = next;
    }
    while current.len() > 1 && current.last() == Some(&0) {
        current.pop();
    }
    (current.len() == length + 1).then_some(current)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_a_block_may_lose_is_restored(
            data in proptest::collection::vec(any::<u8>(), 9..60),
            places in proptest::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..20),
            known in 0..20_usize,
        ) {
            let checks = 22;
            let good = [data.clone(), qrcode::ec::create_error_correction_code(&data, checks)].concat();
            let mut block = good.clone();
            let mut hit = std::collections::BTreeMap::new();
            for (place, change) in places {
                hit.entry(place.index(good.len())).or_insert(change);
            }
            hit.iter().for_each(|(at, change)| block[*at] ^= change);
            let erased: Vec<_> = hit.keys().copied().take(known).collect();
            let fits = erased.len() + 2 * (hit.len() - erased.len()) <= checks - SPARE;
            let damaged = block.clone();
            let corrected = correct(&mut block, checks, &erased);
            if fits {
                prop_assert!(corrected);
                prop_assert_eq!(block, good);
            } else {
                prop_assert!(!corrected || block != damaged);
            }
        }
    }

    #[test]
    fn sizes_that_no_code_has_are_refused() {
        assert!(!correct(&mut [], 0, &[]));
        assert!(!correct(&mut [1, 2], 2, &[]));
        assert!(!correct(&mut [1; 30], 10, &[40]));
        assert!(!correct(&mut [1; 300], 10, &[]));
    }

    #[test]
    fn every_element_has_its_inverse() {
        assert!((1..=255).all(|a| mul(a, inverse(a)) == 1));
        assert_eq!((inverse(0), alpha(255), alpha(8)), (0, 1, 0x1d));
    }
}
