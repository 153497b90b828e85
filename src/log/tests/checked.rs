//! What checks say of cards, and that nothing stands or falls with them.

use super::*;
use crate::log::{CardHistory, Checked, CheckedCard, Depth, Medium, Occasion};

fn scan_back() -> Checked {
    let card = |index, depth, medium| CheckedCard { index, depth, medium };
    Checked {
        quorum: founded().quorum,
        generation: 1,
        occasion: Occasion::ScanBack,
        cards: vec![card(1, Depth::Card, Medium::Picture), card(3, Depth::Share, Medium::Text)],
        skipped: vec![2],
    }
}

fn histories(log: &Log) -> Vec<(u8, CardHistory)> {
    let cards = &log.state().quorum().unwrap().cards;
    // What a meeting says of them is not of a check.
    let checked = cards.iter().map(|(index, history)| (*index, CardHistory { used: None, ..*history }));
    checked.filter(|(_, history)| *history != CardHistory::default()).collect()
}

#[test]
fn the_state_knows_when_a_card_was_last_good() {
    let (store, mut log) = small();
    assert!(histories(&log).is_empty());
    let details = scan_back().details();
    let text = String::from_utf8(details.bytes()).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"cards":[{"depth":"card","index":1,"read":"picture"},{"depth":"share","index":3,"read":"text"}],"#,
            r#""generation":1,"occasion":"scan-back","quorum":"A4DQOBYHA4DQOBYH","skipped":[2]}"#
        )
    );
    say(&mut log, &store, 20, vec![(Op::Check, Phase::Done, details)]).unwrap();
    let first = [
        (1, CardHistory { good: Some(at(20)), share: None, skipped: false, ..CardHistory::default() }),
        (2, CardHistory { good: None, share: None, skipped: true, ..CardHistory::default() }),
        (
            3,
            CardHistory { good: Some(at(20)), share: Some(at(20)), skipped: false, ..CardHistory::default() },
        ),
    ];
    assert_eq!(histories(&log), first);
    assert!(first.iter().all(|(_, history)| history.is_settled()));
    // A later check, of a card alone and of one that was left out.
    let again = |index, medium| CheckedCard { index, depth: Depth::Card, medium };
    let cards = vec![again(2, Medium::Pdf), again(3, Medium::Picture)];
    let later = Checked { occasion: Occasion::Check, cards, skipped: Vec::new(), ..scan_back() };
    assert!(!String::from_utf8(later.details().bytes()).unwrap().contains("skipped"));
    say(&mut log, &store, 30, vec![(Op::Check, Phase::Done, later.details())]).unwrap();
    let histories = histories(&Log::open(&store).unwrap());
    assert_eq!(
        histories[1].1,
        CardHistory { good: Some(at(30)), share: None, skipped: true, ..CardHistory::default() }
    );
    assert_eq!(
        histories[2].1,
        CardHistory { good: Some(at(30)), share: Some(at(20)), skipped: false, ..CardHistory::default() }
    );
}

#[test]
fn what_is_of_another_form_says_nothing_and_breaks_nothing() {
    let (store, mut log) = small();
    let mut texts = vec![
        r#"{"card":1,"generation":1,"quorum":"A4DQOBYHA4DQOBYH","share":true}"#.to_owned(),
        r#"{"note":"by eye"}"#.to_owned(),
    ];
    let good = String::from_utf8(scan_back().details().bytes()).unwrap();
    for (from, to) in [
        (r#""index":1"#, r#""index":256"#),
        (r#""depth":"card""#, r#""depth":"deep""#),
        (r#""read":"text""#, r#""read":"rumour""#),
        (r#""scan-back""#, r#""check""#),
        (r#""skipped":[2]"#, r#""skipped":["2"]"#),
        (r#""skipped":[2]"#, r#""skipped":[2],"t":1"#),
        // Another quorum, another generation.
        ("A4DQOBYHA4DQOBYH", "AAAQEAYEAUDAOCAJ"),
        (r#""generation":1"#, r#""generation":2"#),
    ] {
        assert!(good.contains(from), "{from}");
        texts.push(good.replace(from, to));
    }
    for text in texts {
        let details = crate::wire::json::read("details", text.as_bytes()).unwrap().into_owned();
        say(&mut log, &store, 20, vec![(Op::Check, Phase::Done, details)]).unwrap();
    }
    assert!(histories(&log).is_empty());
    assert!(histories(&Log::open(&store).unwrap()).is_empty());
}
