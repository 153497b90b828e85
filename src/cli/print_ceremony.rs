//! `quorate print ceremony`: the sheet that a ceremony's people tick, fill in and sign.
//!
//! Everything on it is public and comes from the quorum's record and the log. The envelopes' numbers are
//! in neither, so they are boxes. The program's own SHA-256 is read from its file; that a program vouches
//! for itself proves nothing, it is there to be compared with the published one.

use super::args::Onto;
use super::failure::Failure;
use super::files::create_secret;
use super::output::Output;
use super::print::cannot;
use quorate::card::page::{CardRow, CeremonyFace, KeyRow, ceremony_page};
use quorate::card::verification;
use quorate::ceremony::escrow::Escrow;
use quorate::primitive::hash::sha256;
use quorate::wire::json::{Json, object};
use quorate::wire::text::hex;
use std::path::PathBuf;

/// The most key versions that are listed: about two pages.
const MOST_KEYS: usize = 100;

pub(super) fn run(escrow: &Escrow<'_>, onto: &Onto, output: &mut Output) -> Result<(), Failure> {
    let record = escrow.quorum()?;
    let (terms, scheme) = (record.terms(), record.scheme());
    let codes: Vec<String> = terms.custodians.iter().map(|one| verification(&one.card)).collect();
    let cards: Vec<CardRow<'_>> = (1..)
        .zip(terms.custodians.iter().zip(&codes))
        .map(|(index, (custodian, verification))| CardRow {
            index,
            custodian: &custodian.name,
            role: custodian.role.as_deref(),
            seal: custodian.seal,
            verification,
            envelope: None,
        })
        .collect();
    let versions = escrow.state().versions();
    let listed = escrow.state().keys().values().flat_map(|key| key.versions.values());
    let listed: Vec<[String; 3]> = listed
        .take(if versions > MOST_KEYS { 0 } else { MOST_KEYS })
        .map(|version| {
            let backed = &version.backed;
            let name = format!("{}@{}", backed.deposit.name, backed.deposit.version);
            [name, backed.kind.name().to_owned(), backed.fingerprint.to_string()]
        })
        .collect();
    let keys: Vec<KeyRow<'_>> =
        listed.iter().map(|[name, kind, fingerprint]| KeyRow { name, kind, fingerprint }).collect();
    let binary = std::env::current_exe().and_then(std::fs::read).map(|bytes| hex(&sha256(&[&bytes])));
    if let Err(error) = &binary {
        output.warn(format!("the program's own SHA-256 can't be said: its file can't be read ({error})"));
    }
    let recipient = record.recipient().to_string();
    let (quorum, made) = (record.id().to_string(), terms.created.to_string());
    let checkpoint = escrow.log().checkpoint().to_string();
    let face = CeremonyFace {
        organisation: terms.organisation.as_deref(),
        quorum: &quorum,
        generation: terms.generation,
        threshold: scheme.threshold(),
        total: scheme.count(),
        made: &made,
        recipient: &recipient,
        recipient_digest: &hex(&sha256(&[recipient.as_bytes()])),
        record: &hex(&record.digest()),
        checkpoint: &checkpoint,
        time: &escrow.log().last_time().unwrap_or(terms.created).to_string(),
        cards: &cards,
        keys: &keys,
        versions,
        program: concat!("quorate ", env!("CARGO_PKG_VERSION")),
        binary: binary.as_deref().ok(),
    };
    let pdf =
        ceremony_page(&face, onto.paper.into()).map_err(|error| cannot("the ceremony sheet", &error))?;
    let path = onto.out.clone().unwrap_or_else(|| PathBuf::from(format!("ceremony-{quorum}.pdf")));
    create_secret(&path, &pdf)?;
    output.line(format!("ceremony sheet of quorum {quorum} in {}", path.display()));
    if versions > keys.len() {
        output
            .note(format!("{versions} key versions are too many to list: their fingerprints are not on it"));
    }
    output.value(object([
        ("checkpoint", Some(Json::text(checkpoint.clone()))),
        ("file", Some(Json::text(path.display().to_string()))),
        ("program", binary.as_ref().ok().cloned().map(Json::text)),
        ("quorum", Some(Json::text(quorum.clone()))),
    ]));
    Ok(())
}
