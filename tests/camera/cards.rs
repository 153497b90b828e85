//! What the page is told of each card, and what the program makes of those it took.

use crate::stage::{Program, frame, nothing};
use crate::world::World;
use quorate::age;
use quorate::primitive::random::Entropy;
use quorate::wire::json::{self, Fields, Json};

/// What the page is told: state, words, cards, whether that was all.
#[track_caller]
fn told(answer: &str) -> (String, String, Vec<String>, bool) {
    let mut fields = Fields::of("an answer", json::read("an answer", answer.as_bytes()).unwrap()).unwrap();
    let Json::List(cards) = fields.value("cards").unwrap() else { panic!("{answer}") };
    let Json::Bool(done) = fields.value("done").unwrap() else { panic!("{answer}") };
    let text = |one: Json<'_>| match one {
        Json::Text(text) => text.into_owned(),
        _ => panic!("{answer}"),
    };
    let cards = cards.into_iter().map(text).collect();
    let (say, state) = (fields.text("say").unwrap().into_owned(), fields.text("state").unwrap().into_owned());
    (state, say, cards, done)
}

#[test]
fn every_card_gets_its_tick_and_everything_else_its_name() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    let other = World::founded(2, &["mallory=open", "mike=open", "mary=open"]);
    let program = Program::start(&world, &["-C", "acme", "check", "--camera", "--expect", "2"]);
    let key = program.open();
    let show = |text: &str| told(&program.hold(&key, &frame(text)));
    let wrong = |text: &str, words: &str| {
        let (state, say, cards, done) = show(text);
        assert_eq!((state.as_str(), cards.len(), done), ("wrong", 0, false), "{say}");
        assert!(say.contains(words), "{say}");
    };
    wrong("https://example.org/", "this is a web address, not a card");
    wrong("Hello", "not a card");
    wrong("QUORATE/2/ABC", "another version of the format");
    wrong("QUORATE/1/ABC", "damaged");
    wrong(&other.codes("mallory")[0], "this card belongs to quorum");
    assert_eq!(told(&program.show(&key, &nothing())).0, "nothing");
    let alice = show(&world.codes("alice")[0]);
    let tick = "the card of alice (share 1)".to_owned();
    assert_eq!(alice, ("taken".to_owned(), tick.clone(), vec![tick.clone()], false));
    let again = show(&world.codes("alice")[0]);
    assert_eq!(again, ("again".to_owned(), format!("{tick} is here already"), vec![tick.clone()], false));
    let bob = show(&world.codes("bob")[0]);
    assert_eq!((bob.0.as_str(), bob.2.len(), bob.3), ("taken", 2, true), "{bob:?}");
    let ended = program.ended();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.out.contains("the card of alice (share 1) is good\n"), "{ended:?}");
    assert!(ended.out.contains("the card of bob (share 2) is good\n"), "{ended:?}");
    assert_eq!(ended.out.matches("verification code").count(), 2, "{ended:?}");
    assert_eq!(ended.err.matches("camera: the card of alice (share 1)\n").count(), 1, "{ended:?}");
    // Nothing was left in the folder.
    let mut files: Vec<_> =
        std::fs::read_dir(world.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["acme", "acme-cards", "slips"]);
}

#[test]
fn without_an_escrow_a_card_is_looked_at_alone() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    let program = Program::start(&world, &["--json", "scan", "--camera"]);
    let (state, say, _, done) = told(&program.hold(&program.open(), &frame(&world.codes("bob")[0])));
    assert_eq!((state.as_str(), done), ("taken", true));
    assert!(say.starts_with("share 2 of quorum "), "{say}");
    let ended = program.ended();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.out.starts_with(r#"[{"generation":1,"good":true,"index":2,"#), "{ended:?}");
    assert!(ended.err.contains("no escrow is named"), "{ended:?}");
}

#[test]
fn a_long_card_comes_in_parts() {
    let seed = Entropy::system().secret(age::SEED).unwrap();
    let recipient = age::Identity::from_seed(age::Kind::Hybrid, &seed).unwrap().recipient().unwrap();
    let world = World::founded(2, &[&format!("alice={recipient}"), "bob=open", "carol=open"]);
    let program = Program::start(&world, &["-C", "acme", "check", "--camera"]);
    let key = program.open();
    let codes = world.codes("alice");
    assert_eq!(codes.len(), 6);
    for (number, code) in (1..).zip(&codes[..5]) {
        let part = told(&program.hold(&key, &frame(code)));
        assert_eq!((part.0.as_str(), part.3), ("part", false));
        assert_eq!(part.1, format!("part of a long card, {number} of 6 parts are here"));
        assert_eq!(told(&program.hold(&key, &frame(code))).0, "again");
    }
    let (state, say, _, done) = told(&program.hold(&key, &frame(&codes[5])));
    assert_eq!((state.as_str(), say.as_str(), done), ("taken", "the card of alice (share 1)", true));
    let ended = program.ended();
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
fn a_key_comes_back_from_cards_that_were_shown() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let card = world.card("carol");
    let arguments = ["-C", "acme", "recover", "k", "--camera", "--card", &card, "--to", "file:out"];
    let program = Program::start(&world, &arguments);
    let key = program.open();
    // The one that came as a file is known.
    let (state, say, ..) = told(&program.hold(&key, &frame(&world.codes("carol")[0])));
    assert_eq!((state.as_str(), say.as_str()), ("wrong", "the card of carol (share 3) is here already"));
    let (state, _, _, done) = told(&program.hold(&key, &frame(&world.codes("alice")[0])));
    assert_eq!((state.as_str(), done), ("taken", true));
    let ended = program.ended();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.out.contains("custodians alice, carol"), "{ended:?}");
    assert_eq!(world.read("out").len(), 32);
}

#[test]
fn too_few_cards_are_too_few() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let program = Program::start(&world, &["-C", "acme", "recover", "k", "--camera", "--to", "file:out"]);
    let key = program.open();
    program.hold(&key, &frame(&world.codes("alice")[0]));
    let lines = format!("{}Content-Length: 0\r\n", program.credentials(&key));
    assert_eq!(program.ask("POST", &format!("/{}/end", program.token), &lines).status, 200);
    let ended = program.ended();
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(ended.err.contains("1 of 2 custodians are present (alice)"), "{ended:?}");
}
