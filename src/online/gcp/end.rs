//! Stopping at Google: a version is disabled, or its destruction is scheduled; of a whole key, that of every version.

use super::super::call::Steps;
use super::super::{At, OnlineError, Reported, Stop};
use super::place::Place;
use super::{GCP, Google, State};

impl Google {
    /// Stops a key version, unless it is stopped so already; what is there then.
    pub(super) fn stopped(&self, at: &At, how: Stop) -> Result<Reported, OnlineError> {
        let name = self.meant(at)?;
        let state = self.version(&name)?.state;
        let over = [State::DestroyScheduled, State::Destroyed, State::ImportFailed];
        let steps = Steps::default();
        match how {
            Stop::Destroy { days: Some(_) } => {
                return Err(OnlineError::Settings {
                    provider: GCP,
                    what: "how long a destruction waits is set when the key is made: give no days".to_owned(),
                });
            }
            Stop::Disable if state == State::Disabled || over.contains(&state) => {}
            Stop::Disable => steps.step(self.disabled(&name))?,
            Stop::Delete if over.contains(&state) => {}
            Stop::Delete => steps.step(self.destroyed_now(&name))?,
            // A key of Google's stays as a name; what is destroyed are its versions.
            Stop::Destroy { days: None } => {
                for version in self.versions(&Place::of(&at.target)?.key)? {
                    if !over.contains(&version.state) {
                        steps.step(self.destroyed_now(&version.name))?;
                    }
                }
            }
        }
        steps.look(self.version(&name).and_then(|version| self.about(at, version)))
    }
}
