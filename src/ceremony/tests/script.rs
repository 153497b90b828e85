//! Scripts: what is read, what is refused with which line, and which steps come of it.

use super::super::script::{Action, LONGEST, Policy, Script, ScriptError};
use crate::key::KeyKind;
use proptest::prelude::*;

const WHOLE: &str = r#"title = "Founding of the quorum of Acme"
purpose = "the first quorum"
escrow = "acme"

[quorum]
organisation = "Acme"
threshold = 2
memory = 64
contact = "the head of security"

[[custodian]]
name = "alice"
role = "board"
deputy = "ann"
seal = "open"
envelope = "A-0016"

[[custodian]]
name = "bob"

[[custodian]]
name = "carol"
seal = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"

[[key]]
name = "payments"
kind = "aes-256"

[[key]]
name = "signing"
kind = "ed25519"

[[key]]
name = "ledger"
kind = "aes-256"

[[destination]]
name = "the bank"
carrier = "Dora"

[[witness]]
name = "Wilma"
role = "auditor"

[policy]
drill-days = 180
"#;

fn refused(text: &str) -> String {
    Script::read(text.as_bytes()).unwrap_err().to_string()
}

/// The whole script with one line changed.
fn with(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    refused(&WHOLE.replacen(from, to, 1))
}

#[test]
fn a_whole_script_is_read() {
    let script = Script::read(WHOLE.as_bytes()).unwrap();
    assert_eq!((script.threshold, script.custodians.len(), script.memory), (2, 3, Some(64)));
    assert_eq!(script.custodians[0].deputy.as_deref(), Some("ann"));
    assert_eq!(script.custodians[1].seal, "passphrase");
    assert_eq!(script.policy, Policy { drill_days: 180, check_days: 90, is_said: true });
    let steps = script.steps();
    let actions: Vec<&Action> =
        steps.iter().map(|step| &step.action).filter(|one| **one != Action::Hand).collect();
    let [
        Action::Found,
        Action::Generate(KeyKind::Aes256, aes),
        Action::Generate(KeyKind::Ed25519, ed),
        Action::Drill,
    ] = actions.as_slice()
    else {
        panic!("{actions:?}")
    };
    assert_eq!((aes.len(), ed.len()), (2, 1));
    let all: String = steps.iter().map(|step| format!("{} {}\n", step.text, step.expected)).collect();
    for wanted in [
        "alice (board), or ann as deputy",
        "Wilma (auditor)",
        "A-0016",
        "the bank by Dora",
        "180 days",
        "drilled 3 of 3",
    ] {
        assert!(all.contains(wanted), "{wanted}: {all}");
    }
    let small = "title = 't'\nescrow = 'e'\n[quorum]\nthreshold = 2\n[[custodian]]\nname = 'a'\n[[custodian]]\nname = 'b'\n";
    let small = Script::read(small.as_bytes()).unwrap();
    assert!(small.steps().iter().all(|step| step.action != Action::Drill), "no key, no drill");
}

#[test]
fn every_refusal_has_its_line() {
    for (from, to, wanted) in [
        ("purpose =", "purpos =", "line 2: the script has no field \"purpos\"; did you mean purpose?"),
        ("threshold = 2", "treshold = 2", "line 5: [quorum] needs the field threshold"),
        ("memory = 64", "memroy = 64", "line 8: [quorum] has no field \"memroy\"; did you mean memory?"),
        ("[[key]]", "[[keys]]", "line 25: the script has no field \"keys\"; did you mean key?"),
        ("carrier", "weight", "line 39: [[destination]] has no field \"weight\""),
        ("name = \"bob\"", "role = \"bob\"", "line 18: [[custodian]] needs the field name"),
        ("escrow = \"acme\"", "", "line 1: the script needs the field escrow"),
        ("threshold = 2", "threshold = 1", "line 7: threshold: write a whole number from 2 to 255"),
        ("threshold = 2", "threshold = \"2\"", "line 7: threshold: write a whole number"),
        ("threshold = 2", "threshold = 4", "4 of 3 custodians can never meet"),
        ("memory = 64", "memory = 100", "line 8: memory: 100 MiB is no size that seals have"),
        ("name = \"bob\"", "name = \"Alice\"", "the name \"Alice\" is there twice"),
        ("name = \"bob\"", "name = \"b=b\"", "the name \"b=b\" holds a ="),
        ("deputy = \"ann\"", "deputy = \"alice\"", "can't stand in for themselves"),
        ("name = \"bob\"", "name = \" \"", "line 19: name: it is empty"),
        ("name = \"bob\"", "name = \"b\\u0007b\"", "line 19: name: it holds a control character"),
        ("name = \"bob\"", "name = 7", "line 19: name: write it as a text in quotes"),
        ("kind = \"ed25519\"", "kind = \"des\"", "line 31: kind: "),
        (
            "kind = \"ed25519\"",
            "kind = \"opaque\"",
            "line 31: kind: an opaque secret has a length of its own",
        ),
        ("name = \"ledger\"", "name = \"payments\"", "the key payments is there twice"),
        ("name = \"ledger\"", "name = \"../ledger\"", "line 34: name: "),
        ("drill-days = 180", "drill-days = 0", "write a whole number from 1 to 3653"),
        ("[policy]", "[policy", "line 45: "),
    ] {
        let said = with(from, to);
        assert!(said.contains(wanted), "{from} -> {to}: {said}");
    }
    assert_eq!(Script::read(&vec![b' '; LONGEST + 1]), Err(ScriptError::TooLong));
    assert_eq!(Script::read(b"title = \"\xff\""), Err(ScriptError::Text));
    assert!(refused("").contains("needs the field title"));
    let few = "title = 't'\nescrow = 'e'\nwitness = 3\n[quorum]\nthreshold = 2\n";
    assert!(refused(few).contains("line 3: witness: write each as a table of its own, [[witness]]"));
    let deep = format!("title = {}", "[".repeat(60_000));
    assert!(matches!(Script::read(deep.as_bytes()), Err(ScriptError::Syntax { .. })));
}

proptest! {
    #[test]
    fn no_text_panics(cut in any::<prop::sample::Index>(), with in "\\PC{0,12}", more in any::<prop::sample::Index>()) {
        let (at, to) = (cut.index(WHOLE.len()), more.index(WHOLE.len()));
        let mut text = WHOLE.as_bytes()[..at].to_vec();
        text.extend_from_slice(with.as_bytes());
        text.extend_from_slice(&WHOLE.as_bytes()[to..]);
        if let Ok(script) = Script::read(&text) { prop_assert!(!script.steps().is_empty()); }
    }
}
