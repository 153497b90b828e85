//! Wycheproof's vectors for what is wrapped, sealed and asked with: AES-KWP, the ChaCha AEADs, AES-GCM.
//!
//! Every vector that an interface here can take is run, the ones that must be refused too; the counts are held, so
//! that a set that shrinks or is read wrongly is seen.

use super::{aead, gcm, kwp};
use crate::secret::SecretBytes;
use ::wycheproof::TestResult;
use ::wycheproof::aead::{TestName, TestSet};
use ::wycheproof::keywrap;

#[test]
fn aes_key_wrap_with_padding() {
    let set = keywrap::TestSet::load(keywrap::TestName::AesKeyWrapWithPadding).unwrap();
    let (mut good, mut refused) = (0, 0);
    // The wrapping key has 256 bits here.
    for group in set.test_groups.iter().filter(|group| group.key_size == 256) {
        for test in &group.tests {
            let kek = SecretBytes::copy_of(&test.key);
            let opened = kwp::unwrap(&kek, &test.ct);
            if test.result == TestResult::Invalid {
                assert!(opened.is_err(), "{}: {}", test.tc_id, test.comment);
                refused += 1;
            } else {
                assert_eq!(opened.unwrap().expose(), &test.pt[..], "{}", test.tc_id);
                assert_eq!(kwp::wrap(&kek, &test.pt).unwrap(), test.ct.to_vec(), "{}", test.tc_id);
                good += 1;
            }
        }
    }
    assert!(good >= 20 && refused >= 30, "{good} {refused}");
}

#[test]
fn chacha20_and_xchacha20_poly1305() {
    for (name, nonce_length) in [(TestName::ChaCha20Poly1305, 12), (TestName::XChaCha20Poly1305, 24)] {
        let set = TestSet::load(name).unwrap();
        let (mut good, mut refused) = (0, 0);
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let (Ok(key), true, Ok(tag)) =
                (test.key[..].try_into(), test.nonce.len() == nonce_length, test.tag[..].try_into())
            else {
                continue;
            };
            let mut bytes = test.ct.to_vec();
            let opened = match test.nonce[..].try_into() {
                Ok(nonce) => aead::open(key, nonce, &test.aad, &mut bytes, tag),
                Err(_) => aead::xopen(key, test.nonce[..].try_into().unwrap(), &test.aad, &mut bytes, tag),
            };
            if test.result == TestResult::Invalid {
                assert_eq!(opened, Err(aead::Refused), "{}: {}", test.tc_id, test.comment);
                refused += 1;
                continue;
            }
            assert_eq!((opened, &bytes[..]), (Ok(()), &test.pt[..]), "{}", test.tc_id);
            let again = match test.nonce[..].try_into() {
                Ok(nonce) => aead::seal(key, nonce, &test.aad, &mut bytes),
                Err(_) => aead::xseal(key, test.nonce[..].try_into().unwrap(), &test.aad, &mut bytes),
            };
            assert_eq!((again, &bytes[..]), (Ok(*tag), &test.ct[..]), "{}", test.tc_id);
            good += 1;
        }
        assert!(good >= 200 && refused >= 50, "{good} {refused}");
    }
}

#[test]
fn aes_gcm() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let mut good = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let ours = matches!(test.key.len(), 16 | 32) && test.aad.is_empty() && test.tag.len() == 16;
        let Ok(nonce) = test.nonce[..].try_into() else { continue };
        if ours && test.result == TestResult::Valid {
            let sent = gcm::gcm(&test.key, nonce, &test.pt).unwrap();
            assert_eq!(sent, [&test.ct[..], &test.tag[..]].concat(), "{}", test.tc_id);
            good += 1;
        }
    }
    assert!(good >= 20, "{good}");
}
