//! The criteria of Dawes and Redman for a record without labour.

use super::Ctg;
use super::events::EventKind;
use super::variability::{Episode, EpisodeKind, episodes, variability_outside};
use crate::Result;
use eir_core::error::Parameter;
use serde::{Deserialize, Serialize};

/// Whether a criterion is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Outcome {
    /// It is.
    Met,
    /// It is not.
    NotMet,
    /// It cannot be told from what was given.
    NotAssessable,
}

/// One criterion and the number it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Criterion {
    /// 1 to 8, in the order of the manual.
    pub number: u8,
    /// Whether it is met.
    pub outcome: Outcome,
    /// The number that was compared, where there is one.
    pub value: Option<f64>,
    /// What was asked, with the unit of the number.
    pub text: &'static str,
}

/// Settings of [`assess`](Self::assess): what the trace does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct DawesRedmanConfig {
    /// First centile of the minute range in high episodes for this gestation, in ms, above 0. The vendor's table is not
    /// public: without it criterion 1 is not assessable. Default none.
    pub first_centile_ms: Option<f64>,
    /// Tenth centile of the same, in ms, above 0. Default none.
    pub tenth_centile_ms: Option<f64>,
    /// Fetal movements that were counted. Default none.
    pub movements: Option<u32>,
}

impl DawesRedmanConfig {
    /// Sets both centiles of the minute range.
    #[must_use]
    pub fn with_centiles_ms(self, first: f64, tenth: f64) -> Self {
        Self { first_centile_ms: Some(first), tenth_centile_ms: Some(tenth), ..self }
    }
    /// Sets [`movements`](Self::movements).
    #[must_use]
    pub fn with_movements(self, movements: u32) -> Self {
        Self { movements: Some(movements), ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Parameter`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [("first_centile_ms", self.first_centile_ms), ("tenth_centile_ms", self.tenth_centile_ms)]
        {
            if let Some(v) = value.filter(|v| !(v.is_finite() && *v > 0.0)) {
                return Err(Parameter::new(name, v, "above 0 ms").into());
            }
        }
        Ok(())
    }

    /// The criteria on an analysed record (`fhr_bpm` is what it was made from), each met, not met or not assessable.
    ///
    /// **Use it** from 26 weeks on, before labour, on 10 to 60 min. **Not** in labour, and not to compare with a device
    /// whose baseline, movements and centiles are its own.
    ///
    /// # Formula
    /// 1: an episode of high variation above the first centile. 2: no deceleration of more than 20 lost beats (100 if
    /// the record is longer than 30 min). 3: mean baseline of 116–160 bpm. 4: at least one movement or three
    /// accelerations. 5: no sinusoidal rhythm. 6: short-term variation of at least 3 ms, without decelerations. 7: an
    /// acceleration, or high episodes above the tenth centile and more than 20 movements. 8: no deceleration and no gap
    /// at the end (last minute). Below 10 min, or with half of the samples lost, none is assessable.
    ///
    /// # Examples
    /// ```
    /// use eir_signal::ctg;
    /// let fhr: Vec<f64> = (0..7200).map(|i| 140.0 + 6.0 * (f64::from(i) / 37.0).sin()).collect();
    /// let found = ctg::DawesRedmanConfig::default().with_movements(4).assess(&ctg::analyse(&fhr, None)?, &fhr)?;
    /// assert_eq!(found.criterion(3).map(|c| c.outcome), Some(ctg::Outcome::Met));
    /// assert_eq!(found.criterion(1).map(|c| c.outcome), Some(ctg::Outcome::NotAssessable));
    /// assert_eq!(found.met, None); // without the vendor's centiles
    /// # Ok::<(), eir_signal::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`Mismatch`](eir_core::error::Mismatch) unless both are equally long.
    ///
    /// # References
    /// Pardey et al. 2002, doi:10.1067/mob.2002.122447; the order of the criteria is that of the Sonicaid manual.
    pub fn assess(&self, found: &Ctg, fhr_bpm: &[f64]) -> Result<DawesRedman> {
        self.validate()?;
        eir_core::error::Mismatch::check("heart rate and analysis", found.baseline_bpm.len(), fhr_bpm.len())?;
        let falls: Vec<_> = found.decelerations().collect();
        let variation = variability_outside(fhr_bpm, falls.iter().map(|e| e.interval));
        let episodes = episodes(&variation);
        let high: Vec<&Episode> = episodes.iter().filter(|e| e.kind == EpisodeKind::High).collect();
        let widest = high.iter().map(|e| e.minute_range_ms).max_by(f64::total_cmp);
        let minutes = found.duration_s() / 60.0;
        let n = fhr_bpm.len();
        let assessable = minutes >= 10.0 && found.prepared.is_judgeable(0, n);
        let is = |met: bool| if met { Outcome::Met } else { Outcome::NotMet };
        let above = |centile: Option<f64>| match (centile, widest) {
            (None, Some(_)) => Outcome::NotAssessable,
            (Some(c), Some(w)) => is(w > c),
            (_, None) => Outcome::NotMet,
        };
        let lost = falls.iter().map(|e| -e.area_beats.abs()).fold(0.0, f64::min).abs();
        let allowed = if minutes > 30.0 { 100.0 } else { 20.0 };
        let baseline = found.mean_baseline_bpm();
        let rises = found.events.iter().filter(|e| e.kind == EventKind::Acceleration).count();
        let moved = self.movements.unwrap_or(0);
        let sinusoidal: f64 = found.sinusoidal.iter().map(|s| s.interval.duration_s() / 60.0).sum();
        let at_end = falls.iter().any(|e| e.interval.end + 240 > n)
            || found.prepared.loss_between(n.saturating_sub(240), n) >= 0.5;
        let fourth = match (moved >= 1 || rises >= 3, self.movements) {
            (false, None) => Outcome::NotAssessable,
            (met, _) => is(met),
        };
        let seventh = match (rises >= 1, self.movements, above(self.tenth_centile_ms)) {
            (true, ..) => Outcome::Met,
            (_, Some(m), Outcome::Met) => is(m > 20),
            (_, _, Outcome::NotMet) => Outcome::NotMet,
            _ => Outcome::NotAssessable,
        };
        let sixth = variation.stv_ms.map_or(Outcome::NotAssessable, |v| is(v >= 3.0));
        let list = [
            (above(self.first_centile_ms), widest, "an episode of high variation above the first centile (ms)"),
            (is(lost <= allowed), Some(lost), "no large deceleration (lost beats of the largest)"),
            (is((116.0..=160.0).contains(&baseline)), Some(baseline), "basal heart rate 116–160 (bpm)"),
            (fourth, Some(rises as f64), "a movement or three accelerations (accelerations)"),
            (is(found.sinusoidal.is_empty()), Some(sinusoidal), "no sinusoidal rhythm (min)"),
            (sixth, variation.stv_ms, "short-term variation at least 3 (ms)"),
            (seventh, Some(rises as f64), "an acceleration, or high variation and movements (accelerations)"),
            (is(!at_end), None, "no deceleration and no loss at the end"),
        ];
        let criteria: Vec<Criterion> = (1..)
            .zip(list)
            .map(|(number, (outcome, value, text))| {
                let outcome = if assessable { outcome } else { Outcome::NotAssessable };
                Criterion { number, outcome, value, text }
            })
            .collect();
        let any = |o: Outcome| criteria.iter().any(|c| c.outcome == o);
        let met = if any(Outcome::NotMet) {
            Some(false)
        } else if any(Outcome::NotAssessable) {
            None
        } else {
            Some(true)
        };
        Ok(DawesRedman {
            met,
            stv_ms: variation.stv_ms,
            minute_range_ms: variation.minute_range_ms,
            episodes,
            criteria,
        })
    }
}

/// The criteria of Dawes and Redman on one record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DawesRedman {
    /// Whether all are met; `None` if none is missed and some cannot be told.
    pub met: Option<bool>,
    /// Short-term variation without decelerations, in ms.
    pub stv_ms: Option<f64>,
    /// Long-term variation (minute range) without decelerations, in ms.
    pub minute_range_ms: Option<f64>,
    /// Episodes of high and low variation.
    pub episodes: Vec<Episode>,
    /// The eight criteria.
    pub criteria: Vec<Criterion>,
}

impl DawesRedman {
    /// The criterion of this number.
    #[must_use]
    pub fn criterion(&self, number: u8) -> Option<&Criterion> {
        self.criteria.iter().find(|c| c.number == number)
    }
}
