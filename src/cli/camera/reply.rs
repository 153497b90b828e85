//! Answers to a browser: the page, a result, or a refusal, each with what keeps the page to itself.
//!
//! One answer a connection. The page runs only the script and style that carry this answer's own number,
//! talks only to the address it came from, can't be framed, is kept in no cache and names itself to nobody.
//! A refusal holds no word of the request. What can't be written is lost: the browser has gone.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// The page with the places for its numbers.
const PAGE: &str = include_str!("page.html");
/// The time for writing an answer.
const WRITING: Duration = Duration::from_secs(5);
/// How long a refused body is still read, so that the refusal arrives.
const DRAINING: Duration = Duration::from_millis(300);

/// What every answer says beside its own content policy.
const ALWAYS: &str = "Connection: close\r\n\
    Cache-Control: no-store\r\n\
    Cross-Origin-Embedder-Policy: require-corp\r\n\
    Cross-Origin-Opener-Policy: same-origin\r\n\
    Cross-Origin-Resource-Policy: same-origin\r\n\
    Permissions-Policy: camera=(self), display-capture=(), geolocation=(), microphone=(), usb=()\r\n\
    Referrer-Policy: no-referrer\r\n\
    X-Content-Type-Options: nosniff\r\n\
    X-Frame-Options: DENY\r\n";

/// The policy of what is no page.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// A refusal: its number in HTTP, and what a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) u16, pub(super) &'static str);

/// The page, with the number of its script and style, and the key that its requests carry.
pub(super) fn page(stream: &TcpStream, nonce: &str, key: &str) {
    let text = PAGE.replace("{{nonce}}", nonce).replace("{{key}}", key);
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    write(stream, 200, "text/html; charset=utf-8", &policy, text.as_bytes());
}

/// A result for the page.
pub(super) fn result(stream: &TcpStream, json: &[u8]) {
    write(stream, 200, "application/json", NOTHING, json);
}

/// A refusal. What the other side still sends is read for a moment, or it would not see the answer.
pub(super) fn refuse(mut stream: &TcpStream, Refusal(status, words): Refusal) {
    write(stream, status, "text/plain; charset=utf-8", NOTHING, words.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    let begun = Instant::now();
    let mut chunk = [0; 4096];
    loop {
        let left = DRAINING.saturating_sub(begun.elapsed());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            break;
        }
        if !matches!(stream.read(&mut chunk), Ok(1..)) {
            break;
        }
    }
}

fn write(mut stream: &TcpStream, status: u16, kind: &str, policy: &str, body: &[u8]) {
    let reason = if status == 200 { "OK" } else { "Refused" };
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Content-Security-Policy: {policy}\r\n{ALWAYS}\r\n"
    )
    .into_bytes();
    answer.extend_from_slice(body);
    let _ = stream.set_write_timeout(Some(WRITING));
    let _ = stream.write_all(&answer).and_then(|()| stream.flush());
}
