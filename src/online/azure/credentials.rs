//! Azure's usual chain of credentials, by what the environment names.
//!
//! A federated token (`AZURE_FEDERATED_TOKEN_FILE`, as in a cluster), a client's secret (`AZURE_CLIENT_SECRET`), the
//! machine's own identity where it has one (`AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential`, Azure's own name
//! of that choice, or an `IDENTITY_ENDPOINT`), and otherwise whoever ran `az login`. The secret goes from the
//! environment into the client's own type, on one line.

use super::super::error::plain;
use super::super::{OnlineError, Reach};
use crate::provider::Provider;
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::ClientOptions;
use azure_identity::{
    AzureCliCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use std::sync::Arc;

/// The credentials that the environment names.
pub(super) fn find(
    provider: Provider,
    reach: &Reach,
    options: ClientOptions,
) -> Result<Arc<dyn TokenCredential>, OnlineError> {
    let variable = |name: &str| (reach.environment)(name).filter(|value| !value.is_empty());
    let needed = |name: &str| {
        variable(name).ok_or_else(|| OnlineError::Settings {
            provider,
            what: format!("{name} is missing in the environment"),
        })
    };
    let wrong =
        |error: azure_core::Error| OnlineError::Credentials { provider, words: plain(&error.to_string()) };
    if variable("AZURE_FEDERATED_TOKEN_FILE").is_some() {
        let credential_options = ClientAssertionCredentialOptions { client_options: options };
        let options = WorkloadIdentityCredentialOptions { credential_options, ..Default::default() };
        return Ok(WorkloadIdentityCredential::new(Some(options)).map_err(wrong)?);
    }
    if let Some(secret) = variable("AZURE_CLIENT_SECRET").map(Secret::new) {
        let (tenant, client) = (needed("AZURE_TENANT_ID")?, needed("AZURE_CLIENT_ID")?);
        let options = ClientSecretCredentialOptions { client_options: options };
        return Ok(ClientSecretCredential::new(&tenant, client, secret, Some(options)).map_err(wrong)?);
    }
    let managed = variable("AZURE_TOKEN_CREDENTIALS")
        .is_some_and(|named| named.eq_ignore_ascii_case("ManagedIdentityCredential"));
    if managed || variable("IDENTITY_ENDPOINT").is_some() {
        let options = ManagedIdentityCredentialOptions { client_options: options, ..Default::default() };
        return Ok(ManagedIdentityCredential::new(Some(options)).map_err(wrong)?);
    }
    Ok(AzureCliCredential::new(None).map_err(wrong)?)
}
