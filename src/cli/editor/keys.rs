//! Bytes from a terminal to keys and pasted text.
//!
//! In: bytes, one by one, as xterm and its many relatives send them. Out: keys; unknown sequences are one
//! key that does nothing, so that no part of them lands in a line. What a terminal brackets as pasted
//! comes as a whole. An Escape alone is only known by the silence behind it: `is_open` says when to listen.

use quorate::secret::{SecretWriter, Zeroizing};

/// The most pasted bytes that are kept.
const LONGEST: usize = 64 * 1024;
/// The longest sequence that is understood.
const SEQUENCE: usize = 16;
const ESCAPE: u8 = 0x1b;
const PASTE: &[u8] = b"\x1b[200~";
const PASTED: [u8; 6] = *b"\x1b[201~";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Key {
    Char(char),
    Enter,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    /// Ctrl-U.
    Clear,
    Escape,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    EndOfInput,
    /// Anything else.
    Other,
}

#[derive(Debug)]
pub(super) enum Input {
    Key(Key),
    Paste(Zeroizing<String>),
}

/// A sequence or a character in the making.
#[derive(Default)]
pub(super) struct Decoder {
    held: Zeroizing<Vec<u8>>,
    paste: Option<Paste>,
}

struct Paste {
    text: SecretWriter,
    tail: [u8; PASTED.len()],
}

impl Decoder {
    /// Whether an Escape was read that may be a key alone.
    pub(super) fn is_open(&self) -> bool {
        self.paste.is_none() && self.held.first() == Some(&ESCAPE)
    }

    /// Nothing came behind the Escape.
    pub(super) fn silence(&mut self) -> Option<Input> {
        let alone = self.held.len() == 1;
        let open = self.is_open();
        self.held.clear();
        open.then_some(Input::Key(if alone { Key::Escape } else { Key::Other }))
    }

    /// Takes a byte.
    pub(super) fn put(&mut self, byte: u8) -> Option<Input> {
        if let Some(paste) = &mut self.paste {
            // What is too long is cut; the end is waited for all the same.
            let _ = paste.text.put(&[byte]);
            paste.tail.rotate_left(1);
            if let Some(last) = paste.tail.last_mut() {
                *last = byte;
            }
            return if paste.tail == PASTED { self.pasted() } else { None };
        }
        if self.held.capacity() == 0 {
            self.held.reserve_exact(SEQUENCE);
        }
        match self.held.first() {
            Some(&ESCAPE) => self.sequence(byte),
            Some(_) => self.character(byte),
            None => self.first(byte).map(Input::Key),
        }
    }

    fn first(&mut self, byte: u8) -> Option<Key> {
        Some(match byte {
            b'\r' | b'\n' => Key::Enter,
            8 | 127 => Key::Backspace,
            1 => Key::Home,
            3 => Key::Interrupt,
            4 => Key::EndOfInput,
            5 => Key::End,
            21 => Key::Clear,
            b' '..=b'~' => Key::Char(char::from(byte)),
            b'\t' => Key::Char(' '),
            ESCAPE | 0xc0..=0xff => {
                self.held.push(byte);
                return None;
            }
            _ => Key::Other,
        })
    }

    fn character(&mut self, byte: u8) -> Option<Input> {
        self.held.push(byte);
        let key = match core::str::from_utf8(&self.held) {
            Ok(text) => text.chars().next().map_or(Key::Other, Key::Char),
            Err(error) if error.error_len().is_none() => return None,
            Err(_) => Key::Other,
        };
        self.held.clear();
        Some(Input::Key(key))
    }

    fn sequence(&mut self, byte: u8) -> Option<Input> {
        if byte == ESCAPE {
            // Escape twice: the first was alone.
            return Some(Input::Key(Key::Escape));
        }
        self.held.push(byte);
        let key = match self.held.as_slice() {
            PASTE => {
                self.held.clear();
                self.paste = Some(Paste { text: SecretWriter::new(LONGEST), tail: [0; PASTED.len()] });
                return None;
            }
            [_, b'[' | b'O', b'A'] => Key::Up,
            [_, b'[' | b'O', b'B'] => Key::Down,
            [_, b'[' | b'O', b'C'] => Key::Right,
            [_, b'[' | b'O', b'D'] => Key::Left,
            [_, b'[' | b'O', b'H'] | [_, b'[', b'1' | b'7', b'~'] => Key::Home,
            [_, b'[' | b'O', b'F'] | [_, b'[', b'4' | b'8', b'~'] => Key::End,
            [_, b'[', b'3', b'~'] => Key::Delete,
            [_, b'[' | b'O'] => return None,
            [_, b'[', .., b'@'..=b'~'] => Key::Other,
            [_, b'[', ..] if self.held.len() < SEQUENCE => return None,
            _ => Key::Other,
        };
        self.held.clear();
        Some(Input::Key(key))
    }

    fn pasted(&mut self) -> Option<Input> {
        let pasted = self.paste.take()?.text.finish();
        let bytes = pasted.expose();
        let bytes = bytes.strip_suffix(&PASTED).unwrap_or(bytes);
        let mut text = Zeroizing::new(String::with_capacity(bytes.len()));
        bytes.utf8_chunks().for_each(|chunk| text.push_str(chunk.valid()));
        Some(Input::Paste(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        let mut keys: Vec<Input> = bytes.iter().filter_map(|byte| decoder.put(*byte)).collect();
        keys.extend(decoder.silence());
        let key = |input| match input {
            Input::Key(key) => key,
            Input::Paste(text) => panic!("pasted {text:?}"),
        };
        keys.into_iter().map(key).collect()
    }

    #[test]
    fn keys_are_known_by_their_sequences() {
        assert_eq!(
            keys(b"a7 \r\n"),
            [Key::Char('a'), Key::Char('7'), Key::Char(' '), Key::Enter, Key::Enter]
        );
        assert_eq!(keys(b"\x1b[A\x1bOB\x1b[C\x1b[D"), [Key::Up, Key::Down, Key::Right, Key::Left]);
        assert_eq!(keys(b"\x1b[H\x1b[F\x1b[1~\x1b[4~\x01\x05"), [Key::Home, Key::End].repeat(3));
        assert_eq!(keys(b"\x7f\x08\x1b[3~\x15"), [Key::Backspace, Key::Backspace, Key::Delete, Key::Clear]);
        assert_eq!(keys(b"\x03\x04\x1b"), [Key::Interrupt, Key::EndOfInput, Key::Escape]);
        assert_eq!(keys("é€".as_bytes()), [Key::Char('é'), Key::Char('€')]);
    }

    #[test]
    fn what_is_not_understood_is_one_key_that_does_nothing() {
        assert_eq!(
            keys(b"\x1b[1;5C\x1b[15~\x1bx\x1b[<0;1;1MA"),
            [&[Key::Other; 4][..], &[Key::Char('A')]].concat()
        );
        assert_eq!(keys(b"\xff\xff\xc3("), [Key::Other; 2]);
        assert_eq!(keys(b"\x1b\x1b"), [Key::Escape, Key::Escape]);
    }

    #[test]
    fn pasted_text_comes_whole() {
        let mut decoder = Decoder::default();
        let sent = b"\x1b[200~01 AB\rCD \x1b[A\x1b[201~";
        let pasted: Vec<Input> = sent.iter().filter_map(|byte| decoder.put(*byte)).collect();
        assert!(matches!(&pasted[..], [Input::Paste(text)] if **text == "01 AB\rCD \x1b[A"), "{pasted:?}");
        let long = [PASTE, &vec![b'A'; 2 * LONGEST], &PASTED].concat();
        let pasted: Vec<Input> = long.iter().filter_map(|byte| decoder.put(*byte)).collect();
        assert!(matches!(&pasted[..], [Input::Paste(text)] if text.len() == LONGEST), "{pasted:?}");
        assert!(matches!(decoder.put(b'x'), Some(Input::Key(Key::Char('x')))));
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::default();
            for byte in bytes {
                let _ = decoder.put(byte);
                prop_assert!(decoder.held.len() <= SEQUENCE);
            }
        }
    }
}
