//! Keys that may still leave their tokens, for `status`: backed up, and not closed in.
//!
//! As the log says it; what the token itself says, `hsm show --keys` does. Older versions count too: they open what
//! they sealed; those whose backup was destroyed don't, since a certificate accounts for them.

use crate::cli::output::{Output, plain};
use quorate::log::{InToken, State};
use quorate::wire::json::{Json, object};

/// Says which, and gives them for programs.
pub(in crate::cli) fn may_leave(state: &State, output: &mut Output) -> Json<'static> {
    let mut values = Vec::new();
    for version in state.keys().values().flat_map(|key| key.versions.values()) {
        let deposit = &version.backed.deposit;
        let is_open = version.closed.is_none() && !version.state.is_destroyed();
        let Some(token) = deposit.token.as_ref().filter(|_| is_open) else { continue };
        output.line(format!(
            "may leave   {} version {} its token {}: `quorate hsm close {}@{}` ends that",
            deposit.name,
            deposit.version,
            plain(&token.to_string()),
            deposit.name,
            deposit.version
        ));
        values.push(object([
            ("name", Some(Json::text(deposit.name.to_string()))),
            ("token", Some(InToken::json(token))),
            ("version", Some(Json::Number(deposit.version.get().into()))),
        ]));
    }
    Json::List(values)
}
