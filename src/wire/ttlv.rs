//! TTLV, the encoding of KMIP (OASIS, KMIP 1.4, section 9.1): tag, type, length, value.
//!
//! In: [`Item`]s, or bytes of a server. Out: bytes, or the one item that bytes are. Total and strict: an item
//! fills its bytes, padding is zero, a length that its type doesn't have is refused, nesting and size are
//! limited before anything is kept. What a tag means is not known here.

/// The longest item that is read, in bytes.
pub const LONGEST: usize = 128 * 1024;
/// The deepest nesting that is read.
const DEEPEST: usize = 16;
/// Values are padded to a multiple of this.
const ALIGN: usize = 8;

/// An item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its tag, three bytes.
    pub tag: u32,
    /// What it holds.
    pub value: Value,
}

/// A value. Kinds that nothing here looks into are kept as their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Items (type 1).
    Structure(Vec<Item>),
    /// A number (type 2); masks are written so too.
    Integer(u32),
    /// One of a list (type 5).
    Enumeration(u32),
    /// UTF-8 (type 7).
    Text(String),
    /// Bytes (type 8).
    Bytes(Vec<u8>),
    /// Seconds since 1970 (type 9).
    Time(u64),
    /// A long integer, a big integer, a boolean or an interval (types 3, 4, 6, 10).
    Other(u8, Vec<u8>),
}

impl Item {
    /// A structure.
    #[must_use]
    pub const fn structure(tag: u32, inside: Vec<Self>) -> Self {
        Self { tag, value: Value::Structure(inside) }
    }

    /// One of a list.
    #[must_use]
    pub const fn enumeration(tag: u32, value: u32) -> Self {
        Self { tag, value: Value::Enumeration(value) }
    }

    /// A number.
    #[must_use]
    pub const fn integer(tag: u32, value: u32) -> Self {
        Self { tag, value: Value::Integer(value) }
    }

    /// A text.
    #[must_use]
    pub fn text(tag: u32, value: &str) -> Self {
        Self { tag, value: Value::Text(value.to_owned()) }
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(tag: u32, value: &[u8]) -> Self {
        Self { tag, value: Value::Bytes(value.to_vec()) }
    }

    /// Its encoding; `None` if a length doesn't fit.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let (kind, value) = match &self.value {
            Value::Structure(inside) => {
                let mut bytes = Vec::new();
                for item in inside {
                    bytes.extend(item.encode()?);
                }
                (1, bytes)
            }
            Value::Integer(value) => (2, value.to_be_bytes().to_vec()),
            Value::Enumeration(value) => (5, value.to_be_bytes().to_vec()),
            Value::Text(value) => (7, value.clone().into_bytes()),
            Value::Bytes(value) => (8, value.clone()),
            Value::Time(value) => (9, value.to_be_bytes().to_vec()),
            Value::Other(kind, value) => (*kind, value.clone()),
        };
        let [0, tag @ ..] = self.tag.to_be_bytes() else { return None };
        let mut bytes = tag.to_vec();
        bytes.push(kind);
        bytes.extend(u32::try_from(value.len()).ok()?.to_be_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().checked_next_multiple_of(ALIGN)?, 0);
        Some(bytes)
    }

    /// The one item that `bytes` are; `None` for anything else.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let (item, rest) = Self::first(bytes, DEEPEST)?;
        rest.is_empty().then_some(item)
    }

    /// The first item, and what follows it.
    fn first(bytes: &[u8], depth: usize) -> Option<(Self, &[u8])> {
        let ([a, b, c, kind], rest) = bytes.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let padded = length.checked_next_multiple_of(ALIGN)?;
        let (whole, rest) = rest.split_at_checked(padded)?;
        let (value, padding) = whole.split_at_checked(length)?;
        if padding.iter().any(|byte| *byte != 0) {
            return None;
        }
        let four = || Some(u32::from_be_bytes(value.try_into().ok()?));
        let value = match kind {
            1 => {
                let depth = depth.checked_sub(1)?;
                let (mut inside, mut left) = (Vec::new(), value);
                while !left.is_empty() {
                    let (item, rest) = Self::first(left, depth)?;
                    inside.push(item);
                    left = rest;
                }
                Value::Structure(inside)
            }
            2 => Value::Integer(four()?),
            5 => Value::Enumeration(four()?),
            7 => Value::Text(core::str::from_utf8(value).ok()?.to_owned()),
            8 => Value::Bytes(value.to_vec()),
            9 => Value::Time(u64::from_be_bytes(value.try_into().ok()?)),
            3 | 6 if length == 8 => Value::Other(*kind, value.to_vec()),
            4 if length.is_multiple_of(8) => Value::Other(4, value.to_vec()),
            10 if length == 4 => Value::Other(10, value.to_vec()),
            _ => return None,
        };
        Some((Self { tag: u32::from_be_bytes([0, *a, *b, *c]), value }, rest))
    }

    /// The first item at the end of a path of tags.
    #[must_use]
    pub fn at(&self, path: &[u32]) -> Option<&Self> {
        path.iter().try_fold(self, |item, tag| item.items().iter().find(|inside| inside.tag == *tag))
    }

    /// What is in a structure; nothing for another value.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Structure(inside) => inside,
            _ => &[],
        }
    }

    /// The number of an enumeration at the end of a path.
    #[must_use]
    pub fn enumeration_at(&self, path: &[u32]) -> Option<u32> {
        match self.at(path)?.value {
            Value::Enumeration(value) => Some(value),
            _ => None,
        }
    }

    /// The text at the end of a path.
    #[must_use]
    pub fn text_at(&self, path: &[u32]) -> Option<&str> {
        match &self.at(path)?.value {
            Value::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The bytes at the end of a path.
    #[must_use]
    pub fn bytes_at(&self, path: &[u32]) -> Option<&[u8]> {
        match &self.at(path)?.value {
            Value::Bytes(value) => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::text::from_hex;

    /// The examples of the specification, section 9.1.2.
    #[test]
    fn the_examples_of_the_specification() {
        let read = |hex: &str| Item::read(&from_hex(&hex.replace(' ', "")).unwrap());
        let examples = [
            ("42002002 00000004 00000008 00000000", Value::Integer(8)),
            ("42002003 00000008 01B69B4BA5749200", Value::Other(3, from_hex("01b69b4ba5749200").unwrap())),
            ("42002005 00000004 000000FF 00000000", Value::Enumeration(255)),
            ("42002006 00000008 0000000000000001", Value::Other(6, from_hex("0000000000000001").unwrap())),
            ("42002007 0000000B 48656C6C6F20576F 726C640000000000", Value::Text("Hello World".to_owned())),
            ("42002008 00000003 0102030000000000", Value::Bytes(vec![1, 2, 3])),
            ("42002009 00000008 0000000047DA67F8", Value::Time(0x47da_67f8)),
            ("4200200A 00000004 000D2F00 00000000", Value::Other(10, from_hex("000d2f00").unwrap())),
        ];
        for (hex, value) in examples {
            let hex = hex.to_ascii_lowercase();
            let item = Item { tag: 0x42_0020, value };
            assert_eq!(read(&hex), Some(item.clone()));
            assert_eq!(item.encode(), from_hex(&hex.replace(' ', "")));
        }
        let nested =
            read("42002001000000204200040500000004000000fe000000004200050200000004000000ff00000000").unwrap();
        assert_eq!(nested.enumeration_at(&[0x42_0004]), Some(254));
        assert_eq!(nested.at(&[0x42_0005]).unwrap().value, Value::Integer(255));
    }

    #[test]
    fn what_is_no_ttlv_is_refused() {
        let good = Item::structure(1, vec![Item::integer(2, 3), Item::text(4, "x")]).encode().unwrap();
        assert!(Item::read(&good).is_some());
        for end in 0..good.len() {
            assert_eq!(Item::read(&good[..end]), None, "{end}");
        }
        assert_eq!(Item::read(&[&good[..], &[0]].concat()), None);
        // Padding that isn't zero, a number of five bytes, a type that isn't there.
        for wrong in [
            "420020020000000400000008000000ff",
            "420020020000000500000008000000000",
            "4200200b000000040000000800000000",
            "42002006000000040000000100000000",
            "42002007000000020000000000000000ff",
            "4200200700000001ff00000000000000",
        ] {
            assert_eq!(from_hex(wrong).and_then(|bytes| Item::read(&bytes)), None, "{wrong}");
        }
        let mut deep = Item::structure(1, vec![]);
        for _ in 0..20 {
            deep = Item::structure(1, vec![deep]);
        }
        assert_eq!(Item::read(&deep.encode().unwrap()), None);
    }
}
