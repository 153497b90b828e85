//! `IMPORT.txt`: what a package is, for the person who carries it to the provider.
//!
//! In: the request and the facts of the package. Out: text with the exact commands, what proves the import, and how
//! the key is stopped and destroyed there. Every value that stands in a command was checked to hold no
//! character that a shell reads.

use super::PackageFacts;
use crate::provider::{ProofKind, Provider, Request};
use crate::wire::text::hex;
use core::fmt::Write as _;

/// The text.
pub(super) fn import(request: &Request, facts: &PackageFacts) -> String {
    let (rules, subject, method) = (request.provider().rules(), &facts.subject, request.method());
    let mut text = String::new();
    let mut line = |words: String| {
        // Writing to a string doesn't fail.
        let _ = writeln!(text, "{words}");
    };
    line(format!(
        "A key for {}: {} version {} ({})",
        rules.title, subject.name, subject.version, subject.kind
    ));
    line(String::new());
    line(format!("fingerprint    {}", subject.fingerprint));
    line(format!("goes to        {}", facts.place));
    line(format!(
        "wrapped by     {}, OAEP with {} under RSA-{}",
        method.name,
        method.hash,
        request.wrapping_key().bits()
    ));
    line(format!("wrapping key   {} (SHA-256 of the SPKI)", hex(&facts.wrapping_key)));
    match request.expires() {
        Some(time) => line(format!("import before  {time}")),
        None => line("import before  no end: the wrapping key lasts".to_owned()),
    }
    line(String::new());
    line("Nothing here is secret: only the provider opens the wrapped key.".to_owned());
    line("In this folder, on the connected machine:".to_owned());
    line(String::new());
    for command in (rules.commands)(request, subject) {
        line(format!("    {command}"));
    }
    line(String::new());
    line(format!("Proof: {}.", facts.proof.kind.about()));
    let answer = match (facts.proof.kind, facts.provider) {
        (ProofKind::PublicKey, _) => "--public-key public.txt",
        (ProofKind::Decrypt | ProofKind::Mac, _) => "--answer answer.txt",
        (ProofKind::MaterialId, _) => "--material-id ID (the KeyMaterialId of the import's answer)",
        (_, Provider::Gcp) => "--statement NAME (the full name of the version)",
        _ => "--statement ID (the id that the import returned)",
    };
    line(format!(
        "Then log it:   quorate -C ESCROW import record {}@{} --package . {answer}",
        subject.name, subject.version
    ));
    line(String::new());
    line(format!("To stop it:    {}", rules.disable));
    line(format!("To destroy it: {}", rules.destroy));
    line("As long as a backup and enough cards exist, the key exists.".to_owned());
    for note in rules.notes {
        line(format!("Note: {note}."));
    }
    text
}
