//! `quorate init`: founds a quorum, and makes the custodians' cards.
//!
//! The cards are written under pending names, the quorum's record is stored and logged, and only
//! then do the cards get their names. A generated passphrase reaches its custodian alone: on the
//! terminal's alternate screen, or on a slip in another folder than the cards'.

use super::args::{Init, Place};
use super::cards::{named, parallel, passphrase_files};
use super::evidence::{Account, Held, envelopes};
use super::failure::{FAILED, Failure};
use super::files::{Pending, make_private_folder, read_secret};
use super::operator;
use super::output::Output;
use super::plugin;
use super::policy;
use super::progress::Step;
use super::scan_back;
use super::script;
use super::session::Session;
use super::terminal;
use places::{are_free, beside, card_place, pocket_place, separate, slip_place};
use quorate::age::{Recipient, RecipientError};
use quorate::card::{Details, pdf, pocket_pdf, verification};
use quorate::ceremony::escrow::Escrow;
use quorate::ceremony::found::{Founding, Plan, Seal, Seat};
use quorate::ceremony::report::Kind;
use quorate::log::{CardHistory, Checkpoint};
use quorate::primitive::random::Entropy;
use quorate::quorum::QuorumRecord;
use quorate::seal::{Cost, WEAK, generate_passphrase, strength};
use quorate::secret::{Passphrase, SecretWriter};
use quorate::wire::json::{Json, object};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

mod places;

/// How a custodian comes by a passphrase that the program made.
struct Handover {
    index: u8,
    name: String,
    passphrase: Passphrase,
}

pub(crate) fn run(place: &Place, options: &Init, output: &mut Output) -> Result<(), Failure> {
    match options.ceremony.as_deref().filter(|text| text.ends_with(".toml")) {
        Some(file) => found(place, &script::founding(options, Path::new(file))?, output),
        None => found(place, options, output),
    }
}

fn found(place: &Place, options: &Init, output: &mut Output) -> Result<(), Failure> {
    let threshold = options.threshold.filter(|_| !options.custodians.is_empty()).ok_or_else(|| {
        Failure::usage("it is not said who the custodians are, and how many of them recover")
            .hint("add --threshold M and --custodian NAME…, or --ceremony FILE.toml")
    })?;
    if let Some(other) = place.escrow.as_ref().filter(|other| **other != options.dir) {
        return Err(Failure::usage(format!(
            "two folders are named: {} and {}",
            options.dir.display(),
            other.display()
        ))
        .hint("name the new escrow's folder once"));
    }
    scan_back::is_possible(options)?;
    let mut account = Account::begin(&options.evidence, None)?;
    let mut session = Session::at(place, &options.dir)?;
    let cards = options.cards.clone().unwrap_or_else(|| beside(&options.dir, "-cards"));
    if let Some(record) = founded_before(options, &session, &cards, output)? {
        if account.is_wanted() {
            output.warn("there is no report of this founding: its quorum is no longer present to sign one");
        }
        // The earlier run may have had another folder, or the files are printed and gone.
        let custodians = (1_u8..=u8::MAX).zip(&record.terms().custodians);
        let there = custodians.into_iter().any(|(index, one)| card_place(&cards, index, &one.name).exists());
        return hand_over(options, &session, &record, there.then_some(&*cards), output);
    }
    let mut escrow = session.create()?;
    if escrow.log().commits() > 0 {
        output.note("an earlier run was interrupted before it founded a quorum: cards that end in .pending are of no use, delete them");
    }
    separate(&options.dir, &cards, options.slips.as_deref())?;
    let cost = Cost::new(options.memory, Cost::DEFAULT.bytes()[1], Cost::DEFAULT.bytes()[2]);
    let cost = cost.map_err(|error| Failure::usage(error.to_string()))?;
    let mut entropy = entropy(&options.entropy)?;
    let (seats, handovers) = seats(options, &mut entropy, output)?;
    let plan = Plan::new(threshold, seats, options.organisation.clone(), cost)?;
    if plan.scheme().is_fragile() {
        output.warn("every custodian is needed: one lost card loses every key");
        let agreed = options.yes
            || (terminal::is_interactive() && terminal::confirm("found this quorum all the same?")?);
        if !agreed {
            return Err(
                Failure::usage("not founded").hint("name more custodians than the threshold, or add --yes")
            );
        }
    }
    let names = &mut plan.seats().iter().map(|seat| seat.name.as_str());
    let envelopes = envelopes(&options.evidence.envelopes, names)?;
    account.of(&escrow);
    are_free(&plan, &handovers, &cards, options.slips.as_deref(), options.pocket)?;
    if let Some(first) = &options.operator {
        drop(escrow);
        operator::found_with(&mut session, first, output)?;
        escrow = session.create()?;
    }

    let seals = plan.seats().iter().filter(|seat| matches!(seat.seal, Seal::Passphrase(_))).count();
    let effort = if seals == 0 { String::new() } else { format!(" ({cost} for a passphrase)") };
    let count = plan.seats().len();
    let step = Step::begin(format!("sealing {count} shares{effort}"), count);
    let at_once = if seals == 0 { 1 } else { parallel(cost.memory_mib()) };
    let outside = |recipient: &str, plain: &_| plugin::encrypt(recipient, plain);
    let founding =
        Founding::begin(&mut escrow, &plan, at_once, &outside, &|count| step.at(count), &mut entropy)?;
    account.step(&escrow, format!("founding, sealing {count} shares"), step.done());

    let begun = Instant::now();
    let before = escrow.log().checkpoint();
    let ready = print(options, &founding, &envelopes, &cards, before, &handovers);
    let (pending, slips) = match ready {
        Ok(ready) => ready,
        Err(failure) => {
            founding.abandon(&mut escrow);
            return Err(failure);
        }
    };
    account.step(&escrow, "printing the cards", begun.elapsed());
    // Before `done`: a card whose passphrase nobody saw opens for nobody.
    if options.slips.is_none()
        && let Err(failure) = show_passphrases(&handovers, founding.record())
    {
        founding.abandon(&mut escrow);
        return Err(failure);
    }
    let id = founding.record().id();
    let (record, quorum) = match founding.complete_present(&mut escrow) {
        Ok((record, _, quorum)) => (record, quorum),
        Err(error) => {
            // When the log has the quorum all the same, these are its only cards.
            if escrow.state().quorums().iter().any(|entry| entry.founded.quorum == id) {
                pending.leave();
                slips.leave();
                return Err(Failure::from(error).hint("run the same command again: it releases the cards"));
            }
            return Err(error.into());
        }
    };
    pending.release().map_err(again)?;
    slips.release().map_err(again)?;
    for name in &options.skip {
        account.exception(format!("the card of {name} was not read back from its print"));
    }
    let cards_made = (1..=record.scheme().count()).collect();
    let held = Held { kind: Kind::Found, record: &record, cards: cards_made, keys: Vec::new(), failures: 0 };
    let reported = account.finish(&mut escrow, &quorum, held, output);
    drop(quorum);
    hand_over(options, &session, &record, Some(&cards), output)?;
    reported.map(drop)
}

/// What is left when the cards are there: each is read back from its print, and all is reported.
fn hand_over(
    options: &Init,
    session: &Session,
    record: &QuorumRecord,
    folder: Option<&Path>,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut escrow = session.open()?;
    // A run that was killed before has perhaps not come so far.
    if escrow.state().policy_entry().is_none() {
        policy::of_script(&mut escrow, options.evidence.due)?;
    }
    let read_back = scan_back::run(&mut escrow, record, options, folder, output);
    report(options, session, record, &escrow, folder, output);
    output.finish()?;
    read_back
}

fn again(failure: Failure) -> Failure {
    failure.hint("the quorum is founded: run the same command again, and it releases the other cards")
}

/// The quorum that an earlier run of the same command had founded and did not finish; its cards are
/// released now.
fn founded_before(
    options: &Init,
    session: &Session,
    folder: &Path,
    output: &Output,
) -> Result<Option<QuorumRecord>, Failure> {
    let Ok(escrow) = session.open() else { return Ok(None) };
    let Ok(record) = escrow.quorum() else { return Ok(None) };
    let (mut cards, mut slips) = (Pending::tagged(record.id().text()), Pending::tagged(record.id().text()));
    let mut any = false;
    for (index, custodian) in (1_u8..=u8::MAX).zip(&record.terms().custodians) {
        any |= cards.find(card_place(folder, index, &custodian.name));
        any |= options.pocket && cards.find(pocket_place(folder, index, &custodian.name));
        if let Some(folder) = &options.slips {
            any |= slips.find(slip_place(folder, index, &custodian.name));
        }
    }
    if any {
        cards.release().map_err(again)?;
        slips.release().map_err(again)?;
        output.note("an earlier run of this command founded this quorum and was interrupted: its cards are released now");
        return Ok(Some(record));
    }
    let histories = escrow.state().quorum().map(|entry| entry.cards.clone()).unwrap_or_default();
    let mut indices = (1_u8..=u8::MAX).take(record.terms().custodians.len());
    let unread = indices.any(|index| !histories.get(&index).is_some_and(CardHistory::is_settled));
    let asked = options.custodians.iter().map(|one| one.split('=').next());
    let is_same = Some(usize::from(record.scheme().threshold())) == options.threshold
        && asked.eq(record.terms().custodians.iter().map(|one| Some(one.name.as_str())));
    if unread && is_same {
        output.note(
            "this quorum is founded already, and some of its cards were never read back: that goes on now",
        );
        return Ok(Some(record));
    }
    Ok(None)
}

/// The custodians as they were named, each with a seal.
fn seats(
    options: &Init,
    entropy: &mut Entropy,
    output: &Output,
) -> Result<(Vec<Seat>, Vec<Handover>), Failure> {
    let mut given = passphrase_files(&options.passphrases)?;
    let is_named = |name: &str| options.custodians.iter().any(|one| one.split('=').next() == Some(name));
    if let Some(name) = options.choose.iter().find(|name| !is_named(name)) {
        return Err(unknown("--choose", name));
    }
    let mut seats = Vec::new();
    let mut handovers = Vec::new();
    for (index, argument) in (1_usize..).zip(&options.custodians) {
        let (name, seal) = argument.split_once('=').unwrap_or((argument, "passphrase"));
        let typed = options.choose.iter().any(|one| one == name);
        let seal = match seal {
            "open" => Seal::Open,
            "passphrase" => {
                let chosen = match given.remove(&name.to_lowercase()) {
                    Some(passphrase) => Some(passphrase),
                    None if typed => Some(choose(name, output)?),
                    None => None,
                };
                let chosen = chosen.inspect(|passphrase| judge(name, passphrase, output));
                Seal::Passphrase(match chosen {
                    Some(passphrase) => passphrase,
                    None => {
                        let passphrase = generate_passphrase(entropy)?;
                        let copy = copy(&passphrase)?;
                        // More than 255 are refused with the plan.
                        let index = u8::try_from(index).unwrap_or(u8::MAX);
                        handovers.push(Handover { index, name: name.to_owned(), passphrase: copy });
                        passphrase
                    }
                })
            }
            recipient => sealed_to(name, recipient)?,
        };
        seats.push(Seat { name: name.to_owned(), role: None, seal });
    }
    for role in &options.roles {
        let (name, role) = named(role, "--role")?;
        let seat = seats.iter_mut().find(|seat| seat.name == name);
        seat.ok_or_else(|| unknown("--role", name))?.role = Some(role.to_owned());
    }
    if let Some(name) = given.keys().next() {
        if seats.iter().any(|seat| seat.name.to_lowercase() == *name) {
            let message = format!("--passphrase-file names {name}, whose card has no passphrase");
            return Err(Failure::usage(message).hint(format!("name the custodian as `{name}` alone")));
        }
        return Err(unknown("--passphrase-file", name));
    }

    if !handovers.is_empty() && options.slips.is_none() && !terminal::can_reveal() {
        return Err(Failure::usage("there is no terminal to show the generated passphrases on")
            .hint("add --slips DIR to write them to slips, or --passphrase-file NAME=FILE"));
    }
    Ok((seats, handovers))
}

pub(super) fn unknown(option: &str, name: &str) -> Failure {
    Failure::usage(format!("{option} names {name}, who is not a custodian"))
        .hint("name custodians with --custodian")
}

fn sealed_to(name: &str, recipient: &str) -> Result<Seal, Failure> {
    match recipient.parse::<Recipient>() {
        Ok(recipient) => Ok(Seal::Age(recipient)),
        Err(RecipientError::Plugin) if plugin::is_recipient(recipient) => {
            if plugin::has_age() {
                return Ok(Seal::Outside(recipient.to_owned()));
            }
            let message =
                format!("{name}: a recipient of a plugin needs an age program, and none is installed");
            Err(Failure::new(FAILED, message).hint("install `age` or `rage`, and the plugin's own program"))
        }
        Err(error) => Err(Failure::usage(format!("{name}: {error}"))
            .hint("a seal is `passphrase`, `open`, or an age recipient that begins with age1")),
    }
}

/// Lets a custodian type a passphrase twice.
fn choose(name: &str, output: &Output) -> Result<Passphrase, Failure> {
    let missing = || {
        Failure::usage(format!("no passphrase was typed for {name}"))
            .hint("leave out --choose to have one made, or add --passphrase-file NAME=FILE")
    };
    loop {
        let first = terminal::ask_passphrase(&format!("{name}, type a passphrase: "))?.ok_or_else(missing)?;
        let second = terminal::ask_passphrase(&format!("{name}, type it again: "))?.ok_or_else(missing)?;
        if first.ct_eq(&second) {
            return Ok(first);
        }
        output.warn("these were two different passphrases: type them again");
    }
}

fn judge(name: &str, passphrase: &Passphrase, output: &Output) {
    let bits = strength(passphrase);
    if bits < WEAK {
        output.warn(format!(
            "{name}'s passphrase is weak: about {bits:.0} bits; six words chosen by the program have 77"
        ));
    } else {
        output.note(format!("{name}'s passphrase: at least {bits:.0} bits"));
    }
}

fn copy(passphrase: &Passphrase) -> Result<Passphrase, Failure> {
    Ok(Passphrase::parse(passphrase.expose())?)
}

/// The cards' and the slips' files, still pending.
fn print(
    options: &Init,
    founding: &Founding,
    envelopes: &BTreeMap<String, String>,
    folder: &Path,
    before: Checkpoint,
    handovers: &[Handover],
) -> Result<(Pending, Pending), Failure> {
    let id = founding.record().id().text();
    let (mut cards, mut slips) = (Pending::tagged(id.clone()), Pending::tagged(id));
    let hash = before.hash();
    make_private_folder(folder)?;
    let mut pockets = Vec::new();
    for card in founding.cards() {
        let custodian = founding.record().custodian(card.header().index());
        let name = custodian.map(|one| one.name.as_str()).unwrap_or_default();
        let details = Details {
            ceremony: options.ceremony.as_deref(),
            envelope: envelopes.get(name).map(String::as_str),
            contact: options.contact.as_deref(),
            checkpoint: Some((before.seq(), &hash)),
        };
        let page = pdf(founding.record(), card, &details, options.paper.into());
        let page = page
            .map_err(|error| Failure::new(FAILED, format!("the card of {name} can't be printed: {error}")))?;
        cards.add(card_place(folder, card.header().index(), name), &page)?;
        if options.pocket {
            let page = pocket_pdf(founding.record(), card, &details).map_err(|error| {
                Failure::new(
                    FAILED,
                    format!("the extra copy of the card of {name} can't be printed: {error}"),
                )
                .hint("leave out --pocket")
            })?;
            pockets.push((pocket_place(folder, card.header().index(), name), page));
        }
    }
    // Behind the cards, whose order tells whose they are.
    for (place, page) in pockets {
        cards.add(place, &page)?;
    }
    if let Some(folder) = &options.slips {
        make_private_folder(folder)?;
        for handover in handovers {
            let id = founding.record().id();
            let about = format!(
                "\n\nThe line above is the passphrase of {} for quorum {id}.\nGive it to {} alone, and never keep it with the card.\n",
                handover.name, handover.name
            );
            let passphrase = handover.passphrase.expose();
            let mut text = SecretWriter::new(passphrase.len().saturating_add(about.len()));
            // The writer was made at the size of both.
            let _ = text.put(passphrase).and_then(|()| text.put(about.as_bytes()));
            slips.add(slip_place(folder, handover.index, &handover.name), text.written())?;
        }
    }
    Ok((cards, slips))
}

fn show_passphrases(handovers: &[Handover], record: &QuorumRecord) -> Result<(), Failure> {
    for handover in handovers {
        let name = &handover.name;
        terminal::ask(&format!(
            "{name} alone should look at the screen now: press Enter when nobody else does "
        ))?;
        let before = format!("{name}, this is your passphrase for quorum {}:", record.id());
        let after =
            "Write it down, by hand. Keep it apart from your card. Press Enter to wipe it from the screen. ";
        terminal::reveal(&before, &handover.passphrase, after)?;
        // Typed once from the paper: a slip of the pen is found now, not in ten years.
        loop {
            match terminal::ask_passphrase(&format!(
                "{name}, type it from your paper (Enter alone shows it again): "
            ))? {
                Some(typed) if typed.ct_eq(&handover.passphrase) => break,
                Some(_) => terminal::show("that is not the passphrase: compare your paper with the screen\n"),
                None => {}
            }
            terminal::reveal(&before, &handover.passphrase, after)?;
        }
    }
    Ok(())
}

fn report(
    options: &Init,
    session: &Session,
    record: &QuorumRecord,
    escrow: &Escrow<'_>,
    folder: Option<&Path>,
    output: &mut Output,
) {
    let (id, checkpoint) = (record.id(), escrow.log().checkpoint());
    let histories = escrow.state().quorum().map(|entry| entry.cards.clone()).unwrap_or_default();
    output.line(format!("quorum {id} is founded: any {} custodians recover", record.scheme()));
    let (mut values, mut unread) = (Vec::new(), false);
    for (index, custodian) in (1_u8..=u8::MAX).zip(&record.terms().custodians) {
        let code = verification(&custodian.card);
        let path = folder.map(|folder| card_place(folder, index, &custodian.name).display().to_string());
        let (name, seal, file) = (&custodian.name, custodian.seal, path.as_deref().unwrap_or_default());
        output.line(format!("  {name:<16} {seal:<10} verification code {code}  {file}").trim_end());
        let read_back = histories.get(&index).is_some_and(|history| history.good.is_some());
        unread |= !read_back;
        values.push(object([
            ("card", path.map(Json::text)),
            ("name", Some(Json::text(custodian.name.clone()))),
            ("read-back", Some(Json::Bool(read_back))),
            ("seal", Some(Json::text(custodian.seal))),
            ("verification", Some(Json::text(code))),
        ]));
    }
    output.line(format!("checkpoint {checkpoint}"));
    if unread {
        output.line(
            "next: print each card, read it back from the paper, then hand it over and delete the file:",
        );
        output.line(format!("  quorate -C {} check --record PICTURE-OF-THE-CARD", session.root().display()));
    } else {
        output.line("every card was read back from its print: hand them over, and delete the files");
    }
    if let Some(slips) = &options.slips {
        output.line(format!("the passphrases are in {}: give each to its custodian alone", slips.display()));
    }
    output.value(object([
        ("cards", Some(Json::List(values))),
        ("checkpoint", Some(Json::text(checkpoint.to_string()))),
        ("quorum", Some(Json::text(id.to_string()))),
        ("threshold", Some(Json::Number(record.scheme().threshold().into()))),
    ]));
}

/// The system's randomness, with the bytes of files mixed in.
pub(crate) fn entropy(files: &[PathBuf]) -> Result<Entropy, Failure> {
    let mut entropy = Entropy::system();
    for path in files {
        let bytes = read_secret(path, 1 << 20)?;
        if bytes.is_empty() {
            let message = format!("{}: is empty: nothing can be mixed in", path.display());
            return Err(Failure::new(FAILED, message).hint("name a file with the bytes to mix in"));
        }
        entropy.mix(bytes.expose());
    }
    Ok(entropy)
}
