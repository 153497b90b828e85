//! One TLS connection a call, with a certificate on both sides; messages of TTLV.
//!
//! In: the server's address, its certificate authority, our certificate and key in files that the environment
//! names. Out: a whole answer, of a limited length, before a deadline; or why there is none, which says whether the
//! call can have been done.

use super::super::error::{Cause, cause, plain};
use super::super::{OnlineError, Reach};
use super::{Call, KMIP};
use crate::wire::ttlv::{Item, LONGEST};
use core::net::Ipv6Addr;
use core::time::Duration;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Instant;

/// KMIP's port (OASIS, KMIP Profiles).
const PORT: u16 = 5696;
/// Tag, type and length of a message.
const HEAD: usize = 8;

/// Where a server is, and how it is spoken to.
pub(super) struct Channel {
    host: String,
    port: u16,
    config: Arc<ClientConfig>,
    timeout: Duration,
}

fn settings(what: impl Into<String>) -> OnlineError {
    OnlineError::Settings { provider: KMIP, what: what.into() }
}

impl Channel {
    pub(super) fn new(reach: &Reach) -> Result<Self, OnlineError> {
        let variable = |name: &str| (reach.environment)(name).filter(|value| !value.is_empty());
        let address = reach.endpoint.clone().or_else(|| variable("KMIP_SERVER"));
        let address =
            address.ok_or_else(|| settings("give the server by --endpoint HOST:PORT or KMIP_SERVER"))?;
        let (host, port) = apart(&address).ok_or_else(|| settings("the server is no HOST:PORT"))?;
        let authority =
            reach.ca.as_deref().ok_or_else(|| settings("give the server's certificate authority by --ca"))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority).flatten() {
            roots
                .add(certificate)
                .map_err(|error| settings(format!("--ca: {}", plain(&error.to_string()))))?;
        }
        if roots.is_empty() {
            return Err(settings("the file of --ca holds no certificate in PEM"));
        }
        let file = |name: &str| {
            variable(name)
                .ok_or_else(|| settings(format!("{name}, a file in PEM, is not named in the environment")))
        };
        let unread = |name: &str| settings(format!("the file that {name} names can't be read as PEM"));
        let chain = CertificateDer::pem_file_iter(file("KMIP_CLIENT_CERT")?)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|_| unread("KMIP_CLIENT_CERT"))?;
        let key =
            PrivateKeyDer::from_pem_file(file("KMIP_CLIENT_KEY")?).map_err(|_| unread("KMIP_CLIENT_KEY"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_root_certificates(roots).with_client_auth_cert(chain, key))
            .map_err(|error| settings(plain(&error.to_string())))?;
        Ok(Self { host, port, config: Arc::new(config), timeout: reach.timeout })
    }

    /// The server, for people and as its name in records: without the brackets of IPv6, which no target may have.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Sends a message and reads the answer.
    pub(super) fn exchange(&self, call: Call, message: &[u8]) -> Result<Item, OnlineError> {
        let end =
            Instant::now().checked_add(self.timeout).ok_or_else(|| settings("the time limit is too long"))?;
        let (mut session, mut socket) = self.connect(end)?;
        // The handshake is over: from here on the call may have been done.
        let mut stream = rustls::Stream::new(&mut session, &mut socket);
        let answered = (|| {
            stream.write_all(message)?;
            stream.flush()?;
            let mut head = [0; HEAD];
            stream.read_exact(&mut head)?;
            let [.., a, b, c, d] = head;
            let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            if length > LONGEST {
                return Ok(None);
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body)?;
            Ok(Item::read(&[&head[..], &body].concat()))
        })();
        match answered {
            Ok(Some(item)) => Ok(item),
            Ok(None) => Err(call.nonsense("a message of KMIP")),
            Err(error) => Err(self.failed(call, &error)),
        }
    }

    /// A connection whose handshake is over.
    fn connect(&self, end: Instant) -> Result<(ClientConnection, Timed), OnlineError> {
        let unreachable = |error: &io::Error| OnlineError::Unreachable {
            provider: KMIP,
            address: self.address(),
            words: plain(&error.to_string()),
        };
        let addresses =
            (self.host.as_str(), self.port).to_socket_addrs().map_err(|error| unreachable(&error))?;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in addresses {
            match TcpStream::connect_timeout(&address, left(end).map_err(|error| unreachable(&error))?) {
                Ok(socket) => {
                    let mut socket = Timed { socket, end };
                    let name = ServerName::try_from(self.host.clone())
                        .map_err(|_| settings("the server's name is none"))?;
                    let mut session = ClientConnection::new(Arc::clone(&self.config), name)
                        .map_err(|error| settings(plain(&error.to_string())))?;
                    while session.is_handshaking() {
                        session.complete_io(&mut socket).map_err(|error| match cause(&error) {
                            Cause::Tls(words) => {
                                OnlineError::Tls { provider: KMIP, address: self.address(), words }
                            }
                            _ => unreachable(&error),
                        })?;
                    }
                    return Ok((session, socket));
                }
                Err(error) => last = error,
            }
        }
        Err(unreachable(&last))
    }

    /// What happened after the handshake.
    fn failed(&self, call: Call, error: &io::Error) -> OnlineError {
        let seconds = self.timeout.as_secs();
        let late = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        match cause(error) {
            // With TLS 1.3 a server refuses our certificate only now, before it reads anything.
            Cause::Tls(words) if !call.changes || refuses(error) => {
                OnlineError::Credentials { provider: KMIP, words }
            }
            Cause::Tls(words) => call.unsure(&words),
            _ if late && call.changes => call.unsure(&format!("{seconds} seconds were waited")),
            _ if late => OnlineError::Timeout { provider: KMIP, call: call.name, seconds },
            Cause::NotSent(words) | Cause::Other(words) if call.changes => call.unsure(&words),
            Cause::NotSent(words) | Cause::Other(words) => {
                OnlineError::Unreachable { provider: KMIP, address: self.address(), words }
            }
        }
    }
}

/// Whether an alert says that our certificate is not taken (RFC 8446, section 6.2).
fn refuses(error: &io::Error) -> bool {
    use rustls::AlertDescription as Alert;
    let tls = error.get_ref().and_then(|inside| inside.downcast_ref::<rustls::Error>());
    matches!(
        tls,
        Some(rustls::Error::AlertReceived(
            Alert::NoCertificate
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
                | Alert::CertificateRequired
        ))
    )
}

/// How long there is until `end`.
fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A socket that ends at a moment, however slowly the other side reads or writes.
struct Timed {
    socket: TcpStream,
    end: Instant,
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.end)?))?;
        self.socket.read(bytes)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(left(self.end)?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// The host and port of an address, `kmip://` or not, as one server has them always: in lower case, IPv6 in its short
/// form without the brackets that it has in an address.
fn apart(address: &str) -> Option<(String, u16)> {
    let rest = address.strip_prefix("kmip://").unwrap_or(address).trim_end_matches('/');
    let port = |text: &str| match text.strip_prefix(':') {
        Some(port) => port.parse().ok(),
        None => text.is_empty().then_some(PORT),
    };
    if let Some((host, rest)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Some((host.parse::<Ipv6Addr>().ok()?.to_string(), port(rest)?));
    }
    let (host, rest) = rest.find(':').map_or((rest, ""), |at| rest.split_at(at));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then_some((host.to_ascii_lowercase(), port(rest)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hosts_with_ports() {
        let of = |text: &str| apart(text);
        assert_eq!(of("kmip.example"), Some(("kmip.example".to_owned(), 5696)));
        assert_eq!(of("kmip://10.0.0.1:5697/"), Some(("10.0.0.1".to_owned(), 5697)));
        assert_eq!(of("KMIP.Example:5696"), of("kmip.example"));
        assert_eq!(of("[::1]:5697"), Some(("::1".to_owned(), 5697)));
        assert_eq!(of("kmip://[2001:DB8:0::1]"), Some(("2001:db8::1".to_owned(), 5696)));
        let wrong = ["", ":1", "a:b", "a:70000", "https://a", "a b", "user@a", "a:", "::1", "a:1:2"];
        for wrong in wrong.into_iter().chain(["[]", "[a]:1", "[::1", "[::1]1", "[::1]:", "::1]"]) {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
