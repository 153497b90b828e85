//! The official client over our own HTTPS call, and what it says went wrong, in our words.
//!
//! The client's interface for transports is asynchronous; ours answers at once, since nothing else waits. What went
//! wrong below is kept whole, so that a refused certificate is told from a call that may have been done.

use super::super::error::plain;
use super::super::http::{self, Call, Http};
use super::super::reach::is_here;
use super::super::{OnlineError, Reach};
use super::credentials;
use crate::provider::Provider;
use crate::wire::foreign::Value;
use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{
    AsyncRawResponse, Body, ClientOptions, HttpClient, Request, RetryOptions, StatusCode, Transport,
};
use azure_security_keyvault_keys::{KeyClient, KeyClientOptions};
use core::time::Duration;
use std::sync::Arc;

/// Our call as the client's transport.
#[derive(Debug)]
struct Ours(Http);

#[async_trait]
impl HttpClient for Ours {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let other = |words: &'static str| azure_core::Error::with_message(ErrorKind::Other, words);
        let Body::Bytes(body) = request.body() else { return Err(other("a stream has no place here")) };
        let mut sent =
            ureq::http::Request::builder().method(request.method().as_ref()).uri(request.url().as_str());
        for (name, value) in request.headers().iter() {
            sent = sent.header(name.as_str(), value.as_str());
        }
        let sent =
            sent.body(body.to_vec()).map_err(|error| azure_core::Error::new(ErrorKind::Other, error))?;
        let (parts, bytes) =
            self.0.exchange(sent).map_err(|error| azure_core::Error::new(ErrorKind::Io, error))?.into_parts();
        let mut kept = Headers::new();
        for (name, value) in &parts.headers {
            if let Ok(value) = value.to_str() {
                kept.insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        Ok(AsyncRawResponse::from_bytes(StatusCode::from(parts.status.as_u16()), kept, bytes))
    }
}

/// A client of the vault at `base`.
pub(super) fn connect(provider: Provider, reach: &Reach, base: &str) -> Result<KeyClient, OnlineError> {
    let transport = Transport::new(Arc::new(Ours(Http::new(provider, reach, base.to_owned())?)));
    let options = || ClientOptions {
        transport: Some(transport.clone()),
        retry: RetryOptions::none(),
        ..Default::default()
    };
    let credential = credentials::find(provider, reach, options())?;
    let options = KeyClientOptions {
        client_options: options(),
        // On this very machine, where tests are, no domain can match the one that the token is for.
        verify_challenge_resource: Some(!base.split_once("://").is_some_and(|(_, host)| is_here(host))),
        ..Default::default()
    };
    KeyClient::new(base, credential, Some(options))
        .map_err(|error| OnlineError::Settings { provider, what: plain(&error.to_string()) })
}

/// Our word for what went wrong in `call` on `place`.
pub(super) fn failure(
    provider: Provider,
    error: &azure_core::Error,
    (call, waited): (Call, Duration),
    place: &str,
) -> OnlineError {
    let words = plain(&error.to_string());
    if let ErrorKind::HttpResponse { status, raw_response, .. } = error.kind() {
        let said = raw_response.as_ref().and_then(|raw| Value::read(raw.body().as_ref()));
        let text =
            |path: &[&str]| said.as_ref().and_then(|said| said.text(path)).unwrap_or_default().to_owned();
        let message = text(&["error", "message"]);
        let shown = if message.is_empty() { words.clone() } else { plain(&message) };
        return match u16::from(*status) {
            401 => OnlineError::Credentials { provider, words: shown },
            403 => match action(&message) {
                Some(right) => OnlineError::Right { provider, right: format!("{right} on {place}") },
                None => call.refused(provider, &shown),
            },
            404 => OnlineError::NoPlace { provider, place: place.to_owned() },
            409 if text(&["error", "innererror", "code"]) == "ObjectIsDeletedButRecoverable" => {
                OnlineError::State {
                    place: place.to_owned(),
                    found: "is deleted, and not purged yet".to_owned(),
                    wanted: "recover it, purge it, or choose another name".to_owned(),
                }
            }
            code if code >= 500 && call.changes => call.unsure(provider, &shown),
            _ => call.refused(provider, &shown),
        };
    }
    let mut next: Option<&(dyn core::error::Error + 'static)> = Some(error);
    while let Some(one) = next {
        if let Some(below) = one.downcast_ref::<ureq::Error>() {
            // The challenge and the token come before the call itself, and change nothing.
            return http::failed(provider, place, waited.as_secs(), call, below);
        }
        next = one.source();
    }
    match error.kind() {
        ErrorKind::Credential => OnlineError::Credentials { provider, words },
        ErrorKind::DataConversion if !call.changes => call.nonsense(provider, "its documented reply"),
        _ if call.changes => call.unsure(provider, &words),
        _ => call.refused(provider, &words),
    }
}

/// Our word for a decryption that failed: what Azure calls a wrong parameter is a ciphertext of another key.
pub(super) fn undecrypted(
    provider: Provider,
    error: &azure_core::Error,
    waited: (Call, Duration),
    place: &str,
) -> OnlineError {
    let wrong =
        matches!(error.kind(), ErrorKind::HttpResponse { status, .. } if *status == StatusCode::BadRequest);
    match failure(provider, error, waited, place) {
        OnlineError::Refused { words, .. } if wrong => {
            OnlineError::OtherKey { place: place.to_owned(), words }
        }
        other => other,
    }
}

/// The data action in Azure's message.
fn action(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("Action: '")?;
    Some(plain(rest.split_once('\'')?.0))
}
