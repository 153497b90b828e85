//! Google Cloud KMS by its official client: an import job a request, then one version a package.
//!
//! An import job is made for each request and named in it, so that what an earlier run imported is found by its
//! job. Google shows nothing else that tells versions apart, so what it proves (public key, MAC, a raw AES key's
//! answer) is compared before a version is taken for the package's. The client retries nothing by itself.
//! It speaks REST, trusts the system's certificates (or those of `SSL_CERT_FILE`), and finds credentials as all
//! Google's clients do: `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's own, the machine's.

use super::call::Steps;
use super::error::plain;
use super::http::Call;
use super::runtime::Runtime;
use super::{At, OnlineError, Reach, Reported, Service, Stop, Taken, Wish};
use crate::provider::{Answer, Download, Package, ProofError, ProofKind, Provider, Purpose, Request, Target};
use crate::wire::time::Timestamp;
use core::time::Duration;
use error::{chain, failure, undecrypted};
use google_cloud_gax::options::RequestOptionsBuilder as _;
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_kms_v1::client::KeyManagementService;
use google_cloud_kms_v1::model::crypto_key_version::CryptoKeyVersionState as State;
use google_cloud_kms_v1::model::import_job::ImportJobState;
use google_cloud_kms_v1::model::{CryptoKeyVersion, ImportJob};
use place::Place;

mod end;
mod error;
mod making;
mod meant;
mod place;

const GCP: Provider = Provider::Gcp;
/// How long is waited before the second look at something that is still being made, and at most before a later one.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(3));

/// The most pages of a list that are read.
const PAGES: usize = 100;

/// Google Cloud KMS, connected.
#[derive(Debug)]
pub(super) struct Google {
    runtime: Runtime,
    client: KeyManagementService,
    timeout: Duration,
    address: String,
}

impl Google {
    pub(super) fn new(reach: &Reach) -> Result<Self, OnlineError> {
        let settings = |what: String| OnlineError::Settings { provider: GCP, what };
        if reach.ca.is_some() {
            let what = "its client trusts the system's certificates only: name yours by SSL_CERT_FILE in the environment, without --ca";
            return Err(settings(what.to_owned()));
        }
        // The client's TLS takes the process's cipher suites; somebody else may have set the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = match &reach.endpoint {
            Some(address) => reach.address(GCP, address)?,
            None => "https://cloudkms.googleapis.com".to_owned(),
        };
        let runtime = Runtime::new().map_err(|error| settings(error.to_string()))?;
        let mut builder = KeyManagementService::builder().with_retry_policy(NeverRetry);
        if reach.endpoint.is_some() {
            builder = builder.with_endpoint(&address);
        }
        let built = runtime.wait(reach.timeout, builder.build()).map_err(|_| OnlineError::Timeout {
            provider: GCP,
            call: "the search for credentials",
            seconds: reach.timeout.as_secs(),
        })?;
        let client = built
            .map_err(|error| OnlineError::Credentials { provider: GCP, words: plain(&chain(&error)) })?;
        Ok(Self { runtime, client, timeout: reach.timeout, address })
    }

    /// Waits for one call.
    fn ask<T>(
        &self,
        call: Call,
        place: &str,
        future: impl Future<Output = google_cloud_kms_v1::Result<T>>,
    ) -> Result<T, OnlineError> {
        self.waited(call, future)?.map_err(|error| failure(&error, call, place, &self.address))
    }

    /// Waits for one call; the outer error says that no answer came in time.
    fn waited<T>(&self, call: Call, future: impl Future<Output = T>) -> Result<T, OnlineError> {
        self.runtime.wait(self.timeout, future).map_err(|_| call.silent(GCP, self.timeout))
    }

    /// Looks until something is made, ever more seldom, and no longer than one call may take; the last look.
    fn until<T>(
        &self,
        mut look: impl FnMut() -> Result<T, OnlineError>,
        made: impl Fn(&T) -> bool,
    ) -> Result<T, OnlineError> {
        let (mut pause, longest) = PAUSE;
        let mut left = self.timeout;
        loop {
            let found = look()?;
            if made(&found) || left.is_zero() {
                return Ok(found);
            }
            let _ = self.runtime.wait(pause.min(left), core::future::pending::<()>());
            left = left.saturating_sub(pause);
            pause = pause.saturating_mul(2).min(longest);
        }
    }

    fn version(&self, name: &str) -> Result<CryptoKeyVersion, OnlineError> {
        self.ask(
            Call::reads("GetCryptoKeyVersion"),
            name,
            self.client.get_crypto_key_version().set_name(name).send(),
        )
    }

    /// Every version of a key.
    fn versions(&self, key: &str) -> Result<Vec<CryptoKeyVersion>, OnlineError> {
        let call = Call::reads("ListCryptoKeyVersions");
        let (mut found, mut page) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let list = self.client.list_crypto_key_versions().set_parent(key).set_page_token(&page);
            let list = self.ask(call, key, list.send())?;
            found.extend(list.crypto_key_versions);
            if list.next_page_token.is_empty() || list.next_page_token == page {
                return Ok(found);
            }
            page = list.next_page_token;
        }
        Err(call.nonsense(GCP, "an end of the list"))
    }

    fn job(&self, name: &str) -> Result<ImportJob, OnlineError> {
        self.ask(Call::reads("GetImportJob"), name, self.client.get_import_job().set_name(name).send())
    }

    /// The public key of a version, as SubjectPublicKeyInfo in PEM.
    fn public_key(&self, version: &str) -> Result<String, OnlineError> {
        let call = Call::reads("GetPublicKey");
        let key = self.ask(call, version, self.client.get_public_key().set_name(version).send())?;
        if key.pem.is_empty() { Err(call.nonsense(GCP, "a public key in PEM")) } else { Ok(key.pem) }
    }

    /// The answer that a version gives to the question of a package.
    fn answer(&self, package: &Package, version: &str) -> Result<Answer, OnlineError> {
        let file = |name| package.files().get(name).cloned().unwrap_or_default();
        match package.facts().proof.kind {
            ProofKind::PublicKey => Ok(Answer::PublicKey(self.public_key(version)?.into_bytes())),
            ProofKind::Mac => {
                let sign = self.client.mac_sign().set_name(version).set_data(file("challenge.bin"));
                Ok(Answer::Reply(self.ask(Call::reads("MacSign"), version, sign.send())?.mac.to_vec()))
            }
            ProofKind::Decrypt => {
                let decrypt = self
                    .client
                    .raw_decrypt()
                    .set_name(version)
                    .set_ciphertext(file("challenge.bin"))
                    .set_initialization_vector(file("challenge-iv.bin"));
                let call = Call::reads("RawDecrypt");
                let failed = |error| undecrypted(&error, call, version, &self.address);
                let reply = self.waited(call, decrypt.send())?.map_err(failed)?;
                Ok(Answer::Reply(reply.plaintext.to_vec()))
            }
            _ => Ok(Answer::Statement(version.to_owned())),
        }
    }

    /// A version that an earlier run made of this package.
    fn found(&self, package: &Package, job: &str, key: &str) -> Result<Option<String>, OnlineError> {
        let stopped = |place: String, found: &str, wanted: &str| {
            let found = format!("was imported by this request's job, and is {found}");
            Err(OnlineError::State { place, found, wanted: wanted.to_owned() })
        };
        for version in self.versions(key)?.into_iter().filter(|version| version.import_job == job) {
            match version.state {
                State::PendingImport | State::Enabled => {}
                State::Disabled => {
                    return stopped(version.name, "disabled", "enable it, so that it can be proven");
                }
                // Somebody did that after the import. A job that people named may have brought other keys.
                State::DestroyScheduled | State::Destroyed if job.contains("/importJobs/quorate-") => {
                    return stopped(version.name, "destroyed since", "make a new request, and a new package");
                }
                _ => continue,
            }
            let Some(version) = self.settled(version)? else { continue };
            if self.is_it(package, &version)? {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// Whether a version is the package's key, as far as Google shows it. Another key is one more that came by the
    /// same job; whatever else went wrong isn't known to be another.
    fn is_it(&self, package: &Package, version: &str) -> Result<bool, OnlineError> {
        let proof = &package.facts().proof;
        if proof.kind == ProofKind::Statement {
            return Ok(true);
        }
        let answer = match self.answer(package, version) {
            Err(OnlineError::OtherKey { .. }) => return Ok(false),
            answer => answer?,
        };
        match proof.check(&answer) {
            Err(ProofError::Other { .. }) => Ok(false),
            checked => Ok(checked.map(|_| true)?),
        }
    }

    /// Waits until an import is over; the version's name, or nothing if it failed.
    fn settled(&self, version: CryptoKeyVersion) -> Result<Option<String>, OnlineError> {
        let version = self.over(version)?;
        Ok((version.state == State::Enabled).then_some(version.name))
    }

    fn over(&self, version: CryptoKeyVersion) -> Result<CryptoKeyVersion, OnlineError> {
        let pending = |version: &CryptoKeyVersion| version.state == State::PendingImport;
        if !pending(&version) {
            return Ok(version);
        }
        let version = self.until(|| self.version(&version.name), |version| !pending(version))?;
        if pending(&version) {
            return Err(Call::changes("ImportCryptoKeyVersion").unsure(GCP, "the import is still pending"));
        }
        Ok(version)
    }

    /// The version that is imported again, if it may be.
    fn again(&self, package: &Package, job: &str, key: &str) -> Result<Again, OnlineError> {
        let name = package.request().field("existing").to_owned();
        if !name.starts_with(&format!("{key}/cryptoKeyVersions/")) {
            return Err(OnlineError::State {
                place: key.to_owned(),
                found: "is not the key of the version that the request names".to_owned(),
                wanted: "make a new request: `existing` is the full name of a version of `key`".to_owned(),
            });
        }
        let version = self.over(self.version(&name)?)?;
        match version.state {
            State::Enabled if version.import_job == job => Ok(Again::Done(name)),
            State::Destroyed | State::ImportFailed if version.reimport_eligible => Ok(Again::Free(name)),
            state => {
                let wanted = match state {
                    State::DestroyScheduled => {
                        "its material is still there: `gcloud kms keys versions restore`"
                    }
                    State::Enabled | State::Disabled => "nothing is to be imported again",
                    _ => "it can't be imported again: import a later version (`--as version`)",
                };
                let found = format!("is {}", state.name().unwrap_or("in a state that is not known"));
                Err(OnlineError::State { place: name, found, wanted: wanted.to_owned() })
            }
        }
    }
}

/// Whether a version can be imported again.
enum Again {
    /// An earlier run did.
    Done(String),
    /// It can.
    Free(String),
}

impl Service for Google {
    fn begin(&self, wish: &Wish) -> Result<Download, OnlineError> {
        self.begun(wish)
    }

    fn import(&self, package: &Package, _: Option<&str>) -> Result<Taken, OnlineError> {
        let request = package.request();
        let place = Place::of(request.target())?;
        let job = place.job(request.field("import-job"));
        let mut existing = String::new();
        let found = if request.purpose() == Purpose::Again {
            match self.again(package, &job, &place.key)? {
                Again::Done(name) => Some(name),
                Again::Free(name) => {
                    existing = name;
                    None
                }
            }
        } else {
            self.found(package, &job, &place.key)?
        };
        if let Some(name) = found {
            return Ok(Taken { id: Some(name), answer: None, already: true });
        }
        self.same_job(request, &job)?;
        let call = Call::changes("ImportCryptoKeyVersion");
        let import = self
            .client
            .import_crypto_key_version()
            .set_parent(&place.key)
            .set_algorithm(making::algorithm(request.algorithm_there().unwrap_or_default()))
            .set_import_job(&job)
            .set_wrapped_key(package.blob().to_vec())
            .set_crypto_key_version(existing);
        let steps = Steps::default();
        let version = steps.step(self.ask(call, &place.key, import.with_idempotency(false).send()))?;
        let version = steps.look(self.over(version))?;
        match version.state {
            State::Enabled => Ok(Taken { id: Some(version.name), answer: None, already: false }),
            _ if version.import_failure_reason.contains("match") => Err(OnlineError::OtherKey {
                place: version.name,
                words: plain(&version.import_failure_reason),
            }),
            _ => Err(OnlineError::Refused {
                provider: GCP,
                call: "ImportCryptoKeyVersion",
                words: plain(&version.import_failure_reason),
            }),
        }
    }

    fn prove(&self, package: &Package, taken: &Taken) -> Result<Answer, OnlineError> {
        self.answer(package, taken.id.as_deref().unwrap_or_default())
    }

    fn activate(&self, at: &At) -> Result<Option<String>, OnlineError> {
        // Only keys of Google's own symmetric encryption have a version that is primary.
        if making::has_primary(at) {
            return self.made_primary(&Place::of(&at.target)?.key, &self.meant(at)?);
        }
        Ok(None)
    }

    fn report(&self, at: &At) -> Result<Reported, OnlineError> {
        self.reported(at)
    }

    fn stop(&self, at: &At, how: Stop) -> Result<Reported, OnlineError> {
        self.stopped(at, how)
    }
}

impl Google {
    /// That the job is still the one that the request was made of.
    fn same_job(&self, request: &Request, name: &str) -> Result<(), OnlineError> {
        let job = self.job(name)?;
        if job.state == ImportJobState::Expired {
            return Err(OnlineError::Expired { provider: GCP });
        }
        let pem = job.public_key.map(|key| key.pem).unwrap_or_default();
        let same = crate::key::WrappingKey::read(pem.as_bytes())
            .is_ok_and(|key| key.fingerprint() == request.wrapping_key().fingerprint());
        if same {
            return Ok(());
        }
        Err(OnlineError::State {
            place: name.to_owned(),
            found: "has another wrapping key than the request".to_owned(),
            wanted: "treat it as an attack until it is explained; make a new request".to_owned(),
        })
    }
}

/// A time of Google's.
fn moment(time: Option<&google_cloud_wkt::Timestamp>) -> Option<Timestamp> {
    Timestamp::from_unix(u64::try_from(time?.seconds()).ok()?).ok()
}

/// What a request says of the target, with names that were found.
fn named(download: Download, target: &Target, field: &str, value: &str) -> Download {
    if target.contains_key(field) { download } else { download.with_name(field, value) }
}
