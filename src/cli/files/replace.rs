//! A file that a command writes again and again, in the place of its own earlier one.
//!
//! Only what is ours is replaced: a name that is free, or a regular file that begins as ours do. A device, a
//! link, somebody's document and whatever is in the escrow stay as they are.

use super::sync_parent;
use crate::cli::failure::{FAILED, Failure};
use rustix::fs::OFlags;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A name under which a file of ours may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replaceable<'a> {
    path: &'a Path,
    folder: PathBuf,
    name: OsString,
}

impl<'a> Replaceable<'a> {
    /// Checks that nothing but a file that `begins` as ours would go, and that it is not in the folder `escrow`.
    pub(crate) fn of(path: &'a Path, begins: &[u8], escrow: &Path) -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::file(path, &error);
        let refused = |why: &str| {
            Err(Failure::new(FAILED, format!("{}: {why}", path.display()))
                .hint("name a file outside the escrow that is for this alone"))
        };
        let name = path.file_name().ok_or_else(|| failure(io::Error::from(io::ErrorKind::IsADirectory)))?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = fs::canonicalize(parent.unwrap_or_else(|| Path::new("."))).map_err(failure)?;
        match fs::canonicalize(escrow) {
            Ok(root) if folder.starts_with(&root) => {
                return refused("is in the escrow, where only its own files belong");
            }
            // Nothing is in a folder that isn't there.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::file(escrow, &error));
            }
            _ => {}
        }
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failure(error)),
            Ok(about) if about.is_file() => {
                let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
                let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failure)?;
                let limit = u64::try_from(begins.len()).unwrap_or(u64::MAX);
                let mut there = Vec::new();
                file.take(limit).read_to_end(&mut there).map_err(failure)?;
                if there != begins {
                    return refused("is a file that this program didn't write, and stays as it is");
                }
            }
            Ok(_) => return refused("is a link, a folder or a device, and stays as it is"),
        }
        Ok(Self { path, folder, name: name.to_owned() })
    }

    /// Whether both are the same file.
    pub(crate) fn is(&self, other: &Self) -> bool {
        (&self.folder, &self.name) == (&other.folder, &other.name)
    }

    /// Writes a file that anybody may read in the place of what is there: whoever reads it meets the old one
    /// or the new one, whole.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.path;
        // The name doesn't end as the file's does: who collects `*.prom` must not meet half of one.
        let mut waiting = OsString::from(".");
        waiting.push(&self.name);
        waiting.push(format!(".{}.tmp", std::process::id()));
        let waiting = path.with_file_name(waiting);
        // One that was killed with this number has left it.
        let _ = fs::remove_file(&waiting);
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&waiting)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&waiting, path))
            .and_then(|()| sync_parent(path));
        written.map_err(|error| {
            let _ = fs::remove_file(&waiting);
            Failure::file(path, &error)
        })
    }
}
