//! Packages: a key wrapped for providers on its way out, and a package looked at again.
//!
//! [`Order`] is what `--for` asks of a ceremony: requests that fit the clock, whose wrapping keys were
//! confirmed, and a folder that is free. It is made before anything is logged. The key is wrapped in memory;
//! the folder waits under a pending name until the log says `package` done, and gets its name then.

use super::args::{For, PackageCommand, Place};
use super::failure::{DIFFERENCE, FAILED, Failure};
use super::files::{create_secret, has_folder, make_private_folder, read_secret, waiting};
use super::output::Output;
use super::request::lines;
use super::session::{Session, environment};
use super::terminal::{confirm, is_interactive};
use quorate::ceremony::escrow::Escrow;
use quorate::key::{KeyKind, KeyMaterial};
use quorate::log::{Op, Packaged, Phase};
use quorate::primitive::random::Entropy;
use quorate::provider::{
    Package, PackageError, PackageFacts, Request, RequestError, Subject, Wrapped, whereabouts,
};
use quorate::wire::json::{Json, object};
use quorate::wire::text::hex;
use quorate::wire::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest file of a package, and of a request.
const LONGEST: usize = 128 * 1024;
/// The most files that a package's folder is read of.
const MOST: usize = 16;

/// What `--for` asks of a ceremony.
pub(crate) struct Order {
    requests: Vec<Request>,
    dir: PathBuf,
}

/// Packages that wait to be released.
pub(crate) struct Waiting {
    packages: Vec<(PackageFacts, [u8; 32])>,
    from: PathBuf,
    to: PathBuf,
}

impl Order {
    /// Reads and confirms the requests.
    pub(crate) fn of(options: &For, dir: &Path, now: Timestamp, output: &Output) -> Result<Self, Failure> {
        let mut requests = Vec::new();
        for path in &options.requests {
            let bytes = read_secret(path, LONGEST)?;
            let named = |error: RequestError| {
                let mut failure = Failure::from(error);
                failure.message = format!("{}: {}", path.display(), failure.message);
                failure
            };
            let request = Request::read(bytes.expose()).map_err(named)?;
            request.check(now).map_err(named)?;
            confirmed(&request, path, options, output)?;
            requests.push(request);
        }
        if dir.symlink_metadata().is_ok() {
            let error = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(Failure::file(dir, &error));
        }
        let left = waiting(dir, None);
        if left.symlink_metadata().is_ok() {
            return Err(Failure::new(FAILED, format!("{}: it exists already", left.display()))
                .hint("a run that was broken off left it, and released nothing: delete it"));
        }
        // One key in one place is enough, and the second would be taken for the first.
        let places = requests.iter().map(|request| (request.provider(), whereabouts(request.target())));
        if places.collect::<BTreeSet<_>>().len() < requests.len() {
            return Err(Failure::usage("two of the requests are for the same place")
                .hint("give one request for each place"));
        }
        has_folder(dir)?;
        Ok(Self { requests, dir: dir.to_owned() })
    }

    /// Whether every request is for a key of `kind`.
    pub(crate) fn fits(&self, kind: KeyKind) -> Result<(), Failure> {
        match self.requests.iter().find(|request| request.kind() != kind) {
            None => Ok(()),
            Some(request) => {
                let (provider, wanted) = (request.provider(), request.kind());
                Err(RequestError::OtherKind { provider, wanted, found: kind }.into())
            }
        }
    }

    /// The requests.
    pub(crate) fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Wraps a key for each.
    pub(crate) fn wrap(
        &self,
        key: &KeyMaterial,
        now: Timestamp,
        entropy: &mut Entropy,
    ) -> Result<Vec<Wrapped>, RequestError> {
        self.requests.iter().map(|request| request.wrap(key, now, entropy)).collect()
    }

    /// Writes the packages to where nobody looks yet.
    pub(crate) fn write(
        &self,
        wrapped: Vec<Wrapped>,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Waiting, Failure> {
        let from = waiting(&self.dir, None);
        make_private_folder(&from)?;
        let mut made = Waiting { packages: Vec::new(), from, to: self.dir.clone() };
        let several = wrapped.len() > 1;
        for (number, one) in (1_usize..).zip(wrapped) {
            let package = one.pack(subject.clone(), now);
            let mut folder = made.from.clone();
            if several {
                folder.push(format!("{number}-{}", package.facts().provider));
                make_private_folder(&folder)?;
            }
            for (name, bytes) in package.files() {
                create_secret(&folder.join(name), bytes)?;
            }
            made.packages.push((package.facts().clone(), package.digest()));
        }
        Ok(made)
    }
}

impl Waiting {
    /// Logs the packages, and only then gives their folder its name.
    pub(crate) fn release(
        self,
        escrow: &mut Escrow<'_>,
        output: &mut Output,
    ) -> Result<Json<'static>, Failure> {
        let records = self.records(None);
        escrow.commit(|_| Ok::<_, Infallible>(records.clone()))?;
        self.publish(output)
    }

    /// What the log says of them, perhaps made in the drill whose intent this is.
    pub(crate) fn records(&self, drill: Option<u64>) -> Vec<(Op, Phase, Json<'static>)> {
        let record = |(facts, digest): &(PackageFacts, [u8; 32])| {
            let packaged = Packaged::of(facts, *digest);
            let packaged = match drill {
                None => packaged,
                Some(intent) => packaged.in_drill(intent),
            };
            (Op::Package, Phase::Done, packaged.done())
        };
        self.packages.iter().map(record).collect()
    }

    /// Gives the folder its name, when the log says what is in it.
    pub(crate) fn publish(mut self, output: &mut Output) -> Result<Json<'static>, Failure> {
        let packages = core::mem::take(&mut self.packages);
        fs::rename(&self.from, &self.to).map_err(|error| Failure::file(&self.from, &error))?;
        for (facts, digest) in &packages {
            output.line(format!(
                "packaged {} version {} for {}",
                facts.subject.name, facts.subject.version, facts.provider
            ));
            output.line(format!("  goes to     {}", facts.place));
            output.line(format!("  package     {}", hex(digest)));
        }
        output.line(format!(
            "carry {} to the connected machine: its IMPORT.txt has the commands",
            self.to.display()
        ));
        Ok(Json::List(packages.iter().map(|(facts, digest)| facts_json(facts, digest)).collect()))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // What was released has moved away.
        let _ = fs::remove_dir_all(&self.from);
    }
}

fn facts_json(facts: &PackageFacts, digest: &[u8; 32]) -> Json<'static> {
    object([
        ("fingerprint", Some(Json::text(facts.subject.fingerprint.to_string()))),
        ("kind", Some(Json::text(facts.subject.kind.name()))),
        ("name", Some(Json::text(facts.subject.name.to_string()))),
        ("package", Some(Json::text(hex(digest)))),
        ("place", Some(Json::text(facts.place.clone()))),
        ("proof", Some(Json::text(facts.proof.kind.name()))),
        ("provider", Some(Json::text(facts.provider.name()))),
        ("version", Some(Json::Number(facts.subject.version.get().into()))),
        ("wrapping-key", Some(Json::text(hex(&facts.wrapping_key)))),
    ])
}

/// Has a request confirmed: by arguments, or by the people at the terminal. Its wrapping key is the main thing, since
/// whoever exchanged it would get the key; the whole request has its place and purpose in it too.
fn confirmed(request: &Request, path: &Path, options: &For, output: &Output) -> Result<(), Failure> {
    let plain = |text: &String| text.replace([' ', ':', '-'], "").to_ascii_lowercase();
    let named = |given: &[String], found: &str| given.iter().any(|text| plain(text) == found);
    let (whole, key) = (hex(&request.digest()), hex(&request.wrapping_key().fingerprint()));
    if !options.digests.is_empty() {
        if named(&options.digests, &whole) {
            return Ok(());
        }
        let message =
            format!("{} is not a request that was confirmed: its SHA-256 is {whole}", path.display());
        return Err(Failure::new(DIFFERENCE, message)
            .hint("compare it with the machine that made it: place, version, purpose or wrapping key was altered on the way"));
    }
    if !options.wrapping_keys.is_empty() {
        if named(&options.wrapping_keys, &key) {
            output.note(format!(
                "{}: its wrapping key was confirmed; that it goes to {} ({}) was not: --request SHA256 confirms that too",
                path.display(),
                request.place(),
                request.purpose().about()
            ));
            return Ok(());
        }
        let message = format!(
            "the wrapping key in {} is not one that was confirmed: its SHA-256 is {key}",
            path.display()
        );
        return Err(Failure::new(DIFFERENCE, message)
            .hint("compare with the machine that made the request: a wrapping key that was exchanged opens the key to somebody else"));
    }
    if !is_interactive() {
        let message = format!("the wrapping key in {} was not confirmed", path.display());
        return Err(Failure::usage(message).hint(
            "give --request SHA256 or --wrapping-key SHA256, as the machine that made the request shows them",
        ));
    }
    output.note(format!("{}:", path.display()));
    lines(request).iter().for_each(|line| output.note(line));
    output.note("whoever exchanged the wrapping key would get the key, and whoever altered the rest would send it elsewhere: compare every line");
    if confirm("does the other machine show the same?")? {
        return Ok(());
    }
    Err(Failure::new(DIFFERENCE, "the request was not confirmed: nothing was wrapped")
        .hint("make a new request, and carry it by a way that nobody else has"))
}

/// Hexadecimal digits in groups of eight.
pub(crate) fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place.is_multiple_of(8) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Reads a package's folder.
pub(crate) fn read(dir: &Path) -> Result<Package, Failure> {
    let failure = |error: std::io::Error| Failure::file(dir, &error);
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(failure)? {
        let entry = entry.map_err(failure)?;
        if files.len() > MOST || !entry.file_type().map_err(failure)?.is_file() {
            return Err(Failure::new(DIFFERENCE, format!("{}: the folder holds more than a package does", dir.display()))
                .hint("name the folder of one package, with nothing else in it; answers of the provider go elsewhere"));
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        // What the printed commands themselves leave here is no part of the package.
        if matches!(name.as_str(), "answer.txt" | "public.txt") {
            continue;
        }
        files.insert(name, read_secret(&entry.path(), LONGEST)?.expose().to_vec());
    }
    Package::read(files).map_err(|error| {
        let mut failure = Failure::from(error);
        failure.message = format!("{}: {}", dir.display(), failure.message);
        failure
    })
}

/// That the log knows a package; whether a drill made it, for a test key.
pub(crate) fn known(escrow: &Escrow<'_>, package: &Package) -> Result<bool, Failure> {
    let packages = escrow.state().packages();
    if let Some((_, one)) = packages.iter().find(|(_, one)| one.package == package.digest()) {
        return Ok(one.drill.is_some());
    }
    let message =
        "the log knows no such package: it was made elsewhere, or altered with all that it says of itself";
    Err(Failure::new(DIFFERENCE, message)
        .hint("import nothing of it; make a new one with `quorate recover --to package:DIR`"))
}

pub(crate) fn run(place: &Place, command: &PackageCommand, output: &mut Output) -> Result<(), Failure> {
    let PackageCommand::Verify { dir } = command;
    let package = read(dir)?;
    let facts = package.facts();
    let in_escrow = place.escrow.is_some() || environment("QUORATE_ESCROW").is_some();
    if in_escrow {
        let session = Session::of(place)?;
        known(&session.open()?, &package)?;
    }
    let subject = &facts.subject;
    output.line(format!(
        "{} version {} ({}) for {}",
        subject.name, subject.version, subject.kind, facts.provider
    ));
    output.line(format!("  fingerprint   {}", subject.fingerprint.short()));
    output.line(format!("  goes to       {}", facts.place));
    output.line(format!("  wrapping key  {}", hex(&facts.wrapping_key)));
    output.line(format!("  proof         {}", facts.proof.kind.about()));
    output.line(if in_escrow {
        "  the package is whole, and one that the log knows"
    } else {
        "  the package is whole; name its escrow (-C DIR) to ask its log too"
    });
    output.value(facts_json(facts, &package.digest()));
    Ok(())
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        let failure = Self::new(FAILED, error.to_string());
        match error {
            // It said what to do.
            _ if failure.hint.is_some() => failure,
            RequestError::Later | RequestError::Json(_) => {
                failure.hint("give the file that `quorate request` made, unaltered")
            }
            RequestError::Kind { provider, .. }
            | RequestError::KindOfMethod { provider, .. }
            | RequestError::Size { provider, .. }
            | RequestError::Download { provider, .. }
            | RequestError::NoKey { provider } => {
                failure.hint(format!("`quorate provider show {provider}` says what it takes"))
            }
            RequestError::OtherKind { .. } => failure.hint("make a request for this kind of key"),
            RequestError::WrappingKey(_) => {
                failure.hint("get the wrapping key from the provider again, and compare its SHA-256")
            }
            _ => failure.hint("make a new request"),
        }
    }
}

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        let failure = Self::new(DIFFERENCE, error.to_string());
        if failure.hint.is_some() {
            return failure;
        }
        failure.hint("import nothing of it: copy it again from where it was made, or make a new one with `quorate recover --to package:DIR`")
    }
}
