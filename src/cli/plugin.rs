//! Recipients and identities of age plugins (YubiKeys and others), through an installed `age` or `rage`.
//!
//! The share goes to that program's standard input and never to a file. What a recipient of a
//! plugin looks like is checked before anything is run (RUSTSEC-2024-0433: names that were paths).

use quorate::secret::{SecretBytes, SecretWriter};
use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// The programs that run plugins, the first one that is there.
const PROGRAMS: [&str; 2] = ["age", "rage"];
/// The longest output that is taken.
const LONGEST: usize = 64 * 1024;

/// Whether a text has the form of a plugin's recipient: `age1`, the plugin's name, `1`, bech32.
pub(crate) fn is_recipient(text: &str) -> bool {
    let bech32 = |data: &str| {
        data.len() >= 6 && data.bytes().all(|c| b"qpzry9x8gf2tvdw0s3jn54khce6mua7l".contains(&c))
    };
    let name = |name: &str| {
        !name.is_empty() && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
    };
    let parts = text.strip_prefix("age1").and_then(|rest| rest.rsplit_once('1'));
    text.len() <= 4096 && parts.is_some_and(|(plugin, data)| name(plugin) && plugin != "pq" && bech32(data))
}

/// Whether an age program is there that could run plugins.
pub(crate) fn has_age() -> bool {
    let answers = |program: &&str| {
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    PROGRAMS.iter().any(answers)
}

/// Encrypts `plain` to a plugin's recipient; `None` when no age program is installed or it failed.
pub(crate) fn encrypt(recipient: &str, plain: &SecretBytes) -> Option<Vec<u8>> {
    if !is_recipient(recipient) {
        return None;
    }
    let file =
        run(&[OsStr::new("--encrypt"), OsStr::new("--recipient"), OsStr::new(recipient)], plain.expose())?;
    Some(file.expose().to_vec())
}

/// Decrypts a file with an identity that only the age program can use.
pub(crate) fn decrypt(identity: &Path, file: &[u8]) -> Option<SecretBytes> {
    run(&[OsStr::new("--decrypt"), OsStr::new("--identity"), identity.as_os_str()], file)
}

fn run(arguments: &[&OsStr], input: &[u8]) -> Option<SecretBytes> {
    PROGRAMS.iter().find_map(|program| run_one(program, arguments, input))
}

fn run_one(program: &str, arguments: &[&OsStr], input: &[u8]) -> Option<SecretBytes> {
    // Its standard error is ours, so that a plugin can ask for a touch or a PIN.
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let mut stdout = child.stdout.take()?;
    // Shares are small: the whole of the input fits in the pipe.
    let sent = stdin.write_all(input).is_ok();
    drop(stdin);
    let mut output = SecretWriter::new(LONGEST);
    let mut chunk = SecretBytes::zeroed(4096);
    let received = loop {
        match stdout.read(chunk.expose_mut()) {
            Ok(0) => break true,
            Ok(read) if output.put(chunk.expose().get(..read).unwrap_or_default()).is_ok() => {}
            _ => break false,
        }
    };
    let ended = child.wait().is_ok_and(|status| status.success());
    (sent && received && ended).then(|| output.finish())
}
