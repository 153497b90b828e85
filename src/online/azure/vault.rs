//! Addresses of vaults, and the ids of keys in them.

use super::super::{OnlineError, Reach};
use crate::provider::{Provider, Target};

/// A key of a vault.
pub(super) struct KeyId {
    /// Its name.
    pub(super) name: String,
    /// Its version; empty for the one that is used.
    pub(super) version: String,
}

impl KeyId {
    /// Its full id.
    pub(super) fn kid(&self, base: &str) -> String {
        format!("{base}/keys/{}/{}", self.name, self.version)
    }
}

/// Takes a full id apart: the vault's address, name and version.
pub(super) fn of_kid(kid: &str) -> Option<(String, KeyId)> {
    let (base, rest) = kid.split_once("/keys/")?;
    let (name, version) = rest.split_once('/')?;
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_whole = base.starts_with("https://") && plain(name) && plain(version);
    is_whole.then(|| (base.to_owned(), KeyId { name: name.to_owned(), version: version.to_owned() }))
}

/// The address of the vault: the one that was given, or that of the public cloud.
pub(super) fn address(provider: Provider, reach: &Reach, target: &Target) -> Result<String, OnlineError> {
    if let Some(address) = &reach.endpoint {
        return reach.address(provider, address);
    }
    let (field, domain) = match provider {
        Provider::AzureHsm => ("hsm", "managedhsm.azure.net"),
        _ => ("vault", "vault.azure.net"),
    };
    let name = target.get(field).map_or("", String::as_str);
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        let what = format!("--set {field}=… is missing, or is no name of letters, digits and hyphens");
        return Err(OnlineError::Settings { provider, what });
    }
    Ok(format!("https://{name}.{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_keys_are_taken_apart() {
        let (base, id) = of_kid("https://acme.vault.azure.net/keys/k-1/0123abcd").unwrap();
        assert_eq!(
            (base.as_str(), id.name.as_str(), id.version.as_str()),
            ("https://acme.vault.azure.net", "k-1", "0123abcd")
        );
        assert_eq!(id.kid(&base), "https://acme.vault.azure.net/keys/k-1/0123abcd");
        for wrong in [
            "",
            "https://acme.vault.azure.net/keys/k",
            "https://acme.vault.azure.net/keys/k/",
            "https://acme.vault.azure.net/keys//v",
            "https://acme.vault.azure.net/keys/k/v/decrypt",
            "https://acme.vault.azure.net/keys/k/../x",
            "http://acme.vault.azure.net/keys/k/v",
        ] {
            assert!(of_kid(wrong).is_none(), "{wrong}");
        }
    }
}
