//! Bytes from a terminal to keys and pasted text.
//!
//! In: bytes, one by one, as xterm and its many relatives send them. Out: keys; unknown sequences are one
//! key that does nothing, so that no part of them lands in a line. What a terminal brackets as pasted
//! comes as a whole, and so does what comes too fast to be typed. An Escape alone is only known by the
//! silence behind it, and so is the end of pasted text whose closing bracket is lost: `patience` says when
//! to listen, and for how long.

use quorate::secret::{SecretWriter, Zeroizing};

/// The most pasted bytes that are kept.
const LONGEST: usize = 64 * 1024;
/// The longest sequence that is understood.
const SEQUENCE: usize = 16;
pub(super) const ESCAPE: u8 = 0x1b;
/// How long the rest of a sequence, of a bracketed text, and of text that comes in one burst may be
/// waited for, in tenths of a second.
const SILENCE: [u8; 3] = [1, 10, 2];
/// Ctrl-C: no text has it.
const INTERRUPT: u8 = 3;
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
    silence: u8,
}

impl Paste {
    fn new(silence: u8) -> Self {
        Self { text: SecretWriter::new(LONGEST), tail: [0; PASTED.len()], silence }
    }
}

impl Decoder {
    /// After how many tenths of a second of silence what was begun is over: an Escape that may be a key
    /// alone, or pasted text.
    pub(super) fn patience(&self) -> Option<u8> {
        let [escape, ..] = SILENCE;
        let open = (self.held.first() == Some(&ESCAPE)).then_some(escape);
        self.paste.as_ref().map(|paste| paste.silence).or(open)
    }

    /// Takes what comes now for pasted text, until there is silence.
    pub(super) fn burst(&mut self) {
        let [.., silence] = SILENCE;
        self.held.clear();
        self.paste = Some(Paste::new(silence));
    }

    /// Nothing came behind the Escape, or the pasted text.
    pub(super) fn silence(&mut self) -> Option<Input> {
        if self.paste.is_some() {
            return self.pasted();
        }
        let alone = self.held.len() == 1;
        let open = self.held.first() == Some(&ESCAPE);
        self.held.clear();
        open.then_some(Input::Key(if alone { Key::Escape } else { Key::Other }))
    }

    /// Takes a byte.
    pub(super) fn put(&mut self, byte: u8) -> Option<Input> {
        if let Some(paste) = &mut self.paste {
            if byte == INTERRUPT {
                self.paste = None;
                return Some(Input::Key(Key::Interrupt));
            }
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
            INTERRUPT => Key::Interrupt,
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
                let [_, bracketed, _] = SILENCE;
                self.paste = Some(Paste::new(bracketed));
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

    #[test]
    fn silence_or_ctrl_c_ends_what_was_pasted() {
        let text = |input| match input {
            Some(Input::Paste(text)) => text.to_string(),
            other => format!("{other:?}"),
        };
        let mut decoder = Decoder::default();
        assert!(b"\x1b[200~01 AB\r".iter().all(|byte| decoder.put(*byte).is_none()));
        assert_eq!(decoder.patience(), Some(10));
        assert_eq!(text(decoder.silence()), "01 AB\r");
        // The bracket that comes too late is a key that does nothing.
        assert_eq!(keys(b"\x1b[201~"), [Key::Other]);
        assert!(b"\x1b[200~01 AB".iter().all(|byte| decoder.put(*byte).is_none()));
        assert!(matches!(decoder.put(3), Some(Input::Key(Key::Interrupt))));
        assert_eq!(decoder.patience(), None);
        decoder.burst();
        assert!(b"01 AB\r\r02".iter().all(|byte| decoder.put(*byte).is_none()));
        assert_eq!(text(decoder.silence()), "01 AB\r\r02");
        assert!(decoder.silence().is_none());
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
