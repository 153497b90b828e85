//! `quorate generate`: new keys, or new versions of them, and their backups.

use super::args::{Generate, Place};
use super::failure::Failure;
use super::hsm;
use super::init::entropy;
use super::output::Output;
use super::package::Order;
use super::session::Session;
use super::show::backed_json;
use quorate::ceremony::deposit::{DepositError, deposit};
use quorate::ceremony::escrow::Escrow;
use quorate::key::{GenerateError, KeyKind, Label, OPAQUE_LIMIT, generate, generate_opaque};
use quorate::log::{Backed, Op};
use quorate::provider::{RequestError, Subject};
use quorate::wire::json::{Json, object};
use quorate::wire::time::Timestamp;

pub(crate) fn run(place: &Place, options: &Generate, output: &mut Output) -> Result<(), Failure> {
    let length = match (options.kind, options.length) {
        (KeyKind::Opaque, None) => {
            return Err(Failure::usage("an opaque secret needs its length").hint("add --length BYTES"));
        }
        (KeyKind::Opaque, Some(length)) if (1..=OPAQUE_LIMIT).contains(&length) => length,
        (KeyKind::Opaque, Some(length)) => {
            let message = format!("an opaque secret has 1 to {OPAQUE_LIMIT} bytes, not {length}");
            return Err(Failure::usage(message).hint("choose another --length"));
        }
        (kind, Some(_)) => {
            return Err(
                Failure::usage(format!("a key of kind {kind} has a length of its own")).hint("drop --length")
            );
        }
        (_, None) => 0,
    };
    if let Some(token) = &options.birth.token {
        return hsm::born_in_token(place, options, token, output);
    }
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    let order = order(options, escrow.now(), output)?;
    let mut wrapped = Vec::new();
    let now = escrow.now();
    for name in &options.names {
        warn_of_other_kind(name, kind_before(&escrow, name), options.kind, output);
    }
    let mut entropy = entropy(&options.entropy)?;
    let backed = deposit(
        &mut escrow,
        Op::Generate,
        &options.names,
        |_, entropy| {
            let key = match options.kind {
                KeyKind::Opaque => generate_opaque(length, entropy),
                kind => generate(kind, entropy),
            }?;
            if let Some(order) = &order {
                wrapped = order.wrap(&key, now, entropy)?;
            }
            Ok::<_, MakeError>(key)
        },
        &mut entropy,
    )?;
    report("generated", &backed, output);
    if let (Some(order), Some(one)) = (order, backed.first()) {
        let subject = Subject {
            name: one.deposit.name.clone(),
            version: one.deposit.version,
            kind: one.kind,
            fingerprint: one.fingerprint,
        };
        let packages = order.write(wrapped, &subject, now)?.release(&mut escrow, output)?;
        let keys = Json::List(backed.iter().map(backed_json).collect());
        output.value(object([("keys", Some(keys)), ("packages", Some(packages))]));
    }
    Ok(())
}

/// What `--for` asks for.
fn order(options: &Generate, now: Timestamp, output: &Output) -> Result<Option<Order>, Failure> {
    if options.wanted.requests.is_empty() {
        return Ok(None);
    }
    if options.names.len() != 1 {
        return Err(
            Failure::usage("--for wraps one key, and several are named").hint("generate one key at a time")
        );
    }
    let dir = options.package.as_ref().ok_or_else(|| {
        Failure::usage("--for needs a folder for the package").hint("add --package DIR, a new folder")
    })?;
    let order = Order::of(&options.wanted, dir, now, output)?;
    order.fits(options.kind)?;
    Ok(Some(order))
}

/// Why a key was not made, or not wrapped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeError {
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl From<DepositError<MakeError>> for Failure {
    fn from(error: DepositError<MakeError>) -> Self {
        Self::from_deposit(error)
    }
}

/// The kind of a name's newest version.
pub(crate) fn kind_before(escrow: &Escrow<'_>, name: &Label) -> Option<KeyKind> {
    escrow.state().keys().get(name)?.versions.values().next_back().map(|version| version.backed.kind)
}

/// Says when a name changes its kind: that is perhaps not what was meant.
pub(crate) fn warn_of_other_kind(name: &Label, before: Option<KeyKind>, kind: KeyKind, output: &Output) {
    if let Some(before) = before.filter(|before| *before != kind) {
        output.warn(format!("{name} was of kind {before} until now; its new version is of kind {kind}"));
    }
}

/// What was backed up.
pub(crate) fn report(verb: &str, backed: &[Backed], output: &mut Output) {
    for one in backed {
        let deposit = &one.deposit;
        output.line(format!("{verb} {} version {} ({})", deposit.name, deposit.version, one.kind));
        output.line(format!("  fingerprint {}", one.fingerprint.short()));
        output.line(format!("  backed up to quorum {}", deposit.quorum));
    }
    output.value(Json::List(backed.iter().map(backed_json).collect()));
}
