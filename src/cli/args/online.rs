//! The arguments of what talks to a key service, and of what stops a key there.

use super::provider::Purpose;
use clap::Args;
use quorate::key::{KeyKind, KeyName, Label};
use quorate::provider::Provider;
use std::path::PathBuf;

/// Whether this program was built with clients. Without them the arguments exist, and say so.
const ONLINE: bool = cfg!(feature = "online");

/// How a key service is reached. Credentials come by the provider's own usual chain.
#[derive(Debug, Clone, Args)]
pub(crate) struct Reached {
    /// Another address than the usual one (OpenBao: BAO_ADDR, AWS: AWS_ENDPOINT_URL say it too)
    #[arg(long, value_name = "URL", hide = !ONLINE)]
    pub(crate) endpoint: Option<String>,
    /// Of several servers, the keys of this one alone, as the log names it
    #[arg(long, value_name = "HOST")]
    pub(crate) server: Option<String>,
    /// The server that the log names has another address now; nothing is stopped there that is not known for sure
    #[arg(long, hide = !ONLINE)]
    pub(crate) moved: bool,
    /// Certificates (PEM) that are trusted beside the system's (BAO_CACERT and AWS_CA_BUNDLE say it too)
    #[arg(long, value_name = "FILE", hide = !ONLINE)]
    pub(crate) ca: Option<PathBuf>,
    /// Seconds that one call may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, hide = !ONLINE, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub(crate) call_timeout: u16,
    /// Let plain http pass to this very machine, for tests
    #[arg(long, hide = true)]
    pub(crate) plain_http_here: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportBegin {
    /// The provider; with --next and --again only where the log knows several
    #[arg(value_name = "PROVIDER", required_unless_present_any = ["next", "again"])]
    pub(crate) provider: Option<Provider>,
    /// What kind of key it will be
    #[arg(short, long, value_name = "KIND", required_unless_present_any = ["next", "again"], conflicts_with_all = ["next", "again"])]
    pub(crate) kind: Option<KeyKind>,
    /// The next version of a key, to where its newest one is
    #[arg(long, value_name = "NAME", conflicts_with = "again")]
    pub(crate) next: Option<Label>,
    /// The very same version again, to where it was lost
    #[arg(long, value_name = "NAME[@VERSION]")]
    pub(crate) again: Option<KeyName>,
    /// A name of the target, as in key=NAME; what the log knows need not be given
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub(crate) fields: Vec<String>,
    /// What the import makes there
    #[arg(long = "as", value_name = "WHAT", default_value = "key", conflicts_with_all = ["next", "again"])]
    pub(crate) purpose: Purpose,
    /// The import method (default: the first that fits)
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// The size of the wrapping key (default: the largest)
    #[arg(long, value_name = "BITS")]
    pub(crate) bits: Option<usize>,
    /// The new request
    #[arg(short, long, value_name = "FILE", default_value = "request.json")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) reached: Reached,
}

#[derive(Debug, Args)]
pub(crate) struct ImportFinish {
    /// The package's folder
    #[arg(value_name = "DIR")]
    pub(crate) package: PathBuf,
    /// Leave a later version waiting, where making it the one that is used is a step of its own
    #[arg(long)]
    pub(crate) leave_waiting: bool,
    #[command(flatten)]
    pub(crate) reached: Reached,
}

#[derive(Debug, Args)]
pub(crate) struct ProviderStatus {
    /// One key, or one version of it (default: all)
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) name: Option<KeyName>,
    /// One provider
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) at: Option<Provider>,
    /// Days before its end there when a key is named, as one that differs
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub(crate) soon: u16,
    #[command(flatten)]
    pub(crate) reached: Reached,
}

#[derive(Debug, Args)]
pub(crate) struct ShredArgs {
    /// One version, or the whole key with all of its versions
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) name: KeyName,
    /// One provider (default: all that the log knows)
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) at: Option<Provider>,
    /// Only where a name of the place is this, as in mount=team
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub(crate) fields: Vec<String>,
    /// Also take what goes with it: other keys and versions in the same place, what the log does not know, and the
    /// last of a key whose backup is destroyed
    #[arg(long)]
    pub(crate) with_others: bool,
    /// Only what drills have put there, into test keys
    #[arg(long, conflicts_with = "disable")]
    pub(crate) drilled: bool,
    /// Stop it in a way that enabling it undoes; nothing is deleted
    #[arg(long)]
    pub(crate) disable: bool,
    /// Days that the provider waits before a destruction is final, where that can be chosen (AWS: 7 to 30)
    #[arg(long, value_name = "DAYS", conflicts_with = "disable")]
    pub(crate) days: Option<u8>,
    /// Print the provider's own commands instead; nothing is done or logged
    #[arg(long)]
    pub(crate) by_hand: bool,
    /// Log that the printed commands were run
    #[arg(long)]
    pub(crate) done: bool,
    /// Answer the question with yes
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) reached: Reached,
}
