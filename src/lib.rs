#![doc = include_str!("../README.md")]
//!
//! # The library
//!
//! One module per step in the order in which a key travels. A module uses lower floors only, and each
//! foreign cryptographic crate is named in one module only; `tests/floors.rs` holds both.
//!
//! | floor | module | what it owns |
//! |---|---|---|
//! | 0 | [`secret`] | bytes and passphrases that are wiped, unprintable, compared in constant time |
//! | 0 | [`primitive`] | the gates to hashes, ciphers, signatures and the system's randomness |
//! | 0 | [`wire`] | strict bytes, canonical JSON, typed lines, times |
//! | 1 | [`key`] | kinds, names, material and fingerprints of keys; import, export, the key record |
//! | 1 | [`age`] | the age v1 file |
//! | 2 | [`share`] | the quorum secret to shares, a share checked alone, shares to the secret |
//! | 3 | [`quorum`] | the quorum secret to an identity and a signer; the public record |
//! | 3 | [`backup`] | a key record sealed to a quorum |
//! | 3 | [`seal`] | a share sealed to its custodian |
//! | 3 | [`wrap`] | a key under somebody's RSA key: OAEP, or AES key wrap behind it |
//! | 3 | [`hsm`] | tokens by PKCS#11: keys out to a backup, and back, proven |
//! | 4 | [`provider`] | what each key service takes; requests, packages, proofs, policies |
//! | 4 | [`card`] | a sealed share on paper, and back from pictures and typed text |
//! | 4 | [`store`] | named objects that are created once |
//! | 5 | [`log`] | records, their chain, checkpoints, the state they add up to |
//! | 5 | `online` | clients of key services, for the connected machine; only with the feature of that name |
//! | 6 | [`ceremony`] | founding, backing up, checking, recovering: steps without I/O of their own |
//!
//! The program (floor 7) uses the public interface only. `examples/backup_and_recover.rs` is the whole
//! walk in memory; `examples/check_card.rs` reads a card. The feature `cli` (on by default) is the
//! program: a library user turns it off. Only `cli`, `store`, `hsm` and `online` touch the outside.

// The operator's key of all tests names this crate as everybody else does.
#[cfg(test)]
extern crate self as quorate;
#[cfg(test)]
#[path = "../tests/tools/hand.rs"]
mod hand;

pub mod age;
pub mod backup;
pub mod card;
pub mod ceremony;
pub mod hsm;
pub mod key;
pub mod log;
#[cfg(feature = "online")]
pub mod online;
pub mod primitive;
pub mod provider;
pub mod quorum;
pub mod seal;
pub mod secret;
pub mod share;
pub mod store;
pub mod wire;
pub mod wrap;
