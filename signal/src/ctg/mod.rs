//! Cardiotocography: fetal heart rate and contractions of the uterus, at 4 Hz.
//!
//! [`analyse`] does it all; its steps can be used alone:
//!
//! | step | function |
//! |---|---|
//! | a trace of another rate to 4 Hz | [`fhr_at_4_hz`], [`uc_at_4_hz`] |
//! | artefacts and gaps, each repair listed | [`prepare`] |
//! | baseline | [`weighted_median`] (default), [`maeda`], [`taylor`], [`pardey`], [`wrobel`], [`lu_wei`], [`most_horizontal`]: they differ by several bpm, so every result names its method |
//! | stretches in which a baseline is not to be relied on | [`baseline_doubts`] |
//! | accelerations, decelerations and their kinds | [`events`](events()); to compare with other tools [`BaselineMethod::standard_events`] |
//! | contractions, tachysystole | [`contractions`](contractions()), [`contraction_rate`] |
//! | short-term variation, minute range, bandwidth, episodes | [`variability`](variability()), [`episodes`], [`irregularity`], [`bandwidth_segments`] |
//! | sinusoidal pattern | [`sinusoidal`](sinusoidal()) |
//! | class after FIGO 2015 with its reasons | [`figo2015`] |
//! | criteria of Dawes and Redman | [`DawesRedmanConfig::assess`] |
//! | live, minute by minute | [`CtgStream`] |
//!
//! Heart rates here are `f64`: an hour has 14 400 of them, and the short-term variation is a difference of similar
//! numbers. **Not a medical device.**

mod contractions;
mod dawes_redman;
mod doubt;
mod events;
mod figo;
mod filters;
mod horizontal;
mod lu_wei;
mod maeda;
mod pardey;
mod preparation;
mod rate;
mod sinusoidal;
mod stream;
mod taylor;
mod variability;
mod weighted_median;
mod wrobel;

pub use contractions::{
    Contraction, ContractionConfig, ContractionRate, contraction_rate, contractions, contractions_with,
    is_tocogram_usable,
};
pub use dawes_redman::{Criterion, DawesRedman, DawesRedmanConfig, Outcome};
pub use doubt::{BaselineDoubt, baseline_doubts};
pub use events::{Event, EventKind, Interval, crossing_events, events};
pub use figo::{Figo, FigoClass, FigoCode, FigoInput, FigoReason, figo2015};
pub use horizontal::most_horizontal;
pub use lu_wei::{LuWeiConfig, lu_wei};
pub use maeda::maeda;
pub use pardey::{PardeyConfig, pardey};
pub use preparation::{PreparationConfig, Prepared, RATE_HZ, Repair, RepairKind, is_measured, prepare};
pub use rate::{fhr_at_4_hz, uc_at_4_hz};
pub use sinusoidal::{Sinusoidal, sinusoidal};
pub use stream::{CtgStream, CtgStreamConfig};
pub use taylor::{taylor, taylor_events};
pub use variability::{
    Bandwidth, BandwidthSegment, Episode, EpisodeKind, Irregularity, Variability, bandwidth_segments, episodes,
    irregularity, variability, variability_outside,
};
pub use weighted_median::{WeightedMedianConfig, weighted_median, weighted_median_events};
pub use wrobel::{WrobelConfig, wrobel};

use crate::{Record, Result};
use eir_core::error::Mismatch;
use serde::{Deserialize, Serialize};

/// How the baseline is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BaselineMethod {
    /// [`weighted_median`]: stands repeated and long decelerations.
    #[default]
    WeightedMedian,
    /// [`taylor`].
    Taylor,
    /// [`maeda`].
    Maeda,
    /// [`pardey`].
    Pardey,
    /// [`wrobel`].
    Wrobel,
    /// [`lu_wei`].
    LuWei,
    /// [`most_horizontal`].
    MostHorizontal,
}

impl BaselineMethod {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::WeightedMedian,
        Self::Taylor,
        Self::Maeda,
        Self::Pardey,
        Self::Wrobel,
        Self::LuWei,
        Self::MostHorizontal,
    ];

    /// Its name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WeightedMedian => "weighted median (after Boudet 2019)",
            Self::Taylor => "Taylor 2000",
            Self::Maeda => "Maeda 2012",
            Self::Pardey => "Pardey 2002",
            Self::Wrobel => "Wróbel 2013",
            Self::LuWei => "Lu and Wei 2012",
            Self::MostHorizontal => "most horizontal segments (FIGO 2015)",
        }
    }

    /// The baseline of a filled heart rate.
    ///
    /// # Errors
    /// As the method's function.
    pub fn baseline(self, filled_bpm: &[f64]) -> Result<Vec<f64>> {
        eir_core::error::NotFinite::check_f64("sample", filled_bpm)?;
        match self {
            Self::WeightedMedian => weighted_median(filled_bpm),
            Self::Taylor => taylor(filled_bpm),
            Self::Maeda => maeda(filled_bpm),
            Self::Pardey => pardey(filled_bpm),
            Self::Wrobel => wrobel(filled_bpm),
            Self::LuWei => lu_wei(filled_bpm),
            Self::MostHorizontal => most_horizontal(filled_bpm),
        }
    }

    /// Accelerations (`sign` 1) or decelerations (`sign` −1) by the rule that belongs to the method in the FHRMA
    /// toolbox: [`weighted_median_events`], [`taylor_events`], else [`crossing_events`].
    ///
    /// # Errors
    /// As those.
    pub fn standard_events(self, filled_bpm: &[f64], baseline_bpm: &[f64], sign: f64) -> Result<Vec<Interval>> {
        match self {
            Self::WeightedMedian => weighted_median_events(filled_bpm, baseline_bpm, sign),
            Self::Taylor => taylor_events(filled_bpm, baseline_bpm, sign),
            _ => crossing_events(filled_bpm, baseline_bpm, sign),
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
    /// What counts as measured.
    pub preparation: PreparationConfig,
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

    /// Sets [`preparation`](Self::preparation).
    #[must_use]
    pub fn with_preparation(self, preparation: PreparationConfig) -> Self {
        Self { preparation, ..self }
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
        let prepared = self.preparation.prepare(fhr_bpm)?;
        let baseline_bpm = self.baseline.baseline(&prepared.filled_bpm)?;
        self.judge(fhr_bpm, uc, prepared, baseline_bpm)
    }

    /// What follows from a prepared heart rate and a baseline: contractions, events, variability and the class.
    fn judge(&self, fhr_bpm: &[f64], uc: Option<&[f64]>, prepared: Prepared, baseline_bpm: Vec<f64>) -> Result<Ctg> {
        let usable = uc.filter(|uc| is_tocogram_usable(uc));
        let contractions = usable.map(|uc| contractions_with(uc, &self.contractions)).transpose()?;
        let events = events(&prepared.filled_bpm, &prepared.valid, &baseline_bpm, contractions.as_deref())?;
        let variability = variability(fhr_bpm);
        let sinusoidal = sinusoidal(&prepared);
        let rate = contractions.as_deref().and_then(|c| contraction_rate(c, fhr_bpm.len()));
        let baseline_doubts = baseline_doubts(&prepared, &baseline_bpm)?;
        let figo = figo2015(&FigoInput {
            prepared: &prepared,
            baseline_bpm: &baseline_bpm,
            events: &events,
            contractions: contractions.as_deref(),
            sinusoidal: &sinusoidal,
            tachysystole: rate.as_ref().filter(|r| r.tachysystole).map(|r| (r.highest_per_10min, r.highest_at)),
        })
        .doubting(&baseline_doubts);
        let uc = uc.map(<[f64]>::to_vec);
        let method = self.baseline;
        Ok(Ctg {
            method,
            prepared,
            uc,
            baseline_bpm,
            baseline_doubts,
            events,
            contractions,
            rate,
            variability,
            sinusoidal,
            figo,
        })
    }

    /// As [`analyse`], with a baseline of the caller's (a clinician's, another tool's). The result names the method of
    /// these settings all the same.
    ///
    /// # Errors
    /// As [`analyse`]; [`Mismatch`] if the baseline has another length,
    /// [`NotFinite`](eir_core::error::NotFinite) if it has a gap.
    pub fn analyse_with_baseline(&self, fhr_bpm: &[f64], uc: Option<&[f64]>, baseline_bpm: &[f64]) -> Result<Ctg> {
        self.validate()?;
        Mismatch::check("heart rate and baseline", fhr_bpm.len(), baseline_bpm.len())?;
        eir_core::error::NotFinite::check_f64("baseline", baseline_bpm)?;
        if let Some(uc) = uc {
            Mismatch::check("heart rate and contractions", fhr_bpm.len(), uc.len())?;
        }
        self.judge(fhr_bpm, uc, self.preparation.prepare(fhr_bpm)?, baseline_bpm.to_vec())
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
    /// Where the baseline is not to be relied on: events measured from it are not, either.
    pub baseline_doubts: Vec<BaselineDoubt>,
    /// Accelerations and decelerations.
    pub events: Vec<Event>,
    /// Contractions; `None` where no tocogram was given, or one that tells nothing.
    pub contractions: Option<Vec<Contraction>>,
    /// How often the uterus contracts; `None` as above, or below 10 min.
    pub rate: Option<ContractionRate>,
    /// Variability.
    pub variability: Variability,
    /// Sinusoidal stretches.
    pub sinusoidal: Vec<Sinusoidal>,
    /// The class with its reasons.
    pub figo: Figo,
}

impl Ctg {
    /// Mean of the baseline over the samples that were measured, in bpm.
    #[must_use]
    pub fn mean_baseline_bpm(&self) -> f64 {
        let known = self.baseline_bpm.iter().zip(&self.prepared.valid).filter(|(_, ok)| **ok);
        let (sum, n) = known.fold((0.0, 0u32), |(s, n), (b, _)| (s + b, n + 1));
        sum / f64::from(n.max(1))
    }

    /// How long the baseline is not to be relied on, in seconds.
    #[must_use]
    pub fn doubtful_s(&self) -> f64 {
        self.baseline_doubts.iter().map(|d| d.interval.duration_s()).sum()
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
/// assert_eq!(found.figo.class, eir_signal::ctg::FigoClass::NotAssessable); // a deceleration, and no contractions given
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`TooShort`](eir_core::error::TooShort) if nothing was measured or the trace is shorter than the filters need,
/// [`Mismatch`] if the two differ in length.
pub fn analyse(fhr_bpm: &[f64], uc: Option<&[f64]>) -> Result<Ctg> {
    CtgConfig::default().analyse(fhr_bpm, uc)
}

/// [`analyse`]s the signals `FHR` and `UC` of a record, of any rate of 1–50 Hz ([`fhr_at_4_hz`]); in `UC` too 0 means
/// lost, as in the CTU-UHB recordings.
///
/// # Errors
/// As [`analyse`] and [`fhr_at_4_hz`]; [`Error::NotFound`](crate::Error::NotFound) without an `FHR`.
pub fn analyse_record(record: &Record) -> Result<Ctg> {
    let signal = record.signal("FHR")?;
    let fhr = fhr_at_4_hz(&signal.samples_f64(), signal.rate())?;
    let uc = record.signal("UC").ok().map(|uc| {
        let known: Vec<f64> = uc.samples_f64().into_iter().map(|v| if v == 0.0 { f64::NAN } else { v }).collect();
        uc_at_4_hz(&known, uc.rate())
    });
    let mut uc = uc.transpose()?;
    if let Some(uc) = &mut uc {
        uc.resize(fhr.len(), f64::NAN);
    }
    analyse(&fhr, uc.as_deref())
}
