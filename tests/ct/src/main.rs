//! Runs the arithmetic of sharing under valgrind with every secret marked as uninitialised.
//!
//! Memcheck follows each bit of such memory through every instruction and reports a branch or an
//! address that depends on one: just what must not happen to a secret (the method is Adam Langley's
//! ctgrind). A verdict ("this share is good") is public and is branched on: each walk says how many
//! it comes to, and valgrind must report exactly as many. Before the walks, three controls that leak
//! on purpose must be reported. README.md has the command.

mod valgrind;

use quorate::primitive::random::Entropy;
use quorate::secret::{SecretBytes, ct_eq};
use quorate::share::{
    ClaimedShare, Scheme, SecretScalar, Share, combine, combine_claimed, fresh_secret, split,
};
use std::hint::black_box;
use std::process::ExitCode;
use valgrind::{errors, make_public, make_secret};

fn main() -> ExitCode {
    if !valgrind::is_running() {
        println!("run this under valgrind, as README.md says");
        return ExitCode::from(2);
    }
    let controls: [(&str, fn(&SecretBytes)); 3] = [
        ("a branch on a secret", branch),
        ("a table indexed by a secret", table),
        ("== on a secret", compare),
    ];
    let mut failed = false;
    for (name, control) in controls {
        let before = errors();
        control(&secret_bytes());
        let seen = errors() - before;
        println!("control: {name}: {seen} reported");
        failed |= seen == 0;
    }
    let walks: [(&str, fn() -> u64); 4] = [
        ("check and combine", recover),
        ("split", deal),
        ("secret::ct_eq", equality),
        ("read and combine without a record", bare),
    ];
    for (name, walk) in walks {
        let before = errors();
        let verdicts = walk();
        let seen = errors() - before;
        println!("walk: {name}: {seen} reported, {verdicts} public verdicts");
        failed |= seen != verdicts;
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn secret_bytes() -> SecretBytes {
    let mut secret = SecretBytes::copy_of(&[0x5a; 32]);
    make_secret(secret.expose_mut());
    secret
}

fn branch(secret: &SecretBytes) {
    if secret.expose()[7] > black_box(3) {
        println!("(it is)");
    }
}

fn table(secret: &SecretBytes) {
    static TABLE: [u8; 256] = [1; 256];
    black_box(black_box(&TABLE)[usize::from(secret.expose()[7])]);
}

fn compare(secret: &SecretBytes) {
    if *secret.expose() == *black_box(&[0x5a; 32]) {
        println!("(they are equal)");
    }
}

/// A deal of 3 of 5, and its shares' bytes marked as secret.
fn sealed() -> (quorate::share::Commitments, Vec<(u8, SecretBytes)>) {
    let scheme = Scheme::new(3, 5).unwrap();
    let secret = fresh_secret(&mut Entropy::system()).unwrap();
    let deal = split(&secret, scheme, &mut Entropy::system()).unwrap();
    let bytes = |share: &Share| {
        let mut bytes = share.to_secret_bytes();
        make_secret(bytes.expose_mut());
        (share.index(), bytes)
    };
    (deal.commitments, deal.shares.iter().map(bytes).collect())
}

/// A secret scalar that no instruction may look at, from shares that none may look at, and the
/// number of verdicts on the way.
fn recovered() -> (SecretScalar, u64) {
    let (record, sealed) = sealed();
    let read = |(index, bytes): &(u8, SecretBytes)| ClaimedShare::read(*index, bytes.expose()).unwrap();
    let shares: Vec<Share> = sealed.iter().map(|one| read(one).check(&record).unwrap()).collect();
    black_box(combine(&record, &shares[..3]).unwrap());
    // One that isn't good is refused after the same work.
    assert!(ClaimedShare::read(2, sealed[0].1.expose()).unwrap().check(&record).is_err());
    let secret = combine(&record, &shares).unwrap();
    // Six shares: is each half canonical, is the share good. Two combinations: is it what was dealt.
    // With more than three shares, for each half: do the others agree.
    (secret, 6 * 3 + 2 + 2)
}

fn recover() -> u64 {
    let (secret, verdicts) = recovered();
    black_box(secret.to_secret_bytes());
    verdicts
}

/// Splits a secret with coefficients that are secret too: the caller's entropy is mixed in.
fn deal() -> u64 {
    let mut entropy = Entropy::system();
    entropy.mix(secret_bytes().expose());
    let (secret, verdicts) = recovered();
    let deal = split(&secret, Scheme::new(3, 5).unwrap(), &mut entropy).unwrap();
    black_box(deal.shares[0].to_secret_bytes());
    black_box(fresh_secret(&mut entropy).unwrap());
    // Is the secret zero; is each of five shares good; in two trials: is the digest of each of three
    // shares the deal's (a hash of the commitments, which are public), is it what was dealt, is it
    // the secret; is the fresh secret zero.
    verdicts + 1 + 5 + 2 * (3 + 1 + 1) + 1
}

fn equality() -> u64 {
    for (other, equal) in [(0x5a, true), (0x5b, false)] {
        let mut other = SecretBytes::copy_of(&[other; 32]);
        make_secret(other.expose_mut());
        for mut verdict in [secret_bytes().ct_eq(&other), ct_eq(secret_bytes().expose(), other.expose())] {
            make_public(std::slice::from_mut(&mut verdict));
            assert_eq!(verdict, equal);
        }
    }
    0
}

fn bare() -> u64 {
    let (_, sealed) = sealed();
    let read = |(index, bytes): &(u8, SecretBytes)| ClaimedShare::read(*index, bytes.expose()).unwrap();
    let claimed: Vec<ClaimedShare> = sealed.iter().map(read).collect();
    black_box(combine_claimed(3, &claimed.iter().take(3).collect::<Vec<_>>()).unwrap().to_secret_bytes());
    // Five shares: is each half canonical.
    5 * 2
}
