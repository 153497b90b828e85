//! Why bytes are no key that can be escrowed, and what to do instead.
//!
//! A key that is escrowed wrongly is noticed years later, so an import refuses whatever it would
//! have to guess. No error holds a byte of the file: names, lengths and public identifiers only.

use super::{KeyKind, OPAQUE_LIMIT};

/// Why an import was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// No bytes.
    #[error("the key file is empty")]
    Empty,
    /// More bytes than any key has.
    #[error("the key file is longer than {OPAQUE_LIMIT} bytes")]
    TooLong,
    /// Neither PEM nor DER, and no kind was named.
    #[error("the file is neither PEM nor DER, and no kind of key was named")]
    KindNeeded,
    /// A private key of this kind was asked for, and the file is neither PEM nor DER.
    #[error("a key of kind {kind} must be PEM or DER, and the file is neither")]
    NotEncoded {
        /// The kind that was asked for.
        kind: KeyKind,
    },
    /// The file holds a key of another kind.
    #[error("the file holds a key of kind {found}, not {wanted}")]
    KindMismatch {
        /// The kind that was asked for.
        wanted: KeyKind,
        /// The kind that was found.
        found: KeyKind,
    },
    /// Raw bytes of a wrong number.
    #[error("a key of kind {kind} has {expected} bytes, and the file has {found}")]
    Length {
        /// The kind that was asked for.
        kind: KeyKind,
        /// Its length.
        expected: usize,
        /// The length of the file.
        found: usize,
    },
    /// Raw bytes of the right number, and a line end.
    #[error("the file holds a line end after the {expected} bytes of a key of kind {kind}")]
    LineEnd {
        /// The kind that was asked for.
        kind: KeyKind,
        /// Its length.
        expected: usize,
    },
    /// Text where raw bytes are wanted.
    #[error("the file is {encoding} text of {length} bytes, not the bytes themselves")]
    Text {
        /// `hexadecimal` or `base64`.
        encoding: &'static str,
        /// How many bytes it spells.
        length: usize,
    },
    /// All bytes are the same.
    #[error("the {kind} key is one byte repeated")]
    Weak {
        /// The kind of key.
        kind: KeyKind,
    },
    /// Encrypted with a passphrase.
    #[error("the private key is encrypted with a passphrase")]
    Encrypted,
    /// Nothing private in it.
    #[error("the file holds {what}, not a private key")]
    NotPrivate {
        /// What it holds.
        what: &'static str,
    },
    /// OpenSSH's own format.
    #[error("the private key is in OpenSSH's own format")]
    OpenSsh,
    /// A format that isn't read.
    #[error("the file is {what}, which isn't read")]
    Format {
        /// What it is.
        what: &'static str,
    },
    /// More than one thing in a PEM file.
    #[error("the file holds {blocks} PEM blocks instead of one")]
    Several {
        /// How many.
        blocks: usize,
    },
    /// Damaged PEM.
    #[error("the PEM is damaged at line {line}")]
    Pem {
        /// The line, counted from 1.
        line: usize,
    },
    /// Not the DER of a private key.
    #[error("the file is not the strict DER of a private key")]
    Der,
    /// Bytes after the key.
    #[error("{extra} bytes follow the private key")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// A private key that isn't in the one form that is stored.
    #[error("the stored private key is not in canonical form")]
    NotCanonical,
    /// An algorithm that isn't supported.
    #[error("the private key is for {name}, which isn't supported")]
    Algorithm {
        /// Its name or object identifier.
        name: String,
    },
    /// A curve that isn't supported.
    #[error("the private key is on the curve {name}, which isn't supported")]
    Curve {
        /// Its object identifier.
        name: String,
    },
    /// The curve's parameters instead of its name.
    #[error("the private key spells its curve out instead of naming it")]
    ExplicitCurve,
    /// No curve, or two different ones.
    #[error("the private key doesn't name its curve, or names two")]
    NoCurve,
    /// A scalar that is zero, not below the order, or of a wrong length.
    #[error("the private number of the {kind} key is out of range")]
    Scalar {
        /// The kind of key.
        kind: KeyKind,
    },
    /// A public point that isn't on the curve.
    #[error("the public key beside the {kind} private key isn't on its curve")]
    OffCurve {
        /// The kind of key.
        kind: KeyKind,
    },
    /// The public key of another private key.
    #[error("the public key beside the {kind} private key belongs to another key")]
    PublicMismatch {
        /// The kind of key.
        kind: KeyKind,
    },
    /// An RSA modulus of another size.
    #[error("the RSA key has {bits} bits")]
    RsaSize {
        /// The size of the modulus in bits.
        bits: usize,
    },
    /// An RSA public exponent that is even, below 65537 or above 2^32.
    #[error("the RSA key has a public exponent that is even or outside 65537 to 2^32")]
    RsaExponent,
    /// More than two primes.
    #[error("the RSA key has more than two primes")]
    RsaMultiPrime,
    /// The modulus isn't the product of the primes.
    #[error("the RSA modulus isn't the product of its primes")]
    RsaModulus,
    /// The primes are equal, close, of unequal size or composite.
    #[error("the primes of the RSA key are {fault}")]
    RsaPrimes {
        /// What is wrong with them.
        fault: &'static str,
    },
    /// The private exponent doesn't belong to the public one, or is short.
    #[error("the RSA private exponent doesn't belong to the public one")]
    RsaPrivateExponent,
    /// The values for the Chinese remainder theorem don't belong to the key.
    #[error("the RSA key's precomputed values don't belong to it")]
    RsaCrt,
}

impl ImportError {
    /// What to do instead.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Empty => "check the file's name, and that the export which made it succeeded",
            Self::TooLong => "a key file holds one key; name the file of the key alone",
            Self::KindNeeded => {
                "name the kind, such as --kind aes-256, if the file holds the raw bytes of a key"
            }
            Self::NotEncoded { .. } => "export the private key as PKCS#8, for instance with `openssl pkey`",
            Self::KindMismatch { .. } => "name the kind that the file holds, or the file that was meant",
            Self::Length { .. } => {
                "check the kind; a file of another form can be kept as it is with --kind opaque"
            }
            Self::LineEnd { .. } => {
                "write the key without a line end (`printf %s`, not `echo`), or cut it off"
            }
            Self::Text { encoding, .. } => match encoding.as_bytes() {
                b"hexadecimal" => "decode it first, for instance with `xxd -r -p`, and import the bytes",
                _ => "decode it first, for instance with `base64 -d`, and import the bytes",
            },
            Self::Weak { .. } => "this is a placeholder or a failed export, not a random key: make a new one",
            Self::Encrypted => {
                "decrypt it in the ceremony, for instance with `openssl pkey`: the quorum protects it instead"
            }
            Self::NotPrivate { .. } => "import the private key; public keys and certificates need no escrow",
            Self::OpenSsh => {
                "convert a copy with `ssh-keygen -p -m PKCS8`, without a passphrase, and import that"
            }
            Self::Format { .. } => {
                "export the private key alone as unencrypted PKCS#8, for instance with `openssl pkey`"
            }
            Self::Several { .. } => {
                "keep one private key in a file and nothing else; import several keys one by one"
            }
            Self::Pem { .. } => {
                "export the key again; a copied text may have lost lines or gained characters"
            }
            Self::Der => {
                "convert it with `openssl pkey -outform DER`; keep another format as it is with --kind opaque"
            }
            Self::Trailing { .. } => {
                "some tokens pad what they export with zero bytes: convert it with `openssl pkey`"
            }
            Self::NotCanonical => "the record was written by another program: import the key instead",
            Self::Algorithm { .. } => "keep it as it is with --kind opaque, if it must be in this escrow",
            Self::Curve { .. } => {
                "P-256, P-384, P-521 and secp256k1 are supported; keep others with --kind opaque"
            }
            Self::ExplicitCurve => "convert it with `openssl ec -param_enc named_curve`",
            Self::NoCurve => "export it as PKCS#8, or keep the EC PARAMETERS block before the key",
            Self::Scalar { .. } | Self::OffCurve { .. } | Self::PublicMismatch { .. } => {
                "the file is damaged or was made to mislead: export the key again"
            }
            Self::RsaSize { .. } => "RSA keys of 2048, 3072 and 4096 bits are supported",
            Self::RsaExponent => "make a new key with the exponent 65537; keep this one with --kind opaque",
            Self::RsaMultiPrime => "make a new key with two primes; keep this one with --kind opaque",
            Self::RsaPrimes { .. } => "this key is weak or damaged: make a new one",
            Self::RsaModulus | Self::RsaPrivateExponent | Self::RsaCrt => {
                "the file is damaged or was made to mislead: export the key again, and check with `openssl pkey -check`"
            }
        }
    }
}

impl From<super::der::NotDer> for ImportError {
    fn from(_: super::der::NotDer) -> Self {
        Self::Der
    }
}
