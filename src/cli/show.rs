//! `quorate show`: one key and its versions.

use super::args::{Place, Show};
use super::failure::Failure;
use super::output::{Output, plain};
use super::session::Session;
use quorate::ceremony::escrow::backup_file;
use quorate::log::{Backed, KeyVersion};
use quorate::wire::json::{Json, object};
use quorate::wire::text::hex;

pub(crate) fn run(place: &Place, options: &Show, output: &mut Output) -> Result<(), Failure> {
    let session = Session::reading(place)?;
    let escrow = session.open()?;
    let asked = escrow.version(&options.name)?;
    let shown: Vec<&KeyVersion> = match (options.name.version, escrow.state().keys().get(&options.name.label))
    {
        (None, Some(key)) => key.versions.values().collect(),
        _ => vec![asked],
    };
    for version in &shown {
        let backed = &version.backed;
        output.line(format!("{} version {}", backed.deposit.name, backed.deposit.version));
        output.line(format!("  kind         {}", backed.kind));
        output.line(format!("  {:<12} {}", version.op.name(), backed.created));
        output.line(format!("  state        {} since {}", version.state, version.since));
        output.line(format!("  fingerprint  {}", backed.fingerprint));
        if let Some(spki) = backed.spki {
            output.line(format!("  public key   {} (SHA-256 of the SPKI)", hex(&spki)));
        }
        output.line(version.certificate.map_or_else(
            || {
                let (key, number) = (backed.deposit.key, backed.deposit.version);
                format!("  backup       keys/{key}/{number}.age, {} bytes", backed.size)
            },
            |certificate| format!("  backup       destroyed, says certificate {certificate}"),
        ));
        output.line(format!("  quorum       {}", backed.deposit.quorum));
        if let Some(token) = &backed.deposit.token {
            let stays = match (version.closed, &version.lost) {
                (None, _) => "may still leave it: `quorate hsm close` ends that".to_owned(),
                (Some(time), None) => format!("can't leave it since {time}"),
                (Some(time), Some(reason)) => {
                    format!("which is gone since {time}, as was said: {}", plain(reason))
                }
            };
            output.line(format!("  token        {}, {stays}", plain(&token.to_string())));
        }
        let recovered = version.recovered.map_or_else(|| "never".to_owned(), |time| time.to_string());
        output.line(format!("  recovered    {recovered}"));
        if let Some(time) = version.drilled {
            output.line(format!("  drilled      {time}"));
        }
    }
    output.value(Json::List(shown.into_iter().map(version_json).collect()));
    Ok(())
}

/// A key version for programs.
pub(crate) fn version_json(version: &KeyVersion) -> Json<'static> {
    let mut value = backed_json(&version.backed);
    if let Json::Object(fields) = &mut value {
        let times =
            [("closed", version.closed), ("recovered", version.recovered), ("drilled", version.drilled)];
        fields.push(("state".into(), Json::text(version.state.name())));
        fields.push(("since".into(), Json::text(version.since.to_string())));
        fields.extend(version.certificate.map(|number| ("certificate".into(), Json::Number(number))));
        for (name, time) in times {
            fields.extend(time.map(|time| (name.into(), Json::text(time.to_string()))));
        }
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    value
}

/// A backup for programs.
pub(crate) fn backed_json(backed: &Backed) -> Json<'static> {
    let deposit = &backed.deposit;
    object([
        ("backup", Some(Json::text(backup_file(deposit.key, deposit.version)))),
        ("created", Some(Json::text(backed.created.to_string()))),
        ("fingerprint", Some(Json::text(backed.fingerprint.to_string()))),
        ("kind", Some(Json::text(backed.kind.name()))),
        ("name", Some(Json::text(deposit.name.to_string()))),
        ("quorum", Some(Json::text(deposit.quorum.to_string()))),
        ("spki", backed.spki.map(|spki| Json::text(hex(&spki)))),
        ("token", deposit.token.as_ref().map(quorate::log::InToken::json)),
        ("version", Some(Json::Number(deposit.version.get().into()))),
    ])
}
