//! The arguments of what has to do with providers: requests, packages, imports, rules.

use clap::{Args, Subcommand, ValueEnum};
use quorate::key::{KeyKind, KeyName};
use quorate::provider::Provider;
use quorate::provider::policy::Role;
use quorate::wire::time::Timestamp;
use std::path::PathBuf;

/// Whom a key is wrapped for.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct For {
    /// Wrap the key for a provider, as this request asks for
    #[arg(long = "for", value_name = "REQUEST")]
    pub(crate) requests: Vec<PathBuf>,
    /// SHA-256 of a whole request, as the other machine shows it: wrapping key, place, version and purpose in one
    #[arg(long = "request", value_name = "SHA256", requires = "requests", conflicts_with = "wrapping_keys")]
    pub(crate) digests: Vec<String>,
    /// SHA-256 of a request's wrapping key, as the other machine shows it (asked for at a terminal)
    #[arg(long = "wrapping-key", value_name = "SHA256", requires = "requests")]
    pub(crate) wrapping_keys: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Request {
    /// The provider: aws, gcp, azure, azure-hsm, openbao, oci, ibm, ibm-hpcs, alibaba, tencent, salesforce, kmip
    #[arg(value_name = "PROVIDER")]
    pub(crate) provider: Provider,
    /// What kind of key it will be
    #[arg(short, long, value_name = "KIND")]
    pub(crate) kind: KeyKind,
    /// A file of the provider's download, or the public key in PEM
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) from: Vec<PathBuf>,
    /// A name of the target that the download does not have, as in key=NAME
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub(crate) fields: Vec<String>,
    /// What the import makes there
    #[arg(long = "as", value_name = "WHAT", default_value = "key")]
    pub(crate) purpose: Purpose,
    /// The import method (default: the first that fits)
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// When the wrapping key ends, when the download does not say it
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<Timestamp>,
    /// The new request
    #[arg(short, long, value_name = "FILE", default_value = "request.json")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Purpose {
    /// A key that holds nothing yet
    Key,
    /// A later version of a key that is there
    Version,
    /// The same key again, after it expired or was deleted there
    Again,
}

#[derive(Debug, Args)]
pub(crate) struct Package {
    #[command(subcommand)]
    pub(crate) command: PackageCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PackageCommand {
    /// Is this package whole, and is it one that the log knows?
    Verify {
        /// The package's folder
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    pub(crate) command: ImportCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Get a wrapping key from the provider itself, and make a request of it
    Begin(Box<super::ImportBegin>),
    /// Hand a package to its provider, prove it and log it; run again after any interruption
    Finish(super::ImportFinish),
    /// Log that a provider took a package, with what proves it
    Record(ImportRecord),
}

#[derive(Debug, Args)]
pub(crate) struct ImportRecord {
    /// The key, or one version of it
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) name: KeyName,
    /// The package that was imported
    #[arg(long, value_name = "DIR")]
    pub(crate) package: PathBuf,
    #[command(flatten)]
    pub(crate) answer: Answered,
}

/// What the provider answered.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Answered {
    /// The public key that the provider shows (PEM, DER, base64 of DER, or the versions that OpenBao lists)
    #[arg(long, value_name = "FILE")]
    pub(crate) public_key: Option<PathBuf>,
    /// The provider's reply to the package's challenge
    #[arg(long, value_name = "FILE")]
    pub(crate) answer: Option<PathBuf>,
    /// The id that the provider gave the material (AWS: KeyMaterialId)
    #[arg(long, value_name = "ID")]
    pub(crate) material_id: Option<String>,
    /// What the provider returned, where it offers no proof
    #[arg(long, value_name = "ID")]
    pub(crate) statement: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Providers {
    #[command(subcommand)]
    pub(crate) command: ProviderCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// The providers and the kinds of keys that they take
    List,
    /// What one provider takes, and how its wrapping key is fetched
    Show {
        /// The provider
        #[arg(value_name = "PROVIDER")]
        provider: Provider,
    },
    /// What the providers say now, compared with the log (exit status 4: something differs)
    Status(super::ProviderStatus),
    /// The smallest rights for one duty
    Policy {
        /// The provider: aws, gcp, azure, azure-hsm or openbao
        #[arg(value_name = "PROVIDER")]
        provider: Provider,
        /// The duty
        #[arg(long, value_name = "ROLE")]
        role: RoleName,
        /// The key that it is for, as the provider names it
        #[arg(long, value_name = "NAME")]
        key: String,
        /// The mount of the engine (OpenBao)
        #[arg(long, value_name = "PATH", default_value = "transit")]
        mount: String,
        /// The kind of the key, which decides at Google and at a Managed HSM what proves it
        #[arg(long, value_name = "KIND")]
        kind: Option<KeyKind>,
        /// A name that decides with it, as in `import begin` (Google: purpose-algorithm=…)
        #[arg(long = "set", value_name = "FIELD=VALUE")]
        fields: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    /// Brings the first version
    Importer,
    /// Brings later versions
    Rotator,
    /// Looks, and changes nothing
    Auditor,
    /// Answers the challenge that proves an import
    Prover,
    /// Stops and destroys
    Shredder,
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Importer => Self::Importer,
            RoleName::Rotator => Self::Rotator,
            RoleName::Auditor => Self::Auditor,
            RoleName::Prover => Self::Prover,
            RoleName::Shredder => Self::Shredder,
        }
    }
}

impl From<Purpose> for quorate::provider::Purpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Key => Self::Key,
            Purpose::Version => Self::Version,
            Purpose::Again => Self::Again,
        }
    }
}
