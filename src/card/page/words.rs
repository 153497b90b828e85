//! The sentences of page 1, for a stranger in ten years: what the card is, the steps, the rules.
//!
//! In: a face; out: plain text, without places or sizes (`front` sets it). Plain words, one thought to a sentence. Nothing
//! here names another custodian, a place, a machine or an account.

use time::OffsetDateTime;

use super::{Face, Sealing, composed};

/// How many cards it takes.
pub(super) fn any(face: &Face<'_>) -> String {
    let Face { threshold, total, .. } = *face;
    if threshold == total {
        format!("All {total} cards together recover the keys; fewer recover nothing.")
    } else {
        format!("Any {threshold} of the {total} cards recover the keys; fewer recover nothing.")
    }
}

/// Whether a passphrase is needed.
pub(super) fn seal(face: &Face<'_>) -> String {
    match face.seal {
        Sealing::Passphrase { memory_mib } => format!("NEEDED, and {memory_mib} MiB of free memory"),
        Sealing::Age { recipient_kind } => {
            format!("none: the custodian\u{2019}s {} opens it", composed(recipient_kind))
        }
        Sealing::Open => "none: only the envelope protects it".to_owned(),
    }
}

/// What the paper is.
pub(super) fn what(face: &Face<'_>) -> String {
    let Face { threshold, total, .. } = *face;
    let together =
        if threshold == total { format!("All {total}") } else { format!("Any {threshold} of the {total}") };
    let whose = face.organisation.map(|name| format!(" of {}", composed(name))).unwrap_or_default();
    format!(
        "This paper holds one of {total} shares of a secret that recovers encryption keys{whose}, if every other copy is lost. \
         Alone it opens nothing. {together} together open the key backups of this quorum."
    )
}

/// What to do when asked to use it.
pub(super) fn steps(face: &Face<'_>) -> [String; 6] {
    let envelope = match face.envelope {
        Some(number) => format!("its number is {}", composed(number)),
        None => "it is unbroken".to_owned(),
    };
    let typed = match face.lines.len().checked_sub(2) {
        Some(data) => format!("It will not scan? Type any {data} of the {} typed lines.", face.lines.len()),
        None => "It will not scan? Try another scanner: this card has no typed lines.".to_owned(),
    };
    let seal = match face.seal {
        Sealing::Passphrase { .. } => {
            "Type the passphrase yourself. Nobody needs to see or hear it.".to_owned()
        }
        Sealing::Age { recipient_kind } => {
            format!("Bring your {}: it opens the share.", composed(recipient_kind))
        }
        Sealing::Open => "There is no passphrase: do not let the card out of your hand.".to_owned(),
    };
    [
        "Check the request with two people you know, on numbers you already had.".to_owned(),
        format!("Open the envelope only at the meeting, before a witness. See that {envelope}, and sign."),
        "Scan the code on the offline computer of the meeting, nowhere else.".to_owned(),
        typed,
        seal,
        "Afterwards seal the card in a new envelope; note its number.".to_owned(),
    ]
}

/// What holds always.
pub(super) fn rules(face: &Face<'_>, contact: &str) -> Vec<String> {
    let mut list = vec![
        "Never photograph, scan or copy this card, except at a check, recovery or drill, on an offline computer."
            .to_owned(),
        "Never read the typed lines out: nobody from IT will ask. Only the verification code may be told."
            .to_owned(),
    ];
    if matches!(face.seal, Sealing::Passphrase { .. }) {
        list.push("Keep the passphrase apart from the card.".to_owned());
    }
    let generation = face.generation;
    list.push(format!(
        "Replaced set: once a newer generation than {generation} is handed out, destroy this card. Do not combine generations."
    ));
    list.push(format!("Lost, opened, wet or damaged? Tell {contact} at once."));
    list
}

/// Date and time of making, with its offset: `2026-11-23 14:05 UTC`.
pub(super) fn date(made: OffsetDateTime) -> String {
    let (hours, minutes, _) = made.offset().as_hms();
    let zone = match (hours, minutes) {
        (0, 0) => "UTC".to_owned(),
        _ => {
            let sign = if made.offset().is_negative() { '-' } else { '+' };
            format!("UTC{sign}{:02}:{:02}", hours.unsigned_abs(), minutes.unsigned_abs())
        }
    };
    format!(
        "{}-{:02}-{:02} {:02}:{:02} {zone}",
        made.year(),
        u8::from(made.month()),
        made.day(),
        made.hour(),
        made.minute()
    )
}
