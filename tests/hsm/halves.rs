//! A pair's public half is known by the key itself: an id is a name that anybody may give to anything.

use super::proof::Before;
use super::stage::Stage;
use crate::token::{MAKERS, Maker, Token};

fn pair(token: &Token, label: &str, id: &str) {
    let words = ["--keypairgen", "--key-type", "EC:secp256r1", "--usage-sign", "--extractable"];
    token.tool(&[&words[..], &["--label", label, "--id", id]].concat()).good();
}

/// The public half of a pair gets another id.
fn renamed(token: &Token, label: &str, id: &str) {
    token.client(&["set", "class=0x2", &format!("label=:{label}"), "--", &format!("id=x{id}")]).good();
}

#[test]
fn a_public_key_of_the_same_id_is_not_taken_for_the_pairs_own() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let name = format!("k-{maker:?}");
        pair(&token, "decoy", "60");
        renamed(&token, "decoy", "5e");
        pair(&token, &name, "5e");
        let before = Before::of(&stage, &token, "ec-p256", &name);
        stage
            .add(&token, &name)
            .good()
            .says("the backup doesn't keep 1 public keys under its id that are not its own");
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        stage.recover(&spare, &name).good();
        before.is_restored(&stage, &spare);
        assert!(spare.listed("pubkey", "decoy").is_empty());
    }
}

/// Nor is it thrown away with a key that is not restored, or left beside one that is.
#[test]
fn another_public_key_under_the_id_stops_a_restore_and_stays() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let name = format!("k-{maker:?}");
        pair(&token, &name, "5e");
        stage.add(&token, &name).good();
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        // The same label too.
        pair(&spare, &name, "60");
        renamed(&spare, &name, "5e");
        let private = format!("label=:{name}");
        spare.client(&["set", "class=0x3", &private, "--", "label=:elsewhere"]).good();
        stage.recover(&spare, &name).fails(4, "has another public key with the id of");
        assert_eq!(spare.listed("pubkey", &name).len(), 1, "the other public key is gone");
        assert!(spare.listed("privkey", &name).is_empty());
        stage.is_sound("after a refusal");
    }
}

/// A restore that fails takes away what it made, and not the pair's public half that was there before.
#[test]
fn what_was_there_before_is_never_removed() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = crate::token::between() else { return };
    let (old, new) = (Maker::SoftHsm, Maker::Kryoptic);
    let token = stage.tokens.make(old, "prod");
    pair(&token, "k", "5e");
    stage.add(&token, "k").good();
    let spare = stage.tokens.make(new, "spare");
    stage.recover(&spare, "k").good();
    // Somebody removed the private half alone.
    spare.tool(&["--delete-object", "--type", "privkey", "--label", "k"]).good();
    let words = stage.recover_words("k", &stage.uri_between(&spare).unwrap(), new);
    let rules = super::stage::Between { rules: "C_Sign:1+:0x30", log: None };
    stage.through(&spare, &rules, &super::stage::refs(&words)).fails(1, "CKR_DEVICE_ERROR");
    assert!(spare.listed("privkey", "k").is_empty());
    assert_eq!(spare.listed("pubkey", "k").len(), 1, "the public half that was there is gone");
    stage.recover(&spare, "k").good();
    assert_eq!(spare.listed("pubkey", "k").len(), 1);
}

/// It went in, was not proven, and can't be removed: that is said loudly, with its id.
#[test]
fn a_key_that_could_not_be_removed_is_named() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = crate::token::between() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let name = format!("k-{maker:?}");
        pair(&token, &name, "5e5f");
        stage.add(&token, &name).good();
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        let words = stage.recover_words(&name, &stage.uri_between(&spare).unwrap(), maker);
        let rules = super::stage::Between { rules: "C_Sign:1+:0x30;C_DestroyObject:1+:0x30", log: None };
        let ran = stage.through(&spare, &rules, &super::stage::refs(&words));
        ran.fails(4, &format!("{name} (id 5e5f) is LEFT in token spare-{maker:?}, unproven"));
        assert_eq!(spare.listed("privkey", &name).len(), 1, "it says that it is left, and it isn't");
    }
}
