//! The published example of `docs/format.md`, Sharing: `tests/vectors/share-1.txt`, which
//! `tests/share_combine.py` reads as well. Its coefficients are SHA-512("quorate/v1/vector/a0"), …
//! modulo the order, so that every number in it can be computed again from this line.

use super::*;
use crate::primitive::hash::sha512;

const VECTOR: &str = include_str!("../../../tests/vectors/share-1.txt");

/// The value of a line "name value".
pub(super) fn field(name: &str) -> &'static str {
    let values = VECTOR.lines().filter_map(|line| line.split_once(' '));
    values.filter(|(key, _)| *key == name).map(|(_, value)| value).next().unwrap()
}

fn coefficient(name: &str) -> Scalar {
    let hash = sha512(&[b"quorate/v1/vector/", name.as_bytes()]);
    Scalar::from_bytes_mod_order_wide(&hash)
}

#[test]
fn the_published_example_holds() {
    let [values, blinders] = [["a0", "a1", "a2"], ["b0", "b1", "b2"]].map(|names| names.map(coefficient));
    let deal = deal_of(5, &values, &blinders).unwrap();
    assert_eq!(deal.commitments.scheme().to_string(), field("scheme"));
    for (k, (a, b)) in values.iter().zip(&blinders).enumerate() {
        assert_eq!(hex(a.as_bytes()), field(&format!("a{k}")));
        assert_eq!(hex(b.as_bytes()), field(&format!("b{k}")));
        assert_eq!(hex(&deal.commitments.encode()[k]), field(&format!("c{k}")));
    }
    for share in &deal.shares {
        assert_eq!(hex(share.to_secret_bytes().expose()), field(&format!("share{}", share.index())));
    }
    assert_eq!(hex(deal.commitments.digest()), field("digest"));
    let secret = combine(&deal.commitments, &deal.shares[1..4]).unwrap();
    assert_eq!(hex(secret.to_secret_bytes().expose()), field("a0"));
}
