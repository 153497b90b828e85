//! A key out of a file that another program made: raw bytes, DER or PEM.
//!
//! A private key says itself what it is; a kind that was named must agree. Raw bytes don't, so
//! they need one. Whatever would have to be guessed is refused with a hint.

use super::pem::{self, Block};
use super::{ImportError, KeyKind, KeyMaterial, OPAQUE_LIMIT, der, pkcs8, raw};
use crate::secret::SecretBytes;

/// The key in the `bytes` of a file; with a `kind`, only a key of that kind.
///
/// Private keys may be PKCS#8 (version 1 or 2), SEC 1 or PKCS#1, as DER or PEM and not encrypted.
/// An opaque key is the file as it is, whatever is in it. The caller wipes `bytes`.
///
/// # Errors
/// [`ImportError`], which quotes nothing of the file.
pub fn import(kind: Option<KeyKind>, bytes: &[u8]) -> Result<KeyMaterial, ImportError> {
    if bytes.is_empty() {
        return Err(ImportError::Empty);
    }
    if bytes.len() > OPAQUE_LIMIT {
        return Err(ImportError::TooLong);
    }
    if kind == Some(KeyKind::Opaque) {
        return KeyMaterial::raw(KeyKind::Opaque, SecretBytes::copy_of(bytes));
    }
    if pem::is_pem(bytes) {
        return of_pem(kind, &pem::blocks(bytes)?);
    }
    if let Some(what) = recognised(bytes) {
        return Err(what);
    }
    let symmetric = kind.filter(|kind| !kind.is_asymmetric());
    if let Some(wanted) = symmetric {
        // Bytes that happen to be a whole private key are one: chance doesn't make that.
        if let Ok(found) = pkcs8::read(bytes, None).and_then(|key| key.kind()) {
            return Err(ImportError::KindMismatch { wanted, found });
        }
        raw::check_file(wanted, bytes)?;
        return KeyMaterial::raw(wanted, SecretBytes::copy_of(bytes));
    }
    match (kind, bytes.first()) {
        // `0` in text is the first byte of DER; DER of a key is never text throughout.
        (_, Some(&der::SEQUENCE)) if !bytes.is_ascii() || bytes.contains(&der::INTEGER) => {
            of_der(kind, bytes, None)
        }
        (Some(kind), _) => Err(ImportError::NotEncoded { kind }),
        (None, _) => Err(ImportError::KindNeeded),
    }
}

/// Formats that are known by their first bytes.
fn recognised(bytes: &[u8]) -> Option<ImportError> {
    let starts = |magics: &[&[u8]]| magics.iter().any(|magic| bytes.starts_with(magic));
    if starts(&[b"openssh-key-v1\0"]) {
        return Some(ImportError::OpenSsh);
    }
    if starts(&[b"ssh-rsa AAAA", b"ssh-ed25519 AAAA", b"ecdsa-sha2-nistp"]) {
        return Some(ImportError::NotPrivate { what: "a public key" });
    }
    if starts(&[b"PuTTY-User-Key-File-"]) {
        return Some(ImportError::Format { what: "a PuTTY key" });
    }
    if starts(&[b"{\""]) && bytes.windows(5).any(|window| window == b"\"kty\"") {
        return Some(ImportError::Format { what: "a JSON web key" });
    }
    None
}

fn of_der(kind: Option<KeyKind>, bytes: &[u8], curve: Option<&[u8]>) -> Result<KeyMaterial, ImportError> {
    let parsed = pkcs8::read(bytes, curve)?;
    let found = parsed.kind()?;
    match kind {
        Some(wanted) if wanted != found => Err(ImportError::KindMismatch { wanted, found }),
        _ => parsed.material(),
    }
}

fn of_pem(kind: Option<KeyKind>, blocks: &[Block<'_>]) -> Result<KeyMaterial, ImportError> {
    let [parameters @ .., key] = blocks else { return Err(ImportError::Pem { line: 1 }) };
    let curve = match parameters {
        [] => None,
        [curve] if curve.label == "EC PARAMETERS" && key.label == "EC PRIVATE KEY" => {
            let mut der = der::Der::new(curve.bytes.expose());
            let name = pkcs8::named_curve(&mut der)?;
            der.finish()?;
            Some(name)
        }
        _ => return Err(ImportError::Several { blocks: blocks.len() }),
    };
    if key.encrypted {
        return Err(ImportError::Encrypted);
    }
    match key.label {
        "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY" => of_der(kind, key.bytes.expose(), curve),
        "ENCRYPTED PRIVATE KEY" => Err(ImportError::Encrypted),
        "OPENSSH PRIVATE KEY" => Err(ImportError::OpenSsh),
        "DSA PRIVATE KEY" => Err(ImportError::Algorithm { name: "DSA".into() }),
        "EC PARAMETERS" => Err(ImportError::NotPrivate { what: "the parameters of a curve" }),
        "PUBLIC KEY" | "RSA PUBLIC KEY" | "SSH2 PUBLIC KEY" => {
            Err(ImportError::NotPrivate { what: "a public key" })
        }
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            Err(ImportError::NotPrivate { what: "a certificate" })
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            Err(ImportError::NotPrivate { what: "a certificate request" })
        }
        _ => Err(ImportError::Format { what: "PEM of another kind" }),
    }
}
