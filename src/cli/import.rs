//! `quorate import record`: a provider took a package, and what proves that it holds the key.
//!
//! In: the package, and what the provider answered. The answer is held to what the ceremony put into the package, or
//! (an id of the material) to what was recorded before. Out: a record in the log. No custodian is needed.

use super::args::{Answered, ImportRecord, Place};
use super::failure::{DIFFERENCE, FAILED, Failure};
use super::files::read_secret;
use super::output::Output;
use super::package::{known, read};
use super::places::apart;
use super::session::Session;
use quorate::ceremony::escrow::Escrow;
use quorate::log::{Imported, Op, Phase};
use quorate::provider::{Answer, Package, PackageFacts, ProofError, ProofKind};
use quorate::wire::json::{Json, object};
use quorate::wire::text::hex;

/// The longest answer.
const LONGEST: usize = 64 * 1024;

pub(crate) fn record(place: &Place, options: &ImportRecord, output: &mut Output) -> Result<(), Failure> {
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    let package = read(&options.package)?;
    let facts = package.facts();
    let subject = &facts.subject;
    let wanted = &escrow.version(&options.name)?.backed.deposit;
    if (&subject.name, subject.version) != (&wanted.name, wanted.version) {
        let message = format!(
            "the package is of {} version {}, not of {} version {}",
            subject.name, subject.version, wanted.name, wanted.version
        );
        return Err(
            Failure::usage(message).hint("name the key version as NAME@VERSION, or the other package")
        );
    }
    let drill = known(&escrow, &package)?;
    apart(escrow.state(), facts.provider, package.request().target(), drill)?;
    let evidence = facts.proof.check(&answer(&options.answer)?)?;
    let imported = of(&package, evidence, None);
    same_material(pinned(&escrow, facts), &imported)?;
    escrow.record(Op::Import, Phase::Done, &imported.done())?;
    say(&escrow, &imported, Vec::new(), output);
    Ok(())
}

/// What the log says of a package that a provider took; `id` is the provider's own name of the version.
pub(crate) fn of(package: &Package, evidence: String, id: Option<String>) -> Imported {
    let facts = package.facts();
    Imported {
        name: facts.subject.name.clone(),
        version: facts.subject.version,
        provider: facts.provider,
        place: facts.place.clone(),
        package: package.digest(),
        proof: facts.proof.kind,
        evidence,
        target: package.request().target().clone(),
        id,
    }
}

/// The id that a provider gave the same version's material at the same place before.
pub(crate) fn pinned(escrow: &Escrow<'_>, facts: &PackageFacts) -> Option<String> {
    let same = |one: &&Imported| {
        (&one.name, one.version, one.provider, &one.place, one.proof)
            == (
                &facts.subject.name,
                facts.subject.version,
                facts.provider,
                &facts.place,
                ProofKind::MaterialId,
            )
    };
    let before = escrow.state().imports().iter().map(|(_, one)| one).find(same);
    before.map(|before| before.evidence.clone())
}

/// That an id is the one that was pinned.
pub(crate) fn same_material(pinned: Option<String>, imported: &Imported) -> Result<(), Failure> {
    let ids = imported.proof == ProofKind::MaterialId;
    match pinned.filter(|before| ids && *before != imported.evidence) {
        None => Ok(()),
        Some(before) => {
            let message = format!(
                "{} names the material {}, and it was {before} before: it holds another key",
                imported.provider, imported.evidence
            );
            Err(Failure::new(DIFFERENCE, message)
                .hint("compare with what the provider shows; import the right package again"))
        }
    }
}

/// Says that an import is logged.
pub(crate) fn say(
    escrow: &Escrow<'_>,
    imported: &Imported,
    more: Vec<(&'static str, Json<'static>)>,
    output: &mut Output,
) {
    let strength = match imported.proof {
        ProofKind::PublicKey | ProofKind::Decrypt | ProofKind::Mac => "proven",
        ProofKind::MaterialId | ProofKind::AtImport => "compared by the provider",
        ProofKind::Statement => "stated, not proven",
    };
    output
        .line(format!("{} version {} is at {}: {strength}", imported.name, imported.version, imported.place));
    output.line(format!("  {}", imported.proof.about()));
    output.line(format!("  evidence    {}", imported.evidence));
    let checkpoint = escrow.log().checkpoint().to_string();
    output.line(format!("  checkpoint  {checkpoint}"));
    let drill = escrow.state().held().any(|held| held.drill && held.imported == *imported);
    if drill {
        let (name, version) = (&imported.name, imported.version);
        output.line(format!(
            "  a drill's   the test key is in no use: `quorate shred {name}@{version} --drilled` ends it"
        ));
    }
    let mut value = object([
        ("checkpoint", Some(Json::text(checkpoint))),
        ("drill", drill.then_some(Json::Bool(true))),
        ("evidence", Some(Json::text(imported.evidence.clone()))),
        ("id", imported.id.clone().map(Json::text)),
        ("name", Some(Json::text(imported.name.to_string()))),
        ("package", Some(Json::text(hex(&imported.package)))),
        ("place", Some(Json::text(imported.place.clone()))),
        ("proof", Some(Json::text(imported.proof.name()))),
        ("provider", Some(Json::text(imported.provider.name()))),
        ("version", Some(Json::Number(imported.version.get().into()))),
    ]);
    if let Json::Object(fields) = &mut value {
        fields.extend(more.into_iter().map(|(name, value)| (name.into(), value)));
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    output.value(value);
}

fn answer(given: &Answered) -> Result<Answer, Failure> {
    let file = |path| Ok::<_, Failure>(read_secret(path, LONGEST)?.expose().to_vec());
    match given {
        Answered { public_key: Some(path), .. } => Ok(Answer::PublicKey(file(path)?)),
        Answered { answer: Some(path), .. } => Ok(Answer::Reply(file(path)?)),
        Answered { material_id: Some(id), .. } => Ok(Answer::MaterialId(id.clone())),
        Answered { statement, .. } => Ok(Answer::Statement(statement.clone().unwrap_or_default())),
    }
}

impl From<ProofError> for Failure {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Other { .. } => Self::new(DIFFERENCE, error.to_string())
                .hint("use the key there for nothing; destroy it there and import the package again"),
            error => {
                let failure = Self::new(FAILED, error.to_string());
                if failure.hint.is_some() {
                    failure
                } else {
                    failure.hint("`IMPORT.txt` in the package has the command")
                }
            }
        }
    }
}
