//! Four minutes of fetal heart rate, as the autoencoder takes them.

use crate::Result;
use crate::ctg::{self, RATE_HZ};
use eir_core::error::{Mismatch, Parameter, TooShort};

/// Four minutes of fetal heart rate at 4 Hz, with what is lost known.
///
/// What stands where a sample is lost is a straight line between its neighbours that were measured. The networks are told
/// which samples are lost, and a lost one counts neither in a mean nor in a loss.
///
/// # Examples
/// ```
/// use eir_signal::models::CtgWindow;
/// let mut fhr = vec![140.0; 960];
/// fhr[100..200].fill(0.0); // 0 and NaN mean lost
/// let window = CtgWindow::new(&fhr)?;
/// assert_eq!((window.measured_count(), window.mean_bpm()), (860, 140.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CtgWindow {
    start: usize,
    bridged_bpm: Vec<f32>,
    measured: Vec<bool>,
}

impl CtgWindow {
    /// Samples of a window: 240 s at 4 Hz.
    pub const SAMPLES: usize = 240 * RATE_HZ as usize;
    /// Measured samples that a window needs: a minute.
    pub const LEAST: usize = 60 * RATE_HZ as usize;

    /// A window of exactly [`SAMPLES`](Self::SAMPLES) values in bpm at 4 Hz; 0, NaN and what lies outside 50–220 bpm mean
    /// lost. Nothing else is repaired: [`of_trace`](Self::of_trace) takes artefacts out first.
    ///
    /// # Errors
    /// [`Mismatch`] for another length, [`TooShort`] with fewer than [`LEAST`](Self::LEAST) measured samples.
    pub fn new(fhr_bpm: &[f64]) -> Result<Self> {
        Mismatch::check("samples of a window", Self::SAMPLES, fhr_bpm.len())?;
        let measured: Vec<bool> = fhr_bpm.iter().map(|v| ctg::is_measured(*v)).collect();
        Self::of(0, fhr_bpm.iter().map(|v| *v as f32).collect(), measured)
    }

    /// The windows of a trace, one every `step` samples, after [`ctg::prepare`] has taken artefacts out; those of which
    /// too much is lost are left out.
    ///
    /// # Errors
    /// [`Parameter`] for a step of 0, [`TooShort`] for a trace of less than a window, and as [`ctg::prepare`].
    pub fn of_trace(fhr_bpm: &[f64], step: usize) -> Result<Vec<Self>> {
        if step == 0 {
            return Err(Parameter::new("step", 0.0, "at least 1 sample").into());
        }
        if fhr_bpm.len() < Self::SAMPLES {
            return Err(TooShort::new("samples of the trace", fhr_bpm.len(), Self::SAMPLES).into());
        }
        let prepared = ctg::prepare(fhr_bpm)?;
        let of = |start: usize| {
            let span = start..start + Self::SAMPLES;
            let bpm = prepared.filled_bpm.get(span.clone())?.iter().map(|v| *v as f32).collect();
            Self::of(start, bpm, prepared.valid.get(span)?.to_vec()).ok()
        };
        Ok((0..=fhr_bpm.len() - Self::SAMPLES).step_by(step).filter_map(of).collect())
    }

    /// Bridges what is lost.
    pub(super) fn of(start: usize, mut bpm: Vec<f32>, measured: Vec<bool>) -> Result<Self> {
        let count = measured.iter().filter(|m| **m).count();
        if count < Self::LEAST {
            return Err(TooShort::new("measured samples of a window", count, Self::LEAST).into());
        }
        bridge(&mut bpm, &measured);
        Ok(Self { start, bridged_bpm: bpm, measured })
    }

    /// Its first sample in the trace.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }

    /// Heart rate in bpm, with straight lines where samples are lost.
    #[must_use]
    pub fn bridged_bpm(&self) -> &[f32] {
        &self.bridged_bpm
    }

    /// Which samples were measured.
    #[must_use]
    pub fn measured(&self) -> &[bool] {
        &self.measured
    }

    /// How many samples were measured.
    #[must_use]
    pub fn measured_count(&self) -> usize {
        self.measured.iter().filter(|m| **m).count()
    }

    /// Heart rate in bpm, NaN where it is lost.
    #[must_use]
    pub fn fhr_bpm(&self) -> Vec<f64> {
        let of = |(v, m): (&f32, &bool)| if *m { f64::from(*v) } else { f64::NAN };
        self.bridged_bpm.iter().zip(&self.measured).map(of).collect()
    }

    /// Mean of the measured samples in bpm.
    #[must_use]
    pub fn mean_bpm(&self) -> f64 {
        let known = self.bridged_bpm.iter().zip(&self.measured).filter(|(_, m)| **m);
        let (sum, n) = known.fold((0.0, 0u32), |(s, n), (v, _)| (s + f64::from(*v), n + 1));
        sum / f64::from(n.max(1))
    }

    /// Sum of the squared differences of the measured samples from a reconstruction, in bpm².
    ///
    /// # Errors
    /// [`Mismatch`] for a reconstruction of another length.
    pub fn squared_error(&self, reconstructed_bpm: &[f32]) -> Result<f64> {
        super::super::squared_error(&self.bridged_bpm, reconstructed_bpm, Some(&self.measured))
    }

    /// As what the networks see: 1 for a measured sample, else 0.
    pub(super) fn mask(&self) -> impl Iterator<Item = f32> {
        self.measured.iter().map(|m| f32::from(u8::from(*m)))
    }
}

/// Straight lines from the last measured value to the next; before the first and behind the last, that value.
pub(in crate::models) fn bridge(bpm: &mut [f32], measured: &[bool]) {
    let mut last: Option<usize> = None;
    for (i, _) in measured.iter().enumerate().filter(|(_, m)| **m) {
        match last {
            None => {
                let value = bpm[i];
                bpm[..i].fill(value);
            }
            Some(before) if i - before > 1 => {
                let (from, to, length) = (bpm[before], bpm[i], (i - before) as f32);
                for (k, v) in bpm[before + 1..i].iter_mut().enumerate() {
                    *v = from + (to - from) * (k + 1) as f32 / length;
                }
            }
            Some(_) => {}
        }
        last = Some(i);
    }
    if let Some(last) = last {
        let value = bpm[last];
        bpm[last + 1..].fill(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_straight_lines_and_count_nowhere() {
        let mut fhr: Vec<f64> = (0..960).map(|i| 120.0 + f64::from(i) / 32.0).collect();
        let whole = CtgWindow::new(&fhr).unwrap();
        fhr[300..600].fill(f64::NAN);
        fhr[..8].fill(0.0);
        fhr[950] = f64::INFINITY;
        let gaps = CtgWindow::new(&fhr).unwrap();
        assert_eq!(gaps.measured_count(), 960 - 300 - 8 - 1);
        for (a, b) in gaps.bridged_bpm()[8..].iter().zip(&whole.bridged_bpm()[8..]) {
            assert!((a - b).abs() < 1e-4);
        }
        assert_eq!(gaps.bridged_bpm()[0], gaps.bridged_bpm()[8]);
        assert!(gaps.fhr_bpm()[400].is_nan() && gaps.fhr_bpm()[20] == fhr[20]);
        let far = vec![0.0; 960];
        assert!(gaps.squared_error(&far).unwrap() > 0.0 && gaps.squared_error(&far[1..]).is_err());
    }

    #[test]
    fn what_is_too_short_or_lost_is_an_error() {
        assert!(CtgWindow::new(&[140.0; 959]).is_err());
        assert!(CtgWindow::new(&[0.0; 960]).is_err());
        assert!(CtgWindow::of_trace(&[140.0; 959], 960).is_err());
        assert!(CtgWindow::of_trace(&[140.0; 2000], 0).is_err());
        let mut trace = vec![140.0; 2880];
        trace[960..1920].fill(0.0);
        let windows = CtgWindow::of_trace(&trace, 960).unwrap();
        assert_eq!(windows.iter().map(CtgWindow::start).collect::<Vec<_>>(), [0, 1920]);
    }
}
