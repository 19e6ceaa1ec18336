//! Lempel–Ziv complexity.

use super::{Measure, NoAnswer, check, enough, mean};
use crate::Result;
use eir_core::metrics::sorted_quantile;
use serde::{Deserialize, Serialize};

/// Where a series is cut into low and high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Threshold {
    /// At its median.
    #[default]
    Median,
    /// At its mean.
    Mean,
}

/// The Lempel–Ziv complexity of `x`, cut into values above its median or mean and others.
///
/// **Use it** to ask how many new words a row of two symbols goes on to bring: about 1 for random, near 0 for periodic.
/// **Not** to compare short series of different lengths: it approaches its limit slowly.
///
/// # Formula
/// `c log2(n) / n`, `c` the number of words of the parsing of 1976: each is the shortest that did not occur before its
/// last symbol. The words are found with a suffix automaton, in time proportional to the length.
///
/// # Examples
/// ```
/// use eir_signal::entropy::{Threshold, lempel_ziv};
/// let x = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0];
/// // 0 · 001 · 10 · 100 · 1000 · 101, the example of Kaspar and Schuster
/// assert_eq!(lempel_ziv(&x, Threshold::Mean)?, 6.0 * 4.0 / 16.0);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`NotFinite`](eir_core::error::NotFinite); [`NoAnswer`] below 2 values and for values that do not vary.
///
/// # Validation
/// Equals NeuroKit2 0.2.13 `complexity_lempelziv` within 1e-9 on all series of the golden set (median and mean).
///
/// # References
/// Lempel, Ziv 1976, doi:10.1109/TIT.1976.1055501. Kaspar, Schuster 1987, doi:10.1103/PhysRevA.36.842.
pub fn lempel_ziv(x: &[f64], threshold: Threshold) -> Result<f64> {
    check(x, 0)?;
    Ok(measure(x, threshold)?)
}

pub(crate) fn measure(x: &[f64], threshold: Threshold) -> Measure {
    enough(x, 2)?;
    if x.iter().all(|v| *v == x[0]) {
        return Err(NoAnswer::Constant);
    }
    let cut = match threshold {
        Threshold::Mean => mean(x),
        Threshold::Median => {
            let mut sorted = x.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted_quantile(&sorted, 0.5).unwrap_or(f64::NAN)
        }
    };
    let n = x.len() as f64;
    Ok(words(x.iter().map(|v| usize::from(*v > cut)), 2) as f64 * n.log2() / n)
}

/// The Lempel–Ziv complexity of a row of symbols, normalised for as many kinds as there are in it.
///
/// # Errors
/// [`NoAnswer`] below 2 symbols and if there is one kind only.
pub fn lempel_ziv_of_symbols(symbols: &[u8]) -> Result<f64> {
    let mut number = [usize::MAX; 256];
    let mut kinds = 0;
    for s in symbols {
        let number = &mut number[usize::from(*s)];
        if *number == usize::MAX {
            *number = kinds;
            kinds += 1;
        }
    }
    if symbols.len() < 2 {
        return Err(NoAnswer::TooFew { given: symbols.len(), needed: 2 }.into());
    }
    if kinds < 2 {
        return Err(NoAnswer::Constant.into());
    }
    let n = symbols.len() as f64;
    let words = words(symbols.iter().map(|s| number[usize::from(*s)]), kinds);
    Ok(words as f64 * n.ln() / (kinds as f64).ln() / n)
}

const NONE: u32 = u32::MAX;

/// The number of words; an unfinished last one counts.
fn words(symbols: impl Iterator<Item = usize>, kinds: usize) -> usize {
    let mut automaton = Automaton::new(kinds);
    let (mut words, mut state, mut length) = (0, 0, 0);
    for symbol in symbols {
        // may the word so far be continued inside what came before this symbol?
        let next = automaton.next[state as usize * kinds + symbol];
        (state, length) = if next == NONE { (0, 0) } else { (next, length + 1) };
        words += usize::from(next == NONE);
        if let Some((split, copy)) = automaton.extend(symbol)
            && state == split
            && length <= automaton.length[copy as usize]
        {
            state = copy;
        }
    }
    words + usize::from(length > 0)
}

/// The suffix automaton of what was read: every word that occurs in it leads from the start to a state.
struct Automaton {
    kinds: usize,
    next: Vec<u32>,
    link: Vec<u32>,
    length: Vec<u32>,
    last: u32,
}

impl Automaton {
    fn new(kinds: usize) -> Self {
        Self { kinds, next: vec![NONE; kinds], link: vec![NONE], length: vec![0], last: 0 }
    }

    fn add(&mut self, length: u32) -> u32 {
        self.length.push(length);
        self.link.push(0);
        self.next.resize(self.next.len() + self.kinds, NONE);
        (self.length.len() - 1) as u32
    }

    /// Reads one more symbol. A state that had to be split is returned with its copy for the shorter words.
    fn extend(&mut self, symbol: usize) -> Option<(u32, u32)> {
        let at = |state: u32, kinds: usize| state as usize * kinds + symbol;
        let new = self.add(self.length[self.last as usize] + 1);
        let mut p = self.last;
        self.last = new;
        while p != NONE && self.next[at(p, self.kinds)] == NONE {
            self.next[at(p, self.kinds)] = new;
            p = self.link[p as usize];
        }
        if p == NONE {
            return None;
        }
        let q = self.next[at(p, self.kinds)];
        if self.length[p as usize] + 1 == self.length[q as usize] {
            self.link[new as usize] = q;
            return None;
        }
        let copy = self.add(self.length[p as usize] + 1);
        let from = q as usize * self.kinds;
        self.next.copy_within(from..from + self.kinds, copy as usize * self.kinds);
        self.link[copy as usize] = self.link[q as usize];
        self.link[q as usize] = copy;
        self.link[new as usize] = copy;
        while p != NONE && self.next[at(p, self.kinds)] == q {
            self.next[at(p, self.kinds)] = copy;
            p = self.link[p as usize];
        }
        Some((q, copy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition, word for word.
    fn plain(symbols: &[u8]) -> usize {
        let (mut words, mut start) = (0, 0);
        while start < symbols.len() {
            let mut end = start + 1;
            while end <= symbols.len() && symbols[..end - 1].windows(end - start).any(|w| *w == symbols[start..end]) {
                end += 1;
            }
            words += 1;
            start = end;
        }
        words
    }

    #[test]
    fn finds_the_words_of_the_definition() {
        let mut state = 5u32;
        for kinds in [2u32, 3, 5] {
            for n in [2usize, 3, 7, 40, 150] {
                for bend in 1..6u32 {
                    let symbols: Vec<u8> = (0..n)
                        .map(|_| {
                            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                            // uneven shares, so that long repeats occur
                            (((state >> 16) % (kinds * bend)) % kinds * u32::from((state >> 24).is_multiple_of(bend)))
                                as u8
                        })
                        .collect();
                    let found = words(symbols.iter().map(|s| usize::from(*s)), kinds as usize);
                    assert_eq!(found, plain(&symbols), "{symbols:?}");
                }
            }
        }
    }

    #[test]
    fn says_why_there_is_no_answer() {
        assert!(lempel_ziv(&[1.0; 20], Threshold::Median).is_err() && lempel_ziv(&[], Threshold::Mean).is_err());
        assert!(lempel_ziv_of_symbols(&[3, 3, 3]).is_err() && lempel_ziv_of_symbols(&[3]).is_err());
        assert!(lempel_ziv_of_symbols(b"abracadabra").unwrap() > 0.5);
    }
}
