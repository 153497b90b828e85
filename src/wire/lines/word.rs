//! The code word of one line: Reed-Solomon (31, 26) over GF(32), distance 6.
//!
//! Position 0 is the line's number, which is never printed, 1..=25 are data, 26..=30 are check symbols.
//! The syndromes S_j = sum of c_k alpha^(jk), j = 1..=5, are all zero; the check symbols are the only five
//! that make them so.
//! In: 31 symbols and the positions that are known to be unreadable. Out: the positions and differences that
//! make a code word of it again, for up to two wrong symbols, or none.
//! It doesn't know letters, groups or slips of the hand: `judge` does.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::field::{ROOTS, inverse, locators, mul};

#[cfg(test)]
mod tests;

/// Symbols of a code word.
pub(super) const LEN: usize = 31;
/// Check symbols of a code word.
pub(super) const CHECKS: usize = 5;

/// A (not yet checked) code word, wiped on drop.
pub(super) type Word = Zeroizing<[u8; LEN]>;

/// What to add to a received word so that it becomes a code word.
pub(super) struct Repair {
    /// Position and difference: the unreadable positions first, then the wrong ones.
    pub(super) changes: Zeroizing<Vec<(u8, u8)>>,
    /// How many of the changes are wrong symbols that had to be located.
    pub(super) errors: usize,
    /// Check symbols left over: `CHECKS` - unreadable - 2 * wrong. With none left, nothing confirms the repair.
    pub(super) spare: usize,
}

/// S_1..S_5, or what is left of them when some positions are cancelled.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Syndromes {
    terms: [u8; CHECKS],
    len: usize,
}

impl Syndromes {
    pub(super) fn of(word: &[u8; LEN]) -> Self {
        let mut terms = [0; CHECKS];
        for symbol in word.iter().rev() {
            for (term, root) in terms.iter_mut().zip(ROOTS) {
                *term = mul(*term, root) ^ symbol;
            }
        }
        Self { terms, len: CHECKS }
    }

    fn live(&self) -> impl Iterator<Item = u8> + Clone + '_ {
        self.terms.iter().copied().take(self.len)
    }

    /// Removes the part that the position with this locator contributes, at the price of one term:
    /// T_j = S_(j+1) + X S_j.
    fn cancel(&mut self, locator: u8) {
        for place in 1..CHECKS {
            let next = self.terms.get(place).copied().unwrap_or(0);
            if let Some(term) = self.terms.get_mut(place.saturating_sub(1)) {
                *term = next ^ mul(locator, *term);
            }
        }
        self.len = self.len.saturating_sub(1);
    }

    fn is_zero(&self) -> bool {
        self.live().all(|term| term == 0)
    }

    /// The locator of the one position that explains these terms.
    fn one_error(&self) -> Option<u8> {
        let (first, second) = (self.live().next()?, self.live().nth(1)?);
        let locator = mul(second, inverse(first));
        let geometric = self.live().zip(self.live().skip(1)).all(|(term, next)| next == mul(locator, term));
        (locator != 0 && geometric).then_some(locator)
    }

    /// The locators of the two positions that explain these terms (Peterson's method for two errors): the
    /// roots of y^2 + a y + b, where T_(j+2) + a T_(j+1) + b T_j = 0 for every j.
    fn two_errors(&self) -> Option<(u8, u8)> {
        if self.len < 4 {
            return None;
        }
        let [t1, t2, t3, t4, _] = self.terms;
        let scale = inverse(mul(t2, t2) ^ mul(t1, t3));
        let a = mul(scale, mul(t1, t4) ^ mul(t2, t3));
        let b = mul(scale, mul(t2, t4) ^ mul(t3, t3));
        let mut triples = self.live().zip(self.live().skip(1)).zip(self.live().skip(2));
        if scale == 0 || !triples.all(|((t, next), last)| last ^ mul(a, next) ^ mul(b, t) == 0) {
            return None;
        }
        let mut roots = locators().filter(|y| mul(*y, *y) ^ mul(a, *y) ^ b == 0);
        Some((roots.next()?, roots.next()?))
    }

    /// The difference at `locator` when all errors are at `locator` and `others`.
    fn difference(&self, locator: u8, others: impl Iterator<Item = u8>) -> u8 {
        let (mut rest, mut scale) = (self.clone(), locator);
        for other in others {
            rest.cancel(other);
            scale = mul(scale, locator ^ other);
        }
        mul(rest.live().next().unwrap_or(0), inverse(scale))
    }
}

/// Sets the five check symbols of `word`.
pub(super) fn close(word: &mut Word) {
    for symbol in word.iter_mut().rev().take(CHECKS) {
        *symbol = 0;
    }
    let syndromes = Syndromes::of(word);
    let checks = || locators().skip(LEN.saturating_sub(CHECKS));
    for (symbol, locator) in word.iter_mut().rev().take(CHECKS).rev().zip(checks()) {
        *symbol = syndromes.difference(locator, checks().filter(|other| *other != locator));
    }
}

/// Finds the changes at the `erased` positions and at up to `errors` (at most 2) others that make a code word.
/// Unique when it exists, because the distance is 6. `None`: there are none, or check symbols are too few.
pub(super) fn repair(syndromes: &Syndromes, erased: &[u8], errors: usize) -> Option<Repair> {
    let erased_locators = || erased.iter().filter_map(|at| locators().nth(usize::from(*at)));
    if erased.len() > CHECKS {
        return None;
    }
    let mut rest = syndromes.clone();
    erased_locators().for_each(|locator| rest.cancel(locator));

    let found: &[u8] = if rest.is_zero() {
        &[]
    } else if errors == 0 {
        return None;
    } else if let Some(locator) = rest.one_error() {
        &[locator]
    } else {
        let (first, second) = rest.two_errors()?;
        &[first, second]
    };
    if found.len() > errors || erased_locators().any(|locator| found.contains(&locator)) {
        return None;
    }

    let all = || erased_locators().chain(found.iter().copied());
    let mut changes = Zeroizing::new(Vec::with_capacity(CHECKS));
    for locator in all() {
        let position = locators().position(|other| other == locator)?;
        let difference = syndromes.difference(locator, all().filter(|other| *other != locator));
        changes.push((u8::try_from(position).ok()?, difference));
    }
    let used = erased.len().saturating_add(found.len().saturating_mul(2));
    Some(Repair { changes, errors: found.len(), spare: CHECKS.checked_sub(used)? })
}
