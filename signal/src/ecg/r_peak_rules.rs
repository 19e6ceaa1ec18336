//! Which maxima of the QRS energy are beats: the rules of [`RPeaks`](super::RPeaks).

use super::r_peaks::{RPeaksConfig, running_median};

/// A maximum of the QRS energy.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Candidate {
    pub(super) place: usize,
    pub(super) time_s: f64,
    pub(super) height: f64,
    /// Energy of the second difference over the height: what muscles add.
    pub(super) rough: f64,
}

/// No beat follows another sooner.
pub(super) const REFRACTORY_S: f64 = 0.2;
/// Of two maxima nearer than this only the higher is a candidate.
const APART_S: f64 = 0.15;
/// Up to here a T wave may follow.
const T_WAVE_S: f64 = 0.45;
/// Up to here a P wave or the rise of a wide complex may precede, below half of its height.
const BEFORE_S: f64 = 0.28;
/// A level must not fall below this share of what it is over twice the time.
const FLOOR: f64 = 0.5;
/// No threshold is above this share of the level.
const HIGHEST: f64 = 0.6;
/// A beat that is found from the rhythm has at least this share of the level.
pub(super) const FAINTEST: f64 = 0.2;
/// A candidate that is rougher than so many usual beats must be higher in proportion, up to so much.
const ROUGH: f64 = 2.0;
const ROUGHEST: f64 = 3.0;
/// An interval longer than this many usual ones is searched again.
pub(super) const LONG: f64 = 1.6;

/// The thresholds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rules {
    pub(super) threshold: f64,
    pub(super) noise: f64,
    pub(super) search_back: f64,
    pub(super) pair: f64,
}

impl Rules {
    pub(super) fn new(config: &RPeaksConfig) -> Self {
        let RPeaksConfig { threshold, noise, search_back, pair, .. } = *config;
        Self { threshold, noise, search_back, pair }
    }

    /// Threshold of a candidate, as a share of the level.
    pub(super) fn need(&self, noise: f64, rough: f64, usual_rough: f64) -> f64 {
        let excess = if usual_rough > 0.0 { (rough / usual_rough / ROUGH).clamp(1.0, ROUGHEST) } else { 1.0 };
        (self.threshold + self.noise * noise).min(HIGHEST) * excess
    }

    /// Whether `later` may be the T wave of `earlier`.
    pub(super) fn is_t_wave(&self, earlier: &Candidate, later: &Candidate) -> bool {
        let apart = later.time_s - earlier.time_s;
        apart < T_WAVE_S && later.height < earlier.height * (self.pair - 2.1 * (apart - 0.25))
    }

    /// Whether `earlier` may be the P wave or the rise of `later`.
    pub(super) fn is_rise(earlier: &Candidate, later: &Candidate) -> bool {
        later.time_s - earlier.time_s < BEFORE_S && earlier.height < 0.5 * later.height
    }

    /// The beats among the candidates of a whole piece.
    pub(super) fn beats(&self, all: Vec<Candidate>) -> Vec<Candidate> {
        let (all, order) = apart(all);
        let level = first_level(&all);
        let share = |c: &Candidate, level: f64| if level > 0.0 { c.height / level } else { 0.0 };
        let mut shares: Vec<f64> = all.iter().zip(&level).map(|(c, l)| share(c, *l)).collect();
        let mut needs = vec![self.threshold + 0.06; all.len()];
        let mut beats = self.select(&all, &order, &shares, &needs);
        let mut least: Vec<f64> = level.iter().map(|l| FLOOR * l).collect();
        for _ in 0..2 {
            let chosen = indices(&beats);
            if chosen.len() < 3 {
                break;
            }
            let level = usual_of_beats(&all, &chosen, |c| c.height);
            let rough = usual_of_beats(&all, &chosen, |c| c.rough);
            shares = all.iter().zip(level.iter().zip(&least)).map(|(c, (l, f))| share(c, l.max(*f))).collect();
            least.fill(0.0);
            let noise = noise_between(&all, &beats, &shares);
            needs = all.iter().zip(noise.iter().zip(&rough)).map(|(c, (n, r))| self.need(*n, c.rough, *r)).collect();
            beats = self.select(&all, &order, &shares, &needs);
        }
        self.search_back(&all, &mut beats, &shares, &needs);
        indices(&beats).into_iter().map(|k| all[k]).collect()
    }

    /// From the highest down: what exceeds its threshold and is neither a T wave nor a rise.
    fn select(&self, all: &[Candidate], order: &[usize], shares: &[f64], needs: &[f64]) -> Vec<bool> {
        let mut beats = vec![false; all.len()];
        for &k in order {
            if shares[k] < needs[k] {
                continue;
            }
            let this = &all[k];
            let near = |c: &Candidate| (c.time_s - this.time_s).abs() < T_WAVE_S;
            // at most a few: candidates are apart
            let before = (0..k).rev().take_while(|i| near(&all[*i])).find(|i| beats[*i]).map(|i| &all[i]);
            let after = (k + 1..all.len()).take_while(|i| near(&all[*i])).find(|i| beats[*i]).map(|i| &all[i]);
            let blocked_before =
                before.is_some_and(|b| this.time_s - b.time_s < REFRACTORY_S || self.is_t_wave(b, this));
            let blocked_after = after.is_some_and(|a| a.time_s - this.time_s < REFRACTORY_S || Self::is_rise(this, a));
            beats[k] = !blocked_before && !blocked_after;
        }
        beats
    }

    /// Beats that are missing from the rhythm.
    fn search_back(&self, all: &[Candidate], beats: &mut [bool], shares: &[f64], needs: &[f64]) {
        let chosen = indices(beats);
        let intervals: Vec<f64> = chosen.windows(2).map(|w| all[w[1]].time_s - all[w[0]].time_s).collect();
        if intervals.len() < 3 {
            return;
        }
        let usual = running_median(&intervals, 8);
        for (pair, usual) in chosen.windows(2).zip(usual) {
            let (from, to) = (pair[0], pair[1]);
            if all[to].time_s - all[from].time_s <= LONG * usual {
                continue;
            }
            let inside = |k: &usize| {
                all[*k].time_s - all[from].time_s > (0.4 * usual).max(0.36)
                    && all[to].time_s - all[*k].time_s > (0.3 * usual).max(0.3)
            };
            let rest = || (from + 1..to).filter(inside);
            let Some(best) = rest().max_by(|a, b| shares[*a].total_cmp(&shares[*b])) else { continue };
            let second = rest().filter(|k| *k != best).map(|k| shares[k]).fold(0.0, f64::max);
            if shares[best] > (self.search_back * needs[best]).max(FAINTEST) && shares[best] > 1.4 * second {
                beats[best] = true;
            }
        }
    }
}

/// The candidates of which none is nearer than 0.15 s to a higher one that is kept, and their order from the highest
/// down.
fn apart(mut all: Vec<Candidate>) -> (Vec<Candidate>, Vec<usize>) {
    let mut dropped = vec![false; all.len()];
    let mut order = by_height(&all);
    for &k in &order {
        if dropped[k] {
            continue;
        }
        let near = |i: &usize| (all[*i].time_s - all[k].time_s).abs() < APART_S;
        for i in (0..k).rev().take_while(near) {
            dropped[i] = true;
        }
        for i in (k + 1..all.len()).take_while(near) {
            dropped[i] = true;
        }
    }
    let mut place = Vec::with_capacity(all.len());
    let mut kept = 0;
    for dropped in &dropped {
        place.push(kept);
        kept += usize::from(!dropped);
    }
    let mut flags = dropped.iter();
    all.retain(|_| flags.next() == Some(&false));
    order.retain(|k| !dropped[*k]);
    order.iter_mut().for_each(|k| *k = place[*k]);
    (all, order)
}

/// Their indices from the highest down; of equal ones the earlier first.
fn by_height(all: &[Candidate]) -> Vec<usize> {
    // heights are above 0, so their bits are in their order; beside the place they are sorted without leaving the cache
    let mut order: Vec<(u64, usize)> = all.iter().enumerate().map(|(k, c)| (!c.height.to_bits(), k)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, k)| k).collect()
}

fn indices(beats: &[bool]) -> Vec<usize> {
    beats.iter().enumerate().filter(|(_, b)| **b).map(|(k, _)| k).collect()
}

/// Median of the largest heights in stretches of 1.2 s over ±6 s, at least half of that of 2.4 s over ±14 s: in a pause
/// the level must not fall to the noise.
fn first_level(all: &[Candidate]) -> Vec<f64> {
    let tops = |stretch_s: f64, half: usize| {
        let place = |c: &Candidate| (c.time_s / stretch_s) as usize;
        let mut tops = vec![0.0f64; all.last().map_or(0, |c| place(c) + 1)];
        all.iter().for_each(|c| tops[place(c)] = tops[place(c)].max(c.height));
        let level = running_median(&tops, half);
        all.iter().map(|c| level[place(c)]).collect::<Vec<f64>>()
    };
    tops(1.2, 5).into_iter().zip(tops(2.4, 6)).map(|(short, long)| short.max(FLOOR * long)).collect()
}

/// Running median of what 17 beats have, between the beats by lines.
fn usual_of_beats(all: &[Candidate], chosen: &[usize], value: impl Fn(&Candidate) -> f64) -> Vec<f64> {
    let values: Vec<f64> = chosen.iter().map(|k| value(&all[*k])).collect();
    between(all, chosen, &running_median(&values, 8))
}

/// Running median of the shares of 25 candidates that are neither beats nor within 0.35 s behind one.
fn noise_between(all: &[Candidate], beats: &[bool], shares: &[f64]) -> Vec<f64> {
    let mut last = f64::NEG_INFINITY;
    let mut others = Vec::new();
    for (k, candidate) in all.iter().enumerate() {
        if beats[k] {
            last = candidate.time_s;
        } else if candidate.time_s - last > 0.35 {
            others.push(k);
        }
    }
    if others.len() <= 5 {
        return vec![0.05; all.len()];
    }
    let values: Vec<f64> = others.iter().map(|k| shares[*k]).collect();
    between(all, &others, &running_median(&values, 12))
}

/// `values` at the candidates `places`, joined by lines over time and held beyond the ends.
fn between(all: &[Candidate], places: &[usize], values: &[f64]) -> Vec<f64> {
    let mut next = 0;
    all.iter()
        .enumerate()
        .map(|(k, c)| {
            while next < places.len() && places[next] < k {
                next += 1;
            }
            match (next.checked_sub(1), places.get(next)) {
                (None, _) => values.first().copied().unwrap_or_default(),
                (Some(a), None) => values[a],
                (Some(a), Some(to)) => {
                    let (from, to) = (all[places[a]].time_s, all[*to].time_s);
                    values[a] + (values[next] - values[a]) * ((c.time_s - from) / (to - from).max(f64::MIN_POSITIVE))
                }
            }
        })
        .collect()
}

/// The middle one, or the mean of the two in the middle.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let n = values.len();
    if n == 0 {
        return 0.0;
    }
    values.sort_unstable_by(f64::total_cmp);
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}
