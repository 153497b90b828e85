//! The mark of what we register: the package's digest, as an attribute of the object.
//!
//! A name is anybody's, so an object of the key's name that waits to be activated is ours only if it is marked so. The
//! mark is KMIP's Application Specific Information (section 3.36), made for that: a name space, and data in it. A
//! server may refuse name spaces that it doesn't know, or the attribute; then the object goes without, and a run that
//! was broken off leaves one that a person has to look at. PyKMIP takes this one, and refuses custom attributes (`x-…`).

use super::message::{attribute, reason, tag};
use super::{Kmip, OnlineError, REGISTER, answer};
use crate::wire::ttlv::{Item, Value};

/// The attribute.
const NAME: &str = "Application Specific Information";
/// Our name space in it.
const SPACE: &str = "quorate-package";

/// Reasons (section 9.1.3.2.29) for which an attribute is refused: Invalid Field, Feature Not Supported, Application
/// Namespace Not Supported.
const UNMARKED: [u32; 3] = [0x07, 0x08, 0x0f];

/// A Register payload whose object carries the mark.
fn marked(mut register: Item, mark: &str) -> Item {
    let inside = vec![Item::text(tag::APPLICATION_NAMESPACE, SPACE), Item::text(tag::APPLICATION_DATA, mark)];
    if let Value::Structure(parts) = &mut register.value {
        for part in parts.iter_mut().filter(|part| part.tag == tag::TEMPLATE) {
            if let Value::Structure(attributes) = &mut part.value {
                attributes.push(attribute(NAME, Value::Structure(inside.clone())));
            }
        }
    }
    register
}

impl Kmip {
    /// Registers an object with a mark, or without where the server takes none; the payload of the answer.
    pub(super) fn registered(&self, place: &str, register: Item, mark: &str) -> Result<Item, OnlineError> {
        let message = self.sent(REGISTER, marked(register.clone(), mark))?;
        match answer(REGISTER, place, &message) {
            // It was refused, so that nothing is there.
            Err(OnlineError::Refused { .. })
                if reason(&message).is_some_and(|one| UNMARKED.contains(&one)) =>
            {
                self.ask(REGISTER, place, register)
            }
            other => other,
        }
    }

    /// The marks of ours that an object carries: digests of packages.
    pub(super) fn marks(&self, id: &str) -> Result<Vec<String>, OnlineError> {
        let found = match self.attributes(id, NAME) {
            // A server that doesn't know the attribute has none.
            Err(OnlineError::Refused { .. }) => return Ok(Vec::new()),
            found => found?,
        };
        let text = |one: &Item, what| one.text_at(&[tag::ATTRIBUTE_VALUE, what]).map(str::to_owned);
        let ours = found.iter().filter(|one| text(one, tag::APPLICATION_NAMESPACE).as_deref() == Some(SPACE));
        Ok(ours.filter_map(|one| text(one, tag::APPLICATION_DATA)).collect())
    }
}
