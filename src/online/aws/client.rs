//! The SDK's client: its configuration, one call at a time, and what an error of it means.
//!
//! The SDK finds credentials, region and endpoint by its usual chain (environment, profiles, IAM Identity Center, web
//! identity, containers, instances). A request without TLS is stopped before it leaves, wherever its address came
//! from. Questions are retried by the SDK; a call that changes something is sent once.

use crate::online::error::{Cause, cause, plain};
use crate::online::reach::file;
use crate::online::runtime::{Elapsed, Runtime};
use crate::online::{OnlineError, Reach};
use crate::provider::{Provider, Target};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{Region, SharedHttpClient};
use aws_sdk_kms::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_kms::types::KeyMetadata;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider as Tls, TlsContext, TrustStore, rustls_provider::CryptoMode};
use core::future::Future;
use core::time::Duration;
use std::error::Error;

mod tls;
use tls::{TlsClient, TlsOnly, plain_address};

const PROVIDER: Provider = Provider::Aws;

/// What every call needs.
#[derive(Debug)]
pub(super) struct Aws {
    runtime: Runtime,
    reach: Reach,
}

/// Calls about one key.
#[derive(Debug)]
pub(super) struct Calls<'a> {
    aws: &'a Aws,
    sdk: SdkConfig,
    /// For questions.
    pub(super) reading: Client,
    /// For what changes something.
    pub(super) changing: Client,
    /// The key's id or ARN; empty when there is none yet.
    pub(super) key: String,
    /// Its region.
    pub(super) region: String,
}

/// A call: its name, and whether it changes something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    name: &'static str,
    changes: bool,
}

/// A question.
pub(super) const fn question(name: &'static str) -> Call {
    Call { name, changes: false }
}

/// A change.
pub(super) const fn change(name: &'static str) -> Call {
    Call { name, changes: true }
}

impl Aws {
    pub(super) fn new(reach: &Reach) -> Result<Self, OnlineError> {
        let failed = |error: std::io::Error| OnlineError::Settings {
            provider: PROVIDER,
            what: format!("the system gives no sockets: {error}"),
        };
        if let Some(endpoint) = &reach.endpoint {
            reach.address(PROVIDER, endpoint)?;
        }
        let mut reach = reach.clone();
        if let (None, Some(path)) = (&reach.ca, (reach.environment)("AWS_CA_BUNDLE")) {
            let what = "the file that AWS_CA_BUNDLE names can't be read".to_owned();
            reach.ca = Some(file(&path).ok_or(OnlineError::Settings { provider: PROVIDER, what })?);
        }
        Ok(Self { runtime: Runtime::new().map_err(failed)?, reach })
    }

    fn http(&self) -> Result<SharedHttpClient, OnlineError> {
        let mut roots = TrustStore::default();
        if let Some(pem) = &self.reach.ca {
            roots = roots.with_pem_certificate(pem.clone());
        }
        let context = TlsContext::builder().with_trust_store(roots).build();
        let context = context.map_err(|error| OnlineError::Settings {
            provider: PROVIDER,
            what: format!("the certificates can't be used: {}", plain(&error.to_string())),
        })?;
        let client =
            Builder::new().tls_provider(Tls::Rustls(CryptoMode::Ring)).tls_context(context).build_https();
        Ok(SharedHttpClient::new(TlsClient { client, reach: self.reach.clone() }))
    }

    /// Calls about the key that a target names.
    pub(super) fn calls(&self, target: &Target) -> Result<Calls<'_>, OnlineError> {
        let key = target.get("key").cloned().unwrap_or_default();
        let named = target.get("region").cloned().or_else(|| part(&key, 3));
        // The SDK takes an address that is set and empty for one, and gives up in a panic.
        let variables = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_STS"];
        let empty = |name: &&str| std::env::var_os(name).is_some_and(|value| value.is_empty());
        if let Some(name) = variables.into_iter().find(empty) {
            let what = format!("{name} is set and empty: give an address, or unset it");
            return Err(OnlineError::Settings { provider: PROVIDER, what });
        }
        let http = self.http()?;
        let limit = self.reach.timeout;
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(limit)
            .operation_attempt_timeout(limit)
            .connect_timeout(limit.min(Duration::from_secs(15)))
            .build();
        let load = async {
            let mut loader = aws_config::defaults(BehaviorVersion::latest())
                .http_client(http)
                .timeout_config(timeouts)
                .retry_config(RetryConfig::standard().with_max_attempts(3));
            if let Some(region) = named {
                loader = loader.region(Region::new(region));
            }
            loader.load().await
        };
        let seconds = limit.as_secs();
        let timeout =
            |Elapsed| OnlineError::Timeout { provider: PROVIDER, call: "the configuration", seconds };
        let sdk = self.runtime.wait(limit, load).map_err(timeout)?;
        let Some(region) = sdk.region().map(ToString::to_string) else {
            let what = "no region is named: give --set region=REGION, an ARN, or set AWS_REGION".to_owned();
            return Err(OnlineError::Settings { provider: PROVIDER, what });
        };
        let mut config =
            aws_sdk_kms::config::Builder::from(&sdk).interceptor(TlsOnly { reach: self.reach.clone() });
        if let Some(endpoint) = &self.reach.endpoint {
            config = config.endpoint_url(self.reach.address(PROVIDER, endpoint)?);
        }
        let once = config.clone().retry_config(RetryConfig::disabled());
        let (reading, changing) = (Client::from_conf(config.build()), Client::from_conf(once.build()));
        Ok(Calls { aws: self, sdk, reading, changing, key, region })
    }
}

impl Calls<'_> {
    /// The same calls, about another key.
    pub(super) fn about(self, key: String) -> Self {
        Self { key, ..self }
    }

    /// Makes a call.
    pub(super) fn send<T, E>(
        &self,
        call: Call,
        future: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, OnlineError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        // The SDK keeps time itself; this is for what it might forget.
        let limit = self.aws.reach.timeout.saturating_mul(4);
        match self.aws.runtime.wait(limit, future) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(call, error)),
            Err(Elapsed) => Err(self.silent(call, "no answer")),
        }
    }

    /// The key, described.
    pub(super) fn describe(&self) -> Result<KeyMetadata, OnlineError> {
        let call = question("DescribeKey");
        let answer = self.send(call, self.reading.describe_key().key_id(&self.key).send())?;
        answer.key_metadata.ok_or_else(|| nonsense(call, "the key's description"))
    }

    fn silent(&self, call: Call, words: &str) -> OnlineError {
        let seconds = self.aws.reach.timeout.as_secs();
        if call.changes {
            OnlineError::Unsure { provider: PROVIDER, call: call.name, words: plain(words) }
        } else {
            OnlineError::Timeout { provider: PROVIDER, call: call.name, seconds }
        }
    }

    fn failed<E>(&self, call: Call, error: SdkError<E>) -> OnlineError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let address = self.aws.reach.endpoint.clone().unwrap_or_else(|| self.region.clone());
        let broken = |words: String| {
            if call.changes {
                OnlineError::Unsure { provider: PROVIDER, call: call.name, words }
            } else {
                OnlineError::Unreachable { provider: PROVIDER, address: address.clone(), words }
            }
        };
        match &error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let (code, words) = (service.err().code(), service.err().message().unwrap_or_default());
                self.refused(call, status, code, &plain(words))
            }
            SdkError::TimeoutError(_) => self.silent(call, "no answer in time"),
            SdkError::ResponseError(_) => nonsense(call, "an answer of AWS"),
            _ => {
                let words = DisplayErrorContext(&error).to_string();
                if let Some(address) = plain_address(&error) {
                    return OnlineError::Plain { provider: PROVIDER, address };
                }
                if words.to_lowercase().contains("credentials") {
                    let what = "no credentials were found: set AWS_PROFILE, log in with `aws sso login`, or give others that the AWS tools take";
                    return OnlineError::Settings { provider: PROVIDER, what: what.to_owned() };
                }
                match cause(&error) {
                    Cause::Tls(words) => OnlineError::Tls { provider: PROVIDER, address, words },
                    Cause::NotSent(words) => OnlineError::Unreachable { provider: PROVIDER, address, words },
                    Cause::Other(words) => broken(words),
                }
            }
        }
    }

    /// What a refusal of AWS means.
    fn refused(&self, call: Call, status: u16, code: Option<&str>, words: &str) -> OnlineError {
        let provider = PROVIDER;
        let (words, place) = (words.to_owned(), self.key.clone());
        match code.unwrap_or_default() {
            "AccessDeniedException" | "AccessDenied" => match self.other_account() {
                Some(words) => OnlineError::OtherAccount { place, words },
                None => OnlineError::Right { provider, right: format!("kms:{}", call.name) },
            },
            "NotFoundException" => match self.other_account() {
                Some(words) => OnlineError::OtherAccount { place, words },
                None => OnlineError::NoPlace { provider, place: format!("key {place}") },
            },
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "ExpiredTokenException" => OnlineError::Credentials { provider, words },
            "ExpiredImportTokenException" => OnlineError::Expired { provider },
            "IncorrectKeyMaterialException" => OnlineError::OtherKey { place, words },
            // A server's own trouble comes before or behind the act.
            _ if status >= 500 && call.changes => OnlineError::Unsure { provider, call: call.name, words },
            "" => nonsense(call, "an answer of AWS"),
            code => OnlineError::Refused { provider, call: call.name, words: format!("{code}: {words}") },
        }
    }

    /// Whose the credentials are, if that is another account than the key's.
    fn other_account(&self) -> Option<String> {
        let owner = part(&self.key, 4)?;
        let tls_only = TlsOnly { reach: self.aws.reach.clone() };
        let config = aws_sdk_sts::config::Builder::from(&self.sdk).interceptor(tls_only).build();
        let identity = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send();
        let identity = self.aws.runtime.wait(self.aws.reach.timeout, identity).ok()?.ok()?;
        let ours = identity.account?;
        (ours != owner).then(|| format!("theirs is {}", plain(&ours)))
    }
}

/// An answer that isn't one: of a change it isn't known then whether it was made.
pub(super) fn nonsense(call: Call, wanted: &'static str) -> OnlineError {
    if call.changes {
        let words = format!("nonsense came back, where {wanted} was looked for");
        OnlineError::Unsure { provider: PROVIDER, call: call.name, words }
    } else {
        OnlineError::Nonsense { provider: PROVIDER, call: call.name, wanted }
    }
}

/// A part of an ARN: 3 is the region, 4 the account.
fn part(arn: &str, number: usize) -> Option<String> {
    let part = arn.strip_prefix("arn:").and_then(|_| arn.split(':').nth(number))?;
    (!part.is_empty()).then(|| part.to_owned())
}
