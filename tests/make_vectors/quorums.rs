//! Vectors of quorums: what follows from a secret, share sets, quorum records.

use super::{ORDER, Out};
use quorate::primitive::hash::sha256;
use quorate::primitive::random::Entropy;
use quorate::quorum::{Quorum, QuorumRecord};
use quorate::share::{Share, combine};
use quorate::wire::text::{base64, from_hex, hex};

pub(crate) fn quorums(
    out: &Out,
    cards: &[Vec<u8>],
    record: &QuorumRecord,
    quorum: &Quorum,
    identity: &str,
    open: &dyn Fn(&[u8]) -> Share,
) {
    let shares: Vec<Share> = cards.iter().map(|card| open(card)).collect();
    let secret = combine(record.commitments(), &shares).unwrap().to_secret_bytes();
    let id = quorum.id().text();
    let recipient = quorum.recipient().to_string();
    let (digest, signer) = (hex(&sha256(&[recipient.as_bytes()])), hex(&quorum.signer()));
    let points: Vec<String> = record.commitments().encode().iter().map(|point| hex(point)).collect();
    let line = |index: u8, bytes: &[u8]| format!("share: {index} {}", hex(bytes));
    let lines: Vec<String> =
        shares.iter().map(|share| line(share.index(), share.to_secret_bytes().expose())).collect();
    let commitments: String = points.iter().map(|point| format!("commitment: {point}\n")).collect();
    let secret = hex(secret.expose());
    let mut headers =
        vec![("expect", "ok"), ("secret", secret.as_str()), ("quorum", &id), ("signer", &signer)];
    headers.extend([
        ("identity", identity),
        ("recipient-starts", &recipient[..40]),
        ("recipient-sha256", &digest),
    ]);
    out.put("quorum/derived", &headers, "");
    let set = |name: &str, expect: &[(&str, &str)], lines: &[String]| {
        let scheme = [("threshold", "3"), ("shares", "4"), ("quorum", &id)];
        out.put(
            &format!("share/{name}"),
            &[expect, &scheme].concat(),
            &format!("{commitments}{}", lines.join("\n")),
        );
    };
    let ok = [("expect", "ok"), ("secret", secret.as_str())];
    set("all", &ok, &lines);
    set("first-three", &ok, &lines[..3]);
    set("last-three-backwards", &ok, &[lines[3].clone(), lines[2].clone(), lines[1].clone()]);
    let refused = |reason: &'static str| [("expect", "refused"), ("reason", reason)];
    set("refused-two", &refused("too-few"), &lines[..2]);
    set("refused-twice", &refused("twice"), &[lines[0].clone(), lines[1].clone(), lines[0].clone()]);
    let mut altered = shares[0].to_secret_bytes().expose().to_vec();
    altered[0] ^= 1;
    set(
        "refused-value",
        &refused("not-of-this-deal"),
        &[line(1, &altered), lines[1].clone(), lines[2].clone()],
    );
    altered[0] ^= 1;
    altered[32] ^= 1;
    set(
        "refused-blinder",
        &refused("not-of-this-deal"),
        &[line(1, &altered), lines[1].clone(), lines[2].clone()],
    );
    let plain = shares[0].to_secret_bytes();
    set(
        "refused-relabelled",
        &refused("not-of-this-deal"),
        &[lines[1].clone(), lines[2].clone(), line(4, plain.expose())],
    );
    set("refused-index-0", &refused("index"), &[line(0, plain.expose())]);
    set("refused-index-5", &refused("index"), &[line(5, plain.expose())]);
    set(
        "refused-order",
        &refused("not-canonical"),
        &[line(1, &[from_hex(ORDER).unwrap(), vec![0; 32]].concat())],
    );
}

pub(crate) fn records(out: &Out, record: &QuorumRecord, quorum: &Quorum, entropy: &mut Entropy) {
    let text = String::from_utf8(record.bytes().to_vec()).unwrap();
    let id = quorum.id().text();
    let headers =
        [("expect", "ok"), ("quorum", id.as_str()), ("generation", "1"), ("threshold", "3"), ("shares", "4")];
    let digest = hex(&record.digest());
    out.put("quorum-record/good", &[&headers[..], &[("sha256", &digest)]].concat(), &text);
    let refuse = |name: &str, reason: &str, text: &str| {
        out.put(&format!("quorum-record/refused-{name}"), &[("expect", "refused"), ("reason", reason)], text);
    };
    let field = |name: &str| {
        let start = text.find(&format!("\"{name}\":\"")).unwrap() + name.len() + 4;
        text[start..].split('"').next().unwrap().to_owned()
    };
    let (signature, other) = (field("signature"), Quorum::found(record.scheme(), entropy).unwrap().0);
    refuse("signature", "signature", &text.replace(&signature, &base64(&other.sign(b""))));
    refuse("threshold", "signature", &text.replace("\"threshold\":3", "\"threshold\":2"));
    refuse("name", "signature", &text.replace("Alice", "Mallory"));
    refuse("id", "id", &text.replace(&id, &other.id().text()));
    refuse("signer", "id", &text.replace(&field("signer"), &base64(&other.signer())));
    refuse("format", "later", &text.replace("quorate/v1/quorum", "quorate/v2/quorum"));
    refuse("space", "json", &text.replacen(':', ": ", 1));
    refuse("line-end", "json", &format!("{text}\n"));
    refuse(
        "order",
        "json",
        &text
            .replace("\"kind\":\"shares\",", "")
            .replace("{\"commitments", "{\"kind\":\"shares\",\"commitments"),
    );
    refuse("escape", "json", &text.replace("\"Alice\"", "\"\\u0041lice\""));
    refuse("missing", "json", &text.replace(&format!("\"signature\":\"{signature}\","), ""));

    // What the quorum itself should never sign, signed by it.
    let unsigned = text.replace(&format!("\"signature\":\"{signature}\","), "");
    let signed = |change: &dyn Fn(&str) -> String| {
        let body = change(&unsigned);
        let signature = base64(&quorum.sign(format!("quorate/v1/quorum-record\n{body}").as_bytes()));
        body.replace(",\"signer\"", &format!(",\"signature\":\"{signature}\",\"signer\""))
    };
    assert_eq!(signed(&str::to_owned), text);
    let points = record.commitments().encode();
    let (first, last) = (base64(&points[0]), base64(&points[2]));
    refuse("signed-kind", "later", &signed(&|body| body.replace("\"shares\"", "\"groups\"")));
    refuse(
        "signed-unknown-field",
        "json",
        &signed(&|body| body.replace("\"threshold\":3", "\"threshold\":3,\"weight\":1")),
    );
    refuse(
        "signed-unknown-custodian-field",
        "json",
        &signed(&|body| body.replacen("\"index\":1", "\"index\":1,\"mail\":\"a@example.org\"", 1)),
    );
    refuse(
        "signed-generation-0",
        "json",
        &signed(&|body| body.replace("\"generation\":1", "\"generation\":0")),
    );
    refuse("signed-threshold-1", "json", &signed(&|body| body.replace("\"threshold\":3", "\"threshold\":1")));
    refuse("signed-threshold-5", "json", &signed(&|body| body.replace("\"threshold\":3", "\"threshold\":5")));
    refuse(
        "signed-threshold-2",
        "commitments",
        &signed(&|body| body.replace("\"threshold\":3", "\"threshold\":2")),
    );
    refuse("signed-index", "json", &signed(&|body| body.replacen("\"index\":1", "\"index\":2", 1)));
    refuse("signed-seal", "json", &signed(&|body| body.replacen("\"seal\":\"open\"", "\"seal\":\"wax\"", 1)));
    refuse("signed-twice-a-name", "name", &signed(&|body| body.replace("\"Carol\"", "\"Alice\"")));
    refuse("signed-empty-name", "name", &signed(&|body| body.replace("\"Carol\"", "\"\"")));
    refuse("signed-control", "name", &signed(&|body| body.replace("\"Carol\"", "\"Ca\\nrol\"")));
    refuse(
        "signed-date",
        "json",
        &signed(&|body| {
            body.replace(
                &format!("\"created\":\"{}", &field("created")),
                "\"created\":\"2026-02-30T00:00:00Z",
            )
        }),
    );
    refuse("signed-identity-point", "commitments", &signed(&|body| body.replace(&first, &base64(&[0; 32]))));
    refuse("signed-no-point", "commitments", &signed(&|body| body.replace(&last, &base64(&[255; 32]))));
    refuse(
        "signed-one-point-less",
        "commitments",
        &signed(&|body| body.replace(&format!(",\"{last}\""), "")),
    );
}
