//! The arguments of what watches an escrow and ends things in it: `status`, `list`, `policy`, `state`,
//! `custodian`, `destroy`.

use super::Onto;
use clap::{ArgGroup, Args, Subcommand};
use quorate::key::{KeyKind, KeyName};
use quorate::log::KeyState;
use quorate::provider::Provider;
use quorate::wire::time::Timestamp;
use std::path::PathBuf;

/// What `status` writes beside its words.
#[derive(Debug, Default, Args)]
pub(crate) struct Status {
    /// Print nothing but what is overdue, a line each (for cron)
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Write metrics for Prometheus' node exporter (textfile collector); FILE is replaced at once
    #[arg(long, value_name = "FILE.prom")]
    pub(crate) prometheus: Option<PathBuf>,
    /// Write what is due as a calendar (RFC 5545); FILE is replaced at once
    #[arg(long, value_name = "FILE.ics")]
    pub(crate) ics: Option<PathBuf>,
}

/// Which key versions are listed: without any of these, the newest of each key.
#[derive(Debug, Default, Args)]
pub(crate) struct List {
    /// Versions in this state: pre-activation, active, suspended, deactivated, compromised, destroyed, …
    #[arg(long = "state", value_name = "STATE", num_args = 1.., value_parser = state)]
    pub(crate) states: Vec<KeyState>,
    /// Versions of this kind of key
    #[arg(long = "kind", value_name = "KIND", num_args = 1..)]
    pub(crate) kinds: Vec<KeyKind>,
    /// Versions that this key service has, or has a package for
    #[arg(long = "provider", value_name = "PROVIDER", num_args = 1..)]
    pub(crate) providers: Vec<Provider>,
    /// Versions whose rotation is due by then (2027-01-31T00:00:00Z)
    #[arg(long, value_name = "TIME")]
    pub(crate) due_by: Option<Timestamp>,
    /// Versions whose rotation is overdue
    #[arg(long, conflicts_with = "due_by")]
    pub(crate) overdue: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show the policy that holds
    Show,
    /// Set the policy, as a whole
    Set {
        /// The policy, in TOML
        #[arg(value_name = "FILE.toml")]
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change").args(["set", "retire"]))]
pub(crate) struct State {
    /// The key, or one version of it
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) name: KeyName,
    /// Its new state: active, suspended, deactivated, compromised, pre-activation, destroyed-compromised
    #[arg(long, value_name = "STATE", requires = "reason", value_parser = state)]
    pub(crate) set: Option<KeyState>,
    /// Say that no further version of the key is wanted, though its last one is compromised, suspended or destroyed
    #[arg(long, requires = "reason")]
    pub(crate) retire: bool,
    /// Why, in one line
    #[arg(long, value_name = "TEXT", requires = "change")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Custodian {
    #[command(subcommand)]
    pub(crate) command: CustodianCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CustodianCommand {
    /// Say that a custodian's card is lost, stolen or unreadable
    Lost {
        /// Whose card
        #[arg(value_name = "NAME")]
        name: String,
        /// How that is known, in one line
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Somebody else may have it
        #[arg(long, conflicts_with = "unreadable")]
        stolen: bool,
        /// It is there, and nobody can read it or open its seal
        #[arg(long)]
        unreadable: bool,
    },
    /// Say that a card that was missing is where it should be
    Found {
        /// Whose card
        #[arg(value_name = "NAME")]
        name: String,
        /// How that is known, in one line
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Destroy {
    #[command(subcommand)]
    pub(crate) command: DestroyCommand,
}

/// What a certificate says beside what it is of.
#[derive(Debug, Args)]
pub(crate) struct Witnessed {
    /// Who saw it; two or more, and not who runs this
    #[arg(long = "witness", value_name = "NAME", required = true)]
    pub(crate) witnesses: Vec<String>,
    /// How it was destroyed, and why, in one line
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The new PDF of the certificate, to be signed
    #[arg(long, value_name = "FILE.pdf")]
    pub(crate) certificate: Option<PathBuf>,
    /// What is destroyed, written once more: the custodian, or NAME@VERSION (asked for at a terminal)
    #[arg(long, value_name = "WHAT")]
    pub(crate) yes_destroy: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DestroyCommand {
    /// Certify that a custodian's card was destroyed
    Card {
        /// Whose card
        #[arg(value_name = "CUSTODIAN")]
        name: String,
        #[command(flatten)]
        witnessed: Witnessed,
    },
    /// Certify that a key version's backup is destroyed, and remove its file: nothing brings it back
    Backup {
        /// The key version
        #[arg(value_name = "NAME@VERSION")]
        name: KeyName,
        #[command(flatten)]
        witnessed: Witnessed,
    },
    /// Certify that a key service no longer has a key version, as people saw there
    Provider {
        /// The key version
        #[arg(value_name = "NAME@VERSION")]
        name: KeyName,
        /// The key service
        #[arg(long, value_name = "PROVIDER")]
        provider: Provider,
        /// The provider's name of the place, when there is more than one
        #[arg(long, value_name = "PLACE")]
        place: Option<String>,
        /// A name of the place that tells it from others called so, as in server=NAME
        #[arg(long = "set", value_name = "FIELD=VALUE")]
        fields: Vec<String>,
        #[command(flatten)]
        witnessed: Witnessed,
    },
    /// List the certificates
    List,
    /// Print a certificate once more
    Print {
        /// Its number
        #[arg(value_name = "NUMBER")]
        number: u64,
        #[command(flatten)]
        onto: Onto,
    },
}

fn state(text: &str) -> Result<KeyState, String> {
    KeyState::parse(text).ok_or_else(|| {
        let all: Vec<&str> = KeyState::ALL.iter().map(|state| state.name()).collect();
        format!("that is no state of a key: the states are {}", all.join(", "))
    })
}
