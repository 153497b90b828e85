//! Quorate keeps an organisation's master keys recoverable by any M of N custodians.

pub mod age;
pub mod backup;
pub mod card;
pub mod ceremony;
pub mod key;
pub mod log;
pub mod primitive;
pub mod quorum;
pub mod seal;
pub mod secret;
pub mod share;
pub mod store;
pub mod wire;
