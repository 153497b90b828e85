//! Commitments that must not be read, or that must not admit a share: a wrong number of them, a
//! higher degree, other generators, the identity, and bytes that are no point.

use super::*;
use curve25519_dalek::ristretto::RistrettoPoint;

/// The deal of two polynomials of degree 2 with small coefficients.
fn small() -> Deal {
    deal_of(5, &[3u8, 5, 7].map(Scalar::from), &[11u8, 13, 17].map(Scalar::from)).unwrap()
}

#[test]
fn the_number_of_commitments_is_the_threshold() {
    let points = dealt(5, 6).1.commitments.encode();
    for threshold in 2..=6 {
        for found in 0..=5 {
            let read = Commitments::read(scheme(threshold, 6), &points[..found]);
            if found == threshold {
                assert!(read.is_ok());
            } else {
                let wanted = u8::try_from(threshold).unwrap();
                assert_eq!(read.unwrap_err(), CommitmentsError::Count { wanted, found });
            }
        }
    }
    // The number is looked at before any point: a million bytes of nonsense cost nothing.
    let error = Commitments::read(scheme(3, 5), &vec![[0xff; POINT]; 32_768]).unwrap_err();
    assert_eq!(error, CommitmentsError::Count { wanted: 3, found: 32_768 });
}

#[test]
fn a_polynomial_of_higher_degree_is_refused() {
    // The dealer says "3 of 6" and deals degree 4: three shares would combine to garbage.
    let (_, deal) = dealt(5, 6);
    let points = deal.commitments.encode();
    let error = Commitments::read(scheme(3, 6), &points).unwrap_err();
    assert_eq!(error, CommitmentsError::Count { wanted: 3, found: 5 });
    let cut = Commitments::read(scheme(3, 6), &points[..3]).unwrap();
    for (index, share) in (1..).zip(&deal.shares) {
        assert_eq!(reread(share).check(&cut).unwrap_err(), ShareError::NotOfThisDeal { index });
    }
}

#[test]
fn other_generators_are_refused() {
    let deal = small();
    let (f, g) = ([3u8, 5, 7].map(Scalar::from), [11u8, 13, 17].map(Scalar::from));
    let base = RistrettoPoint::mul_base(&Scalar::ONE);
    let commit = |to_value: RistrettoPoint, to_blinder: RistrettoPoint| {
        let points = f.iter().zip(&g).map(|(a, b)| to_value * a + to_blinder * b).collect();
        Commitments::of(scheme(3, 5), points)
    };
    let h = commitments::generator();
    assert!(commit(base, h) == deal.commitments);
    let two = Scalar::from(2u8);
    let other = RistrettoPoint::from_uniform_bytes(&[1; 64]);
    let feldman = commit(base, RistrettoPoint::default());
    for foreign in
        [commit(base * two, h * two), commit(base * two, h), commit(base, other), commit(h, base), feldman]
    {
        for (index, share) in (1..).zip(&deal.shares) {
            assert_eq!(reread(share).check(&foreign).unwrap_err(), ShareError::NotOfThisDeal { index });
        }
    }
}

#[test]
fn the_second_generator_is_the_one_of_the_format() {
    let h = commitments::generator();
    assert_eq!(hex(h.compress().as_bytes()), vector::field("h"));
    assert_eq!(commitments::commit(&Scalar::ZERO, &Scalar::ONE), h);
    assert_ne!(h, RistrettoPoint::mul_base(&Scalar::ONE));
}

#[test]
fn the_identity_hides_nothing() {
    let points = small().commitments.encode();
    for place in 0..3 {
        let mut points = points.clone();
        points[place] = [0; POINT];
        let read = Commitments::read(scheme(3, 5), &points);
        if place == 1 {
            // An inner coefficient of both polynomials may be zero like any other number.
            assert!(read.is_ok());
        } else {
            assert_eq!(read.unwrap_err(), CommitmentsError::Identity { place });
        }
    }
}

#[test]
fn only_canonical_points_are_read() {
    let good = small().commitments.encode();
    let edge = |low: u8, high: u8| {
        let mut bytes = [0xff; 32];
        bytes[0] = low;
        bytes[31] = high;
        bytes
    };
    let hexed = |text: &str| -> [u8; 32] {
        let bytes = (0..32).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2).unwrap(), 16).unwrap());
        bytes.collect::<Vec<_>>().try_into().unwrap()
    };
    let mut one = [0; 32];
    one[0] = 1;
    let mut high = good[1];
    high[31] |= 0x80;
    // The prime, the prime and one, -1, all ones: not reduced. One: negative. The high bit is not
    // part of the number. The last two are of RFC 9496 appendix A.3: no square, negative product.
    let bad = [
        edge(0xed, 0x7f),
        edge(0xee, 0x7f),
        edge(0xec, 0x7f),
        edge(0xff, 0xff),
        one,
        high,
        hexed("26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"),
        hexed("3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e"),
    ];
    for bytes in bad {
        for place in 0..3 {
            let mut points = good.clone();
            points[place] = bytes;
            let error = Commitments::read(scheme(3, 5), &points).unwrap_err();
            assert_eq!(error, CommitmentsError::NotAPoint { place }, "{}", hex(&bytes));
        }
    }
}

#[test]
fn each_commitment_counts() {
    let deal = small();
    for place in 0..3 {
        let mut points = deal.commitments.encode();
        let other = RistrettoPoint::from_uniform_bytes(&[2; 64]);
        points[place] = other.compress().to_bytes();
        let altered = Commitments::read(scheme(3, 5), &points).unwrap();
        assert_ne!(altered.digest(), deal.commitments.digest());
        for (index, share) in (1..).zip(&deal.shares) {
            assert_eq!(reread(share).check(&altered).unwrap_err(), ShareError::NotOfThisDeal { index });
        }
    }
}
