//! Requests of KMIP 1.4, one operation each, and the payload or the refusal in an answer.
//!
//! Tags are those of the specification, section 9.1.3.1. An answer is held to the operation that was asked.

use super::super::OnlineError;
use super::super::error::plain;
use super::{Call, KMIP};
use crate::wire::ttlv::{Item, Value};

pub(super) mod tag {
    pub(crate) const APPLICATION_DATA: u32 = 0x42_0002;
    pub(crate) const APPLICATION_NAMESPACE: u32 = 0x42_0003;
    pub(crate) const ATTRIBUTE: u32 = 0x42_0008;
    pub(crate) const ATTRIBUTE_NAME: u32 = 0x42_000a;
    pub(crate) const ATTRIBUTE_VALUE: u32 = 0x42_000b;
    pub(crate) const BATCH_COUNT: u32 = 0x42_000d;
    pub(crate) const BATCH_ITEM: u32 = 0x42_000f;
    pub(crate) const BLOCK_CIPHER_MODE: u32 = 0x42_0011;
    pub(crate) const COMMON_TEMPLATE: u32 = 0x42_001f;
    pub(crate) const ALGORITHM: u32 = 0x42_0028;
    pub(crate) const PARAMETERS: u32 = 0x42_002b;
    pub(crate) const IV: u32 = 0x42_003d;
    pub(crate) const KEY_BLOCK: u32 = 0x42_0040;
    pub(crate) const KEY_FORMAT: u32 = 0x42_0042;
    pub(crate) const KEY_MATERIAL: u32 = 0x42_0043;
    pub(crate) const KEY_VALUE: u32 = 0x42_0045;
    pub(crate) const NAME_TYPE: u32 = 0x42_0054;
    pub(crate) const NAME_VALUE: u32 = 0x42_0055;
    pub(crate) const OPERATION: u32 = 0x42_005c;
    pub(crate) const PADDING: u32 = 0x42_005f;
    pub(crate) const PRIVATE_TEMPLATE: u32 = 0x42_0065;
    pub(crate) const VERSION: u32 = 0x42_0069;
    pub(crate) const VERSION_MAJOR: u32 = 0x42_006a;
    pub(crate) const VERSION_MINOR: u32 = 0x42_006b;
    pub(crate) const PRIVATE_ID: u32 = 0x42_0066;
    pub(crate) const PUBLIC_KEY: u32 = 0x42_006d;
    pub(crate) const PUBLIC_TEMPLATE: u32 = 0x42_006e;
    pub(crate) const PUBLIC_ID: u32 = 0x42_006f;
    pub(crate) const REQUEST_HEADER: u32 = 0x42_0077;
    pub(crate) const REQUEST: u32 = 0x42_0078;
    pub(crate) const REQUEST_PAYLOAD: u32 = 0x42_0079;
    pub(crate) const RESPONSE: u32 = 0x42_007b;
    pub(crate) const RESPONSE_PAYLOAD: u32 = 0x42_007c;
    pub(crate) const RESULT_MESSAGE: u32 = 0x42_007d;
    pub(crate) const RESULT_REASON: u32 = 0x42_007e;
    pub(crate) const RESULT_STATUS: u32 = 0x42_007f;
    pub(crate) const REVOCATION_REASON: u32 = 0x42_0081;
    pub(crate) const REVOCATION_CODE: u32 = 0x42_0082;
    pub(crate) const TEMPLATE: u32 = 0x42_0091;
    pub(crate) const ID: u32 = 0x42_0094;
    pub(crate) const DATA: u32 = 0x42_00c2;
    pub(crate) const MAC_DATA: u32 = 0x42_00c6;
}

/// An attribute with its value.
pub(super) fn attribute(name: &str, value: Value) -> Item {
    let value = Item { tag: tag::ATTRIBUTE_VALUE, value };
    Item::structure(tag::ATTRIBUTE, vec![Item::text(tag::ATTRIBUTE_NAME, name), value])
}

/// The attribute that a key is found by.
pub(super) fn named(name: &str) -> Item {
    let inside = vec![Item::text(tag::NAME_VALUE, name), Item::enumeration(tag::NAME_TYPE, 1)];
    attribute("Name", Value::Structure(inside))
}

/// A payload of these items.
pub(super) const fn payload(items: Vec<Item>) -> Item {
    Item::structure(tag::REQUEST_PAYLOAD, items)
}

/// The message of one operation.
pub(super) fn request(operation: u32, payload: Item) -> Option<Vec<u8>> {
    let version = vec![Item::integer(tag::VERSION_MAJOR, 1), Item::integer(tag::VERSION_MINOR, 4)];
    let header = vec![Item::structure(tag::VERSION, version), Item::integer(tag::BATCH_COUNT, 1)];
    let item = vec![Item::enumeration(tag::OPERATION, operation), payload];
    Item::structure(
        tag::REQUEST,
        vec![Item::structure(tag::REQUEST_HEADER, header), Item::structure(tag::BATCH_ITEM, item)],
    )
    .encode()
}

/// Why an operation was refused (section 9.1.3.2.29).
pub(super) fn reason(message: &Item) -> Option<u32> {
    message.at(&[tag::BATCH_ITEM])?.enumeration_at(&[tag::RESULT_REASON])
}

/// The payload of an answer to `call`.
pub(super) fn answer(call: Call, place: &str, message: &Item) -> Result<Item, OnlineError> {
    let nonsense = || call.nonsense("the answer to that operation");
    let item =
        message.at(&[tag::BATCH_ITEM]).filter(|_| message.tag == tag::RESPONSE).ok_or_else(nonsense)?;
    // A message that isn't understood at all is answered without an operation.
    let words = plain(item.text_at(&[tag::RESULT_MESSAGE]).unwrap_or_default());
    match (item.enumeration_at(&[tag::RESULT_STATUS]), item.enumeration_at(&[tag::RESULT_REASON])) {
        (Some(0), _) if item.enumeration_at(&[tag::OPERATION]) == Some(call.operation) => {
            Ok(item.at(&[tag::RESPONSE_PAYLOAD]).cloned().unwrap_or_else(|| payload(Vec::new())))
        }
        (Some(1), Some(1)) => Err(OnlineError::NoPlace { provider: KMIP, place: place.to_owned() }),
        (Some(1), Some(3)) => Err(OnlineError::Credentials { provider: KMIP, words }),
        (Some(1), Some(0xc)) => {
            Err(OnlineError::Right { provider: KMIP, right: format!("{} on {place} ({words})", call.name) })
        }
        (Some(1), _) => Err(OnlineError::Refused { provider: KMIP, call: call.name, words }),
        // Pending and undone are answers to what isn't asked here.
        _ => Err(nonsense()),
    }
}
