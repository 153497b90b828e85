//! Google's names of keys and import jobs, out of a request's target.

use super::super::OnlineError;
use super::GCP;
use crate::provider::Target;

/// Where a key is.
pub(super) struct Place {
    /// The key ring's full name.
    pub(super) ring: String,
    /// The key's name in it.
    pub(super) id: String,
    /// The key's full name.
    pub(super) key: String,
}

impl Place {
    /// Reads the names; each is one part of a path.
    pub(super) fn of(target: &Target) -> Result<Self, OnlineError> {
        let part = |name: &str| {
            let what = || format!("--set {name}=… is missing, or is no plain name");
            let missing = || OnlineError::Settings { provider: GCP, what: what() };
            target
                .get(name)
                .filter(|value| !value.contains('/') && !value.is_empty())
                .map(String::as_str)
                .ok_or_else(missing)
        };
        let ring = format!(
            "projects/{}/locations/{}/keyRings/{}",
            part("project")?,
            part("location")?,
            part("keyring")?
        );
        let id = part("key")?.to_owned();
        Ok(Self { key: format!("{ring}/cryptoKeys/{id}"), ring, id })
    }

    /// The full name of an import job.
    pub(super) fn job(&self, id: &str) -> String {
        format!("{}/importJobs/{id}", self.ring)
    }
}
