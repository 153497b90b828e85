//! `quorate import begin`: a request, from the service itself.
//!
//! In: the provider and the names of the target; or a key of the log, of which the next version is brought to where
//! the newest is (`--next`), or the same version to where it was lost (`--again`). The service makes the place
//! if it wants one and there is none, and gives the wrapping key. Out: the same `request.json` that `quorate
//! request` makes, to carry to the ceremony. Nothing is logged: nothing has happened yet.

use super::{failure_of_many, same_server, service};
use crate::cli::args::{ImportBegin, Place};
use crate::cli::failure::Failure;
use crate::cli::files::create_secret;
use crate::cli::output::Output;
use crate::cli::places::is_at;
use crate::cli::request::{fields, shown};
use crate::cli::session::{Session, now};
use quorate::key::{KeyKind, KeyName};
use quorate::log::{Held, State};
use quorate::online::{Wish, begin as begin_import};
use quorate::provider::{Provider, Purpose, Target, whereabouts};

/// What is asked for: from the arguments, or from the log.
struct Asked {
    provider: Provider,
    kind: KeyKind,
    purpose: Purpose,
    target: Target,
}

pub(crate) fn begin(place: &Place, options: &ImportBegin, output: &mut Output) -> Result<(), Failure> {
    let mut asked = asked(place, options)?;
    asked.target.extend(fields(&options.fields)?);
    // Before anything is made there: a file in the way is found now.
    if options.out.symlink_metadata().is_ok() {
        let error = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(Failure::file(&options.out, &error));
    }
    let service = service(asked.provider, &options.reached)?;
    same_server(&*service, asked.provider, &options.reached, &asked.target)?;
    // Of a key that the log knows by an older record, the names stay as they are.
    if let (Some(server), true) = (service.server(), options.next.is_none() && options.again.is_none()) {
        asked.target.entry("server".to_owned()).or_insert(server);
    }
    let wish = Wish {
        kind: asked.kind,
        purpose: asked.purpose,
        method: options.method.clone(),
        bits: options.bits,
        target: asked.target,
    };
    let made = place.clock.unwrap_or_else(now);
    let request = begin_import(&*service, asked.provider, &wish, made)?;
    create_secret(&options.out, &request.bytes())?;
    shown(&request, &options.out, output);
    Ok(())
}

fn asked(place: &Place, options: &ImportBegin) -> Result<Asked, Failure> {
    if let (Some(provider), Some(kind)) = (options.provider, options.kind) {
        return Ok(Asked { provider, kind, purpose: options.purpose.into(), target: Target::new() });
    }
    let session = Session::of(place)?;
    let escrow = session.open()?;
    let state = escrow.state();
    match (&options.next, &options.again) {
        (Some(label), _) => {
            let name = KeyName { label: label.clone(), version: None };
            let held = newest(state, &name, options)?;
            let kind = escrow.version(&name)?.backed.kind;
            let target = whereabouts(&held.imported.names());
            Ok(Asked { provider: held.imported.provider, kind, purpose: Purpose::Version, target })
        }
        (None, Some(name)) => {
            let held = newest(state, name, options)?;
            let exact = KeyName { label: name.label.clone(), version: Some(held.imported.version) };
            let kind = escrow.version(&exact)?.backed.kind;
            let provider = held.imported.provider;
            let mut target = whereabouts(&held.imported.names());
            let number = held.imported.id.as_deref().and_then(|id| id.split('@').next());
            let number = number.or_else(|| held.imported.target.get("version").map(String::as_str));
            match provider {
                Provider::OpenBao => {
                    let number = number.unwrap_or("1").to_owned();
                    target.insert("version".to_owned(), number);
                }
                Provider::Gcp => {
                    target.extend(held.imported.id.clone().map(|id| ("existing".to_owned(), id)));
                }
                _ => {}
            }
            Ok(Asked { provider, kind, purpose: Purpose::Again, target })
        }
        (None, None) => {
            Err(Failure::usage("it is not said what kind of key it will be").hint("give --kind KIND"))
        }
    }
}

/// The newest version of a name that a provider holds, or the one that is named.
fn newest<'a>(state: &'a State, name: &KeyName, options: &ImportBegin) -> Result<&'a Held, Failure> {
    let fits = |held: &&Held| {
        !held.drill
            && held.imported.name == name.label
            && name.version.is_none_or(|version| held.imported.version == version)
            && options.provider.is_none_or(|provider| held.imported.provider == provider)
            && is_at(&options.reached, &held.imported)
    };
    let found: Vec<&Held> = state.held().filter(fits).collect();
    let version = found.iter().map(|held| held.imported.version).max();
    let found: Vec<&Held> = found.into_iter().filter(|held| Some(held.imported.version) == version).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::usage(format!("the log knows of no provider that took {name}"))
            .hint("name the provider, --kind and --set, for a first import")),
        several => Err(failure_of_many(&name.to_string(), several)),
    }
}
