//! Every argument of the program, and what may be said in it.

mod provider;
pub(crate) use provider::{
    Answered, For, Import, ImportCommand, ImportRecord, Package, PackageCommand, ProviderCommand, Providers,
    Request as RequestArgs,
};

use super::failure::Failure;
use clap::{Args, Parser, Subcommand, ValueEnum};
use quorate::card::page::Paper;
use quorate::key::{KeyKind, KeyName, Label};
use quorate::wire::time::Timestamp;
use std::path::PathBuf;

mod drill;
mod evidence;
mod online;
mod operator;
mod present;
mod report;
mod script;
mod token;
mod watch;
pub(crate) use drill::Drill;
pub(crate) use evidence::Evidence;
pub(crate) use online::{ImportBegin, ImportFinish, ProviderStatus, Reached, ShredArgs};
pub(crate) use operator::{Export, Operator, OperatorCommand};
pub(crate) use present::Present;
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

#[derive(Debug, Args)]
pub(crate) struct Rehearse {
    /// Where to leave the cards and pictures to look at
    #[arg(long, value_name = "DIR", default_value = "rehearsal")]
    pub(crate) dir: PathBuf,
    /// Memory of a passphrase seal in MiB: 64, 128, 256, 512, 1024, 2048 or 4096
    #[arg(long, value_name = "MIB", default_value = "512", value_parser = memory)]
    pub(crate) memory: u8,
    /// Size of the paper
    #[arg(long, default_value = "a4")]
    pub(crate) paper: PaperSize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Init {
    /// The escrow's folder, which must not exist or be empty
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// How many custodians recover (M)
    #[arg(short, long, value_name = "M", required_unless_present = "ceremony")]
    pub(crate) threshold: Option<usize>,
    /// A custodian, and how their card is sealed: `alice` (passphrase), `alice=age1…`, `alice=open`
    #[arg(short, long = "custodian", value_name = "NAME[=SEAL]", required_unless_present = "ceremony", num_args = 1..)]
    pub(crate) custodians: Vec<String>,
    /// A custodian's role, printed on the card
    #[arg(long = "role", value_name = "NAME=ROLE")]
    pub(crate) roles: Vec<String>,
    /// Whose keys these are, printed on the cards
    #[arg(long, value_name = "TEXT")]
    pub(crate) organisation: Option<String>,
    /// Where the cards go (default: DIR-cards)
    #[arg(long, value_name = "DIR")]
    pub(crate) cards: Option<PathBuf>,
    /// Write each passphrase to a slip in DIR, instead of showing it on the terminal
    #[arg(long, value_name = "DIR")]
    pub(crate) slips: Option<PathBuf>,
    /// Take a custodian's passphrase from the first line of a file
    #[arg(long = "passphrase-file", value_name = "NAME=FILE")]
    pub(crate) passphrases: Vec<String>,
    /// Let a custodian type a passphrase of their own choice
    #[arg(long = "choose", value_name = "NAME")]
    pub(crate) choose: Vec<String>,
    /// Memory of a passphrase seal in MiB: 64, 128, 256, 512, 1024, 2048 or 4096
    #[arg(long, value_name = "MIB", default_value = "512", value_parser = memory)]
    pub(crate) memory: u8,
    /// Mix the bytes of a file (dice, an HSM) into the system's randomness
    #[arg(long, value_name = "FILE")]
    pub(crate) entropy: Vec<PathBuf>,
    /// Size of the paper
    #[arg(long, default_value = "a4")]
    pub(crate) paper: PaperSize,
    /// Number of the ceremony, printed on the cards; or its script, which says who and how many
    #[arg(long, value_name = "TEXT|FILE.toml")]
    pub(crate) ceremony: Option<String>,
    #[command(flatten)]
    pub(crate) evidence: Evidence,
    /// Whom to tell of a lost card, as a role, printed on the cards
    #[arg(long, value_name = "TEXT")]
    pub(crate) contact: Option<String>,
    /// The first operator: from now on all records are signed, this one's by --sign-with (default: KEY)
    #[arg(long, value_name = "NAME=KEY.pub")]
    pub(crate) operator: Option<String>,
    /// Don't read a custodian's card back from its print (`everybody`: none); the log says so
    #[arg(long = "skip-scan-back", value_name = "NAME", num_args = 1..)]
    pub(crate) skip: Vec<String>,
    /// Overwrite and delete the pictures that cards were read back from
    #[arg(long)]
    pub(crate) wipe_pictures: bool,
    /// Make an extra copy of each card too, in the size of a bank card: its code alone
    #[arg(long)]
    pub(crate) pocket: bool,
    /// Answer every question with yes
    #[arg(short, long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// The key's name; a name that exists gets a new version
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<Label>,
    /// What kind of key
    #[arg(short, long, value_name = "KIND")]
    pub(crate) kind: KeyKind,
    /// Length of an opaque secret in bytes
    #[arg(long, value_name = "BYTES")]
    pub(crate) length: Option<usize>,
    /// Mix the bytes of a file (dice, an HSM) into the system's randomness
    #[arg(long, value_name = "FILE")]
    pub(crate) entropy: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) birth: Birth,
    #[command(flatten)]
    pub(crate) wanted: For,
    /// The new folder of the package
    #[arg(long, value_name = "DIR", requires = "requests")]
    pub(crate) package: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The key's name; a name that exists gets a new version
    #[arg(value_name = "NAME")]
    pub(crate) name: Label,
    /// The key: raw bytes, or DER or PEM in PKCS#8, SEC1 or PKCS#1
    #[arg(short, long, value_name = "FILE", required_unless_present = "from", conflicts_with = "from")]
    pub(crate) file: Option<PathBuf>,
    /// A key in a token that may be wrapped out: pkcs11:token=LABEL;object=NAME
    #[arg(long, value_name = "URI")]
    pub(crate) from: Option<String>,
    /// Leave the token's key able to leave it; `quorate hsm close` ends that
    #[arg(long, requires = "from")]
    pub(crate) leave_open: bool,
    /// What kind of key; needed for raw bytes
    #[arg(short, long, value_name = "KIND")]
    pub(crate) kind: Option<KeyKind>,
    #[command(flatten)]
    pub(crate) reach: Reach,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The key, or one version of it
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) name: KeyName,
}

/// Cards and what opens their seals.
#[derive(Debug, Clone, Args)]
pub(crate) struct Seals {
    /// A custodian's passphrase is the first line of a file
    #[arg(long = "passphrase-file", value_name = "NAME=FILE")]
    pub(crate) passphrases: Vec<String>,
    /// An age identity that opens cards sealed to an age recipient
    #[arg(short, long = "identity", value_name = "FILE")]
    pub(crate) identities: Vec<PathBuf>,
    /// Seconds to look for a code in one picture
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) deadline: u64,
}

/// Whether this program was built with the camera. Without it the arguments exist, and say so.
const CAMERA: bool = cfg!(feature = "camera");

/// Cards that are shown to this machine's camera.
#[derive(Debug, Clone, Args)]
pub(crate) struct Camera {
    /// Take cards from this machine's camera, through a page in a browser
    #[arg(long, hide = !CAMERA)]
    pub(crate) camera: bool,
    /// Seconds to wait for the camera
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "camera", hide = !CAMERA, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Pictures (PNG, JPEG), PDFs or text files with cards; `-` is standard input
    #[arg(value_name = "CARD", required_unless_present_any = ["typing", "camera"])]
    pub(crate) cards: Vec<PathBuf>,
    /// Type the card's lines
    #[arg(long = "type", conflicts_with = "cards")]
    pub(crate) typing: bool,
    #[command(flatten)]
    pub(crate) camera: Camera,
    /// How many cards will be shown to the camera
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "camera", hide = !CAMERA, value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) expect: u8,
    #[command(flatten)]
    pub(crate) seals: Seals,
    /// Ask for the passphrase, and check the share too
    #[arg(short, long)]
    pub(crate) passphrase: bool,
    /// Write to the log that the cards were good
    #[arg(long)]
    pub(crate) record: bool,
    /// Overwrite and delete the given files that held a good card
    #[arg(long)]
    pub(crate) wipe_pictures: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Recover {
    /// The key, or one version of it (asked for at a terminal)
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) name: Option<KeyName>,
    /// A backup sheet (PDF, picture, or a text file with its codes), instead of the escrow's backup
    #[arg(long = "sheet", value_name = "SHEET", num_args = 1..)]
    pub(crate) sheets: Vec<PathBuf>,
    /// The key's fingerprint from another record than the backup sheet, when there is no escrow to say it
    #[arg(long, value_name = "HEX", requires = "sheets")]
    pub(crate) fingerprint: Option<String>,
    #[command(flatten)]
    pub(crate) present: Present,
    /// Where the key goes: `file:PATH` (new, mode 0600), `age:RECIPIENT` (to standard output or --out),
    /// `pkcs11:token=LABEL` (into a token) or `package:DIR` (wrapped, with --for); asked for at a terminal
    #[arg(long, value_name = "WHERE")]
    pub(crate) to: Option<String>,
    /// The file for `--to age:…`
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(flatten)]
    pub(crate) wanted: For,
    /// How the key is written
    #[arg(long, default_value = "auto")]
    pub(crate) format: KeyFormat,
    #[command(flatten)]
    pub(crate) evidence: Evidence,
    /// Bring a key version to a provider though it is suspended, deactivated or compromised
    #[arg(long)]
    pub(crate) despite_state: bool,
    /// Go on without an operator's key, when all are lost; the log says that nobody signed
    #[arg(long)]
    pub(crate) unsigned: bool,
}

impl Recover {
    /// The key.
    pub(crate) fn key(&self) -> Result<&KeyName, Failure> {
        self.name.as_ref().ok_or_else(|| {
            Failure::usage("no key is named, and there is no terminal to ask at")
                .hint("name it before --card, as in `quorate recover NAME --to file:PATH --card FILE…`")
        })
    }

    /// Where the key goes.
    pub(crate) fn to(&self) -> Result<&str, Failure> {
        self.to.as_deref().ok_or_else(|| {
            Failure::usage("it is not said where the key goes, and there is no terminal to ask at")
                .hint("add --to file:PATH, or --to age:RECIPIENT")
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct Print {
    #[command(subcommand)]
    pub(crate) what: PrintWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PrintWhat {
    /// A backup sheet: with M cards and this paper alone a key is recovered
    Backup {
        /// The key, or one version of it
        #[arg(value_name = "NAME[@VERSION]")]
        name: KeyName,
        #[command(flatten)]
        onto: Onto,
    },
    /// The public sheet of a ceremony: cards, keys, steps, places for signatures
    Ceremony {
        #[command(flatten)]
        onto: Onto,
    },
}

/// Where a paper goes.
#[derive(Debug, Args)]
pub(crate) struct Onto {
    /// The new PDF file (default: a name in this folder)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Size of the paper
    #[arg(long, default_value = "a4")]
    pub(crate) paper: PaperSize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KeyFormat {
    /// Raw bytes for a symmetric key, PEM for a private key
    Auto,
    /// PKCS#8 in PEM
    Pem,
    /// PKCS#8 in DER, or raw bytes for a symmetric key
    Der,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    #[command(subcommand)]
    pub(crate) command: LogCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Show the records
    Show,
    /// Verify the log and everything that it names
    Verify {
        /// A checkpoint from a card or a report: nothing before it may be cut or rewritten
        #[arg(long, value_name = "SEQ:HASH")]
        since: Option<String>,
    },
    /// Write the log for other programs, or one record with its signature
    Export(Export),
    /// Print who signed in which time, as `ssh-keygen -Y verify` takes it
    AllowedSigners,
    /// Say that something begun will never end: a program was killed, a ceremony was broken off
    Abandon {
        /// The number of the record that began it, as `quorate status` shows it
        #[arg(value_name = "SEQ")]
        seq: u64,
    },
    /// Say that the records that don't count are known, so that later ones stand out (a founder signs)
    Acknowledge {
        /// The number of the last record that doesn't count, as `quorate log verify` shows it
        #[arg(value_name = "SEQ")]
        seq: u64,
    },
    /// Go on from this machine's time, though the last record is of a later one (a founder signs)
    SetClock,
}

/// A paper size.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PaperSize {
    /// 210 by 297 mm
    A4,
    /// 8.5 by 11 inches
    Letter,
}

impl From<PaperSize> for Paper {
    fn from(size: PaperSize) -> Self {
        match size {
            PaperSize::A4 => Self::A4,
            PaperSize::Letter => Self::Letter,
        }
    }
}

/// Memory in MiB as the binary logarithm of KiB.
fn memory(text: &str) -> Result<u8, String> {
    let mib: u32 = text
        .parse()
        .map_err(|_| "that is no number of MiB: choose 64, 128, 256, 512, 1024, 2048 or 4096".to_owned())?;
    let exponent = mib.checked_ilog2().and_then(|log| u8::try_from(log.saturating_add(10)).ok());
    match exponent {
        Some(exponent @ 16..=22) if mib.is_power_of_two() => Ok(exponent),
        _ => Err("not a size that seals have: choose 64, 128, 256, 512, 1024, 2048 or 4096".to_owned()),
    }
}
