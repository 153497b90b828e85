//! Files that the command line reads and makes.
//!
//! Secrets are read straight into wiped memory, within a limit; they are written to a new file of
//! mode 0600, synchronised, and never over an existing one.

use super::failure::{FAILED, Failure};
use quorate::secret::{SecretBytes, SecretWriter};
use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod replace;
pub(crate) use replace::Replaceable;

/// Reads a file, or standard input for `-`, of at most `limit` bytes into wiped memory.
pub(crate) fn read_secret(path: &Path, limit: usize) -> Result<SecretBytes, Failure> {
    let failure = |error: io::Error| Failure::file(path, &error);
    if path == Path::new("-") {
        return fill(&mut io::stdin().lock(), limit, path);
    }
    // A pipe is opened without waiting for its writer, who may never come.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failure)?;
    let about = file.metadata().map_err(failure)?;
    if about.is_dir() {
        return Err(Failure::new(FAILED, format!("{}: is a folder, not a file", path.display()))
            .hint("name the file in it"));
    }
    let length = usize::try_from(about.len()).unwrap_or(usize::MAX);
    if length > limit {
        return Err(too_long(path, limit));
    }
    // A pipe or a device has no length: it gets the limit.
    let size = if about.is_file() { length.saturating_add(1) } else { limit };
    let size = size.min(limit.saturating_add(1));
    if about.file_type().is_fifo() {
        fill(&mut Pipe::new(file), size, path)
    } else {
        fill(&mut file, size, path)
    }
}

/// How long a pipe is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A pipe that was opened without waiting: nothing to read is the end only once there was a writer.
struct Pipe {
    file: File,
    begun: bool,
    until: Option<Instant>,
}

impl Pipe {
    fn new(file: File) -> Self {
        Self { file, begun: false, until: Instant::now().checked_add(PATIENCE) }
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(into) {
                Ok(0) if self.begun => return Ok(0),
                Ok(0) if self.until.is_none_or(|until| Instant::now() >= until) => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody writes to this pipe"));
                }
                Ok(0) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.begun = true,
                read => {
                    self.begun = true;
                    return read;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn fill(from: &mut dyn Read, limit: usize, path: &Path) -> Result<SecretBytes, Failure> {
    let mut writer = SecretWriter::new(limit.saturating_add(1));
    let mut chunk = SecretBytes::zeroed(64 * 1024);
    loop {
        let read = match from.read(chunk.expose_mut()) {
            Ok(0) => return Ok(writer.finish()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::file(path, &error)),
        };
        let bytes = chunk.expose().get(..read).unwrap_or_default();
        if writer.put(bytes).is_err() || writer.written().len() > limit {
            return Err(too_long(path, limit));
        }
    }
}

fn too_long(path: &Path, limit: usize) -> Failure {
    Failure::new(FAILED, format!("{}: is longer than the {limit} bytes that are read", path.display()))
        .hint("check that it is the file that was meant")
}

/// Writes a new file that only its owner reads.
pub(crate) fn create_secret(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failure = |error: io::Error| Failure::file(path, &error);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failure)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_parent(path));
    written.map_err(|error| {
        let _ = fs::remove_file(path);
        failure(error)
    })
}

/// Whether the folder of a file that is to be made is there: found before anything is done, and not when all was.
pub(crate) fn has_folder(path: &Path) -> Result<(), Failure> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    match folder.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let message = format!("{}: there is no such folder", folder.display());
            Err(Failure::new(FAILED, message).hint("make it first"))
        }
        Err(error) => Err(Failure::file(folder, &error)),
        Ok(about) if !about.is_dir() => {
            Err(Failure::file(folder, &io::Error::from(io::ErrorKind::NotADirectory)))
        }
        Ok(_) => Ok(()),
    }
}

/// Makes a folder that only its owner enters; what is there already stays as it is.
pub(crate) fn make_private_folder(path: &Path) -> Result<(), Failure> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Failure::file(path, &error))
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

/// Files that exist under a name ending in `.pending` until all may be released at once.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    files: Vec<(PathBuf, PathBuf)>,
    tag: Option<String>,
}

/// The name under which `path` waits; `tag` keeps the files of different ceremonies apart.
pub(crate) fn waiting(path: &Path, tag: Option<&str>) -> PathBuf {
    let mut waiting = path.to_owned().into_os_string();
    if let Some(tag) = tag {
        waiting.push(".");
        waiting.push(tag);
    }
    waiting.push(".pending");
    PathBuf::from(waiting)
}

impl Pending {
    /// Files of the ceremony that `tag` names.
    pub(crate) fn tagged(tag: String) -> Self {
        Self { files: Vec::new(), tag: Some(tag) }
    }

    /// Takes over a file that waits under the name that [`Self::add`] gave it; whether it does.
    pub(crate) fn find(&mut self, path: PathBuf) -> bool {
        let waiting = waiting(&path, self.tag.as_deref());
        let there = waiting.is_file() && path.symlink_metadata().is_err();
        if there {
            self.files.push((waiting, path));
        }
        there
    }

    /// Leaves the files waiting, for another run of the command.
    pub(crate) fn leave(mut self) {
        self.files.clear();
    }

    /// Whether [`Self::add`] could make this file: neither it nor the one that waits exists.
    pub(crate) fn is_free(&self, path: &Path) -> Result<(), Failure> {
        let exists = |path: &Path| Failure::file(path, &io::Error::from(io::ErrorKind::AlreadyExists));
        let waiting = waiting(path, self.tag.as_deref());
        has_folder(path)?;
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        if waiting.symlink_metadata().is_ok() {
            return Err(exists(&waiting).hint(
                "a command that was interrupted left it, perhaps with a secret in it: delete it, then run the command again",
            ));
        }
        Ok(())
    }

    /// Writes `bytes` to `path` with `.pending` behind it. Neither may exist.
    pub(crate) fn add(&mut self, path: PathBuf, bytes: &[u8]) -> Result<(), Failure> {
        self.is_free(&path)?;
        let waiting = waiting(&path, self.tag.as_deref());
        create_secret(&waiting, bytes)?;
        self.files.push((waiting, path));
        Ok(())
    }

    /// Gives every file its name.
    pub(crate) fn release(mut self) -> Result<Vec<PathBuf>, Failure> {
        let mut released = Vec::new();
        // From now on they may be the only ones of their kind: what can't be renamed stays.
        for (waiting, path) in core::mem::take(&mut self.files) {
            fs::rename(&waiting, &path)
                .and_then(|()| sync_parent(&path))
                .map_err(|error| Failure::file(&waiting, &error))?;
            released.push(path);
        }
        Ok(released)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        for (waiting, _) in &self.files {
            let _ = fs::remove_file(waiting);
        }
    }
}
