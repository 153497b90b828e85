//! `quorate log export` and `quorate log allowed-signers`: the log for other programs.

use super::args::Export;
use super::failure::{DIFFERENCE, FAILED, Failure};
use super::output::Output;
use super::session::Session;
use quorate::log::export::{inventory, ocsf, rfc5424};
use quorate::log::ssh::{NAMESPACE, armor};
use quorate::log::{Log, Record, Unauthorised};
use quorate::wire::json::{Json, object};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

pub(crate) fn run(session: &Session, options: &Export, output: &mut Output) -> Result<(), Failure> {
    if let Some(seq) = options.record {
        return record(session, seq, options.out.as_deref(), output);
    }
    let to = options.out.as_deref().unwrap_or_else(|| Path::new("standard output"));
    let failure = |error: std::io::Error| Failure::file(to, &error);
    // Written as it is read: a log may be longer than memory.
    let mut sink: BufWriter<Box<dyn Write>> = BufWriter::new(match &options.out {
        Some(path) => Box::new(create(path)?),
        None => Box::new(std::io::stdout().lock()),
    });
    if options.csv {
        for line in inventory(session.open()?.state()) {
            sink.write_all(line.as_bytes()).map_err(failure)?;
        }
    } else {
        let (escrow, mut written) = (session.open()?, Ok(()));
        let line = |record: &Record, void: Option<&Unauthorised>| {
            if options.ocsf { ocsf(record, void) } else { rfc5424(record, void).into_bytes() }
        };
        Log::walk_judged(escrow.store(), |record, void| {
            if written.is_ok() {
                written = sink.write_all(&line(record, void));
            }
        })?;
        written.map_err(failure)?;
    }
    sink.flush().map_err(failure)
}

/// Writes what an operator's key signed, and the signature, as a stock verifier takes them.
fn record(session: &Session, seq: u64, out: Option<&Path>, output: &mut Output) -> Result<(), Failure> {
    let escrow = session.open()?;
    let (mut wanted, mut signed, mut refused) = (None, None, None);
    // A record without a signature of its own is covered by the next one that has one, the last of its commit.
    Log::walk_judged(escrow.store(), |record, void| {
        if record.seq == seq {
            wanted = record.signed_by.as_ref().map(|signed| signed.key);
            refused = void.cloned();
        }
        let by = record.signed_by.as_ref().filter(|signed| signed.signature.is_some());
        if let Some(by) = by.filter(|by| signed.is_none() && Some(by.key) == wanted)
            && (by.from.unwrap_or(record.seq)..=record.seq).contains(&seq)
        {
            signed = Some(record.clone());
        }
    })?;
    if let Some(why) = refused {
        return Err(Failure::new(DIFFERENCE, format!("record {seq} does not count: {why}"))
            .hint("nobody stands for it who may; `quorate log verify` names every such record"));
    }
    let unsigned = || {
        Failure::new(FAILED, format!("record {seq} is not signed by an operator")).hint(
            "`quorate log show` shows the records, and `quorate operator list` since when they are signed",
        )
    };
    let record = signed.ok_or_else(unsigned)?;
    let by = record.signed_by.as_ref().ok_or_else(unsigned)?;
    let signature = by.signature.as_deref().ok_or_else(unsigned)?;
    let operator = escrow.state().operators().get(&by.key).ok_or_else(|| {
        Failure::new(
            FAILED,
            format!("record {} is signed by {}, which was never an operator's key", record.seq, by.key),
        )
        .hint("`quorate log verify` names every record that does not count")
    })?;
    let path = out.map_or_else(|| PathBuf::from(format!("record-{seq}")), Path::to_owned);
    let beside = PathBuf::from([path.as_os_str(), ".sig".as_ref()].join("".as_ref()));
    let message = record.operator_message();
    let armour = armor(&operator.key, NAMESPACE, signature);
    for (path, bytes) in [(&path, &message[..]), (&beside, armour.as_bytes())] {
        create(path)?.write_all(bytes).map_err(|error| Failure::file(path, &error))?;
    }
    let (name, shown, sig) = (&operator.name, path.display(), beside.display());
    if record.seq != seq {
        output.note(format!(
            "record {} is the one that was signed: it is the last of the same commit, and names every one before it by its hash",
            record.seq
        ));
    }
    let time: String = record.time.to_string().chars().filter(char::is_ascii_digit).collect();
    output.line(format!("record {} by {name}: {shown} and {sig}", record.seq));
    output.line(format!(
        "check it: quorate log allowed-signers > allowed && ssh-keygen -Y verify -f allowed -I {name} -n {NAMESPACE} -O verify-time={time}Z -s {sig} < {shown}"
    ));
    output.value(object([
        ("message", Some(Json::text(shown.to_string()))),
        ("operator", Some(Json::text(name.clone()))),
        ("seq", Some(Json::Number(record.seq))),
        ("signature", Some(Json::text(sig.to_string()))),
    ]));
    Ok(())
}

/// A new file.
fn create(path: &Path) -> Result<File, Failure> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| Failure::file(path, &error))
}

/// Prints who signed in which time.
pub(crate) fn allowed_signers(session: &Session, output: &mut Output) -> Result<(), Failure> {
    let escrow = session.open()?;
    let operators = escrow.state().operators();
    if operators.is_empty() {
        return Err(Failure::new(FAILED, "this escrow has no operators: its records are not signed")
            .hint("`quorate operator add NAME --key FILE.pub` names the first"));
    }
    let text = operators.allowed_signers();
    if !output.is_json() {
        output.raw(text.as_bytes());
    }
    output.value(Json::List(text.lines().map(|line| Json::text(line.to_owned())).collect()));
    Ok(())
}
