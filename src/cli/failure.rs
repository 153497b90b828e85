//! Every way in which a command can fail: what it says, what it hints, and its exit status.

use quorate::age::{EncryptError, IdentityError};
use quorate::card::page::PageError;
use quorate::ceremony::deposit::DepositError;
use quorate::ceremony::escrow::EscrowError;
use quorate::ceremony::found::FoundError;
use quorate::ceremony::recover::{PresentError, RecoverError};
use quorate::ceremony::salvage::SalvageError;
use quorate::hsm::HsmError;
use quorate::key::{GenerateError, ImportError};
use quorate::log::{CommitError, LogError, Unauthorised};
use quorate::primitive::random::NoEntropy;
use quorate::quorum::QuorumError;
use quorate::seal::UnsealError;
use quorate::secret::PassphraseError;
use quorate::share::CombineError;
use quorate::store::StoreError;
use std::path::Path;

/// Exit status: it failed.
pub(crate) const FAILED: u8 = 1;
/// Exit status: the arguments are wrong.
pub(crate) const USAGE: u8 = 2;
/// Exit status: not enough custodians.
pub(crate) const NO_QUORUM: u8 = 3;
/// Exit status: a check found a difference.
pub(crate) const DIFFERENCE: u8 = 4;
/// Exit status: the log cannot be written.
pub(crate) const NO_LOG: u8 = 5;

/// What is said of Ctrl-C.
const INTERRUPTED: &str = "interrupted";

/// A message, perhaps a hint, and an exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u8,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(status: u8, message: impl Into<String>) -> Self {
        let message = message.into();
        // Errors of the library say the fact, a colon or semicolon, and what to do.
        let sides = |(at, _): (usize, &str)| {
            let (fact, advice) = message.split_at_checked(at)?;
            let advice = advice.get(2..).filter(|advice| is_advice(advice))?;
            Some((fact.to_owned(), advice.to_owned()))
        };
        let found = message.match_indices([':', ';']).filter(|(at, _)| {
            message.as_bytes().get(at.saturating_add(1)).is_some_and(u8::is_ascii_whitespace)
        });
        match found.into_iter().find_map(sides) {
            Some((message, advice)) => Self { status, message, hint: Some(advice) },
            None => Self { status, message, hint: None },
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { status: USAGE, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Ctrl-C, where a program reads every key itself.
    pub(crate) fn interrupted() -> Self {
        Self::new(FAILED, INTERRUPTED)
            .hint("nothing was released; run the command again when everybody is ready")
    }

    /// Whether it is [`Self::interrupted`].
    pub(crate) fn is_interrupt(&self) -> bool {
        self.message == INTERRUPTED
    }

    /// A failure of the system with a file.
    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => Some("check the path"),
            std::io::ErrorKind::PermissionDenied => {
                Some("check the owner and the mode of the file and its folder")
            }
            std::io::ErrorKind::AlreadyExists => Some("nothing is ever overwritten: choose another name"),
            std::io::ErrorKind::StorageFull => Some("free some space, then run the command again"),
            std::io::ErrorKind::BrokenPipe => Some("what reads the output ended early: run it again"),
            _ => Some("check the path, and that its disk or device works"),
        };
        let words = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "it exists already".to_owned(),
            _ => error.to_string(),
        };
        let words = words.split(" (os error").next().unwrap_or_default().to_lowercase();
        let message = format!("{}: {words}", path.display());
        Self { status: FAILED, message, hint: hint.map(str::to_owned) }
    }
}

/// Whether the store can be read, but something in it is not as any program makes it.
const fn is_damage(error: &StoreError) -> bool {
    matches!(error, StoreError::NotAFile { .. } | StoreError::NotAFolder { .. } | StoreError::TooLong { .. })
}

/// Whether what follows a colon tells what to do: it begins with such a verb.
fn is_advice(text: &str) -> bool {
    const VERBS: [&str; 23] = [
        "use ",
        "found one ",
        "look ",
        "check ",
        "free ",
        "close ",
        "set ",
        "try ",
        "name ",
        "names are ",
        "commit ",
        "type ",
        "write ",
        "choose ",
        "copy ",
        "back ",
        "put ",
        "begin ",
        "give ",
        "save ",
        "drop ",
        "lower ",
        "the kinds are ",
    ];
    VERBS.iter().any(|verb| text.starts_with(verb)) || text.starts_with('`')
}

macro_rules! failed {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(FAILED, error.to_string())
            }
        })*
    };
}

failed!(EncryptError, GenerateError, IdentityError, NoEntropy, PassphraseError, PageError, PresentError);

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::new(if is_damage(&error) { DIFFERENCE } else { FAILED }, error.to_string());
        if is_damage(&error) {
            return failure.hint("compare with another copy of the escrow, and keep this one as evidence");
        }
        failure
    }
}

impl From<EscrowError> for Failure {
    fn from(error: EscrowError) -> Self {
        let error = match error {
            EscrowError::Store(error) => return error.into(),
            error => error,
        };
        let serious = matches!(
            error,
            EscrowError::Missing { .. } | EscrowError::Altered { .. } | EscrowError::Record { .. }
        );
        let failure = Self::new(if serious { DIFFERENCE } else { FAILED }, error.to_string());
        match error {
            EscrowError::Record { .. } => failure.hint("look for another copy of the escrow"),
            _ => failure,
        }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Store(error) => error.into(),
            LogError::NoEscrow => Self::new(FAILED, error.to_string())
                .hint("name the escrow with -C DIR or QUORATE_ESCROW, or make one with `quorate init`"),
            error => Self::new(DIFFERENCE, error.to_string())
                .hint("compare with another copy of the escrow, and keep this one as evidence"),
        }
    }
}

impl<E: std::error::Error> From<CommitError<E>> for Failure {
    fn from(error: CommitError<E>) -> Self {
        let status = if error.is_write() { NO_LOG } else { FAILED };
        let failure = Self::new(status, error.to_string());
        match error {
            CommitError::Store(_) => {
                failure.hint("nothing secret was released; `--log-to DIR` names another place for the log")
            }
            CommitError::Unknown(_) => failure.hint(
                "nothing secret was released; before it is done again, look with `quorate log show` and `quorate status` at what is there when the store answers again",
            ),
            // What the records contradict is the fact; which file they would have stood in tells nobody anything.
            CommitError::Unfit(LogError::State { error, .. }) => {
                let refused = Self::new(FAILED, error.to_string());
                if refused.hint.is_some() { refused } else { refused.hint("nothing was written") }
            }
            CommitError::Log(error) => Self::from(error),
            CommitError::Unauthorised(why) => match why {
                Unauthorised::Unsigned => failure.hint("name yours with --sign-with FILE, or in QUORATE_SIGN_WITH; a recovery goes on without one with --unsigned"),
                Unauthorised::Unfit(_) | Unauthorised::Quorum { .. } => failure.hint("nothing was written; `quorate log verify` looks at the log"),
                Unauthorised::Role { .. } => failure.hint("a founder gives roles: `quorate operator add NAME --role ROLE`"),
                _ => failure.hint("`quorate operator list` shows whose keys sign; name another with --sign-with"),
            },
            CommitError::Sign(_) => failure.hint("see what `ssh-keygen` says above; nothing was written"),
            CommitError::Clock { last, .. } => failure.hint(format!(
                "set the clock; if it is right, the last record was written by a machine whose clock was wrong: go on with --clock {last}, or, where operators sign, have a founder say so: `quorate log set-clock`"
            )),
            _ => failure,
        }
    }
}

impl From<FoundError> for Failure {
    fn from(error: FoundError) -> Self {
        match error {
            FoundError::Log(error) => error.into(),
            FoundError::Scheme(error) => Self::new(USAGE, error.to_string()),
            FoundError::Record(error) => Self::new(USAGE, error.to_string()),
            error @ FoundError::Seal { .. } => Self::new(FAILED, error.to_string()).hint(
                "nothing was founded; for a plugin's recipient, install its program and connect its device",
            ),
            error => Self::new(FAILED, error.to_string()),
        }
    }
}

impl From<DepositError<ImportError>> for Failure {
    fn from(error: DepositError<ImportError>) -> Self {
        match error {
            DepositError::Source { name, error } => Self {
                status: FAILED,
                message: format!("{name}: {error}"),
                hint: Some(error.hint().to_owned()),
            },
            error => Self::from_deposit(error),
        }
    }
}

impl From<DepositError<HsmError>> for Failure {
    fn from(error: DepositError<HsmError>) -> Self {
        match error {
            DepositError::Source { name, error } => {
                let failure = Self::from(error);
                Self { message: format!("{name}: {}", failure.message), ..failure }
            }
            error => Self::from_deposit(error),
        }
    }
}

impl From<DepositError<GenerateError>> for Failure {
    fn from(error: DepositError<GenerateError>) -> Self {
        Self::from_deposit(error)
    }
}

impl Failure {
    pub(super) fn from_deposit<E: std::error::Error>(error: DepositError<E>) -> Self {
        match error {
            DepositError::Log(error) => error.into(),
            DepositError::Escrow(error) => error.into(),
            DepositError::Store(error) => error.into(),
            error @ DepositError::Twice { .. } => Self::new(USAGE, error.to_string()),
            error => Self::new(FAILED, error.to_string()),
        }
    }
}

/// What to do about a card that was refused.
pub(crate) fn card_hint(error: &PresentError) -> Option<&'static str> {
    Some(match error {
        PresentError::OtherQuorum { .. } => "bring the card that names this quorum, or name the other escrow",
        PresentError::OtherGeneration { .. } => "bring the newest card, and destroy the old one",
        PresentError::Again { .. } => "bring the card of somebody else",
        PresentError::NotIssued { .. } => {
            "read it again, from the paper; if it stays so, keep it as evidence and tell who runs the escrow"
        }
        PresentError::Unseal { error: UnsealError::Passphrase { .. }, .. } => {
            "look for a mistyped or missing word, and whose card this is"
        }
        PresentError::Unseal { error: UnsealError::Identity { .. }, .. } => {
            "name the identity of the recipient that the card was sealed to"
        }
        PresentError::Share { .. } => {
            "keep the card as evidence: it was issued wrong, or this machine is faulty"
        }
        _ => return None,
    })
}

impl From<SalvageError> for Failure {
    fn from(error: SalvageError) -> Self {
        match error {
            SalvageError::Log(error) => error.into(),
            SalvageError::Quorum(error) => RecoverError::Quorum(error).into(),
            SalvageError::Store(_) => {
                Self::new(NO_LOG, error.to_string()).hint("give another folder with --log-to")
            }
            SalvageError::OtherRecord { .. } => {
                Self::new(DIFFERENCE, error.to_string()).hint("give another folder with --log-to")
            }
            error => Self::new(DIFFERENCE, error.to_string())
                .hint("nothing was released; look for another copy of the escrow or of the backup sheet"),
        }
    }
}

impl From<RecoverError> for Failure {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::Log(error) => error.into(),
            RecoverError::Escrow(error) => error.into(),
            RecoverError::Quorum(QuorumError::Combine(error @ CombineError::TooFew { .. })) => {
                Self::new(NO_QUORUM, error.to_string())
            }
            RecoverError::Open { .. } => {
                let failure = Self::new(DIFFERENCE, error.to_string());
                failure.hint("nothing was released; look for another copy of the escrow")
            }
            error => Self::new(DIFFERENCE, error.to_string()),
        }
    }
}
