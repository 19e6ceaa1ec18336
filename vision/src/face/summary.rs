//! What a study tabulates of a face over time.

use super::action_units::{ACTION_UNIT_PROXIES, index};
use super::observation::{PROXIES, median, quantile};
use super::series::ExpressionSeries;
use eir_core::Estimate;
use eir_core::distribution::chi_squared_quantile;
use eir_core::inference::{Bootstrap, SamplingUnits};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Frames a second that a blink needs.
pub(super) const BLINK_RATE_HZ: f64 = 14.5;
/// Seconds of a block that is drawn at a time: longer than a movement.
pub(super) const BLOCK_S: f64 = 5.0;
/// Blocks from which an interval is told.
const BLOCKS: usize = 20;

/// One proxy over a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProxySummary {
    /// "AU12".
    pub name: String,
    /// Mean above the neutral face.
    pub mean: f64,
    /// Standard deviation over the frames.
    pub sd: f64,
    /// From the 5th to the 95th percentile.
    pub range: f64,
    /// Movements a minute, with the exact interval of a Poisson count.
    pub events_per_min: Estimate,
    /// Share of the used frames in a movement.
    pub active_share: f64,
    /// Median over the movements of 100 (left − right) / (left + right) at the peak; none without movement or sides.
    pub asymmetry_percent: Option<f64>,
}

/// A recording of a face in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExpressionSummary {
    /// From the first to the last frame, in seconds.
    pub duration_s: f64,
    /// Frames.
    pub frames: usize,
    /// Share of the frames that are used.
    pub usable_share: f64,
    /// Time between used neighbours, in seconds: what rates are per.
    pub observed_s: f64,
    /// Frames that the neutral face rests on.
    pub neutral_frames: usize,
    /// How fast the face moves: the way that all proxies but the blink go, per second.
    pub expressivity_per_s: f64,
    /// The same with a bootstrap interval over blocks of 5 s; none for fewer than 20.
    pub expressivity: Option<Estimate>,
    /// Share of the used frames in which no proxy but the blink is in a movement.
    pub neutral_share: f64,
    /// Blinks a minute, with the exact interval of a Poisson count; none below 15 frames a second.
    pub blinks_per_min: Option<Estimate>,
    /// Median time that the eyes are closed in a blink, in seconds.
    pub blink_s: Option<f64>,
    /// How far the head moves, in its own sizes a minute.
    pub head_path_per_min: f64,
    /// Each proxy.
    pub proxies: Vec<ProxySummary>,
}

impl ExpressionSummary {
    /// As a table: `measure,value,lower,upper,level,n`; what is not known is left empty.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from("measure,value,lower,upper,level,n\n");
        let mut plain = |name: &str, value: Option<f64>, n: usize| {
            let value = value.filter(|v| v.is_finite()).map_or_else(String::new, |v| format!("{v:.6}"));
            let _ = writeln!(text, "{name},{value},,,,{n}"); // a String never fails
        };
        plain("duration_s", Some(self.duration_s), self.frames);
        plain("observed_s", Some(self.observed_s), self.frames);
        plain("usable_share", Some(self.usable_share), self.frames);
        plain("neutral_frames", Some(self.neutral_frames as f64), self.neutral_frames);
        if self.expressivity.is_none() {
            plain("expressivity_per_s", Some(self.expressivity_per_s), self.frames);
        }
        plain("neutral_share", Some(self.neutral_share), self.frames);
        plain("blink_s", self.blink_s, self.frames);
        plain("head_path_per_min", Some(self.head_path_per_min), self.frames);
        for p in &self.proxies {
            let name = &p.name;
            plain(&format!("{name}_mean"), Some(p.mean), self.frames);
            plain(&format!("{name}_sd"), Some(p.sd), self.frames);
            plain(&format!("{name}_range"), Some(p.range), self.frames);
            plain(&format!("{name}_active_share"), Some(p.active_share), self.frames);
            plain(&format!("{name}_asymmetry_percent"), p.asymmetry_percent, p.events_per_min.n);
        }
        let mut estimate = |name: &str, e: &Estimate| {
            let Estimate { value, lower, upper, level, n, .. } = e;
            let _ = writeln!(text, "{name},{value:.6},{lower:.6},{upper:.6},{level},{n}");
        };
        self.expressivity.iter().for_each(|e| estimate("expressivity_per_s", e));
        self.blinks_per_min.iter().for_each(|e| estimate("blinks_per_min", e));
        self.proxies.iter().for_each(|p| estimate(&format!("{}_events_per_min", p.name), &p.events_per_min));
        text
    }
}

impl ExpressionSeries {
    /// The numbers of the recording; none if too few frames are usable ([`min_usable`](super::ExpressionConfig::min_usable))
    /// or no two of them are neighbours.
    ///
    /// # Formula
    /// Expressivity = Σ √(mean over the proxies of Δ²) / Σ Δt over used neighbours, in scores a second; the blink is left
    /// out. Rates are per observed minute, their intervals those of a Poisson count (Garwood):
    /// χ²(α/2; 2k)/2 … χ²(1 − α/2; 2k + 2)/2.
    #[must_use]
    pub fn summary(&self) -> Option<ExpressionSummary> {
        let pieces = self.pieces();
        let steps: Vec<usize> = pieces.iter().flat_map(|p| p.start + 1..p.end).collect();
        let observed_s: f64 = steps.iter().map(|i| self.times_s[*i] - self.times_s[i - 1]).sum();
        if self.usable_share() < self.config.min_usable || observed_s <= 0.0 {
            return None;
        }
        let minutes = observed_s / 60.0;
        let blink = index("AU45").unwrap_or(PROXIES);
        let moving: Vec<usize> = (0..PROXIES).filter(|k| *k != blink).collect();
        let way = |i: usize| {
            let squares = moving.iter().map(|k| (self.value(i, *k) - self.value(i - 1, *k)).powi(2));
            (squares.sum::<f64>() / moving.len() as f64).sqrt()
        };
        let used: Vec<usize> = pieces.iter().cloned().flatten().collect();
        let mut still = vec![true; self.times_s.len()];
        let proxies =
            (0..PROXIES).map(|k| self.of_proxy(k, &used, minutes, (k != blink).then_some(&mut still))).collect();
        let neutral = used.iter().filter(|i| still.get(**i) == Some(&true)).count();
        let blinks = self.blinks(blink, &pieces);
        let head = |i: usize| {
            let (Some(Some(a)), Some(Some(b))) = (self.heads.get(i - 1), self.heads.get(i)) else { return 0.0 };
            let far = (a.centre_px[0] - b.centre_px[0]).hypot(a.centre_px[1] - b.centre_px[1]);
            far / f64::midpoint(a.size_px, b.size_px).max(1.0)
        };
        let seconds = |i: &usize| self.times_s[*i] - self.times_s[i - 1];
        let ways: Vec<(f64, f64, f64)> = steps.iter().map(|i| (self.times_s[*i], way(*i), seconds(i))).collect();
        let (first, last) = (self.times_s.first()?, self.times_s.last()?);
        Some(ExpressionSummary {
            duration_s: last - first,
            frames: self.times_s.len(),
            usable_share: self.usable_share(),
            observed_s,
            neutral_frames: self.neutral.frames,
            expressivity_per_s: ways.iter().map(|w| w.1).sum::<f64>() / observed_s,
            expressivity: in_blocks(&blocks_of(&ways, *first), self.config.level),
            neutral_share: neutral as f64 / used.len() as f64,
            blinks_per_min: blinks.as_ref().map(|b| per_minute(b.len(), minutes, self.config.level)),
            blink_s: blinks.map(median).filter(|v| v.is_finite()),
            head_path_per_min: steps.iter().map(|i| head(*i)).sum::<f64>() / minutes,
            proxies,
        })
    }

    fn of_proxy(&self, k: usize, used: &[usize], minutes: f64, still: Option<&mut Vec<bool>>) -> ProxySummary {
        let mut values: Vec<f64> = used.iter().map(|i| self.value(*i, k)).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let range = quantile(&mut values, 0.95) - quantile(&mut values, 0.05);
        let events = self.events_of(k);
        let during = |t: f64| events.iter().any(|e| (e.start_s..=e.end_s).contains(&t));
        let active: Vec<usize> = used.iter().copied().filter(|i| during(self.times_s[*i])).collect();
        if let Some(still) = still {
            active.iter().for_each(|i| still[*i] = false);
        }
        let asymmetry = median(events.iter().filter_map(|e| e.asymmetry_percent).collect());
        ProxySummary {
            name: ACTION_UNIT_PROXIES[k].name.to_owned(),
            mean,
            sd,
            range,
            events_per_min: per_minute(events.len(), minutes, self.config.level),
            active_share: active.len() as f64 / n,
            asymmetry_percent: Some(asymmetry).filter(|v| v.is_finite()),
        }
    }

    /// How long the eyes were closed in each blink; none if the frames are too far apart for blinks.
    fn blinks(&self, k: usize, pieces: &[std::ops::Range<usize>]) -> Option<Vec<f64>> {
        let distance = median(self.times_s.windows(2).map(|w| w[1] - w[0]).collect());
        if !(distance > 0.0 && 1.0 / distance >= BLINK_RATE_HZ) {
            return None;
        }
        let (close, open) = (self.config.blink_rise, 0.5 * self.config.blink_rise);
        let mut blinks = Vec::new();
        for piece in pieces {
            let mut shut: Option<f64> = None;
            // eyes that are shut where the piece begins have no beginning
            let mut seen_open = false;
            for i in piece.clone() {
                let (value, t) = (self.value(i, k), self.times_s[i]);
                match shut {
                    None if value >= close && seen_open => shut = Some(t),
                    Some(since) if value < open => {
                        if t - since <= self.config.longest_blink_s {
                            blinks.push(t - since);
                        }
                        shut = None;
                    }
                    _ => {}
                }
                seen_open |= value < open;
            }
        }
        Some(blinks)
    }
}

/// Way and time of each block that is observed for half of it at least.
fn blocks_of(ways: &[(f64, f64, f64)], first: f64) -> Vec<[f64; 2]> {
    let block = |w: &(f64, f64, f64)| ((w.0 - first) / BLOCK_S) as usize;
    ways.chunk_by(|a, b| block(a) == block(b))
        .map(|b| b.iter().fold([0.0; 2], |[way, time], w| [way + w.1, time + w.2]))
        .filter(|b| b[1] >= 0.5 * BLOCK_S)
        .collect()
}

/// The expressivity with an interval over blocks of time.
pub(super) fn in_blocks(blocks: &[[f64; 2]], level: f64) -> Option<Estimate> {
    if blocks.len() < BLOCKS {
        return None;
    }
    let ratio = |rows: &[usize]| {
        let [way, time] = rows.iter().map(|r| blocks[*r]).fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
        way / time
    };
    let units = SamplingUnits::rows(blocks.len()).ok()?;
    Bootstrap::default().with_level(level).estimate(&units, ratio).ok()
}

/// Events a minute with Garwood's interval of their count.
pub(super) fn per_minute(count: usize, minutes: f64, level: f64) -> Estimate {
    let (k, tail) = (count as f64, (1.0 - level) / 2.0);
    let lower = if count == 0 { 0.0 } else { chi_squared_quantile(tail, 2.0 * k) / 2.0 };
    let upper = chi_squared_quantile(1.0 - tail, 2.0 * k + 2.0) / 2.0;
    Estimate::new(k / minutes, [lower / minutes, upper / minutes], level, "exact Poisson", count)
}

#[cfg(test)]
mod tests {
    use super::super::series::tests::film;
    use super::super::{ExpressionConfig, ExpressionSummary};
    use super::*;

    fn blink(t: f64) -> f64 {
        // one of 0.2 s every 4 s, and once closed for 2 s
        if (t % 4.0) > 3.8 || (20.0..22.0).contains(&t) { 0.6 } else { 0.0 }
    }

    #[test]
    fn blinks_are_counted_and_closed_eyes_are_not() {
        let summary: ExpressionSummary =
            ExpressionConfig::default().analyse(&film(62.0, "AU45", blink)).unwrap().summary().unwrap();
        let blinks = summary.blinks_per_min.unwrap();
        assert_eq!(blinks.n, 14); // 15, of which one runs into the closed eyes at 20 s
        assert!((blinks.value - 14.0 / (summary.observed_s / 60.0)).abs() < 1e-9);
        assert!((summary.blink_s.unwrap() - 0.2).abs() < 0.04);
        assert!(summary.expressivity_per_s.abs() < 1e-9 && summary.neutral_share == 1.0);
        let rare: Vec<_> = film(62.0, "AU45", blink).into_iter().step_by(3).collect();
        assert!(ExpressionConfig::default().analyse(&rare).unwrap().summary().unwrap().blinks_per_min.is_none());
    }

    #[test]
    fn rates_have_the_intervals_of_their_counts() {
        let ten = per_minute(10, 2.0, 0.95);
        // Garwood's limits of 10: 4.795 and 18.39
        assert!((ten.lower * 2.0 - 4.795_389).abs() < 1e-5 && (ten.upper * 2.0 - 18.390_356).abs() < 1e-5);
        let none = per_minute(0, 1.0, 0.95);
        assert!(none.lower == 0.0 && (none.upper - 3.688_879).abs() < 1e-5);
    }

    #[test]
    fn expressivity_is_the_way_per_second() {
        // a triangle that goes up and down by 0.3 in a second: a way of 0.6 a second in one of 14 proxies
        let wave = |t: f64| if t < 3.0 { 0.0 } else { 0.3 * (1.0 - ((t % 1.0) * 2.0 - 1.0).abs()) };
        let series = ExpressionConfig::default().analyse(&film(123.0, "AU12", wave)).unwrap();
        let summary = series.summary().unwrap();
        let want = 0.6 / 14f64.sqrt() * 120.0 / 123.0;
        assert!((summary.expressivity_per_s - want).abs() < 0.01 * want, "{} {want}", summary.expressivity_per_s);
        let estimate = summary.expressivity.clone().unwrap();
        assert!(estimate.lower < estimate.value && estimate.value <= estimate.upper);
        let text = summary.csv();
        assert!(text.lines().all(|l| l.split(',').count() == 6), "{text}");
        assert!(text.contains("\nAU12_events_per_min,"));
    }

    #[test]
    fn too_few_frames_have_no_numbers() {
        let mut frames = film(20.0, "AU12", |_| 0.0);
        frames.iter_mut().skip(120).step_by(2).for_each(|f| f.face = None);
        let series = ExpressionConfig::default().analyse(&frames).unwrap();
        assert!(series.usable_share() < 0.61 && series.summary().is_none() == (series.usable_share() < 0.6));
        frames.iter_mut().skip(120).for_each(|f| f.face = None);
        assert!(ExpressionConfig::default().analyse(&frames).unwrap().summary().is_none());
    }
}
