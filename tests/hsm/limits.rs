//! What limits a key beside its usages goes with it, or is named; and a key that may only wrap is proven by that.

use super::proof::only;
use super::stage::{Between, Stage, refs};
use crate::token::{MAKERS, Maker, Token, between};

const AES: [&str; 8] = [
    "0x1080",
    "class=0x4",
    "key-type=0x1f",
    "token=yes",
    "private=yes",
    "sensitive=yes",
    "extractable=yes",
    "value-len=0x20",
];

fn made(token: &Token, words: &[&str]) {
    token.client(&[&["generate"], &AES[..], words].concat()).good();
}

/// The named attributes of the one object of a label.
fn shown(token: &Token, label: &str, names: &[&str]) -> Vec<String> {
    let label = format!("label=:{label}");
    let out = token.client(&[&["show"], names, &["--", &label, "token=yes"]].concat()).good().out;
    assert_eq!(out.lines().count(), 1, "{label}: {out}");
    out.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn allowed_mechanisms_go_with_the_key() {
    let Some(stage) = Stage::new() else { return };
    for (from, to) in [(Maker::SoftHsm, Maker::Kryoptic), (Maker::Kryoptic, Maker::SoftHsm)] {
        let token = stage.tokens.make(from, &format!("t-{from:?}"));
        let name = format!("k-{from:?}");
        // CBC alone: it is proven by that.
        let label = format!("label=:{name}");
        made(&token, &["encrypt=yes", "decrypt=yes", "id=x52", &label, "allowed=[0x1082,0x1085]"]);
        let before = shown(&token, &name, &["allowed"]);
        assert!(before[0].starts_with("8210"), "{before:?}");
        stage.add(&token, &name).good();
        let spare = stage.tokens.make(to, &format!("spare-{from:?}"));
        stage.recover(&spare, &name).good();
        assert_eq!(shown(&spare, &name, &["allowed"]), before);
    }
}

/// Kryoptic keeps dates; SoftHSM takes them without a word, and has none afterwards.
#[test]
fn dates_go_with_the_key_or_are_named() {
    let Some(stage) = Stage::new() else { return };
    let token = stage.tokens.make(Maker::Kryoptic, "prod");
    made(
        &token,
        &["encrypt=yes", "decrypt=yes", "id=x52", "label=:k", "start-date=:20260101", "end-date=:20301231"],
    );
    let before = shown(&token, "k", &["start-date", "end-date"]);
    assert_eq!(before[1], "3230333031323331");
    stage.add(&token, "k").good();
    let spare = stage.tokens.make(Maker::Kryoptic, "spare");
    let ran = stage.recover(&spare, "k").good();
    assert!(!ran.err.contains("doesn't take"), "{ran:#?}");
    assert_eq!(shown(&spare, "k", &["start-date", "end-date"]), before);
    let soft = stage.tokens.make(Maker::SoftHsm, "soft");
    let ran = stage.recover(&soft, "k").good();
    let kept = shown(&soft, "k", &["start-date", "end-date"]) == before;
    assert_ne!(kept, ran.err.contains("the token doesn't take the last day of its use"), "{ran:#?}");
}

/// An HMAC key of CKK_SHA384_HMAC.
fn hmac(token: &Token, name: &str, bytes: usize) {
    let value = format!("value=x{}", "6b3f517d".repeat(bytes / 4));
    let template = ["class=0x4", "key-type=0x2c", "token=yes", "private=yes", "sensitive=yes"];
    let more = ["extractable=yes", "sign=yes", "verify=yes", "encrypt=no", "decrypt=no", "id=x53", &value];
    token.client(&[&["create"], &template[..], &more, &[&format!("label=:{name}")]].concat()).good();
}

#[test]
fn an_hmac_key_keeps_its_type() {
    let Some(stage) = Stage::new() else { return };
    for (from, to) in [(Maker::SoftHsm, Maker::Kryoptic), (Maker::Kryoptic, Maker::SoftHsm)] {
        let token = stage.tokens.make(from, &format!("t-{from:?}"));
        let name = format!("k-{from:?}");
        hmac(&token, &name, 48);
        stage.add(&token, &name).good();
        let spare = stage.tokens.make(to, &format!("spare-{from:?}"));
        let ran = stage.recover(&spare, &name).good();
        assert!(!ran.err.contains("doesn't take"), "{ran:#?}");
        assert_eq!(shown(&spare, &name, &["key-type"]), ["2c00000000000000"]);
    }
    // Its type is of one code and its length of another: it is proven by the one that its token has.
    let token = stage.tokens.make(Maker::SoftHsm, "odd");
    hmac(&token, "odd", 64);
    stage.add(&token, "odd").good().prints("proven by HMAC of a fresh message");
    for maker in MAKERS {
        let spare = stage.tokens.make(maker, &format!("odd-{maker:?}"));
        stage.recover(&spare, "odd").good();
        assert_eq!(shown(&spare, "odd", &["key-type"]), ["2c00000000000000"]);
    }
}

/// A token that refuses what limits a key gets the key without it, and that is said.
#[test]
fn what_a_token_does_not_take_is_named() {
    let Some(stage) = Stage::new() else { return };
    let Some(_) = between() else { return };
    let token = stage.tokens.make(Maker::SoftHsm, "prod");
    hmac(&token, "k", 48);
    stage.add(&token, "k").good();
    for maker in MAKERS {
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        let words = stage.recover_words("k", &stage.uri_between(&spare).unwrap(), maker);
        // CKR_TEMPLATE_INCONSISTENT, also to the second try with a length. The wrapping key comes in before, to SoftHSM
        // at the second try.
        let first = if maker == Maker::SoftHsm { 3 } else { 2 };
        let rules = format!("C_UnwrapKey:{first}:0xd1;C_UnwrapKey:{}:0xd1", first + 1);
        let rules = Between { rules: &rules, log: None };
        let mut words = words;
        words.insert(0, "--json".to_owned());
        let ran = stage.through(&spare, &rules, &refs(&words));
        assert_eq!(ran.status, Some(0), "{ran:#?}");
        assert!(
            ran.out.contains("\"checks\":[\"mac\"") && ran.out.contains("\"not-taken\":[\"its type"),
            "{ran:#?}"
        );
        assert!(ran.err.contains("the token doesn't take its type, an HMAC key"), "{ran:#?}");
        assert_eq!(shown(&spare, "k", &["key-type"]), ["1000000000000000"]);
    }
}

/// By what it wraps, or unwraps: there is nothing else that it does.
#[test]
fn a_key_that_may_only_wrap_is_proven_by_wrapping() {
    let Some(stage) = Stage::new() else { return };
    for maker in MAKERS {
        let token = stage.tokens.make(maker, &format!("t-{maker:?}"));
        let spare = stage.tokens.make(maker, &format!("spare-{maker:?}"));
        for (usage, other, words) in [
            ("wrap", "unwrap", "proven by wrapping of another key"),
            ("unwrap", "wrap", "proven by unwrapping of another key"),
        ] {
            let name = format!("{usage}-{maker:?}");
            let (label, id) =
                (format!("label=:{name}"), format!("id=x{}", if usage == "wrap" { 61 } else { 62 }));
            let (may, not) = (format!("{usage}=yes"), format!("{other}=no"));
            let no = ["encrypt=no", "decrypt=no", "sign=no", "verify=no"];
            made(&token, &[&no[..], &[&label, &id, &may, &not]].concat());
            stage.add(&token, &name).good().prints(words);
            stage.recover(&spare, &name).good().prints(words);
            only(&spare, "aes-256", &name);
            // Another key under the same id is found out by the same.
            spare.client(&["set", &label, "--", "label=:away", "id=x99"]).good();
            made(&spare, &[&no[..], &[&label, &id, &may, &not]].concat());
            let ran = stage.recover(&spare, &name);
            assert!(matches!(ran.status, Some(1 | 4)), "another key was taken for it: {ran:#?}");
        }
    }
}

#[test]
fn what_is_not_kept_is_named() {
    let Some(stage) = Stage::new() else { return };
    let token = stage.tokens.make(Maker::SoftHsm, "prod");
    let words = ["--keypairgen", "--key-type", "EC:secp256r1", "--usage-sign", "--extractable"];
    token.tool(&[&words[..], &["--label", "tls", "--id", "70"]].concat()).good();
    let root = stage.tokens.root();
    let make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=tls -outform DER -out cert.der";
    let mut openssl = std::process::Command::new("openssl");
    let output = openssl.args(make.split(' ').skip(1)).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let cert = root.join("cert.der").display().to_string();
    token.tool(&["--write-object", &cert, "--type", "cert", "--label", "tls", "--id", "70"]).good();
    stage.add(&token, "tls").good().says("the backup doesn't keep 1 certificates of its id 70");
}
