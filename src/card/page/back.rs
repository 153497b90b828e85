//! The last page: how to read a card without this program.
//!
//! All of its wording is [`BACK`], three panels of two columns between the folds; edit it there. The layout takes the largest
//! size that lets every column fit its panel, and refuses to go under 7 points: a test notices a text that has
//! grown too long. The page is the same for every card and says nothing about one.
//!
//! It is a summary of `docs/format.md`, which is normative; both must say the same.

use super::font::{Fonts, Style};
use super::sheet::{Look, MM, Sheet, Tone};
use super::{PageError, Paper};

/// One piece of a column.
pub(super) enum Block {
    /// A small heading.
    Head(&'static str),
    /// A paragraph.
    Para(&'static str),
    /// A row of a table: offset, length, meaning.
    Row(&'static str, &'static str, &'static str),
}

use Block::{Head, Para, Row};

/// A third of the page: its left and right columns.
pub(super) struct Panel(pub(super) &'static [Block], pub(super) &'static [Block]);

/// The words of the last page.
pub(super) const BACK: [Panel; 3] = [
    Panel(
        &[
            Para(
                "You need M cards of the same quorum and generation, what opens their seals, the backups of the escrow, and a computer \
                 without a network. Everything here is public; a hundred lines in any language do it.",
            ),
            Head("1  Characters"),
            Para(
                "A\u{2013}Z and 2\u{2013}7 stand for the numbers 0\u{2013}31, five bits each, first bit highest (base32 of RFC 4648): A is 0, \
                 Z is 25, 2 is 26, 7 is 31. Read small letters as capitals, 0 as O, 1 as I, 8 as B; ignore spaces and hyphens.",
            ),
            Head("2  The square code"),
            Para(
                "Ordinary QR codes; any reader shows their text: QUORATE/1/ and then the bytes of the card in base32 without padding. \
                 A long card is cut in parts, QUORATE/1/P1OF6/ and so on: behind the next slash, join their base32 as bytes.",
            ),
        ],
        &[
            Head("3  The typed lines"),
            Para(
                "The same base32 text, 25 characters to a line, the last line filled up with A. Every line has 5 check characters \
                 more, its sixth group. The last two lines are spare; who has all the others can leave them out.",
            ),
            Para(
                "Arithmetic is in GF(32): numbers of five bits, addition is exclusive-or, multiplication is of polynomials modulo \
                 x^5+x^2+1, and a = 2. Let c_0 be the number of a line (1, 2, \u{2026}), c_1 to c_25 its data and c_26 to c_30 its check: \
                 for j = 1 to 5, the sum of c_k times a^(jk) is zero, the code RS(31,26). It repairs any two wrong characters of a line.",
            ),
            Para(
                "Spare lines: in each of the 25 data columns, the sum of all lines is zero, and so is the sum of a^i times line i. So \
                 any two lost lines can be computed.",
            ),
        ],
    ),
    Panel(
        &[
            Head("4  The bytes of the card"),
            Row("0", "1", "version: 1"),
            Row("1", "1", "kind: 1, a share of a quorum secret"),
            Row("2", "10", "quorum id"),
            Row("12", "2", "generation, high byte first"),
            Row("14", "1", "number i of this share"),
            Row("15", "1", "threshold M"),
            Row("16", "1", "number of shares N"),
            Row("17", "1", "seal: 0 open, 1 passphrase, 2 age"),
            Row("18", "1", "memory: 2 to this power, in KiB"),
            Row("19", "1", "passes"),
            Row("20", "1", "lanes"),
            Row("21", "16", "salt"),
            Row("37", "80", "sealed share: 64 bytes and a tag of 16"),
            Row("117", "8", "check"),
            Para(
                "The check is the first 8 bytes of SHA-256 of \u{201c}quorate/v1/card\u{201d} and all bytes before it.",
            ),
        ],
        &[
            Head("5  Opening the seal"),
            Para(
                "Passphrase: Argon2id (RFC 9106, version 1.3) of the passphrase (UTF-8, NFC, words separated by one space) with the \
                 salt, memory, passes and lanes above gives 56 bytes: a key of 32 and a nonce of 24. Open the sealed share with \
                 XChaCha20-Poly1305 and bytes 0\u{2013}36 as associated data.",
            ),
            Para(
                "Age: bytes 18 and 19 are a length, then comes a file of age-encryption.org/v1 to the custodian\u{2019}s key: it holds \
                 bytes 0\u{2013}17 again and the share. Open: the share is bytes 18\u{2013}81.",
            ),
            Para(
                "A share is 64 bytes: the number f(i), then g(i), 32 bytes each, low byte first. The number g(i) is needed only to \
                 check the share: f(i) G + g(i) H must be the sum of i^k C_k over the commitments C_0 \u{2026} C_(M-1) of the public \
                 quorum record (ristretto255, RFC 9496).",
            ),
        ],
    ),
    Panel(
        &[
            Head("6  Combining M shares"),
            Para(
                "All cards must show the same quorum and the same generation. Calculate modulo the prime \
                 p = 2^252 + 27742317777372353535851937790883648493.",
            ),
            Para(
                "For each share i of the M at hand, let w(i) be the product, over the other shares j, of j / (j \u{2212} i). The secret s is \
                 the sum of w(i) f(i).",
            ),
            Para("A different set of M shares must give the same s."),
        ],
        &[
            Head("7  From the secret to the keys"),
            Para(
                "Let k = HKDF-SHA256-Extract with salt \u{201c}quorate/v1\u{201d} of s as 32 bytes, low byte first. Expand(k, \
                 \u{201c}age-identity\u{201d}, 32 bytes), written in Bech32 with the prefix AGE-SECRET-KEY-PQ- in capitals, is an age \
                 identity (C2SP age, mlkem768x25519).",
            ),
            Para(
                "With it, any age program opens the backups, the files that end in .age. Inside is JSON; the key is in \
                 \u{201c}material\u{201d}, in base64.",
            ),
            Para(
                "Is s right? Expand(k, \u{201c}ed25519\u{201d}, 32 bytes) is the seed of an Ed25519 key (RFC 8032). The first 10 bytes of \
                 SHA-256 of its public key, in base32, are the quorum id.",
            ),
        ],
    ),
];

/// Lays out the last page.
pub(super) fn back<'f>(fonts: &'f Fonts, paper: Paper) -> Result<Sheet<'f>, PageError> {
    // Tenths of a point, largest first.
    for tenths in (70u8..=98).rev() {
        let mut sheet = Sheet::new(fonts, paper);
        if fill(&mut sheet, f32::from(tenths) / 10.0)? {
            return Ok(sheet);
        }
    }
    Err(PageError::TooLong { field: "the text of the last page" })
}

/// Sets all panels at this size; false when a column is too high.
fn fill(sheet: &mut Sheet<'_>, size: f32) -> Result<bool, PageError> {
    let (left, right, width) = sheet.span();
    sheet.text(
        left,
        14.5 * MM,
        Look(Style::Bold, 16.0, Tone::Ink),
        "How to read a card without the program",
    )?;
    sheet.text_right(right, 14.5 * MM, Look(Style::Text, 9.2, Tone::Ink), "card format 1")?;
    let [first, second] = sheet.paper.folds();
    let bottom = sheet.paper.size().1 - 13.0 * MM;
    let edges = [(23.0 * MM, first), (first + 8.0 * MM, second), (second + 8.0 * MM, bottom)];
    let gap = 9.0 * MM;
    let column = (width - gap) / 2.0;
    for (Panel(one, two), (top, end)) in BACK.iter().zip(edges) {
        for (x, blocks) in [(left, one), (right - column, two)] {
            let mut y = top;
            for block in *blocks {
                y = place(sheet, (x, column), y, size, block)?;
            }
            if y - size * 1.3 > end - 3.0 * MM {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn place(
    sheet: &mut Sheet<'_>,
    span: (f32, f32),
    y: f32,
    size: f32,
    block: &Block,
) -> Result<f32, PageError> {
    let leading = size * 1.3;
    let look = Look(Style::Text, size, Tone::Ink);
    match block {
        Head(text) => {
            sheet.text(span.0, y, Look(Style::Bold, size + 1.3, Tone::Ink), text)?;
            Ok(y + leading + 2.5)
        }
        Para(text) => Ok(sheet.paragraph(span, y, look, leading, text)? + leading * 0.45),
        Row(at, length, meaning) => {
            let code = Look(Style::Code, size, Tone::Ink);
            sheet.text_right(span.0 + size * 2.0, y, code, at)?;
            sheet.text_right(span.0 + size * 4.0, y, code, length)?;
            sheet.text(span.0 + size * 5.0, y, look, meaning)?;
            Ok(y + leading)
        }
    }
}
