//! The gates to the primitives that several modules share: one file names each foreign crate.
//!
//! `hash` (SHA-256, SHA-512, HMAC, HKDF), `aead` (ChaCha20-Poly1305 and its long-nonce form),
//! `block` (AES and CMAC, for check values), `gcm` (AES-GCM, for proofs), `ed25519` (signatures), `kwp` (AES key wrap with padding),
//! `random` (the operating system's randomness, with the caller's mixed in).
//! They add no idea of their own: names, secret types in and out, and total functions.

pub(crate) mod aead;
pub mod block;
pub mod ed25519;
pub mod gcm;
pub mod hash;
pub mod kwp;
pub mod random;
#[cfg(test)]
mod wycheproof;
