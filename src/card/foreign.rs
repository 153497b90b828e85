//! What a code holds that is not a card, by its kind: for the person who photographed the wrong square.
//!
//! In: the text of a code. Out: a few words for "this is …, not a card". Nothing of the text itself is ever
//! given back: it may be somebody's secret. A guess from the beginning or the form of the text, never a proof.
//! Cards, and cards of other versions of the format, are not judged here (`codes`).

/// Beginnings, in capitals, and what they are. The first that fits counts.
const BEGINNINGS: [(&str, &str); 40] = [
    ("HTTP://", "a web address"),
    ("HTTPS://", "a web address"),
    ("WWW.", "a web address"),
    ("WIFI:", "the access to a wireless network"),
    ("BEGIN:VCARD", "a contact card"),
    ("MECARD:", "a contact card"),
    ("BIZCARD:", "a contact card"),
    ("BEGIN:VEVENT", "a calendar entry"),
    ("BEGIN:VCALENDAR", "a calendar entry"),
    ("MAILTO:", "an e-mail address"),
    ("MATMSG:", "an e-mail"),
    ("TEL:", "a telephone number"),
    ("SMSTO:", "a text message"),
    ("SMS:", "a text message"),
    ("GEO:", "a place on a map"),
    ("BCD\n", "a payment order"),
    ("BCD\r", "a payment order"),
    ("SPC\n", "a payment order"),
    ("SPC\r", "a payment order"),
    ("000201", "a payment code"),
    ("UPI:", "a payment code"),
    ("BITCOIN:", "a payment code"),
    ("LIGHTNING:", "a payment code"),
    ("ETHEREUM:", "a payment code"),
    ("LNBC", "a payment code"),
    ("OTPAUTH", "the secret of a one-time password (keep it to yourself)"),
    ("AGE-SECRET-KEY-", "an age identity (keep it to yourself)"),
    ("AGE-PLUGIN-", "an age identity (keep it to yourself)"),
    ("AGE1", "an age recipient"),
    ("AGE-ENCRYPTION.ORG/", "an age file"),
    ("-----BEGIN AGE ENCRYPTED FILE", "an age file"),
    ("-----BEGIN", "a key, certificate or message in PEM form (keep it to yourself)"),
    ("SSH-", "an SSH public key"),
    ("XPRV", "a private key of another program (keep it to yourself)"),
    ("UR:CRYPTO-SSKR", "a share of another program (keep it to yourself)"),
    ("UR:SSKR", "a share of another program (keep it to yourself)"),
    ("UR:", "a code of another program (UR)"),
    ("MS1", "a share of another program (keep it to yourself)"),
    ("HC1:", "a health certificate"),
    ("SHC:", "a health certificate"),
];

/// How many words the recovery phrases of other programs have (BIP-39, SLIP-39).
const PHRASES: [usize; 7] = [12, 15, 18, 20, 21, 24, 33];

/// The longest text that is looked at whole.
const LOOKED_AT: usize = 1000;

/// What a text is, as far as its form tells: "a web address".
pub(super) fn kind(text: &str) -> &'static str {
    let begins = |start: &str| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    if let Some((_, what)) = BEGINNINGS.iter().find(|(start, _)| begins(start)) {
        return what;
    }
    if text.len() > LOOKED_AT {
        return "a long text";
    }
    let words = text.split_ascii_whitespace();
    let word =
        |word: &str| (3..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    if PHRASES.contains(&words.clone().count()) && words.clone().all(word) {
        return "a list of words, as other programs make for recovery (keep it to yourself)";
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return "a number";
    }
    if words.clone().count() == 1 && text.contains("://") {
        return "an address for another program";
    }
    "some other text"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn common_codes_are_named_by_their_kind() {
        for (text, what) in [
            ("https://example.org/login?token=1", "a web address"),
            ("HTTP://EXAMPLE.ORG", "a web address"),
            ("WIFI:T:WPA;S:office;P:hunter2;;", "the access to a wireless network"),
            ("BEGIN:VCARD\nVERSION:3.0\nFN:A\nEND:VCARD", "a contact card"),
            ("BCD\n002\n1\nSCT\n\nRed Cross\nDE00\nEUR1", "a payment order"),
            ("otpauth://totp/a?secret=ABC", "the secret of a one-time password (keep it to yourself)"),
            ("AGE-SECRET-KEY-PQ-1QQQ", "an age identity (keep it to yourself)"),
            ("age1pq1qqq", "an age recipient"),
            ("UR:CRYPTO-SSKR/1-3/ABC", "a share of another program (keep it to yourself)"),
            ("ur:bytes/hdeymejt", "a code of another program (UR)"),
            (
                "ms13cashsllhdmn9m42vcsamx24zrxgs3qqjzqud4m0d6nln",
                "a share of another program (keep it to yourself)",
            ),
            ("4006381333931", "a number"),
            ("tg://resolve?domain=a", "an address for another program"),
            ("hello", "some other text"),
            ("", "some other text"),
        ] {
            assert_eq!(kind(text), what, "{text}");
        }
        let phrase = ["academic"; 20].join(" ");
        assert!(kind(&phrase).starts_with("a list of words"));
        assert!(kind(&"x".repeat(2000)).starts_with("a long text"));
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_is_given_back(text in "\\PC{0,60}") {
            let all = ["a long text", "a number", "an address for another program", "some other text",
                "a list of words, as other programs make for recovery (keep it to yourself)"];
            let what = kind(&text);
            prop_assert!(all.contains(&what) || BEGINNINGS.iter().any(|(_, known)| *known == what));
        }
    }
}
