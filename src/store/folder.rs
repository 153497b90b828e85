//! An escrow in a folder of a disk.
//!
//! An object is written to a temporary name in its own folder, synchronised, renamed without
//! replacing (`renameat2` with `RENAME_NOREPLACE`; where a file system lacks it, a hard link, which
//! never replaces either), and the folder is synchronised: it is there whole or not at all, and
//! stays after a power cut. A failed synchronisation is final and never tried again, since the
//! system may already have dropped the bytes. A crash can leave a `.tmp-…` file, which is harmless.
//! The folder itself may be reached over a link; inside, none is followed, or a copy of the escrow
//! would be a copy of links.

use super::{Made, Object, Store, StoreError, is_name};
use crate::primitive::random::Entropy;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// From this many objects on, one synchronisation of the file system is cheaper than one for each.
const MANY: usize = 8;
/// After so many objects of a stream they are synchronised and named.
const FLUSH: usize = 512;
/// How names of temporary files begin.
const TEMPORARY: &str = ".tmp-";

/// Objects in a folder.
#[derive(Debug)]
pub struct FolderStore {
    root: PathBuf,
    /// The folder, open, once it is there.
    open: OnceLock<OwnedFd>,
}

impl FolderStore {
    /// The store in `root`, which is made when the first object is.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), open: OnceLock::new() }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn place(&self, name: &str) -> io::Result<(PathBuf, PathBuf)> {
        if !is_name(name) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a name that an object can have"));
        }
        let path = self.root.join(name);
        let folder = path.parent().unwrap_or(&self.root).to_owned();
        Ok((path, folder))
    }

    /// Opens what is at `name`, without following a link below the root or waiting for a pipe's writer.
    fn open(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let root = match self.open.get() {
            Some(root) => root,
            None => {
                let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let root = rustix::fs::open(&self.root, folder, Mode::empty())?;
                self.open.get_or_init(|| root)
            }
        };
        let name = if name.is_empty() { "." } else { name };
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match rustix::fs::openat2(root, name, flags, Mode::empty(), inside) {
            // A system before Linux 5.6, or a sandbox that doesn't know the call.
            Err(Errno::NOSYS | Errno::PERM) => {
                let linked = |path: &Path| path.symlink_metadata().is_ok_and(|about| about.is_symlink());
                if self.above(&self.root.join(name)).any(linked) {
                    return Err(Errno::LOOP);
                }
                rustix::fs::openat(root, name, flags, Mode::empty())
            }
            opened => opened,
        }
    }

    /// The folders between `path` and the root, and `path` itself.
    fn above<'a>(&self, path: &'a Path) -> impl Iterator<Item = &'a Path> {
        let inside = path.strip_prefix(&self.root).map_or(0, |inside| inside.components().count());
        path.ancestors().take(inside)
    }

    /// Refuses to write behind a link: what is written there would not be in the escrow.
    fn is_own(&self, name: &str) -> Result<(), StoreError> {
        let path = self.root.join(name);
        let linked = |path: &Path| path.symlink_metadata().is_ok_and(|about| about.is_symlink());
        // A link under the object's own name is refused when it is created.
        match self.above(&path).skip(1).find(|path| linked(path)) {
            None => Ok(()),
            Some(link) => {
                let link = link.strip_prefix(&self.root).unwrap_or(link);
                Err(StoreError::NotAFolder { name: link.display().to_string() })
            }
        }
    }

    /// Makes `folder` and what is above it, up to the root's own parent, durably.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            self.make_folder(parent)?;
        }
        match fs::DirBuilder::new().mode(0o755).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => sync_folder(folder.parent().unwrap_or(folder)),
        }
    }

    /// Writes an object under its name; its folder is still to be synchronised.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let (path, folder) = self.place(name)?;
        self.make_folder(&folder)?;
        let temporary = Temporary::write(&folder, bytes)?;
        temporary.file.sync_all()?;
        temporary.rename(&path)?;
        Ok(folder)
    }

    /// Writes every object under a temporary name as it comes, and gives a batch of them their own
    /// names when its last one is on the disk: the names are made while the next are sealed.
    fn stream(&self, objects: impl Iterator<Item = Made>) -> Result<(), StoreError> {
        let sync = || File::open(&self.root).and_then(|root| Ok(rustix::fs::syncfs(&root)?));
        let mut first = None;
        let mut waiting = Vec::new();
        let mut parent = PathBuf::new();
        for object in objects {
            let (name, bytes) = object?;
            let named = |error: io::Error| StoreError::of(&name, &error);
            let (path, folder) = self.place(&name).map_err(named)?;
            if fs::DirBuilder::new().mode(0o755).create(&folder).is_ok() {
                // What was made just now is no link; what it is in is looked at when it changes.
                if folder.parent() != Some(&*parent) {
                    self.is_own(&name)?;
                    parent = folder.parent().unwrap_or(&self.root).to_owned();
                }
            } else {
                self.is_own(&name)?;
                fs::DirBuilder::new().mode(0o755).recursive(true).create(&folder).map_err(named)?;
            }
            // Thousands of open files would meet the limit; the bytes are synchronised below.
            let temporary = Temporary::write(&folder, &bytes).map_err(named)?.close();
            first.get_or_insert_with(|| name.clone());
            waiting.push((name, path, temporary));
            if waiting.len() == FLUSH {
                // The disk works while the next are made: little is left to wait for in the end.
                sync().map_err(|error| StoreError::of(first.as_deref().unwrap_or_default(), &error))?;
                for (name, path, temporary) in waiting.drain(..) {
                    temporary.rename(&path).map_err(|error| StoreError::of(&name, &error))?;
                }
            }
        }
        let first = first.unwrap_or_default();
        sync().map_err(|error| StoreError::of(&first, &error))?;
        for (name, path, temporary) in waiting {
            temporary.rename(&path).map_err(|error| StoreError::of(&name, &error))?;
        }
        sync().map_err(|_| StoreError::Unsynced { name: first })
    }
}

impl Store for FolderStore {
    fn create(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.is_own(name)?;
        let folder = self.put(name, bytes).map_err(|error| StoreError::of(name, &error))?;
        sync_folder(&folder).map_err(|_| StoreError::Unsynced { name: name.to_owned() })
    }

    fn create_all(&self, objects: &mut dyn Iterator<Item = Made>) -> Result<(), StoreError> {
        let few: Vec<Object> = (&mut *objects).take(MANY).collect::<Result<_, _>>()?;
        if few.len() < MANY {
            return few.iter().try_for_each(|(name, bytes)| self.create(name, bytes));
        }
        self.stream(few.into_iter().map(Ok).chain(objects))
    }

    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let named = |error: io::Error| StoreError::of(name, &error);
        self.place(name).map_err(named)?;
        let file = match self.open(name, OFlags::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(Errno::LOOP) => return Err(StoreError::NotAFile { name: name.to_owned() }),
            Err(errno) => return Err(named(errno.into())),
        };
        let about = file.metadata().map_err(named)?;
        if !about.is_file() {
            return Err(StoreError::NotAFile { name: name.to_owned() });
        }
        if about.len() > limit {
            return Err(StoreError::TooLong { name: name.to_owned(), limit });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(named)?;
        // It may have grown since it was measured.
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
            Ok(Some(bytes))
        } else {
            Err(StoreError::TooLong { name: name.to_owned(), limit })
        }
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let named = |error: io::Error| StoreError::of(name, &error);
        let (path, folder) = self.place(name).map_err(named)?;
        // What lies behind a link is not the escrow's to remove.
        self.is_own(name)?;
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(named(error)),
        }
        sync_folder(&folder).map_err(|_| StoreError::Unsynced { name: name.to_owned() })
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let named = |error: io::Error| StoreError::of(folder, &error);
        let opened = match self.open(folder, OFlags::DIRECTORY) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(Errno::LOOP | Errno::NOTDIR) if self.open.get().is_some() => {
                return Err(StoreError::NotAFolder { name: folder.to_owned() });
            }
            Err(errno) => return Err(named(errno.into())),
        };
        let mut names = Vec::new();
        for entry in Dir::read_from(opened).map_err(|errno| named(errno.into()))? {
            let entry = entry.map_err(|errno| named(errno.into()))?;
            let name = entry.file_name().to_string_lossy();
            if !matches!(&*name, "." | "..") {
                names.push(name.into_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// A file under a temporary name, removed again unless it is renamed.
struct Temporary<F> {
    file: F,
    path: Option<PathBuf>,
}

impl Temporary<File> {
    fn write(folder: &Path, bytes: &[u8]) -> io::Result<Self> {
        let random: [u8; 8] = Entropy::system().public().map_err(io::Error::other)?;
        let path = folder.join(format!("{TEMPORARY}{}", crate::wire::text::hex(&random)));
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path)?;
        let mut temporary = Self { file, path: Some(path) };
        temporary.file.write_all(bytes)?;
        Ok(temporary)
    }

    fn close(mut self) -> Temporary<()> {
        Temporary { file: (), path: self.path.take() }
    }
}

impl<F> Temporary<F> {
    fn rename(mut self, to: &Path) -> io::Result<()> {
        let Some(from) = self.path.take() else { return Ok(()) };
        let renamed = rename_without_replacing(&from, to);
        // Kept for the drop to remove when the rename failed.
        self.path = renamed.is_err().then_some(from);
        renamed
    }
}

impl<F> Drop for Temporary<F> {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    let cwd = rustix::fs::CWD;
    match rustix::fs::renameat_with(cwd, from, cwd, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            rustix::fs::linkat(cwd, from, cwd, to, AtFlags::empty())?;
            // The object is there: a temporary name that stays beside it does no harm.
            let _ = fs::remove_file(from);
            Ok(())
        }
        renamed => Ok(renamed?),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}
