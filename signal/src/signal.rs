//! One signal of a record: the converter's numbers as they stand in the file, or values.

use crate::Result;
use crate::dispatch::dispatched;
use eir_core::SampleRate;
use eir_core::error::Mismatch;

/// One signal of a [`Record`](crate::Record).
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) rate: SampleRate,
    pub(crate) samples: Samples,
    pub(crate) format: u16,
    pub(crate) checksum_agrees: Option<bool>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Samples {
    Digital { digits: Digits, scale: Scale },
    Physical(Vec<f64>),
}

/// Numbers of the converter, as narrow as they are in the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Digits {
    /// With `gaps`, the smallest number stands for a missing sample.
    Narrow { values: Vec<i16>, gaps: bool },
    /// [`MISSING`] stands for a missing sample.
    Wide(Vec<i32>),
}

/// The digital value of a sample that is not there.
pub(crate) const MISSING: i32 = i32::MIN;

/// From a converter's number to a value. Each format has its own formula, so that the last bit is that of its tools.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// (d − baseline) / gain.
    Gain { gain: f64, baseline: i32 },
    /// step · (offset + d).
    Step { step: f64, offset: f64 },
    /// origin + step · d.
    Origin { origin: f64, step: f64 },
}

impl Scale {
    pub(crate) fn value(self, digit: f64) -> f64 {
        match self {
            Self::Gain { gain, baseline } => (digit - f64::from(baseline)) / gain,
            Self::Step { step, offset } => step * (offset + digit),
            Self::Origin { origin, step } => origin + step * digit,
        }
    }
}

impl Digits {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Narrow { values, .. } => values.len(),
            Self::Wide(values) => values.len(),
        }
    }

    /// The number at `index`; [`MISSING`] where there is none.
    pub(crate) fn get(&self, index: usize) -> Option<i32> {
        match self {
            Self::Narrow { values, gaps } => {
                values.get(index).map(|v| if *gaps && *v == i16::MIN { MISSING } else { i32::from(*v) })
            }
            Self::Wide(values) => values.get(index).copied(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i32> + '_ {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    fn missing(&self) -> usize {
        match self {
            Self::Narrow { gaps: false, .. } => 0,
            Self::Narrow { values, .. } => values.iter().filter(|v| **v == i16::MIN).count(),
            Self::Wide(values) => values.iter().filter(|v| **v == MISSING).count(),
        }
    }
}

impl Signal {
    /// A signal of values; NaN where one is missing.
    #[must_use]
    pub fn new(name: impl Into<String>, unit: impl Into<String>, rate: SampleRate, samples: Vec<f64>) -> Self {
        let samples = Samples::Physical(samples);
        Self { name: name.into(), unit: unit.into(), rate, samples, format: 0, checksum_agrees: None }
    }

    /// A signal of a converter's numbers, `None` where one is missing: `gain` of its steps are one unit, and `baseline`
    /// is its number at 0.
    ///
    /// # Examples
    /// ```
    /// let rate = eir_core::SampleRate::new(360.0)?;
    /// let ecg = eir_signal::Signal::from_digital("MLII", "mV", rate, &[Some(995), None], 200.0, 1024)?;
    /// assert_eq!(ecg.value(0), Some(-0.145));
    /// # Ok::<(), eir_signal::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) unless the gain is finite and not 0.
    pub fn from_digital(
        name: impl Into<String>,
        unit: impl Into<String>,
        rate: SampleRate,
        digital: &[Option<i32>],
        gain: f64,
        baseline: i32,
    ) -> Result<Self> {
        if !gain.is_finite() || gain == 0.0 {
            return Err(eir_core::error::Parameter::new("gain", gain, "finite and not 0").into());
        }
        let narrow: Option<Vec<i16>> = digital
            .iter()
            .map(|d| match d {
                Some(d) => i16::try_from(*d).ok().filter(|d| *d != i16::MIN),
                None => Some(i16::MIN),
            })
            .collect();
        let digits = match narrow {
            Some(values) => Digits::Narrow { values, gaps: true },
            None => Digits::Wide(digital.iter().map(|d| d.unwrap_or(MISSING)).collect()),
        };
        let samples = Samples::Digital { digits, scale: Scale::Gain { gain, baseline } };
        Ok(Self { samples, ..Self::new(name, unit, rate, Vec::new()) })
    }

    /// Name: "FHR", "MLII".
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Unit of [`samples`](Self::samples): "mV", "bpm"; "nd" or empty where it has none.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// Samples a second.
    #[must_use]
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Number of samples, missing ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.samples {
            Samples::Digital { digits, .. } => digits.len(),
            Samples::Physical(values) => values.len(),
        }
    }

    /// Whether it has no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sample `index` in the signal's unit, in full precision; NaN where it is missing, `None` beyond the end.
    #[must_use]
    pub fn value(&self, index: usize) -> Option<f64> {
        match &self.samples {
            Samples::Digital { digits, scale } => {
                digits.get(index).map(|d| if d == MISSING { f64::NAN } else { scale.value(d.into()) })
            }
            Samples::Physical(values) => values.get(index).copied(),
        }
    }

    /// The samples in the signal's unit; NaN where one is missing. Each is the value in full precision, rounded once.
    #[must_use]
    pub fn samples(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.len()];
        self.fill_f32(&mut out);
        out
    }

    /// The samples in full precision.
    #[must_use]
    pub fn samples_f64(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.len()];
        match &self.samples {
            Samples::Digital { digits, scale } => fill(digits, *scale, &mut out, f64::NAN, |v| v),
            Samples::Physical(values) => out.copy_from_slice(values),
        }
        out
    }

    /// As [`samples`](Self::samples), into a buffer of the caller's: allocates nothing.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) unless the buffer is as long as the signal.
    pub fn samples_into(&self, out: &mut [f32]) -> Result<()> {
        Mismatch::check("samples and buffer", self.len(), out.len())?;
        self.fill_f32(out);
        Ok(())
    }

    fn fill_f32(&self, out: &mut [f32]) {
        match &self.samples {
            Samples::Digital { digits: Digits::Narrow { values, gaps }, scale: Scale::Gain { gain, baseline } }
                if f64::from(*gain as f32) == *gain && baseline.abs() < 1 << 23 =>
            {
                // both sides of the quotient are exact in f32, where a quotient rounded once in f32 and one rounded in
                // f64 and again to f32 are the same (53 >= 2 * 24 + 2): twice as fast, the same bits
                let (gain, baseline) = (*gain as f32, *baseline as f32);
                dispatched(
                    #[inline(always)]
                    || narrow(values, *gaps, out, f32::NAN, |d| (f32::from(d) - baseline) / gain),
                );
            }
            Samples::Digital { digits, scale } => fill(digits, *scale, out, f32::NAN, |v| v as f32),
            Samples::Physical(values) => out.iter_mut().zip(values).for_each(|(to, v)| *to = *v as f32),
        }
    }

    /// The samples one after the other.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.len()).filter_map(|i| self.value(i))
    }

    /// The converter's numbers as stored, `None` where one is missing; nothing for a table.
    #[must_use]
    pub fn digital(&self) -> Option<Vec<Option<i32>>> {
        match &self.samples {
            Samples::Digital { digits, .. } => Some(digits.iter().map(|d| (d != MISSING).then_some(d)).collect()),
            Samples::Physical(_) => None,
        }
    }

    /// Converter steps per unit and the step at 0; nothing for a table, and for formats that scale in another way (EDF,
    /// aECG).
    #[must_use]
    pub fn calibration(&self) -> Option<(f64, i32)> {
        match &self.samples {
            Samples::Digital { scale: Scale::Gain { gain, baseline }, .. } => Some((*gain, *baseline)),
            _ => None,
        }
    }

    /// Number of the storage format in a WFDB file; 0 elsewhere.
    #[must_use]
    pub fn format(&self) -> u16 {
        self.format
    }

    /// Whether the samples add up to the header's checksum; `None` where there is none, and for a part of a signal. A
    /// `false` does not stop the reading: headers in the wild are often wrong, and the caller decides.
    #[must_use]
    pub fn checksum_agrees(&self) -> Option<bool> {
        self.checksum_agrees
    }

    /// How many samples are missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        match &self.samples {
            Samples::Digital { digits, .. } => digits.missing(),
            Samples::Physical(values) => values.iter().filter(|v| v.is_nan()).count(),
        }
    }

    /// Samples of this signal in a frame.
    pub(crate) fn per_frame(&self, frame_rate: SampleRate) -> usize {
        ((self.rate.hz() / frame_rate.hz()).round() as usize).max(1)
    }

    /// The same signal without its samples.
    pub(crate) fn outline(&self) -> Self {
        let samples = match &self.samples {
            Samples::Digital { scale, .. } => {
                Samples::Digital { digits: Digits::Narrow { values: Vec::new(), gaps: true }, scale: *scale }
            }
            Samples::Physical(_) => Samples::Physical(Vec::new()),
        };
        Self { samples, name: self.name.clone(), unit: self.unit.clone(), checksum_agrees: None, ..*self }
    }
}

/// Values of `digits`: the formula is chosen outside the loop, which is bound by division or by memory.
fn fill<T: Copy>(digits: &Digits, scale: Scale, out: &mut [T], nan: T, to: impl Fn(f64) -> T) {
    dispatched(
        #[inline(always)]
        || match scale {
            Scale::Gain { gain, baseline } => {
                let baseline = f64::from(baseline);
                each(digits, out, nan, |d| to((d - baseline) / gain));
            }
            Scale::Step { step, offset } => each(digits, out, nan, |d| to(step * (offset + d))),
            Scale::Origin { origin, step } => each(digits, out, nan, |d| to(origin + step * d)),
        },
    );
}

#[inline(always)]
fn each<T: Copy>(digits: &Digits, out: &mut [T], nan: T, value: impl Fn(f64) -> T) {
    match digits {
        Digits::Narrow { values, gaps } => narrow(values, *gaps, out, nan, |d| value(f64::from(d))),
        Digits::Wide(values) => {
            for (to, d) in out.iter_mut().zip(values) {
                *to = if *d == MISSING { nan } else { value(f64::from(*d)) };
            }
        }
    }
}

#[inline(always)]
fn narrow<T: Copy>(values: &[i16], gaps: bool, out: &mut [T], nan: T, value: impl Fn(i16) -> T) {
    if gaps {
        for (to, d) in out.iter_mut().zip(values) {
            let known = value(*d); // computed in any case: a choice of two values needs no branch
            *to = if *d == i16::MIN { nan } else { known };
        }
    } else {
        for (to, d) in out.iter_mut().zip(values) {
            *to = value(*d);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_samples_says_the_same() {
        let rate = SampleRate::new(10.0).unwrap();
        let scales = [
            Scale::Gain { gain: 249.0, baseline: -55 },
            Scale::Gain { gain: 12.08, baseline: 20_000_000 },
            Scale::Step { step: 0.1, offset: 3.3 },
            Scale::Origin { origin: 0.7, step: 2.5 },
        ];
        for scale in scales {
            for digits in [
                Digits::Narrow { values: (i16::MIN..=i16::MAX).collect(), gaps: true },
                Digits::Narrow { values: vec![i16::MIN, -1, 7], gaps: false },
                Digits::Wide(vec![MISSING, -8_388_608, 0, 8_388_607, i32::MAX]),
            ] {
                let samples = Samples::Digital { digits, scale };
                let signal = Signal { samples, ..Signal::new("s", "u", rate, Vec::new()) };
                let one: Vec<f64> = signal.iter().collect();
                let bits = |x: &[f64]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&one), bits(&signal.samples_f64()));
                let half: Vec<u32> = signal.samples().iter().map(|v| v.to_bits()).collect();
                assert_eq!(half, one.iter().map(|v| (*v as f32).to_bits()).collect::<Vec<_>>());
                assert_eq!(signal.missing(), one.iter().filter(|v| v.is_nan()).count());
            }
        }
    }

    #[test]
    fn numbers_are_kept_as_narrow_as_they_are() {
        let rate = SampleRate::new(10.0).unwrap();
        let signal = |d: &[Option<i32>]| Signal::from_digital("s", "u", rate, d, 2.0, 1).unwrap();
        assert_eq!(signal(&[Some(3), None]).digital().unwrap(), [Some(3), None]);
        assert_eq!(signal(&[Some(-32_768), None]).digital().unwrap(), [Some(-32_768), None]);
        assert!(Signal::from_digital("s", "u", rate, &[], f64::NAN, 0).is_err());
    }
}
