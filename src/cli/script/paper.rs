//! The script as a paper: who is there, the steps with boxes, what is expected, places for signatures.

use crate::cli::args::Place;
use crate::cli::failure::{FAILED, Failure};
use crate::cli::session::now;
use quorate::card::page::{Column, Fact, FormFace, Paper, Section, form_page};
use quorate::ceremony::script::{Custodian, Script};
use quorate::primitive::hash::sha256;
use quorate::wire::text::hex;

const fn column(title: &str, share: u8) -> Column<'_> {
    Column { title, share, code: false }
}

const PEOPLE: &[Column<'_>] = &[
    column("custodian, deputy", 40),
    column("role", 20),
    column("card sealed by", 20),
    column("envelope", 20),
];
const STEPS: &[Column<'_>] = &[
    column("no.", 5),
    column("step", 43),
    column("expected", 27),
    column("done at (UTC)", 12),
    column("initials", 13),
];
const EXCEPTIONS: &[Column<'_>] =
    &[column("step", 10), column("what was not as planned, and who decided", 90)];

/// The PDF.
pub(super) fn page(place: &Place, script: &Script, paper: Paper) -> Result<Vec<u8>, Failure> {
    let time = place.clock.unwrap_or_else(now).to_string();
    let steps = script.steps();
    let scheme =
        format!("any {} of {} custodians recover the keys", script.threshold, script.custodians.len());
    let keys: Vec<String> = script.keys.iter().map(|key| format!("{} ({})", key.name, key.kind)).collect();
    let keys = if keys.is_empty() { "none in this ceremony".to_owned() } else { keys.join(", ") };
    let facts = [
        ("Organisation", script.organisation.as_deref().unwrap_or_default()),
        ("Purpose", script.purpose.as_deref().unwrap_or_default()),
        ("Escrow", &script.escrow),
        ("Quorum", &scheme),
        ("Keys", &keys),
    ];
    let facts: Vec<Fact<'_>> = facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| Fact { label, value, code: false })
        .collect();
    let seal = |one: &Custodian| match one.seal.as_str() {
        "passphrase" | "open" => one.seal.clone(),
        _ => "age recipient".to_owned(),
    };
    let custodian = |one: &Custodian| {
        let deputy = one.deputy.as_ref().map(|name| format!(" (deputy: {name})")).unwrap_or_default();
        let name = format!("{}{deputy}", one.name);
        vec![name, one.role.clone().unwrap_or_default(), seal(one), one.envelope.clone().unwrap_or_default()]
    };
    let numbered = (1_usize..).zip(&steps);
    let rows = numbered.map(|(number, step)| {
        vec![number.to_string(), step.text.clone(), step.expected.clone(), String::new(), String::new()]
    });
    let sections = [
        Section {
            head: "People",
            columns: PEOPLE,
            rows: script.custodians.iter().map(custodian).collect(),
            empty: "",
            least: 7,
        },
        Section { head: "Steps", columns: STEPS, rows: rows.collect(), empty: "", least: 9 },
        Section {
            head: "Exceptions",
            columns: EXCEPTIONS,
            rows: vec![vec![String::new(); 2]; 4],
            empty: "",
            least: 9,
        },
    ];
    let mut signatures = vec![("leader".to_owned(), String::new()), ("operator".to_owned(), String::new())];
    signatures.extend(script.witnesses.iter().map(|one| {
        (
            one.role.as_ref().map_or_else(|| "witness".to_owned(), |role| format!("witness, {role}")),
            one.name.clone(),
        )
    }));
    // What is printed is named by what it says, so that two printings of one script are one paper.
    let digest = hex(&sha256(&[format!("{script:?}").as_bytes()]));
    let face = FormFace {
        title: "Script of a ceremony",
        which: &script.title,
        id: &format!("script {digest}"),
        foot: "Public: it holds no secret. Sign every page.",
        boxes: &["ceremony number", "date", "place", "computer, system and its hash"],
        facts: &facts,
        sections: &sections,
        signatures: &signatures,
        time: &time,
        program: concat!("quorate ", env!("CARGO_PKG_VERSION")),
    };
    form_page(&face, paper).map_err(|error| {
        Failure::new(FAILED, format!("the script can't be printed: {error}"))
            .hint("change that text in the script")
    })
}
