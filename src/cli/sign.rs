//! An operator's key: a file, a key in the agent, a hardware key. `ssh-keygen` signs with it.
//!
//! The private key never comes into this program: stock OpenSSH asks for its passphrase, its PIN or
//! a touch, on the terminal or through its agent. What it gives is checked before it is used.

use super::failure::{FAILED, Failure};
use super::files::read_secret;
use quorate::log::ssh::{NAMESPACE, SshFingerprint, SshKey, read_signature};
use quorate::log::{Sign, SignError};
use std::ffi::OsStr;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The longest file of a public key that is read.
const LONGEST: usize = 16 * 1024;

/// A key that `ssh-keygen` can sign with.
pub(crate) struct Signer {
    key: SshKey,
    /// The file that `ssh-keygen` is told: a private key, or a public one whose private key is in the agent.
    file: PathBuf,
    /// What keeps that file open, when it is in memory.
    _open: Option<std::fs::File>,
}

impl Signer {
    /// The key that `--sign-with` names.
    pub(crate) fn named(text: &str) -> Result<Self, Failure> {
        match text.strip_prefix("agent:") {
            Some(fingerprint) => Self::in_agent(fingerprint),
            None => Self::file(Path::new(text)),
        }
    }

    /// The key in a file: a private key with its `.pub` file beside it, or a `.pub` file.
    pub(crate) fn file(path: &Path) -> Result<Self, Failure> {
        let key = if path.extension() == Some(OsStr::new("pub")) {
            public_key(path)?
        } else {
            let beside = PathBuf::from([path.as_os_str(), OsStr::new(".pub")].join(OsStr::new("")));
            if beside.exists() {
                public_key(&beside)?
            } else {
                std::fs::metadata(path).map_err(|error| Failure::file(path, &error))?;
                derive(path)?
            }
        };
        // With the private key beside it there is no need of an agent.
        let private = path.with_extension("");
        let has_private = path.extension() == Some(OsStr::new("pub")) && private.is_file();
        Ok(Self { key, file: if has_private { private } else { path.to_owned() }, _open: None })
    }

    fn in_agent(text: &str) -> Result<Self, Failure> {
        let wanted = SshFingerprint::parse(text).ok_or_else(|| {
            Failure::usage("after agent: stands the fingerprint of a key")
                .hint("`ssh-add -l` shows it: agent:SHA256:…")
        })?;
        let listed = run(Command::new("ssh-add").arg("-L"), b"").ok().unwrap_or_default();
        let key = listed.lines().filter_map(|line| SshKey::from_line(line).ok());
        let key = key.into_iter().find(|key| key.fingerprint() == wanted).ok_or_else(|| {
            Failure::new(FAILED, format!("the agent has no key {wanted}"))
                .hint("`ssh-add FILE` gives it one; `ssh-add -l` shows which it has, and SSH_AUTH_SOCK says where it is")
        })?;
        // In memory: a file that anybody else could exchange would have another key sign. The program
        // that signs has it as its own, since nobody may look into this one.
        let file = |error: &std::io::Error| Failure::file(Path::new("a file in memory"), error);
        let open = rustix::fs::memfd_create("key", rustix::fs::MemfdFlags::empty());
        let mut open = std::fs::File::from(open.map_err(|errno| file(&errno.into()))?);
        writeln!(open, "{key}").map_err(|error| file(&error))?;
        let path = format!("/proc/self/fd/{}", open.as_raw_fd());
        Ok(Self { key, file: path.into(), _open: Some(open) })
    }
}

impl Sign for Signer {
    fn key(&self) -> &SshKey {
        &self.key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let refused = |reason: String| SignError { key: self.key.fingerprint(), reason };
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]).arg(&self.file);
        let armour = run(&mut command, message).map_err(refused)?;
        read_signature(&armour, &self.key, NAMESPACE, message).map_err(|error| refused(error.to_string()))
    }
}

/// Reads a file with a public key.
pub(crate) fn public_key(path: &Path) -> Result<SshKey, Failure> {
    let text = read_secret(path, LONGEST)?;
    let line = core::str::from_utf8(text.expose()).unwrap_or_default();
    SshKey::from_line(line).map_err(|error| {
        let failure = Failure::new(FAILED, format!("{}: {error}", path.display()));
        if failure.hint.is_some() {
            failure
        } else {
            failure.hint("`ssh-keygen -t ed25519 -f FILE` makes a pair, and FILE.pub is the public key")
        }
    })
}

/// The public key of a private one that has no `.pub` file beside it.
fn derive(path: &Path) -> Result<SshKey, Failure> {
    let failed = |reason: String| {
        Failure::new(FAILED, format!("{}: {reason}", path.display()))
            .hint("name an SSH private key, its .pub file, or agent:FINGERPRINT")
    };
    let line = run(Command::new("ssh-keygen").args(["-y", "-f"]).arg(path), b"").map_err(failed)?;
    SshKey::from_line(&line).map_err(|error| failed(error.to_string()))
}

/// Runs a program of OpenSSH; its standard error is ours, so that it can ask for a touch or a PIN.
fn run(command: &mut Command, input: &[u8]) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("{name} of OpenSSH is not installed"),
        _ => format!("{name} does not start"),
    })?;
    // A program that ended early says why; that it didn't read is no news.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(input));
    let output = child.wait_with_output().map_err(|_| format!("{name} gave no answer"))?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|_| format!("{name} gave no text"))
    } else {
        Err(format!("{name} refused"))
    }
}
