//! Any M shares make the quorum, nothing else does, and its keys are those of the frozen vector.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests; the numbers are small"
)]

use super::*;
use crate::age::decrypt;
use crate::secret::SecretBytes;
use crate::share::{SHARE, ShareError};
use crate::wire::text;

mod forged;
mod record;

/// Every choice of `m` of `items`.
fn choices<T: Clone>(items: &[T], m: usize) -> Vec<Vec<T>> {
    let Some((first, rest)) = items.split_first().filter(|_| m > 0) else {
        return if m == 0 { vec![vec![]] } else { vec![] };
    };
    let mut all = choices(rest, m - 1);
    all.iter_mut().for_each(|choice| choice.insert(0, first.clone()));
    all.extend(choices(rest, m));
    all
}

fn terms(scheme: Scheme) -> Terms {
    let custodian = |index: u8| Custodian {
        name: format!("custodian {index}"),
        role: (index == 1).then(|| "head of treasury".to_owned()),
        seal: ["open", "passphrase", "age"][usize::from(index) % 3],
        card: [index; 32],
    };
    Terms {
        generation: 1,
        created: "2026-11-23T20:00:00Z".parse().unwrap(),
        organisation: Some("Acme \"Ltd\"".to_owned()),
        custodians: scheme.indices().map(custodian).collect(),
        predecessor: None,
    }
}

fn found(m: usize, n: usize) -> (Quorum, Deal, QuorumRecord) {
    let scheme = Scheme::new(m, n).unwrap();
    let (quorum, deal) = Quorum::found(scheme, &mut Entropy::system()).unwrap();
    let record = QuorumRecord::sign(&quorum, &deal.commitments, terms(scheme)).unwrap();
    (quorum, deal, record)
}

fn claim(share: &Share) -> ClaimedShare {
    ClaimedShare::read(share.index(), share.to_secret_bytes().expose()).unwrap()
}

/// The share with one bit of f(i) changed; it stays canonical.
fn altered(share: &Share) -> ClaimedShare {
    let mut bytes = share.to_secret_bytes();
    bytes.expose_mut()[3] ^= 0x10;
    ClaimedShare::read(share.index(), bytes.expose()).unwrap()
}

#[test]
fn every_choice_of_enough_shares_meets() {
    for (m, n) in [(2, 2), (2, 3), (3, 5), (4, 6), (5, 5), (5, 8)] {
        let (quorum, deal, record) = found(m, n);
        let shares: Vec<&Share> = deal.shares.iter().collect();
        for present in 0..=n {
            for choice in choices(&shares, present) {
                let met = Quorum::meet(&record, choice.iter().copied());
                if present < m {
                    let few = CombineError::TooFew { present, threshold: m as u8 };
                    assert_eq!(met.err(), Some(QuorumError::Combine(few)));
                } else {
                    let met = met.unwrap();
                    assert_eq!((met.id(), met.signer()), (quorum.id(), quorum.signer()));
                    assert_eq!(met.recipient(), quorum.recipient());
                    let claimed: Vec<_> = choice.iter().map(|share| claim(share)).collect();
                    let claimed: Vec<_> = claimed.iter().rev().collect();
                    let alone = Quorum::meet_without_record(quorum.id(), m as u8, &claimed).unwrap();
                    assert!(alone.identity().to_text().ct_eq(&quorum.identity().to_text()));
                }
            }
        }
    }
}

#[test]
fn a_wrong_share_is_named() {
    let (_, deal, record) = found(3, 5);
    for share in &deal.shares {
        let index = share.index();
        let refused = altered(share).check(record.commitments()).err();
        assert_eq!(refused, Some(ShareError::NotOfThisDeal { index }));
        // The right numbers under another's index.
        let other = index % 5 + 1;
        let relabelled = ClaimedShare::read(other, share.to_secret_bytes().expose()).unwrap();
        let refused = relabelled.check(record.commitments()).err();
        assert_eq!(refused, Some(ShareError::NotOfThisDeal { index: other }));
    }
    let beyond = ClaimedShare::read(6, deal.shares[0].to_secret_bytes().expose()).unwrap();
    let refused = beyond.check(record.commitments()).err();
    assert_eq!(refused, Some(ShareError::Index { index: 6, count: 5 }));
}

#[test]
fn shares_of_another_quorum_or_one_share_twice_do_not_meet() {
    let (_, deal, record) = found(2, 3);
    let (_, other, _) = found(2, 3);
    let refused = Quorum::meet(&record, [&deal.shares[0], &other.shares[1]]).err();
    assert_eq!(refused, Some(CombineError::OtherDeal { index: 2 }.into()));
    let refused = Quorum::meet(&record, [&deal.shares[0], &deal.shares[0]]).err();
    assert_eq!(refused, Some(CombineError::Twice { index: 1 }.into()));
}

#[test]
fn without_a_record_a_wrong_share_never_makes_a_quorum() {
    let (quorum, deal, _) = found(3, 5);
    let meet = |shares: &[ClaimedShare]| {
        let shares: Vec<_> = shares.iter().collect();
        Quorum::meet_without_record(quorum.id(), 3, &shares).err()
    };
    let right = |index: usize| claim(&deal.shares[index - 1]);
    for wrong in 1..=3 {
        let shares: Vec<_> =
            (1..=3).map(|n| if n == wrong { altered(&deal.shares[n - 1]) } else { right(n) }).collect();
        let Some(QuorumError::OtherQuorum { wanted, found }) = meet(&shares) else { panic!("{wrong}") };
        assert!(wanted == quorum.id() && found != wanted);
    }
    // With one more than needed, they contradict each other.
    let refused = meet(&[right(1), right(2), altered(&deal.shares[2]), right(5)]);
    assert_eq!(refused, Some(CombineError::Inconsistent.into()));
    assert_eq!(meet(&[right(1), right(2), right(2)]), Some(CombineError::Twice { index: 2 }.into()));
    let few = CombineError::TooFew { present: 2, threshold: 3 };
    assert_eq!(meet(&[right(1), right(2)]), Some(few.into()));
    // A threshold of one, as a forged card may claim, is never taken.
    let refused = Quorum::meet_without_record(quorum.id(), 1, &[&right(1)]).err();
    assert_eq!(refused, Some(CombineError::TooFew { present: 1, threshold: 2 }.into()));
    // A threshold lower than the true one interpolates to something else.
    let refused = Quorum::meet_without_record(quorum.id(), 2, &[&right(1), &right(2)]).err();
    assert!(matches!(refused, Some(QuorumError::OtherQuorum { .. })));
}

/// The lines `name: value` of the vector.
fn vector(name: &str) -> String {
    let text = include_str!("../../tests/vectors/quorum-1.txt");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap().to_owned()
}

#[test]
fn the_keys_of_a_secret_are_frozen() {
    // Two points of a constant polynomial: their constant is the secret of the vector.
    let secret = text::from_hex(&vector("secret")).unwrap();
    let share = [&secret[..], &[0; 32]].concat();
    assert_eq!(share.len(), SHARE);
    let [one, two] = [1, 2].map(|index| ClaimedShare::read(index, &share).unwrap());
    let id = QuorumId::from_text(&vector("quorum id").replace('-', "")).unwrap();
    let quorum = Quorum::meet_without_record(id, 2, &[&one, &two]).unwrap();
    assert_eq!(quorum.id().to_string(), vector("quorum id"));
    assert_eq!(text::hex(&quorum.signer()), vector("signer"));
    assert_eq!(text::hex(&quorum.sign(b"quorate")), vector("signature of quorate"));
    assert_eq!(quorum.identity().to_text().expose(), vector("identity").as_bytes());
    assert_eq!(quorum.recipient().to_string(), vector("recipient"));
}

#[test]
fn the_identity_opens_what_the_recipient_got() {
    let (quorum, _, record) = found(2, 3);
    let file = crate::age::encrypt(b"a key", &[record.recipient().clone()], &mut Entropy::system()).unwrap();
    let open =
        decrypt(&file, &[quorum.identity()], crate::age::Stanzas::OnlyHybrid, &crate::age::LIMITS).unwrap();
    assert!(open.ct_eq(&SecretBytes::copy_of(b"a key")));
}

#[test]
fn a_quorum_prints_nothing_but_its_name() {
    let (quorum, _, _) = found(2, 2);
    assert_eq!(format!("{quorum:?}"), format!("Quorum({}, <redacted>)", quorum.id()));
}
