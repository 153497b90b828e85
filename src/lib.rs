//! Quorate keeps an organisation's master keys recoverable by any M of N custodians.

pub mod primitive;
pub mod secret;
pub mod share;
pub mod store;
pub mod wire;
