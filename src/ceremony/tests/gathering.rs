//! Cards that are wrong are named with their custodian, and the room stays as it was.

use super::*;
use crate::ceremony::check::{Good, check};
use crate::quorum::QuorumError;
use crate::seal::{CardHeader, Sealer, UnsealError};
use crate::share::{ClaimedShare, CombineError, Scheme, ShareError, fresh_secret, split};

fn card(bytes: &[u8]) -> SealedShare {
    SealedShare::read(bytes).unwrap()
}

fn name(index: u8) -> String {
    format!("custodian {index}")
}

/// A card with the header of an issued one around a share of another deal.
fn made_anew(issued: &SealedShare, generation: u16, scheme: Scheme) -> SealedShare {
    let header = issued.header();
    let header = CardHeader::new(header.quorum(), generation, header.index(), scheme).unwrap();
    let mut entropy = Entropy::system();
    let deal = split(&fresh_secret(&mut entropy).unwrap(), scheme, &mut entropy).unwrap();
    SealedShare::seal(header, &deal.shares[0], &Sealer::Open, &mut entropy).unwrap()
}

#[test]
fn cards_that_do_not_belong_are_named() {
    let (store, cards) = found(2, 3);
    let (_, others) = found(2, 3);
    let record = open(&store).quorum().unwrap();
    let mut room = Gathering::new(record.clone());
    let other = card(&others[0]);
    let (found, wanted) = (other.header().quorum(), record.id());
    assert_eq!(room.present(other), Err(PresentError::OtherQuorum { found, wanted }));

    let issued = card(&cards[1]);
    let later = made_anew(&issued, 2, record.scheme());
    let wanted = PresentError::OtherGeneration { custodian: name(2), found: 2, wanted: 1 };
    assert_eq!(room.present(later), Err(wanted));
    let not_issued = PresentError::NotIssued { custodian: name(2), index: 2 };
    assert_eq!(room.present(made_anew(&issued, 1, record.scheme())), Err(not_issued.clone()));
    // Another threshold, other shares, and one that this quorum hasn't.
    let scheme = |m, n| Scheme::new(m, n).unwrap();
    assert_eq!(room.present(made_anew(&issued, 1, scheme(3, 3))), Err(not_issued.clone()));
    assert_eq!(room.present(made_anew(&issued, 1, scheme(2, 200))), Err(not_issued));
    let header = CardHeader::new(record.id(), 1, 9, scheme(2, 200)).unwrap();
    let mut entropy = Entropy::system();
    let deal = split(&fresh_secret(&mut entropy).unwrap(), scheme(2, 9), &mut entropy).unwrap();
    let ninth = SealedShare::seal(header, &deal.shares[8], &Sealer::Open, &mut entropy).unwrap();
    let not_issued = PresentError::NotIssued { custodian: "share 9".to_owned(), index: 9 };
    assert_eq!(room.present(ninth), Err(not_issued));
    assert_eq!((room.sealed().count(), room.missing()), (0, 2));

    // None of it stands in the way of the right ones.
    assert_eq!(room.present(card(&cards[1])), Ok(2));
    let again = PresentError::Again { custodian: name(2), index: 2 };
    assert_eq!(room.present(card(&cards[1])), Err(again.clone()));
    let share = room.card(2).unwrap().open_plain();
    assert_eq!(room.unsealed(2, share), Ok(()));
    assert_eq!(room.present(card(&cards[1])), Err(again));
    assert_eq!((room.missing(), room.names(), room.present_shares()), (1, vec![name(2)], vec![2]));
    let few = CombineError::TooFew { present: 1, threshold: 2 };
    assert_eq!(room.meet().err(), Some(QuorumError::Combine(few)));
    assert_eq!(room.present(card(&cards[2])), Ok(3));
    let share = room.card(3).unwrap().open_plain();
    assert_eq!(room.unsealed(3, share), Ok(()));
    assert_eq!(room.meet().unwrap().id(), record.id());
}

#[test]
fn shares_that_are_not_the_cards_are_named() {
    let (store, cards) = found(2, 3);
    let mut room = Gathering::new(open(&store).quorum().unwrap());
    let share = |index: usize| card(&cards[index - 1]).open_plain();
    assert_eq!(room.unsealed(1, share(1)), Err(PresentError::Absent { index: 1 }));
    room.present(card(&cards[0])).unwrap();
    // Somebody else's good share, under this card.
    let error = UnsealError::Content { index: 1 };
    assert_eq!(room.unsealed(1, share(2)), Err(PresentError::Unseal { custodian: name(1), error }));
    // This card's index, another's numbers.
    let bytes = &cards[1][CardHeader::LENGTH..][..64];
    let wrong = ClaimedShare::read(1, bytes).map_err(|_| UnsealError::Content { index: 1 });
    let error = ShareError::NotOfThisDeal { index: 1 };
    assert_eq!(room.unsealed(1, wrong), Err(PresentError::Share { custodian: name(1), error }));
    assert_eq!((room.missing(), room.sealed().count()), (2, 1));
    assert_eq!(room.unsealed(1, share(1)), Ok(()));
    assert_eq!((room.missing(), room.sealed().count()), (1, 0));
    assert_eq!(room.unsealed(1, share(1)), Err(PresentError::Absent { index: 1 }));
    // Sent away, it can come again.
    room.dismiss(1);
    assert_eq!((room.missing(), room.names()), (2, vec![]));
    assert_eq!(room.present(card(&cards[0])), Ok(1));
    room.dismiss(1);
    room.dismiss(200);
    assert_eq!(room.sealed().count(), 0);
}

#[test]
fn a_wrong_passphrase_is_asked_for_again() {
    let store = MemoryStore::new();
    let words = |text: &str| Passphrase::parse(text.as_bytes()).unwrap();
    let plan = plan(2, vec![Seal::Passphrase(words("right one")), Seal::Open]);
    let cards = try_found(&store, &plan).unwrap();
    let record = open(&store).quorum().unwrap();
    let mut room = Gathering::new(record.clone());
    room.present(card(&cards[0])).unwrap();
    let wrong = room.card(1).unwrap().open_passphrase(&words("wrong one"));
    let error = UnsealError::Passphrase { index: 1 };
    let refused = PresentError::Unseal { custodian: name(1), error };
    assert_eq!(check(&record, &card(&cards[0]), Some(Err(error))), Err(refused.clone()));
    assert_eq!(room.unsealed(1, wrong), Err(refused.clone()));
    assert!(refused.to_string().contains("custodian 1"));
    let right = room.card(1).unwrap().open_passphrase(&words("right one"));
    assert_eq!(room.unsealed(1, right), Ok(()));
    room.present(card(&cards[1])).unwrap();
    let share = room.card(2).unwrap().open_plain();
    room.unsealed(2, share).unwrap();
    assert_eq!(room.meet().unwrap().id(), record.id());
}

#[test]
fn one_card_is_checked_in_two_depths() {
    let (store, cards) = found(2, 3);
    let (_, others) = found(2, 3);
    let record = open(&store).quorum().unwrap();
    for (index, bytes) in (1..).zip(&cards) {
        let good = |share| Ok(Good { index, custodian: name(index), share });
        assert_eq!(check(&record, &card(bytes), None), good(false));
        assert_eq!(check(&record, &card(bytes), Some(card(bytes).open_plain())), good(true));
        // Another's share, of this quorum and of another.
        for wrong in [&cards[usize::from(index) % 3], &others[usize::from(index) - 1]] {
            let refused = check(&record, &card(bytes), Some(card(wrong).open_plain()));
            assert!(matches!(refused, Err(PresentError::Share { .. } | PresentError::Unseal { .. })));
        }
        assert!(matches!(check(&record, &card(&others[0]), None), Err(PresentError::OtherQuorum { .. })));
    }
}
