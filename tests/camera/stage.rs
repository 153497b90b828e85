//! A program that waits for a camera, and a browser made of a socket.

use crate::world::World;
use image::{ExtendedColorType, GrayImage, ImageEncoder as _, Luma};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Far beyond what anything here takes.
pub const LONG: Duration = Duration::from_secs(300);

/// The program while it waits.
pub struct Program {
    child: Child,
    said: Receiver<String>,
    err: String,
    pub port: u16,
    pub token: String,
}

/// What it gave in the end.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

/// An answer of the page's server.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

fn listen(stderr: ChildStderr) -> Receiver<String> {
    let (sender, said) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    said
}

impl Program {
    /// Starts it, and waits until it names its page.
    pub fn start(world: &World, arguments: &[&str]) -> Self {
        let mut child = world.command(arguments).spawn().unwrap();
        let said = listen(child.stderr.take().unwrap());
        let mut program = Self { child, said, err: String::new(), port: 0, token: String::new() };
        let line = program.hears("http://127.0.0.1:");
        let address = line.trim().strip_prefix("http://127.0.0.1:").unwrap().to_owned();
        let (port, token) = address.strip_suffix('/').unwrap().split_once('/').unwrap();
        (program.port, program.token) = (port.parse().unwrap(), token.to_owned());
        program
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.token)
    }

    /// Waits for a line that holds `words`.
    #[track_caller]
    pub fn hears(&mut self, words: &str) -> String {
        loop {
            let line = self.said.recv_timeout(LONG);
            let line = line.unwrap_or_else(|_| panic!("no {words:?} in:\n{}", self.err));
            self.err.push_str(&line);
            self.err.push('\n');
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Presses Ctrl-C.
    pub fn end(&self) {
        // Not SIGINT: whoever runs the tests in the background has that ignored, and children inherit it.
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ended(mut self) -> Ended {
        let end = Instant::now() + LONG;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status.code(),
                None => assert!(Instant::now() < end, "it does not end: {}", self.err),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        self.err.extend(self.said.iter().map(|line| line + "\n"));
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert!(!self.err.contains("panicked"), "{}", self.err);
        Ended { status, out, err: std::mem::take(&mut self.err) }
    }

    /// Sends bytes on a connection of its own, and gives what comes back until it is closed.
    pub fn send(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        // The other side may refuse before it has read everything.
        let _ = stream.write_all(bytes);
        answer(stream)
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// A request with our host and further lines.
    pub fn ask(&self, method: &str, path: &str, lines: &str) -> Answer {
        let port = self.port;
        self.send(format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}\r\n").as_bytes())
    }

    /// Opens the page as its person does; gives the page's key.
    #[track_caller]
    pub fn open(&self) -> String {
        let page = self.ask("GET", &format!("/{}/", self.token), "Sec-Fetch-Site: none\r\n");
        assert_eq!(page.status, 200, "{page:?}");
        let key = page.body.split("data-key=\"").nth(1).unwrap();
        key.split('"').next().unwrap().to_owned()
    }

    /// What the page sends with everything.
    pub fn credentials(&self, key: &str) -> String {
        format!(
            "Origin: http://127.0.0.1:{}\r\nSec-Fetch-Site: same-origin\r\nX-Quorate-Page: {key}\r\n",
            self.port
        )
    }

    /// Shows a picture as the page does.
    #[track_caller]
    pub fn show(&self, key: &str, picture: &[u8]) -> String {
        let head = format!(
            "POST /{}/frame HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{}Content-Length: {}\r\n\r\n",
            self.token,
            self.port,
            self.credentials(key),
            picture.len()
        );
        let answer = self.send(&[head.as_bytes(), picture].concat());
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.head.contains("Content-Type: application/json"), "{answer:?}");
        answer.body
    }

    /// Holds a picture up until something is seen on it, as people do: on a busy machine the look at one frame
    /// may end before the code is found.
    pub fn hold(&self, key: &str, picture: &[u8]) -> String {
        let mut answers = (0..40).map(|_| self.show(key, picture));
        answers.find(|answer| !answer.contains("\"state\":\"nothing\"")).expect("a card that is seen")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads an answer to its end.
#[track_caller]
pub fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A connection for which there was no room is cut.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap_or("0");
    Answer { status: status.parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
}

/// A picture in grey as a JPEG.
pub fn jpeg(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90);
    let (width, height) = picture.dimensions();
    encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::L8).unwrap();
    bytes
}

/// A frame of 1280 by 720 that shows one code.
pub fn frame(text: &str) -> Vec<u8> {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::M).unwrap();
    let (side, colours) = (code.width(), code.to_colors());
    let mut picture = GrayImage::from_pixel(1280, 720, Luma([200]));
    let scale = 640 / (side + 8);
    for y in 0..(side + 8) * scale {
        for x in 0..(side + 8) * scale {
            let (column, row) = ((x / scale).wrapping_sub(4), (y / scale).wrapping_sub(4));
            let dark = column < side && row < side && colours[row * side + column] == qrcode::Color::Dark;
            let place = (u32::try_from(x + 320).unwrap(), u32::try_from(y + 40).unwrap());
            picture.put_pixel(place.0, place.1, Luma([if dark { 40 } else { 235 }]));
        }
    }
    jpeg(&picture)
}

/// A frame of 1280 by 720 that shows nothing but a table.
pub fn nothing() -> Vec<u8> {
    jpeg(&GrayImage::from_fn(1280, 720, |x, y| Luma([u8::try_from((x * 7 + y * 3) % 60).unwrap() + 90])))
}
