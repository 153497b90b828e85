//! Every package of every provider is opened by others, and OpenBao, the real server, takes ours.
//!
//! `the_matrix_is_opened` makes a package for every method, kind and RSA size that a provider documents, has
//! it unwrapped by Python's cryptography and by OpenSSL (`tests/tools/unwrap.py`), and holds the list of them to
//! `docs/providers/matrix.md`. `openbao_takes_what_we_wrap` runs `tests/tools/openbao.py`, and
//! `aws_takes_what_we_wrap` the commands that packages print against what stands for AWS. They need Python with
//! `cryptography` and `bao` on the path, and the folder `aws` of the tools; with `QUORATE_TEST_ALL=1` they fail when it is missing.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests"
)]

use quorate::key::{Fingerprint, KeyKind, KeyMaterial, generate, import};
use quorate::primitive::random::Entropy;
use quorate::provider::{Download, Draft, Envelope, Lifetime, Provider, Purpose, Request, Subject, Target};
use quorate::wire::text::base64;
use quorate::wire::time::Timestamp;
use quorate::wrap::Form;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Command;

const SIZES: [usize; 3] = [2048, 3072, 4096];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether the programs that a test needs are there.
fn has(programs: &[(&str, &[&str])]) -> bool {
    programs.iter().all(|(program, words)| {
        let there = Command::new(program).args(*words).output().is_ok_and(|ran| ran.status.success());
        if !there {
            assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "{program} {words:?} is missing");
            eprintln!("left out: {program} {words:?} is missing");
        }
        there
    })
}

fn run(script: &str, words: &[&str]) -> String {
    let ran =
        Command::new("python3").arg(root().join("tests/tools").join(script)).args(words).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{script}:\n{out}{err}");
    out.into_owned()
}

fn material(kind: KeyKind) -> KeyMaterial {
    if kind.name().starts_with("rsa") {
        let file = root().join(format!("tests/data/key/{kind}.pem"));
        return import(None, &fs::read(file).unwrap()).unwrap();
    }
    generate(kind, &mut Entropy::system()).unwrap()
}

/// A provider's wrapping key of `bits` bits: its private key in a file, its public one in PEM.
fn pair(folder: &Path, bits: usize) -> (PathBuf, Vec<u8>) {
    let (private, public) = (folder.join(format!("{bits}.pem")), folder.join(format!("{bits}.pub")));
    let openssl =
        |words: &[&str]| assert!(Command::new("openssl").args(words).output().unwrap().status.success());
    let (to, from) = (private.to_str().unwrap(), public.to_str().unwrap());
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}"), "-out", to]);
    openssl(&["pkey", "-in", to, "-pubout", "-out", from]);
    let pem = fs::read(&public).unwrap();
    (private, pem)
}

/// What a provider's own files say, as far as its table asks for it.
fn download(provider: Provider, pem: &[u8]) -> Download {
    let spki = quorate::key::WrappingKey::read(pem).unwrap();
    let (key, token) = (base64(spki.spki()), base64(&[0x5a; 1000]));
    let end = "2026-11-25T12:00:00Z";
    let json = match provider {
        Provider::Aws => {
            format!(
                r#"{{"KeyId":"k","ImportToken":"{token}","PublicKey":"{key}","ParametersValidTo":"{end}"}}"#
            )
        }
        Provider::Alibaba => {
            format!(
                r#"{{"KeyId":"k","ImportToken":"{token}","PublicKey":"{key}","TokenExpireTime":"{end}"}}"#
            )
        }
        Provider::Tencent => {
            format!(
                r#"{{"KeyId":"k","ImportToken":"{token}","PublicKey":"{key}","ParametersValidTo":"{end}"}}"#
            )
        }
        Provider::Ibm | Provider::IbmHpcs => {
            format!(r#"{{"payload":"{}","nonce":"AAECAwQFBgcICQoL","expirationDate":"{end}"}}"#, base64(pem))
        }
        _ => return Download::read(provider, &[pem.to_vec()]).unwrap(),
    };
    Download::read(provider, &[json.into_bytes()]).unwrap()
}

fn request(provider: Provider, kind: KeyKind, method: &str, pem: &[u8]) -> Result<Request, String> {
    let rules = provider.rules();
    let mut target = Target::new();
    for field in rules.fields.iter().filter(|field| field.required) {
        target.insert(field.name.to_owned(), format!("the-{}", field.name));
    }
    let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    let end = (rules.lifetime != Lifetime::Lasts).then(|| "2026-11-25T12:00:00Z".parse().unwrap());
    let draft = Draft {
        provider,
        kind,
        purpose: Purpose::Key,
        download: download(provider, pem),
        method: Some(method.to_owned()),
        target,
        expires: end,
        made: now,
    };
    Request::make(draft).map_err(|error| error.to_string())
}

fn pack(request: &Request, key: &KeyMaterial, private: &Path, folder: &Path) {
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    let wrapped = request.wrap(key, now, &mut Entropy::system()).unwrap();
    let subject = Subject {
        name: "k".parse().unwrap(),
        version: NonZeroU32::MIN,
        kind: key.kind(),
        fingerprint: Fingerprint::parse(&"ab".repeat(32)).unwrap(),
    };
    fs::create_dir(folder).unwrap();
    for (name, bytes) in wrapped.pack(subject, now).files() {
        fs::write(folder.join(name), bytes).unwrap();
    }
    fs::write(folder.join("key"), key.bytes().expose()).unwrap();
    std::os::unix::fs::symlink(private, folder.join("private.pem")).unwrap();
}

#[test]
fn the_matrix_is_opened() {
    if !has(&[("openssl", &["version"]), ("python3", &["-c", "import cryptography"])]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let packages = place.path().join("packages");
    fs::create_dir(&packages).unwrap();
    let pairs = SIZES.map(|bits| (bits, pair(place.path(), bits)));
    let keys: BTreeMap<KeyKind, KeyMaterial> = KeyKind::ALL
        .into_iter()
        .filter(|kind| *kind != KeyKind::Opaque)
        .map(|kind| (kind, material(kind)))
        .collect();
    let mut text = String::new();
    let mut count = 0;
    for provider in Provider::ALL {
        let rules = provider.rules();
        writeln!(text, "\n## {} (`{}`)\n", rules.title, rules.name).unwrap();
        writeln!(text, "Blob: {}. The wrapping key lasts {}.\n", envelope(rules.envelope), rules.lasts)
            .unwrap();
        writeln!(text, "| method | form, hash | kind | RSA-2048 | RSA-3072 | RSA-4096 | proof |").unwrap();
        writeln!(text, "|---|---|---|---|---|---|---|").unwrap();
        for method in rules.methods {
            for kind in method.kinds {
                let form = if method.form == Form::Direct { "direct" } else { "hybrid" };
                write!(text, "| `{}` | {form}, {} | {kind} |", method.name, method.hash).unwrap();
                for (bits, (private, pem)) in &pairs {
                    let cell = match request(provider, *kind, method.name, pem) {
                        Ok(request) => {
                            let folder = packages.join(format!("{provider}-{}-{kind}-{bits}", method.name));
                            pack(&request, &keys[kind], private, &folder);
                            count += 1;
                            "opened"
                        }
                        Err(error) if error.contains("its wrapping keys have") => "—",
                        Err(error) if error.contains("bytes, and") => "refused: too long",
                        Err(error) => unreachable!("{error}"),
                    };
                    write!(text, " {cell} |").unwrap();
                }
                writeln!(text, " {} |", (rules.proof)(*kind).name()).unwrap();
            }
        }
    }
    assert_eq!(run("unwrap.py", &[packages.to_str().unwrap()]).trim(), count.to_string());
    let whole = format!(
        "# What every provider takes, and who opened it\n\n\
        Written by a test (`tests/providers.rs`), and held to it: {count} packages, each opened by Python's cryptography and by OpenSSL's\n\
        command line, whose bytes were the key's. *opened*: both gave the key. *—*: the provider has no wrapping key of that size.\n\
        *refused: too long*: OAEP can't hold the key, and the program says so before it wraps.\n{text}"
    );
    let made = root().join("target/matrix.md");
    fs::create_dir_all(made.parent().unwrap()).unwrap();
    fs::write(&made, &whole).unwrap();
    let kept = fs::read_to_string(root().join("docs/providers/matrix.md")).unwrap_or_default();
    assert!(kept == whole, "docs/providers/matrix.md is another one: compare it with target/matrix.md");
}

/// One page a provider: its table, and what `IMPORT.txt` says for a kind of each proof.
fn page(provider: Provider, pems: &[(usize, (PathBuf, Vec<u8>))], place: &Path) -> String {
    let rules = provider.rules();
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").unwrap();
    line(format!("# {} (`{}`)\n", rules.title, rules.name));
    line("This page is written by a test (`tests/providers.rs`) from the table in `src/provider`, and held to it.".to_owned());
    line(format!(
        "Which kinds go by which method under which wrapping key: [matrix.md](matrix.md). The wrapping key lasts {}.\n",
        rules.lasts
    ));
    if root().join(format!("docs/providers/{}-online.md", rules.name)).exists() {
        line(format!(
            "By the program's own client, on a machine with a network: [{0}-online.md]({0}-online.md).\n",
            rules.name
        ));
    }
    line("## On the connected machine\n\n```sh".to_owned());
    rules.fetch.iter().for_each(|command| line((*command).to_owned()));
    let kind = provider.kinds().last().copied().unwrap();
    line(format!("quorate request {} --kind {kind} --from … --set FIELD=VALUE …\n```\n", rules.name));
    line("| field | what it is |\n|---|---|".to_owned());
    for field in rules.fields {
        let need = if field.required { "" } else { " (optional)" };
        line(format!("| `{}` | {}{need} |", field.name, field.about));
    }
    line("\nThe command shows the SHA-256 of the wrapping key, and that of the whole request. Note both on paper; carry `request.json` to the ceremony.\n".to_owned());
    line("## In the ceremony\n\nA new key, or one that is backed up:\n\n```sh".to_owned());
    line(format!("quorate -C acme generate NAME --kind {kind} --for request.json --package out"));
    line("quorate -C acme recover NAME --to package:out --for request.json --card …\n```\n".to_owned());
    line("Compare all that is shown with the paper, and only then say yes. A script names what was noted: `--request SHA256`, the digest of the whole file.\n".to_owned());
    line(
        "## On the connected machine again\n\n`out/IMPORT.txt`, for a key of each kind of proof:".to_owned(),
    );
    let mut shown = Vec::new();
    for method in rules.methods {
        for kind in method.kinds {
            let proof = (rules.proof)(*kind);
            if shown.contains(&proof) {
                continue;
            }
            let fits = |(_, (private, pem)): &(usize, (PathBuf, Vec<u8>))| {
                let request = request(provider, *kind, method.name, pem).ok()?;
                Some((request, private.clone()))
            };
            let Some((request, private)) = pems.iter().rev().find_map(fits) else { continue };
            shown.push(proof);
            let folder = place.join(format!("page-{provider}-{kind}"));
            pack(&request, &material(*kind), &private, &folder);
            let import = fs::read_to_string(folder.join("IMPORT.txt")).unwrap();
            let digest = quorate::wire::text::hex(&request.wrapping_key().fingerprint());
            let import = import.replace(&digest, "…").replace(&"ab".repeat(32), "…");
            line(format!("\n```\n{import}```"));
        }
    }
    text
}

#[test]
fn the_pages_are_those_of_the_tables() {
    if !has(&[("openssl", &["version"])]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let pairs = [2048, 4096].map(|bits| (bits, pair(place.path(), bits)));
    let made = root().join("target/providers");
    fs::create_dir_all(&made).unwrap();
    let mut other = Vec::new();
    for provider in Provider::ALL {
        let page = page(provider, &pairs, place.path());
        let name = format!("{provider}.md");
        fs::write(made.join(&name), &page).unwrap();
        if fs::read_to_string(root().join("docs/providers").join(&name)).unwrap_or_default() != page {
            other.push(name);
        }
    }
    assert!(other.is_empty(), "docs/providers differs from target/providers in {other:?}");
}

fn envelope(envelope: Envelope) -> &'static str {
    match envelope {
        Envelope::Raw => "its bytes",
        Envelope::Base64 => "base64",
        Envelope::Byok => "base64url in a `.byok` file",
        Envelope::Oci => "base64 in JSON for OCI's command line",
        Envelope::Ibm => "base64 in JSON, with the encrypted nonce",
        Envelope::Hashed => "base64, with the SHA-256 of the key",
        Envelope::Ttlv => "a KMIP Register payload in TTLV",
    }
}

#[test]
fn openbao_takes_what_we_wrap() {
    if !has(&[("bao", &["version"]), ("python3", &["-c", "import cryptography"])]) {
        return;
    }
    let keys = root().join("tests/data/key");
    let out = run("openbao.py", &[env!("CARGO_BIN_EXE_quorate"), keys.to_str().unwrap()]);
    assert_eq!(out.lines().count(), 4, "{out}");
}

#[test]
fn aws_takes_what_we_wrap() {
    let tools = std::env::var_os("QUORATE_TOOLS").map_or_else(|| root().join("target/tools"), PathBuf::from);
    let bin = tools.join("aws/bin");
    let python = bin.join("python3");
    if !has(&[(python.to_str().unwrap(), &["-c", "import ministack, awscli"])]) {
        return;
    }
    let out = run("aws_commands.py", &[env!("CARGO_BIN_EXE_quorate"), bin.to_str().unwrap()]);
    assert_eq!(out.lines().count(), 2, "{out}");
}
