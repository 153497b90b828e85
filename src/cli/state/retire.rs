//! `quorate state NAME --retire`: no further version of a key is wanted, and the watch asks for none.

use crate::cli::args::State;
use crate::cli::failure::{FAILED, Failure};
use crate::cli::output::Output;
use quorate::ceremony::escrow::Escrow;
use quorate::log::{Op, Phase, Retirement, StateError};
use quorate::wire::json::{Json, object};

pub(super) fn run(
    escrow: &mut Escrow<'_>,
    options: &State,
    reason: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    let name = options.name.label.clone();
    if options.name.version.is_some() {
        return Err(Failure::usage("a key is retired, not one of its versions")
            .hint(format!("name it without a version: `quorate state {name} --retire`")));
    }
    super::is_line(reason)?;
    let retirement = Retirement { name: name.clone(), reason: reason.to_owned() };
    let refused = |error: &StateError| {
        Failure::new(FAILED, error.to_string()).hint(match error {
        StateError::InUse { version, .. } => format!(
            "set it deactivated first (`quorate state {name}@{version} --set deactivated`), if nothing new is to be protected with this key"
        ),
        StateError::Retired { .. } => {
            "nothing was written; `quorate generate` makes a further version all the same".to_owned()
        }
        _ => "`quorate list` shows the keys".to_owned(),
    })
    };
    escrow.state().may_retire(&name).map_err(|error| refused(&error))?;
    escrow.commit(|state| {
        state.may_retire(&name)?;
        Ok::<_, StateError>(vec![(Op::Retire, Phase::Done, retirement.details())])
    })?;
    let checkpoint = escrow.log().checkpoint();
    output.line(format!("no further version of {name} is wanted"));
    output.line(format!("checkpoint  {checkpoint}"));
    output.value(object([
        ("checkpoint", Some(Json::text(checkpoint.to_string()))),
        ("name", Some(Json::text(name.to_string()))),
        ("retired", Some(Json::Bool(true))),
    ]));
    output.finish()?;
    output.note("a further version, or one that becomes active again or compromised, takes that back");
    Ok(())
}
