//! How services are reached: addresses, certificates, time limits.
//!
//! In: what the caller's arguments and environment say. Out: checked values. An address has TLS, always; plain
//! http goes to this machine's own addresses only, and only when that is asked for by name, for tests. Beside
//! the system's roots one more certificate can be trusted; none is ever trusted unseen.

use super::OnlineError;
use crate::provider::Provider;
use core::time::Duration;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::io::Read as _;

/// The longest file of a token or of certificates in bytes.
const LONGEST_FILE: u64 = 1024 * 1024;

/// How services are reached.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Another address than the provider's usual one.
    pub endpoint: Option<String>,
    /// Certificates in PEM that are trusted beside the system's.
    pub ca: Option<Vec<u8>>,
    /// How long one call may take.
    pub timeout: Duration,
    /// Whether plain http to this very machine is let pass.
    pub plain_here: bool,
    /// Reads a variable of the environment, where the provider's own chain of credentials is looked for.
    pub environment: fn(&str) -> Option<String>,
}

impl Reach {
    /// An address, if it may be used: `https://`, or `http://` to this machine where that was asked for.
    ///
    /// # Errors
    /// [`OnlineError::Plain`], or [`OnlineError::Settings`] for what is no address.
    pub fn address(&self, provider: Provider, address: &str) -> Result<String, OnlineError> {
        let no = || OnlineError::Settings {
            provider,
            what: format!("{:?} is no address: give https://HOST:PORT", shown(address)),
        };
        let (scheme, rest) = address.split_once("://").ok_or_else(no)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // A user's name in an address hides the host that is meant.
        if host.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_graphic()) || host.contains('@') {
            return Err(no());
        }
        match scheme {
            "https" => {}
            "http" if self.plain_here && is_here(host) => {}
            "http" => return Err(OnlineError::Plain { provider, address: shown(address) }),
            _ => return Err(no()),
        }
        Ok(address.trim_end_matches('/').to_owned())
    }
}

impl Reach {
    /// That the certificates can be read, each of them, and are some: every client would say it otherwise.
    pub(super) fn certificates(&self, provider: Provider) -> Result<(), OnlineError> {
        let Some(pem) = &self.ca else { return Ok(()) };
        let settings = |what: &str| OnlineError::Settings { provider, what: what.to_owned() };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let added = certificate.ok().and_then(|certificate| roots.add(certificate).ok());
            added.ok_or_else(|| {
                settings("a certificate in the file of the certificate authority can't be read")
            })?;
        }
        if roots.is_empty() {
            return Err(settings("the file of the certificate authority holds no certificate in PEM"));
        }
        Ok(())
    }
}

/// A small file that a provider's own tools take as well: a token, or certificates.
pub(super) fn file(path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = std::fs::File::open(path).ok()?.take(LONGEST_FILE);
    file.read_to_end(&mut bytes).ok().map(|_| bytes)
}

/// Whether a host with an optional port is this very machine.
pub(super) fn is_here(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

fn shown(address: &str) -> String {
    address.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_always_and_plain_here_only() {
        let mut reach = Reach {
            endpoint: None,
            ca: None,
            timeout: Duration::from_secs(1),
            plain_here: false,
            environment: |_| None,
        };
        let good = |reach: &Reach, address: &str| reach.address(Provider::OpenBao, address).is_ok();
        assert!(good(&reach, "https://bao.example:8200/"));
        assert!(!good(&reach, "http://127.0.0.1:8200"));
        reach.plain_here = true;
        for here in ["http://127.0.0.1:8200", "http://localhost", "http://[::1]:1", "https://127.0.0.1"] {
            assert!(good(&reach, here), "{here}");
        }
        for wrong in [
            "http://bao.example",
            "http://127.0.0.1.example",
            "http://localhost:1@bao.example",
            "http://127.0.0.1:80@bao.example/",
            "ftp://127.0.0.1",
            "https://",
            "https://a b",
            "127.0.0.1:8200",
            "",
        ] {
            assert!(!good(&reach, wrong), "{wrong}");
        }
    }
}
