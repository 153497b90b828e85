//! Cards: a sealed share on paper, twice, as a QR code and as typed lines, and back.
//!
//! Out: [`codes`] (the texts of the QR codes), [`lines`](mod@crate::wire::lines), [`verification`] (what two people
//! compare by phone) and [`pdf`] (the page). In: [`Collector`], which takes the texts of codes and
//! typed lines in any order and gives cards. `qr` and `page` draw, `scan` reads pictures, `typed`
//! reads text. `sheet` is the other paper: a key's backup, without a secret. A card can be drawn, read and
//! inspected with no secret present: what the share's seal hides, only its custodian opens.
//! `docs/format.md`, Cards.

mod codes;
mod face;
mod foreign;
pub mod page;
pub mod qr;
pub mod scan;
pub mod sheet;
pub mod typed;

pub use codes::{CodeError, Collector, Offer, PREFIX, codes, is_code};
pub use face::{Details, pdf, pocket_pdf, verification};

/// Name and version of the program, as papers show it.
const PROGRAM: &str = concat!("quorate ", env!("CARGO_PKG_VERSION"));
