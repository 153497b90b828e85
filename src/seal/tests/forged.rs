//! Cards by somebody who can make the check bytes fit: what the seal itself refuses.

use super::*;

/// Where the seal's kind stands, and where the body begins.
const SEAL: usize = 17;
const BODY: usize = CardHeader::LENGTH;

#[test]
fn costs_outside_the_limits_are_refused_before_anything_is_allocated() {
    let deal = deal();
    let card = seal(&deal, 1, &Sealer::Passphrase(&words("whatever"), Cost::LEAST));
    let read = |cost: [u8; 3]| {
        let mut bytes = card.expose().to_vec();
        bytes[BODY..BODY + 3].copy_from_slice(&cost);
        SealedShare::read(&with_check(&bytes)).map(|card| card.kind())
    };
    for wrong in 0..=u8::MAX {
        let refused = |[memory, passes, lanes]: [u8; 3]| {
            let error = CostError { memory, passes, lanes };
            assert_eq!(read([memory, passes, lanes]), Err(CardError::Cost(error)));
        };
        if !(16..=22).contains(&wrong) {
            refused([wrong, 3, 4]);
        }
        if !(3..=16).contains(&wrong) {
            refused([16, wrong, 4]);
        }
        if !(1..=16).contains(&wrong) {
            refused([16, 3, wrong]);
        }
    }
    for (memory, passes, lanes) in [(16, 3, 1), (22, 16, 16), (19, 3, 4)] {
        let cost = Cost::new(memory, passes, lanes).unwrap();
        assert_eq!(read(cost.bytes()), Ok(SealKind::Passphrase(cost)));
        assert_eq!(cost.memory_mib(), 1 << (memory - 10));
    }
}

#[test]
fn unknown_versions_kinds_and_seals_are_named() {
    let card = seal(&deal(), 1, &Sealer::Open);
    let read = |place: usize, value: u8| {
        let mut bytes = card.expose().to_vec();
        bytes[place] = value;
        let padded = SealedShare::read_padded(&with_check(&bytes)).err();
        assert_eq!(SealedShare::read(&with_check(&bytes)).err(), padded);
        padded
    };
    for found in (0..=u8::MAX).filter(|found| *found != 1) {
        assert_eq!(read(0, found), Some(CardError::Version { found }));
        assert_eq!(read(1, found), Some(CardError::Kind { found }));
    }
    let value = |field| Some(CardError::Wire(WireError::Value { artefact: CARD, field }));
    for seal in 3..=u8::MAX {
        assert_eq!(read(SEAL, seal), value("seal"));
    }
    assert_eq!(read(14, 0), value("index"));
    assert_eq!(read(14, 4), value("index"));
    assert_eq!(read(15, 0), value("threshold"));
    assert_eq!(read(15, 1), value("threshold"));
    assert_eq!(read(15, 4), value("threshold"));
    assert_eq!(read(16, 1), value("threshold"));
    // Generation 0: one bit from generation 1.
    assert_eq!(read(13, 0), value("index"));
}

#[test]
fn an_open_card_that_was_altered_is_another_card_or_no_share() {
    let deal = deal();
    let card = seal(&deal, 1, &Sealer::Open);
    for place in 0..card.expose().len() - CHECK {
        for bit in 0..8 {
            let mut bytes = card.expose().to_vec();
            bytes[place] ^= 1 << bit;
            let Ok(forged) = SealedShare::read(&with_check(&bytes)) else { continue };
            // The record's digest of the card names it, whatever it holds.
            assert_ne!(forged.digest(), card.digest());
            let share = forged.open_plain().ok().and_then(|claimed| claimed.check(&deal.commitments).ok());
            assert!(forged.header() != card.header() || share.is_none(), "byte {place} bit {bit}");
        }
    }
}

#[test]
fn an_altered_passphrase_card_does_not_open() {
    let (deal, typed) = (deal(), words("whatever"));
    let card = seal(&deal, 1, &Sealer::Passphrase(&typed, Cost::LEAST));
    let (cost, salt) = (BODY, BODY + 3);
    let sealed = salt + SALT;
    // One bit of each field: quorum, generation, index, N, passes, lanes, salt, ciphertext, tag.
    let places = [
        (2, 7),
        (11, 0),
        (12, 3),
        (13, 1),
        (14, 1),
        (16, 2),
        (cost + 1, 2),
        (cost + 2, 0),
        (salt, 0),
        (salt + SALT - 1, 7),
        (sealed, 0),
        (sealed + SHARE - 1, 7),
        (sealed + SHARE, 0),
        (sealed + SHARE + TAG - 1, 7),
    ];
    for (place, bit) in places {
        let mut bytes = card.expose().to_vec();
        bytes[place] ^= 1 << bit;
        let forged = SealedShare::read(&with_check(&bytes)).unwrap();
        let index = forged.header().index();
        let refused = forged.open_passphrase(&typed).err();
        assert_eq!(refused, Some(UnsealError::Passphrase { index }), "byte {place} bit {bit}");
    }
}

#[test]
fn an_altered_age_card_does_not_open() {
    let deal = deal();
    let (identity, recipient) = identity(Kind::X25519);
    let card = seal(&deal, 1, &Sealer::Age(&recipient));
    for place in 0..card.expose().len() - CHECK {
        for bit in 0..8 {
            let mut bytes = card.expose().to_vec();
            bytes[place] ^= 1 << bit;
            let Ok(forged) = SealedShare::read(&with_check(&bytes)) else { continue };
            let index = forged.header().index();
            let wanted = match place {
                ..BODY => UnsealError::Content { index },
                _ => UnsealError::Identity { index },
            };
            assert_eq!(forged.open_identity(&identity).err(), Some(wanted), "byte {place} bit {bit}");
        }
    }
    // A hybrid one: one bit of every 37th byte, its decapsulation is slow.
    let (identity, recipient) = super::identity(Kind::Hybrid);
    let card = seal(&deal, 1, &Sealer::Age(&recipient));
    for place in (BODY + 2..card.expose().len() - CHECK).step_by(37) {
        let mut bytes = card.expose().to_vec();
        bytes[place] ^= 1 << (place % 8);
        let forged = SealedShare::read(&with_check(&bytes)).unwrap();
        assert_eq!(forged.open_identity(&identity).err(), Some(UnsealError::Identity { index: 1 }));
    }
}

#[test]
fn headers_do_not_move_between_cards() {
    let (deal, typed) = (deal(), words("whatever"));
    let (identity, recipient) = identity(Kind::X25519);
    let swapped = |with: &Sealer<'_>| {
        let [one, two] = [1, 2].map(|index| seal(&deal, index, with));
        let bytes = [&two.expose()[..BODY], &one.expose()[BODY..]].concat();
        SealedShare::read(&with_check(&bytes)).unwrap()
    };
    let claimed = swapped(&Sealer::Open).open_plain().unwrap();
    let wanted = crate::share::ShareError::NotOfThisDeal { index: 2 };
    assert_eq!(claimed.check(&deal.commitments).err(), Some(wanted));
    let refused = swapped(&Sealer::Passphrase(&typed, Cost::LEAST)).open_passphrase(&typed).err();
    assert_eq!(refused, Some(UnsealError::Passphrase { index: 2 }));
    let refused = swapped(&Sealer::Age(&recipient)).open_identity(&identity).err();
    assert_eq!(refused, Some(UnsealError::Content { index: 2 }));
}

#[test]
fn an_age_file_with_other_contents_is_no_share() {
    let deal = deal();
    let (identity, recipient) = identity(Kind::X25519);
    let around = |plain: &[u8]| {
        let file = age::encrypt(plain, core::slice::from_ref(&recipient), &mut Entropy::system()).unwrap();
        SealedShare::around_age_file(header(1), &file).unwrap().open_identity(&identity).err()
    };
    let right = SealedShare::age_plaintext(header(1), &deal.shares[0]);
    assert_eq!(around(right.expose()), None);
    let content = Some(UnsealError::Content { index: 1 });
    assert_eq!(around(SealedShare::age_plaintext(header(2), &deal.shares[0]).expose()), content);
    for length in 0..right.len() {
        assert_eq!(around(&right.expose()[..length]), content);
    }
    assert_eq!(around(&[right.expose(), &[0]].concat()), content);
    // A number that isn't a canonical scalar.
    let mut large = right.expose().to_vec();
    large[BODY + 31] = 0xff;
    assert_eq!(around(&large), content);
}

#[test]
fn a_card_can_not_claim_a_longer_age_file() {
    let (_, recipient) = identity(Kind::X25519);
    let card = seal(&deal(), 1, &Sealer::Age(&recipient));
    for length in [LONGEST_AGE as u16 + 1, u16::MAX] {
        let mut bytes = card.expose().to_vec();
        bytes[BODY..BODY + 2].copy_from_slice(&length.to_be_bytes());
        let value = WireError::Value { artefact: CARD, field: "length" };
        assert_eq!(SealedShare::read(&with_check(&bytes)).err(), Some(CardError::Wire(value)));
    }
    // A length that leaves bytes over, or asks for more than there are.
    let stated = usize::from(u16::from_be_bytes([card.expose()[BODY], card.expose()[BODY + 1]]));
    for length in [0, stated - 1, stated + 1, LONGEST_AGE] {
        let mut bytes = card.expose().to_vec();
        bytes[BODY..BODY + 2].copy_from_slice(&(length as u16).to_be_bytes());
        assert!(SealedShare::read(&with_check(&bytes)).is_err());
    }
}
