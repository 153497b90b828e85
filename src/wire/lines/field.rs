//! The field with 32 elements that the typed lines are calculated in.
//!
//! Owns GF(32) = GF(2)\[x\] / (x^5 + x^2 + 1), elements as the low five bits of a byte, alpha = 2.
//! 31 is a prime, so alpha generates every element except zero. Addition is `^` and is written so.
//! In: symbols 0..=31 (higher bits are ignored). Out: symbols 0..=31.
//! A product is straight-line code, which takes the same time for every value.
//! It knows nothing of letters, lines or cards.

/// alpha^1 .. alpha^5: the roots of every line's code word.
pub(super) const ROOTS: [u8; 5] = [2, 4, 8, 16, 5];

/// alpha^0 .. alpha^30: the locator of each position of a code word.
const LOCATORS: [u8; 31] = [
    1, 2, 4, 8, 16, 5, 10, 20, 13, 26, 17, 7, 14, 28, 29, 31, 27, 19, 3, 6, 12, 24, 21, 15, 30, 25, 23, 11,
    22, 9, 18,
];

/// The product of two elements.
#[expect(clippy::arithmetic_side_effects, reason = "31 * 16 is far below 2^16")]
pub(super) fn mul(a: u8, b: u8) -> u8 {
    let (a, b) = (u16::from(a & 31), u16::from(b & 31));
    // Each bit of b contributes a shifted copy of a, without carries.
    let wide = (a * (b & 1)) ^ (a * (b & 2)) ^ (a * (b & 4)) ^ (a * (b & 8)) ^ (a * (b & 16));
    // x^5 = x^2 + 1, applied twice: the product has nine bits, and the first fold may leave six.
    let [low, _] = fold(fold(wide)).to_le_bytes();
    low
}

fn fold(wide: u16) -> u16 {
    let high = wide >> 5;
    (wide & 31) ^ high ^ (high << 2)
}

/// The inverse of an element, a^30; zero for zero.
pub(super) fn inverse(a: u8) -> u8 {
    let a2 = mul(a, a);
    let a4 = mul(a2, a2);
    let a8 = mul(a4, a4);
    let a16 = mul(a8, a8);
    mul(mul(a16, a8), mul(a4, a2))
}

/// alpha^0, alpha^1, .. alpha^30, in order.
pub(super) fn locators() -> impl Iterator<Item = u8> {
    LOCATORS.into_iter()
}

/// alpha^exponent.
pub(super) fn alpha_to(exponent: u8) -> u8 {
    LOCATORS.get(usize::from(exponent % 31)).copied().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiplication as taught at school: shift, add, and divide by the polynomial.
    fn naive(a: u8, b: u8) -> u8 {
        let (mut product, mut shifted, mut rest) = (0u8, a, b);
        while rest != 0 {
            if rest & 1 == 1 {
                product ^= shifted;
            }
            shifted <<= 1;
            if shifted & 0b10_0000 != 0 {
                shifted ^= 0b10_0101;
            }
            rest >>= 1;
        }
        product
    }

    #[test]
    fn all_products_equal_the_naive_twin() {
        for a in 0..32 {
            for b in 0..32 {
                assert_eq!(mul(a, b), naive(a, b), "{a} * {b}");
            }
        }
    }

    #[test]
    fn every_element_but_zero_has_an_inverse() {
        assert_eq!(inverse(0), 0);
        assert!((1..32).all(|a| naive(a, inverse(a)) == 1));
    }

    #[test]
    fn alpha_generates_the_field() {
        let powers: Vec<u8> = std::iter::successors(Some(1), |p| Some(naive(*p, 2))).take(31).collect();
        assert!(locators().eq(powers.iter().copied()));
        assert_eq!(powers[1..6], ROOTS);
        assert!((0..62).all(|i| alpha_to(i) == powers[usize::from(i) % 31]));
        let mut all = powers;
        all.sort_unstable();
        assert_eq!(all, (1..32).collect::<Vec<u8>>());
    }
}
