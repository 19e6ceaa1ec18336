//! Cardiotocography: fetal heart rate and contractions of the uterus, at 4 Hz.
//!
//! [`analyse`] does it all; its steps can be used alone:
//!
//! | step | function |
//! |---|---|
//! | artefacts and gaps | [`prepare`] |
//! | baseline | [`weighted_median`] (default), [`taylor`], [`maeda`]: they differ by several bpm, so every result names its method |
//! | accelerations, decelerations | [`events`](events()), [`crossing_events`], [`taylor_events`] |
//! | contractions | [`contractions`](contractions()) |
//! | short-term variation, bandwidth | [`variability`](variability()) |
//!
//! Heart rates here are `f64`: an hour has 14 400 of them, and the short-term variation is a difference of similar
//! numbers. **Not a medical device**; it gives no class (FIGO) yet.

mod contractions;
mod events;
mod filters;
mod maeda;
mod preparation;
mod taylor;
mod variability;
mod weighted_median;

pub use contractions::{Contraction, ContractionConfig, contractions, contractions_with};
pub use events::{Event, EventKind, Interval, crossing_events, events};
pub use maeda::maeda;
pub use preparation::{Prepared, RATE_HZ, is_measured, prepare};
pub use taylor::{taylor, taylor_events};
pub use variability::{Variability, variability};
pub use weighted_median::weighted_median;

use crate::{Record, Result};
use eir_core::error::{Mismatch, Unsupported};
use serde::{Deserialize, Serialize};

/// How the baseline is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BaselineMethod {
    /// [`weighted_median`]: stands repeated and long decelerations.
    #[default]
    WeightedMedian,
    /// [`taylor`].
    Taylor,
    /// [`maeda`].
    Maeda,
}

impl BaselineMethod {
    /// Its name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WeightedMedian => "weighted median (after Boudet 2019)",
            Self::Taylor => "Taylor 2000",
            Self::Maeda => "Maeda 2012",
        }
    }

    /// The baseline of a filled heart rate.
    ///
    /// # Errors
    /// As the method's function.
    pub fn baseline(self, filled_bpm: &[f64]) -> Result<Vec<f64>> {
        match self {
            Self::WeightedMedian => weighted_median(filled_bpm),
            Self::Taylor => taylor(filled_bpm),
            Self::Maeda => maeda(filled_bpm),
        }
    }
}

/// Settings of an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CtgConfig {
    /// How the baseline is found. Default [`BaselineMethod::WeightedMedian`].
    pub baseline: BaselineMethod,
    /// What counts as a contraction.
    pub contractions: ContractionConfig,
}

impl CtgConfig {
    /// Sets [`baseline`](Self::baseline).
    #[must_use]
    pub fn with_baseline(self, baseline: BaselineMethod) -> Self {
        Self { baseline, ..self }
    }
    /// Sets [`contractions`](Self::contractions).
    #[must_use]
    pub fn with_contractions(self, contractions: ContractionConfig) -> Self {
        Self { contractions, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`](eir_core::error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.contractions.validate()
    }

    /// As [`analyse`], with these settings.
    ///
    /// # Errors
    /// As [`analyse`].
    pub fn analyse(&self, fhr_bpm: &[f64], uc: Option<&[f64]>) -> Result<Ctg> {
        self.validate()?;
        if let Some(uc) = uc {
            Mismatch::check("heart rate and contractions", fhr_bpm.len(), uc.len())?;
        }
        let prepared = prepare(fhr_bpm)?;
        let baseline_bpm = self.baseline.baseline(&prepared.filled_bpm)?;
        let contractions =
            uc.filter(|uc| uc.iter().any(|v| v.is_finite())).map(|uc| contractions_with(uc, &self.contractions));
        let contractions = contractions.transpose()?;
        let events = events(&prepared.filled_bpm, &prepared.valid, &baseline_bpm, contractions.as_deref())?;
        let variability = variability(fhr_bpm);
        let uc = uc.map(<[f64]>::to_vec);
        Ok(Ctg { method: self.baseline, prepared, uc, baseline_bpm, events, contractions, variability })
    }
}

/// What stands in a cardiotocogram.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Ctg {
    /// How the baseline was found.
    pub method: BaselineMethod,
    /// The heart rate without artefacts, and its gaps.
    pub prepared: Prepared,
    /// The tocogram as given.
    pub uc: Option<Vec<f64>>,
    /// Baseline at every sample, in bpm.
    pub baseline_bpm: Vec<f64>,
    /// Accelerations and decelerations.
    pub events: Vec<Event>,
    /// Contractions; `None` where no tocogram was given.
    pub contractions: Option<Vec<Contraction>>,
    /// Variability.
    pub variability: Variability,
}

impl Ctg {
    /// Mean of the baseline over the samples that were measured, in bpm.
    #[must_use]
    pub fn mean_baseline_bpm(&self) -> f64 {
        let known = self.baseline_bpm.iter().zip(&self.prepared.valid).filter(|(_, ok)| **ok);
        let (sum, n) = known.fold((0.0, 0u32), |(s, n), (b, _)| (s + b, n + 1));
        sum / f64::from(n.max(1))
    }

    /// The accelerations.
    pub fn accelerations(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|e| !e.kind.is_deceleration())
    }

    /// The decelerations.
    pub fn decelerations(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(|e| e.kind.is_deceleration())
    }

    /// Length in seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.baseline_bpm.len() as f64 / RATE_HZ
    }
}

/// Analyses a heart rate (bpm at 4 Hz; 0 and NaN mean lost) and, where there is one, a tocogram of the same length
/// (NaN means missing).
///
/// **Use it** on a recording of at least 10 min, of which at least half is measured: [`Prepared::loss`] says. **Not**
/// as advice: the numbers describe the trace, and nothing else.
///
/// # Examples
/// ```
/// let mut fhr = vec![140.0; 7200];                        // half an hour
/// fhr[3000..3160].fill(115.0);                            // 40 s down by 25 bpm
/// fhr[5000..5060].fill(0.0);                              // 15 s lost
/// let found = eir_signal::ctg::analyse(&fhr, None)?;
/// assert_eq!((found.accelerations().count(), found.decelerations().count()), (0, 1));
/// assert!((found.mean_baseline_bpm() - 140.0).abs() < 0.5);
/// assert_eq!(found.prepared.gaps(), [(5000, 5060)]);
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) if nothing was measured or the trace is shorter than the filters need,
/// [`Mismatch`] if the two differ in length.
pub fn analyse(fhr_bpm: &[f64], uc: Option<&[f64]>) -> Result<Ctg> {
    CtgConfig::default().analyse(fhr_bpm, uc)
}

/// [`analyse`]s the signals `FHR` and `UC` of a record; in `UC` too 0 means lost, as in the CTU-UHB recordings.
///
/// # Errors
/// As [`analyse`]; [`Error::NotFound`](crate::Error::NotFound) without an `FHR`, [`Unsupported`] unless it has 4 Hz.
pub fn analyse_record(record: &Record) -> Result<Ctg> {
    let fhr = record.signal("FHR")?;
    if fhr.rate().hz() != RATE_HZ {
        return Err(
            Unsupported::new(format!("a heart rate at {} Hz", fhr.rate().hz()), "resample it to 4 Hz first").into()
        );
    }
    let uc = record.signal("UC").ok().filter(|uc| uc.rate() == fhr.rate()).map(crate::Signal::samples_f64);
    let uc = uc.map(|uc| uc.into_iter().map(|v| if v == 0.0 { f64::NAN } else { v }).collect::<Vec<f64>>());
    analyse(&fhr.samples_f64(), uc.as_deref())
}
