//! `quorate add`: backs up a key that exists.

use super::args::{Add, Place};
use super::failure::Failure;
use super::files::read_secret;
use super::generate::{kind_before, report, warn_of_other_kind};
use super::hsm;
use super::output::Output;
use super::session::Session;
use quorate::ceremony::deposit::deposit;
use quorate::key::import;
use quorate::log::Op;
use quorate::primitive::random::Entropy;

/// The longest file that is read as a key: a PEM of the largest, with text around it.
const LONGEST: usize = 256 * 1024;

pub(crate) fn run(place: &Place, options: &Add, output: &mut Output) -> Result<(), Failure> {
    let file = match (&options.from, &options.file) {
        (Some(token), _) => return hsm::existing(place, options, token, output),
        (None, Some(file)) => file,
        (None, None) => {
            return Err(Failure::usage("no key is given")
                .hint("add --file FILE, or --from pkcs11:token=LABEL;object=NAME"));
        }
    };
    let session = Session::of(place)?;
    let mut escrow = session.open()?;
    // Whether the file can be read at all is known before anything is logged.
    let bytes = read_secret(file, LONGEST)?;
    let name = core::slice::from_ref(&options.name);
    let make = |_: &_, _: &mut _| import(options.kind, bytes.expose());
    let before = kind_before(&escrow, &options.name);
    let backed = deposit(&mut escrow, Op::Add, name, make, &mut Entropy::system())?;
    for one in &backed {
        warn_of_other_kind(&options.name, before, one.kind, output);
    }
    report("added", &backed, output);
    output.note(format!(
        "{} still holds the key in the clear: destroy it when you no longer need it",
        file.display()
    ));
    Ok(())
}
