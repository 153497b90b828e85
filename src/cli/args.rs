//! Every command of the program, and what holds for all of them; what each takes is in a file of its own.

mod provider;
pub(crate) use provider::{
    Answered, For, Import, ImportCommand, ImportRecord, Package, PackageCommand, ProviderCommand, Providers,
    Request as RequestArgs,
};

use clap::{Args, Parser, Subcommand};
use quorate::wire::time::Timestamp;
use std::path::PathBuf;

mod cards;
mod drill;
mod evidence;
mod init;
mod keys;
mod log;
mod online;
mod operator;
mod papers;
mod present;
mod recover;
mod report;
mod script;
mod token;
mod watch;
pub(crate) use cards::{Camera, Check, Seals};
pub(crate) use drill::Drill;
pub(crate) use evidence::Evidence;
pub(crate) use init::{Init, Rehearse};
pub(crate) use keys::{Add, Generate, Show};
pub(crate) use log::{Log, LogCommand};
pub(crate) use online::{ImportBegin, ImportFinish, ProviderStatus, Reached, ShredArgs};
pub(crate) use operator::{Export, Operator, OperatorCommand};
pub(crate) use papers::{Onto, PaperSize, Print, PrintWhat};
pub(crate) use present::Present;
pub(crate) use recover::{KeyFormat, Recover};
pub(crate) use report::{Report, ReportCommand};
pub(crate) use script::Script;
pub(crate) use token::{Birth, Hsm, HsmCommand, Reach};
pub(crate) use watch::{
    Custodian, CustodianCommand, Destroy, DestroyCommand, List, Policy, PolicyCommand, State, Status,
    Witnessed,
};

/// Keeps master keys recoverable by any M of N custodians
#[derive(Debug, Parser)]
#[command(name = "quorate", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit status: 0 done; 1 failed; 2 usage; 3 quorum not reached; 4 a check found a difference, or something is overdue; 5 the log cannot be written."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Give the result as JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which escrow, who acts, and when.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The escrow's folder (or QUORATE_ESCROW)
    #[arg(short = 'C', long = "escrow", value_name = "DIR", global = true)]
    pub(crate) escrow: Option<PathBuf>,
    /// The quorum that this escrow must have, as a card or your notes name it
    #[arg(long, value_name = "ID", global = true)]
    pub(crate) quorum: Option<String>,
    /// Who acts, for the log (default: the system's name for you)
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) actor: Option<String>,
    /// The operator's SSH key that signs records: a file, or agent:FINGERPRINT (or QUORATE_SIGN_WITH)
    #[arg(long, value_name = "KEY", global = true)]
    pub(crate) sign_with: Option<String>,
    /// Write the log to DIR, when the escrow itself can't be written
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) log_to: Option<PathBuf>,
    /// The time to log, instead of the system's clock (2026-11-23T20:00:00Z)
    #[arg(long, value_name = "TIME", global = true)]
    pub(crate) clock: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Walk the whole way once with a throw-away key: cards, scan back, recover
    Rehearse(Rehearse),
    /// Found a quorum: make an escrow and the custodians' cards
    Init(Init),
    /// Generate a new key, or a new version of one, and back it up
    Generate(Generate),
    /// Back up a key that exists
    Add(Add),
    /// List the keys, or the versions of a state, kind, provider or date
    List(List),
    /// Show one key and its versions
    Show(Show),
    /// Show the quorum, the keys, and what is due; exit status 4 when something is overdue
    Status(Status),
    /// What is due when, and who may not hold how much of a quorum
    Policy(Policy),
    /// The state of a key version (NIST SP 800-57): show it, or change it
    State(State),
    /// A custodian's card that is lost, or found
    Custodian(Custodian),
    /// Certificates that a card, a backup or a provider's copy was destroyed
    Destroy(Destroy),
    /// Is this card good? One card alone, nothing recombined
    #[cfg_attr(feature = "camera", command(alias = "scan"))]
    Check(Check),
    /// Recover a key with the cards of M custodians
    Recover(Recover),
    /// Say what a key will be wrapped for: made from a provider's download, on the connected machine
    Request(RequestArgs),
    /// Look at a key that was wrapped for a provider
    Package(Package),
    /// Bring a key to a provider, and log that it holds it
    Import(Import),
    /// What key services take, the smallest rights there, and what they say now
    Provider(Providers),
    /// Stop or destroy a key in its providers, and say what still exists
    Shred(Box<ShredArgs>),
    /// Prove with the cards of M custodians that keys can be recovered; nothing is released
    Drill(Drill),
    /// Verify the report of a ceremony
    Report(Report),
    /// The script of a ceremony: show it, print it, hold or rehearse the ceremony by it
    Script(Box<Script>),
    /// Print what is not secret: a key's backup, or the sheet of a ceremony
    Print(Print),
    /// Tokens (HSMs): list them, see what they can do, close keys in
    Hsm(Hsm),
    /// Say who may write the log, and with which key
    Operator(Operator),
    /// Show, verify or export the log
    Log(Log),
    /// Print a completion script for a shell
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Read the codes of a picture from standard input, in a process of its own
    #[command(hide = true)]
    ScanFile {
        /// Seconds to look for a code
        #[arg(long)]
        deadline: u64,
        /// How many codes to look for
        #[arg(long, default_value_t = 1)]
        at_least: usize,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}
