//! What the tests that need `strace` share: whether it is there, copies of folders, what a program said.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Whether there is a strace; the tests ask for it with `QUORATE_TEST_ALL=1`. `what` is left out without it.
pub(crate) fn has_strace(what: &str) -> bool {
    let there = Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("QUORATE_TEST_ALL").is_none(), "strace is missing");
    if !there {
        eprintln!("left out: {what} (strace is missing)");
    }
    there
}

/// Copies a folder and what is in it to `to`, which may be there.
pub(crate) fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// How a program ended, and what it said.
pub(crate) fn words(output: &Output) -> String {
    format!("{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr))
}
