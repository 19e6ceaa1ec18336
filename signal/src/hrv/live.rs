//! Heart-rate variability while the beats come in.

use super::check;
use super::short_term::{self, ShortTerm};
use crate::Result;
use eir_core::error::Parameter;

/// Measures over the last beats, in fixed memory and without allocation per beat.
///
/// **Use it** in a monitor. **Not** where an artefact may not reach the display: it takes intervals as they come; correct
/// them before, or leave out and call [`skip`](Self::skip).
///
/// # Formula
/// Each interval is written twice into a ring of twice the window, so that the window is always one piece of memory:
/// what is measured on it is what [`short_term`](super::short_term()) (or any other measure) says of the same intervals.
///
/// # Examples
/// ```
/// use eir_signal::hrv::{LiveHrv, short_term};
/// let mut live = LiveHrv::new(60)?;
/// let rr: Vec<f64> = (0..500u32).map(|i| 800.0 + f64::from(i * i % 71)).collect();
/// for (k, v) in rr.iter().enumerate() {
///     let now = live.push(*v)?;
///     assert_eq!(now, (k >= 2).then(|| short_term(&rr[(k + 1).saturating_sub(60)..=k]).unwrap()));
/// }
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Validation
/// Equals the batch functions on the window, bit for bit (example and unit test).
#[derive(Debug, Clone)]
pub struct LiveHrv {
    ring: Vec<f64>,
    window: usize,
    /// Intervals in the window.
    len: usize,
    /// Where the next one goes, below `window`.
    next: usize,
}

impl LiveHrv {
    /// Over the last `window` intervals, 3 to 1 000 000.
    ///
    /// # Errors
    /// [`Parameter`] if the window is out of range.
    pub fn new(window: usize) -> Result<Self> {
        if !(3..=1_000_000).contains(&window) {
            return Err(Parameter::new("window", window as f64, "3 to 1000000 intervals").into());
        }
        Ok(Self { ring: vec![0.0; 2 * window], window, len: 0, next: 0 })
    }

    /// Takes the interval `rr_ms` in; the measures of the window if it holds three.
    ///
    /// # Errors
    /// As [`short_term`](super::short_term()) for an interval that is none; it is not taken in.
    pub fn push(&mut self, rr_ms: f64) -> Result<Option<ShortTerm>> {
        check(&[rr_ms], 1)?;
        self.ring[self.next] = rr_ms;
        self.ring[self.next + self.window] = rr_ms;
        self.next = (self.next + 1) % self.window;
        self.len = (self.len + 1).min(self.window);
        Ok(self.short_term())
    }

    /// The measures of the window as it is.
    #[must_use]
    pub fn short_term(&self) -> Option<ShortTerm> {
        let rr = self.intervals_ms();
        (rr.len() >= 3).then(|| short_term::measure(rr, rr.windows(2).map(|w| w[1] - w[0])))
    }

    /// The intervals of the window, the oldest first.
    #[must_use]
    pub fn intervals_ms(&self) -> &[f64] {
        let from = if self.len < self.window { 0 } else { self.next };
        &self.ring[from..from + self.len]
    }

    /// Forgets all intervals: after a gap, what comes does not follow what was.
    pub fn skip(&mut self) {
        (self.len, self.next) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_batch_answer() {
        let rr: Vec<f64> = (0..400u32).map(|i| 700.0 + f64::from(i * i % 97) / 7.0).collect();
        for window in [3, 4, 64, 399, 500] {
            let mut live = LiveHrv::new(window).unwrap();
            for round in 0..2 {
                for k in 0..rr.len() {
                    let now = live.push(rr[k]).unwrap();
                    let part = &rr[(k + 1).saturating_sub(window)..=k];
                    assert_eq!(live.intervals_ms(), part, "{round} {k}");
                    assert_eq!(now, super::super::short_term(part).ok());
                }
                live.skip();
                assert!(live.short_term().is_none());
            }
        }
    }

    #[test]
    fn what_is_no_interval_is_not_taken_in() {
        let mut live = LiveHrv::new(5).unwrap();
        live.push(800.0).unwrap();
        for wrong in [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e9] {
            assert!(live.push(wrong).is_err());
        }
        assert_eq!(live.intervals_ms(), [800.0]);
        assert!(LiveHrv::new(2).is_err() && LiveHrv::new(usize::MAX).is_err());
    }
}
