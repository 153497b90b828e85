//! Records by somebody who knows the format: without the quorum's key, and with it.

use super::*;
use crate::share::{CommitmentsError, POINT};
use crate::wire::json::{Json, JsonError, read};

type Object = Vec<(std::borrow::Cow<'static, str>, Json<'static>)>;

fn field<'a>(object: &'a mut Object, name: &str) -> &'a mut Json<'static> {
    &mut object.iter_mut().find(|(found, _)| found == name).unwrap().1
}

fn list<'a>(object: &'a mut Object, name: &str) -> &'a mut Vec<Json<'static>> {
    match field(object, name) {
        Json::List(items) => items,
        _ => panic!("{name}"),
    }
}

/// The record with `edit` done to it and signed again by `signer`.
fn signed_again(record: &QuorumRecord, signer: &Quorum, edit: impl FnOnce(&mut Object)) -> Vec<u8> {
    let Json::Object(mut object) = read("a test", record.bytes()).unwrap().into_owned() else { panic!() };
    object.retain(|(name, _)| name != "signature");
    edit(&mut object);
    object.sort_by(|(a, _), (b, _)| a.cmp(b));
    let message = [b"quorate/v1/quorum-record\n", &Json::Object(object.clone()).bytes()[..]].concat();
    object.push(("signature".into(), Json::text(text::base64(&signer.sign(&message)))));
    object.sort_by(|(a, _), (b, _)| a.cmp(b));
    Json::Object(object).bytes()
}

fn refused(record: &QuorumRecord, signer: &Quorum, edit: impl FnOnce(&mut Object)) -> RecordError {
    QuorumRecord::read(&signed_again(record, signer, edit)).unwrap_err()
}

#[test]
fn another_key_does_not_sign_for_this_quorum() {
    let (quorum, deal, record) = found(2, 3);
    let (attacker, _, _) = found(2, 3);
    assert_eq!(QuorumRecord::read(&signed_again(&record, &quorum, |_| ())), Ok(record.clone()));
    // The attacker's signature under the quorum's key.
    assert_eq!(refused(&record, &attacker, |_| ()), RecordError::Signature);
    // The attacker's key under the quorum's id.
    let signer = |object: &mut Object| {
        *field(object, "signer") = Json::text(text::base64(&attacker.signer()));
    };
    assert_eq!(refused(&record, &attacker, signer), RecordError::Id);
    // The attacker's id and key: a record, and one of another quorum.
    let forged = signed_again(&record, &attacker, |object| {
        signer(object);
        *field(object, "id") = Json::text(attacker.id().text());
    });
    let forged = QuorumRecord::read(&forged).unwrap();
    assert_ne!(forged.id(), quorum.id());
    let met = Quorum::meet(&forged, &deal.shares).err();
    let (wanted, found) = (attacker.id(), quorum.id());
    assert_eq!(met, Some(QuorumError::OtherQuorum { wanted, found }));
}

#[test]
fn a_signature_is_of_a_record_and_nothing_else() {
    let (quorum, _, record) = found(2, 3);
    let Json::Object(object) = read("a test", record.bytes()).unwrap().into_owned() else { panic!() };
    let unsigned: Object = object.iter().filter(|(name, _)| name != "signature").cloned().collect();
    let bare = quorum.sign(&Json::Object(unsigned).bytes());
    let mut object = object;
    *field(&mut object, "signature") = Json::text(text::base64(&bare));
    assert_eq!(QuorumRecord::read(&Json::Object(object).bytes()), Err(RecordError::Signature));
}

#[test]
fn a_quorum_with_more_commitments_than_its_threshold_is_refused() {
    let (quorum, deal, record) = found(2, 3);
    let (attacker, _, _) = found(2, 3);
    let point = Json::text(text::base64(&deal.commitments.encode()[0]));
    for signer in [&quorum, &attacker] {
        for extra in [1, 2, 300] {
            let error = refused(&record, signer, |object| {
                *field(object, "signer") = Json::text(text::base64(&signer.signer()));
                *field(object, "id") = Json::text(signer.id().text());
                list(object, "commitments").extend(vec![point.clone(); extra]);
            });
            let wanted = CommitmentsError::Count { wanted: 2, found: 2 + extra };
            assert_eq!(error, RecordError::Commitments(wanted));
        }
    }
    let error = refused(&record, &quorum, |object| drop(list(object, "commitments").pop()));
    assert_eq!(error, CommitmentsError::Count { wanted: 2, found: 1 }.into());
    let error = refused(&record, &quorum, |object| *field(object, "threshold") = Json::Number(3));
    assert_eq!(error, CommitmentsError::Count { wanted: 3, found: 2 }.into());
}

#[test]
fn commitments_are_points_that_hide_something() {
    let (quorum, _, record) = found(2, 3);
    for (bytes, wanted) in [
        ([0; POINT], CommitmentsError::Identity { place: 1 }),
        ([0xff; POINT], CommitmentsError::NotAPoint { place: 1 }),
        ([1; POINT], CommitmentsError::NotAPoint { place: 1 }),
    ] {
        let error = refused(&record, &quorum, |object| {
            list(object, "commitments")[1] = Json::text(text::base64(&bytes));
        });
        assert_eq!(error, wanted.into());
    }
}

#[test]
fn the_quorum_itself_can_not_sign_what_is_no_record() {
    let (quorum, _, record) = found(2, 3);
    let value = |field| RecordError::Json(JsonError::Value { artefact: "the quorum record", field });
    let set = |name: &'static str, value: Json<'static>| {
        refused(&record, &quorum, |object| *field(object, name) = value)
    };
    for later in ["format", "kind"] {
        assert_eq!(set(later, Json::text("quorate/v2/quorum")), RecordError::Later);
    }
    assert_eq!(set("generation", Json::Number(0)), value("generation"));
    assert_eq!(set("generation", Json::Number(65_536)), value("generation"));
    assert_eq!(set("threshold", Json::Number(1)), value("threshold"));
    assert_eq!(set("threshold", Json::Number(4)), value("threshold"));
    assert_eq!(set("recipient", Json::text("age1qqqq")), value("recipient"));
    assert_eq!(set("created", Json::text("yesterday")), value("created"));
    assert_eq!(set("commitments", Json::List(vec![Json::Number(1); 2])), value("commitments"));
    let too_many = |object: &mut Object| {
        let one = list(object, "custodians")[0].clone();
        let number = |index| match one.clone() {
            Json::Object(mut one) => {
                *field(&mut one, "index") = Json::Number(index);
                Json::Object(one)
            }
            other => other,
        };
        *list(object, "custodians") = (1..=256).map(number).collect();
    };
    assert_eq!(refused(&record, &quorum, too_many), value("threshold"));
    let custodian = |edit: &dyn Fn(&mut Object)| {
        refused(&record, &quorum, |object| match &mut list(object, "custodians")[1] {
            Json::Object(one) => edit(one),
            _ => panic!(),
        })
    };
    assert_eq!(custodian(&|one| *field(one, "index") = Json::Number(1)), value("index"));
    assert_eq!(custodian(&|one| *field(one, "seal") = Json::text("wax")), value("seal"));
    assert_eq!(custodian(&|one| *field(one, "card") = Json::text("00")), value("card"));
    let twice = custodian(&|one| *field(one, "name") = Json::text("CUSTODIAN 1"));
    let (name, other) = ("CUSTODIAN 1".into(), "custodian 1".into());
    assert_eq!(twice, RecordError::NameTwice { name, other });
    let unknown = refused(&record, &quorum, |object| object.push(("weight".into(), Json::Number(2))));
    assert!(matches!(unknown, RecordError::Json(JsonError::Unknown { field, .. }) if field == "weight"));
}
