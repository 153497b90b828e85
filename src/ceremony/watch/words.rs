//! What is due in words, and what to do about it.

use super::{Item, Small, What};

impl Item {
    /// What it is, in words.
    #[must_use]
    pub fn sentence(&self) -> String {
        let subject = &self.subject;
        match &self.what {
            What::Drill { last, sample, population, small } => {
                let first = if last.is_none() { "the first" } else { "a" };
                let mut said = format!("{first} drill of all keys");
                if sample < population {
                    said.push_str(&format!(", or of a sample of {sample}"));
                }
                said.extend(last.map(|last| format!("; the last good one was {last}")));
                said.extend(small.map(too_small));
                said
            }
            What::Failed(failures, time) => {
                let versions = if *failures == 1 { "version" } else { "versions" };
                format!("drills since {time} could not recover {failures} key {versions}")
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
            What::Replacement(version, None) => {
                format!("the next version of {subject}, since version {version} is compromised")
            }
            What::Replacement(version, Some(next)) => {
                format!("version {next} of {subject} is not active yet, and version {version} is compromised")
            }
            What::Displacement(version, provider, place) => {
                format!("{subject} version {version} is compromised, and still at {provider} {place}")
            }
            What::Suspended(version, since) => {
                format!("the end of the suspension of {subject} version {version}, which is of {since}")
            }
            What::Leaving(version, token) => {
                format!("{subject} version {version} may still leave its token {token}")
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
            What::Stolen(stolen, threshold) => {
                format!(
                    "{} are stolen and {threshold} open every key: the keys are somebody else's too",
                    cards(*stolen)
                )
            }
            What::Unbacked(version, provider, place) => {
                format!(
                    "{subject} version {version} is at {provider} {place}, and its backup is destroyed: nothing brings it back from there"
                )
            }
            What::Sent(version, provider, place, made) => {
                format!(
                    "a drill's package of {subject} version {version} went out for a test key at {provider} {place} on {made}, and nobody logged what became of it"
                )
            }
            What::Trial(version, provider, place) => {
                format!("a drill's test key still holds {subject} version {version}, at {provider} {place}")
            }
            What::Intent(seq) => format!("record {seq} ({subject}) was begun and has not ended"),
            What::Report(_, seq) => {
                format!("a report of the ceremony ({subject}) that ended with record {seq} is missing")
            }
            What::Spare(have, wanted) => {
                let are = if *wanted == 1 { "is" } else { "are" };
                format!("{} to spare, where {wanted} {are} asked for", cards(*have))
            }
            What::Quorum(have, needed) => {
                let are = if *have == 1 { "is" } else { "are" };
                format!("{} {are} left and {needed} are needed: no key can be recovered", cards(*have))
            }
            What::Separation(broken) => broken.to_string(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let subject = &self.subject;
        match &self.what {
            What::Drill { sample, population, .. } if sample < population => {
                format!("quorate drill --sample {sample}")
            }
            What::Drill { .. } => "quorate drill".to_owned(),
            What::Failed(..) => {
                "look for those backups in another copy of the escrow, then drill again".to_owned()
            }
            What::Card(..) => "quorate check --record PICTURE".to_owned(),
            What::Rotation(..) => format!("quorate generate {subject} --kind KIND"),
            What::Replacement(_, None) => {
                format!(
                    "quorate generate {subject} --kind KIND, or quorate state {subject} --retire --reason TEXT"
                )
            }
            What::Replacement(_, Some(next)) => {
                format!("quorate state {subject}@{next} --set active --reason TEXT")
            }
            What::Displacement(version, ..) => {
                format!(
                    "bring a later version there, or quorate shred {subject}@{version}, with --set for one of several places"
                )
            }
            What::Suspended(version, _) => {
                format!("quorate state {subject}@{version} --set active --reason TEXT, or --set deactivated")
            }
            What::Leaving(version, _) => {
                format!(
                    "quorate hsm close {subject}@{version}; with --lost, if the token is gone; docs/hsm.md, if the key isn't recognised"
                )
            }
            What::Import(version, ..) => {
                format!("quorate recover {subject}@{version} --to package:DIR --for REQUEST")
            }
            What::Package(version, ..) => {
                format!(
                    "import it, then quorate import record; or quorate recover {subject}@{version} --to package:DIR again"
                )
            }
            What::Stolen(..) => {
                "found a new quorum, and replace every key, one by one (operator's guide)".to_owned()
            }
            What::Unbacked(version, ..) => {
                format!("bring a later version there, then quorate shred {subject}@{version} --with-others")
            }
            What::Sent(version, provider, ..) => {
                format!(
                    "quorate import record, then quorate shred {subject}@{version} --drilled; or quorate destroy provider {subject}@{version} --provider {provider}, if it never went in"
                )
            }
            What::Trial(version, ..) => format!("quorate shred {subject}@{version} --drilled"),
            What::Intent(seq) => format!("find out what became of it, then quorate log abandon {seq}"),
            What::Report(..) => "add --report FILE.json to the next one".to_owned(),
            What::Spare(..) => "find the card, or found a new quorum and bring the keys over".to_owned(),
            What::Quorum(..) => "find a card, now; nothing else brings the keys back".to_owned(),
            What::Separation(_) => "let somebody else have a card, and say so in the policy".to_owned(),
        }
    }
}

fn cards(count: u8) -> String {
    if count == 1 { "1 card".to_owned() } else { format!("{count} cards") }
}

/// Why a drill is none of all keys.
fn too_small(Small { count, population, is_named, time }: Small) -> String {
    let why = if is_named { "named" } else { "drawn, too few for the policy" };
    format!("; that of {time} was of {count} of {population}, {why}")
}
