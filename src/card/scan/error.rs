//! What can be wrong with a file that is to be scanned, and what to do about it.
//! Public data only: no text of a code, no bytes of the file.

use std::fmt;

/// The kinds of file that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A PNG picture.
    Png,
    /// A JPEG picture.
    Jpeg,
    /// A PDF document.
    Pdf,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Pdf => "PDF",
        })
    }
}

/// Why a file was not searched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// Neither PNG nor JPEG nor PDF.
    #[error("neither a PNG or JPEG picture nor a PDF")]
    NotAPicture,
    /// More bytes than [`Limits::bytes`](super::Limits::bytes).
    #[error("the file has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// The bytes of the file.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// More pixels than [`Limits::pixels`](super::Limits::pixels), by the picture's own header.
    #[error("the picture has {width} × {height} pixels, more than {limit} in all")]
    TooManyPixels {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// The limit.
        limit: u64,
    },
    /// More pages than [`Limits::pages`](super::Limits::pages).
    #[error("the PDF has {pages} pages, more than {limit}")]
    TooManyPages {
        /// The pages of the PDF.
        pages: usize,
        /// The limit.
        limit: usize,
    },
    /// A PDF that unpacks to more than [`Limits::unpacked`](super::Limits::unpacked), or would need more than one unpacking to know.
    #[error("the PDF unpacks to more than {limit} bytes")]
    Unpacks {
        /// The limit.
        limit: u64,
    },
    /// The file is cut short or broken, or uses what the decoder does not know.
    #[error("the {kind} is damaged or of a variant that is not read")]
    Damaged {
        /// What it seems to be.
        kind: Kind,
    },
    /// The PDF is encrypted.
    #[error("the PDF is encrypted")]
    Encrypted,
    /// The operating system gave no thread.
    #[error("no thread could be started for the search")]
    NoThread,
}

impl ScanError {
    /// What the person at the keyboard can do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotAPicture => "give a PNG, JPEG or PDF of the card, or a text file with its typed lines",
            Self::TooLarge { .. } => "scan one card at 300 dpi, in grey",
            Self::TooManyPixels { .. } => "scan at 300 dpi, or make the picture smaller",
            Self::TooManyPages { .. } => "split the PDF, or give the pages with cards only",
            Self::Unpacks { .. } => "save the scan as PNG or JPEG instead",
            Self::Damaged { .. } => "copy the file again from where it came, or scan the card again",
            Self::Encrypted => "save it without a password, or as PNG or JPEG",
            Self::NoThread => "close other programs and try again",
        }
    }
}
