//! Names of what is made for one request: nobody else has them, and nobody can have taken them before.
//!
//! Out: a word and 64 random bits. What was found under a name that can be guessed may be anybody's.

use super::OnlineError;
use crate::primitive::random::Entropy;
use crate::provider::Provider;
use crate::wire::text::hex;

/// A new name.
pub(super) fn fresh(provider: Provider) -> Result<String, OnlineError> {
    let random: [u8; 8] = Entropy::system()
        .public()
        .map_err(|error| OnlineError::Settings { provider, what: error.to_string() })?;
    Ok(format!("quorate-{}", hex(&random)))
}
