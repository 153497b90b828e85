//! `quorate hsm close`: makes a key that is backed up stay in its token, when that was left undone.
//!
//! The name, label or id that leads to a key in the token is somebody's word. The key is recognised by what the
//! log knows of it before it is closed: closing another one would leave the right one open, and the log would say
//! otherwise.

use crate::cli::args::{Place, Reach};
use crate::cli::failure::{DIFFERENCE, FAILED, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::token::{allowed, in_token, module, on_road, open};
use quorate::ceremony::escrow::Escrow;
use quorate::hsm::{HsmError, Known, TokenUri, id_for};
use quorate::key::KeyName;
use quorate::log::{Closed, Deposit, InToken, Op, Phase, is_reason};

pub(super) fn run(
    place: &Place,
    name: &KeyName,
    uri: Option<&TokenUri>,
    lost: Option<&str>,
    reach: &Reach,
    output: &mut Output,
) -> Result<(), Failure> {
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    let version = escrow.version(name)?;
    let deposit = version.backed.deposit.clone();
    let Some(home) = deposit.token.clone() else {
        return Err(Failure::new(
            FAILED,
            format!("{} version {} does not live in a token", deposit.name, deposit.version),
        )
        .hint("`quorate show` says where a key lives"));
    };
    if let Some(time) = version.closed {
        output.line(format!(
            "{} version {} can't leave token {home} since {time}",
            deposit.name, deposit.version
        ));
        return Ok(());
    }
    if let Some(reason) = lost {
        return gone(&mut escrow, &deposit, home, reason, output);
    }
    let by_log = TokenUri {
        token: Some(home.label().to_owned()),
        serial: Some(home.serial().to_owned()),
        ..TokenUri::default()
    };
    let uri = uri.unwrap_or(&by_log);
    let module = module(reach, Some(uri))?;
    let (token, pin) = open(&module, reach, uri, output)?;
    if in_token(token.info()) != home {
        let message = format!(
            "{} version {} lives in token {home}, not in {}",
            deposit.name,
            deposit.version,
            token.info().uri()
        );
        return Err(Failure::new(DIFFERENCE, message).hint("name that token, or leave out --token"));
    }
    let id = id_for(deposit.key, deposit.version);
    let (fingerprint, spki, mark) = (version.backed.fingerprint, version.backed.spki, version.backed.mark);
    let known = Known { kind: version.backed.kind, fingerprint, spki, mark, id };
    on_road(&token, &allowed(reach, &pin)?, output, |transport, entropy, output| {
        // Not before the road is open: when the security officer was logged in, what was found is forgotten. A key that
        // was made here has an id of its own; one that was there before may have been named in the URI.
        let mut found = if uri.object.is_some() || uri.id.is_some() {
            vec![token.find(uri)?]
        } else {
            token.with_id(&known.id)?
        };
        let (Some(object), true) = (found.pop(), found.is_empty()) else {
            let (token, wanted) = (home.label().to_owned(), uri.to_string());
            return Err(HsmError::NoKey { token, what: "key of this version", wanted }.into());
        };
        let how = transport.recognise(&object, &known, entropy)?;
        transport.close(&object)?;
        let closed =
            Closed { name: deposit.name.clone(), version: deposit.version, token: home.clone(), lost: None };
        escrow.record(Op::Close, Phase::Done, &closed.done())?;
        output
            .line(format!("{} version {} can't leave token {home} any more", deposit.name, deposit.version));
        output.note(format!("{}: {}", object.name(), how.words()));
        Ok(())
    })
}

/// Logs that a token is lost, broken or wiped: what was in it and could leave can't be closed in any more. It isn't
/// said that nobody took the key out before.
fn gone(
    escrow: &mut Escrow<'_>,
    deposit: &Deposit,
    home: InToken,
    reason: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    if !is_reason(reason) {
        return Err(
            Failure::usage("a reason is 1 to 500 bytes of plain text").hint("say it shorter, in one line")
        );
    }
    let (name, version) = (deposit.name.clone(), deposit.version);
    output.line(format!(
        "{name} version {version} was in token {home}, which is gone: logged, and nobody is asked to close it"
    ));
    let lost = Some(reason.to_owned());
    escrow.record(
        Op::Close,
        Phase::Done,
        &Closed { name: name.clone(), version, token: home, lost }.done(),
    )?;
    output.note(format!("it could leave that token until then: if somebody else may have it, `quorate state {name}@{version} --set compromised`"));
    Ok(())
}
