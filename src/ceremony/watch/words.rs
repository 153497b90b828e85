//! What is due in words, and what to do about it.

use super::{Item, What};

impl Item {
    /// What it is, in words.
    #[must_use]
    pub fn sentence(&self) -> String {
        let subject = &self.subject;
        match &self.what {
            What::Drill(None) => "the first drill of all keys, or of a sample".to_owned(),
            What::Drill(Some(last)) => {
                format!("a drill of all keys, or of a sample; the last good one was {last}")
            }
            What::Failed(failures, time) => {
                format!("drills since {time} could not recover {failures} key versions")
            }
            What::Card(index, None) => {
                format!("a check of the card of {subject} (share {index}), which nobody has read back yet")
            }
            What::Card(index, Some(seen)) => {
                format!("a check of the card of {subject} (share {index}), last seen good {seen}")
            }
            What::Rotation(version, made) => {
                format!("the next version of {subject}; version {version} is of {made}")
            }
            What::Replacement(version) => {
                format!("the next version of {subject}, since version {version} is compromised")
            }
            What::Import(version, provider, place) => {
                format!(
                    "{subject} version {version} has to be imported again: {provider} at {place} will forget it"
                )
            }
            What::Package(version, provider, place, made) => {
                format!(
                    "the import of {subject} version {version} at {provider} {place}; its package is of {made}"
                )
            }
            What::Intent(seq) => format!("record {seq} ({subject}) was begun and has not ended"),
            What::Report(_, seq) => {
                format!("a report of the ceremony ({subject}) that ended with record {seq} is missing")
            }
            What::Spare(have, wanted) => format!("{have} cards to spare, where {wanted} are asked for"),
            What::Quorum(have, needed) => {
                format!("{have} cards are left and {needed} are needed: no key can be recovered")
            }
            What::Separation(broken) => broken.to_string(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let subject = &self.subject;
        match &self.what {
            What::Drill(_) => "quorate drill".to_owned(),
            What::Failed(..) => {
                "look for those backups in another copy of the escrow, then drill again".to_owned()
            }
            What::Card(..) => "quorate check --record PICTURE".to_owned(),
            What::Rotation(..) | What::Replacement(_) => format!("quorate generate {subject} --kind KIND"),
            What::Import(version, ..) => {
                format!("quorate recover {subject}@{version} --to package:DIR --for REQUEST")
            }
            What::Package(version, ..) => {
                format!(
                    "import it, then quorate import record; or quorate recover {subject}@{version} --to package:DIR again"
                )
            }
            What::Intent(seq) => format!("find out what became of it, then quorate log abandon {seq}"),
            What::Report(..) => "add --report FILE.json to the next one".to_owned(),
            What::Spare(..) => "find the card, or found a new quorum and bring the keys over".to_owned(),
            What::Quorum(..) => "find a card, now; nothing else brings the keys back".to_owned(),
            What::Separation(_) => "let somebody else have a card, and say so in the policy".to_owned(),
        }
    }
}
