//! `quorate operator add … --card …`: M custodians name an operator, when every founder's key is lost.
//!
//! The quorum signs the record, and that is what counts. Its intent is written before anybody is asked for
//! a card; nobody can sign it, so it doesn't count, and the new founder acknowledges it.

use crate::cli::args::Present;
use crate::cli::camera;
use crate::cli::cards::Openers;
use crate::cli::failure::{FAILED, Failure};
use crate::cli::gone::warn_of_gone;
use crate::cli::output::Output;
use crate::cli::recover::gather;
use crate::cli::session::Session;
use crate::cli::sign::public_key;
use crate::cli::wipe::Given;
use quorate::ceremony::recover::{Gathering, RecoverError};
use quorate::log::{Op, OperatorChange, Phase, Role};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

pub(super) fn add(
    session: &Session,
    name: &str,
    key: Option<&Path>,
    roles: BTreeSet<Role>,
    present: &Present,
    output: &mut Output,
) -> Result<(), Failure> {
    super::is_name(name)?;
    camera::is_built(&present.camera)?;
    if session.signer().is_some() {
        return Err(Failure::usage(
            "a founder's key and the quorum's cards are two ways to name an operator",
        )
        .hint("leave out --sign-with and QUORATE_SIGN_WITH, or the cards"));
    }
    let key =
        key.ok_or_else(|| Failure::usage("no key is named").hint("give the public key with --key FILE.pub"))?;
    if roles.is_empty() {
        return Err(Failure::usage(format!("it is not said what {name} may do"))
            .hint("give --role founder, so that others can be named without the quorum"));
    }
    let change = OperatorChange::Add { name: name.to_owned(), key: public_key(key)?, roles };
    let openers = Arc::new(Openers::of(&present.seals)?);
    let mut escrow = session.open()?;
    if escrow.state().operators().is_empty() {
        return Err(Failure::new(FAILED, "this escrow has no operators yet, and the first signs for itself")
            .hint("leave the cards out: `quorate operator add NAME --key FILE.pub`"));
    }
    escrow.state().fits(&change).map_err(|error| super::refused(&error))?;
    let record = escrow.quorum()?;
    openers.are_for(&record)?;
    let details = change.details_by(record.id());
    escrow.go_on_unsigned();
    escrow.record(Op::Operator, Phase::Intent, &details)?;
    let intent = escrow.log().checkpoint().seq();
    let mut gathering = Gathering::new(record);
    let (mut given, mut troubles) = (Given::default(), Vec::new());
    let what = "change of operators";
    let gathered = gather(present, what, &openers, &mut gathering, &mut given, &mut troubles, output);
    warn_of_gone(&escrow, &gathering, &mut troubles, output);
    let met =
        gathered.and_then(|()| gathering.meet().map_err(|error| Failure::from(RecoverError::from(error))));
    let quorum = match met {
        Ok(quorum) => quorum,
        Err(failure) => {
            given.remind(output);
            return Err(failure);
        }
    };
    let checkpoint = escrow.record_signed(Op::Operator, Phase::Done, &details, &quorum)?;
    drop(quorum);
    super::told(&escrow, checkpoint, &change, output);
    output.note(format!(
        "record {intent}, which announced this, is signed by nobody: `quorate log acknowledge {intent}` with the new key says that it is known"
    ));
    output.finish()?;
    given.end(present.wipe_pictures, output)
}
