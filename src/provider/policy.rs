//! The smallest rights for each duty, as policies that a provider takes.
//!
//! Five duties, meant for five principals: an importer brings the first version, a rotator brings later ones, an
//! auditor looks, a prover answers the challenge of an import, a shredder stops and destroys. Only the prover
//! may use the key, as far as its challenge needs. What the OpenBao ones
//! allow and refuse is tested on the real server (`tests/openbao.rs`); the others are written from the
//! providers' lists of actions. Out: text; names in it were checked to need no quoting.

use super::Provider;
use super::download::is_plain;

/// A duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Brings the first version.
    Importer,
    /// Brings later versions.
    Rotator,
    /// Looks, and changes nothing.
    Auditor,
    /// Answers the challenge that proves an import.
    Prover,
    /// Stops and destroys.
    Shredder,
}

/// Why there is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A provider that none is written for.
    #[error("there is no policy for {provider}: use aws, gcp, azure, azure-hsm or openbao")]
    Provider {
        /// The provider.
        provider: Provider,
    },
    /// A name that can't stand in a policy.
    #[error(
        "the name of the key or the mount holds a character that no such name has: use letters, digits and . _ : / @ + = -"
    )]
    Name,
}

/// The policy for `role` over the key `key`, as the provider names it; `mount` is OpenBao's engine.
///
/// # Errors
/// [`PolicyError`].
pub fn policy(provider: Provider, role: Role, key: &str, mount: &str) -> Result<String, PolicyError> {
    // `+` is a wildcard in OpenBao's paths: whoever asks for one key gets rights for one key.
    let wild =
        provider == Provider::OpenBao && (key.contains('+') || mount.contains('+') || key.contains('/'));
    if !is_plain(key) || !is_plain(mount) || wild {
        return Err(PolicyError::Name);
    }
    match provider {
        Provider::Aws => Ok(aws(role, key)),
        Provider::Gcp => Ok(gcp(role)),
        Provider::Azure => Ok(azure(role, key)),
        Provider::AzureHsm => Ok(azure_hsm(role)),
        Provider::OpenBao => Ok(openbao(role, key, mount)),
        provider => Err(PolicyError::Provider { provider }),
    }
}

fn openbao(role: Role, key: &str, mount: &str) -> String {
    const NO: &str = "\"false\", false";
    let keys = format!("{mount}/keys/{key}");
    // A path, the capabilities, and the parameters that may be sent; none named, all of them. A server refuses
    // every other: so no importer makes a key that may leave, and no shredder lets one out before it ends.
    type Rule = (String, &'static str, &'static [(&'static str, &'static str)]);
    let rules: Vec<Rule> = match role {
        // Whoever changes a key reads first what is there, so that nothing is done twice.
        Role::Importer => vec![
            (format!("{mount}/wrapping_key"), "\"read\"", &[]),
            (
                format!("{keys}/import"),
                "\"update\"",
                &[
                    ("allow_rotation", NO),
                    ("ciphertext", ""),
                    ("exportable", NO),
                    ("hash_function", ""),
                    ("type", ""),
                ],
            ),
            (keys, "\"read\"", &[]),
        ],
        Role::Rotator => vec![
            (format!("{mount}/wrapping_key"), "\"read\"", &[]),
            (format!("{keys}/import_version"), "\"update\"", &[("ciphertext", ""), ("hash_function", "")]),
            (keys, "\"read\"", &[]),
        ],
        Role::Auditor => vec![(keys, "\"read\"", &[])],
        Role::Prover => vec![
            (format!("{mount}/decrypt/{key}"), "\"update\"", &[("ciphertext", "")]),
            (format!("{mount}/hmac/{key}/+"), "\"update\"", &[("input", ""), ("key_version", "")]),
            (keys, "\"read\"", &[]),
        ],
        Role::Shredder => vec![
            (
                format!("{keys}/config"),
                "\"update\"",
                &[("deletion_allowed", ""), ("min_decryption_version", ""), ("min_encryption_version", "")],
            ),
            (format!("{keys}/soft-delete"), "\"delete\"", &[]),
            (format!("{keys}/trim"), "\"update\"", &[("min_available_version", "")]),
            (keys, "\"read\", \"delete\"", &[]),
        ],
    };
    let rule = |(path, rights, parameters): Rule| {
        let list: String =
            parameters.iter().map(|(name, values)| format!("    \"{name}\" = [{values}]\n")).collect();
        let allowed = match list.is_empty() {
            true => String::new(),
            false => format!("  allowed_parameters = {{\n{list}  }}\n"),
        };
        format!("path \"{path}\" {{\n  capabilities = [{rights}]\n{allowed}}}\n")
    };
    rules.into_iter().map(rule).collect()
}

fn aws(role: Role, key: &str) -> String {
    let actions: &[&str] = match role {
        Role::Importer => &["kms:DescribeKey", "kms:GetParametersForImport", "kms:ListKeyRotations"],
        Role::Rotator => &[
            "kms:DescribeKey",
            "kms:GetParametersForImport",
            "kms:ListKeyRotations",
            "kms:RotateKeyOnDemand",
        ],
        Role::Auditor => &["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetPublicKey", "kms:ListKeyRotations"],
        Role::Prover => &["kms:DescribeKey", "kms:GenerateMac", "kms:GetPublicKey", "kms:ListKeyRotations"],
        Role::Shredder => &[
            "kms:DeleteImportedKeyMaterial",
            "kms:DescribeKey",
            "kms:DisableKey",
            "kms:ListKeyRotations",
            "kms:ScheduleKeyDeletion",
        ],
    };
    let list = actions.iter().map(|action| format!("\"{action}\"")).collect::<Vec<_>>().join(", ");
    let mut statements = vec![format!(
        "    {{\n      \"Effect\": \"Allow\",\n      \"Action\": [{list}],\n      \"Resource\": \"{key}\"\n    }}"
    )];
    if matches!(role, Role::Importer | Role::Rotator) {
        // Material that expires by itself was not meant, and takes the key with it.
        statements.push(format!(
            "    {{\n      \"Effect\": \"Allow\",\n      \"Action\": \"kms:ImportKeyMaterial\",\n      \"Resource\": \"{key}\",\n      \"Condition\": {{\"StringEquals\": {{\"kms:ExpirationModel\": \"KEY_MATERIAL_DOES_NOT_EXPIRE\"}}}}\n    }}"
        ));
    }
    format!("{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n{}\n  ]\n}}\n", statements.join(",\n"))
}

fn gcp(role: Role) -> String {
    // Whoever imports reads first what is there, so that nothing is done twice.
    let (title, rights): (&str, &[&str]) = match role {
        Role::Importer => (
            "importer",
            &[
                "cloudkms.cryptoKeyVersions.create",
                "cloudkms.cryptoKeyVersions.get",
                "cloudkms.cryptoKeyVersions.list",
                "cloudkms.cryptoKeys.get",
                "cloudkms.importJobs.create",
                "cloudkms.importJobs.get",
                "cloudkms.importJobs.useToImport",
            ],
        ),
        Role::Rotator => (
            "rotator",
            &[
                "cloudkms.cryptoKeyVersions.create",
                "cloudkms.cryptoKeyVersions.get",
                "cloudkms.cryptoKeyVersions.list",
                "cloudkms.cryptoKeys.get",
                "cloudkms.cryptoKeys.update",
                "cloudkms.importJobs.create",
                "cloudkms.importJobs.get",
                "cloudkms.importJobs.useToImport",
            ],
        ),
        Role::Auditor => (
            "auditor",
            &[
                "cloudkms.cryptoKeyVersions.get",
                "cloudkms.cryptoKeyVersions.list",
                "cloudkms.cryptoKeyVersions.viewPublicKey",
                "cloudkms.cryptoKeys.get",
                "cloudkms.importJobs.get",
            ],
        ),
        Role::Prover => (
            "prover",
            &[
                "cloudkms.cryptoKeyVersions.get",
                "cloudkms.cryptoKeyVersions.list",
                "cloudkms.cryptoKeyVersions.useToDecrypt",
                "cloudkms.cryptoKeyVersions.useToSign",
                "cloudkms.cryptoKeyVersions.viewPublicKey",
            ],
        ),
        Role::Shredder => (
            "shredder",
            &[
                "cloudkms.cryptoKeyVersions.destroy",
                "cloudkms.cryptoKeyVersions.get",
                "cloudkms.cryptoKeyVersions.list",
                "cloudkms.cryptoKeyVersions.update",
                "cloudkms.cryptoKeyVersions.viewPublicKey",
            ],
        ),
    };
    let list: String = rights.iter().map(|right| format!("- {right}\n")).collect();
    format!("title: Quorate {title}\nstage: GA\nincludedPermissions:\n{list}")
}

fn azure(role: Role, key: &str) -> String {
    let (name, rights): (&str, &[&str]) = match role {
        Role::Importer => ("importer", &["keys/import/action", "keys/read"]),
        Role::Rotator => ("rotator", &["keys/import/action", "keys/read"]),
        Role::Auditor => ("auditor", &["keys/read"]),
        Role::Prover => ("prover", &["keys/read"]),
        Role::Shredder => {
            ("shredder", &["keys/delete", "keys/purge/action", "keys/read", "keys/update/action"])
        }
    };
    let list = rights
        .iter()
        .map(|right| format!("\"Microsoft.KeyVault/vaults/{right}\""))
        .collect::<Vec<_>>()
        .join(", ");
    format!(
        "{{\n  \"Name\": \"Quorate {name}\",\n  \"IsCustom\": true,\n  \"Actions\": [],\n  \"DataActions\": [{list}],\n  \"AssignableScopes\": [\"{key}\"]\n}}\n"
    )
}

/// A role of a Managed HSM's own, as `az keyvault role definition create` takes it.
fn azure_hsm(role: Role) -> String {
    let (name, rights): (&str, &[&str]) = match role {
        Role::Importer => ("importer", &["keys/import/action", "keys/read/action"]),
        Role::Rotator => ("rotator", &["keys/import/action", "keys/read/action"]),
        Role::Auditor => ("auditor", &["keys/deletedKeys/read/action", "keys/read/action"]),
        Role::Prover => ("prover", &["keys/decrypt/action", "keys/read/action"]),
        Role::Shredder => (
            "shredder",
            &[
                "keys/delete",
                "keys/deletedKeys/delete",
                "keys/deletedKeys/read/action",
                "keys/read/action",
                "keys/write/action",
            ],
        ),
    };
    let list = rights
        .iter()
        .map(|right| format!("\"Microsoft.KeyVault/managedHsm/{right}\""))
        .collect::<Vec<_>>()
        .join(", ");
    format!("{{\n  \"roleName\": \"Quorate {name}\",\n  \"actions\": [],\n  \"dataActions\": [{list}]\n}}\n")
}
