//! A real browser: Chromium without a screen, whose camera is a film of printed cards.

use crate::stage::{LONG, Program, frame, jpeg, nothing};
use crate::world::World;
use image::imageops::{crop_imm, overlay};
use image::{GrayImage, Luma};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Frames of each scene; the camera shows some 30 in a second, and the film again and again.
const SCENE: usize = 60;

fn is_there(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

/// A frame of 1280 by 720 in which somebody holds up the card at its code.
fn held(world: &World, card: &Path) -> Vec<u8> {
    let drawn = world.path("drawn");
    let mut command = Command::new("pdftoppm");
    command.args(["-r", "150", "-f", "1", "-l", "1", "-gray", "-png", "-singlefile"]).arg(card).arg(&drawn);
    assert!(command.status().unwrap().success());
    let bytes = world.read("drawn.png");
    let page = image::load_from_memory_with_format(&bytes, image::ImageFormat::Png).unwrap().to_luma8();
    let seen = crop_imm(&page, 0, 40, 1200, 680).to_image();
    let mut picture = GrayImage::from_pixel(1280, 720, Luma([110]));
    overlay(&mut picture, &seen, 40, 20);
    jpeg(&picture)
}

/// The browser, which goes when this does, and the pipe of its debugging protocol: one JSON text a message,
/// each with a zero byte behind it.
struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<String>,
    heard: Vec<String>,
    number: usize,
    page: String,
}

impl Browser {
    fn start(world: &World, film: &str) -> Self {
        let mut command = Command::new("sh");
        // It reads from descriptor 3 and writes to 4.
        command.args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#, "sh", "chromium"]);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--remote-debugging-pipe",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
        ]);
        command.arg(format!("--use-file-for-fake-video-capture={}", world.path(film).display()));
        command.arg(format!("--user-data-dir={}", world.path("profile").display()));
        command.arg("about:blank").env("HOME", world.path("home")).current_dir(world.root());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let to = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while stdout.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                let _ = sender.send(String::from_utf8_lossy(&message).into_owned());
                message.clear();
            }
        });
        Self { child, to, from, heard: Vec::new(), number: 0, page: String::new() }
    }

    /// Calls a method, of the page once there is one, and gives the answer.
    fn call(&mut self, method: &str, parameters: &str) -> String {
        self.number += 1;
        let (id, page) = (format!("\"id\":{}", self.number), &self.page);
        let session = if page.is_empty() { String::new() } else { format!(r#","sessionId":"{page}""#) };
        write!(self.to, "{{{id},\"method\":\"{method}\",\"params\":{parameters}{session}}}\0").unwrap();
        self.to.flush().unwrap();
        loop {
            let message = self.from.recv_timeout(LONG).expect("the browser answers");
            if message.contains(&format!("{{{id},")) {
                return message;
            }
            self.heard.push(message);
        }
    }

    /// Opens an address, and attends to its page.
    fn open(&mut self, address: &str) {
        let field = |answer: &str, name: &str| {
            let rest = answer.split(&format!("\"{name}\":\"")).nth(1).unwrap_or_else(|| panic!("{answer}"));
            rest.split('"').next().unwrap().to_owned()
        };
        let target = self.call("Target.createTarget", &format!(r#"{{"url":"{address}"}}"#));
        let target = field(&target, "targetId");
        let page =
            self.call("Target.attachToTarget", &format!(r#"{{"targetId":"{target}","flatten":true}}"#));
        self.page = field(&page, "sessionId");
        self.call("Log.enable", "{}");
        self.call("Runtime.enable", "{}");
    }

    /// What an expression in the page gives.
    fn value(&mut self, expression: &str) -> String {
        self.call("Runtime.evaluate", &format!(r#"{{"expression":"{expression}","returnByValue":true}}"#))
    }

    /// Waits until the page's status says something.
    #[track_caller]
    fn status(&mut self, words: &str) {
        let end = Instant::now() + LONG;
        loop {
            let status = self.value("document.getElementById('status').textContent");
            if status.contains(words) {
                return;
            }
            assert!(Instant::now() < end, "no {words:?}: {status}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn chromium_shows_two_cards() {
    let there = is_there("chromium", "--version") && is_there("pdftoppm", "-v");
    assert!(there || std::env::var_os("QUORATE_TEST_ALL").is_none(), "no chromium or no pdftoppm");
    if !there {
        eprintln!("left out: the page in a browser (chromium, pdftoppm)");
        return;
    }
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    let other = World::founded(2, &["mallory=open", "mike=open", "mary=open"]);
    let scenes = [
        nothing(),
        frame("https://example.org/"),
        held(&other, &other.path(&other.card("mallory"))),
        held(&world, &world.path(&world.card("alice"))),
        nothing(),
        held(&world, &world.path(&world.card("bob"))),
    ];
    let mut film = std::fs::File::create(world.path("film.mjpeg")).unwrap();
    for scene in &scenes {
        (0..SCENE).for_each(|_| film.write_all(scene).unwrap());
    }
    drop(film);
    let arguments = ["-C", "acme", "check", "--camera", "--expect", "2", "--timeout", "280"];
    let mut program = Program::start(&world, &arguments);
    let mut browser = Browser::start(&world, "film.mjpeg");
    browser.open(&program.address());
    program.hears("camera: the page was opened");
    browser.status("taken. ");
    let first = browser.value("document.querySelector('#cards li').textContent");
    assert!(first.contains("(share "), "{first}");
    browser.status("That is all. ");
    let ended = program.ended();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.out.contains("the card of alice (share 1) is good\n"), "{ended:?}");
    assert!(ended.out.contains("the card of bob (share 2) is good\n"), "{ended:?}");
    // The page has its ticks, has let go of the camera and of its pictures, and kept nothing.
    let list =
        browser.value("[...document.querySelectorAll('#cards li')].map(i => i.textContent).sort().join()");
    assert!(list.contains("\"the card of alice (share 1),the card of bob (share 2)\""), "{list}");
    let left = browser.value(
        "[document.getElementById('video').srcObject, localStorage.length, sessionStorage.length, document.cookie].join()",
    );
    assert!(left.contains("\",0,0,\""), "{left}");
    let said: Vec<&String> = browser.heard.iter().filter(|one| is_trouble(one)).collect();
    assert!(said.is_empty(), "{said:?}");
    // A script that came from elsewhere would not run.
    let foreign = browser.value(
        "(() => { const s = document.createElement('script'); s.src = 'data:,window.x=1'; document.head.append(s); return 0 })()",
    );
    assert!(foreign.contains("TrustedScriptURL"), "{foreign}");
}

/// Whether a message of the browser tells of an error on the page.
fn is_trouble(message: &str) -> bool {
    message.contains("Runtime.exceptionThrown")
        || (message.contains("Log.entryAdded") && message.contains("\"level\":\"error\""))
}
