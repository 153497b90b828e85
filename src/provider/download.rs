//! What the connected machine downloads from a provider, read from the provider's own files.
//!
//! In: the JSON that a provider's command line prints, or a public key in PEM or DER. Out: [`Download`], the
//! wrapping key with its token, nonce, end and names. A file says nothing of whose key it is: the
//! fingerprint is compared by people. Each provider's table reads its own names; the spellings of times,
//! base64 and JWK that several share are here.

use super::{Provider, RequestError};
use crate::key::{PublicKey, WrappingKey};
use crate::wire::foreign::Value;
use crate::wire::text;
use crate::wire::time::Timestamp;
use std::collections::BTreeMap;

/// The longest token in bytes (AWS: 6,144).
pub(super) const LONGEST_TOKEN: usize = 16 * 1024;
/// The longest value of a field in bytes.
const LONGEST_VALUE: usize = 512;

/// Where a key goes: the provider's own names, by field.
pub type Target = BTreeMap<String, String>;

/// What the files of a provider say.
#[derive(Debug, Default)]
pub struct Download {
    /// SubjectPublicKeyInfo, or a PEM file of it.
    pub(super) key: Option<Vec<u8>>,
    pub(super) token: Option<Vec<u8>>,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) expires: Option<Timestamp>,
    pub(super) algorithm: Option<String>,
    pub(super) target: Target,
}

impl Download {
    /// What a client of the service was given: a wrapping key, as SubjectPublicKeyInfo in DER or PEM.
    #[must_use]
    pub fn fetched(key: Vec<u8>) -> Self {
        Self { key: Some(key), ..Self::default() }
    }

    /// With the token that belongs to the wrapping key.
    #[must_use]
    pub fn with_token(self, token: Vec<u8>) -> Self {
        Self { token: Some(token), ..self }
    }

    /// With the time when the wrapping key ends.
    #[must_use]
    pub fn with_end(self, time: Timestamp) -> Self {
        Self { expires: Some(time), ..self }
    }

    /// With the import method that the wrapping key is bound to.
    #[must_use]
    pub fn with_method(self, name: &str) -> Self {
        Self { algorithm: Some(name.to_owned()), ..self }
    }

    /// With a name of the target.
    #[must_use]
    pub fn with_name(mut self, field: &str, value: &str) -> Self {
        self.note(field, Some(value));
        self
    }

    /// Reads the files of one download of `provider`.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(provider: Provider, files: &[Vec<u8>]) -> Result<Self, RequestError> {
        let mut download = Self::default();
        for file in files {
            let mut one = Self::default();
            if file.trim_ascii_start().starts_with(b"{") {
                let wanted = "its JSON, unaltered, was looked for; `quorate provider show` has the command";
                let value = Value::read(file).ok_or(RequestError::Download { provider, wanted })?;
                (provider.rules().read)(&mut one, &value)
                    .ok_or(RequestError::Download { provider, wanted })?;
            } else {
                one.key = Some(file.clone());
            }
            download.join(one)?;
        }
        Ok(download)
    }

    /// The wrapping key.
    pub(super) fn wrapping_key(&self, provider: Provider) -> Result<WrappingKey, RequestError> {
        let file = self.key.as_ref().ok_or(RequestError::NoKey { provider })?;
        Ok(WrappingKey::read(file)?)
    }

    /// Adds what another file says.
    fn join(&mut self, other: Self) -> Result<(), RequestError> {
        fn one<T: PartialEq>(
            to: &mut Option<T>,
            from: Option<T>,
            what: &'static str,
        ) -> Result<(), RequestError> {
            match (&to, from) {
                (Some(here), Some(there)) if *here != there => Err(RequestError::Twice { what }),
                (_, Some(there)) => {
                    *to = Some(there);
                    Ok(())
                }
                _ => Ok(()),
            }
        }
        one(&mut self.key, other.key, "the wrapping key")?;
        one(&mut self.token, other.token, "the token")?;
        one(&mut self.nonce, other.nonce, "the nonce")?;
        one(&mut self.expires, other.expires, "when it ends")?;
        one(&mut self.algorithm, other.algorithm, "the import method")?;
        for (field, value) in other.target {
            if self.target.insert(field, value.clone()).is_some_and(|before| before != value) {
                return Err(RequestError::Twice { what: "the names" });
            }
        }
        Ok(())
    }

    /// Notes a name, when it is there.
    pub(super) fn note(&mut self, field: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.target.insert(field.to_owned(), value.to_owned());
        }
    }
}

/// Whether a value can stand in a command line, whatever shell runs it.
pub(super) fn is_plain(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/@+=-".contains(&byte);
    (1..=LONGEST_VALUE).contains(&value.len()) && value.bytes().all(plain) && !value.starts_with('-')
}

/// Base64 in any of its spellings: standard or URL, padded or not, with line ends.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    if text.len() > LONGEST_TOKEN.saturating_mul(2) {
        return None;
    }
    let mut plain: String = text.chars().filter(|c| !matches!(c, '\n' | '\r' | '=')).collect();
    plain = plain.replace('-', "+").replace('_', "/");
    while !plain.len().is_multiple_of(4) {
        plain.push('=');
    }
    text::from_base64(&plain)
}

/// Base64url without padding (RFC 4648, section 5; RFC 7515).
pub(super) fn base64url(bytes: &[u8]) -> String {
    text::base64(bytes).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
}

/// The SubjectPublicKeyInfo of an RSA key in a JWK (RFC 7518, section 6.3).
pub(super) fn from_jwk(jwk: &Value) -> Option<Vec<u8>> {
    let number = |name| base64(jwk.text(&[name])?);
    let (modulus, exponent) = (number("n")?, number("e")?);
    let zeros = exponent.iter().take_while(|byte| **byte == 0).count();
    Some(PublicKey::rsa(&modulus, exponent.get(zeros..)?).ok()?.spki().to_vec())
}

/// A moment as a provider writes it: RFC 3339 with any offset and fraction, or seconds since 1970.
pub(crate) fn moment(value: Option<&Value>) -> Option<Timestamp> {
    match value? {
        Value::Number(number) => {
            let whole = number.split('.').next()?;
            let seconds: u64 = whole.parse().ok()?;
            Timestamp::from_unix(seconds).ok()
        }
        Value::Text(text) => {
            let (day, rest) = text.split_at_checked(10)?;
            let (clock, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
            let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
            let local: Timestamp = format!("{day}T{clock}Z").parse().ok()?;
            let (ahead, zone) = match zone.split_at_checked(1) {
                Some(("Z" | "z", "")) => return Some(local),
                Some(("+", zone)) => (true, zone),
                Some(("-", zone)) => (false, zone),
                _ => return None,
            };
            let digits = zone.replace(':', "");
            let (hours, minutes) = digits.split_at_checked(2)?;
            let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
            if hours > 15 || minutes > 59 || digits.len() != 4 {
                return None;
            }
            let offset = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
            let unix = local.unix();
            let utc = if ahead { unix.checked_sub(offset)? } else { unix.checked_add(offset)? };
            Timestamp::from_unix(utc).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_every_spelling() {
        let wanted: Timestamp = "2026-11-25T02:50:00Z".parse().unwrap();
        for text in [
            "2026-11-25T02:50:00Z",
            "2026-11-25T02:50:00.123456Z",
            "2026-11-25T02:50:00.123000+00:00",
            "2026-11-25T04:20:00+01:30",
            "2026-11-24T21:50:00-0500",
            "2026-11-25 02:50:00Z",
        ] {
            assert_eq!(moment(Some(&Value::Text(text.to_owned()))), Some(wanted), "{text}");
        }
        for number in ["1795575000", "1795575000.25"] {
            assert_eq!(moment(Some(&Value::Number(number.to_owned()))), Some(wanted));
        }
        for wrong in
            ["", "2026-11-25", "2026-11-25T02:50:00", "2026-11-25T02:50:00+1", "é2026-11-25T02:50:00Z"]
        {
            assert_eq!(moment(Some(&Value::Text(wrong.to_owned()))), None, "{wrong}");
        }
        assert_eq!(moment(Some(&Value::Number("-1".to_owned()))), None);
        assert_eq!(moment(None), None);
    }

    #[test]
    fn base64_of_every_spelling() {
        for text in ["-_8=", "-_8", "+/8=", "+/\n8"] {
            assert_eq!(base64(text), Some(vec![0xfb, 0xff]), "{text}");
        }
        assert_eq!(base64("a"), None);
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn values_that_a_shell_would_read_are_refused() {
        for good in ["arn:aws:kms:eu-central-1:111122223333:key/1234abcd", "a", "https://v.vault.azure.net"] {
            assert!(is_plain(good));
        }
        for wrong in
            ["", "-x", "a b", "$(x)", "a;b", "a'b", "a\"b", "a`b", "a\nb", "a&b", "a|b", "é", "a>b", "a*"]
        {
            assert!(!is_plain(wrong), "{wrong}");
        }
        assert!(!is_plain(&"a".repeat(513)));
    }
}
