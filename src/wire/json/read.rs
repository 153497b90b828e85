//! The reader of canonical JSON: one pass, no look-back, nothing copied but escaped strings.

use super::{DEEPEST, Json, JsonError, LARGEST};
use std::borrow::Cow;

/// Reads the one value that `bytes` are, in its canonical spelling. `artefact` names it in errors.
///
/// # Errors
/// [`JsonError::Syntax`] with the offset at which the spelling ceases to be canonical.
pub fn read<'a>(artefact: &'static str, bytes: &'a [u8]) -> Result<Json<'a>, JsonError> {
    let mut cursor = Cursor { bytes, at: 0 };
    let value = cursor.value(DEEPEST).filter(|_| cursor.at == bytes.len());
    value.ok_or(JsonError::Syntax { artefact, at: cursor.at })
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn eat(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.step())
    }

    fn word(&mut self, word: &[u8], value: Json<'a>) -> Option<Json<'a>> {
        word.iter().try_for_each(|byte| self.eat(*byte))?;
        Some(value)
    }

    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        match self.peek()? {
            b't' => self.word(b"true", Json::Bool(true)),
            b'f' => self.word(b"false", Json::Bool(false)),
            b'0'..=b'9' => self.number().map(Json::Number),
            b'"' => self.text().map(Json::Text),
            b'[' => self.list(depth.checked_sub(1)?),
            b'{' => self.object(depth.checked_sub(1)?),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u64> {
        let start = self.at;
        let mut number = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))?;
            self.step();
        }
        let padded = self.bytes.get(start) == Some(&b'0') && self.at > start.saturating_add(1);
        (number <= LARGEST && !padded).then_some(number)
    }

    fn text(&mut self) -> Option<Cow<'a, str>> {
        self.eat(b'"')?;
        let mut unescaped = None::<String>;
        let mut start = self.at;
        loop {
            let plain = self.bytes.get(start..self.at)?;
            match self.peek()? {
                b'"' => {
                    let plain = core::str::from_utf8(plain).ok()?;
                    self.step();
                    return Some(match unescaped {
                        None => Cow::Borrowed(plain),
                        Some(mut text) => {
                            text.push_str(plain);
                            Cow::Owned(text)
                        }
                    });
                }
                b'\\' => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(core::str::from_utf8(plain).ok()?);
                    self.step();
                    text.push(self.escaped()?);
                    start = self.at;
                }
                0..=0x1f => return None,
                _ => self.step(),
            }
        }
    }

    /// The character of an escape in its shortest spelling, behind the backslash.
    fn escaped(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.step();
        Some(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let end = self.at.checked_add(4)?;
                let digits = self.bytes.get(self.at..end)?;
                if digits.iter().any(|digit| !matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
                    return None;
                }
                let code = u32::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
                self.at = end;
                return char::from_u32(code)
                    .filter(|c| *c < ' ' && !matches!(c, '\u{8}' | '\t' | '\n' | '\u{c}' | '\r'));
            }
            _ => return None,
        })
    }

    fn list(&mut self, depth: usize) -> Option<Json<'a>> {
        self.eat(b'[')?;
        let mut items = Vec::new();
        if self.eat(b']').is_some() {
            return Some(Json::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            if self.eat(b']').is_some() {
                return Some(Json::List(items));
            }
            self.eat(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json<'a>> {
        self.eat(b'{')?;
        let mut fields: Vec<(Cow<'a, str>, Json<'a>)> = Vec::new();
        if self.eat(b'}').is_some() {
            return Some(Json::Object(fields));
        }
        loop {
            let name = self.text()?;
            let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
            let ascending = fields.last().is_none_or(|(before, _)| *before < name);
            if name.is_empty() || !name.bytes().all(plain) || !ascending {
                return None;
            }
            self.eat(b':')?;
            fields.push((name, self.value(depth)?));
            if self.eat(b'}').is_some() {
                return Some(Json::Object(fields));
            }
            self.eat(b',')?;
        }
    }
}
