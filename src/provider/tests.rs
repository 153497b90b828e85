//! The tables are whole, requests and packages come back, and every refusal names its rule.

use super::*;
use crate::key::{KeyMaterial, WrappingKey, generate, import};
use crate::primitive::random::Entropy;
use crate::wire::text;
use crate::wire::time::Timestamp;
use std::collections::BTreeMap;

const NOW: &str = "2026-11-24T12:00:00Z";
const LATER: &str = "2026-11-25T12:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A public key of `bits` bits that looks like one: nobody has the private key.
fn spki(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xc5; bits / 8];
    if let Some(last) = modulus.last_mut() {
        *last |= 1;
    }
    crate::key::PublicKey::rsa(&modulus, &[1, 0, 1]).unwrap().spki().to_vec()
}

fn draft(provider: Provider, kind: KeyKind, bits: usize, method: Option<&str>) -> Draft {
    let rules = provider.rules();
    let mut download = Download { key: Some(spki(bits)), ..Download::default() };
    if rules.token {
        download.token = Some(vec![7; 100]);
    }
    if rules.envelope == Envelope::Ibm {
        download.nonce = Some(vec![9; 12]);
    }
    let mut target = Target::new();
    for field in rules.fields.iter().filter(|field| field.required) {
        target.insert(field.name.to_owned(), format!("a-{}", field.name));
    }
    let expires = (rules.lifetime != Lifetime::Lasts).then(|| time(LATER));
    let method = method.map(str::to_owned);
    Draft { provider, kind, purpose: Purpose::Key, download, method, target, expires, made: time(NOW) }
}

fn material(kind: KeyKind) -> KeyMaterial {
    match kind {
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/key");
            import(None, &std::fs::read(format!("{folder}/{kind}.pem")).unwrap()).unwrap()
        }
        kind => generate(kind, &mut Entropy::system()).unwrap(),
    }
}

fn subject(kind: KeyKind) -> Subject {
    Subject {
        name: "k".parse().unwrap(),
        version: core::num::NonZeroU32::MIN,
        kind,
        fingerprint: crate::key::Fingerprint::parse(&"ab".repeat(32)).unwrap(),
    }
}

#[test]
fn lengths_are_those_of_keys() {
    for kind in KeyKind::ALL.into_iter().filter(|kind| *kind != KeyKind::Opaque) {
        let found = material(kind).bytes().len();
        let rsa = matches!(kind, KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096);
        // The numbers of an RSA key vary by some bytes.
        assert!(
            found == length(kind) || rsa && found <= length(kind) && found + 16 >= length(kind),
            "{kind} {found}"
        );
    }
}

#[test]
fn every_table_is_whole() {
    for provider in Provider::ALL {
        let rules = provider.rules();
        assert_eq!(rules.name.parse(), Ok(provider));
        assert!(UnknownProvider.to_string().contains(rules.name));
        assert!(!rules.methods.is_empty() && !rules.fetch.is_empty());
        assert!(rules.fields.iter().any(|field| field.name == "key" && field.required));
        for kind in KeyKind::ALL {
            let method = provider.method(kind, 4096, None).or_else(|_| provider.method(kind, 2048, None));
            assert_eq!(method.is_ok(), provider.kinds().contains(&kind), "{provider} {kind}");
            let proof = (rules.proof)(kind);
            if provider.kinds().contains(&kind) && proof == ProofKind::PublicKey {
                assert!(kind.is_asymmetric());
            }
        }
    }
    assert_eq!("AWS".parse::<Provider>(), Err(UnknownProvider));
}

#[test]
fn requests_and_packages_come_back() {
    let entropy = &mut Entropy::system();
    for provider in Provider::ALL {
        for method in provider.rules().methods {
            for kind in method.kinds {
                let bits = *method.bits.last().unwrap();
                let request = Request::make(draft(provider, *kind, bits, Some(method.name))).unwrap();
                let again = Request::read(&request.bytes()).unwrap();
                assert_eq!((again.bytes(), again.digest()), (request.bytes(), request.digest()));
                let key = material(*kind);
                let package = again.wrap(&key, time(NOW), entropy).unwrap().pack(subject(*kind), time(NOW));
                let read = Package::read(package.files().clone()).unwrap();
                assert_eq!((read.facts(), read.digest()), (package.facts(), package.digest()));
                let about = core::str::from_utf8(&package.files()["IMPORT.txt"]).unwrap();
                assert!(about.contains(&text::hex(&request.wrapping_key().fingerprint())), "{about}");
                assert!(package.files().values().all(|bytes| {
                    !bytes.windows(key.bytes().len()).any(|window| window == key.bytes().expose())
                }));
            }
        }
    }
}

#[test]
fn a_package_that_was_touched_is_refused() {
    let entropy = &mut Entropy::system();
    let cases = [
        (Provider::Aws, KeyKind::Aes256),
        (Provider::Azure, KeyKind::EcP256),
        (Provider::OpenBao, KeyKind::Aes256),
        (Provider::Oci, KeyKind::Aes256),
        (Provider::Ibm, KeyKind::Aes256),
        (Provider::Kmip, KeyKind::Hmac256),
    ];
    for (provider, kind) in cases {
        let request = Request::make(draft(provider, kind, 4096, None)).unwrap();
        let package =
            request.wrap(&material(kind), time(NOW), entropy).unwrap().pack(subject(kind), time(NOW));
        let files = package.files();
        let with = |name: &str, bytes: Option<Vec<u8>>| {
            let mut other = files.clone();
            match bytes {
                Some(bytes) => other.insert(name.to_owned(), bytes),
                None => other.remove(name),
            };
            Package::read(other).unwrap_err()
        };
        for (name, bytes) in files {
            let missing = matches!(with(name, None), PackageError::Missing { file } if file == *name);
            assert!(missing, "{provider} {name}");
            let cut = bytes[..bytes.len() - 1].to_vec();
            let doubled = [&bytes[..], bytes].concat();
            for altered in [cut, doubled] {
                let error = with(name, Some(altered));
                assert!(
                    matches!(
                        error,
                        PackageError::Size { .. } | PackageError::Json(_) | PackageError::Contradiction
                    ),
                    "{name}: {error}"
                );
            }
            let mut flipped = bytes.clone();
            flipped[bytes.len() / 2] ^= 1;
            // What package.json itself says is compared with the log, not with anything in the folder.
            if name != "package.json" {
                let error = with(name, Some(flipped));
                assert!(matches!(error, PackageError::Altered { .. }), "{name}: {error}");
            }
        }
        assert!(matches!(with("more", Some(vec![1])), PackageError::Extra { .. }));
    }
    assert_eq!(
        Package::read(BTreeMap::new()).unwrap_err(),
        PackageError::Missing { file: "package.json".to_owned() }
    );
}

#[test]
fn a_blob_of_another_length_is_refused_though_the_digests_fit() {
    let entropy = &mut Entropy::system();
    let request = Request::make(draft(Provider::Aws, KeyKind::Aes256, 2048, None)).unwrap();
    let mut wrapped = request.wrap(&material(KeyKind::Aes256), time(NOW), entropy).unwrap();
    wrapped.grow();
    let package = wrapped.pack(subject(KeyKind::Aes256), time(NOW));
    assert_eq!(Package::read(package.files().clone()).unwrap_err(), PackageError::Blob);
}

#[test]
fn wrong_combinations_name_the_rule() {
    let refused = |draft: Draft| Request::make(draft).unwrap_err().to_string();
    let make = |provider, kind, bits, method| refused(draft(provider, kind, bits, method));
    let cases = [
        (
            make(Provider::Azure, KeyKind::Aes256, 4096, None),
            "azure takes no key of kind aes-256: it takes ec-p256",
        ),
        (
            make(Provider::Oci, KeyKind::EcP256, 4096, None),
            "oci takes no key of kind ec-p256: it takes aes-128",
        ),
        (
            make(Provider::Aws, KeyKind::Rsa2048, 4096, Some("RSAES_OAEP_SHA_256")),
            "takes no key of kind rsa-2048",
        ),
        (make(Provider::Aws, KeyKind::Aes128, 4096, None), "aws takes no key of kind aes-128"),
        (make(Provider::Aws, KeyKind::Opaque, 4096, None), "aws takes no key of kind opaque"),
        (
            make(Provider::Aws, KeyKind::EcP521, 2048, Some("RSAES_OAEP_SHA_256")),
            "a key of kind ec-p521 has 241 bytes, and RSAES_OAEP_SHA_256 of aws takes 190 under 2048 bits",
        ),
        (make(Provider::OpenBao, KeyKind::Aes256, 2048, None), "2048 bits is not for SHA1 of openbao"),
        (make(Provider::Gcp, KeyKind::Aes256, 2048, None), "2048 bits is not for"),
        (make(Provider::Alibaba, KeyKind::Aes256, 4096, None), "its wrapping keys have 2048"),
        (
            make(Provider::Aws, KeyKind::Aes256, 4096, Some("RSAES_PKCS1_V1_5")),
            "aws has no such import method: use one of",
        ),
    ];
    for (error, fragment) in cases {
        assert!(error.contains(fragment), "no {fragment:?} in {error:?}");
    }
    // P-521 under RSA-2048 goes by the hybrid method, without being asked.
    let request = Request::make(draft(Provider::Aws, KeyKind::EcP521, 2048, None)).unwrap();
    assert_eq!(request.method().name, "RSA_AES_KEY_WRAP_SHA_256");
}

#[test]
fn wrong_requests_name_what_is_wrong() {
    let aws = || draft(Provider::Aws, KeyKind::Aes256, 4096, None);
    let error = |draft: Draft| Request::make(draft).unwrap_err().to_string();
    let has = |draft: Draft, fragment: &str| {
        let error = error(draft);
        assert!(error.contains(fragment), "no {fragment:?} in {error:?}");
    };
    has(Draft { expires: Some(time(NOW)), ..aws() }, "the wrapping key of aws ended at 2026-11-24T12:00:00Z");
    has(Draft { expires: None, ..aws() }, "give the time with --expires");
    has(Draft { target: Target::new(), ..aws() }, "a request for aws needs its field `key`");
    let with = |name: &str, value: &str| {
        let mut draft = aws();
        draft.target.insert(name.to_owned(), value.to_owned());
        draft
    };
    has(with("vault", "v"), "a request for aws has no field \"vault\"");
    for hostile in ["$(id)", "a b", "a;b", "-f", "'", ""] {
        has(with("key", hostile), "holds a character that no name of aws has");
    }
    let mut draft = aws();
    draft.download.token = None;
    has(draft, "the token that belongs to the wrapping key was looked for");
    let mut draft = aws();
    draft.download.key = None;
    has(draft, "no wrapping key is in the files");
    let mut draft = aws();
    draft.purpose = Purpose::Version;
    assert!(Request::make(draft).is_ok());
    let mut draft = self::draft(Provider::OpenBao, KeyKind::Aes256, 4096, None);
    draft.purpose = Purpose::Version;
    has(draft, "needs its field `version`");
    // The ceremony's clock.
    let request = Request::make(aws()).unwrap();
    let key = material(KeyKind::Aes256);
    let wrap = |now| request.wrap(&key, time(now), &mut Entropy::system()).unwrap_err().to_string();
    assert!(wrap(LATER).contains("ended at 2026-11-25T12:00:00Z, and it is 2026-11-25T12:00:00Z"));
    assert!(wrap("2026-11-24T11:00:00Z").contains("set the clock"));
    let other = request.wrap(&material(KeyKind::Hmac256), time(NOW), &mut Entropy::system());
    assert!(
        other
            .unwrap_err()
            .to_string()
            .contains("is for a key of kind aes-256, and this one is of kind hmac-256")
    );
}

#[test]
fn another_spelling_or_version_is_no_request() {
    let request = Request::make(draft(Provider::Gcp, KeyKind::Aes256, 4096, None)).unwrap();
    let bytes = request.bytes();
    let text = String::from_utf8(bytes.clone()).unwrap();
    for altered in [
        text.replace("\"as\":\"key\"", "\"as\":\"keys\""),
        text.replace("\"kind\":\"aes-256\"", "\"kind\":\"aes-257\""),
        text.replace("{\"algorithm\"", "{ \"algorithm\""),
        text.replace("\"provider\":\"gcp\"", "\"provider\":\"aws\""),
        text.replace("quorate/v1/request", "quorate/v2/request"),
        text.replace("\"key\":\"a-key\"", "\"key\":\"a'key\""),
        text.replace("\"expires\"", "\"expired\""),
        text.trim_end().trim_end_matches('}').to_owned(),
        String::new(),
    ] {
        assert!(Request::read(altered.as_bytes()).is_err(), "{altered}");
    }
    assert!(Request::read(&vec![b'{'; 200_000]).is_err());
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        if let Ok(other) = Request::read(&flipped) {
            assert_ne!(other.digest(), request.digest());
        }
    }
}

#[test]
fn downloads_are_read_as_the_providers_write_them() {
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\\n{}\\n-----END PUBLIC KEY-----\\n", text::base64(&spki(4096)));
    let key = text::base64(&spki(4096));
    let wanted = WrappingKey::from_spki(&spki(4096)).unwrap().fingerprint();
    let modulus = text::base64(&{
        let mut modulus = vec![0xc5; 512];
        modulus[511] |= 1;
        modulus
    });
    let files = [
        (
            Provider::Aws,
            vec![format!(
                r#"{{"KeyId": "arn:aws:kms:eu-west-1:1:key/a", "ImportToken": "AAAA", "PublicKey": "{key}", "ParametersValidTo": "2026-11-25T12:00:00.5+00:00"}}"#
            )],
            vec![],
        ),
        (
            Provider::Gcp,
            vec![format!(
                r#"{{"name": "projects/p/locations/l/keyRings/r/importJobs/j", "state": "ACTIVE", "importMethod": "RSA_OAEP_4096_SHA256_AES_256", "expireTime": "2026-11-25T12:00:00Z", "publicKey": {{"pem": "{pem}"}}}}"#
            )],
            vec![("key", "k")],
        ),
        (
            Provider::AzureHsm,
            vec![format!(
                r#"{{"key": {{"kid": "https://h.managedhsm.azure.net/keys/kek/1", "kty": "RSA-HSM", "n": "{modulus}", "e": "AQAB", "keyOps": ["import"]}}}}"#
            )],
            vec![("hsm", "h"), ("key", "k")],
        ),
        (Provider::OpenBao, vec![format!(r#"{{"data": {{"public_key": "{pem}"}}}}"#)], vec![("key", "k")]),
        (
            Provider::Oci,
            vec![format!(r#"{{"data": {{"public-key": "{pem}"}}}}"#)],
            vec![("key", "k"), ("compartment", "c"), ("endpoint", "https://e")],
        ),
        (
            Provider::Ibm,
            vec![
                r#"{"expirationDate": "2026-11-25T12:00:00Z", "remainingRetrievals": 1}"#.to_owned(),
                format!(
                    r#"{{"payload": "{}", "nonce": "AAAAAAAAAAAAAAAA"}}"#,
                    text::base64(pem.replace("\\n", "\n").as_bytes())
                ),
            ],
            vec![("key", "k"), ("instance", "i")],
        ),
        (Provider::Salesforce, vec![pem.replace("\\n", "\n")], vec![("key", "k"), ("certificate", "c")]),
    ];
    for (provider, files, fields) in files {
        let files: Vec<Vec<u8>> = files.into_iter().map(String::into_bytes).collect();
        let download = Download::read(provider, &files).unwrap();
        let target = fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let draft = Draft {
            provider,
            kind: KeyKind::Aes256,
            purpose: Purpose::Key,
            download,
            method: None,
            target,
            expires: None,
            made: time(NOW),
        };
        let request = Request::make(draft).unwrap();
        assert_eq!(request.wrapping_key().fingerprint(), wanted, "{provider}");
        let ends = provider.rules().lifetime != Lifetime::Lasts;
        assert_eq!(request.expires(), ends.then(|| time(LATER)), "{provider}");
    }
    // RSA-2048: their keys have no other size.
    let key = text::base64(&spki(2048));
    for (provider, file) in [
        (
            Provider::Alibaba,
            format!(
                r#"{{"KeyId": "k", "ImportToken": "AAAA", "PublicKey": "{key}", "TokenExpireTime": "2026-11-25T12:00:00Z"}}"#
            ),
        ),
        (
            Provider::Tencent,
            format!(
                r#"{{"Response": {{"KeyId": "k", "ImportToken": "AAAA", "PublicKey": "{key}", "ParametersValidTo": 1795608000}}}}"#
            ),
        ),
    ] {
        let download = Download::read(provider, &[file.into_bytes()]).unwrap();
        let mut draft = draft(provider, KeyKind::Aes256, 2048, None);
        (draft.download, draft.expires) = (download, None);
        assert_eq!(Request::make(draft).unwrap().expires(), Some(time(LATER)), "{provider}");
    }
}

#[test]
fn downloads_of_something_else_are_refused() {
    let read = |provider, files: &[&str]| {
        let files: Vec<Vec<u8>> = files.iter().map(|file| file.as_bytes().to_vec()).collect();
        Download::read(provider, &files).map(|_| ()).unwrap_err()
    };
    for provider in Provider::ALL {
        for file in ["{}", "{", "{\"KeyId\": 1}", "{\"data\": {}}", "{\"payload\": \"AAAA\"}"] {
            assert!(matches!(read(provider, &[file]), RequestError::Download { .. }), "{provider} {file}");
        }
    }
    let one = |id: &str| {
        format!(r#"{{"KeyId": "{id}", "ImportToken": "AAAA", "PublicKey": "AAAA", "ParametersValidTo": 1}}"#)
    };
    assert_eq!(read(Provider::Aws, &[&one("a"), &one("b")]), RequestError::Twice { what: "the names" });
    let disabled = r#"{"name": "projects/p/locations/l/keyRings/r/importJobs/j", "state": "EXPIRED", "importMethod": "RSA_OAEP_4096_SHA256", "expireTime": "2026-11-25T12:00:00Z", "publicKey": {"pem": "x"}}"#;
    assert!(matches!(read(Provider::Gcp, &[disabled]), RequestError::Download { .. }));
}

#[test]
fn answers_prove_or_they_do_not() {
    let entropy = &mut Entropy::system();
    let ask = |provider, kind, key: &KeyMaterial, entropy: &mut Entropy| {
        let request = Request::make(draft(provider, kind, 4096, None)).unwrap();
        let package = request.wrap(key, time(NOW), entropy).unwrap().pack(subject(kind), time(NOW));
        (package.facts().proof.clone(), package.files().clone())
    };
    // A public key, in every form that providers give it.
    let key = material(KeyKind::Ed25519);
    let (proof, _) = ask(Provider::OpenBao, KeyKind::Ed25519, &key, entropy);
    let spki = key.public_spki().unwrap().to_vec();
    let base64 = text::base64(&spki);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
    let raw = text::base64(&spki[spki.len() - 32..]);
    let listed = format!(r#"{{"1": {{"public_key": "{raw}"}}}}"#);
    for form in [spki.clone(), base64.into_bytes(), pem.into_bytes(), raw.into_bytes(), listed.into_bytes()] {
        assert_eq!(proof.check(&Answer::PublicKey(form)).unwrap(), text::hex(&key.spki_sha256().unwrap()));
    }
    let other = material(KeyKind::Ed25519).public_spki().unwrap().to_vec();
    assert!(matches!(proof.check(&Answer::PublicKey(other)), Err(ProofError::Other { .. })));
    assert!(matches!(proof.check(&Answer::PublicKey(b"{}".to_vec())), Err(ProofError::Unreadable { .. })));
    assert!(matches!(proof.check(&Answer::Reply(spki)), Err(ProofError::Wrong { .. })));
    // An authentication code.
    let key = material(KeyKind::Hmac384);
    let (proof, files) = ask(Provider::Aws, KeyKind::Hmac384, &key, entropy);
    let code = crate::primitive::hash::hmac(48, key.bytes().expose(), &files["challenge.bin"]).unwrap();
    assert!(proof.check(&Answer::Reply(code.clone())).is_ok());
    assert!(proof.check(&Answer::Reply(format!("vault:v1:{}\n", text::base64(&code)).into_bytes())).is_ok());
    assert!(proof.check(&Answer::Reply(code[1..].to_vec())).is_err());
    assert!(proof.check(&Answer::Reply(Vec::new())).is_err());
    // An id, and a statement.
    let (proof, _) = ask(Provider::Aws, KeyKind::Aes256, &material(KeyKind::Aes256), entropy);
    assert_eq!(proof.check(&Answer::MaterialId("AB".repeat(32))).unwrap(), "ab".repeat(32));
    assert!(proof.check(&Answer::MaterialId("x".to_owned())).is_err());
    let (proof, _) = ask(Provider::Gcp, KeyKind::Aes256, &material(KeyKind::Aes256), entropy);
    assert!(proof.check(&Answer::Statement("projects/p/v/1".to_owned())).is_ok());
    assert!(proof.check(&Answer::Statement("a\nb".to_owned())).is_err());
}

#[test]
fn policies_are_written_for_one_key() {
    use super::policy::{PolicyError, Role, Scope, policy};
    let none = Target::new();
    let scope = |key, kind| Scope { key, mount: "transit", kind, target: &none };
    for role in [Role::Importer, Role::Rotator, Role::Auditor, Role::Shredder] {
        for provider in [Provider::Aws, Provider::Gcp, Provider::Azure, Provider::AzureHsm, Provider::OpenBao]
        {
            let text = policy(provider, role, scope("k", None)).unwrap();
            let lower = text.replace("min_encryption_version", "").to_lowercase();
            assert!(!lower.contains('*') && !lower.contains("encrypt"), "{text}");
            // Who doesn't prove doesn't use the key.
            assert!(!text.contains("crypt/action") && !text.contains("useToSign"), "{text}");
        }
    }
    for hostile in ["a\" b", "+", "a/b", "a*"] {
        let refused = policy(Provider::OpenBao, Role::Auditor, scope(hostile, None));
        assert_eq!(refused, Err(PolicyError::Name));
    }
    let oci = policy(Provider::Oci, Role::Auditor, scope("k", None));
    assert!(matches!(oci, Err(PolicyError::Provider { .. })));
}

#[test]
fn a_prover_uses_a_key_as_its_proof_does() {
    use super::policy::{PolicyError, Role, Scope, policy};
    let (none, raw) = (Target::new(), [("purpose-algorithm".to_owned(), "aes-256-gcm".to_owned())].into());
    let right = |provider, kind, target| {
        let text = policy(provider, Role::Prover, Scope { key: "k", mount: "", kind, target })?;
        let uses = ["useToSign", "useToDecrypt", "decrypt/action", "viewPublicKey"];
        Ok(uses.into_iter().filter(|one| text.contains(one)).collect::<Vec<_>>().join(" "))
    };
    for (provider, kind, target, wanted) in [
        (Provider::Gcp, KeyKind::Hmac256, &none, "useToSign"),
        (Provider::Gcp, KeyKind::Aes128, &none, "useToDecrypt"),
        (Provider::Gcp, KeyKind::Aes256, &none, ""),
        (Provider::Gcp, KeyKind::Aes256, &raw, "useToDecrypt"),
        (Provider::Gcp, KeyKind::EcP256, &none, "viewPublicKey"),
        (Provider::AzureHsm, KeyKind::Aes256, &none, "decrypt/action"),
        (Provider::AzureHsm, KeyKind::EcP256, &none, ""),
    ] {
        assert_eq!(right(provider, Some(kind), target), Ok(wanted.to_owned()), "{provider} {kind}");
    }
    for provider in [Provider::Gcp, Provider::AzureHsm] {
        assert_eq!(right(provider, None, &none), Err(PolicyError::Kind { provider }));
    }
}
