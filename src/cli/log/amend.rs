//! `quorate log acknowledge` and `set-clock`: what a founder says of records that went wrong.
//!
//! Neither changes what an earlier record says or whether it counts: the log only gets longer.

use crate::cli::failure::{FAILED, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use quorate::ceremony::escrow::Escrow;
use quorate::log::{Op, OperatorChange, Phase};
use quorate::wire::json::{Json, object};

/// Acknowledges every record up to `seq` that doesn't count.
pub(super) fn acknowledge(session: &Session, seq: u64, output: &mut Output) -> Result<(), Failure> {
    let mut escrow = session.open()?;
    let log = escrow.log();
    match log.last_void() {
        None => {
            return Err(Failure::new(
                FAILED,
                "every record of this log counts: there is nothing to acknowledge",
            )
            .hint("`quorate log verify` names the records that do not count, when there are any"));
        }
        Some(last) if last != seq => {
            return Err(Failure::new(
                FAILED,
                format!("the last record that does not count is {last}, not {seq}"),
            )
            .hint("`quorate log verify` names them: look at all of them before you acknowledge them"));
        }
        Some(_) if log.unacknowledged() == 0 => {
            return Err(Failure::new(FAILED, format!("the records up to {seq} are acknowledged already"))
                .hint("`quorate log show` marks them; later ones are named when there are any"));
        }
        Some(_) => {}
    }
    let (count, change) =
        (log.unacknowledged(), OperatorChange::Acknowledge { upto: seq, void: log.void_digest() });
    write(&mut escrow, &change, &format!("{count} records up to record {seq} are known not to count"), output)
}

/// Has the log go on from the time that it is here.
pub(super) fn set_clock(session: &Session, output: &mut Output) -> Result<(), Failure> {
    let mut escrow = session.open()?;
    let now = escrow.now();
    let last = escrow.log().last_time().filter(|last| *last > now).ok_or_else(|| {
        Failure::new(
            FAILED,
            format!("the last record is not later than this clock ({now}): nothing is to be set"),
        )
        .hint("this is for a log whose last record is of the future; for this machine's clock use `date`")
    })?;
    escrow.set_clock();
    let said = format!("the log goes on from {now}; the last record was of {last}");
    write(&mut escrow, &OperatorChange::Clock, &said, output)
}

fn write(
    escrow: &mut Escrow<'_>,
    change: &OperatorChange,
    said: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    if escrow.state().operators().is_empty() {
        return Err(Failure::new(FAILED, "this escrow has no operators, and only a founder can say that")
            .hint("`quorate operator add NAME --key FILE.pub` names the first; when the last record is of the future, give it --clock with that record's time"));
    }
    let checkpoint = escrow.record(Op::Operator, Phase::Done, &change.details())?;
    output.line(said);
    output.line(format!("checkpoint  {checkpoint}"));
    output.value(object([("checkpoint", Some(Json::text(checkpoint.to_string())))]));
    Ok(())
}
