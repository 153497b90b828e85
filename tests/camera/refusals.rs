//! Whoever is not the page that was opened is refused, whatever they send, and harms nothing.

use crate::stage::{LONG, Program, answer, nothing};
use crate::world::World;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

const CHECK: [&str; 2] = ["check", "--camera"];

#[test]
fn only_the_printed_address_opens_the_page_and_only_once() {
    let world = World::new();
    let mut program = Program::start(&world, &CHECK);
    let (port, token) = (program.port, program.token.clone());
    assert!(token.len() >= 26, "a token of 128 bits or more: {token}");
    let get = |path: &str, host: &str, lines: &str| {
        program.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n").as_bytes())
    };
    let (ours, page) = (format!("127.0.0.1:{port}"), format!("/{token}/"));
    // Other paths and tokens.
    let (half, lower, twice) = (&token[..16], token.to_lowercase(), format!("{token}{token}"));
    for path in [
        "/".to_owned(),
        "/favicon.ico".to_owned(),
        "//".to_owned(),
        format!("/{token}"),
        format!("/{half}/"),
        format!("/{lower}/"),
        format!("/{twice}/"),
        format!("/x{token}/"),
        format!("//{token}/"),
        format!("/{token}/x"),
        format!("/{token}/../"),
        format!("/{token}/?"),
        format!("http://127.0.0.1:{port}/{token}/"),
        "*".to_owned(),
    ] {
        let answer = get(&path, &ours, "");
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert!(!answer.body.contains(&token) && !answer.head.contains(&token));
    }
    // Another name: a host that an attacker's DNS turned to this machine.
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "127.0.0.1".to_owned(),
        "127.0.0.1:80".to_owned(),
        format!("localhost.evil.example:{port}"),
        format!("127.0.0.1:{port}.evil.example"),
        format!("[::1]:{port}"),
        format!("0.0.0.0:{port}"),
        String::new(),
    ] {
        assert_eq!(get(&page, &host, "").status, 403, "{host}");
    }
    assert_eq!(get(&page, &ours, &format!("Host: {ours}\r\n")).status, 400);
    // A link on another page.
    for site in ["cross-site", "same-site", "x"] {
        assert_eq!(get(&page, &ours, &format!("Sec-Fetch-Site: {site}\r\n")).status, 403, "{site}");
    }
    for method in ["HEAD", "POST", "PUT", "OPTIONS", "DELETE"] {
        assert_eq!(program.ask(method, &page, "Content-Length: 0\r\n").status, 405, "{method}");
    }
    // None of this took the page.
    let shown = get(&page, &format!("localhost:{port}"), "");
    assert_eq!(shown.status, 200);
    let head = shown.head.to_lowercase();
    for line in [
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        "x-frame-options: deny",
        "x-content-type-options: nosniff",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "permissions-policy: camera=(self), ",
        "content-security-policy: default-src 'none'; script-src 'nonce-",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert!(!head.contains("unsafe") && !head.contains("access-control") && !head.contains("set-cookie"));
    assert!(!shown.body.contains("{{"), "every place of the page is filled");
    assert!(!shown.body.contains("http"), "the page names no other address");
    for _ in 0..2 {
        let again = get(&page, &ours, "");
        assert_eq!(again.status, 410);
        assert!(!again.body.contains("data-key"));
    }
    program.hears("the page was asked for once more and not shown");
}

#[test]
fn only_the_opened_page_is_listened_to() {
    let world = World::new();
    let program = Program::start(&world, &CHECK);
    let (port, token) = (program.port, program.token.clone());
    let key = program.open();
    let path = format!("/{token}/frame");
    let (origin, named) =
        (format!("Origin: http://127.0.0.1:{port}\r\n"), format!("X-Quorate-Page: {key}\r\n"));
    let empty = "Content-Length: 0\r\n";
    for lines in [
        String::new(),
        origin.clone(),
        named.clone(),
        format!("Origin: null\r\n{named}"),
        format!("Origin: https://127.0.0.1:{port}\r\n{named}"),
        format!("Origin: http://127.0.0.1\r\n{named}"),
        format!("Origin: http://127.0.0.1:1\r\n{named}"),
        format!("Origin: http://localhost:{port}\r\n{named}"),
        format!("Origin: http://evil.example\r\n{named}"),
        format!("{origin}X-Quorate-Page: {token}\r\n"),
        format!("{origin}X-Quorate-Page: \r\n"),
        format!("{origin}{named}Sec-Fetch-Site: cross-site\r\n"),
        format!("{origin}{named}Sec-Fetch-Site: same-site\r\n"),
    ] {
        for tail in ["frame", "end"] {
            let answer = program.ask("POST", &format!("/{token}/{tail}"), &format!("{lines}{empty}"));
            assert_eq!(answer.status, 403, "{lines}: {answer:?}");
        }
    }
    let ours = program.credentials(&key);
    let post = |lines: &str| program.ask("POST", &path, &format!("{ours}{lines}")).status;
    assert_eq!(program.ask("POST", "/x/frame", &ours).status, 404);
    assert_eq!(program.ask("GET", &path, &ours).status, 405);
    // Bodies: without a length, too long, longer than said, in pieces, no picture.
    assert_eq!(post(""), 400);
    assert_eq!(post("Content-Length: 8388609\r\n"), 413);
    assert_eq!(post(&format!("Content-Length: {}\r\n", "9".repeat(40))), 413);
    assert_eq!(post("Content-Length: -1\r\n"), 400);
    assert_eq!(post("Content-Length: 0\r\nContent-Length: 0\r\n"), 400);
    assert_eq!(post("Transfer-Encoding: chunked\r\n"), 400);
    assert_eq!(post("Content-Length: 0\r\n\r\nmore"), 400);
    assert_eq!(post("Content-Length: 0\r\n"), 415);
    assert_eq!(post("Content-Length: 10\r\n\r\n%PDF-1.7"), 415);
    // What is no HTTP at all, or too much of it.
    for bytes in [
        &b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"[..],
        b"\r\n\r\nx\r\n",
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        assert_eq!(program.send(bytes).status, 400, "{bytes:?}");
    }
    assert_eq!(program.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").status, 400);
    assert_eq!(program.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status, 400);
    assert_eq!(program.send(format!("GET /{} HTTP/1.1\r\n", "a".repeat(20_000)).as_bytes()).status, 431);
    assert_eq!(program.ask("GET", "/", &"a: b\r\n".repeat(100)).status, 431);
    // A picture that is none, and one without a card: named, and nothing ends.
    let damaged = program.show(&key, b"\xff\xd8\xff\xe0 no picture");
    assert!(damaged.contains(r#""state":"wrong""#) && damaged.contains("damaged"), "{damaged}");
    let empty = program.show(&key, &nothing());
    assert_eq!(empty, r#"{"cards":[],"done":false,"say":"","state":"nothing"}"#);
    let ended = program.ask("POST", &format!("/{token}/end"), &format!("{ours}Content-Length: 0\r\n"));
    assert_eq!((ended.status, ended.body.contains(r#""done":true"#)), (200, true));
    let ended = program.ended();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.err.contains("quorate: error: 0 of 1 cards were shown to the camera"), "{ended:?}");
    assert!(ended.err.contains("quorate: hint: "), "{ended:?}");
    assert!(!ended.err.contains(&key), "the page's key is nowhere else");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "nothing listens any more");
}

#[test]
fn slow_and_many_connections_hold_nobody_up() {
    let world = World::new();
    let program = Program::start(&world, &CHECK);
    let port = program.port;
    let mut slow: Vec<TcpStream> = (0..8).map(|_| program.connect()).collect();
    for stream in &mut slow {
        stream.write_all(format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n").as_bytes()).unwrap();
    }
    let key = program.open();
    let mut body = program.connect();
    let head = format!(
        "POST /{}/frame HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{}Content-Length: 100\r\n\r\nslow",
        program.token,
        program.credentials(&key)
    );
    body.write_all(head.as_bytes()).unwrap();
    program.show(&key, &nothing());
    // A byte now and then is no way to stay.
    let mut dripping = slow.pop().unwrap();
    let drip = std::thread::spawn(move || {
        while dripping.write_all(b"a").is_ok() {
            std::thread::sleep(Duration::from_millis(300));
        }
    });
    for stream in slow {
        assert_eq!(answer(stream).status, 408);
    }
    drip.join().unwrap();
    assert_eq!(answer(body).status, 408);
    // More than there is room for are closed, and room comes back.
    let crowd: Vec<TcpStream> = (0..64).map(|_| program.connect()).collect();
    drop(crowd);
    let end = Instant::now() + LONG;
    while program.connect().write_all(b"").is_err() || program.ask("GET", "/", "").status != 404 {
        assert!(Instant::now() < end, "no room came back");
    }
    program.show(&key, &nothing());
}

#[test]
fn it_ends_by_itself_when_the_time_is_up() {
    let world = World::new();
    let program = Program::start(&world, &["scan", "--camera", "--timeout", "2", "--expect", "3"]);
    let port = program.port;
    // Not even who holds a connection open keeps it.
    let mut idle = program.connect();
    idle.write_all(b"GET /").unwrap();
    let ended = program.ended();
    assert_eq!((ended.status, ended.out.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.err.contains("the time for showing cards is up"), "{ended:?}");
    assert!(ended.err.contains("quorate: error: 0 of 3 cards were shown to the camera"), "{ended:?}");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let world = World::new();
    for arguments in [
        &["check", "--expect", "2", "x.png"][..],
        &["check", "--timeout", "2", "x.png"],
        &["check", "--camera", "--expect", "0"],
        &["check", "--camera", "--timeout", "0"],
        &["check", "--camera", "--timeout", "90000"],
        &["scan"],
    ] {
        world.run(arguments).fails(2, "");
    }
    // An escrow that isn't there is named before anybody opens a page.
    let ran = world.run(&["-C", "nowhere", "check", "--camera"]).fails(1, "nowhere");
    assert!(!ran.err.contains("http://"), "{ran:?}");
}

#[test]
fn a_signal_ends_it() {
    let world = World::new();
    let program = Program::start(&world, &CHECK);
    let port = program.port;
    program.end();
    let ended = program.ended();
    // Ended by the signal, not by itself.
    assert_eq!((ended.status, ended.out.as_str()), (None, ""), "{ended:?}");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}
