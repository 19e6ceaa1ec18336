//! Mel-frequency cepstral coefficients.

use crate::{FrameTable, MelConfig, MelFilterBank, MelScale, Result, Stft, StftConfig};
use eir_core::SampleRate;
use eir_core::error::{Mismatch, NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// 13 coefficients every 10 ms with the defaults of [`MfccConfig`].
///
/// # Errors
/// As [`Mfcc::transform`].
pub fn mfcc(samples: &[f32], rate: SampleRate) -> Result<FrameTable> {
    MfccConfig::for_rate(rate).build(rate)?.transform(samples)
}

/// Settings of [`Mfcc`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MfccConfig {
    /// Coefficients per frame, 1 to the number of bands. Default 13.
    pub coefficients: usize,
    /// Frames and window.
    pub stft: StftConfig,
    /// Bands. Default 40 on Slaney's scale.
    pub mel: MelConfig,
    /// The lowest level, in dB below the recording's highest: quieter bands are raised to it. Default 80 (librosa);
    /// `None` leaves them (a live signal has no highest level yet).
    pub range_db: Option<f32>,
    /// Whether the cosine transform is orthonormal (default) or the plain sum times 2.
    pub orthonormal: bool,
    /// Length of the sine lifter that raises higher coefficients; 0, the default, leaves them. HTK uses 22.
    pub lifter: usize,
}

impl Default for MfccConfig {
    fn default() -> Self {
        Self {
            coefficients: 13,
            stft: StftConfig::default(),
            mel: MelConfig::default(),
            range_db: Some(80.0),
            orthonormal: true,
            lifter: 0,
        }
    }
}

impl MfccConfig {
    /// The defaults with frames of 32 ms every 10 ms at `rate`: what librosa computes.
    #[must_use]
    pub fn for_rate(rate: SampleRate) -> Self {
        Self { stft: StftConfig::for_rate(rate), ..Self::default() }
    }
    /// 26 bands on HTK's mel scale and lifter 22, otherwise as librosa's `htk=True`.
    #[must_use]
    pub fn htk(rate: SampleRate) -> Self {
        Self::for_rate(rate).with_mel(MelConfig::default().with_bands(26).with_scale(MelScale::Htk)).with_lifter(22)
    }
    /// Sets [`coefficients`](Self::coefficients).
    #[must_use]
    pub fn with_coefficients(self, coefficients: usize) -> Self {
        Self { coefficients, ..self }
    }
    /// Sets [`stft`](Self::stft).
    #[must_use]
    pub fn with_stft(self, stft: StftConfig) -> Self {
        Self { stft, ..self }
    }
    /// Sets [`mel`](Self::mel).
    #[must_use]
    pub fn with_mel(self, mel: MelConfig) -> Self {
        Self { mel, ..self }
    }
    /// Sets [`range_db`](Self::range_db).
    #[must_use]
    pub fn with_range_db(self, range_db: Option<f32>) -> Self {
        Self { range_db, ..self }
    }
    /// Sets [`orthonormal`](Self::orthonormal).
    #[must_use]
    pub fn with_orthonormal(self, orthonormal: bool) -> Self {
        Self { orthonormal, ..self }
    }
    /// Sets [`lifter`](Self::lifter).
    #[must_use]
    pub fn with_lifter(self, lifter: usize) -> Self {
        Self { lifter, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.stft.validate()?;
        self.mel.validate()?;
        if self.coefficients == 0 || self.coefficients > self.mel.bands {
            return Err(Parameter::new("coefficients", self.coefficients as f64, "1 to the number of bands").into());
        }
        match self.range_db {
            Some(db) if !(db.is_finite() && db > 0.0) => {
                Err(Parameter::new("range_db", f64::from(db), "a range above 0 dB").into())
            }
            _ => Ok(()),
        }
    }

    /// Plans the transforms for recordings at `rate`.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and if the band edges do not fit the rate.
    pub fn build(self, rate: SampleRate) -> Result<Mfcc> {
        self.validate()?;
        let bank = self.mel.build(self.stft.length, rate)?;
        let stft = self.stft.clone().build()?;
        let lift = |k: usize| match self.lifter {
            0 => 1.0,
            l => 1.0 + l as f64 / 2.0 * (std::f64::consts::PI * (k + 1) as f64 / l as f64).sin(),
        };
        let cosines = cosine_transform(self.coefficients, self.mel.bands, self.orthonormal, lift);
        Ok(Mfcc {
            power: vec![0.0; stft.bins()],
            bands: FrameTable { width: bank.bands(), ..FrameTable::default() },
            stft,
            bank,
            cosines,
            config: self,
            rate,
        })
    }
}

/// The type-II cosine transform of `bands` values to `coefficients`, each times `lift`, row after row.
pub(crate) fn cosine_transform(
    coefficients: usize,
    bands: usize,
    orthonormal: bool,
    lift: impl Fn(usize) -> f64,
) -> Vec<f32> {
    let n = bands as f64;
    let weight = |k: usize, b: usize| {
        let scale = match (orthonormal, k) {
            (false, _) => 2.0,
            (true, 0) => (1.0 / n).sqrt(),
            (true, _) => (2.0 / n).sqrt(),
        };
        (scale * lift(k) * (std::f64::consts::PI * k as f64 * (b as f64 + 0.5) / n).cos()) as f32
    };
    (0..coefficients).flat_map(|k| (0..bands).map(move |b| (k, b))).map(|(k, b)| weight(k, b)).collect()
}

/// Mel-frequency cepstral coefficients: the envelope of the spectrum in a few uncorrelated numbers.
///
/// **Use them** as features for classification of short sounds. **Not** for comparing voices recorded through different
/// microphones: the recording channel shifts every coefficient; nor for pitch, which they leave out on purpose.
///
/// # Formula
/// c_k = l_k s_k Σ_b L_b cos(πk(b + ½)/B), L_b = 10 log10 max(m_b, 1e-10), raised to at least max L − `range_db`; m_b are the
/// bands of [`MelFilterBank`], s_k the orthonormal scale, l_k = 1 + (l/2) sin(π(k + 1)/l) the lifter.
///
/// # Examples
/// ```
/// use eir_audio::{MfccConfig, SampleRate, mfcc};
/// let rate = SampleRate::new(16_000.0)?;
/// let tone: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.3).sin()).collect();
/// let coefficients = mfcc(&tone, rate)?;                                          // level 1
/// assert_eq!((coefficients.len(), coefficients.width), (101, 13));
/// assert!((coefficients.row(50)[0] - -294.257).abs() < 0.01); // librosa 0.11.0
/// let mut htk = MfccConfig::htk(rate).build(rate)?;                               // level 2: planned once
/// assert_eq!(htk.transform(&tone)?.len(), 101);
/// # Ok::<(), eir_audio::Error>(())
/// ```
///
/// # Errors
/// See [`transform`](Self::transform).
///
/// # Validation
/// Equals librosa 0.11.0 `feature.mfcc` within 1e-4 of the largest coefficient on the reference records at 8, 16 and
/// 22.05 kHz, both presets.
///
/// # References
/// Davis, Mermelstein 1980, doi:10.1109/TASSP.1980.1163420.
#[derive(Debug, Clone)]
pub struct Mfcc {
    config: MfccConfig,
    rate: SampleRate,
    stft: Stft,
    bank: MelFilterBank,
    cosines: Vec<f32>,
    power: Vec<f32>,
    bands: FrameTable,
}

impl Mfcc {
    /// The settings.
    #[must_use]
    pub fn config(&self) -> &MfccConfig {
        &self.config
    }

    /// The coefficients of each frame.
    ///
    /// # Errors
    /// [`Error::TooShort`](crate::Error::TooShort) where there is no whole frame,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a sample is not a number, or so large that its square is none.
    pub fn transform(&mut self, samples: &[f32]) -> Result<FrameTable> {
        let mut table = FrameTable::default();
        self.transform_into(samples, &mut table)?;
        Ok(table)
    }

    /// As [`transform`](Self::transform), into a table of the caller's: allocates nothing once the buffers have grown
    /// to the longest recording.
    ///
    /// # Errors
    /// As `transform`.
    pub fn transform_into(&mut self, samples: &[f32], table: &mut FrameTable) -> Result<()> {
        let mut bands = std::mem::take(&mut self.bands);
        let outcome = self.mel_into(samples, &mut bands);
        if outcome.is_ok() {
            self.cepstrum_into(&mut bands, table);
        }
        self.bands = bands;
        outcome
    }

    /// The mel bands of each frame, before the logarithm.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn mel(&mut self, samples: &[f32]) -> Result<FrameTable> {
        let mut bands = FrameTable::default();
        self.mel_into(samples, &mut bands)?;
        Ok(bands)
    }

    fn mel_into(&mut self, samples: &[f32], bands: &mut FrameTable) -> Result<()> {
        let (frames, width) = (self.stft.check(samples)?, self.bank.bands());
        self.stft.stamp(self.rate, bands);
        bands.width = width;
        bands.values.resize(frames * width, 0.0);
        for (index, row) in bands.values.chunks_exact_mut(width).enumerate() {
            self.stft.power_frame_into(samples, index, &mut self.power)?;
            self.bank.apply_into(&self.power, row)?;
        }
        // samples so large that their squares overflow
        NotFinite::check_f32("mel band", &bands.values)?;
        Ok(())
    }

    fn cepstrum_into(&self, bands: &mut FrameTable, table: &mut FrameTable) {
        let mut highest = f32::NEG_INFINITY;
        for band in &mut bands.values {
            *band = 10.0 * band.max(1e-10).log10();
            highest = highest.max(*band);
        }
        if let Some(range) = self.config.range_db {
            bands.values.iter_mut().for_each(|band| *band = band.max(highest - range));
        }
        (table.t1_s, table.step_s, table.width) = (bands.t1_s, bands.step_s, self.config.coefficients);
        table.values.resize(bands.len() * table.width, 0.0);
        for (out, row) in table.values.chunks_exact_mut(table.width).zip(bands.values.chunks_exact(bands.width)) {
            apply(&self.cosines, row, out);
        }
    }

    /// The coefficients of one spectrum alone, for a live signal: `power` as from [`Stft::power_frame_into`], `out` of
    /// as many values as there are coefficients. `range_db` does not apply: one frame has no highest level. Allocates
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if a length is wrong,
    /// [`Error::NotFinite`](crate::Error::NotFinite) if a power is not a number.
    pub fn frame_into(&mut self, power: &[f32], out: &mut [f32]) -> Result<()> {
        Mismatch::check("row for the coefficients", self.config.coefficients, out.len())?;
        self.bands.values.resize(self.bank.bands(), 0.0);
        self.bank.apply_into(power, &mut self.bands.values)?;
        NotFinite::check_f32("mel band", &self.bands.values)?;
        self.bands.values.iter_mut().for_each(|band| *band = 10.0 * band.max(1e-10).log10());
        apply(&self.cosines, &self.bands.values, out);
        Ok(())
    }
}

/// `out` = `matrix` · `row`.
pub(crate) fn apply(matrix: &[f32], row: &[f32], out: &mut [f32]) {
    for (out, weights) in out.iter_mut().zip(matrix.chunks_exact(row.len().max(1))) {
        // eight sums at a time: the compiler makes vector instructions of them
        let mut sums = [0.0f32; 8];
        let (weights, weights_rest) = weights.as_chunks::<8>();
        let (values, values_rest) = row.as_chunks::<8>();
        for (w, v) in weights.iter().zip(values) {
            sums.iter_mut().zip(w.iter().zip(v)).for_each(|(sum, (w, v))| *sum += w * v);
        }
        let rest: f32 = weights_rest.iter().zip(values_rest).map(|(w, v)| w * v).sum();
        *out = sums.iter().sum::<f32>() + rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_frame_equals_the_whole_recording() {
        let rate = SampleRate::new(16_000.0).unwrap();
        let x: Vec<f32> = (0..4000).map(|i| (i as f32 * 0.37).sin() + (i as f32 * 0.011).cos()).collect();
        let config = MfccConfig::for_rate(rate).with_range_db(None);
        let mut mfcc = config.build(rate).unwrap();
        let whole = mfcc.transform(&x).unwrap();
        let (mut power, mut row) = (vec![0.0; 257], vec![0.0; 13]);
        StftConfig::for_rate(rate).build().unwrap().power_frame_into(&x, 7, &mut power).unwrap();
        mfcc.frame_into(&power, &mut row).unwrap();
        assert_eq!(row, whole.row(7));
        assert_eq!(mfcc.transform(&x).unwrap(), whole); // and leaves the plan usable
    }

    #[test]
    fn says_what_is_wrong() {
        let rate = SampleRate::new(16_000.0).unwrap();
        assert!(MfccConfig::for_rate(rate).with_coefficients(41).build(rate).is_err());
        assert!(MfccConfig::for_rate(rate).with_range_db(Some(-1.0)).build(rate).is_err());
        assert!(mfcc(&[], rate).is_err());
    }
}
