//! Files that held a card: a picture of one is a copy of a secret, and goes when it was read.
//!
//! Never without being asked: at a terminal the files are named and a person decides, in a script
//! `--wipe-pictures` does. A file is overwritten, then deleted, as far as its disk lets anybody do that.
//! The file that a card is printed from stays: it may be the only one until the print was read back.

use super::bring::Brought;
use super::failure::{FAILED, Failure};
use super::output::Output;
use super::{prompt, terminal};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const TRUTH: &str =
    "on flash and copy-on-write disks, in snapshots, backups and the camera's own memory copies may stay";

/// The files that a command was given with a card in them.
#[derive(Debug, Default)]
pub(crate) struct Given(Vec<(PathBuf, Option<Stamp>)>);

/// Which file it was: what stands under its name later may be another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Stamp {
    /// `None` for what is no plain file.
    fn of(about: &fs::Metadata) -> Option<Self> {
        let (device, inode, length) = (about.dev(), about.ino(), about.len());
        about.is_file().then_some(Self {
            device,
            inode,
            length,
            changed: (about.mtime(), about.mtime_nsec()),
        })
    }
}

impl Given {
    /// Remembers a file that held a card.
    pub(crate) fn add(&mut self, path: &Path, is_print_file: bool) {
        let stamp = fs::metadata(path).ok().and_then(|about| Stamp::of(&about));
        let known =
            |(other, its): &(PathBuf, Option<Stamp>)| other == path || stamp.is_some() && *its == stamp;
        if !is_print_file && path != Path::new("-") && !self.0.iter().any(known) {
            self.0.push((path.to_owned(), stamp));
        }
    }

    /// Remembers what was brought, when a card in it was `taken`, or it held a part of one.
    pub(crate) fn note(&mut self, brought: &Brought, taken: bool) {
        if let Some(path) = brought.path.as_deref().filter(|_| taken || brought.reading.cards.is_empty()) {
            self.add(path, brought.reading.is_print_file);
        }
    }

    /// After a failure nothing is wiped, for the files may be needed again: what they are is said.
    pub(crate) fn remind(self, output: &Output) {
        if !self.0.is_empty() && terminal::is_interactive() {
            let names: Vec<_> = self.0.iter().map(|(path, _)| path.display().to_string()).collect();
            output.note(format!("kept, and to be destroyed after the next try: {}", names.join(", ")));
        }
    }

    /// Wipes the files when `wanted`, or when a person says so; else says what they are.
    pub(crate) fn end(self, wanted: bool, output: &Output) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.0.iter().map(|(path, _)| path.display().to_string()).collect();
        let (are, them) = match names.len() {
            1 => ("is a copy of a card, which is a secret", "it"),
            _ => ("are copies of cards, which are secrets", "them"),
        };
        let words = format!("{} {are}", names.join(", "));
        if !wanted && !terminal::is_interactive() {
            output.note(format!("{words}: destroy {them} when nobody needs {them} any more"));
            return Ok(());
        }
        if !wanted {
            output.note(words);
            if !prompt::confirm(&format!("overwrite and delete {them} now?"), false)? {
                output.note(format!("not deleted: destroy {them} yourself"));
                return Ok(());
            }
        }
        let mut last = Ok(());
        for (path, stamp) in &self.0 {
            match wipe(path, *stamp) {
                Ok(()) => output.note(format!("{}: overwritten and deleted", path.display())),
                Err(error) => {
                    if let Err(failure) = core::mem::replace(&mut last, Err(refused(path, &error))) {
                        super::bring::say(&failure, output);
                    }
                }
            }
        }
        output.note(TRUTH);
        last
    }
}

fn refused(path: &Path, error: &std::io::Error) -> Failure {
    let words = Failure::file(path, error).message;
    Failure::new(FAILED, format!("not deleted: {words}")).hint("destroy the file yourself")
}

/// Writes zeros over the file that was read, then deletes it. A link is not followed, and what came
/// under the name since is left alone.
fn wipe(path: &Path, stamp: Option<Stamp>) -> std::io::Result<()> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut file = match OpenOptions::new().write(true).custom_flags(flags).open(path) {
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(std::io::Error::other("it is a link to another file"));
        }
        file => file?,
    };
    let about = file.metadata()?;
    if stamp.is_none() || Stamp::of(&about) != stamp {
        return Err(std::io::Error::other("it is not the file that was read"));
    }
    let zeros = [0_u8; 4096];
    let mut left = about.len();
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(zeros.get(..part).unwrap_or_default())?;
        left = left.saturating_sub(u64::try_from(part).unwrap_or(left));
    }
    file.sync_all()?;
    fs::remove_file(path)
}
