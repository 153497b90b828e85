//! Reads the codes of a picture or PDF in a process of its own.
//!
//! The libraries that decode pictures and draw PDFs can't be stopped and don't bound their memory. So
//! this program runs itself once more for each file, with a limit on its address space, gives it the
//! bytes on standard input, takes the texts of the codes from its standard output, and ends it
//! when it has not ended in time. A hostile file costs that process, never the ceremony.

use super::failure::{DIFFERENCE, Failure};
use super::files::read_secret;
use super::output::Output;
use super::watch::Watch;
use quorate::card::{is_code, scan};
use quorate::secret::{SecretBytes, SecretWriter, Zeroizing};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The longest file that is read as a picture.
pub(crate) const LONGEST: usize = 256 << 20;
/// The most memory that reading one file may take: a 64-megapixel picture and its views.
const MEMORY: u64 = 3 << 30;
/// So much of the time that a person waits is for what is not the search: the process begins, reads its
/// input, leaves its last step, and ends.
const BESIDE: u32 = 10;
/// The longest answer.
const ANSWER: usize = 1 << 20;
/// What the process has beyond the deadline of the search, to read its input and answer.
const GRACE: Duration = Duration::from_secs(60);

/// What was found in a file.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    /// The texts of its codes.
    pub(crate) texts: Vec<Zeroizing<String>>,
    /// Whether the search was ended by the deadline.
    pub(crate) gave_up: bool,
    /// The pages that could not be drawn.
    pub(crate) unreadable: Vec<String>,
}

/// The codes in a file; `None` when it is neither a picture nor a PDF.
pub(crate) fn codes(
    path: &Path,
    bytes: &SecretBytes,
    deadline: u64,
    watch: &Watch,
) -> Result<Option<Codes>, Failure> {
    at_least(1, path, bytes, deadline, watch)
}

/// As [`codes`], looking on until so many codes of ours are found.
pub(crate) fn at_least(
    count: usize,
    path: &Path,
    bytes: &SecretBytes,
    deadline: u64,
    watch: &Watch,
) -> Result<Option<Codes>, Failure> {
    if !scan::is_picture(bytes.expose()) {
        return Ok(None);
    }
    ask(path, bytes, (deadline, GRACE), count, watch).map(Some)
}

/// The codes in one of many pictures of a camera: a glance, or a longer look.
#[cfg(feature = "camera")]
pub(crate) fn glance(picture: &SecretBytes, longer: bool) -> Result<Codes, Failure> {
    // When nothing need be found, the costly views are left out.
    ask(Path::new("camera"), picture, (2, Duration::from_secs(5)), usize::from(longer), &Watch::none())
}

/// Has a process of its own read a picture or a PDF, and ends it when it takes `grace` longer than it may.
fn ask(
    path: &Path,
    bytes: &SecretBytes,
    (deadline, grace): (u64, Duration),
    count: usize,
    watch: &Watch,
) -> Result<Codes, Failure> {
    let failure = |error: std::io::Error| Failure::file(path, &error);
    let program = std::env::current_exe().map_err(failure)?;
    let mut child = Command::new(program)
        .args(["scan-file", "--deadline", &deadline.to_string(), "--at-least", &count.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failure)?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let latest =
        Instant::now().checked_add(Duration::from_secs(deadline)).and_then(|end| end.checked_add(grace));
    let mut stopped = false;
    let answer = std::thread::scope(|scope| {
        scope.spawn(move || {
            // The process may refuse the file before it has read all of it.
            let _ = stdin.map(|mut stdin| stdin.write_all(bytes.expose()));
        });
        let reader = scope.spawn(move || {
            let mut answer = SecretWriter::new(ANSWER);
            let mut chunk = SecretBytes::zeroed(16 * 1024);
            let mut stdout = stdout?;
            loop {
                match stdout.read(chunk.expose_mut()).ok()? {
                    0 => return Some(answer.finish()),
                    read => answer.put(chunk.expose().get(..read)?).ok()?,
                }
            }
        });
        let ended = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.success(),
                Ok(None) if latest.is_some_and(|latest| Instant::now() < latest) && !stopped => {
                    stopped = watch.is_stopped();
                    std::thread::sleep(Duration::from_millis(5));
                }
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    break false;
                }
            }
        };
        reader.join().ok().flatten().filter(|_| ended)
    });
    if stopped {
        return Err(Failure::interrupted());
    }
    let costly = || {
        Failure::new(
            DIFFERENCE,
            format!("{}: reading it takes more time or memory than a card should", path.display()),
        )
        .hint("save the picture again as PNG or JPEG, at 300 dpi")
    };
    read_answer(path, &answer.ok_or_else(costly)?)
}

/// The lines of an answer: a letter, then the text.
fn read_answer(path: &Path, answer: &SecretBytes) -> Result<Codes, Failure> {
    let mut codes = Codes::default();
    for line in answer.expose().split(|byte| *byte == b'\0').filter(|line| !line.is_empty()) {
        let text = core::str::from_utf8(line.get(1..).unwrap_or_default()).unwrap_or_default();
        match line.first() {
            Some(b'C') => codes.texts.push(Zeroizing::new(text.to_owned())),
            Some(b'G') => codes.gave_up = true,
            Some(b'U') => codes.unreadable.push(text.to_owned()),
            Some(b'E') => {
                let (message, hint) = text.split_once('\n').unwrap_or((text, ""));
                return Err(Failure::new(DIFFERENCE, format!("{}: {message}", path.display())).hint(hint));
            }
            _ => {}
        }
    }
    Ok(codes)
}

/// Lets this process have so much more memory, and no more. Where that isn't possible the limit stays.
fn confine(more: u64) {
    let about = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = about.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB"));
    let Some(has) = size.and_then(|kib| kib.parse::<u64>().ok()?.checked_mul(1024)) else { return };
    let limit = has.saturating_add(more).min(MEMORY);
    let _ = setrlimit(Resource::As, Rlimit { current: Some(limit), maximum: Some(MEMORY) });
}

/// The other side: reads a file from standard input, and answers.
pub(crate) fn answer(deadline: u64, at_least: usize, output: &mut Output) -> Result<(), Failure> {
    let limit = Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) };
    setrlimit(Resource::As, limit)
        .map_err(|errno| Failure::file(Path::new("memory limit"), &errno.into()))?;
    let begun = Instant::now();
    let bytes = read_secret(Path::new("-"), LONGEST)?;
    let whole = Duration::from_secs(deadline.clamp(1, 600));
    let beside = whole.checked_div(BESIDE).unwrap_or_default().saturating_add(begun.elapsed());
    let mut search = scan::Search::new(is_code);
    search.at_least = at_least;
    search.confine = Some(confine);
    search.limits.deadline = whole.saturating_sub(beside);
    match scan::read(bytes.expose(), &search, &mut |_| ()) {
        Ok(found) => {
            for code in &found.codes {
                output.raw(b"C");
                output.raw(code.text.as_bytes());
                output.raw(b"\0");
            }
            for page in &found.unreadable {
                output.raw(format!("U{page}\0").as_bytes());
            }
            if found.gave_up {
                output.raw(b"G\0");
            }
        }
        Err(error) => output.raw(format!("E{error}\n{}\0", error.hint()).as_bytes()),
    }
    Ok(())
}
