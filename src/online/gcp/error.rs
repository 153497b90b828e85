//! What Google's client says went wrong, in our words: the right that is missing, by its name.

use super::super::OnlineError;
use super::super::error::{Cause, cause, plain};
use super::super::http::Call;
use super::GCP;
use google_cloud_gax::error::rpc::{Code, StatusDetails};
use google_cloud_kms_v1::Error;

/// An error with everything beneath it.
pub(super) fn chain(error: &dyn core::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        next = cause.source();
    }
    words
}

/// Our word for what went wrong in `call` on `place`.
pub(super) fn failure(error: &Error, call: Call, place: &str, address: &str) -> OnlineError {
    let words = plain(&chain(error));
    if let Some(status) = error.status() {
        return match status.code {
            Code::PermissionDenied => OnlineError::Right { provider: GCP, right: right(error, place) },
            Code::Unauthenticated => {
                OnlineError::Credentials { provider: GCP, words: plain(&status.message) }
            }
            Code::NotFound => OnlineError::NoPlace { provider: GCP, place: place.to_owned() },
            // What the service itself isn't sure of may have been done.
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Internal
            | Code::Unknown
            | Code::Cancelled
            | Code::DataLoss
                if call.changes =>
            {
                call.unsure(GCP, &status.message)
            }
            _ => call.refused(GCP, &status.message),
        };
    }
    if error.is_authentication() {
        return OnlineError::Credentials { provider: GCP, words };
    }
    let address = address.to_owned();
    match cause(error) {
        Cause::Tls(words) => return OnlineError::Tls { provider: GCP, address, words },
        Cause::NotSent(words) => return OnlineError::Unreachable { provider: GCP, address, words },
        Cause::Other(words) if error.is_connect() => {
            return OnlineError::Unreachable { provider: GCP, address, words };
        }
        Cause::Other(_) => {}
    }
    if let Some(code) = error.http_status_code() {
        let words = format!("HTTP status {code} with a text that is not Google's");
        return if call.changes && code >= 500 {
            call.unsure(GCP, &words)
        } else {
            call.refused(GCP, &words)
        };
    }
    match call.changes {
        true => call.unsure(GCP, &words),
        false if error.is_deserialization() => call.nonsense(GCP, "its documented reply"),
        false => OnlineError::Unreachable { provider: GCP, address, words },
    }
}

/// Our word for a decryption that failed: what Google calls a wrong argument is a ciphertext of another key.
pub(super) fn undecrypted(error: &Error, call: Call, place: &str, address: &str) -> OnlineError {
    match error.status() {
        Some(status) if status.code == Code::InvalidArgument => {
            OnlineError::OtherKey { place: place.to_owned(), words: plain(&status.message) }
        }
        _ => failure(error, call, place, address),
    }
}

/// The right that was missing, and where.
fn right(error: &Error, place: &str) -> String {
    let Some(status) = error.status() else { return String::new() };
    let named = status.details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) => info.metadata.get("permission").cloned(),
        _ => None,
    });
    let quoted = || status.message.split('\'').find(|part| part.starts_with("cloudkms.")).map(str::to_owned);
    match named.or_else(quoted) {
        Some(right) => format!("{} on {place}", plain(&right)),
        None => plain(&status.message),
    }
}
