//! A certificate in words, for programs, and as a paper to sign.

use crate::cli::failure::Failure;
use crate::cli::print::cannot;
use quorate::card::page::{Fact, FormFace, Paper, form_page};
use quorate::card::verification;
use quorate::ceremony::escrow::Escrow;
use quorate::log::{CertificateEntry, Remains};
use quorate::provider::besides;
use quorate::wire::json::{Json, object};
use quorate::wire::text::hex;

/// What was destroyed, in words.
pub(crate) fn subject(escrow: &Escrow<'_>, what: &Remains) -> String {
    match what {
        Remains::Card(card) => {
            let record = escrow.quorum_by_id(card.quorum).ok();
            let name = record.and_then(|record| Some(record.custodian(card.index)?.name.clone()));
            let name = name.map(|name| format!(" of {name}")).unwrap_or_default();
            format!("the card{name} (share {}, generation {})", card.index, card.generation)
        }
        Remains::Backup { name, version, .. } => format!("the backup of {name} version {version}"),
        Remains::Provider { name, version, provider, place, target } => {
            let more = besides(target).map(|more| format!(" ({more})")).unwrap_or_default();
            format!("the copy of {name} version {version} at {provider} {place}{more}")
        }
    }
}

/// A certificate for programs.
pub(crate) fn value(escrow: &Escrow<'_>, entry: &CertificateEntry) -> Json<'static> {
    let certificate = &entry.certificate;
    let witnesses = certificate.witnesses.iter().map(|name| Json::text(name.clone())).collect();
    let target = match &certificate.what {
        Remains::Provider { target, .. } if !target.is_empty() => {
            let name = |(field, value): (&String, &String)| (field.clone().into(), Json::text(value.clone()));
            Some(Json::Object(target.iter().map(name).collect()))
        }
        _ => None,
    };
    object([
        ("actor", Some(Json::text(entry.actor.clone()))),
        ("certificate", Some(Json::Number(certificate.number))),
        ("reason", Some(Json::text(certificate.reason.clone()))),
        ("seq", Some(Json::Number(entry.seq))),
        ("subject", Some(Json::text(subject(escrow, &certificate.what)))),
        ("target", target),
        ("time", Some(Json::text(entry.time.to_string()))),
        ("what", Some(Json::text(certificate.what.word()))),
        ("witnesses", Some(Json::List(witnesses))),
    ])
}

/// The paper.
pub(super) fn page(escrow: &Escrow<'_>, entry: &CertificateEntry, paper: Paper) -> Result<Vec<u8>, Failure> {
    let certificate = &entry.certificate;
    let quorum = escrow.quorum()?;
    let what = subject(escrow, &certificate.what);
    let mut facts = vec![
        ("Destroyed", what, false),
        ("How and why", certificate.reason.clone(), false),
        ("Logged", format!("record {} of the log, {}", entry.seq, entry.time), true),
    ];
    match &certificate.what {
        Remains::Card(card) => {
            if let Some(custodian) = quorum.custodian(card.index) {
                facts.push(("Verification code", verification(&custodian.card), true));
                facts.push(("SHA-256 of the card", hex(&custodian.card), true));
            }
        }
        Remains::Backup { name, version, backup } => {
            let found = escrow.state().keys().get(name).and_then(|key| key.versions.get(version));
            facts.push(("SHA-256 of the file", hex(backup), true));
            facts.extend(found.map(|found| ("Fingerprint", found.backed.fingerprint.to_string(), true)));
        }
        Remains::Provider { provider, place, target, .. } => {
            facts.push(("Provider", provider.name().to_owned(), false));
            facts.push(("Place", place.clone(), true));
            facts.extend(besides(target).map(|more| ("Its other names", more, true)));
        }
    }
    let facts: Vec<Fact<'_>> =
        facts.iter().map(|(label, value, code)| Fact { label, value, code: *code }).collect();
    let mut signatures = vec![("written by".to_owned(), entry.actor.clone())];
    signatures.extend(certificate.witnesses.iter().map(|name| ("witness".to_owned(), name.clone())));
    let title = format!("Certificate of destruction {}", certificate.number);
    let which = format!("quorum {}", quorum.id());
    let face = FormFace {
        title: &title,
        which: &which,
        id: &format!("certificate {} {} {}", quorum.id(), certificate.number, entry.seq),
        foot: "Public: it holds no secret. File it with the minutes.",
        boxes: &[
            "place",
            "date and time of the destruction",
            "device or method",
            "envelope, if there was one",
        ],
        facts: &facts,
        sections: &[],
        signatures: &signatures,
        time: &entry.time.to_string(),
        program: concat!("quorate ", env!("CARGO_PKG_VERSION")),
    };
    form_page(&face, paper).map_err(|error| cannot("the certificate", &error))
}
