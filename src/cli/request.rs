//! `quorate request`: what a key will be wrapped for, made on the connected machine.
//!
//! In: the provider's own download. Out: one file to carry to the ceremony, and the SHA-256 of the wrapping key,
//! which is compared there. Nothing secret is here, and no escrow is needed.

use super::args::{Place, RequestArgs};
use super::failure::Failure;
use super::files::{create_secret, read_secret};
use super::output::Output;
use super::package::grouped;
use super::session::now;
use quorate::provider::{Download, Draft, Request, Target};
use quorate::wire::json::{Json, object};
use quorate::wire::text::hex;
use std::path::Path;

/// The longest file of a download.
const LONGEST: usize = 128 * 1024;

pub(crate) fn run(place: &Place, options: &RequestArgs, output: &mut Output) -> Result<(), Failure> {
    let provider = options.provider;
    let target = fields(&options.fields)?;
    let mut files = Vec::new();
    for path in &options.from {
        files.push(read_secret(path, LONGEST)?.expose().to_vec());
    }
    let request = Request::make(Draft {
        provider,
        kind: options.kind,
        purpose: options.purpose.into(),
        download: Download::read(provider, &files)?,
        method: options.method.clone(),
        target,
        expires: options.expires,
        made: place.clock.unwrap_or_else(now),
    })?;
    create_secret(&options.out, &request.bytes())?;
    shown(&request, &options.out, output);
    Ok(())
}

/// What `--set` says of the target.
pub(crate) fn fields(given: &[String]) -> Result<Target, Failure> {
    let mut target = Target::new();
    for field in given {
        let wrong = || {
            Failure::usage(format!("--set {field:?} is no field with a value"))
                .hint("write it as FIELD=VALUE; `quorate provider show` names the fields")
        };
        let (name, value) = field.split_once('=').ok_or_else(wrong)?;
        if target.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::usage(format!("--set gives {name:?} twice")).hint("give each field once"));
        }
    }
    Ok(target)
}

/// All that a request says, as both machines show it to people who compare.
pub(crate) fn lines(request: &Request) -> Vec<String> {
    let provider = request.provider();
    let mut lines = vec![
        format!("a request of {} for a key of kind {}", provider.rules().title, request.kind()),
        format!("  goes to       {}", request.place()),
    ];
    let others = request.target().iter().filter(|(field, _)| field.as_str() != "key");
    lines.extend(others.map(|(field, value)| format!("  {field:<13} {value}")));
    lines.push(format!("  brings        {}", request.purpose().about()));
    lines.push(format!(
        "  method        {} under RSA-{}",
        request.method().name,
        request.wrapping_key().bits()
    ));
    lines.push(match request.expires() {
        Some(time) => format!("  ends          {time}"),
        None => format!("  ends          never by itself ({})", provider.rules().lasts),
    });
    lines.push(format!("  wrapping key  {}", grouped(&hex(&request.wrapping_key().fingerprint()))));
    lines.push(format!("  whole request {}", grouped(&hex(&request.digest()))));
    lines
}

/// Shows a request that was written to `file`.
pub(crate) fn shown(request: &Request, file: &Path, output: &mut Output) {
    let provider = request.provider();
    let fingerprint = hex(&request.wrapping_key().fingerprint());
    let method = request.method();
    lines(request).iter().for_each(|line| output.line(line));
    output.line("note both SHA-256, and compare them in the ceremony: whoever exchanges the wrapping key on the way gets the key, and whoever alters the rest sends it elsewhere");
    output.value(object([
        ("algorithm", Some(Json::text(method.name))),
        ("expires", request.expires().map(|time| Json::text(time.to_string()))),
        ("file", Some(Json::text(file.display().to_string()))),
        ("kind", Some(Json::text(request.kind().name()))),
        ("place", Some(Json::text(request.place().to_owned()))),
        ("provider", Some(Json::text(provider.name()))),
        ("request", Some(Json::text(hex(&request.digest())))),
        ("wrapping-key", Some(Json::text(fingerprint))),
    ]));
}
