//! One HTTP request from a connection, under limits: a head of 16 KiB and 64 fields, a body of 8 MiB.
//!
//! The head comes first, so that whoever may not come in costs no memory for a body. Each has one deadline
//! as a whole, however slowly its bytes drip; a stop is noticed within a tenth of a second. What browsers
//! don't send is refused: no length or two, a transfer encoding, another version than 1.1.
//! Bytes go into memory that is wiped, for a picture of a card is one.

use quorate::secret::{SecretBytes, Zeroizing};
use std::io::{ErrorKind, Read as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The longest head.
const HEAD: usize = 16 * 1024;
/// The most fields of a head.
const FIELDS: usize = 64;
/// The longest body.
pub(super) const BODY: usize = 8 << 20;
/// The time for a whole head.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// The time for a whole body.
const BODY_TIME: Duration = Duration::from_secs(10);
/// How long a read waits before it looks whether to stop.
const TICK: Duration = Duration::from_millis(100);

/// Why a request was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// It is not HTTP/1.1 as a browser speaks it.
    Form,
    /// Its head is longer than any of ours.
    Head,
    /// Its body is.
    Body,
    /// It took too long.
    Slow,
    /// The connection ended, or there was nothing on it.
    Gone,
}

/// What is looked at of a head.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) host: String,
    /// `Origin`: where the page that asks came from.
    pub(super) origin: Option<String>,
    /// `Sec-Fetch-Site`: whether that was elsewhere.
    pub(super) site: Option<String>,
    /// `X-Quorate-Page`: the page's own key.
    pub(super) key: Option<Zeroizing<String>>,
    /// The length of the body in bytes.
    pub(super) length: Option<usize>,
}

/// Reads a head; what came of the body with it is left in `rest`.
pub(super) fn head(
    stream: &TcpStream,
    stop: &AtomicBool,
    rest: &mut Zeroizing<Vec<u8>>,
) -> Result<Head, Bad> {
    let end = Instant::now().checked_add(HEAD_TIME).ok_or(Bad::Slow)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD));
    let mut chunk = Zeroizing::new([0; 4096]);
    loop {
        let room = HEAD.saturating_sub(bytes.len());
        let to = chunk.get_mut(..room.min(4096)).filter(|to| !to.is_empty()).ok_or(Bad::Head)?;
        let read = some(stream, to, end, stop)?;
        bytes.extend_from_slice(to.get(..read).unwrap_or_default());
        if let Some((head, length)) = parse(&bytes)? {
            rest.extend_from_slice(bytes.get(length..).unwrap_or_default());
            return Ok(head);
        }
    }
}

/// Reads the body of `head`, of which `rest` came already.
pub(super) fn body(
    stream: &TcpStream,
    stop: &AtomicBool,
    head: &Head,
    rest: &[u8],
) -> Result<SecretBytes, Bad> {
    let length = head.length.ok_or(Bad::Form)?;
    if length > BODY {
        return Err(Bad::Body);
    }
    if rest.len() > length {
        return Err(Bad::Form);
    }
    let end = Instant::now().checked_add(BODY_TIME).ok_or(Bad::Slow)?;
    SecretBytes::try_filled(length, |body| {
        let (first, mut left) = body.split_at_mut_checked(rest.len()).ok_or(Bad::Form)?;
        first.copy_from_slice(rest);
        while !left.is_empty() {
            let read = some(stream, left, end, stop)?;
            left = left.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    })
}

/// Reads at least one byte before `end`.
fn some(mut stream: &TcpStream, to: &mut [u8], end: Instant, stop: &AtomicBool) -> Result<usize, Bad> {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Bad::Slow);
        }
        if stop.load(Ordering::SeqCst) {
            return Err(Bad::Gone);
        }
        stream.set_read_timeout(Some(left.min(TICK))).map_err(|_| Bad::Gone)?;
        match stream.read(to) {
            Ok(0) => return Err(Bad::Gone),
            Ok(read) => return Ok(read),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                _ => return Err(Bad::Gone),
            },
        }
    }
}

/// The head at the start of `bytes` and its length; `None` while it is not whole.
fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Bad> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Bad::Head),
        Err(_) => return Err(Bad::Form),
    };
    if request.version != Some(1) {
        return Err(Bad::Form);
    }
    let mut head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        path: request.path.unwrap_or_default().to_owned(),
        ..Head::default()
    };
    let mut host = None;
    for field in request.headers.iter() {
        let value = || core::str::from_utf8(field.value).map(str::to_owned).map_err(|_| Bad::Form);
        match field.name.to_ascii_lowercase().as_str() {
            "host" => once(&mut host, value()?)?,
            "origin" => once(&mut head.origin, value()?)?,
            "sec-fetch-site" => once(&mut head.site, value()?)?,
            "x-quorate-page" => once(&mut head.key, Zeroizing::new(value()?))?,
            "content-length" => once(&mut head.length, number(&value()?)?)?,
            "transfer-encoding" => return Err(Bad::Form),
            _ => {}
        }
    }
    head.host = host.ok_or(Bad::Form)?;
    Ok(Some((head, length)))
}

/// A field that may be there once.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Bad> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Bad::Form),
    }
}

/// A length: digits alone, no sign. One that fits no number is too long.
fn number(text: &str) -> Result<usize, Bad> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Bad::Form);
    }
    text.parse().map_err(|_| Bad::Body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_browsers_head_is_read() {
        let bytes = b"POST /abc/frame HTTP/1.1\r\nHost: 127.0.0.1:9\r\nOrigin: http://127.0.0.1:9\r\n\
            Content-Length: 3\r\nX-Quorate-Page: K\r\nSec-Fetch-Site: same-origin\r\n\r\nxyz";
        let (head, length) = parse(bytes).unwrap().unwrap();
        assert_eq!(&bytes[length..], b"xyz");
        assert_eq!((head.method.as_str(), head.path.as_str()), ("POST", "/abc/frame"));
        assert_eq!(head.host, "127.0.0.1:9");
        assert_eq!(head.origin.as_deref(), Some("http://127.0.0.1:9"));
        assert_eq!((head.length, head.site.as_deref()), (Some(3), Some("same-origin")));
        for cut in 0..length {
            assert_eq!(parse(&bytes[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        let refused = |fields: &str| parse(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes()).unwrap_err();
        assert_eq!(refused(""), Bad::Form);
        assert_eq!(refused("Host: a\r\nHost: b\r\n"), Bad::Form);
        assert_eq!(refused("Host: a\r\nTransfer-Encoding: chunked\r\n"), Bad::Form);
        for length in ["-1", "+1", "", "1 2", "0x10", "1, 1"] {
            assert_eq!(refused(&format!("Host: a\r\nContent-Length: {length}\r\n")), Bad::Form, "{length}");
        }
        assert_eq!(refused("Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n"), Bad::Form);
        assert_eq!(refused(&format!("Host: a\r\nContent-Length: {}\r\n", "9".repeat(99))), Bad::Body);
        assert_eq!(refused(&format!("Host: a\r\n{}", "a: b\r\n".repeat(64))), Bad::Head);
        assert_eq!(parse(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"), Err(Bad::Form));
        assert_eq!(parse(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), Err(Bad::Form));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn any_fields_are_read_or_refused(fields in "(([A-Za-z-]{1,16}|Host|Content-Length): [ -~]{0,20}\r\n){0,70}") {
            if let Ok(Some((head, _))) = parse(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes()) {
                prop_assert!(!head.method.is_empty());
            }
        }
    }
}
