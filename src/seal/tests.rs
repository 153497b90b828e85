//! Every seal opens again, and every altered bit of a card is refused with an error that names it.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests; the numbers are small"
)]

use super::*;
use crate::age::{Identity, Kind, Recipient};
use crate::share::{Commitments, Deal, QuorumId, Scheme, fresh_secret, split};

mod forged;

fn deal() -> Deal {
    let mut entropy = Entropy::system();
    let secret = fresh_secret(&mut entropy).unwrap();
    split(&secret, Scheme::new(2, 3).unwrap(), &mut entropy).unwrap()
}

fn header(index: u8) -> CardHeader {
    CardHeader::new(QuorumId::from_bytes([0x51; 10]), 1, index, Scheme::new(2, 3).unwrap()).unwrap()
}

fn identity(kind: Kind) -> (Identity, Recipient) {
    let identity = Identity::from_seed(kind, &Entropy::system().secret(32).unwrap()).unwrap();
    let recipient = identity.recipient().unwrap();
    (identity, recipient)
}

fn words(text: &str) -> Passphrase {
    Passphrase::parse(text.as_bytes()).unwrap()
}

fn seal(deal: &Deal, index: u8, with: &Sealer<'_>) -> SealedShare {
    let share = &deal.shares[usize::from(index) - 1];
    SealedShare::seal(header(index), share, with, &mut Entropy::system()).unwrap()
}

/// The card's bytes with a check that fits what an attacker made of them.
fn with_check(bytes: &[u8]) -> Vec<u8> {
    let before = &bytes[..bytes.len() - CHECK];
    [before, &check(before)].concat()
}

fn is_share(claimed: ClaimedShare, commitments: &Commitments, share: &Share) -> bool {
    claimed.check(commitments).is_ok_and(|found| found.to_secret_bytes().ct_eq(&share.to_secret_bytes()))
}

#[test]
fn what_is_sealed_is_unsealed() {
    let deal = deal();
    let share = &deal.shares[1];
    let again = |card: &SealedShare| {
        let read = SealedShare::read(card.expose()).unwrap();
        assert_eq!(read.digest(), card.digest());
        assert_eq!((read.header(), read.kind()), (card.header(), card.kind()));
        read
    };
    let open = again(&seal(&deal, 2, &Sealer::Open));
    assert_eq!(open.expose().len(), 90);
    assert!(is_share(open.open_plain().unwrap(), &deal.commitments, share));

    let typed = words("correct horse café");
    let card = again(&seal(&deal, 2, &Sealer::Passphrase(&typed, Cost::LEAST)));
    assert_eq!(card.expose().len(), 125);
    assert_eq!(card.kind(), SealKind::Passphrase(Cost::LEAST));
    let otherwise = words("  correct\thorse cafe\u{301}\n");
    assert!(is_share(card.open_passphrase(&otherwise).unwrap(), &deal.commitments, share));

    for kind in [Kind::X25519, Kind::Hybrid] {
        let (identity, recipient) = identity(kind);
        let card = again(&seal(&deal, 2, &Sealer::Age(&recipient)));
        assert!(is_share(card.open_identity(&identity).unwrap(), &deal.commitments, share));
        let plain = age::decrypt(card.age_file().unwrap(), &[&identity], age::Stanzas::Any, &age::LIMITS);
        assert!(is_share(card.open_age(&plain.unwrap()).unwrap(), &deal.commitments, share));
    }
}

#[test]
fn two_cards_of_one_share_have_nothing_in_common() {
    let (deal, typed) = (deal(), words("the same words"));
    let [a, b] = [(); 2].map(|()| seal(&deal, 1, &Sealer::Passphrase(&typed, Cost::LEAST)));
    // Salt, ciphertext and tag: no byte string of four is in both.
    let tail = |card: &SealedShare| card.expose()[21..].to_vec();
    let (a, b) = (tail(&a), tail(&b));
    assert!(!a.windows(4).any(|part| b.windows(4).any(|other| other == part)));
    let share = deal.shares[0].to_secret_bytes();
    assert!(!a.windows(4).any(|part| share.expose().windows(4).any(|other| other == part)));
}

#[test]
fn a_card_is_opened_in_its_own_way_only() {
    let (deal, typed) = (deal(), words("whatever"));
    let (identity, recipient) = identity(Kind::X25519);
    let open = seal(&deal, 3, &Sealer::Open);
    let sealed = seal(&deal, 3, &Sealer::Passphrase(&typed, Cost::LEAST));
    let age = seal(&deal, 3, &Sealer::Age(&recipient));
    let other = |kind| Some(UnsealError::OtherSeal { index: 3, kind });
    assert_eq!(open.open_passphrase(&typed).err(), other("open"));
    assert_eq!(open.open_identity(&identity).err(), other("open"));
    assert_eq!(sealed.open_plain().err(), other("passphrase"));
    assert_eq!(sealed.open_identity(&identity).err(), other("passphrase"));
    assert_eq!(age.open_plain().err(), other("age"));
    assert_eq!(age.open_passphrase(&typed).err(), other("age"));
    assert_eq!(sealed.open_passphrase(&words("Whatever")).err(), Some(UnsealError::Passphrase { index: 3 }));
    let (stranger, _) = self::identity(Kind::X25519);
    assert_eq!(age.open_identity(&stranger).err(), Some(UnsealError::Identity { index: 3 }));
}

/// One card of each seal.
fn cards() -> Vec<SealedShare> {
    let deal = deal();
    let recipients = [Kind::X25519, Kind::Hybrid].map(|kind| identity(kind).1);
    let sealers = [
        Sealer::Open,
        Sealer::Passphrase(&words("whatever"), Cost::LEAST),
        Sealer::Age(&recipients[0]),
        Sealer::Age(&recipients[1]),
    ];
    sealers.iter().map(|sealer| seal(&deal, 1, sealer)).collect()
}

#[test]
fn every_damaged_bit_is_named() {
    for card in cards() {
        let bytes = card.expose();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut altered = bytes.to_vec();
                altered[place] ^= 1 << bit;
                let wanted = match place {
                    0 => CardError::Version { found: altered[0] },
                    _ => CardError::Check,
                };
                assert_eq!(SealedShare::read(&altered).err(), Some(wanted), "byte {place} bit {bit}");
                assert!(SealedShare::read_padded(&altered).is_err(), "byte {place} bit {bit}");
            }
        }
    }
}

#[test]
fn every_other_length_is_named() {
    for card in cards() {
        let bytes = card.expose();
        let short = WireError::Short { artefact: CARD, field: "version" };
        assert_eq!(SealedShare::read(&[]).err(), Some(CardError::Wire(short)));
        for length in 1..bytes.len() {
            assert_eq!(SealedShare::read(&bytes[..length]).err(), Some(CardError::Check), "{length}");
            assert!(SealedShare::read_padded(&bytes[..length]).is_err(), "{length}");
        }
        for extra in 0..=u8::MAX {
            let longer = [bytes, &[extra]].concat();
            assert_eq!(SealedShare::read(&longer).err(), Some(CardError::Check));
        }
    }
}

#[test]
fn only_zeros_follow_a_card_in_its_typed_lines() {
    for card in cards() {
        for zeros in 0..20 {
            let padded = [card.expose(), &vec![0; zeros]].concat();
            assert_eq!(SealedShare::read_padded(&padded).unwrap().digest(), card.digest());
            if zeros > 0 {
                assert_eq!(SealedShare::read(&padded).err(), Some(CardError::Check));
            }
            for place in 0..zeros {
                let mut wrong = padded.clone();
                wrong[card.expose().len() + place] = 1;
                let trailing = WireError::Trailing { artefact: CARD, extra: zeros };
                assert_eq!(SealedShare::read_padded(&wrong).err(), Some(CardError::Wire(trailing)));
            }
        }
    }
}

#[test]
fn the_first_bytes_say_how_long_a_card_is() {
    for card in cards() {
        let bytes = card.expose();
        assert_eq!(SealedShare::stated_length(bytes), Some(bytes.len()));
        assert_eq!(SealedShare::stated_length(&bytes[..20]), Some(bytes.len()));
        assert!((0..18).all(|length| SealedShare::stated_length(&bytes[..length]).is_none()));
    }
}

#[test]
fn headers_of_shares_that_do_not_exist() {
    let id = QuorumId::from_bytes([1; 10]);
    let scheme = Scheme::new(2, 3).unwrap();
    for (generation, index) in [(0, 1), (1, 0), (1, 4), (1, 255)] {
        assert_eq!(CardHeader::new(id, generation, index, scheme), None);
    }
    assert!(CardHeader::new(id, u16::MAX, 3, scheme).is_some());
}

#[test]
fn an_age_file_has_a_longest_length() {
    assert!(SealedShare::around_age_file(header(1), &[7; LONGEST_AGE]).is_ok());
    for length in [LONGEST_AGE + 1, 65_535, 65_536, 1 << 20] {
        let refused = SealedShare::around_age_file(header(1), &vec![7; length]).err();
        assert_eq!(refused, Some(SealError::Recipient));
    }
}

#[test]
fn a_card_prints_nothing_of_its_share() {
    let deal = deal();
    let card = seal(&deal, 1, &Sealer::Open);
    let printed = format!("{card:?}");
    assert!(printed.len() < 250 && !printed.contains("bytes:"), "{printed}");
}
