//! `quorate provider`: what the key services take, and the smallest rights for each duty.
//!
//! Out: the tables of the library, for people and programs. Only `status` asks a service.

use super::args::{Place, ProviderCommand};
use super::failure::Failure;
use super::output::Output;
use quorate::provider::policy::{PolicyError, Scope, policy};
use quorate::provider::{ProofKind, Provider};
use quorate::wire::json::{Json, object};
use quorate::wrap::Form;

pub(crate) fn run(place: &Place, command: &ProviderCommand, output: &mut Output) -> Result<(), Failure> {
    match command {
        ProviderCommand::Status(options) => return super::online::status(place, options, output),
        ProviderCommand::List => list(output),
        ProviderCommand::Show { provider } => show(*provider, output),
        ProviderCommand::Policy { provider, role, key, mount, kind, fields } => {
            let scope = Scope { key, mount, kind: *kind, target: &super::request::fields(fields)? };
            let text = policy(*provider, (*role).into(), scope)?;
            if output.is_json() {
                output.value(object([("policy", Some(Json::text(text)))]));
            } else {
                output.raw(text.as_bytes());
            }
        }
    }
    Ok(())
}

fn kinds(provider: Provider) -> Vec<&'static str> {
    provider.kinds().into_iter().map(quorate::key::KeyKind::name).collect()
}

fn list(output: &mut Output) {
    let mut values = Vec::new();
    for provider in Provider::ALL {
        let rules = provider.rules();
        output.line(format!("{:<11} {}", rules.name, rules.title));
        output.line(format!("            {}", kinds(provider).join(", ")));
        values.push(object([
            ("kinds", Some(Json::List(kinds(provider).into_iter().map(Json::text).collect()))),
            ("name", Some(Json::text(rules.name))),
            ("title", Some(Json::text(rules.title))),
        ]));
    }
    output.value(Json::List(values));
}

fn show(provider: Provider, output: &mut Output) {
    let rules = provider.rules();
    output.line(format!("{} ({})", rules.title, rules.name));
    output.line("methods, the first that fits is the default:");
    let mut methods = Vec::new();
    for method in rules.methods {
        let form = match method.form {
            Form::Direct => "direct",
            Form::Hybrid => "hybrid",
        };
        let bits = method.bits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let names: Vec<&str> = method.kinds.iter().map(|kind| kind.name()).collect();
        output.line(format!("  {} ({form}, OAEP with {}, RSA {bits})", method.name, method.hash));
        output.line(format!("    {}", names.join(", ")));
        methods.push(object([
            ("form", Some(Json::text(form))),
            ("hash", Some(Json::text(method.hash.name()))),
            ("kinds", Some(Json::List(names.into_iter().map(Json::text).collect()))),
            ("name", Some(Json::text(method.name))),
        ]));
    }
    output.line(format!("the wrapping key lasts {}", rules.lasts));
    output.line("it is fetched by:");
    rules.fetch.iter().for_each(|command| output.line(format!("  {command}")));
    output.line("a request needs:");
    for field in rules.fields {
        let need = if field.required { "" } else { " (optional)" };
        output.line(format!("  {:<18} {}{need}", field.name, field.about));
    }
    output.line("an import is proven by:");
    let mut proofs = Vec::new();
    for proof in ProofKind::ALL {
        let names: Vec<&str> = provider
            .kinds()
            .into_iter()
            .filter(|kind| (rules.proof)(*kind) == proof)
            .map(quorate::key::KeyKind::name)
            .collect();
        if !names.is_empty() {
            output.line(format!("  {:<18} {} ({})", proof.name(), proof.about(), names.join(", ")));
            proofs.push(Json::text(proof.name()));
        }
    }
    output.line(format!("stopped by:   {}", rules.disable));
    output.line(format!("destroyed by: {}", rules.destroy));
    rules.notes.iter().for_each(|note| output.line(format!("note: {note}")));
    output.value(object([
        ("methods", Some(Json::List(methods))),
        ("name", Some(Json::text(rules.name))),
        ("proofs", Some(Json::List(proofs))),
        ("title", Some(Json::text(rules.title))),
    ]));
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        Self::usage(error.to_string()).hint("`quorate provider policy --help` says what it takes")
    }
}
