//! The steps of a script: the words that are read out, and what everybody should see then.

use super::{Custodian, Script};
use crate::key::{KeyKind, Label};

/// What the program does in a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// People do it.
    Hand,
    /// A quorum is founded, with its cards.
    Found,
    /// Keys of one kind are made.
    Generate(KeyKind, Vec<Label>),
    /// Every key is drilled, and the report is made.
    Drill,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub text: String,
    /// What everybody should see or hear then.
    pub expected: String,
    /// Who does it.
    pub action: Action,
}

fn hand(text: impl Into<String>, expected: impl Into<String>) -> Step {
    Step { text: text.into(), expected: expected.into(), action: Action::Hand }
}

pub(super) fn steps(script: &Script) -> Vec<Step> {
    let count = script.custodians.len();
    let mut steps = vec![
        hand(
            "The computer is offline and was started from known media. Read out the SHA-256 of the program, and compare it with the published one.",
            "The two are the same.",
        ),
        hand(present(script), "Everybody has shown who they are. No cameras, no telephones."),
        Step {
            text: format!(
                "A quorum of {} of {count} is founded. Every card is printed on a printer without a network, and read back from its print; each passphrase is seen by its custodian alone.",
                script.threshold
            ),
            expected: format!("quorum ....-....-....-.... is founded: {} custodians recover", any(script)),
            action: Action::Found,
        },
        hand(
            "The verification code of every card is read out by its custodian, and compared with the screen and with the ceremony sheet.",
            format!("{count} codes agree."),
        ),
    ];
    steps.extend(script.custodians.iter().map(envelope));
    let mut kinds: Vec<KeyKind> = Vec::new();
    for key in &script.keys {
        if !kinds.contains(&key.kind) {
            kinds.push(key.kind);
        }
    }
    for kind in kinds {
        let names: Vec<Label> =
            script.keys.iter().filter(|key| key.kind == kind).map(|key| key.name.clone()).collect();
        let listed = names.iter().map(Label::as_str).collect::<Vec<_>>().join(", ");
        steps.push(Step {
            text: format!("Keys of kind {kind} are made and backed up to the quorum: {listed}."),
            expected: names
                .iter()
                .map(|name| format!("generated {name} version 1 ({kind})"))
                .collect::<Vec<_>>()
                .join("; "),
            action: Action::Generate(kind, names),
        });
    }
    if !script.keys.is_empty() {
        let keys = script.keys.len();
        steps.push(Step {
            text: format!(
                "A drill: {} of the custodians open their envelopes again and bring their cards. Every key is recovered, compared and wiped; the report is signed by the quorum.",
                script.threshold
            ),
            expected: format!("drilled {keys} of {keys} key versions: {keys} recovered, 0 failed"),
            action: Action::Drill,
        });
    }
    for one in &script.destinations {
        let carrier = one.carrier.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
        steps.push(hand(
            format!("A copy of the escrow is brought to {}{carrier}.", one.name),
            "`quorate log verify --since` with the checkpoint of the report agrees there.",
        ));
    }
    steps.push(hand(
        "The cards\u{2019} files and the slips are deleted, the printer\u{2019}s memory is cleared, the computer is switched off and its disk destroyed or locked away.",
        "Nothing secret is left in the room but sealed envelopes.",
    ));
    steps.push(hand(
        format!(
            "This script and the report are signed by all, and copied. The next drill is due in {} days, the next check of every card in {}.",
            script.policy.drill_days, script.policy.check_days
        ),
        "Every page is signed.",
    ));
    steps
}

fn any(script: &Script) -> String {
    format!("any {} of {}", script.threshold, script.custodians.len())
}

fn present(script: &Script) -> String {
    let role = |name: &str, role: Option<&String>| match role {
        Some(role) => format!("{name} ({role})"),
        None => name.to_owned(),
    };
    let custodian = |one: &Custodian| {
        let deputy = one.deputy.as_ref().map(|deputy| format!(", or {deputy} as deputy")).unwrap_or_default();
        format!("{}{deputy}", role(&one.name, one.role.as_ref()))
    };
    let custodians: Vec<String> = script.custodians.iter().map(custodian).collect();
    let witnesses: Vec<String> =
        script.witnesses.iter().map(|one| role(&one.name, one.role.as_ref())).collect();
    let watched =
        if witnesses.is_empty() { String::new() } else { format!(" Witnesses: {}.", witnesses.join("; ")) };
    format!("These are present. Custodians: {}.{watched}", custodians.join("; "))
}

fn envelope(one: &Custodian) -> Step {
    let number = one
        .envelope
        .as_ref()
        .map_or_else(|| "its number is written down".to_owned(), |number| format!("its number is {number}"));
    hand(
        format!(
            "The card of {} goes into a numbered envelope, which is sealed before all and handed over.",
            one.name
        ),
        format!("The envelope is unbroken; {number}."),
    )
}
