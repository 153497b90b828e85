//! Two opinions on our arithmetic: a second implementation of combining, with whole numbers of 256
//! bits by schoolbook methods (doubling and adding, Fermat's inversion, one common denominator), and
//! the crate's own check of a share, which we don't use.

use super::*;
use curve25519_dalek::ristretto::RistrettoPoint;
use proptest::prelude::*;
use vsss_rs::{PedersenVerifierSet, ValueGroup};

/// A number below the order, high half first, so that the derived order is the numeric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Number(u128, u128);

const ZERO: Number = Number(0, 0);
const ONE: Number = Number(0, 1);

impl Number {
    fn read(bytes: &[u8]) -> Self {
        let half = |at: usize| u128::from_le_bytes(bytes[at..at + 16].try_into().unwrap());
        Self(half(16), half(0))
    }

    fn bytes(self) -> Vec<u8> {
        [self.1.to_le_bytes(), self.0.to_le_bytes()].concat()
    }

    fn order() -> Self {
        Self::read(&ORDER)
    }

    /// self - other, where that isn't negative.
    fn less(self, other: Self) -> Self {
        let (low, borrow) = self.1.overflowing_sub(other.1);
        Self(self.0 - other.0 - u128::from(borrow), low)
    }

    /// self + other: both are below 2^253, so that the sum fits.
    fn plus(self, other: Self) -> Self {
        let (low, carry) = self.1.overflowing_add(other.1);
        let sum = Self(self.0 + other.0 + u128::from(carry), low);
        let order = const { Number(1 << 124, 27742317777372353535851937790883648493) };
        if sum < order { sum } else { sum.less(order) }
    }

    fn minus(self, other: Self) -> Self {
        self.plus(Self::order().less(other)).plus(ZERO)
    }

    fn bits(self) -> impl Iterator<Item = bool> {
        [self.0, self.1].into_iter().flat_map(|half| (0..128).rev().map(move |bit| half >> bit & 1 == 1))
    }

    fn times(self, other: Self) -> Self {
        other.bits().skip_while(|bit| !bit).fold(ZERO, |sum, bit| {
            let doubled = sum.plus(sum);
            if bit { doubled.plus(self) } else { doubled }
        })
    }

    /// The inverse: self to the power of the order less two (Fermat).
    fn inverse(self) -> Self {
        Self::order().less(Number(0, 2)).bits().fold(ONE, |power, bit| {
            let squared = power.times(power);
            if bit { squared.times(self) } else { squared }
        })
    }
}

fn small(number: u8) -> Number {
    Number(0, u128::from(number))
}

/// The constants of the two polynomials through the points (x, y, z): the sum of
/// y_i prod x_j / prod (x_j - x_i), over one common denominator, and the same for z.
fn at_zero(points: &[(u8, Number, Number)]) -> [Number; 2] {
    let fraction = |i: u8| {
        let others = points.iter().map(|(j, ..)| *j).filter(move |j| *j != i);
        others.fold((ONE, ONE), |(above, below), j| {
            (above.times(small(j)), below.times(small(j).minus(small(i))))
        })
    };
    let mut sums = [ZERO; 2];
    let mut below = ONE;
    for (i, y, z) in points {
        let (term, under) = fraction(*i);
        for (sum, value) in sums.iter_mut().zip([y, z]) {
            *sum = sum.times(under).plus(value.times(term).times(below));
        }
        below = below.times(under);
    }
    let inverse = below.inverse();
    sums.map(|sum| sum.times(inverse))
}

/// Combines `shares` by both implementations and wants both to give `value` and `blinder`.
fn agree(m: usize, shares: &[&Share], value: &Scalar, blinder: &Scalar) {
    let points: Vec<_> = shares[..m]
        .iter()
        .map(|share| {
            let bytes = share.to_secret_bytes();
            let [value, blinder] = [0, 32].map(|start| Number::read(&bytes.expose()[start..start + 32]));
            (share.index(), value, blinder)
        })
        .collect();
    assert_eq!(
        at_zero(&points).map(Number::bytes),
        [value, blinder].map(|wanted| wanted.as_bytes().to_vec())
    );
    let claimed: Vec<ClaimedShare> = shares.iter().map(|share| reread(share)).collect();
    let (first_value, first_blinder) =
        interpolate(u8::try_from(m).unwrap(), &claimed.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(first_value.expose(), value);
    assert_eq!(first_blinder.expose(), blinder);
}

/// The value of the polynomial at `x`, power by power.
fn value_at(coefficients: &[Scalar], x: u8) -> Number {
    let mut power = ONE;
    let mut sum = ZERO;
    for coefficient in coefficients {
        sum = sum.plus(Number::read(coefficient.as_bytes()).times(power));
        power = power.times(small(x));
    }
    sum
}

/// Zero, one, two, the order less one and less two, half the order, a limb's edges, or any number.
fn number() -> impl Strategy<Value = Scalar> {
    let last = Scalar::ZERO - Scalar::ONE;
    let edge = |power: usize| {
        let mut bytes = [0; 32];
        bytes[power / 8] = 1 << (power % 8);
        Scalar::from_bytes_mod_order(bytes)
    };
    let edges = vec![
        Scalar::ZERO,
        Scalar::ONE,
        Scalar::from(2_u8),
        last,
        last - Scalar::ONE,
        Scalar::from(2_u8).invert(),
        edge(64) - Scalar::ONE,
        edge(64),
        edge(128),
        edge(252) - Scalar::ONE,
        edge(252),
    ];
    prop_oneof![prop::sample::select(edges), any::<[u8; 32]>().prop_map(Scalar::from_bytes_mod_order),]
}

#[test]
fn the_second_arithmetic_is_right() {
    let order = Number::order();
    let last = order.less(ONE);
    assert_eq!(last.times(last), ONE);
    assert_eq!(last.plus(ONE), ZERO);
    assert_eq!(ZERO.minus(ONE), last);
    assert_eq!(ZERO.minus(ZERO), ZERO);
    assert_eq!(small(3).inverse().times(small(3)), ONE);
    assert_eq!(ZERO.inverse(), ZERO);
    assert_eq!(Number::read(&ORDER).bytes(), ORDER);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_implementations_agree(
        values in prop::collection::vec(number(), 2..=5),
        blinders in prop::collection::vec(number(), 5),
        extra in 0_usize..=3,
        turn in 0_usize..8,
    ) {
        let m = values.len();
        let blinders = &blinders[..m];
        prop_assume!(values[0] != Scalar::ZERO);
        let deal = deal_of(m + extra, &values, blinders).unwrap();
        for share in &deal.shares {
            let bytes = share.to_secret_bytes();
            prop_assert_eq!(value_at(&values, share.index()).bytes(), &bytes.expose()[..32]);
            prop_assert_eq!(value_at(blinders, share.index()).bytes(), &bytes.expose()[32..]);
        }
        let mut shares: Vec<&Share> = deal.shares.iter().collect();
        shares.rotate_left(turn % (m + extra));
        agree(m, &shares, &values[0], &blinders[0]);
    }

    #[test]
    fn the_crate_admits_what_we_admit(
        values in prop::collection::vec(number(), 2..=5),
        blinders in prop::collection::vec(number(), 5),
        index in 1_u8..=8,
        errors in prop::collection::vec(prop_oneof![2 => Just(Scalar::ZERO), 1 => number()], 2),
        asked in 1_u8..=8,
    ) {
        prop_assume!(values[0] != Scalar::ZERO);
        let (f, g) = (polynomial(&values), polynomial(&blinders[..values.len()]));
        let deal = deal_of(8, &values, &blinders[..values.len()]).unwrap();
        let (value, blinder) = (f.at(index).expose() + errors[0], g.at(index).expose() + errors[1]);
        let ours = deal.commitments.admit(asked, &value, &blinder);
        let right = value_at(&values, asked).bytes() == value.to_bytes()
            && value_at(&blinders[..values.len()], asked).bytes() == blinder.to_bytes();
        prop_assert_eq!(ours, right);
        // The crate refuses a half that is zero, which a uniform polynomial may well have.
        if value != Scalar::ZERO && blinder != Scalar::ZERO {
            prop_assert_eq!(ours, crate_admits(&deal, asked, &value, &blinder));
        }
    }
}

fn crate_admits(deal: &Deal, index: u8, value: &Scalar, blinder: &Scalar) -> bool {
    type Point = ValueGroup<RistrettoPoint>;
    let points: Vec<Point> = deal
        .commitments
        .encode()
        .iter()
        .map(|bytes| {
            ValueGroup(curve25519_dalek::ristretto::CompressedRistretto(*bytes).decompress().unwrap())
        })
        .collect();
    let base = ValueGroup(RistrettoPoint::mul_base(&Scalar::ONE));
    let h = ValueGroup(commitments::generator());
    let set = <Vec<Point> as PedersenVerifierSet<PrimeFieldShare<Scalar>, Point>>::
        pedersen_set_with_generators_and_verifiers(base, h, &points);
    let [value, blinder] = [value, blinder].map(|half| PrimeFieldShare {
        identifier: IdentifierPrimeField(Scalar::from(index)),
        value: IdentifierPrimeField(*half),
    });
    set.verify_share_and_blinder(&value, &blinder).is_ok()
}

#[test]
fn both_checks_agree_on_real_shares() {
    for (m, n) in [(2, 2), (3, 5), (8, 13)] {
        let (_, deal) = dealt(m, n);
        let (_, other) = dealt(m, n);
        for share in &deal.shares {
            let (index, ClaimedShare { value, blinder, .. }) = (share.index(), &share.claimed);
            let (value, blinder) = (value.expose(), blinder.expose());
            let one = Scalar::ONE;
            for (deal, index, value, blinder, good) in [
                (&deal, index, *value, *blinder, true),
                (&other, index, *value, *blinder, false),
                (&deal, index % 13 + 1, *value, *blinder, false),
                (&deal, index, value + one, *blinder, false),
                (&deal, index, *value, blinder - one, false),
                (&deal, index, *blinder, *value, false),
            ] {
                assert_eq!(deal.commitments.admit(index, &value, &blinder), good);
                assert_eq!(crate_admits(deal, index, &value, &blinder), good);
            }
        }
    }
}

#[test]
fn a_half_that_is_zero_is_a_share() {
    // f(x) = x - 2 is zero at 2: a share like any other, which the crate's own check would refuse.
    let two = Scalar::from(2_u8);
    let deal = deal_of(3, &[-two, Scalar::ONE], &[two, two]).unwrap();
    assert_eq!(&deal.shares[1].to_secret_bytes().expose()[..32], [0; 32]);
    assert!(!crate_admits(&deal, 2, &Scalar::ZERO, &Scalar::from(6_u8)));
    agree(2, &deal.shares.iter().collect::<Vec<_>>(), &-two, &two);
}
