//! A key as a file for another program: its canonical bytes, or PEM of them.
//!
//! What comes out is secret and wiped on drop; whoever writes it to a disk owns that decision.
//! There is no encrypted export: a key leaves wrapped (`wrap`), or plain and on purpose.

use super::{Encoding, KeyMaterial, pem};
use crate::secret::SecretBytes;

impl KeyMaterial {
    /// The bytes of a file: raw, or PKCS#8 DER.
    #[must_use]
    pub fn to_file_bytes(&self) -> SecretBytes {
        SecretBytes::copy_of(self.bytes().expose())
    }

    /// The PEM block `PRIVATE KEY` (RFC 7468 section 10); `None` for a kind of raw bytes.
    #[must_use]
    pub fn to_pem(&self) -> Option<SecretBytes> {
        match self.kind().encoding() {
            Encoding::Pkcs8 => Some(pem::encode("PRIVATE KEY", self.bytes())),
            Encoding::Raw => None,
        }
    }
}
