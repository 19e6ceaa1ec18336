//! Detectors by their names.

use super::{
    christov, elgendi, engzee, gamboa, gqrs, gradient_peaks, hamilton, kalidas, khamis, manikandan, martinez, nabian,
    pan_tompkins, r_peaks, refine_r_peaks, rodrigues, xqrs, zong,
};
use crate::{Error, Result};
use eir_core::SampleRate;
use serde::{Deserialize, Serialize};

/// A QRS detector of the literature, as NeuroKit2 (two: wfdb) computes it, or this crate's own.
///
/// **Use it** to compare detectors on the same recording. **Not** to choose one by its fame:
/// compare them on your own records.
///
/// # Examples
/// ```
/// use eir_signal::ecg::QrsMethod;
/// let ecg: Vec<f32> = (0..5000).map(|i| ((-((f32::from(i as i16 % 250) - 125.0) / 5.0).powi(2)).exp())).collect();
/// let rate = eir_core::SampleRate::new(250.0)?;
/// let late = QrsMethod::PanTompkins.detect(&ecg, rate)?; // the method's own index
/// let peaks = QrsMethod::PanTompkins.r_peaks(&ecg, rate)?; // the R-peak
/// assert!(late[5] > peaks[5] && peaks[5] % 250 == 125);
/// assert_eq!(QrsMethod::from_name("pantompkins1985"), Some(QrsMethod::PanTompkins));
/// # Ok::<(), eir_signal::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum QrsMethod {
    /// [`r_peaks`](super::r_peaks()), the default of this crate.
    #[default]
    Eir,
    /// [`gradient_peaks`], NeuroKit's default.
    NeuroKit,
    /// [`pan_tompkins`](super::pan_tompkins()).
    PanTompkins,
    /// [`hamilton`](super::hamilton()).
    Hamilton,
    /// [`elgendi`](super::elgendi()).
    Elgendi,
    /// [`kalidas`](super::kalidas()).
    Kalidas,
    /// [`manikandan`](super::manikandan()).
    Manikandan,
    /// [`khamis`](super::khamis()).
    Khamis,
    /// [`martinez`](super::martinez()).
    Martinez,
    /// [`rodrigues`](super::rodrigues()).
    Rodrigues,
    /// [`engzee`](super::engzee()).
    EngZee,
    /// [`zong`](super::zong()).
    Zong,
    /// [`christov`](super::christov()).
    Christov,
    /// [`nabian`](super::nabian()).
    Nabian,
    /// [`gamboa`](super::gamboa()).
    Gamboa,
    /// [`xqrs`](super::xqrs()).
    Xqrs,
    /// [`gqrs`](super::gqrs()).
    Gqrs,
}

impl QrsMethod {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Eir,
        Self::NeuroKit,
        Self::PanTompkins,
        Self::Hamilton,
        Self::Elgendi,
        Self::Kalidas,
        Self::Manikandan,
        Self::Khamis,
        Self::Martinez,
        Self::Rodrigues,
        Self::EngZee,
        Self::Zong,
        Self::Christov,
        Self::Nabian,
        Self::Gamboa,
        Self::Xqrs,
        Self::Gqrs,
    ];

    /// Its name as NeuroKit2 writes it, or "wfdb.xqrs" and "wfdb.gqrs".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eir => "eir",
            Self::NeuroKit => "neurokit",
            Self::PanTompkins => "pantompkins1985",
            Self::Hamilton => "hamilton2002",
            Self::Elgendi => "elgendi2010",
            Self::Kalidas => "kalidas2017",
            Self::Manikandan => "manikandan2012",
            Self::Khamis => "khamis2016",
            Self::Martinez => "martinez2004",
            Self::Rodrigues => "rodrigues2021",
            Self::EngZee => "engzeemod2012",
            Self::Zong => "zong2003",
            Self::Christov => "christov2004",
            Self::Nabian => "nabian2018",
            Self::Gamboa => "gamboa2008",
            Self::Xqrs => "wfdb.xqrs",
            Self::Gqrs => "wfdb.gqrs",
        }
    }

    /// The method of this [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name)
    }

    /// The samples that the method itself gives, rising: for some the R-peak, for others up to 75 ms behind it.
    ///
    /// A missing sample (NaN) cuts the recording: both sides are searched alone, pieces shorter than the method needs
    /// not at all.
    ///
    /// # Errors
    /// As the method's function; [`NotFinite`](eir_core::error::NotFinite) for an infinite sample.
    pub fn detect(self, ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
        let detector = match self {
            Self::Eir => return r_peaks(ecg, rate),
            Self::NeuroKit => gradient_peaks,
            Self::PanTompkins => pan_tompkins,
            Self::Hamilton => hamilton,
            Self::Elgendi => elgendi,
            Self::Kalidas => kalidas,
            Self::Manikandan => manikandan,
            Self::Khamis => khamis,
            Self::Martinez => martinez,
            Self::Rodrigues => rodrigues,
            Self::EngZee => engzee,
            Self::Zong => zong,
            Self::Christov => christov,
            Self::Nabian => nabian,
            Self::Gamboa => gamboa,
            Self::Xqrs => xqrs,
            Self::Gqrs => gqrs,
        };
        let mut found = Vec::new();
        let mut too_short = None;
        let mut start = 0;
        for piece in ecg.split(|v| v.is_nan()) {
            if !piece.is_empty() {
                match detector(piece, rate) {
                    Ok(peaks) => found.extend(peaks.into_iter().map(|p| start + p)),
                    Err(Error::TooShort(error)) if piece.len() < ecg.len() => too_short = Some(error),
                    Err(error) => return Err(error),
                }
            }
            start += piece.len() + 1;
        }
        match too_short {
            Some(error) if found.is_empty() => Err(error.into()),
            _ if ecg.iter().all(|v| v.is_nan()) => Err(eir_core::error::TooShort::new("samples", 0, 1).into()),
            _ => Ok(found),
        }
    }

    /// The R-peaks that belong to what the method finds: each [moved](refine_r_peaks) to the largest deflection.
    ///
    /// # Errors
    /// As [`detect`](Self::detect).
    pub fn r_peaks(self, ecg: &[f32], rate: SampleRate) -> Result<Vec<usize>> {
        let found = self.detect(ecg, rate)?;
        let (before_s, after_s) = match self {
            Self::Eir => return Ok(found),
            Self::PanTompkins | Self::Hamilton => (0.13, 0.04),
            Self::Elgendi => (0.14, 0.02),
            Self::Kalidas => (0.11, 0.05),
            Self::Gqrs => (0.03, 0.11),
            _ => (0.08, 0.08),
        };
        refine_r_peaks(ecg, rate, &found, before_s, after_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_and_gaps_cut() {
        let rate = SampleRate::new(250.0).unwrap();
        let mut ecg: Vec<f32> =
            (0..10_000).map(|i| (-((f32::from((i % 250) as i16) - 125.0) / 5.0).powi(2)).exp()).collect();
        ecg[4000..4600].fill(f32::NAN);
        for method in QrsMethod::ALL {
            assert_eq!(QrsMethod::from_name(method.name()), Some(method));
            let peaks = method.r_peaks(&ecg, rate).unwrap();
            assert!(peaks.iter().any(|p| *p < 4000) && peaks.iter().any(|p| *p > 4600), "{}", method.name());
            assert!(!peaks.iter().any(|p| (4000..4600).contains(p)), "{}", method.name());
            assert!(method.detect(&[f32::NAN; 5000], rate).is_err(), "{}", method.name());
            assert!(method.detect(&[0.0; 3], rate).is_err(), "{}", method.name());
        }
    }
}
