//! The report as a paper to sign: the same facts as the JSON, whose SHA-256 and signature stand on it.

use quorate::card::page::{Column, Fact, FormFace, PageError, Paper, Section, form_page};
use quorate::ceremony::report::{Kind, Report, Signed};
use quorate::wire::text::{base64, hex};

/// Until when a page of keys is not too long to sign.
const MOST_KEYS: usize = 200;

const fn column(title: &str, share: u8, code: bool) -> Column<'_> {
    Column { title, share, code }
}

/// The PDF.
pub(super) fn page(signed: &Signed) -> Result<Vec<u8>, PageError> {
    match set(signed.report(), signed) {
        // A letter that the fonts don't have is spelled out: a report is never left out for a name.
        Err(PageError::Glyph { .. }) => set(&spelled(signed.report()), signed),
        page => page,
    }
}

/// The report with every character outside ASCII as its number.
fn spelled(report: &Report) -> Report {
    let mut report = report.clone();
    let spell = |text: &mut String| {
        if !text.is_ascii() {
            let one = |c: char| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() };
            *text = text.chars().map(one).collect();
        }
    };
    report.organisation.iter_mut().chain(&mut report.purpose).for_each(spell);
    report.people.iter_mut().flat_map(|one| [&mut one.name, &mut one.role]).for_each(spell);
    report.steps.iter_mut().for_each(|one| {
        spell(&mut one.name);
        one.signed_off.iter_mut().for_each(spell);
    });
    report.cards.iter_mut().for_each(|one| {
        spell(&mut one.custodian);
        one.envelope.iter_mut().for_each(spell);
    });
    report.exceptions.iter_mut().for_each(spell);
    report
}

/// The PDF of these words, with the digest and the signature of `signed`.
fn set(report: &Report, signed: &Signed) -> Result<Vec<u8>, PageError> {
    let title = match report.kind {
        Kind::Found => "Report of a founding",
        Kind::Recover => "Report of a recovery",
        Kind::Drill => "Report of a drill",
        Kind::Salvage => "Report of a recovery from paper",
    };
    let which = format!("quorum {}, generation {}", report.quorum, report.generation);
    let (threshold, shares) = report.scheme;
    let scheme = format!("any {threshold} of {shares} custodians recover the keys");
    let (before, after) = (report.before.to_string(), report.after.to_string());
    let binary =
        report.binary.map_or_else(|| "could not be read: write it here".to_owned(), |digest| hex(&digest));
    let (digest, signature) = (hex(&signed.digest()), base64(signed.signature()));
    let keys = match report.count {
        0 => "none".to_owned(),
        count => format!("{count}, of which {} failed", report.failures),
    };
    let (time, quorum) = (report.time.to_string(), report.quorum.to_string());
    let released = match report.kind {
        Kind::Drill => "nothing: every key was wiped",
        Kind::Found => "",
        _ => "the key below",
    };
    let facts = [
        ("Organisation", report.organisation.as_deref().unwrap_or_default(), false),
        ("Purpose", report.purpose.as_deref().unwrap_or_default(), false),
        ("Quorum", &quorum, true),
        ("Cards", &scheme, false),
        ("Time", &time, true),
        ("Log before", &before, true),
        ("Log after", &after, true),
        ("Keys", &keys, false),
        ("Released", released, false),
        ("Program", &report.program, false),
        ("its SHA-256", &binary, true),
        ("SHA-256 of JSON", &digest, true),
        ("signature of it", &signature, true),
    ];
    let facts: Vec<Fact<'_>> = facts
        .into_iter()
        .filter(|(_, value, _)| !value.is_empty())
        .map(|(label, value, code)| Fact { label, value, code })
        .collect();
    let sections = sections(report);
    let signatures: Vec<(String, String)> =
        report.people.iter().map(|one| (one.role.clone(), one.name.clone())).collect();
    let id = format!("report {} {digest}", report.kind.name());
    let face = FormFace {
        title,
        which: &which,
        id: &id,
        foot: "Public: it holds no secret. Sign every page.",
        boxes: &["ceremony number", "place", "computer, system and its hash"],
        facts: &facts,
        sections: &sections,
        signatures: &signatures,
        time: &time,
        program: &report.program,
    };
    form_page(&face, Paper::A4)
}

fn sections(report: &Report) -> Vec<Section<'static>> {
    let step = |(number, step): (usize, &quorate::ceremony::report::Step)| {
        let seconds = std::time::Duration::from_millis(step.milliseconds).as_secs_f32();
        vec![
            number.to_string(),
            step.name.clone(),
            step.time.to_string(),
            format!("{seconds:.1} s"),
            step.signed_off.clone().unwrap_or_default(),
        ]
    };
    let card = |card: &quorate::ceremony::report::Card| {
        vec![
            card.index.to_string(),
            card.custodian.clone(),
            card.verification.clone(),
            card.envelope.clone().unwrap_or_default(),
            String::new(),
        ]
    };
    // Those that failed are always there, so that a long list is not what hides them.
    let listed = report.keys.iter().filter(|key| key.outcome != super::MATCHED);
    let listed = listed.chain(report.keys.iter().filter(|key| key.outcome == super::MATCHED)).take(MOST_KEYS);
    let key = |key: &quorate::ceremony::report::Key| {
        vec![format!("{}@{}", key.name, key.version), key.outcome.clone(), key.fingerprint.to_string()]
    };
    let mut keys: Vec<Vec<String>> = listed.map(key).collect();
    let more = report.count.saturating_sub(u64::try_from(keys.len()).unwrap_or(u64::MAX));
    if more > 0 && !keys.is_empty() {
        keys.push(vec![format!("and {more} more"), "in the JSON or the log".to_owned(), String::new()]);
    }
    const STEPS: &[Column<'_>] = &[
        column("no.", 4, false),
        column("step", 38, false),
        column("ended (UTC)", 24, true),
        column("took", 12, false),
        column("initials", 22, false),
    ];
    const CARDS: &[Column<'_>] = &[
        column("no.", 4, false),
        column("custodian", 36, false),
        column("verification code", 20, true),
        column("envelope", 22, false),
        column("new envelope", 18, false),
    ];
    const KEYS: &[Column<'_>] =
        &[column("key", 24, false), column("outcome", 18, false), column("fingerprint", 58, true)];
    const EXCEPTIONS: &[Column<'_>] = &[column("what was not as planned", 1, false)];
    const DUE: &[Column<'_>] = &[column("what", 60, false), column("by (UTC)", 40, true)];
    vec![
        Section {
            head: "Steps",
            columns: STEPS,
            rows: (1_usize..).zip(&report.steps).map(step).collect(),
            empty: "None was timed.",
            least: 7,
        },
        Section {
            head: "Cards",
            columns: CARDS,
            rows: report.cards.iter().map(card).collect(),
            empty: "No card was used.",
            least: 7,
        },
        Section {
            head: "Keys",
            columns: KEYS,
            rows: keys,
            empty: "The ceremony was about no key.",
            least: 0,
        },
        Section {
            head: "Exceptions",
            columns: EXCEPTIONS,
            rows: report.exceptions.iter().map(|text| vec![text.clone()]).collect(),
            empty: "None were noted. Write others here, and sign them:",
            least: 0,
        },
        Section {
            head: "Due next",
            columns: DUE,
            rows: report.due.iter().map(|due| vec![due.name.clone(), due.time.to_string()]).collect(),
            empty: "Nothing because of this ceremony.",
            least: 0,
        },
    ]
}
