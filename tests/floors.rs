//! The floors of the source tree, and the gates of foreign cryptographic crates (design section 5).
//!
//! A module of the library names modules of lower floors only, and each cryptographic crate is named
//! under one module only. Checked by reading the source: no module is exempt.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    missing_docs
)]

use std::fs;
use std::path::{Path, PathBuf};

const FLOORS: [(&str, u8); 16] = [
    ("secret", 0),
    ("primitive", 0),
    ("wire", 0),
    ("key", 1),
    ("age", 1),
    ("share", 2),
    ("quorum", 3),
    ("backup", 3),
    ("seal", 3),
    ("wrap", 3),
    ("hsm", 3),
    ("provider", 4),
    ("store", 4),
    ("log", 5),
    ("online", 5),
    ("card", 4),
];
const CEREMONY: (&str, u8) = ("ceremony", 6);

/// Floor 0 has three modules that may name each other: primitives and encodings of secrets.
const SAME_FLOOR: [(&str, &str); 3] = [("primitive", "secret"), ("wire", "secret"), ("wire", "primitive")];

/// Foreign cryptographic crates and the one module that names each.
const GATES: [(&str, &str); 26] = [
    ("aes", "primitive"),
    ("aes_kw", "primitive"),
    ("argon2", "seal"),
    ("bech32", "age"),
    ("chacha20poly1305", "primitive"),
    ("cmac", "primitive"),
    ("crypto_primes", "key"),
    ("cryptoki", "hsm"),
    ("cryptoki_sys", "hsm"),
    ("curve25519_dalek", "share"),
    ("ed25519_dalek", "primitive"),
    ("getrandom", "primitive"),
    ("hkdf", "primitive"),
    ("hmac", "primitive"),
    ("hpke", "age"),
    ("k256", "key"),
    ("memmap2", "secret"),
    ("p256", "key"),
    ("p384", "key"),
    ("p521", "key"),
    ("rsa", "key"),
    ("sha1", "primitive"),
    ("sha2", "primitive"),
    ("subtle", "secret"),
    ("vsss_rs", "share"),
    ("x25519_dalek", "age"),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with the module it is under, without comments and tests.
fn files() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    let mut files = Vec::new();
    for path in found {
        let inside = path.strip_prefix(&root).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs").to_owned();
        let is_test =
            inside.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code: String =
            code.lines().map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect();
        if !is_test {
            files.push((module, path, code));
        }
    }
    files
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().chain([&CEREMONY]).find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The modules of this crate that code names.
fn named(code: &str) -> Vec<String> {
    let word = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    code.match_indices("crate::").map(|(at, found)| word(&code[at + found.len()..])).collect()
}

#[test]
fn a_module_names_lower_floors_only() {
    let mut modules = std::collections::BTreeSet::new();
    for (module, path, code) in files() {
        if ["main", "lib", "cli"].contains(&module.as_str()) {
            continue;
        }
        let own = floor(&module).unwrap_or_else(|| panic!("{module} has no floor"));
        modules.insert(module.clone());
        for other in named(&code).into_iter().filter(|other| *other != module) {
            let Some(theirs) = floor(&other) else { continue };
            let allowed = theirs < own || SAME_FLOOR.contains(&(module.as_str(), other.as_str()));
            assert!(allowed, "{}: floor {own} names {other} of floor {theirs}", path.display());
        }
    }
    assert_eq!(modules.len(), FLOORS.len() + 1, "a floor is listed for a module that is gone");
}

#[test]
fn the_command_line_uses_the_public_interface_only() {
    for (module, path, code) in files() {
        if module == "cli" {
            // Its own modules it may name in full.
            let others: Vec<_> = named(&code).into_iter().filter(|module| module != "cli").collect();
            assert!(others.is_empty(), "{}: {others:?}", path.display());
        }
    }
}

#[test]
fn each_cryptographic_crate_is_named_in_one_module() {
    for (krate, gate) in GATES {
        let uses = |code: &str| {
            code.match_indices(krate).any(|(at, _)| {
                let before = code[..at].chars().next_back();
                let after = &code[at + krate.len()..];
                let whole = before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':' && c != '.');
                whole && after.starts_with("::")
            })
        };
        let users: std::collections::BTreeSet<String> =
            files().into_iter().filter(|(_, _, code)| uses(code)).map(|(module, ..)| module).collect();
        assert_eq!(users, std::collections::BTreeSet::from([gate.to_owned()]), "{krate}");
    }
}

#[test]
fn every_file_says_what_it_owns_and_stays_short() {
    for (_, path, _) in files() {
        let text = fs::read_to_string(&path).unwrap();
        let header = text.starts_with("//!") || text.starts_with("#![doc = include_str!");
        assert!(header, "{} has no header", path.display());
        assert!(text.lines().count() <= 500, "{} is longer than 500 lines", path.display());
    }
}

/// The crates of the tree that is built with these features, tests and examples left out.
fn tree(features: &[&str]) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = std::process::Command::new(cargo);
    cargo.args(["tree", "--locked", "--offline", "--target", "all", "--edges", "normal,build"]);
    cargo.args(["--prefix", "none", "--format", "{p}"]).args(features);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

const NETWORK: [&str; 25] = [
    "async-std",
    "aws-config",
    "curl",
    "h2",
    "hickory-resolver",
    "hyper",
    "isahc",
    "mio",
    "native-tls",
    "openssl",
    "quinn",
    "reqwest",
    "ring",
    "rustls",
    "smol",
    "socket2",
    "surf",
    "tokio",
    "tonic",
    "tungstenite",
    "ureq",
    "url",
    "webpki",
    "httparse",
    "zmq",
];

/// The default build has no network code: no crate of the tree is a client, a server or a TLS library, and
/// no file of the source names a socket but those of the two features that are off by default.
#[test]
fn the_dependency_tree_has_no_network_code() {
    for features in [&[][..], &["--no-default-features"]] {
        let names = tree(features);
        assert!(names.len() > 50, "the tree was not read");
        for name in names {
            assert!(!NETWORK.contains(&&*name), "{name} is network code");
        }
    }
    for (_, path, code) in files().into_iter().filter(|(_, path, _)| !is_camera(path) && !is_online(path)) {
        const WORDS: [&str; 10] = [
            "std::net",
            "UdpSocket",
            "TcpStream",
            "TcpListener",
            "net::",
            "httparse",
            "ureq",
            "aws_",
            "azure_core",
            "google_cloud",
        ];
        for word in WORDS {
            assert!(!code.contains(word), "{} names {word}", path.display());
        }
    }
}

/// The clients of key services are off, and are the only ones that bring network code.
#[test]
fn the_clients_are_off_unless_asked_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let feature = manifest.lines().find(|line| line.starts_with("online = ")).unwrap();
    for name in feature.split('"').filter_map(|word| word.strip_prefix("dep:")) {
        let line = manifest.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
        assert!(line.ends_with("optional = true }"), "{line}");
        assert_eq!(manifest.matches(&format!("dep:{name}\"")).count(), 1, "{name}");
    }
    assert!(tree(&["--features", "online"]).contains(&"rustls".to_owned()));
    let lib = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    assert!(lib.contains("#[cfg(feature = \"online\")]\npub mod online;\n"));
    assert_eq!(lib.matches("mod online").count(), 1);
    let cli = fs::read_to_string(root.join("src/cli.rs")).unwrap();
    let on = "#[cfg(feature = \"online\")]\nmod online;\n";
    let off = "#[cfg(not(feature = \"online\"))]\n#[path = \"cli/online/absent.rs\"]\nmod online;\n";
    assert!(cli.contains(on) && cli.contains(off));
}

/// Whether a source file is built with the feature `online` only.
fn is_online(path: &Path) -> bool {
    let names = path.components().any(|part| part.as_os_str() == "online");
    (names || path.ends_with("online.rs"))
        && !path.ends_with("absent.rs")
        && !path.ends_with("args/online.rs")
}

/// Whether a source file is built with the feature `camera` only.
fn is_camera(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with("src/cli/camera")) && !path.ends_with("absent.rs")
}

/// The one exception listens on this machine's own address, and is not built unless it is asked for.
#[test]
fn the_camera_is_off_and_listens_to_this_machine_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let lines = |start: &str| manifest.lines().filter(|line| line.starts_with(start)).collect::<Vec<_>>();
    // The feature is no default, and brings one crate more.
    assert_eq!(lines("default = "), [r#"default = ["cli"]"#]);
    assert_eq!(lines("camera = "), [r#"camera = ["cli", "dep:httparse"]"#]);
    assert!(lines("httparse = ").iter().all(|line| line.ends_with("optional = true }")));
    assert_eq!(manifest.matches("httparse").count(), 2);
    assert_eq!(manifest.matches("camera = ").count(), 1);
    let mut with = tree(&["--features", "camera"]);
    with.retain(|name| name != "httparse");
    assert_eq!(with, tree(&[]));
    // What is built without it is the refusal.
    let cli = fs::read_to_string(root.join("src/cli.rs")).unwrap();
    let on = "#[cfg(feature = \"camera\")]\nmod camera;\n";
    let off = "#[cfg(not(feature = \"camera\"))]\n#[path = \"cli/camera/absent.rs\"]\nmod camera;\n";
    assert!(cli.contains(on) && cli.contains(off));
    assert_eq!(cli.matches("mod camera").count(), 2);
    // It binds once, to this machine's own address, and connects to nothing.
    let code: String =
        files().into_iter().filter(|(_, path, _)| is_camera(path)).map(|(.., code)| code).collect();
    assert_eq!(code.matches("bind(").count(), 1);
    assert!(code.contains("TcpListener::bind((Ipv4Addr::LOCALHOST, 0))"));
    for word in ["connect(", "connect_timeout", "UdpSocket", "UNSPECIFIED", "ToSocketAddrs", "lookup_host"] {
        assert!(!code.contains(word), "the camera names {word}");
    }
}
