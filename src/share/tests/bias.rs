//! Dealt coefficients are uniform modulo the order: no bit is forced and no value is left out.
//!
//! A sampler that forces every byte odd (vsss-rs before 5.4) or never draws a zero byte gives M-1
//! shares a good part of the secret, and no other test would notice. The tests here are statistical with
//! fixed bounds, such that true uniform draws fail less than once in 10^9 runs; two such samplers
//! and a few others must be caught.

use super::*;

/// How many coefficients are drawn.
const DRAWS: usize = 8000;

/// What a sampler's draws have too much or too little of; `None` for uniform ones.
fn bias(draws: &[[u8; 32]]) -> Option<String> {
    let count = draws.len() as f64;
    // Bits 0 to 251 are fair to within 2^-125. Hoeffding: a fair bit strays by more than
    // sqrt(n ln(2/p) / 2); p = 10^-12 for each of the 252 bits.
    let bound = (count * (2e12_f64).ln() / 2.0).sqrt();
    for bit in 0..252 {
        let ones = draws.iter().filter(|draw| draw[bit / 8] >> (bit % 8) & 1 == 1).count() as f64;
        if (ones - count / 2.0).abs() > bound {
            return Some(format!("bit {bit} is one in {ones} of {count} draws"));
        }
    }
    // Every byte but the last takes 256 values equally often; so do all of them together, where a
    // value that is seldom drawn shows; of the last byte, 16.
    let all = draws.iter().flat_map(|draw| &draw[..31]).copied();
    let columns = (0..31).map(|place| (place, draws.iter().map(|draw| draw[place]).collect::<Vec<u8>>()));
    for (place, bytes) in columns.chain([(99, all.collect())]) {
        let mut seen = [0_u32; 256];
        bytes.iter().for_each(|byte| seen[usize::from(*byte)] += 1);
        if chi_square(&seen) > 480.0 {
            return Some(format!("byte {place} is uneven: {}", chi_square(&seen)));
        }
        // Missed by a fair byte with 256 (255/256)^8000 < 10^-11.
        if let Some(value) = seen.iter().position(|times| *times == 0) {
            return Some(format!("byte {place} is never {value}"));
        }
    }
    let mut seen = [0_u32; 17];
    draws.iter().for_each(|draw| seen[usize::from(draw[31].min(16))] += 1);
    (seen[16] > 0 || chi_square(&seen[..16]) > 112.0).then(|| format!("the last byte is uneven: {seen:?}"))
}

/// Pearson's statistic against equal frequencies. With k degrees of freedom it exceeds
/// k + 2 sqrt(k x) + 2 x with a probability below e^-x (Laurent and Massart 2000): for x = 28,
/// it is 480 with 255 degrees and 112 with 15.
fn chi_square(seen: &[u32]) -> f64 {
    let expected = f64::from(seen.iter().sum::<u32>()) / seen.len() as f64;
    seen.iter().map(|times| (f64::from(*times) - expected).powi(2) / expected).sum()
}

/// Coefficients as a deal draws them: all but the secret itself.
fn dealt_coefficients() -> Vec<[u8; 32]> {
    let mut entropy = Entropy::system();
    let mut draws = Vec::new();
    while draws.len() < DRAWS {
        // As `split` makes them: first the values' polynomial, whose constant is given, then the
        // blinders', whose constant is drawn.
        let values = Dealer::new(&secret(Scalar::ONE), scheme(100, 100), &mut entropy).unwrap();
        draws.extend(values.coefficients().skip(1).map(Scalar::to_bytes));
        let constant = SecretScalar::random(&mut entropy).unwrap();
        let blinders = Dealer::new(&constant, scheme(100, 100), &mut entropy).unwrap();
        draws.extend(blinders.coefficients().map(Scalar::to_bytes));
    }
    draws.truncate(DRAWS);
    draws
}

#[test]
fn dealt_coefficients_are_uniform() {
    assert_eq!(bias(&dealt_coefficients()), None);
}

#[test]
fn biased_samplers_are_caught() {
    type Sampler = fn(usize, &mut [u8; 32]);
    let samplers: [(&str, Sampler); 8] = [
        ("odd numbers only", |_, draw| draw[0] |= 1),
        ("odd bytes only", |_, draw| draw[..31].iter_mut().for_each(|byte| *byte |= 1)),
        ("no zero byte", |_, draw| draw[..31].iter_mut().for_each(|byte| *byte = (*byte).max(1))),
        ("no zero in the lowest byte", |_, draw| draw[0] = draw[0].max(1)),
        ("a bit short", |_, draw| draw[31] &= 7),
        ("not reduced", |_, draw| draw[31] |= 0x10),
        ("every tenth is small", |n, draw| {
            if n % 10 == 0 {
                draw[16..].fill(0);
            }
        }),
        ("one in five has a bit forced", |n, draw| {
            if n % 5 == 0 {
                draw[7] |= 8;
            }
        }),
    ];
    let fair = dealt_coefficients();
    for (name, sampler) in samplers {
        let mut draws = fair.clone();
        draws.iter_mut().enumerate().for_each(|(n, draw)| sampler(n, draw));
        assert!(bias(&draws).is_some(), "{name} was not caught");
    }
}

#[test]
fn a_deal_draws_anew_every_time() {
    // One secret and one scheme, and no two deals share a commitment or a share.
    let (secret, first) = dealt(3, 5);
    let second = split(&secret, scheme(3, 5), &mut Entropy::system()).unwrap();
    for point in first.commitments.encode() {
        assert!(!second.commitments.encode().contains(&point));
    }
    for (a, b) in first.shares.iter().zip(&second.shares) {
        let (a, b) = (a.to_secret_bytes(), b.to_secret_bytes());
        assert!(a.expose()[..32] != b.expose()[..32] && a.expose()[32..] != b.expose()[32..]);
    }
}

#[test]
fn a_fresh_secret_is_uniform_too() {
    let mut entropy = Entropy::system();
    let draws: Vec<[u8; 32]> =
        (0..DRAWS).map(|_| fresh_secret(&mut entropy).unwrap().expose().to_bytes()).collect();
    assert_eq!(bias(&draws), None);
}
