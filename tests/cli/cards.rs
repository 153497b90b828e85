//! Cards as people bring them: in any order, twice, of another quorum, mistyped, with lines missing,
//! altered, and what isn't a card at all.

use super::world::{World, from_code, from_page, join};
use quorate::card::PREFIX;
use quorate::primitive::hash::sha256;
use quorate::wire::text::{base32, from_base32};

const PASS: [&str; 3] = ["alice", "bob", "carol"];
const OPEN: [&str; 5] = ["alice=open", "bob=open", "carol=open", "dave=open", "erin=open"];

/// Another letter in place `at` of a line.
fn mistype(line: &str, at: usize) -> String {
    let mut line: Vec<char> = line.chars().collect();
    assert!(line[at].is_ascii_alphanumeric(), "place {at} of {line:?}");
    line[at] = if line[at] == 'Q' { 'X' } else { 'Q' };
    line.into_iter().collect()
}

/// What stands on the page and what its code says are one card.
#[test]
fn the_lines_are_the_code() {
    let world = World::founded(2, &OPEN);
    let card = world.path(&world.card("dave"));
    let code = from_code(&card);
    match from_page(&card) {
        Some(page) => assert_eq!(page, code),
        None => {
            assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "there is no pdftotext");
            eprintln!("left out: the lines on the page (pdftotext)");
        }
    }
    world.write("code.txt", world.codes("dave").join("\n"));
    world.acme(&["check", "code.txt"]).good().prints("the card of dave (share 4) is good");
    world.write("lower.txt", code.join("\r\n").to_lowercase());
    world.acme(&["check", "lower.txt"]).good().prints("the card of dave (share 4) is good");
    let lines = code.join("\n");
    world.acme_with_input(&["check", "-"], &lines).good().prints("the card of dave (share 4) is good");
}

#[test]
fn typos_are_corrected_and_shown() {
    let world = World::founded(2, &PASS);
    let lines = world.lines("alice");
    let check = |lines: &[String]| {
        world.write("typed.txt", lines.join("\n"));
        world.acme(&["check", "typed.txt"])
    };
    let clean = check(&lines).good();
    let said = "typed.txt is a copy of a card, which is a secret: destroy it when nobody needs it any more\n";
    assert_eq!(clean.err, said, "nothing else to say of a card without typos");

    // Two typos in one line, of any line.
    for number in 0..lines.len() {
        let mut typed = lines.clone();
        typed[number] = mistype(&mistype(&lines[number], 4), 17);
        let ran = check(&typed).good().prints("the card of alice (share 1) is good");
        let (line, right) = (number + 1, |at: usize| &lines[number][at..=at]);
        let first = format!("line {line}, group 1, place 2: you typed ");
        let second = format!("line {line}, group 3, place 3: you typed ");
        for (start, letter) in [(first, right(4)), (second, right(17))] {
            let said = ran.err.lines().find(|said| said.contains(&start));
            let said = said.unwrap_or_else(|| panic!("no {start:?} in {ran:#?}"));
            assert!(said.starts_with("quorate: warning: typed.txt: "), "{said}");
            assert!(said.ends_with(&format!("the card probably says {letter}")), "{said}");
        }
        assert!(ran.err.contains(
            "the card's own check accepts the result; correct the text if you keep it\ntyped.txt is a copy"
        ));
    }
    // Any two lines missing.
    for first in 0..lines.len() {
        let mut typed = lines.clone();
        typed.remove(first);
        let second = (first * 3) % typed.len();
        typed.remove(second);
        let ran = check(&typed).good().prints("the card of alice (share 1) is good");
        let gone = lines.iter().zip(1..).filter(|(line, _)| !typed.contains(line));
        for (_, number) in gone.filter(|(_, number)| *number <= lines.len() - 2) {
            let rebuilt = format!("line {number} was rebuilt from the other lines");
            assert!(ran.err.contains(&rebuilt), "no {rebuilt:?} in {ran:#?}");
        }
    }
    // Both at once; three are too many.
    let mut typed = lines.clone();
    typed[5] = mistype(&lines[5], 10);
    typed.drain(1..3);
    check(&typed)
        .good()
        .says("line 2 was rebuilt")
        .says("line 3 was rebuilt")
        .says("line 6, group 2, place 2");
    typed.remove(0);
    check(&typed).fails(4, "1 more of these lines are needed: 1, 2, 3");
    // Numbers tell the order.
    let mut typed = lines.clone();
    typed.reverse();
    check(&typed).good();
    // A line too often changed is named.
    let mut typed = lines.clone();
    for number in 0..3 {
        typed[number] = (0..6).fold(lines[number].clone(), |line, group| mistype(&line, 3 + group * 6));
    }
    check(&typed).fails(4, "line 1 can't be read");
}

#[test]
fn cards_in_any_order_and_troubles_on_the_way() {
    let mut world = World::founded(2, &PASS);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let cards = world.typed(&["carol", "alice", "bob"]);
    let recover = |to: &str, cards: &[&str], secrets: &[String]| {
        let to = format!("file:{to}");
        let mut words = vec!["recover", "k", "--to", &to, "--card"];
        words.extend(cards);
        world.acme(&join(&[secrets], &words))
    };
    let [carol, alice, bob] = [&cards[0], &cards[1], &cards[2]].map(String::as_str);
    let secrets = world.passphrases(&PASS);
    let first = recover("1", &[carol, alice], &secrets).good().prints("custodians alice, carol\n");
    assert!(
        first
            .err
            .contains("carol.txt: the card of carol (share 3)\nalice.txt: the card of alice (share 1)\n")
    );
    recover("2", &[alice, carol], &secrets).good().prints("custodians alice, carol\n");
    assert_eq!(world.read("1"), world.read("2"));
    recover("3", &[bob, alice, carol], &secrets).good().prints("custodians alice, bob, carol\n");
    // The same card twice counts once, and is said.
    recover("4", &[alice, alice], &secrets)
        .fails(3, "the quorum is not reached: 1 of 2 custodians are present (alice)")
        .says("quorate: warning: alice.txt: the card of alice (share 1) is already here\nquorate: hint: bring the card of somebody else");
    recover("5", &[alice, alice, bob], &secrets).good();
    // A passphrase that is missing or another's.
    recover("6", &[alice, bob], &world.passphrases(&["alice"]))
        .fails(3, "1 of 2 custodians are present (alice)")
        .says(
            "the card of bob is sealed, and nothing that opens it was given: add --passphrase-file NAME=FILE",
        );
    let swapped = ["--passphrase-file", "alice=slips/2-bob.txt", "--passphrase-file", "bob=slips/2-bob.txt"];
    recover("7", &[alice, bob], &swapped.map(str::to_owned))
        .fails(3, "1 of 2 custodians are present (bob)")
        .says("quorate: warning: alice: the passphrase of share 1 is wrong, or its card was altered\nquorate: hint: look for a mistyped");
    recover(
        "8",
        &[alice, bob, carol],
        &[&swapped.map(str::to_owned)[..], &world.passphrases(&["carol"])].concat(),
    )
    .good()
    .prints("custodians bob, carol\n");
    world
        .acme(&["check", alice, "--passphrase-file", "alice=slips/2-bob.txt"])
        .fails(4, "alice: the passphrase of share 1 is wrong, or its card was altered");
    world.acme(&["check", alice, "--passphrase"]).fails(1, "no passphrase was given for the card of alice");
    world.acme_with_input(&["check", alice, "--passphrase"], "no such words here\n").fails(4, "is wrong");

    // A card of another quorum.
    let other = World::founded(2, &OPEN);
    world.write("other.txt", other.lines("alice").join("\n"));
    recover("9", &["other.txt", alice], &secrets)
        .fails(3, "1 of 2 custodians are present (alice)")
        .says("quorate: warning: other.txt: this card belongs to quorum ");
    world.acme(&["check", "other.txt"]).fails(4, "this ceremony needs quorum ");
    recover("10", &["other.txt", alice, bob], &secrets).good();
    // Nothing was left where nothing was recovered.
    for name in ["4", "6", "7", "9"] {
        assert!(!world.path(name).exists() && !world.path(&format!("{name}.pending")).exists());
    }
    let key = world.read("1");
    world.keep_secret(&key);
    let log = world.acme(&["log", "show"]).good().out;
    let count = |word: &str| log.lines().filter(|line| line.contains(&format!(" recover {word} "))).count();
    assert_eq!((count("intent"), count("done"), count("abandoned"), count("failed")), (10, 6, 4, 0));
    assert!(world.acme(&["status"]).good().err.is_empty());
}

/// A card that passes its own check, and is not the one that was issued: made anew by a forger.
#[test]
fn a_forged_card_is_a_difference() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let bob = world.typed(&["bob"]);
    let code = world.codes("alice").remove(0);
    let bytes = from_base32(code.strip_prefix(PREFIX).unwrap()).unwrap();
    let (body, _) = bytes.split_at(bytes.len() - 8);
    let forge = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = body.to_vec();
        change(&mut body);
        let check = sha256(&[b"quorate/v1/card", &body]);
        body.extend_from_slice(&check[..8]);
        world.write("forged.txt", format!("{PREFIX}{}", base32(&body).as_str()));
        world.acme(&["check", "forged.txt"])
    };
    forge(&|_| ()).good().prints("the card of alice (share 1) is good");
    let last = body.len() - 1;
    forge(&|body| body[last] ^= 1)
        .fails(4, "this card of alice (share 1) is not the one that was issued: it was altered or made anew");
    // It doesn't count at a recovery either.
    let ran = world.acme(&join(&[&bob], &["recover", "k", "--to", "file:out", "--card", "forged.txt"]));
    ran.fails(3, "1 of 2 custodians are present (bob)")
        .says("quorate: warning: forged.txt: this card of alice");
    // Another custodian's number, another generation, a version to come, a kind to come.
    forge(&|body| body[14] = 3).fails(4, "this card of carol (share 3) is not the one that was issued");
    forge(&|body| body[13] = 2)
        .fails(4, "this card of alice is of generation 2, this ceremony needs generation 1");
    forge(&|body| body[15] = 3).fails(4, "this card of alice (share 1) is not the one that was issued");
    // The text of the code names the version too: bytes that say another one were altered.
    forge(&|body| body[0] = 2).fails(4, "this code begins like a card, but the rest of it is damaged");
    forge(&|body| body[1] = 2).fails(4, "the card is of kind 2, which this program doesn't know");
}

/// What is brought instead of a card is named, and never ends the reading of the others.
#[test]
fn what_is_no_card() {
    let world = World::founded(2, &OPEN);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let cards = world.typed(&["alice", "bob"]);
    let code = world.codes("alice").remove(0);

    // One letter of the code's text changed: the card's own check refuses it.
    let at = code.len() - 20;
    world.write("altered.txt", mistype(&code, at));
    world.write("empty.txt", "");
    world.write("prose.txt", "Dear all,\nplease find the card attached.\n");
    world.write("url.txt", "https://example.org/login\n");
    world.write("bytes.bin", [0xff, 0xfe, 0, 1, 2, 3]);
    let mut blank = image::GrayImage::new(200, 200);
    blank.pixels_mut().for_each(|pixel| pixel.0 = [255]);
    blank.save(world.path("blank.png")).unwrap();
    let picture = world.read("blank.png");
    world.write("cut.png", &picture[..60]);
    world.write("huge.png", huge_header(&picture));
    let page = world.read(&world.card("alice"));
    world.write("cut.pdf", &page[..page.len() / 3]);
    let login = qrcode::QrCode::new(b"https://example.org/login").unwrap();
    let size = login.width();
    let dark = login.to_colors();
    let square = image::GrayImage::from_fn(400, 400, |x, y| {
        let cell = |at: u32| usize::try_from(at / 10).unwrap().checked_sub(4).filter(|at| *at < size);
        let is_dark = cell(x).zip(cell(y)).is_some_and(|(x, y)| dark[y * size + x] == qrcode::Color::Dark);
        image::Luma([if is_dark { 0 } else { 255 }])
    });
    square.save(world.path("login.png")).unwrap();

    let table = [
        ("altered.txt", 4, "altered.txt: "),
        ("empty.txt", 4, "there is no card in this text"),
        ("prose.txt", 4, "prose.txt: "),
        ("url.txt", 4, "url.txt: "),
        ("bytes.bin", 4, "bytes.bin: this is not text"),
        ("blank.png", 4, "blank.png: there is no readable code in it"),
        ("login.png", 4, "login.png: this is a web address, not a card"),
        ("cut.png", 4, "cut.png: the PNG is damaged or of a variant that is not read"),
        ("huge.png", 4, "huge.png: the picture has 100000 × 100000 pixels, more than 64000000 in all"),
        ("cut.pdf", 4, "cut.pdf: "),
        ("none.png", 1, "none.png: no such file or directory"),
        ("acme", 1, "acme: is a folder, not a file"),
    ];
    for (file, status, words) in table {
        let ran = world.acme(&["check", "--deadline", "60", file]).fails(status, words);
        assert_eq!(ran.out, "", "{ran:#?}");
    }
    let files: Vec<String> = table.iter().map(|(file, ..)| (*file).to_owned()).collect();
    // Beside two good cards they are warnings.
    let all = join(&[&files, &cards], &["recover", "k", "--to", "file:out", "--deadline", "60", "--card"]);
    let ran = world.acme(&all).good().prints("custodians alice, bob\n");
    for (file, ..) in table {
        assert!(ran.err.contains(&format!("quorate: warning: {file}: ")), "{file}: {ran:#?}");
    }
}

/// A PNG whose header promises 100,000 by 100,000 pixels.
fn huge_header(picture: &[u8]) -> Vec<u8> {
    let mut bytes = picture.to_vec();
    bytes[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&100_000_u32.to_be_bytes());
    let mut sum = !0_u32;
    for byte in &bytes[12..29] {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    bytes[29..33].copy_from_slice(&(!sum).to_be_bytes());
    bytes
}

/// The page as a PDF program copies it, with or without its layout; and a slip that is taken for a card.
#[test]
fn the_text_of_the_page_is_a_card() {
    let world = World::founded(2, &["alice", "bob=open", "carol=open"]);
    let (card, good) = (world.card("alice"), "the card of alice (share 1) is good");
    for layout in [&["-layout"][..], &[]] {
        let ran =
            std::process::Command::new("pdftotext").args(layout).arg(world.path(&card)).arg("-").output();
        let Ok(ran) = ran else {
            assert!(std::env::var_os("QUORATE_TEST_ALL").is_none(), "there is no pdftotext");
            continue;
        };
        let text = String::from_utf8(ran.stdout).unwrap();
        assert!(text.contains("QUORATE/1/ and then the bytes"), "{text}");
        world.write("page.txt", &text);
        let ran = world.acme(&["check", "page.txt"]).good().prints(good);
        assert!(!ran.err.contains("warning"), "{ran:#?}");
        let wide: Vec<u8> =
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        world.write("wide.txt", wide);
        world.acme(&["check", "wide.txt"]).good().prints(good);
    }
    world.acme(&["check", "slips/1-alice.txt"]).fails(4, "this is a passphrase's slip, not a card");
}
