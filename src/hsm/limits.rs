//! What a token limits a key by, beside its usages: mechanisms, dates, an HMAC type of its own.
//!
//! Few keys have any of it, and no two tokens take all of it. What a key has travels in attributes of the key record
//! (`docs/format.md`, Keys of tokens), and goes with the key into its next token; what can't be kept is named. All of
//! it is read and given by number: a list with one mechanism that `cryptoki` doesn't know could not be read by it,
//! and it has one number for four types of HMAC keys.

use super::object::KeyObject;
use super::raw::ByNumber;
use super::refusal::HsmError;
use super::token::Token;
use crate::wire::text::hex;
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki_sys::{
    CK_ULONG, CKA_ALLOWED_MECHANISMS, CKA_ALWAYS_AUTHENTICATE, CKA_END_DATE, CKA_KEY_GEN_MECHANISM,
    CKA_KEY_TYPE, CKA_START_DATE, CKA_UNWRAP_TEMPLATE, CKA_WRAP_TEMPLATE, CKK_SHA224_HMAC, CKK_SHA256_HMAC,
    CKK_SHA384_HMAC, CKK_SHA512_HMAC, CKM_AES_KEY_GEN, CKM_GENERIC_SECRET_KEY_GEN, CKM_SHA224_KEY_GEN,
    CKM_SHA256_KEY_GEN, CKM_SHA384_KEY_GEN, CKM_SHA512_KEY_GEN,
};
use std::collections::BTreeMap;

/// Types of HMAC keys, by what records call them.
const HMACS: [(&str, CK_ULONG); 4] = [
    ("sha224-hmac", CKK_SHA224_HMAC),
    ("sha256-hmac", CKK_SHA256_HMAC),
    ("sha384-hmac", CKK_SHA384_HMAC),
    ("sha512-hmac", CKK_SHA512_HMAC),
];
const ALLOWED: &str = "pkcs11-allowed-mechanisms";
const START: &str = "pkcs11-start-date";
const END: &str = "pkcs11-end-date";
const TYPE: &str = "pkcs11-key-type";
/// The longest value of an attribute of a key record.
const LONGEST: usize = 1024;

/// What limits a key in a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// The mechanisms that it may be used with, by number; any when there are none.
    mechanisms: Vec<u64>,
    /// The first and the last day of its use, as YYYYMMDD.
    start: Option<String>,
    end: Option<String>,
    /// Its place among [`HMACS`], when it isn't a generic secret.
    hmac: Option<usize>,
}

impl Limits {
    /// What the record tells of.
    ///
    /// # Errors
    /// [`HsmError::Fact`].
    pub(super) fn of(attributes: &BTreeMap<String, String>) -> Result<Self, HsmError> {
        let mechanisms = attributes.get(ALLOWED).map(|list| {
            let read = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
            // One spelling of each number.
            let number = |word: &str| read(word).filter(|number| format!("{number:#x}") == word);
            list.split(' ').map(number).collect::<Option<Vec<u64>>>()
        });
        let mechanisms = match mechanisms {
            None => Vec::new(),
            Some(list) => list.ok_or(HsmError::Fact { field: ALLOWED })?,
        };
        let date = |field: &'static str| match attributes.get(field) {
            None => Ok(None),
            Some(date) if is_date(date.as_bytes()) => Ok(Some(date.clone())),
            Some(_) => Err(HsmError::Fact { field }),
        };
        let hmac = match attributes.get(TYPE) {
            None => None,
            Some(name) => {
                let place = HMACS.iter().position(|(known, _)| known == name);
                Some(place.ok_or(HsmError::Fact { field: TYPE })?)
            }
        };
        Ok(Self { mechanisms, start: date(START)?, end: date(END)?, hmac })
    }

    /// Whether nothing limits the key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the key has an HMAC type of its own.
    pub(super) const fn has_type(&self) -> bool {
        self.hmac.is_some()
    }

    /// What of it isn't in `found`, for people.
    pub(super) fn missing_in(&self, found: &Self) -> Vec<&'static str> {
        let parts = [
            (self.mechanisms != found.mechanisms, "the list of mechanisms that it may be used with"),
            (self.start != found.start, "the first day of its use"),
            (self.end != found.end, "the last day of its use"),
            (self.hmac != found.hmac, "its type, an HMAC key (it is a generic secret)"),
        ];
        parts.into_iter().filter_map(|(differs, what)| differs.then_some(what)).collect()
    }

    /// The attributes of a key record that keep it.
    pub(super) fn attributes(&self) -> Vec<(String, String)> {
        let mut kept = Vec::new();
        let mut keep = |name: &str, value: String| kept.push((name.to_owned(), value));
        if !self.mechanisms.is_empty() {
            keep(ALLOWED, list(&self.mechanisms));
        }
        for (name, date) in [(START, &self.start), (END, &self.end)] {
            if let Some(date) = date {
                keep(name, date.clone());
            }
        }
        if let Some((name, _)) = self.hmac.and_then(|place| HMACS.get(place)) {
            keep(TYPE, (*name).to_owned());
        }
        kept
    }

    /// The same as a token takes it.
    pub(super) fn by_number(&self) -> ByNumber {
        let mut all = ByNumber::new();
        let bytes = |number: u64| CK_ULONG::try_from(number).unwrap_or_default().to_ne_bytes();
        if !self.mechanisms.is_empty() {
            let list = self.mechanisms.iter().flat_map(|mechanism| bytes(*mechanism)).collect();
            all.push((number(CKA_ALLOWED_MECHANISMS), list));
        }
        for (attribute, date) in [(CKA_START_DATE, &self.start), (CKA_END_DATE, &self.end)] {
            if let Some(date) = date {
                all.push((number(attribute), date.clone().into_bytes()));
            }
        }
        if let Some((_, of_type)) = self.hmac.and_then(|place| HMACS.get(place)) {
            all.push((number(CKA_KEY_TYPE), of_type.to_ne_bytes().to_vec()));
        }
        all
    }
}

#[allow(clippy::useless_conversion, reason = "a CK_ULONG has 32 bits elsewhere")]
fn number(constant: CK_ULONG) -> u64 {
    u64::from(constant)
}

fn list(mechanisms: &[u64]) -> String {
    mechanisms.iter().map(|number| format!("{number:#x}")).collect::<Vec<_>>().join(" ")
}

/// The eight digits of a CK_DATE.
fn is_date(date: &[u8]) -> bool {
    date.len() == 8 && date.iter().all(u8::is_ascii_digit)
}

impl Token {
    /// What limits `key`, and in words what it has beside that and isn't kept.
    ///
    /// # Errors
    /// [`HsmError::Refused`].
    pub(super) fn limits(&self, key: &KeyObject) -> Result<(Limits, Vec<String>), HsmError> {
        let raw = &self.module.raw;
        let refused = HsmError::raw("reading what limits a key");
        let value = |attribute| raw.attribute(&self.session, key.handle, number(attribute)).map_err(&refused);
        let length =
            |attribute| raw.attribute_length(&self.session, key.handle, number(attribute)).map_err(&refused);
        let mut not_kept = Vec::new();
        let mut limits = Limits::default();
        // One token gives a general error for a date that it has taken: that is named, and the key goes on.
        let odd = |attribute| match value(attribute) {
            Err(error) if !error.is_gone() => Ok(Err(error)),
            answer => answer.map(Ok),
        };
        let allowed = value(CKA_ALLOWED_MECHANISMS)?.unwrap_or_default();
        let (numbers, rest) = allowed.as_chunks::<{ size_of::<CK_ULONG>() }>();
        let mechanisms: Vec<u64> = numbers.iter().map(|one| number(CK_ULONG::from_ne_bytes(*one))).collect();
        if rest.is_empty() && list(&mechanisms).len() <= LONGEST {
            limits.mechanisms = mechanisms;
        } else {
            not_kept.push("the list of mechanisms that it may be used with, which is too long".to_owned());
        }
        let days = [(&mut limits.start, CKA_START_DATE, "first"), (&mut limits.end, CKA_END_DATE, "last")];
        for (place, attribute, which) in days {
            match odd(attribute)? {
                // An empty date of some tokens.
                Ok(Some(date)) if date.iter().all(|byte| matches!(byte, 0 | b' ')) => {}
                Ok(Some(date)) if is_date(&date) => *place = String::from_utf8(date).ok(),
                Ok(Some(_)) => not_kept.push(format!("the {which} day of its use, which is no date")),
                Ok(None) => {}
                Err(error) => not_kept.push(format!("the {which} day of its use: {error}")),
            }
        }
        let of_type =
            value(CKA_KEY_TYPE)?.and_then(|bytes| Some(CK_ULONG::from_ne_bytes(bytes.try_into().ok()?)));
        limits.hmac = of_type.and_then(|found| HMACS.iter().position(|(_, known)| *known == found));
        if value(CKA_ALWAYS_AUTHENTICATE)?.is_some_and(|bytes| bytes.iter().any(|byte| *byte != 0)) {
            not_kept.push("that the PIN is asked for at each use (CKA_ALWAYS_AUTHENTICATE)".to_owned());
        }
        for (attribute, name) in
            [(CKA_WRAP_TEMPLATE, "CKA_WRAP_TEMPLATE"), (CKA_UNWRAP_TEMPLATE, "CKA_UNWRAP_TEMPLATE")]
        {
            if length(attribute)?.is_some_and(|length| length > 0) {
                not_kept.push(format!("what it may wrap or unwrap ({name})"));
            }
        }
        if key.private && !key.id.is_empty() {
            let template = [
                Attribute::Class(ObjectClass::CERTIFICATE),
                Attribute::Token(true),
                Attribute::Id(key.id.clone()),
            ];
            let found = self.session.find_objects(&template);
            let count = found.map_err(HsmError::call("looking for certificates"))?.len();
            if count > 0 {
                let id = hex(&key.id);
                not_kept.push(format!(
                    "{count} certificates of its id {id}: they are public, keep them as files"
                ));
            }
        }
        Ok((limits, not_kept))
    }
}

/// The mechanisms that draw a secret key at random. Others make one of a password, and say that it is local too.
const AT_RANDOM: [CK_ULONG; 6] = [
    CKM_AES_KEY_GEN,
    CKM_GENERIC_SECRET_KEY_GEN,
    CKM_SHA224_KEY_GEN,
    CKM_SHA256_KEY_GEN,
    CKM_SHA384_KEY_GEN,
    CKM_SHA512_KEY_GEN,
];

impl Token {
    /// Whether the token says that it has drawn a secret key at random itself.
    ///
    /// # Errors
    /// [`HsmError::Refused`].
    pub(super) fn drew(&self, key: &KeyObject) -> Result<bool, HsmError> {
        if key.private || key.local != Some(true) {
            return Ok(false);
        }
        let made = self.module.raw.attribute(&self.session, key.handle, number(CKA_KEY_GEN_MECHANISM));
        let made = made.map_err(HsmError::raw("reading how the key was made"))?;
        let by = made.and_then(|bytes| Some(CK_ULONG::from_ne_bytes(bytes.try_into().ok()?)));
        Ok(by.is_some_and(|by| AT_RANDOM.contains(&by)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back() {
        let limits = Limits {
            mechanisms: vec![0x251, 0x8000_0171],
            start: Some("20260101".to_owned()),
            end: Some("20301231".to_owned()),
            hmac: Some(2),
        };
        let kept: BTreeMap<String, String> = limits.attributes().into_iter().collect();
        assert_eq!(kept[ALLOWED], "0x251 0x80000171");
        assert_eq!(kept[TYPE], "sha384-hmac");
        assert_eq!(Limits::of(&kept), Ok(limits.clone()));
        assert_eq!(limits.by_number().len(), 4);
        assert!(Limits::of(&BTreeMap::new()).unwrap().is_empty());
    }

    #[test]
    fn what_is_none_is_refused() {
        for (field, value) in [
            (ALLOWED, "0x251  0x252"),
            (ALLOWED, ""),
            (ALLOWED, "593"),
            (ALLOWED, "0x+251"),
            (ALLOWED, "0x0251"),
            (START, "2026-01-01"),
            (END, "2026011"),
            (TYPE, "0x2b"),
        ] {
            let facts = [(field.to_owned(), value.to_owned())].into_iter().collect();
            assert_eq!(Limits::of(&facts), Err(HsmError::Fact { field }), "{value:?}");
        }
    }
    proptest::proptest! {
        /// A backup may say anything: it is refused, or is what would be written again.
        #[test]
        fn anything_is_read_or_refused(list in "[0-9a-fx ]{0,40}", date in "[0-9]{6,9}", of_type in "[a-z0-9-]{0,12}") {
            for (field, value) in [(ALLOWED, list), (START, date), (TYPE, of_type)] {
                let facts = [(field.to_owned(), value)].into_iter().collect();
                if let Ok(limits) = Limits::of(&facts) {
                    proptest::prop_assert_eq!(limits.attributes().into_iter().collect::<BTreeMap<_, _>>(), facts);
                }
            }
        }
    }
}
