//! Key services by the program's own clients: OpenBao and PyKMIP themselves, and what stands for AWS, Google and Azure.
//!
//! `tests/tools/online_openbao.py` and its neighbours start the servers on 127.0.0.1, drive the program, kill it, lose its
//! replies, and end everything. They need `bao` and Python on the path, and the folder `aws` of the tools; with
//! `QUORATE_TEST_ALL=1` they fail when it is missing. Without the feature `online`: what the program says then.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a script with what runs it, if that has the modules that it needs; how many lines it writes.
#[cfg(feature = "online")]
fn script(python: &Path, module: &str, name: &str) -> Option<usize> {
    let there = Command::new(python).args(["-c", &format!("import {module}")]).output();
    if !there.is_ok_and(|ran| ran.status.success()) {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "{} has no {module}", python.display());
        eprintln!("left out: {} has no {module}", python.display());
        return None;
    }
    let keys = root().join("tests/data/key");
    let ran = Command::new(python)
        .arg(root().join("tests/tools").join(name))
        .arg(env!("CARGO_BIN_EXE_quorate"))
        .arg(keys)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{name}:\n{out}{err}");
    Some(out.lines().count())
}

#[cfg(feature = "online")]
#[test]
fn openbao_by_the_programs_client() {
    if Command::new("bao").arg("version").output().is_err() {
        assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "no bao");
        eprintln!("left out: no bao");
        return;
    }
    let lines = script(Path::new("python3"), "http.server", "online_openbao.py");
    assert!(lines.is_none_or(|lines| lines == 11), "{lines:?}");
}

#[cfg(feature = "online")]
#[test]
fn aws_by_the_programs_client() {
    let tools = std::env::var_os("QUORATE_TOOLS").map_or_else(|| root().join("target/tools"), PathBuf::from);
    let lines = script(&tools.join("aws/bin/python3"), "ministack", "online_aws.py");
    assert!(lines.is_none_or(|lines| lines == 8), "{lines:?}");
}

/// Google's stand-in reads and writes by Google's own message classes.
#[cfg(feature = "online")]
#[test]
fn google_by_the_programs_client() {
    let lines = script(Path::new("python3"), "google.cloud.kms_v1", "online_gcp.py");
    assert!(lines.is_none_or(|lines| lines == 9), "{lines:?}");
}

/// A Key Vault, and a Managed HSM.
#[cfg(feature = "online")]
#[test]
fn azure_by_the_programs_client() {
    let lines = script(Path::new("python3"), "cryptography", "online_azure.py");
    assert!(lines.is_none_or(|lines| lines == 16), "{lines:?}");
}

/// PyKMIP as it is, which is found out, and with unwrapping.
#[cfg(feature = "online")]
#[test]
fn kmip_by_the_programs_client() {
    let lines = script(Path::new("python3"), "kmip", "online_kmip.py");
    assert!(lines.is_none_or(|lines| lines == 8), "{lines:?}");
}

/// Without the feature the arguments exist, and what they would do is refused before anything happens.
#[cfg(not(feature = "online"))]
#[test]
fn the_default_program_says_what_it_lacks() {
    let _: PathBuf = root().to_owned();
    for words in [
        &["import", "begin", "aws", "--kind", "aes-256"][..],
        &["import", "finish", "out"],
        &["provider", "status"],
    ] {
        let ran = Command::new(env!("CARGO_BIN_EXE_quorate")).args(words).output().unwrap();
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{words:?} {err}");
        assert!(err.contains("quorate: error: this program was built without network"), "{err}");
        assert!(err.contains("quorate: hint: ") && err.contains("`--features online`"), "{err}");
    }
}
