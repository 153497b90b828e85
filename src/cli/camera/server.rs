//! Connections to the page: accepted on this machine's own address only, a few at once, each for one request.
//!
//! A browser opens connections that it may never use, so each has a thread of its own and none holds up
//! another; beyond a few they are closed at once. Pictures go one after the other to the desk, on the thread
//! that called: one may wait, the next is refused. When the desk is done or the time is up, every connection
//! ends, and nothing listens when `serve` returns.

use super::super::failure::{FAILED, Failure};
use super::super::output::Output;
use super::desk::{Answer, Desk};
use super::door::{AGAIN, Door, Wish, random};
use super::reply::{self, Refusal};
use super::request::{self, Bad};
use quorate::secret::{SecretBytes, Zeroizing};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

/// The most connections at once.
const AT_ONCE: usize = 16;
/// How long between two looks for a connection.
const TICK: Duration = Duration::from_millis(10);
/// How often a second opening of the page is warned of.
const WARNED: usize = 3;

const BUSY: Refusal = Refusal(503, "One picture at a time.\n");
const ENDED: Refusal = Refusal(410, "The program is done.\n");
const PICTURE: Refusal = Refusal(415, "Only PNG and JPEG pictures are looked at.\n");

/// What a connection brings to the desk, and where the answer goes.
enum Visit {
    Frame(SecretBytes, SyncSender<Answer>),
    End(SyncSender<Answer>),
}

/// An address that listens.
pub(super) struct Server {
    listener: TcpListener,
    door: Door,
}

impl Server {
    /// Listens on a port that the system chooses.
    pub(super) fn open() -> Result<Self, Failure> {
        let failure = |error: std::io::Error| {
            Failure::new(FAILED, format!("no page can be served on this machine: {error}"))
                .hint("give pictures of the cards as files, or type them")
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failure)?;
        listener.set_nonblocking(true).map_err(failure)?;
        let port = listener.local_addr().map_err(failure)?.port();
        Ok(Self { listener, door: Door::new(port)? })
    }

    /// The address of the page.
    pub(super) fn address(&self) -> Zeroizing<String> {
        self.door.address()
    }

    /// Serves until the desk is done or until `end`.
    pub(super) fn serve(self, end: Instant, desk: &mut Desk<'_>) -> Result<(), Failure> {
        let (sender, visits) = sync_channel(1);
        let room = Room {
            door: self.door,
            stop: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            again: AtomicUsize::new(0),
            output: desk.output(),
            desk: sender,
        };
        let listener = self.listener;
        std::thread::scope(|scope| {
            let room = &room;
            let accepting = Builder::new().spawn_scoped(scope, move || room.accept(scope, &listener));
            if accepting.is_ok() {
                attend(end, &visits, desk);
            }
            room.stop.store(true, Ordering::SeqCst);
            // Whoever waits for an answer learns that none will come.
            drop(visits);
            accepting
                .map(drop)
                .map_err(|error| Failure::new(FAILED, format!("no thread for the page: {error}")))
        })
    }
}

/// What all connections share.
struct Room<'a> {
    door: Door,
    stop: AtomicBool,
    open: AtomicUsize,
    again: AtomicUsize,
    output: &'a Output,
    desk: SyncSender<Visit>,
}

impl Room<'_> {
    fn accept<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, listener: &TcpListener) {
        while !self.stop.load(Ordering::SeqCst) {
            let Ok((stream, _)) = listener.accept() else {
                std::thread::sleep(TICK);
                continue;
            };
            if self.open.load(Ordering::SeqCst) >= AT_ONCE || stream.set_nonblocking(false).is_err() {
                continue;
            }
            self.open.fetch_add(1, Ordering::SeqCst);
            let spawned = Builder::new().spawn_scoped(scope, move || {
                self.answer(&stream);
                self.open.fetch_sub(1, Ordering::SeqCst);
            });
            if spawned.is_err() {
                self.open.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }

    fn answer(&self, stream: &TcpStream) {
        let mut rest = Zeroizing::new(Vec::new());
        let head = match request::head(stream, &self.stop, &mut rest) {
            Ok(head) => head,
            Err(bad) => return refuse(stream, bad),
        };
        match self.door.admit(&head) {
            Ok(Wish::Page) => {
                self.output.note("camera: the page was opened");
                match random() {
                    Ok(nonce) => reply::page(stream, &nonce, self.door.key()),
                    Err(_) => reply::refuse(stream, BUSY),
                }
            }
            Ok(Wish::Frame) => match request::body(stream, &self.stop, &head, &rest) {
                Ok(picture) if is_frame(picture.expose()) => {
                    self.visit(stream, |to| Visit::Frame(picture, to));
                }
                Ok(_) => reply::refuse(stream, PICTURE),
                Err(bad) => refuse(stream, bad),
            },
            Ok(Wish::End) => self.visit(stream, Visit::End),
            Err(refusal) => {
                if refusal == AGAIN && self.again.fetch_add(1, Ordering::SeqCst) < WARNED {
                    self.output.warn(
                        "the page was asked for once more and not shown: if that was not you, somebody on this machine saw its address",
                    );
                }
                reply::refuse(stream, refusal);
            }
        }
    }

    fn visit(&self, stream: &TcpStream, visit: impl FnOnce(SyncSender<Answer>) -> Visit) {
        let (to, answer) = sync_channel(1);
        match self.desk.try_send(visit(to)) {
            Ok(()) => match answer.recv() {
                Ok(answer) => reply::result(stream, &answer.json()),
                Err(_) => reply::refuse(stream, ENDED),
            },
            Err(TrySendError::Full(_)) => reply::refuse(stream, BUSY),
            Err(TrySendError::Disconnected(_)) => reply::refuse(stream, ENDED),
        }
    }
}

/// Looks at one picture after the other until there is nothing more to wait for.
fn attend(end: Instant, visits: &Receiver<Visit>, desk: &mut Desk<'_>) {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let visit = if left.is_zero() { Err(RecvTimeoutError::Timeout) } else { visits.recv_timeout(left) };
        let (answer, to) = match visit {
            Ok(Visit::Frame(picture, to)) => (desk.look(&picture), to),
            Ok(Visit::End(to)) => (desk.end(), to),
            Err(RecvTimeoutError::Timeout) => {
                desk.output().warn("the time for showing cards is up");
                return;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let done = answer.done;
        // The page may have gone; what it showed counts all the same.
        let _ = to.try_send(answer);
        if done {
            return;
        }
    }
}

/// A PDF is no frame of a camera.
fn is_frame(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xd8\xff") || bytes.starts_with(b"\x89PNG\r\n\x1a\n")
}

fn refuse(stream: &TcpStream, bad: Bad) {
    let refusal = match bad {
        Bad::Form => Refusal(400, "This is not a request of a browser.\n"),
        Bad::Head => Refusal(431, "The head of this request is too long.\n"),
        Bad::Body => Refusal(413, "This picture is too large.\n"),
        Bad::Slow => Refusal(408, "This request took too long.\n"),
        Bad::Gone => return,
    };
    reply::refuse(stream, refusal);
}
