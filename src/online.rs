//! Key services over the network: an import begun, finished and proven, a key looked at, stopped, destroyed.
//!
//! One file a provider behind the trait [`Service`]; `connect` picks it. In: what a request is wished for, or a
//! package that a ceremony made; credentials come by the provider's own usual chain. Out: the parts of a
//! request, the provider's answers, what it reports. No key is ever here: the connected machine sees
//! wrapped ones only. What is logged, and when, is the caller's. Only with the feature `online`.
//!
//! Every call that changes something reads first what is there, so that a run that was broken off, or whose
//! reply was lost, is simply run again: what was done is found done. Nothing is ever retried blindly.

use crate::key::KeyKind;
use crate::provider::{Answer, Download, Draft, Package, ProofError, ProofKind, Provider, Purpose, Request};
use crate::provider::{RequestError, Target};
use crate::wire::time::Timestamp;
use call::Steps;

mod aws;
mod azure;
mod call;
mod error;
mod gcp;
mod http;
mod kmip;
mod name;
mod openbao;
mod reach;
mod runtime;

pub use error::OnlineError;
pub use reach::Reach;

/// What a request is wished for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What kind of key.
    pub kind: KeyKind,
    /// What the import will make there.
    pub purpose: Purpose,
    /// The import method, when it isn't the first that fits.
    pub method: Option<String>,
    /// The size of the wrapping key in bits, when it isn't the largest that the service has.
    pub bits: Option<usize>,
    /// The names that are known of the target.
    pub target: Target,
}

/// What came of handing a package over.
#[derive(Debug)]
pub struct Taken {
    /// The provider's own name of the version, where it has one.
    pub id: Option<String>,
    /// The answer that proves it, when it came with the import.
    pub answer: Option<Answer>,
    /// Whether it was there before: an earlier run did it.
    pub already: bool,
}

/// A key version in a service, as the log knows it.
#[derive(Debug, Clone)]
pub struct At {
    /// The names of its place.
    pub target: Target,
    /// What kind of key.
    pub kind: KeyKind,
    /// The provider's own name of the version.
    pub id: Option<String>,
    /// What proved it.
    pub proof: ProofKind,
    /// With which evidence.
    pub evidence: String,
}

/// What a service says of a key version now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The state, in our words.
    pub state: KeyState,
    /// The state, in the provider's words.
    pub said: String,
    /// The provider's own name of the version, where it has one.
    pub id: Option<String>,
    /// When the material expires there by itself.
    pub expires: Option<Timestamp>,
    /// When a deletion that is scheduled becomes final.
    pub deletion: Option<Timestamp>,
    /// What identifies the material, in the form of the log's evidence; `None` where the service shows nothing.
    pub evidence: Option<String>,
    /// What the service uses there for new work: the `id` of that version, or its `evidence` where materials
    /// have no other name; `None` where a key has one version for ever, or the service doesn't say.
    pub current: Option<String>,
    /// What the service says may become of the key there that no import asks for, as the end of "it …".
    pub loose: Option<&'static str>,
}

/// The state of a key version in a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// In use.
    Enabled,
    /// There, and not in use yet.
    Waiting,
    /// There, and stopped.
    Disabled,
    /// The place is there, its material isn't: expired, deleted, or never imported.
    Empty,
    /// A deletion is scheduled.
    Ending,
    /// Nothing is there.
    Gone,
}

/// How a key is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Not usable, and undone by enabling it.
    Disable,
    /// The material of this version is deleted.
    Delete,
    /// The whole key is destroyed there, with all of its versions.
    Destroy {
        /// For how many days the service waits before it is final, where that can be chosen.
        days: Option<u8>,
    },
}

/// A key service, connected. Every call blocks, for no longer than [`Reach::timeout`] a request.
pub trait Service {
    /// Which server this is, where many have the same names of keys: host, port and namespace.
    fn server(&self) -> Option<String> {
        None
    }

    /// Makes the place where the key goes, if the provider wants one and there is none, and fetches a wrapping
    /// key, with everything that belongs to it. Names that were not wished come back in the download's target.
    ///
    /// # Errors
    /// [`OnlineError`].
    fn begin(&self, wish: &Wish) -> Result<Download, OnlineError>;

    /// Hands a package over, unless what it holds is there already. `pinned` is the evidence of the
    /// version's earlier import to the same place, which a service that can compare is made to compare.
    ///
    /// # Errors
    /// [`OnlineError`]; after [`OnlineError::Unsure`] the same call finds out what was done.
    fn import(&self, package: &Package, pinned: Option<&str>) -> Result<Taken, OnlineError>;

    /// Asks for what proves that the key is there.
    ///
    /// # Errors
    /// [`OnlineError`].
    fn prove(&self, package: &Package, taken: &Taken) -> Result<Answer, OnlineError>;

    /// Makes a later version the one that is used, where that is a step of its own. The provider's word for
    /// what was done; `None` where there was nothing to do.
    ///
    /// # Errors
    /// [`OnlineError`].
    fn activate(&self, at: &At) -> Result<Option<String>, OnlineError>;

    /// What is there now.
    ///
    /// # Errors
    /// [`OnlineError`].
    fn report(&self, at: &At) -> Result<Reported, OnlineError>;

    /// Stops the key version, unless it is stopped so already, and says what is there then.
    ///
    /// # Errors
    /// [`OnlineError`].
    fn stop(&self, at: &At, how: Stop) -> Result<Reported, OnlineError>;
}

/// Whether there is a client for a provider.
#[must_use]
pub const fn has_client(provider: Provider) -> bool {
    matches!(
        provider,
        Provider::Aws
            | Provider::Azure
            | Provider::AzureHsm
            | Provider::Gcp
            | Provider::Kmip
            | Provider::OpenBao
    )
}

/// Connects to a service. Nothing is sent before its first call.
///
/// # Errors
/// [`OnlineError`]: no client for it, credentials or an address that are missing, plain http.
pub fn connect(provider: Provider, reach: &Reach) -> Result<Box<dyn Service>, OnlineError> {
    reach.certificates(provider)?;
    match provider {
        Provider::Aws => Ok(Box::new(aws::Aws::new(reach)?)),
        Provider::Azure | Provider::AzureHsm => Ok(Box::new(azure::Azure::new(provider, reach)?)),
        Provider::Gcp => Ok(Box::new(gcp::Google::new(reach)?)),
        Provider::Kmip => Ok(Box::new(kmip::Kmip::new(reach)?)),
        Provider::OpenBao => Ok(Box::new(openbao::OpenBao::new(reach)?)),
        provider => Err(OnlineError::NoClient { provider }),
    }
}

/// Begins an import: a request of what the service gave, held to its rules.
///
/// # Errors
/// [`OnlineError`].
pub fn begin(
    service: &dyn Service,
    provider: Provider,
    wish: &Wish,
    made: Timestamp,
) -> Result<Request, OnlineError> {
    // Refused before anything is made there; the size is checked again with the key that comes.
    if !provider.kinds().contains(&wish.kind) {
        let known = provider.kinds().iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        return Err(RequestError::Kind { provider, kind: wish.kind, known }.into());
    }
    let download = service.begin(wish)?;
    Ok(Request::make(Draft {
        provider,
        kind: wish.kind,
        purpose: wish.purpose,
        download,
        method: wish.method.clone(),
        target: wish.target.clone(),
        expires: None,
        made,
    })?)
}

/// An import that is finished.
#[derive(Debug)]
pub struct Finished {
    /// What the provider showed, for the log.
    pub evidence: String,
    /// The provider's own name of the version.
    pub id: Option<String>,
    /// Whether an earlier run had handed it over.
    pub already: bool,
}

/// Finishes an import: hands the package over unless that is done, asks for the proof, and compares it.
///
/// # Errors
/// [`OnlineError`]; [`OnlineError::Proof`] if the provider holds another key.
pub fn finish(
    service: &dyn Service,
    package: &Package,
    pinned: Option<&str>,
) -> Result<Finished, OnlineError> {
    let taken = service.import(package, pinned)?;
    let steps = Steps::after(!taken.already);
    let answer = match taken.answer {
        Some(answer) => answer,
        None => match service.prove(package, &taken) {
            // These say what is to be done about it, and not that nothing was.
            Err(error @ (OnlineError::OtherKey { .. } | OnlineError::Right { .. })) => return Err(error),
            answer => steps.look(answer)?,
        },
    };
    let evidence = package.facts().proof.check(&answer)?;
    Ok(Finished { evidence, id: taken.id, already: taken.already })
}

impl Reported {
    /// A state, of which nothing else is said.
    fn bare(state: KeyState, said: &str) -> Self {
        Self {
            state,
            said: said.to_owned(),
            id: None,
            expires: None,
            deletion: None,
            evidence: None,
            current: None,
            loose: None,
        }
    }
}

impl KeyState {
    /// The word for it, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Waiting => "waiting",
            Self::Disabled => "disabled",
            Self::Empty => "empty",
            Self::Ending => "ending",
            Self::Gone => "gone",
        }
    }
}

impl From<RequestError> for OnlineError {
    fn from(error: RequestError) -> Self {
        Self::Request(Box::new(error))
    }
}

impl From<ProofError> for OnlineError {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}
