//! What wrapping a key for a provider costs, in units of the bare RSA operation: 1 is one encryption with the same
//! public key by the same crate (PKCS #1 v1.5, the least that it adds to the exponentiation).
//!
//! `cargo bench --bench wrap` prints a row for each form and size. Both are timed in turn, round after round, and
//! the shortest of many runs counts. Nothing here passes or fails. What is asked for is 1.2 at most; what a
//! hybrid adds is AES over the key, which an RSA-4096 key makes longest.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs
)]

use quorate::key::KeyKind;
use quorate::key::{KeyMaterial, OaepHash, WrappingKey, generate, import};
use quorate::primitive::random::Entropy;
use quorate::wrap::{Form, wrap};
use rsa::pkcs8::DecodePublicKey as _;
use rsa::{Pkcs1v15Encrypt, PublicKey};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Time to spend on each row.
const BUDGET: Duration = Duration::from_millis(1500);

/// The system's randomness, as the crate wants it.
struct System(Entropy);

impl rand_core::TryRng for System {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(u32::from_le_bytes(self.0.public().unwrap()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from_le_bytes(self.0.public().unwrap()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(32) {
            let drawn: [u8; 32] = self.0.public().unwrap();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for System {}

fn main() {
    let aes = generate(KeyKind::Aes256, &mut Entropy::system()).unwrap();
    println!("{:>6} {:>8} {:>12} {:>8} {:>12}", "RSA", "form", "key", "ratio", "unit");
    for bits in [2048, 3072, 4096] {
        let file = format!("{}/tests/data/key/rsa-{bits}.pem", env!("CARGO_MANIFEST_DIR"));
        let pair = import(None, &std::fs::read(file).unwrap()).unwrap();
        let spki = pair.public_spki().unwrap();
        let (to, bare) =
            (WrappingKey::from_spki(spki).unwrap(), PublicKey::from_public_key_der(spki).unwrap());
        for (form, key) in [(Form::Direct, &aes), (Form::Hybrid, &aes), (Form::Hybrid, &pair)] {
            row(bits, form, key, &to, &bare);
        }
    }
}

fn row(bits: usize, form: Form, key: &KeyMaterial, to: &WrappingKey, bare: &PublicKey) {
    let (mut ours, mut unit, begun) = (f64::INFINITY, f64::INFINITY, Instant::now());
    let (mut entropy, mut system) = (Entropy::system(), System(Entropy::system()));
    while begun.elapsed() < BUDGET {
        unit = unit.min(timed(|| drop(black_box(bare.encrypt(&mut system, Pkcs1v15Encrypt, &[7; 32])))));
        ours = ours.min(timed(|| {
            drop(black_box(wrap(form, OaepHash::Sha256, to, key.bytes().expose(), &mut entropy)));
        }));
    }
    let form = if form == Form::Direct { "direct" } else { "hybrid" };
    let unit_shown = format!("{:.0} us", unit * 1e6);
    println!("{bits:>6} {form:>8} {:>12} {:>8.2} {unit_shown:>12}", key.kind().name(), ours / unit);
}

fn timed(mut operation: impl FnMut()) -> f64 {
    let begun = Instant::now();
    operation();
    begun.elapsed().as_secs_f64()
}
