//! Vectors of certificates of a provider's copy: of one place by all of its names, of one whose import had none, and
//! as older writers made them. Made of the published escrow, with nothing random.

use super::Out;
use super::escrows::sections;
use super::rules::Behind;
use quorate::log::{Certificate, Imported, Op, Packaged, Phase, Remains};
use quorate::provider::{ProofKind, Provider, Target};
use std::num::NonZeroU32;

fn target(names: &[(&str, &str)]) -> Target {
    names.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn make(out: &Out) {
    let behind = Behind::new();
    let (one, two) = (NonZeroU32::MIN, NonZeroU32::new(2).unwrap());
    let packaged = |number: u8, version: NonZeroU32, target: Target| {
        let name = format!("orders@{version}").parse().unwrap();
        let packaged = Packaged {
            name: "orders".parse().unwrap(),
            version,
            fingerprint: behind.state(|escrow| escrow.version(&name).unwrap().backed.fingerprint),
            provider: Provider::OpenBao,
            place: "orders".to_owned(),
            package: [number; 32],
            request: [2; 32],
            wrapping_key: [3; 32],
            blob: [4; 32],
            proof: ProofKind::Decrypt,
            target,
            drill: None,
        };
        behind.say(Op::Package, Phase::Done, &packaged.done());
        packaged
    };
    let imported = |of: Packaged| {
        let Packaged { name, version, provider, place, package, proof, target, .. } = of;
        let (evidence, id) = ("ab".repeat(32), None);
        let imported = Imported { name, version, provider, place, package, proof, evidence, target, id };
        behind.say(Op::Import, Phase::Done, &imported.done());
    };
    let certified = |number, version, target| {
        let (name, place) = ("orders".parse().unwrap(), "orders".to_owned());
        let what = Remains::Provider { name, version, provider: Provider::OpenBao, place, target };
        let witnesses = vec!["Wim".to_owned(), "Wilma".to_owned()];
        let certificate = Certificate { number, what, reason: "a test".to_owned(), witnesses };
        behind.say(Op::Destroy, Phase::Done, &certificate.details());
    };
    let at = |server| target(&[("key", "orders"), ("server", server)]);
    imported(packaged(1, two, target(&[("key", "orders"), ("server", "one.example"), ("version", "2")])));
    packaged(2, two, at("two.example"));
    imported(packaged(3, one, Target::new()));
    // Of an import; of a package that nobody imported; of an import without names; and of all places of the name.
    certified(1, two, at("one.example"));
    behind.refuse(out, "certificate-elsewhere", "\"server\":\"one.example\"", "\"server\":\"six.example\"");
    behind.refuse(
        out,
        "certificate-of-a-version-there",
        "\"server\":\"one.example\"",
        "\"server\":\"one.example\",\"version\":\"2\"",
    );
    behind.refuse(out, "certificate-with-fewer-names", ",\"server\":\"one.example\"", "");
    behind.refuse(out, "certificate-no-names", "{\"key\":\"orders\",\"server\":\"one.example\"}", "{}");
    certified(2, two, at("two.example"));
    certified(3, one, target(&[("key", "orders")]));
    certified(4, two, Target::new());
    let headers = [
        ("expect", "ok"),
        ("certificates", "provider, provider, provider, provider"),
        (
            "gone",
            "orders@2 openbao orders key orders server one.example, orders@2 openbao orders key orders server two.example, orders@1 openbao orders key orders, orders@2 openbao orders",
        ),
    ];
    out.put("escrow/certified-places", &headers, &sections(&behind.store));
}
