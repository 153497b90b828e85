//! Signatures that OpenSSH 9.2 made, a hardware key that is made up, and bytes that are nothing.

use super::*;
use crate::primitive::ed25519::Signer;
use crate::secret::SecretBytes;
use proptest::prelude::*;

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+E95PDjoouvrumx65FnVoLOUxGkVTAahoVVjfbgYMc test";
const BY_ED25519: &str = "-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgD4T3k8OOii6+u6bHrkWdWgs5TE
aRVMBqGhVWN9uBgxwAAAAOcXVvcmF0ZS1sb2dAdjEAAAAAAAAABnNoYTUxMgAAAFMAAAAL
c3NoLWVkMjU1MTkAAABAZwHeq4uUdkadTa1rhmy4Rmg0iqAZ+AXPLBB6AAbCtCUFL1zIh3
BTAOlF/QLIpCDFLfvopwGRXJyme8s8tG7cCQ==
-----END SSH SIGNATURE-----
";
const P256: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGdsQqbdxWgBpK+Hd/91A2ehBWhU305avBsKC0y5KVzfFXLCyq4F4SNyUvxzOdglKb10kOCKfCNM1cWpwnVX/Ag= test";
const BY_P256: &str = "-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAE
EEZ2xCpt3FaAGkr4d3/3UDZ6EFaFTfTlq8GwoLTLkpXN8VcsLKrgXhI3JS/HM52CUpvXSQ
4Ip8I0zVxanCdVf8CAAAAA5xdW9yYXRlLWxvZ0B2MQAAAAAAAAAGc2hhNTEyAAAAZAAAAB
NlY2RzYS1zaGEyLW5pc3RwMjU2AAAASQAAACEAihbPtYSlsZ0TR8VcTRxedAq5UtMcKW1A
S5gkpLc7dmMAAAAgF/xTXRfgqKFHEGEC6BgrfMtuTgHT9yXq1BqfZmg6ft8=
-----END SSH SIGNATURE-----
";
const MESSAGE: &[u8] = b"a record\n";

fn ssh(parts: &[&[u8]]) -> Vec<u8> {
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap().to_be_bytes();
    parts.iter().flat_map(|part| [&length(part)[..], part].concat()).collect()
}

/// What a FIDO key with Ed25519 would sign.
fn hardware(message: &[u8], flags: u8) -> (SshKey, Vec<u8>) {
    let signer = Signer::from_seed(&SecretBytes::copy_of(&[5; 32])).unwrap();
    let kind = b"sk-ssh-ed25519@openssh.com";
    let key = SshKey::from_bytes(&ssh(&[kind, &signer.public(), b"ssh:"])).unwrap();
    let told = [flags, 0, 0, 0, 9];
    let data = envelope::signed_data(NAMESPACE, message);
    let data = [&sha256(&[b"ssh:"])[..], &told, &sha256(&[&data])].concat();
    let mut signature = ssh(&[kind, &signer.sign(&data)]);
    signature.extend(told);
    (key, signature)
}

#[test]
fn a_signature_of_openssh_is_good_and_no_other() {
    for (line, armoured) in [(ED25519, BY_ED25519), (P256, BY_P256)] {
        let key = SshKey::from_line(line).unwrap();
        assert_eq!(format!("{key} test"), line);
        let inner = read_signature(armoured, &key, NAMESPACE, MESSAGE).unwrap();
        assert_eq!(armor(&key, NAMESPACE, &inner), armoured);
        assert!(!key.has_signed("file", MESSAGE, &inner) && !key.has_signed(NAMESPACE, b"a record", &inner));
        assert_eq!(read_signature(armoured, &key, "file", MESSAGE), Err(SshError::Namespace));
        assert_eq!(read_signature(armoured, &key, NAMESPACE, b"another"), Err(SshError::Wrong));
        for bit in 0..inner.len() * 8 {
            let mut other = inner.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.has_signed(NAMESPACE, MESSAGE, &other), "bit {bit}");
        }
        for end in 0..inner.len() {
            assert!(!key.has_signed(NAMESPACE, MESSAGE, &inner[..end]));
        }
        let longer = [&inner[..], &[0]].concat();
        assert!(!key.has_signed(NAMESPACE, MESSAGE, &longer));
    }
    let (one, other) = (SshKey::from_line(ED25519).unwrap(), SshKey::from_line(P256).unwrap());
    assert_eq!(read_signature(BY_ED25519, &other, NAMESPACE, MESSAGE), Err(SshError::OtherKey));
    assert!(one != other && one.fingerprint() != other.fingerprint());
    for wrong in
        ["", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----", "x", BY_P256.get(..90).unwrap()]
    {
        assert!(read_signature(wrong, &other, NAMESPACE, MESSAGE).is_err(), "{wrong}");
    }
}

#[test]
fn a_hardware_key_says_what_it_was_for_and_whether_it_was_touched() {
    let (key, signature) = hardware(MESSAGE, 1);
    assert!(key.is_hardware() && key.has_signed(NAMESPACE, MESSAGE, &signature));
    for at in signature.len() - 5..signature.len() {
        let mut other = signature.clone();
        other[at] ^= 1;
        assert!(!key.has_signed(NAMESPACE, MESSAGE, &other), "flags and counter are signed");
    }
    // For another application, and by the same key in software.
    let public = Signer::from_seed(&SecretBytes::copy_of(&[5; 32])).unwrap().public();
    let other = SshKey::from_bytes(&ssh(&[b"sk-ssh-ed25519@openssh.com", &public, b"web:"])).unwrap();
    let soft = SshKey::from_bytes(&ssh(&[b"ssh-ed25519", &public])).unwrap();
    assert!([other, soft].iter().all(|key| !key.has_signed(NAMESPACE, MESSAGE, &signature)));
}

#[test]
fn what_is_no_public_key_is_refused_by_name() {
    for (line, wanted) in [
        ("", SshError::Line),
        ("ssh-ed25519", SshError::Line),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n", SshError::Private),
        (&ED25519.replace("ssh-ed25519 ", "ssh-rsa "), SshError::Line),
        (&format!("{ED25519}\n{P256}"), SshError::Line),
    ] {
        assert_eq!(SshKey::from_line(line), Err(wanted), "{line}");
    }
    let dss = text::base64(&ssh(&[b"ssh-dss", b"x"]));
    assert!(matches!(SshKey::from_line(&format!("ssh-dss {dss}")), Err(SshError::Kind { .. })));
    let fingerprint = SshKey::from_line(ED25519).unwrap().fingerprint();
    assert_eq!(SshFingerprint::parse(&fingerprint.to_string()), Some(fingerprint));
    for wrong in
        ["", "SHA256:", "MD5:aa", fingerprint.to_string().get(1..).unwrap(), &format!("{fingerprint}=")]
    {
        assert_eq!(SshFingerprint::parse(wrong), None);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..KINDS.len()) {
        let _ = SshKey::from_bytes(&bytes);
        let _ = SshKey::from_bytes(&[ssh(&[KINDS[kind].0.as_bytes()]), bytes.clone()].concat());
        for line in [ED25519, P256] {
            let key = SshKey::from_line(line).unwrap();
            let _ = key.has_signed(NAMESPACE, MESSAGE, &bytes);
            let _ = key.has_signed(NAMESPACE, MESSAGE, &[ssh(&[key.kind().as_bytes()]), bytes.clone()].concat());
            let _ = read_signature(&armor(&key, NAMESPACE, &bytes), &key, NAMESPACE, MESSAGE);
        }
        let _ = hardware(MESSAGE, 0).0.has_signed(NAMESPACE, MESSAGE, &bytes);
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in ".{0,120}") {
        let _ = SshKey::from_line(&text);
        let key = SshKey::from_line(ED25519).unwrap();
        let _ = read_signature(&format!("-----BEGIN SSH SIGNATURE-----{text}-----END SSH SIGNATURE-----"), &key, NAMESPACE, MESSAGE);
        let _ = SshFingerprint::parse(&text);
    }
}
