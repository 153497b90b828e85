//! Nothing of AWS goes without TLS, wherever its address came from: an argument, the environment, a profile.
//!
//! [`TlsOnly`] stands before the calls of a service. [`TlsClient`] stands below everything, also below what the SDK
//! sends by itself to find credentials (STS, IAM Identity Center): plain http leaves for the link-local and loopback
//! addresses alone, where AWS gives credentials to its own instances and containers, and which no network routes.

use super::PROVIDER;
use crate::online::Reach;
use crate::online::reach::is_here;
use aws_sdk_kms::config::http::HttpRequest;
use aws_sdk_kms::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_kms::config::{ConfigBag, HttpClient, Intercept, RuntimeComponents, SharedHttpClient};
use aws_sdk_kms::error::{BoxError, ConnectorError};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use std::error::Error;

/// Stops a request of a service that would go without TLS.
#[derive(Debug)]
pub(super) struct TlsOnly {
    pub(super) reach: Reach,
}

/// A client that sends nothing without TLS to a network.
#[derive(Debug)]
pub(super) struct TlsClient {
    pub(super) client: SharedHttpClient,
    pub(super) reach: Reach,
}

/// A connection of such a client.
#[derive(Debug)]
struct TlsConnector {
    connector: SharedHttpConnector,
    reach: Reach,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} has no TLS")]
struct PlainHttp(String);

impl PlainHttp {
    fn of(address: &str) -> Self {
        Self(address.chars().take(80).collect())
    }
}

impl Intercept for TlsOnly {
    fn name(&self) -> &'static str {
        "TlsOnly"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let address = context.request().uri();
        match self.reach.address(PROVIDER, address) {
            Ok(_) => Ok(()),
            Err(_) => Err(PlainHttp::of(address).into()),
        }
    }
}

impl HttpClient for TlsClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        SharedHttpConnector::new(TlsConnector { connector, reach: self.reach.clone() })
    }
}

impl HttpConnector for TlsConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let address = request.uri();
        if self.reach.address(PROVIDER, address).is_err() && !is_of_the_machine(address) {
            let error = PlainHttp::of(address);
            return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
        }
        self.connector.call(request)
    }
}

/// Whether an address is one where AWS gives credentials to its own machines.
fn is_of_the_machine(address: &str) -> bool {
    const METADATA: [&str; 4] = ["169.254.169.254", "169.254.170.2", "169.254.170.23", "[fd00:ec2::254]"];
    let Some(rest) = address.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host.strip_suffix(":80").unwrap_or(host);
    METADATA.contains(&name) || name == "[fd00:ec2::23]" || is_here(host)
}

/// The address of a request that was stopped for want of TLS.
pub(super) fn plain_address(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(PlainHttp(address)) = error.downcast_ref() {
            return Some(address.clone());
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::is_of_the_machine;

    #[test]
    fn plain_http_leaves_for_credentials_of_this_machine_alone() {
        for good in
            ["http://169.254.169.254/latest/api/token", "http://169.254.170.2:80/v2", "http://127.0.0.1:51/x"]
        {
            assert!(is_of_the_machine(good), "{good}");
        }
        for bad in [
            "http://sts.amazonaws.com/",
            "http://169.254.169.254.example/",
            "http://169.254.169.254@evil.example/",
            "http://evil.example/169.254.169.254",
            "ftp://127.0.0.1/",
        ] {
            assert!(!is_of_the_machine(bad), "{bad}");
        }
    }
}
