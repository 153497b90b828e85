//! JSON of other programs (RFC 8259), as far as downloads of providers need it.
//!
//! In: bytes in any spelling that the RFC allows. Out: [`Value`], to be asked by path. Total: it never
//! panics, takes no more than [`LONGEST`] bytes and [`DEEPEST`] levels, and refuses an object that has one
//! name twice, for two readers would read two things. Numbers stay as they are written. What Quorate
//! writes itself is canonical and read by `wire::json`; nothing secret is read here.

/// The longest text that is read, in bytes.
pub const LONGEST: usize = 256 * 1024;
/// The deepest nesting that is read.
pub const DEEPEST: usize = 16;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// An object in the order in which it is written.
    Object(Vec<(String, Self)>),
}

impl Value {
    /// Reads the one value that `bytes` are; `None` for anything else.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let text = core::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()?;
        let mut cursor = Cursor { left: text };
        let value = cursor.value(DEEPEST)?;
        cursor.space();
        cursor.left.is_empty().then_some(value)
    }

    /// The value at the end of a path of names.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, name| match value {
            Self::Object(fields) => fields.iter().find(|(found, _)| found == name).map(|(_, value)| value),
            _ => None,
        })
    }

    /// The string at the end of a path of names.
    #[must_use]
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        match self.at(path)? {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

struct Cursor<'a> {
    left: &'a str,
}

impl Cursor<'_> {
    fn space(&mut self) {
        self.left = self.left.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn eat(&mut self, wanted: &str) -> Option<()> {
        self.left = self.left.strip_prefix(wanted)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.space();
        match self.left.bytes().next()? {
            b'n' => self.eat("null").map(|()| Value::Null),
            b't' => self.eat("true").map(|()| Value::Bool(true)),
            b'f' => self.eat("false").map(|()| Value::Bool(false)),
            b'"' => self.string().map(Value::Text),
            b'[' => self.list(depth.checked_sub(1)?),
            b'{' => self.object(depth.checked_sub(1)?),
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Option<Value> {
        let end = self.left.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let (number, left) = self.left.split_at_checked(end.unwrap_or(self.left.len()))?;
        // The float reader knows the form; what it adds (`inf`, `.5`, `+1`) isn't let near it.
        let digits = number.strip_prefix('-').unwrap_or(number);
        let padded = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        let begins = digits.starts_with(|c: char| c.is_ascii_digit());
        let ends = digits.ends_with(|c: char| c.is_ascii_digit());
        if !begins || !ends || padded || number.len() > 40 || number.parse::<f64>().is_err() {
            return None;
        }
        self.left = left;
        Some(Value::Number(number.to_owned()))
    }

    fn string(&mut self) -> Option<String> {
        self.eat("\"")?;
        let mut text = String::new();
        loop {
            let end = self.left.find(|c: char| matches!(c, '"' | '\\' | '\0'..='\x1f'))?;
            let (plain, left) = self.left.split_at_checked(end)?;
            text.push_str(plain);
            self.left = left;
            if self.eat("\"").is_some() {
                return Some(text);
            }
            self.eat("\\")?;
            let c = self.left.chars().next()?;
            self.left = self.left.get(c.len_utf8()..)?;
            text.push(match c {
                '"' | '\\' | '/' => c,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => self.escaped()?,
                _ => return None,
            });
        }
    }

    /// The character of four hexadecimal digits, or of a pair of surrogates.
    fn escaped(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.eat("\\u")?;
        let second = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        char::from_u32(0x1_0000_u32.checked_add((first & 0x3ff) << 10)?.checked_add(second)?)
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, left) = self.left.split_at_checked(4)?;
        self.left = left;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
        u32::from_str_radix(digits, 16).ok()
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.eat("[")?;
        let mut items = Vec::new();
        self.space();
        if self.eat("]").is_some() {
            return Some(Value::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.space();
            if self.eat("]").is_some() {
                return Some(Value::List(items));
            }
            self.eat(",")?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.eat("{")?;
        let mut fields: Vec<(String, Value)> = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        self.space();
        if self.eat("}").is_some() {
            return Some(Value::Object(fields));
        }
        loop {
            self.space();
            let name = self.string()?;
            if !names.insert(name.clone()) {
                return None;
            }
            self.space();
            self.eat(":")?;
            fields.push((name, self.value(depth)?));
            self.space();
            if self.eat("}").is_some() {
                return Some(Value::Object(fields));
            }
            self.eat(",")?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_the_rfc_allows_is_read() {
        let text = r#" { "A b" : [ 1, -2.5e3 , true,null , "\u00e9\ud83d\ude00\/\n" ], "c":{"d":"e"} } "#;
        let value = Value::read(text.as_bytes()).unwrap();
        assert_eq!(value.text(&["c", "d"]), Some("e"));
        let Some(Value::List(items)) = value.at(&["A b"]) else { unreachable!() };
        assert_eq!(items[1], Value::Number("-2.5e3".to_owned()));
        assert_eq!(items[4], Value::Text("é😀/\n".to_owned()));
        assert_eq!(value.text(&["c"]), None);
        assert_eq!(value.text(&["c", "d", "e"]), None);
    }

    #[test]
    fn anything_else_is_refused() {
        let deep = format!("{}1{}", "[".repeat(17), "]".repeat(17));
        let wrong = [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\":1,\"a\":1}",
            "{a:1}",
            "01",
            "+1",
            ".5",
            "1.",
            "-",
            "NaN",
            "inf",
            "1 2",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\n\"",
            "'a'",
            "nul",
            &deep,
        ];
        for wrong in wrong {
            assert_eq!(Value::read(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(Value::read(&vec![b' '; LONGEST + 1]), None);
        assert_eq!(Value::read(b"\"\xff\""), None);
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in r#"[\[\]{}",:\\u0019abtrue false.\-e\n é]{0,64}"#) {
            let _ = Value::read(text.as_bytes());
        }

        #[test]
        fn canonical_json_is_json(name in "[a-z]{1,9}", text in any::<String>()) {
            let mut fields = crate::wire::json::Json::Object(Vec::new());
            if let crate::wire::json::Json::Object(fields) = &mut fields {
                fields.push((name.clone().into(), crate::wire::json::Json::text(text.clone())));
            }
            let value = Value::read(&fields.bytes()).unwrap();
            prop_assert_eq!(value.text(&[&name]), Some(&*text));
        }
    }
}
