//! Vectors of passphrases, cards, typed lines, codes and canonical JSON.

use super::{BOB, ORDER, Out, folded};
use quorate::age::{Identity, Kind};
use quorate::card::{codes, verification};
use quorate::primitive::hash::sha256;
use quorate::primitive::random::Entropy;
use quorate::seal::{SealedShare, Sealer};
use quorate::share::Share;
use quorate::wire::lines;
use quorate::wire::text::{from_hex, hex};

/// The bytes of a card with another check, that fits.
fn checked(mut card: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    card.truncate(card.len() - 8);
    change(&mut card);
    let check = sha256(&[b"quorate/v1/card", &card]);
    card.extend_from_slice(&check[..8]);
    card
}

pub(crate) fn passphrases(out: &Out) {
    let good: [(&str, &[u8], &str); 8] = [
        ("plain", b"correct horse", "correct horse"),
        ("spacing", "  correct \t\u{3000}horse\u{a0}\r\n".as_bytes(), "correct horse"),
        ("every-space", "a\u{20}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\tb".as_bytes(), "a b"),
        ("composed", "cafe\u{301}".as_bytes(), "caf\u{e9}"),
        ("case-counts", b"Correct HORSE", "Correct HORSE"),
        ("hangul", "\u{1112}\u{1161}\u{11ab}".as_bytes(), "\u{d55c}"),
        ("zero-width-space-is-no-space", "a\u{200b}b".as_bytes(), "a\u{200b}b"),
        ("reordered-marks", "q\u{307}\u{323}".as_bytes(), "q\u{323}\u{307}"),
    ];
    for (name, typed, normal) in good {
        out.put(
            &format!("passphrase/{name}"),
            &[("expect", "ok"), ("normal", &hex(normal.as_bytes()))],
            &folded(typed),
        );
    }
    let long = vec![b'a'; 1025];
    let refused: [(&str, &[u8], &str); 7] = [
        ("empty", b"", "empty"),
        ("only-space", " \u{3000}\n".as_bytes(), "empty"),
        ("escape", b"abc\x1b[A", "control"),
        ("line-end-inside", b"a\nb", "control"),
        ("next-line", "a\u{85}b".as_bytes(), "control"),
        ("latin-1", b"caf\xe9", "not-utf-8"),
        ("too-long", &long, "too-long"),
    ];
    for (name, typed, reason) in refused {
        out.put(
            &format!("passphrase/refused-{name}"),
            &[("expect", "refused"), ("reason", reason)],
            &folded(typed),
        );
    }
}

/// Canonical JSON and its other spellings, which are refused.
pub(crate) fn json(out: &Out) {
    for (name, text) in [
        ("object", r#"{"a":[],"a-b":{},"a_b":true,"ab":false,"b":"","b0":0,"c":[1,"2",[3]]}"#),
        ("largest-number", "9007199254740991"),
        ("deepest", "[[[[[[[[1]]]]]]]]"),
        ("escapes", r#""\b\t\n\f\r\"\\\u0000\u001f/""#),
        ("unescaped", "\"\u{7f}\u{80}\u{2028}\u{10ffff}\u{e9}\""),
    ] {
        out.put(&format!("json/{name}"), &[("expect", "ok")], text);
    }
    for (name, text) in [
        ("space", "[1, 2]"),
        ("space-after", "1 "),
        ("leading-zero", "01"),
        ("negative", "-1"),
        ("negative-zero", "-0"),
        ("fraction", "1.0"),
        ("exponent", "1e3"),
        ("too-large", "9007199254740992"),
        ("null", "null"),
        ("too-deep", "[[[[[[[[[1]]]]]]]]]"),
        ("order", r#"{"b":1,"a":2}"#),
        ("twice", r#"{"a":1,"a":2}"#),
        ("key-upper-case", r#"{"A":1}"#),
        ("key-empty", r#"{"":1}"#),
        ("key-escaped", r#"{"\u0061":1}"#),
        ("escaped-letter", r#""\u0041""#),
        ("escaped-slash", r#""\/""#),
        ("escaped-long", r#""\u000a""#),
        ("escaped-upper-case", r#""\u001F""#),
        ("surrogates", r#""\ud83d\ude00""#),
        ("trailing-comma", "[1,]"),
        ("unfinished", "[1"),
        ("two", "1 1"),
        ("byte-order-mark", "\u{feff}1"),
        ("line-end", "1\n"),
    ] {
        out.put(&format!("json/refused-{name}"), &[("expect", "refused"), ("reason", "json")], text);
    }
}

pub(crate) fn make_cards(out: &Out, cards: &[Vec<u8>], carol: &str, open: &dyn Fn(&[u8]) -> Share) {
    let share = |bytes: &[u8]| hex(open(bytes).to_secret_bytes().expose());
    for (bytes, (name, field, value)) in cards.iter().zip([
        ("open", "seal", "open"),
        ("passphrase", "passphrase", BOB),
        ("age", "identity", carol),
        ("open-4", "seal", "open"),
    ]) {
        let card = SealedShare::read(bytes).unwrap();
        let header = card.header();
        let (index, quorum) = (header.index().to_string(), header.quorum().text());
        let code = verification(&card.digest());
        let share = share(bytes);
        let mut headers = vec![("expect", "ok"), ("quorum", &quorum), ("generation", "1"), ("index", &index)];
        headers.extend([
            ("threshold", "3"),
            ("shares", "4"),
            ("seal", card.kind().name()),
            ("verification", &code),
        ]);
        if field != "seal" {
            headers.push((field, value));
        }
        headers.push(("share", &share));
        out.put(&format!("card/{name}"), &headers, &folded(bytes));

        let printed: Vec<String> = lines::encode(bytes)
            .unwrap()
            .iter()
            .map(|line| format!("{:02}  {}", line.number(), *line.groups()))
            .collect();
        let digest = hex(&card.digest());
        let ok = [("expect", "ok"), ("sha256", digest.as_str())];
        let last = printed.len() - 1;
        out.put(&format!("lines/{name}"), &ok, &printed.join("\n"));
        let mut some: Vec<_> = printed.clone();
        some.reverse();
        some.remove(1);
        some.remove(last - 2);
        out.put(&format!("lines/{name}-two-missing-backwards"), &ok, &some.join("\n").to_lowercase());
        out.put(
            &format!("lines/{name}-without-parity"),
            &ok,
            &printed[..last - 1].join("\n").replace(' ', "  "),
        );
        let refused = [("expect", "refused"), ("reason", "lines")];
        out.put(&format!("lines/refused-{name}-three-missing"), &refused, &printed[..last - 2].join("\n"));
        let text = codes(&card);
        out.put(&format!("qr/{name}"), &ok, &text[0]);
    }
    let mixed = |a: &[u8], b: &[u8]| {
        let line =
            |card: &[u8], at: usize| format!("{:02}  {}", at + 1, *lines::encode(card).unwrap()[at].groups());
        (0..6).map(|at| line(if at < 3 { a } else { b }, at)).collect::<Vec<_>>().join("\n")
    };
    out.put(
        "lines/refused-two-cards",
        &[("expect", "refused"), ("reason", "lines")],
        &mixed(&cards[0], &cards[3]),
    );

    let many = checked(cards[0].clone(), |card| card[12..17].copy_from_slice(&[1, 2, 255, 255, 255]));
    let one = share(&cards[0]);
    let headers = [
        ("expect", "ok"),
        ("generation", "258"),
        ("index", "255"),
        ("threshold", "255"),
        ("shares", "255"),
        ("share", &one),
    ];
    out.put("card/open-255-of-255", &headers, &folded(&many));

    // Cards that are whole, and whose share isn't.
    let wrong = "Correct horse battery staple";
    out.put(
        "card/unseal-wrong-passphrase",
        &[("expect", "ok"), ("index", "2"), ("passphrase", wrong), ("unseal", "refused")],
        &folded(&cards[1]),
    );
    let relabelled = checked(cards[1].clone(), |card| card[14] = 1);
    out.put(
        "card/unseal-relabelled",
        &[("expect", "ok"), ("index", "1"), ("passphrase", BOB), ("unseal", "refused")],
        &folded(&relabelled),
    );
    let big = checked(cards[0].clone(), |card| card[18..50].copy_from_slice(&from_hex(ORDER).unwrap()));
    out.put(
        "card/unseal-not-canonical",
        &[("expect", "ok"), ("index", "1"), ("unseal", "refused")],
        &folded(&big),
    );
    let carol_as_dora = checked(cards[2].clone(), |card| card[14] = 4);
    out.put(
        "card/unseal-age-relabelled",
        &[("expect", "ok"), ("index", "4"), ("identity", carol), ("unseal", "refused")],
        &folded(&carol_as_dora),
    );

    let refuse = |name: &str, reason: &str, card: Vec<u8>| {
        out.put(
            &format!("card/refused-{name}"),
            &[("expect", "refused"), ("reason", reason)],
            &folded(&card),
        );
    };
    let set = |from: usize, at: usize, value: u8| checked(cards[from].clone(), |card| card[at] = value);
    refuse("version-0", "version", set(0, 0, 0));
    refuse("version-2", "version", set(0, 0, 2));
    refuse("version-2-damaged", "version", [&[2], &cards[0][1..]].concat());
    refuse("kind-0", "kind", set(0, 1, 0));
    refuse("kind-2", "kind", set(0, 1, 2));
    refuse("check", "check", {
        let mut card = cards[0].clone();
        card[89] ^= 1;
        card
    });
    refuse("one-bit", "check", {
        let mut card = cards[0].clone();
        card[40] ^= 0x80;
        card
    });
    refuse("cost-memory-23", "cost", set(1, 18, 23));
    refuse("cost-memory-15", "cost", set(1, 18, 15));
    refuse("cost-memory-255", "cost", set(1, 18, 255));
    refuse("cost-passes-2", "cost", set(1, 19, 2));
    refuse("cost-passes-17", "cost", set(1, 19, 17));
    refuse("cost-lanes-0", "cost", set(1, 20, 0));
    refuse("cost-lanes-17", "cost", set(1, 20, 17));
    refuse("empty", "short", Vec::new());
    refuse("header-alone", "check", cards[0][..18].to_vec());
    refuse("truncated", "check", cards[0][..89].to_vec());
    refuse("truncated-check-fits", "short", checked(cards[0].clone(), |card| card.truncate(81)));
    refuse("trailing", "check", [&cards[0][..], &[7]].concat());
    refuse("trailing-zero", "check", [&cards[0][..], &[0]].concat());
    let trailing = sha256(&[b"quorate/v1/card", &cards[0]]);
    refuse("trailing-check-fits", "trailing", [&cards[0][..], &trailing[..8]].concat());
    refuse("longer-check-fits", "check", checked(cards[0].clone(), |card| card.push(0)));
    refuse("threshold-1", "field", set(0, 15, 1));
    refuse("threshold-over-shares", "field", set(0, 15, 5));
    refuse("shares-0", "field", set(0, 16, 0));
    refuse("index-0", "field", set(0, 14, 0));
    refuse("index-over-shares", "field", set(0, 14, 5));
    refuse("generation-0", "field", checked(cards[0].clone(), |card| card[12..14].fill(0)));
    refuse("seal-3", "field", set(0, 17, 3));
    refuse(
        "age-length-4097",
        "field",
        checked(cards[2].clone(), |card| card[18..20].copy_from_slice(&[0x10, 1])),
    );
    refuse("open-as-passphrase", "cost", set(0, 17, 1));

    let code = codes(&SealedShare::read(&cards[0]).unwrap())[0].to_string();
    let qr = |name: &str, text: &str| out.put(&format!("qr/refused-{name}"), &[("expect", "refused")], text);
    qr("version", &code.replace("/1/", "/2/"));
    qr("padded", &format!("{code}======"));
    qr("tail-bits", &{
        let mut text = code.clone();
        let last = text.pop().unwrap();
        text.push(if last == 'B' { 'C' } else { 'B' });
        text
    });
    qr("one-character", &code.replacen(&code[40..41], if &code[40..41] == "A" { "B" } else { "A" }, 1));
    qr("cut", &code[..code.len() - 8]);
    qr("other-text", "HTTPS://EXAMPLE.ORG/1/AAAA");
}

/// A share sealed to a post-quantum recipient, whose card takes six codes and has no typed lines.
pub(crate) fn long_card(out: &Out, cards: &[Vec<u8>], open: &dyn Fn(&[u8]) -> Share, entropy: &mut Entropy) {
    let holder = Identity::from_seed(Kind::Hybrid, &entropy.secret(32).unwrap()).unwrap();
    let header = *SealedShare::read(&cards[3]).unwrap().header();
    let card =
        SealedShare::seal(header, &open(&cards[3]), &Sealer::Age(&holder.recipient().unwrap()), entropy)
            .unwrap();
    let identity = String::from_utf8(holder.to_text().expose().to_vec()).unwrap();
    let share = hex(open(&cards[3]).to_secret_bytes().expose());
    let headers =
        [("expect", "ok"), ("index", "4"), ("seal", "age"), ("identity", &identity), ("share", &share)];
    out.put("card/age-post-quantum", &headers, &folded(card.expose()));
    let parts: Vec<String> = codes(&card).iter().map(|code| code.to_string()).collect();
    let digest = hex(&card.digest());
    let ok = [("expect", "ok"), ("sha256", digest.as_str())];
    out.put("qr/parts", &ok, &parts.join("\n"));
    let backwards: Vec<_> = parts.iter().rev().cloned().collect();
    out.put("qr/parts-backwards", &ok, &backwards.join("\n"));
    let refused = [("expect", "refused")];
    out.put("qr/refused-part-missing", &refused, &parts[..5].join("\n"));
    let swapped = [&parts[..4], &[parts[4].replace("P5", "P6"), parts[5].replace("P6", "P5")]].concat();
    let spelt = [&[parts[0].replace("P1", "P01")], &parts[1..]].concat();
    out.put("qr/refused-part-spelling", &refused, &spelt.join("\n"));
    out.put("qr/refused-parts-swapped", &refused, &swapped.join("\n"));
}
