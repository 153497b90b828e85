//! The smallest rights for each duty, as policies that a provider takes.
//!
//! Five duties, meant for five principals: an importer brings the first version, a rotator brings later ones, an
//! auditor looks, a prover answers the challenge of an import, a shredder stops and destroys. Only the prover
//! may use the key, as far as its challenge needs; where using has several rights, the kind of key says which one.
//! Each has what the program's own commands send for it, and nothing else. What the OpenBao ones
//! allow and refuse is tested on the real server (`tests/openbao.rs`); the others are written from the
//! providers' lists of actions, and held to them by our stand-ins. Out: text; names in it were checked to need no
//! quoting.

use super::download::is_plain;
use super::{ProofKind, Provider, Target, gcp};
use crate::key::KeyKind;

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
    /// The kind of key decides, and isn't said.
    #[error("what proves a key at {provider} depends on its kind: give --kind KIND")]
    Kind {
        /// The provider.
        provider: Provider,
    },
}

/// What a policy is for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The key, as the provider names it.
    pub key: &'a str,
    /// OpenBao's engine.
    pub mount: &'a str,
    /// The kind of key, where it is known: then there is no right that this kind has no use for.
    pub kind: Option<KeyKind>,
    /// What a request says of the target, as far as it decides how the key is used.
    pub target: &'a Target,
}

/// The policy for `role`.
///
/// # Errors
/// [`PolicyError`].
pub fn policy(provider: Provider, role: Role, scope: Scope<'_>) -> Result<String, PolicyError> {
    let Scope { key, mount, kind, target } = scope;
    // `+` is a wildcard in OpenBao's paths: whoever asks for one key gets rights for one key.
    let wild = || key.contains('+') || mount.contains('+') || key.contains('/') || !is_plain(mount);
    if !is_plain(key) || provider == Provider::OpenBao && wild() {
        return Err(PolicyError::Name);
    }
    match provider {
        Provider::Aws => Ok(aws(role, key)),
        Provider::Gcp => {
            let algorithm = kind.map(|kind| gcp::google_algorithm(kind, target));
            google(role, kind.zip(algorithm))
        }
        Provider::Azure => Ok(azure(role, key)),
        Provider::AzureHsm => azure_hsm(role, kind),
        Provider::OpenBao => openbao(role, key, mount, kind),
        provider => Err(PolicyError::Provider { provider }),
    }
}

fn openbao(role: Role, key: &str, mount: &str, kind: Option<KeyKind>) -> Result<String, PolicyError> {
    const NO: &str = "\"false\", false";
    let keys = format!("{mount}/keys/{key}");
    // A path, the capabilities, and the parameters that may be sent; none named, all of them. A server refuses
    // every other: so no importer makes a key that may leave, and no shredder lets one out before it ends.
    type Parameters = &'static [(&'static str, &'static str)];
    type Rule = (String, &'static str, Parameters);
    const EVERY: Parameters = &[];
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
        Role::Prover => {
            let kind = kind.ok_or(PolicyError::Kind { provider: Provider::OpenBao })?;
            let own: Option<Rule> = match kind.name().strip_prefix("hmac-") {
                // With any key a server makes HMACs, by any hash: each would be a use that no proof has.
                Some(hash) => Some((
                    format!("{mount}/hmac/{key}/sha2-{hash}"),
                    "\"update\"",
                    &[("input", ""), ("key_version", "")],
                )),
                None if kind.is_asymmetric() => None,
                None => Some((format!("{mount}/decrypt/{key}"), "\"update\"", &[("ciphertext", "")])),
            };
            own.into_iter().chain([(keys, "\"read\"", EVERY)]).collect()
        }
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
    Ok(rules.into_iter().map(rule).collect())
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

/// A role of Google's, for keys of a kind with versions of an algorithm, or of any.
fn google(role: Role, of: Option<(KeyKind, &str)>) -> Result<String, PolicyError> {
    // Whoever changes something reads first what is there, so that nothing is done twice.
    const READ: &[&str] = &["cryptoKeyVersions.get", "cryptoKeyVersions.list"];
    const BRING: &[&str] = &[
        "cryptoKeyVersions.create",
        "cryptoKeys.get",
        "importJobs.create",
        "importJobs.get",
        "importJobs.useToImport",
    ];
    let proof = of.map(|(kind, algorithm)| gcp::proof(kind, algorithm));
    let has_primary = of.is_none_or(|(_, algorithm)| algorithm == gcp::SYMMETRIC);
    let (title, own): (&str, &[&str]) = match role {
        Role::Importer => ("importer", BRING),
        Role::Rotator => ("rotator", BRING),
        Role::Auditor => ("auditor", &[]),
        Role::Prover => ("prover", &[]),
        Role::Shredder => ("shredder", &["cryptoKeyVersions.destroy", "cryptoKeyVersions.update"]),
    };
    let mut rights = [READ, own].concat();
    // A public key is no use of the key: whoever brings, looks or stops may compare it.
    if proof.is_none_or(|proof| proof == ProofKind::PublicKey) {
        rights.push("cryptoKeyVersions.viewPublicKey");
    }
    match (role, proof) {
        (Role::Prover, None) => return Err(PolicyError::Kind { provider: Provider::Gcp }),
        (Role::Prover, Some(ProofKind::Decrypt)) => rights.push("cryptoKeyVersions.useToDecrypt"),
        (Role::Prover, Some(ProofKind::Mac)) => rights.push("cryptoKeyVersions.useToSign"),
        // A later version is made primary, where keys have such; an auditor sees which one is.
        (Role::Rotator, _) if has_primary => rights.push("cryptoKeys.update"),
        (Role::Auditor, _) if has_primary => rights.push("cryptoKeys.get"),
        _ => {}
    }
    rights.sort_unstable();
    let list: String = rights.iter().map(|right| format!("- cloudkms.{right}\n")).collect();
    Ok(format!("title: Quorate {title}\nstage: GA\nincludedPermissions:\n{list}"))
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
fn azure_hsm(role: Role, kind: Option<KeyKind>) -> Result<String, PolicyError> {
    let (name, rights): (&str, &[&str]) = match role {
        Role::Importer => ("importer", &["keys/import/action", "keys/read/action"]),
        Role::Rotator => ("rotator", &["keys/import/action", "keys/read/action"]),
        Role::Auditor => ("auditor", &["keys/deletedKeys/read/action", "keys/read/action"]),
        Role::Prover => match kind {
            None => return Err(PolicyError::Kind { provider: Provider::AzureHsm }),
            Some(kind) if kind.is_asymmetric() => ("prover", &["keys/read/action"]),
            Some(_) => ("prover", &["keys/decrypt/action", "keys/read/action"]),
        },
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
    Ok(format!(
        "{{\n  \"roleName\": \"Quorate {name}\",\n  \"actions\": [],\n  \"dataActions\": [{list}]\n}}\n"
    ))
}
