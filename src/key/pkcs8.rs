//! The forms of a private key in DER: PKCS#8 (RFC 5208, and version 2 of RFC 5958), SEC 1 (RFC 5915)
//! and PKCS#1 (RFC 8017) are read; one form of PKCS#8 is written.
//!
//! Reading takes a structure apart and copies nothing; [`Parsed::material`] then proves that the
//! numbers are a key and writes them anew, so that no byte of a foreign encoding is kept.
//! Attributes are passed over. What else a file may be (public, encrypted, a certificate) is
//! recognised by its shape, for the sake of a useful error.

use super::der::{self, Der, NotDer};
use super::rsa::Numbers;
use super::{ImportError, KeyKind, KeyMaterial, ec, raw};
use crate::primitive::ed25519::{self, Signer};
use crate::secret::{SecretBytes, ct_eq};

pub(super) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Algorithms that are often met and not supported.
const OTHERS: [(&[u8], &str); 7] = [
    (&[0x2b, 0x65, 0x6e], "X25519"),
    (&[0x2b, 0x65, 0x6f], "X448"),
    (&[0x2b, 0x65, 0x71], "Ed448"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a], "RSASSA-PSS alone"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01], "DSA"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01], "Diffie-Hellman"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3e, 0x02, 0x01], "X9.42 Diffie-Hellman"),
];

/// A private key taken apart; nothing is proven about its numbers yet.
pub(super) enum Parsed<'a> {
    /// On a curve of SEC 1, with the public points that stand beside it.
    Ec { kind: KeyKind, scalar: &'a [u8], public: [Option<&'a [u8]>; 2] },
    /// Ed25519.
    Ed25519 { seed: &'a [u8], public: Option<&'a [u8]> },
    /// RSA.
    Rsa { numbers: Numbers<'a>, public: Option<&'a [u8]> },
}

/// Takes the DER of a private key apart. `curve` is the identifier in an EC PARAMETERS block.
pub(super) fn read<'a>(bytes: &'a [u8], curve: Option<&[u8]>) -> Result<Parsed<'a>, ImportError> {
    let mut file = Der::new(bytes);
    let key = file.inside(der::SEQUENCE)?;
    if file.left() > 0 {
        return Err(ImportError::Trailing { extra: file.left() });
    }
    let mut rest = key.clone();
    if rest.next() == Some(der::SEQUENCE) {
        return Err(public_or_encrypted(rest)?);
    }
    let version = rest.magnitude()?;
    match (rest.next(), version) {
        (Some(der::SEQUENCE), [] | [1]) => info(rest, version == [1]),
        (Some(der::SEQUENCE), [3]) => Err(ImportError::Format { what: "a PKCS#12 container" }),
        (Some(der::OCTETS), [1]) => sec1(key, curve, None),
        (Some(der::INTEGER), _) => pkcs1(key, None),
        _ => Err(ImportError::Der),
    }
}

/// What a sequence that begins with a sequence is.
fn public_or_encrypted(mut rest: Der<'_>) -> Result<ImportError, NotDer> {
    let mut first = rest.inside(der::SEQUENCE)?;
    let algorithm = first.take(der::OID).is_ok();
    Ok(match rest.next() {
        Some(der::OCTETS) if algorithm => ImportError::Encrypted,
        Some(der::BITS) if algorithm => ImportError::NotPrivate { what: "a public key" },
        Some(der::SEQUENCE) if !algorithm => ImportError::NotPrivate { what: "a certificate" },
        _ => ImportError::Der,
    })
}

/// The rest of a `PrivateKeyInfo` or `OneAsymmetricKey`, behind its version.
fn info(mut rest: Der<'_>, second: bool) -> Result<Parsed<'_>, ImportError> {
    let mut algorithm = rest.inside(der::SEQUENCE)?;
    let private = rest.take(der::OCTETS)?;
    rest.optional(der::CONTEXT_0)?;
    let public = match rest.next() {
        Some(der::CONTEXT_1_PRIMITIVE) if second => Some(rest.whole_bits(der::CONTEXT_1_PRIMITIVE)?),
        _ => None,
    };
    rest.finish()?;
    match algorithm.take(der::OID)? {
        EC_PUBLIC_KEY => {
            let curve = named_curve(&mut algorithm)?;
            algorithm.finish()?;
            sec1(only(private)?, Some(curve), public)
        }
        ED25519 => {
            algorithm.finish()?;
            let mut inner = Der::new(private);
            let seed = inner.take(der::OCTETS)?;
            inner.finish()?;
            Ok(Parsed::Ed25519 { seed, public })
        }
        RSA => {
            if !algorithm.take(der::NULL)?.is_empty() {
                return Err(ImportError::Der);
            }
            algorithm.finish()?;
            pkcs1(only(private)?, public)
        }
        other => {
            let known = OTHERS.iter().find(|(oid, _)| *oid == other).map(|(_, name)| (*name).to_string());
            let name = known.or_else(|| der::dotted(other)).ok_or(ImportError::Der)?;
            Err(ImportError::Algorithm { name })
        }
    }
}

/// The contents of the one sequence that `bytes` are.
fn only(bytes: &[u8]) -> Result<Der<'_>, NotDer> {
    let mut all = Der::new(bytes);
    let inside = all.inside(der::SEQUENCE)?;
    all.finish()?;
    Ok(inside)
}

/// The identifier of the curve that comes next.
pub(super) fn named_curve<'a>(parameters: &mut Der<'a>) -> Result<&'a [u8], ImportError> {
    match parameters.next() {
        Some(der::OID) => Ok(parameters.take(der::OID)?),
        Some(der::SEQUENCE) => Err(ImportError::ExplicitCurve),
        _ => Err(ImportError::NoCurve),
    }
}

/// The contents of an `ECPrivateKey`; `outer` is the curve that its surroundings name.
fn sec1<'a>(
    mut key: Der<'a>,
    outer: Option<&[u8]>,
    public: Option<&'a [u8]>,
) -> Result<Parsed<'a>, ImportError> {
    if key.magnitude()? != [1] {
        return Err(ImportError::Der);
    }
    let scalar = key.take(der::OCTETS)?;
    let inner = match key.optional(der::CONTEXT_0)? {
        None => None,
        Some(parameters) => {
            let mut parameters = Der::new(parameters);
            let curve = named_curve(&mut parameters)?;
            parameters.finish()?;
            Some(curve)
        }
    };
    let beside = match key.optional(der::CONTEXT_1)? {
        None => None,
        Some(contents) => {
            let mut contents = Der::new(contents);
            let point = contents.whole_bits(der::BITS)?;
            contents.finish()?;
            Some(point)
        }
    };
    key.finish()?;
    let curve = match (outer, inner) {
        (Some(outer), Some(inner)) if outer != inner => return Err(ImportError::NoCurve),
        (outer, inner) => outer.or(inner).ok_or(ImportError::NoCurve)?,
    };
    let unknown = || der::dotted(curve).map_or(ImportError::Der, |name| ImportError::Curve { name });
    Ok(Parsed::Ec { kind: ec::of_curve(curve).ok_or_else(unknown)?, scalar, public: [beside, public] })
}

/// The contents of an `RSAPrivateKey`.
fn pkcs1<'a>(mut key: Der<'a>, public: Option<&'a [u8]>) -> Result<Parsed<'a>, ImportError> {
    let version = key.magnitude()?;
    let mut numbers = [&[][..]; 8];
    for (place, number) in numbers.iter_mut().enumerate() {
        *number = key.magnitude()?;
        // Two integers are an RSAPublicKey, six the old form of a DSA private key.
        match (key.left(), place) {
            (0, 0) => return Err(ImportError::NotPrivate { what: "a public key" }),
            (0, 4) => return Err(ImportError::Algorithm { name: "DSA".into() }),
            _ => {}
        }
    }
    if version == [1] {
        return Err(ImportError::RsaMultiPrime);
    }
    key.finish()?;
    if !version.is_empty() {
        return Err(ImportError::Der);
    }
    let [n, e, d, p, q, dp, dq, qinv] = numbers;
    Ok(Parsed::Rsa { numbers: Numbers { n, e, d, p, q, dp, dq, qinv }, public })
}

impl Parsed<'_> {
    /// What kind of key it claims to be.
    pub(super) fn kind(&self) -> Result<KeyKind, ImportError> {
        match self {
            Self::Ec { kind, .. } => Ok(*kind),
            Self::Ed25519 { .. } => Ok(KeyKind::Ed25519),
            Self::Rsa { numbers, .. } => numbers.kind(),
        }
    }

    /// The key, after every check, in its canonical form.
    pub(super) fn material(&self) -> Result<KeyMaterial, ImportError> {
        let kind = self.kind()?;
        match self {
            Self::Ec { scalar, public, .. } => {
                let scalar = ec::full_length(kind, scalar).ok_or(ImportError::Scalar { kind })?;
                let scalar = scalar.expose();
                let point = ec::public(kind, scalar)?;
                for given in public.iter().flatten() {
                    if ec::decode(kind, given).ok_or(ImportError::OffCurve { kind })? != point {
                        return Err(ImportError::PublicMismatch { kind });
                    }
                }
                Ok(write_ec(kind, scalar, &point))
            }
            Self::Ed25519 { seed, public } => {
                let seed = SecretBytes::copy_of(seed);
                let signer = Signer::from_seed(&seed).ok_or(ImportError::Scalar { kind })?;
                if raw::constant(seed.expose()) {
                    return Err(ImportError::Weak { kind });
                }
                if public.is_some_and(|given| given != signer.public()) {
                    return Err(ImportError::PublicMismatch { kind });
                }
                Ok(write_ed25519(&seed, &signer.public()))
            }
            Self::Rsa { numbers, public } => {
                let (private, own) = numbers.check()?;
                if public.is_some_and(|given| !ct_eq(given, own.expose())) {
                    return Err(ImportError::PublicMismatch { kind });
                }
                Ok(write_rsa(kind, &private, &own))
            }
        }
    }
}

/// The key of an EC private number, at its full length, and its uncompressed point.
pub(super) fn write_ec(kind: KeyKind, scalar: &[u8], point: &[u8]) -> KeyMaterial {
    let algorithm = algorithm(EC_PUBLIC_KEY, der::element(der::OID, &[ec::curve(kind)]).expose());
    let private = der::element(
        der::SEQUENCE,
        &[
            der::integer(&[1]).expose(),
            der::element(der::OCTETS, &[scalar]).expose(),
            der::element(der::CONTEXT_1, &[der::bits(point).expose()]).expose(),
        ],
    );
    write(kind, &algorithm, private.expose(), point)
}

/// The key of an Ed25519 seed and its public key.
pub(super) fn write_ed25519(seed: &SecretBytes, public: &[u8; ed25519::KEY]) -> KeyMaterial {
    let private = der::element(der::OCTETS, &[seed.expose()]);
    write(KeyKind::Ed25519, &algorithm(ED25519, &[]), private.expose(), public)
}

/// The key of an `RSAPrivateKey` and an `RSAPublicKey`.
pub(super) fn write_rsa(kind: KeyKind, private: &SecretBytes, public: &SecretBytes) -> KeyMaterial {
    let null = der::element(der::NULL, &[]);
    write(kind, &algorithm(RSA, null.expose()), private.expose(), public.expose())
}

fn algorithm(oid: &[u8], parameters: &[u8]) -> SecretBytes {
    der::element(der::SEQUENCE, &[der::element(der::OID, &[oid]).expose(), parameters])
}

fn write(kind: KeyKind, algorithm: &SecretBytes, private: &[u8], public: &[u8]) -> KeyMaterial {
    let key = der::element(der::OCTETS, &[private]);
    let version = der::integer(&[]);
    let bytes = der::element(der::SEQUENCE, &[version.expose(), algorithm.expose(), key.expose()]);
    let spki = der::element(der::SEQUENCE, &[algorithm.expose(), der::bits(public).expose()]);
    KeyMaterial { kind, bytes, spki: Some(spki.expose().to_vec()) }
}
