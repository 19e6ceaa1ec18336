//! Height of the ST segment.

use super::BeatWaves;
use crate::Result;
use eir_core::SampleRate;
use eir_core::error::Parameter;

/// Height of the ST segment of each beat of a lead, in the lead's unit, `after_j_ms` behind the J point; `None` where it
/// cannot be measured.
///
/// **Use it** lead by lead with the bounds of [`delineate`](super::delineate), and take the median over many beats.
/// **Not** at a high rate, where the T wave starts before: 60 ms instead of 80 above 120 bpm, and no answer where the
/// place lies behind the peak of the T wave.
///
/// # Formula
/// Mean of the lead over 8 ms at `J + after_j_ms`, less its mean from 24 to 8 ms before the QRS complex (the PQ segment).
///
/// # Examples
/// ```
/// use eir_signal::ecg::{delineate, r_peaks, st_levels};
/// // the ST segment of every beat is 0.1 mV high
/// let ecg: Vec<f32> = (0..5000)
///     .map(|i| {
///         let t = (i % 500) as f32 / 500.0;
///         (-((t - 0.4) / 0.012).powi(2)).exp() + if (0.41..0.6).contains(&t) { 0.1 } else { 0.0 }
///     })
///     .collect();
/// let rate = eir_core::SampleRate::new(500.0)?;
/// let waves = delineate(&ecg, rate, &r_peaks(&ecg, rate)?)?;
/// let levels = st_levels(&ecg, rate, &waves, 60.0)?;
/// assert!((levels[5].unwrap() - 0.1).abs() < 0.01);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Parameter`] unless `after_j_ms` lies within 0 to 200.
pub fn st_levels(lead: &[f32], rate: SampleRate, beats: &[BeatWaves], after_j_ms: f64) -> Result<Vec<Option<f64>>> {
    if !(0.0..=200.0).contains(&after_j_ms) {
        return Err(Parameter::new("after_j_ms", after_j_ms, "0 to 200 ms").into());
    }
    let mean = |from: usize, to: usize| {
        let window = lead.get(from..to).filter(|w| !w.is_empty() && w.iter().all(|v| v.is_finite()))?;
        Some(window.iter().map(|v| f64::from(*v)).sum::<f64>() / window.len() as f64)
    };
    let ms = |t: f64| rate.samples(t / 1e3);
    Ok(beats
        .iter()
        .map(|beat| {
            let (onset, j) = (beat.qrs_onset?, beat.qrs_offset?);
            let at = j + ms(after_j_ms);
            if beat.t_peak.is_some_and(|t| at >= t) {
                return None;
            }
            let level = mean(at.saturating_sub(ms(4.0)), at + ms(4.0) + 1)?;
            let base = mean(onset.checked_sub(ms(24.0))?, (onset - ms(8.0)).max(onset - ms(24.0) + 1))?;
            Some(level - base)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_between_segments_and_none_where_there_is_none() {
        let rate = SampleRate::new(500.0).unwrap();
        let mut lead = vec![0.2f32; 400];
        lead[200..].fill(0.35);
        let beat = BeatWaves { r_peak: 195, qrs_onset: Some(180), qrs_offset: Some(205), ..BeatWaves::default() };
        let absent = BeatWaves { qrs_offset: None, ..beat };
        let behind = BeatWaves { t_peak: Some(220), ..beat };
        let early = BeatWaves { qrs_onset: Some(3), ..beat };
        let levels = st_levels(&lead, rate, &[beat, absent, behind, early], 60.0).unwrap();
        assert!((levels[0].unwrap() - 0.15).abs() < 1e-6);
        assert_eq!(levels[1..], [None, None, None]);
        lead[235] = f32::NAN;
        assert_eq!(st_levels(&lead, rate, &[beat], 60.0).unwrap(), [None]);
        assert!(st_levels(&lead, rate, &[beat], 500.0).is_err());
    }
}
