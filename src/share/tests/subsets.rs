//! Which shares recover: every subset of M or more, in any order, and none of fewer.

use super::*;
use proptest::prelude::*;

/// Combines the shares at `places`, checked and claimed, and compares with `secret`.
fn recovers(secret: &SecretScalar, deal: &Deal, places: &[usize]) -> bool {
    let shares = places.iter().map(|place| &deal.shares[*place]);
    let m = deal.commitments.scheme().threshold();
    let claimed: Vec<ClaimedShare> = shares.clone().map(reread).collect();
    let bare = combine_claimed(m, &claimed.iter().collect::<Vec<_>>());
    match (combine(&deal.commitments, shares), bare) {
        (Ok(checked), Ok(bare)) => {
            assert!(same(&checked, secret) && same(&bare, secret));
            true
        }
        (Err(error), Err(bare)) => {
            assert_eq!(error, bare);
            assert_eq!(error, CombineError::TooFew { present: places.len(), threshold: m });
            false
        }
        (checked, bare) => panic!("{checked:?} {bare:?}"),
    }
}

#[test]
fn exactly_the_subsets_of_m_and_more_recover() {
    for n in 2..=6 {
        for m in 2..=n {
            let (secret, deal) = dealt(m, n);
            for subset in 0..1_usize << n {
                let mut places: Vec<usize> = (0..n).filter(|place| subset >> place & 1 == 1).collect();
                assert_eq!(recovers(&secret, &deal, &places), places.len() >= m);
                places.reverse();
                assert_eq!(recovers(&secret, &deal, &places), places.len() >= m);
            }
        }
    }
}

#[test]
fn one_share_less_says_nothing() {
    // M-1 shares fit every secret equally well: for any other secret there is a polynomial of the
    // right degree through it and through them. Here it is built, and deals the very same shares.
    for n in 3..=6 {
        for m in 3..=n {
            let (secret, deal) = dealt(m, n);
            let held = &deal.shares[..m - 1];
            let claimed: Vec<_> = held.iter().map(reread).collect();
            let wrong =
                combine_claimed(u8::try_from(m - 1).unwrap(), &claimed.iter().collect::<Vec<_>>()).unwrap();
            assert!(!same(&wrong, &secret));
            // f + c (x-1)...(x-(M-1)) has the same values at 1..M-1 and another one at zero.
            let vanishing = (1..m).fold(vec![Scalar::ONE], |product, root| {
                let root = Scalar::from(root as u64);
                let mut next = vec![Scalar::ZERO; product.len() + 1];
                for (degree, coefficient) in product.iter().enumerate() {
                    next[degree + 1] += coefficient;
                    next[degree] -= coefficient * root;
                }
                next
            });
            let f: Vec<Scalar> = (0..m).map(|k| Scalar::from(100 + k as u64)).collect();
            let other: Vec<Scalar> = f.iter().zip(&vanishing).map(|(a, v)| a + v).collect();
            let [first, second] = [&f, &other].map(|values| deal_of(n, values, &f).unwrap());
            assert_ne!(f[0], other[0]);
            for place in 0..n {
                let [a, b] = [&first, &second].map(|deal| deal.shares[place].to_secret_bytes());
                assert_eq!(a.ct_eq(&b), place < m - 1);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_m_shares_recover_in_any_order(
        (m, places) in (2_usize..=12)
            .prop_flat_map(|n| (2..=n, Just((0..n).collect::<Vec<_>>()).prop_shuffle())),
        extra in 0_usize..=12,
    ) {
        let n = places.len();
        let (secret, deal) = dealt(m, n);
        prop_assert!(recovers(&secret, &deal, &places[..(m + extra).min(n)]));
        prop_assert!(!recovers(&secret, &deal, &places[..m - 1]));
    }
}

#[test]
fn a_large_quorum_recovers() {
    let (secret, deal) = dealt(16, 31);
    for step in [1, 3, 7, 12] {
        let places: Vec<usize> = (0..31).map(|place| place * step % 31).collect();
        assert!(recovers(&secret, &deal, &places[..16]));
        assert!(recovers(&secret, &deal, &places));
        assert!(!recovers(&secret, &deal, &places[..15]));
    }
}

#[test]
fn the_largest_quorums_recover() {
    let (secret, deal) = dealt(128, 255);
    let places: Vec<usize> = (0..255).map(|place| place * 77 % 255).collect();
    assert!(recovers(&secret, &deal, &places[..128]));
    assert!(!recovers(&secret, &deal, &places[..127]));
    let (secret, deal) = dealt(255, 255);
    let all: Vec<usize> = (0..255).collect();
    assert!(recovers(&secret, &deal, &all));
    assert!(!recovers(&secret, &deal, &all[1..]));
}
