use super::check;
use crate::Error;
use crate::error::{Mismatch, TooShort};
use crate::fenwick::Fenwick;
use crate::metrics::DenseRanks;
use crate::order::rising;

/// Harrell's C: the chance that, of two patients, the one with the higher risk score has the event first. O(n log n).
///
/// **Use it** to judge a risk score whatever its scale; ½ is chance. **Not** to compare studies: it depends on who was
/// censored when.
///
/// # Formula
/// Of the pairs of which one is known to have had the event while the other was still under observation: the share
/// in which the former has the higher risk, equal risks counting half. Two events at the same time are no pair; an event
/// and an end of observation at the same time are.
///
/// # Examples
/// ```
/// use eir_core::survival::concordance_index;
/// let c = concordance_index(&[1.0, 2.0, 3.0], &[true, false, true], &[0.9, 0.4, 0.4])?;
/// assert_eq!(c, 1.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Errors
/// [`Error`] for different lengths, a time that is negative, a value that is NaN or infinite, or if no two patients can
/// be compared.
///
/// # Validation
/// Agrees with lifelines 0.30.3 within 1e-10 on `reference/core/survival.json`.
///
/// # References
/// Harrell, Lee, Mark 1996, doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4.
pub fn concordance_index(time: &[f64], event: &[bool], risk: &[f64]) -> Result<f64, Error> {
    check(time, event)?;
    Mismatch::check("risks of the times", time.len(), risk.len())?;
    let ranks = DenseRanks::new(risk)?;
    let mut order = rising(time);
    order.reverse();
    let mut later = Fenwick::new(ranks.sizes.len());
    let (mut pairs, mut halves, mut known_later) = (0, 0, 0); // halves: 2 of each concordant pair, 1 of each tie
    for leaving in order.chunk_by(|a, b| time[*a] == time[*b]) {
        let of_kind = |with_event| leaving.iter().filter(move |i| event[**i] == with_event).map(|i| ranks.of[*i]);
        for rank in of_kind(false) {
            later.add(rank);
            known_later += 1;
        }
        for rank in of_kind(true) {
            pairs += known_later;
            halves += later.below(rank) + later.below(rank + 1);
        }
        for rank in of_kind(true) {
            later.add(rank);
            known_later += 1;
        }
    }
    if pairs == 0 {
        return Err(TooShort::new("pairs of patients that can be compared", 0, 1).into());
    }
    Ok(halves as f64 / (2 * pairs) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn counts_all_pairs() {
        let mut stream = Generator::new(9, "concordance").stream(0);
        let n = 120;
        let time: Vec<f64> = (0..n).map(|_| stream.below(20) as f64).collect();
        let event: Vec<bool> = (0..n).map(|_| stream.chance(0.6)).collect();
        let risk: Vec<f64> = (0..n).map(|_| stream.below(15) as f64).collect();
        let (mut pairs, mut halves) = (0, 0);
        for i in 0..n {
            for j in 0..n {
                if event[i] && (time[i] < time[j] || (time[i] == time[j] && !event[j])) {
                    pairs += 1;
                    halves += usize::from(risk[i] > risk[j]) * 2 + usize::from(risk[i] == risk[j]);
                }
            }
        }
        assert_eq!(concordance_index(&time, &event, &risk).unwrap(), halves as f64 / (2 * pairs) as f64);
    }

    #[test]
    fn borders() {
        assert!(matches!(concordance_index(&[1.0, 1.0], &[true; 2], &[1.0, 2.0]), Err(Error::TooShort(_))));
        assert!(matches!(concordance_index(&[1.0, 2.0], &[true; 2], &[1.0]), Err(Error::Mismatch(_))));
        assert!(matches!(concordance_index(&[1.0, 2.0], &[true; 2], &[f64::NAN, 0.0]), Err(Error::NotFinite(_))));
    }
}
