//! Who may come in: the one page that was opened with the address we printed, and nobody else.
//!
//! In order: the host must be this machine's own name with our port (a name that an attacker's DNS turned
//! to us is refused), the path must hold the token, and the page is given once. It then carries a key of its
//! own, which what saw the address (a shell's history, a list of processes) does not have; what the page
//! sends must also come from our origin. Tokens are compared in constant time.

use super::reply::Refusal;
use super::request::Head;
use quorate::primitive::random::{Entropy, NoEntropy};
use quorate::secret::{Zeroizing, ct_eq};
use quorate::wire::text::base32;
use std::sync::atomic::{AtomicBool, Ordering};

/// Random bytes of a token: 160 bits.
const TOKEN: usize = 20;

const ELSEWHERE: Refusal = Refusal(403, "This address serves one page on this machine, and nothing else.\n");
const NOWHERE: Refusal = Refusal(404, "There is nothing here.\n");
const METHOD: Refusal = Refusal(405, "That can't be done here.\n");
/// The page was given before.
pub(super) const AGAIN: Refusal = Refusal(
    410,
    "This page is shown once, and it was opened before. End the program with Ctrl-C and start it again.\n\
     If it was not you who opened it, somebody else on this machine did.\n",
);

/// What a head asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// The page, for the first time.
    Page,
    /// To have a picture looked at: a body follows.
    Frame,
    /// To end.
    End,
}

/// Random text that nobody can guess.
pub(super) fn random() -> Result<Zeroizing<String>, NoEntropy> {
    Ok(base32(Entropy::system().secret(TOKEN)?.expose()))
}

/// The tokens, and whether the page was given.
pub(super) struct Door {
    port: u16,
    token: Zeroizing<String>,
    key: Zeroizing<String>,
    given: AtomicBool,
}

impl Door {
    pub(super) fn new(port: u16) -> Result<Self, NoEntropy> {
        Ok(Self { port, token: random()?, key: random()?, given: AtomicBool::new(false) })
    }

    /// The address of the page.
    pub(super) fn address(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("http://127.0.0.1:{}/{}/", self.port, self.token.as_str()))
    }

    /// The key that the page carries.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// What a head may have; the page is counted as given by this.
    pub(super) fn admit(&self, head: &Head) -> Result<Wish, Refusal> {
        let port = self.port;
        let (number, name) = (format!("127.0.0.1:{port}"), format!("localhost:{port}"));
        if head.host != number && head.host != name {
            return Err(ELSEWHERE);
        }
        let mut parts = head.path.splitn(3, '/');
        let (Some(""), Some(token), Some(tail)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NOWHERE);
        };
        if !ct_eq(token.as_bytes(), self.token.as_bytes()) {
            return Err(NOWHERE);
        }
        match (tail, head.method.as_str()) {
            ("", "GET") => self.give(head),
            ("frame", "POST") => self.asks(head).map(|()| Wish::Frame),
            ("end", "POST") => self.asks(head).map(|()| Wish::End),
            ("" | "frame" | "end", _) => Err(METHOD),
            _ => Err(NOWHERE),
        }
    }

    /// Gives the page, once. A link on some other page leads nowhere.
    fn give(&self, head: &Head) -> Result<Wish, Refusal> {
        if !matches!(head.site.as_deref(), None | Some("none" | "same-origin")) {
            return Err(ELSEWHERE);
        }
        if self.given.swap(true, Ordering::SeqCst) { Err(AGAIN) } else { Ok(Wish::Page) }
    }

    /// Whether it is our page that asks.
    fn asks(&self, head: &Head) -> Result<(), Refusal> {
        let origin = head.origin.as_deref().and_then(|origin| origin.strip_prefix("http://"));
        let ours = origin == Some(head.host.as_str());
        let here = matches!(head.site.as_deref(), None | Some("same-origin"));
        let key = head.key.as_ref().is_some_and(|key| ct_eq(key.as_bytes(), self.key.as_bytes()));
        if ours && here && key { Ok(()) } else { Err(ELSEWHERE) }
    }
}
