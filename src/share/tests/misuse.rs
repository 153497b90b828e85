//! Shares that must not be admitted, and quorums that must not be combined: one test for each row
//! of the misuse table that the arithmetic underneath answers with a wrong secret, or not at all.

use super::*;

#[test]
fn index_zero_is_refused() {
    let (_, deal) = dealt(2, 3);
    let bytes = deal.shares[0].to_secret_bytes();
    let error = ClaimedShare::read(0, bytes.expose()).unwrap_err();
    assert_eq!(error, ShareError::Index { index: 0, count: 255 });
    // A claimed share with index 0 can't be read; if it were there, the check refuses it too, even
    // where its halves are the polynomials' values at 0, that is, the secret itself.
    let (f, g) = ([5u8, 7].map(Scalar::from), [11u8, 13].map(Scalar::from));
    let deal = deal_of(3, &f, &g).unwrap();
    let zero = ClaimedShare { index: 0, value: secret(f[0]), blinder: secret(g[0]) };
    assert!(deal.commitments.admit(0, &f[0], &g[0]));
    assert_eq!(zero.check(&deal.commitments).unwrap_err(), ShareError::Index { index: 0, count: 3 });
}

#[test]
fn an_index_beyond_the_last_share_is_refused() {
    // The polynomials have values there, so that the equation alone would admit it.
    let (f, g) = ([5u8, 7].map(Scalar::from), [11u8, 13].map(Scalar::from));
    let deal = deal_of(3, &f, &g).unwrap();
    for index in 4..=u8::MAX {
        let x = Scalar::from(index);
        let (value, blinder) = (f[0] + f[1] * x, g[0] + g[1] * x);
        assert!(deal.commitments.admit(index, &value, &blinder));
        let beyond = ClaimedShare { index, value: secret(value), blinder: secret(blinder) };
        assert_eq!(beyond.check(&deal.commitments).unwrap_err(), ShareError::Index { index, count: 3 });
    }
}

#[test]
fn one_share_twice_is_refused() {
    let (_, deal) = dealt(3, 5);
    let [a, b, c, ..] = deal.shares.as_slice() else { panic!() };
    for shares in [vec![a, b, b], vec![b, a, c, b], vec![b, b]] {
        let error = combine(&deal.commitments, shares.iter().copied()).unwrap_err();
        assert_eq!(error, CombineError::Twice { index: 2 });
        let claimed: Vec<ClaimedShare> = shares.iter().map(|share| reread(share)).collect();
        let error = combine_claimed(3, &claimed.iter().collect::<Vec<_>>()).unwrap_err();
        assert_eq!(error, CombineError::Twice { index: 2 });
    }
    // Two different contents under one index are still one index.
    let claimed = [reread(a), read_as(1, b), reread(c)];
    let error = combine_claimed(3, &claimed.iter().collect::<Vec<_>>()).unwrap_err();
    assert_eq!(error, CombineError::Twice { index: 1 });
}

#[test]
fn dealt_indices_are_one_to_n() {
    for (m, n) in [(2, 2), (2, 7), (3, 40)] {
        let (_, deal) = dealt(m, n);
        assert!(deal.shares.iter().map(Share::index).eq(1..=u8::try_from(n).unwrap()));
    }
}

#[test]
fn too_few_are_refused() {
    let (_, deal) = dealt(4, 6);
    for present in 0..4 {
        let too_few = CombineError::TooFew { present, threshold: 4 };
        assert_eq!(combine(&deal.commitments, &deal.shares[..present]).unwrap_err(), too_few);
        let claimed: Vec<_> = deal.shares[..present].iter().map(reread).collect();
        assert_eq!(combine_claimed(4, &claimed.iter().collect::<Vec<_>>()).unwrap_err(), too_few);
    }
    // The crate asks for two at least, whatever the threshold; so do we.
    let one = reread(&deal.shares[0]);
    for threshold in [0, 1] {
        let error = combine_claimed(threshold, &[&one]).unwrap_err();
        assert_eq!(error, CombineError::TooFew { present: 1, threshold: 2 });
    }
}

#[test]
fn two_deals_of_one_secret_do_not_mix() {
    let (secret, first) = dealt(3, 5);
    let second = split(&secret, scheme(3, 5), &mut Entropy::system()).unwrap();
    for (index, share) in (1..).zip(&second.shares) {
        let error = reread(share).check(&first.commitments).unwrap_err();
        assert_eq!(error, ShareError::NotOfThisDeal { index });
    }
    let mixed = [&first.shares[0], &second.shares[1], &first.shares[2]];
    let error = combine(&first.commitments, mixed).unwrap_err();
    assert_eq!(error, CombineError::OtherDeal { index: 2 });
    let error = combine(&first.commitments, &second.shares).unwrap_err();
    assert_eq!(error, CombineError::OtherDeal { index: 1 });
    // Without commitments nobody can tell from the shares: the result is another number.
    let claimed = mixed.map(reread);
    assert!(!same(&combine_claimed(3, &claimed.each_ref()).unwrap(), &secret));
}

#[test]
fn one_deal_under_two_schemes_does_not_mix() {
    let (secret, deal) = dealt(3, 5);
    let wider = Commitments::read(scheme(3, 6), &deal.commitments.encode()).unwrap();
    assert_ne!(wider.digest(), deal.commitments.digest());
    let error = combine(&wider, &deal.shares).unwrap_err();
    assert_eq!(error, CombineError::OtherDeal { index: 1 });
    let again = Commitments::read(scheme(3, 5), &deal.commitments.encode()).unwrap();
    assert!(again == deal.commitments);
    assert!(same(&combine(&again, &deal.shares).unwrap(), &secret));
}

#[test]
fn a_relabelled_share_is_refused() {
    let (_, deal) = dealt(2, 255);
    for index in 2..=255 {
        let error = read_as(index, &deal.shares[0]).check(&deal.commitments).unwrap_err();
        assert_eq!(error, ShareError::NotOfThisDeal { index });
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let (_, deal) = dealt(3, 5);
    let (mut altered, mut not_canonical) = (0, 0);
    for bit in 0..SHARE * 8 {
        let mut bytes = deal.shares[3].to_secret_bytes();
        bytes.expose_mut()[bit / 8] ^= 1 << (bit % 8);
        match ClaimedShare::read(4, bytes.expose()).and_then(|claimed| claimed.check(&deal.commitments)) {
            Err(ShareError::NotOfThisDeal { index: 4 }) => altered += 1,
            Err(ShareError::NotCanonical { index: 4 }) => not_canonical += 1,
            other => panic!("bit {bit}: {other:?}"),
        }
    }
    // Bits 253 to 255 of each half are always zero.
    assert!(not_canonical >= 6 && altered + not_canonical == 512, "{altered} {not_canonical}");
}

#[test]
fn the_wrong_half_is_refused() {
    let (_, deal) = dealt(2, 3);
    let [a, b, _] = deal.shares.as_slice() else { panic!() };
    let halves = |value: &Share, blinder: &Share| {
        let (value, blinder) = (value.to_secret_bytes(), blinder.to_secret_bytes());
        [&value.expose()[..32], &blinder.expose()[32..]].concat()
    };
    assert!(ClaimedShare::read(1, &halves(a, a)).unwrap().check(&deal.commitments).is_ok());
    let mut swapped = halves(a, a);
    swapped.rotate_left(32);
    for bytes in [halves(a, b), halves(b, a), swapped] {
        let error = ClaimedShare::read(1, &bytes).unwrap().check(&deal.commitments).unwrap_err();
        assert_eq!(error, ShareError::NotOfThisDeal { index: 1 });
    }
}

#[test]
fn only_canonical_scalars_are_read() {
    let plus = |small: u8| {
        let mut bytes = ORDER;
        bytes[0] += small;
        bytes
    };
    let below = Scalar::ZERO - Scalar::ONE;
    assert_eq!(hex(below.as_bytes()), hex(&[&[0xec][..], &ORDER[1..]].concat()));
    let good = *below.as_bytes();
    let (mut high_bit, mut bit_254) = ([0; 32], good);
    high_bit[31] = 0x80;
    bit_254[31] |= 0x40;
    for bad in [ORDER, plus(1), plus(2), [0xff; 32], high_bit, bit_254] {
        for bytes in [[bad, good], [good, bad], [bad, bad]] {
            let error = ClaimedShare::read(7, bytes.as_flattened()).unwrap_err();
            assert_eq!(error, ShareError::NotCanonical { index: 7 });
        }
    }
    assert_eq!(ClaimedShare::read(7, [good, [0; 32]].as_flattened()).unwrap().index(), 7);
    for length in (0..SHARE).chain([SHARE + 1, SHARE * 2, 4096]) {
        let error = ClaimedShare::read(7, &vec![0; length]).unwrap_err();
        assert_eq!(error, ShareError::NotCanonical { index: 7 }, "{length} bytes");
    }
}

#[test]
fn a_secret_of_zero_is_not_split() {
    let error = split(&secret(Scalar::ZERO), scheme(2, 3), &mut Entropy::system()).unwrap_err();
    assert_eq!(error, SplitError::Zero);
}

#[test]
fn every_other_coefficient_may_be_zero() {
    let [zero, some] = [0u8, 9].map(Scalar::from);
    // Each place by itself, then all of both polynomials but the secret.
    for place in 0..7 {
        let mut values = [some; 4];
        let mut blinders = [some; 4];
        *(if place < 3 { &mut values[place + 1] } else { &mut blinders[place - 3] }) = zero;
        let deal = deal_of(6, &values, &blinders).unwrap();
        assert!(same(&combine(&deal.commitments, &deal.shares).unwrap(), &secret(some)));
    }
    let deal = deal_of(6, &[some, zero, zero, zero], &[zero; 4]).unwrap();
    assert!(same(&combine(&deal.commitments, &deal.shares[2..]).unwrap(), &secret(some)));
    assert!(deal.commitments.encode()[1..].iter().all(|point| *point == [0; 32]));
}

#[test]
fn a_faulty_deal_is_not_handed_out() {
    let [one, two] = [1u8, 2].map(Scalar::from);
    let faulty = deal(&secret(two), scheme(2, 3), &polynomial(&[one, two]), &polynomial(&[two, two]));
    assert_eq!(faulty.unwrap_err(), SplitError::SelfCheck);
    // A polynomial of a higher degree than its threshold.
    let faulty = deal(&secret(one), scheme(2, 3), &polynomial(&[one; 3]), &polynomial(&[two; 2]));
    assert_eq!(faulty.unwrap_err(), SplitError::SelfCheck);
}

#[test]
fn what_passed_by_fault_is_still_not_released() {
    // Shares that carry the deal's digest and do not lie on its polynomials: no path makes them,
    // a fault of memory might.
    let (_, deal) = dealt(3, 5);
    for wrong in 0..5 {
        for blinder in [false, true] {
            let shares: Vec<Share> = (0..5)
                .map(|place| {
                    let mut claimed = reread(&deal.shares[place]);
                    let half = if blinder { &mut claimed.blinder } else { &mut claimed.value };
                    if place == wrong {
                        *half = secret(half.expose() + Scalar::ONE);
                    }
                    Share { claimed, deal: *deal.commitments.digest() }
                })
                .collect();
            let error = combine(&deal.commitments, &shares).unwrap_err();
            assert_eq!(error, CombineError::Inconsistent);
            let exactly = combine(&deal.commitments, &shares[..3]);
            assert_eq!(exactly.is_err(), wrong < 3);
            let claimed: Vec<_> = shares.iter().map(|share| &share.claimed).collect();
            assert_eq!(combine_claimed(3, &claimed).unwrap_err(), CombineError::Inconsistent);
        }
    }
}
