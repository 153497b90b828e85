//! One HTTPS call with a JSON answer, for services that have no client of their own.
//!
//! In: a method, a path, headers, a body. Out: the status and the answer, read by `wire::foreign` within a limit of
//! bytes; or why there is none, which says whether the call can have been done. No redirect is followed, no
//! connection is used twice, nothing is retried, no proxy is taken from the environment.

use super::error::{Cause, cause, plain};
use super::{OnlineError, Reach};
use crate::provider::Provider;
use crate::wire::foreign::{LONGEST, Value};
use core::time::Duration;
use std::sync::Arc;
use ureq::http::{HeaderValue, Request, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Error, Timeout};

/// A service at an address.
#[derive(Debug)]
pub(super) struct Http {
    agent: Agent,
    provider: Provider,
    base: String,
    seconds: u64,
}

/// A call: what it is called for people, and whether it changes something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    /// Its name, as in a right.
    pub(super) name: &'static str,
    /// Whether it does.
    pub(super) changes: bool,
}

/// What the service answered.
#[derive(Debug)]
pub(super) struct Reply {
    /// The status of HTTP.
    pub(super) status: u16,
    /// The answer; `Null` when there is none.
    pub(super) value: Value,
}

impl Http {
    /// A service at the address `base`, which was checked.
    pub(super) fn new(provider: Provider, reach: &Reach, base: String) -> Result<Self, OnlineError> {
        let mut roots: Vec<Certificate<'static>> = Vec::new();
        if base.starts_with("https") {
            let system = rustls_native_certs::load_native_certs().certs;
            roots.extend(system.iter().map(|certificate| Certificate::from_der(certificate).to_owned()));
            if let Some(pem) = &reach.ca {
                let before = roots.len();
                for item in parse_pem(pem) {
                    if let Ok(PemItem::Certificate(certificate)) = item {
                        roots.push(certificate);
                    }
                }
                if roots.len() == before {
                    let what = "the file of the certificate authority holds no certificate in PEM".to_owned();
                    return Err(OnlineError::Settings { provider, what });
                }
            }
        }
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(ring)
            .root_certs(RootCerts::from(roots))
            .build();
        let connecting = reach.timeout.min(Duration::from_secs(15));
        let agent = Agent::config_builder()
            .tls_config(tls)
            .https_only(base.starts_with("https"))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .max_response_header_size(32 * 1024)
            .proxy(None)
            .timeout_resolve(Some(connecting))
            .timeout_connect(Some(connecting))
            .timeout_global(Some(reach.timeout))
            .build()
            .new_agent();
        Ok(Self { agent, provider, base, seconds: reach.timeout.as_secs() })
    }

    /// Makes a call, and reads the answer.
    pub(super) fn call(
        &self,
        call: Call,
        (method, path): (&str, &str),
        headers: Vec<(&'static str, HeaderValue)>,
        body: Option<Vec<u8>>,
    ) -> Result<Reply, OnlineError> {
        let mut request = Request::builder().method(method).uri(format!("{}/{path}", self.base));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let wrong = |error: ureq::http::Error| OnlineError::Settings {
            provider: self.provider,
            what: format!("the address or a header is none: {}", plain(&error.to_string())),
        };
        let answered = match body {
            Some(bytes) => {
                let request = request.header("content-type", "application/json").body(bytes);
                self.agent.run(request.map_err(wrong)?)
            }
            None => self.agent.run(request.body(()).map_err(wrong)?),
        };
        answered
            .and_then(read)
            .map_err(|error| failed(self.provider, &self.base, self.seconds, call, &error))?
            // What isn't JSON is of something between us and the service, which may have passed the call on.
            .ok_or_else(|| call.nonsense(self.provider, "JSON"))
    }

    /// Sends a whole request, for a client that makes its own; status, headers and the answer, within a limit.
    pub(super) fn exchange(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Error> {
        let (parts, body) = self.agent.run(request)?.into_parts();
        Ok(Response::from_parts(parts, bytes(body)?))
    }
}

/// Why there is no answer.
pub(super) fn failed(
    provider: Provider,
    address: &str,
    seconds: u64,
    call: Call,
    error: &Error,
) -> OnlineError {
    let address = address.to_owned();
    let name = call.name;
    let before = matches!(error, Error::Timeout(Timeout::Resolve | Timeout::Connect));
    // The client's errors don't say what is in them as others do.
    let found = match error {
        Error::Io(inside) => cause(inside),
        Error::Rustls(inside) => cause(inside),
        outside => cause(outside),
    };
    match (found, error) {
        (Cause::Tls(words), _) => OnlineError::Tls { provider, address, words },
        (Cause::NotSent(words), _) => OnlineError::Unreachable { provider, address, words },
        (_, error @ (Error::HostNotFound | Error::ConnectionFailed | Error::Tls(_))) => {
            OnlineError::Unreachable { provider, address, words: plain(&error.to_string()) }
        }
        (Cause::Other(words), _) if before => OnlineError::Unreachable { provider, address, words },
        (Cause::Other(words), _) if call.changes => OnlineError::Unsure { provider, call: name, words },
        (_, Error::Timeout(_)) => OnlineError::Timeout { provider, call: name, seconds },
        (
            Cause::Other(_),
            Error::Protocol(_) | Error::BodyExceedsLimit(_) | Error::LargeResponseHeader(..),
        ) => call.nonsense(provider, "an answer in HTTP, not too long,"),
        (Cause::Other(words), _) => OnlineError::Unreachable { provider, address, words },
    }
}

/// A body within its limit.
fn bytes(body: Body) -> Result<Vec<u8>, Error> {
    body.into_with_config().limit(u64::try_from(LONGEST).unwrap_or(u64::MAX)).read_to_vec()
}

/// The answer; the inner `None` is one that isn't JSON.
fn read(response: Response<Body>) -> Result<Option<Reply>, Error> {
    let status = response.status().as_u16();
    let bytes = bytes(response.into_body())?;
    let value = if bytes.is_empty() { Some(Value::Null) } else { Value::read(&bytes) };
    Ok(value.map(|value| Reply { status, value }))
}
