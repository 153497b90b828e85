//! Stopping at Azure: a version is disabled; a key is deleted with all of its versions, and purged.
//!
//! What is there is looked at first, and has to be the log's. Deleted keys can be recovered until they are purged, by
//! Azure after its own time or at once where that is asked for.

use super::super::call::Steps;
use super::super::http::Call;
use super::super::{At, KeyState, OnlineError, Reported, Stop};
use super::Azure;
use super::vault::{KeyId, of_kid};
use azure_core::http::RequestContent;
use azure_security_keyvault_keys::models::{
    KeyAttributes, KeyClientUpdateKeyPropertiesOptions, UpdateKeyPropertiesParameters,
};
use core::time::Duration;

impl Azure {
    /// Stops a key version, unless it is stopped so already; what is there then.
    pub(super) fn stopped(&self, base: &str, at: &At, how: Stop) -> Result<Reported, OnlineError> {
        let purge = match how {
            Stop::Destroy { days: Some(1..) } => {
                return Err(OnlineError::Settings {
                    provider: self.provider,
                    what: "how long a deleted key can be recovered is set for the vault: give no days, or 0 to purge it at once".to_owned(),
                });
            }
            how => how == Stop::Destroy { days: Some(0) },
        };
        let found = self.reported(base, at)?;
        if found.state == KeyState::Gone || found.state == KeyState::Ending && !purge {
            return Ok(found);
        }
        self.ours(base, at, &found)?;
        let call = Call::reads("GetKey");
        let kid = found.id.as_deref().and_then(of_kid);
        let (_, id) = kid.ok_or(call.nonsense(self.provider, "the key's id"))?;
        let place = format!("{base}/keys/{}", id.name);
        let steps = Steps::default();
        match how {
            Stop::Disable if found.state == KeyState::Disabled => {}
            Stop::Disable => steps.step(self.disabled(base, &id))?,
            // Azure deletes a key with all of its versions, so one version goes alone only if it is alone.
            Stop::Delete => {
                let others = self.versions(base, &id.name)?.len().saturating_sub(1);
                if others > 0 {
                    return Err(OnlineError::State {
                        place,
                        found: format!(
                            "has {others} more versions, and Azure deletes a key with all of them"
                        ),
                        wanted: "disable this version, or destroy the whole key".to_owned(),
                    });
                }
                steps.step(self.deleted(base, &id))?;
            }
            Stop::Destroy { .. } => {
                if found.state != KeyState::Ending {
                    steps.step(self.deleted(base, &id))?;
                }
                if purge {
                    steps.step(self.purged(base, &id, at))?;
                }
            }
        }
        // By the id that is known now, also where the log has none.
        steps.look(self.reported(base, &At { id: Some(id.kid(base)), ..at.clone() }))
    }

    fn disabled(&self, base: &str, id: &KeyId) -> Result<(), OnlineError> {
        let client = self.client(base)?;
        let attributes = KeyAttributes { enabled: Some(false), ..Default::default() };
        let wanted = UpdateKeyPropertiesParameters { key_attributes: Some(attributes), ..Default::default() };
        let options = KeyClientUpdateKeyPropertiesOptions {
            key_version: Some(id.version.clone()),
            ..Default::default()
        };
        let update = async {
            let wanted = RequestContent::try_from(wanted)?;
            client.update_key_properties(&id.name, wanted, Some(options)).await.map(drop)
        };
        self.ask(Call::changes("UpdateKey"), &format!("{base}/keys/{}", id.name), update)
    }

    /// Deletes a key with all of its versions.
    fn deleted(&self, base: &str, id: &KeyId) -> Result<(), OnlineError> {
        let client = self.client(base)?;
        let delete = async { client.delete_key(&id.name, None).await.map(drop) };
        match self.ask(Call::changes("DeleteKey"), &format!("{base}/keys/{}", id.name), delete) {
            // Somebody else was faster.
            Err(OnlineError::NoPlace { .. }) => Ok(()),
            other => other,
        }
    }

    /// Makes a deletion final, which nothing undoes.
    fn purged(&self, base: &str, id: &KeyId, at: &At) -> Result<(), OnlineError> {
        // What is deleted shows late; before that a purge finds nothing either.
        let call = Call::changes("PurgeDeletedKey");
        if !self.shows_deleted(base, at)? {
            return Err(call.unsure(self.provider, "the key is deleted, and does not show as deleted yet"));
        }
        let client = self.client(base)?;
        let purge = async { client.purge_deleted_key(&id.name, None).await.map(drop) };
        match self.ask(call, &format!("{base}/deletedkeys/{}", id.name), purge) {
            Err(OnlineError::NoPlace { .. }) => Ok(()),
            other => other,
        }
    }

    /// Waits, no longer than one call may take, until a key shows as deleted.
    fn shows_deleted(&self, base: &str, at: &At) -> Result<bool, OnlineError> {
        let (mut left, mut pause) = (self.reach.timeout, Duration::from_millis(100));
        loop {
            if self.reported_deleted(base, at)?.state == KeyState::Ending {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            let _ = self.runtime.wait(pause.min(left), core::future::pending::<()>());
            left = left.saturating_sub(pause);
            pause = pause.saturating_mul(2).min(Duration::from_secs(3));
        }
    }
}
