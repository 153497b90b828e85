//! Tokens: hardware security modules and what stands in for them, by PKCS#11.
//!
//! Keys that are born in a token are backed up to the quorum and closed in; after a loss they come back into
//! another token, of another maker, and are proven to be the same. [`TokenUri`] names a token or a key in it (RFC 7512),
//! [`Module`] is a maker's library, [`Token`] an open token, [`Ability`] what it can do, [`Transport`] the one road out
//! and in, [`Escrowed`] and [`Restored`] what travels it, [`Check`] how it is proven.
//!
//! It knows no quorum, no log and no files but the module's. It is the only module that names `cryptoki`, and `raw`
//! the only file with `unsafe`. Documented for operators in `docs/hsm.md`.

mod ability;
mod escrow;
mod keep;
mod limits;
mod module;
mod object;
mod proof;
mod public;
mod raw;
mod recognise;
mod refusal;
mod restore;
mod token;
mod transport;
mod uri;

pub use ability::{Ability, KeyWrap};
pub use escrow::Escrowed;
pub use keep::{Place, id_for, usual};
pub use limits::Limits;
pub use module::{Module, TokenInfo, Unreadable};
pub use object::KeyObject;
pub use proof::{Check, Proven, Witness};
pub use public::PublicObject;
pub use recognise::{Known, Recognised};
pub use refusal::HsmError;
pub use restore::Restored;
pub use token::{Pin, Role, Token};
pub use transport::{Allowed, Flavour, Transport};
pub use uri::{ObjectType, TokenUri, UriError};
