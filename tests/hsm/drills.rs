//! A drill into a spare token: every key goes in, is proven there, and is gone afterwards, whatever happens.

use super::proof::{Before, is_closed};
use super::stage::{Between, Stage, refs};
use crate::token::{MAKERS, Maker, Token, between};

/// A token with keys that are backed up.
fn filled(stage: &Stage, maker: Maker, kinds: &[&str]) -> Token {
    let token = stage.tokens.make(maker, "prod");
    for kind in kinds {
        stage.generate(&token, kind, kind).good();
    }
    token
}

#[track_caller]
fn is_empty(token: &Token) {
    let out = token.tool(&["--list-objects"]).good().out;
    assert!(!out.contains("drill") && !out.contains("Object;"), "left in {}: {out}", token.label);
}

#[test]
fn every_key_is_proven_in_a_spare_token_and_removed_from_it() {
    let Some(stage) = Stage::new() else { return };
    let kinds = ["aes-256", "hmac-256", "ec-p384", "rsa-2048"];
    let token = filled(&stage, Maker::SoftHsm, &kinds);
    for maker in MAKERS {
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        let ran = stage.run(&refs(&stage.drill_words(&spare.uri(), maker))).good();
        ran.prints("4 recovered, 0 failed").prints("each key was proven in the token, and removed from it");
        is_empty(&spare);
        stage.run(&["show", "ec-p384"]).good().prints("drilled");
        stage.is_sound("after a drill");
    }
    // Into the token that they live in, which keeps them.
    let before = Before::of(&stage, &token, "aes-256", "aes-256");
    stage.run(&refs(&stage.drill_words(&token.uri(), token.maker))).good();
    is_closed(&token, "aes-256", "aes-256");
    before.is_restored(&stage, &token);
    assert!(!token.tool(&["--list-objects"]).good().out.contains("drill"));
}

/// One of them can't be proven: the others are, the drill has failed, and nothing is left.
#[test]
fn a_key_that_fails_in_the_token_is_named_and_removed() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    filled(&stage, Maker::SoftHsm, &["aes-256", "ec-p256"]);
    for maker in MAKERS {
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        let words = stage.drill_words(&stage.uri_between(&spare).unwrap(), maker);
        let rules = Between { rules: "C_Sign:1+:0x30", log: None };
        let ran = stage.through(&spare, &rules, &refs(&words));
        assert!(ran.out.contains("1 recovered, 1 failed") && ran.out.contains("ec-p256"), "{ran:#?}");
        ran.fails(4, "could not be recovered");
        is_empty(&spare);
    }
}

/// Killed anywhere, or the token taken away: the next drill begins by removing what is left, and is good.
#[test]
fn a_drill_that_is_broken_off_leaves_nothing_behind_the_next_one() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    filled(&stage, Maker::Kryoptic, &["aes-256", "ec-p256"]);
    for maker in MAKERS {
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        let words = stage.drill_words(&stage.uri_between(&spare).unwrap(), maker);
        let calls = stage.calls(&spare, &words);
        let count = |name: &str| calls.lines().filter(|call| *call == name).count();
        let mut left = 0;
        // The wrapping key is the first that comes in.
        let mut rules: Vec<String> =
            (2..=count("C_UnwrapKey")).map(|at| format!("C_UnwrapKey:{at}:killed")).collect();
        rules.push(format!("C_CreateObject:{}:killed", count("C_CreateObject")));
        rules.push(format!("C_UnwrapKey:{}:killed;C_DestroyObject:2+:0x32", count("C_UnwrapKey")));
        for rule in rules {
            let ran = stage.through(&spare, &Between { rules: &rule, log: None }, &refs(&words));
            assert_eq!(ran.status, None, "{rule}: {ran:#?}");
            left += usize::from(spare.tool(&["--list-objects"]).good().out.contains("drill of"));
            // Of one key alone: what is left may be of another.
            let mut next = stage.drill_words(&spare.uri(), maker);
            next.insert(1, "aes-256".to_owned());
            stage.run(&refs(&next)).good();
            is_empty(&spare);
            stage.is_sound(&rule);
        }
        assert!(left > 0, "nothing was ever left: this shows nothing");
        // It goes in and can't be taken out: that is a failure with its id, and the next drill takes it out.
        let rules = Between { rules: "C_DestroyObject:1+:0x30", log: None };
        let ran = stage.through(&spare, &rules, &refs(&words));
        assert!(ran.err.contains("LEFT") && ran.err.contains("id 6472696c6c3a"), "{ran:#?}");
        assert_eq!(ran.status, Some(4), "{ran:#?}");
        stage.run(&refs(&stage.drill_words(&spare.uri(), maker))).good().says("it is removed");
        is_empty(&spare);
    }
}
