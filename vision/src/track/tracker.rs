//! Persons over time.

use super::assignment::assignment;
use crate::Result;
use crate::eval::COCO_SIGMAS;
use eir_core::error::{Mismatch, NotFinite, Parameter};
use serde::{Deserialize, Serialize};

/// A person in one picture, as a detector or a pose network gives it.
#[derive(Debug, Clone, Copy)]
pub struct PersonFound<'a> {
    /// Box: left, top, width, height in pixels.
    pub bbox: [f32; 4],
    /// Key points in pixels, none or always as many; one that is not finite is missing.
    pub points: &'a [[f32; 2]],
    /// How sure it is, 0 to 1.
    pub score: f32,
}

/// A person with an identity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PersonTracked {
    /// The identity: counts up from 1 and is never used again.
    pub id: u64,
    /// Which of the found persons it is; none while it is hidden.
    pub found: Option<usize>,
    /// Box as it is thought to be: left, top, width, height.
    pub bbox: [f64; 4],
    /// Seconds since it was last found.
    pub hidden_s: f64,
}

/// Settings of [`Tracker`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TrackerConfig {
    /// Similarity (OKS, or overlap of the boxes without key points) below which two are not the same person, above 0 and
    /// below 1. Default 0.2.
    pub min_similarity: f64,
    /// Persons with less than this score only continue an identity, 0 to 1. Default 0.5.
    pub min_score: f32,
    /// Pictures in which a person must be found before it gets an identity, 1 or more. Default 3.
    pub hits: usize,
    /// An identity that is hidden for longer is given up, in seconds, above 0. Default 1.
    pub patience_s: f64,
    /// How far labels of each key point scatter, as a share of the size. Default those of COCO; 0.08 for further points.
    pub sigmas: Vec<f64>,
    /// How suddenly persons change their speed, in heights of their box per second, squared, per second; above 0.
    /// Default 1.
    pub restlessness: f64,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            min_similarity: 0.2,
            min_score: 0.5,
            hits: 3,
            patience_s: 1.0,
            sigmas: COCO_SIGMAS.to_vec(),
            restlessness: 1.0,
        }
    }
}

impl TrackerConfig {
    /// Sets [`min_similarity`](Self::min_similarity).
    #[must_use]
    pub fn with_min_similarity(self, min_similarity: f64) -> Self {
        Self { min_similarity, ..self }
    }

    /// Sets [`min_score`](Self::min_score).
    #[must_use]
    pub fn with_min_score(self, min_score: f32) -> Self {
        Self { min_score, ..self }
    }

    /// Sets [`hits`](Self::hits).
    #[must_use]
    pub fn with_hits(self, hits: usize) -> Self {
        Self { hits, ..self }
    }

    /// Sets [`patience_s`](Self::patience_s).
    #[must_use]
    pub fn with_patience_s(self, patience_s: f64) -> Self {
        Self { patience_s, ..self }
    }

    /// Sets [`sigmas`](Self::sigmas).
    #[must_use]
    pub fn with_sigmas(self, sigmas: Vec<f64>) -> Self {
        Self { sigmas, ..self }
    }

    /// Sets [`restlessness`](Self::restlessness).
    #[must_use]
    pub fn with_restlessness(self, restlessness: f64) -> Self {
        Self { restlessness, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let score = f64::from(self.min_score);
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let bad_sigma = self.sigmas.iter().copied().find(|s| !positive(*s));
        let similarity = self.min_similarity > 0.0 && self.min_similarity < 1.0;
        let checks = [
            ("min_similarity", self.min_similarity, similarity, "above 0 and below 1"),
            ("min_score", score, (0.0..=1.0).contains(&score), "0 to 1"),
            ("hits", self.hits as f64, self.hits >= 1, "1 or more"),
            ("patience_s", self.patience_s, positive(self.patience_s), "finite and above 0"),
            ("sigmas", bad_sigma.unwrap_or_default(), bad_sigma.is_none(), "finite and above 0"),
            ("restlessness", self.restlessness, positive(self.restlessness), "finite and above 0"),
        ];
        match checks.into_iter().find(|(_, _, good, _)| !good) {
            Some((name, value, _, rule)) => Err(Parameter::new(name, value, rule).into()),
            None => Ok(()),
        }
    }

    /// Makes the tracker.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<Tracker> {
        self.validate()?;
        Ok(Tracker { config: self, tracks: Vec::new(), next: 1, time_s: None })
    }
}

/// Gives persons identities that stay from picture to picture, also through a short occlusion.
///
/// **Use it** on what a detector or a pose network finds in the pictures of one camera. **Not** across cuts: it knows
/// persons by place and speed, not by looks, and someone who returns after [`patience_s`](TrackerConfig::patience_s) is
/// someone new.
///
/// # Formula
/// A Kalman filter of constant velocity for each side of the box says where a person will be and how uncertain that is.
/// Similarity to a found person: with key points the mean of `exp(−d² / (2 ((2σ)² area + P)))`, the last points being moved
/// with the box and `P` the uncertainty of its place; else the overlap of the boxes. The sum of similarities is highest
/// over all pairs ([`assignment`]); found persons with a low score come second, as in ByteTrack, and only continue
/// identities.
///
/// # Examples
/// ```
/// use eir_vision::track::{PersonFound, TrackerConfig};
/// let mut tracker = TrackerConfig::default().build()?;
/// for i in 0..30 {
///     let x = 5.0 * i as f32;
///     let walker = PersonFound { bbox: [x, 100.0, 60.0, 160.0], points: &[], score: 0.9 };
///     let sitter = PersonFound { bbox: [400.0, 120.0, 80.0, 120.0], points: &[], score: 0.8 };
///     let hidden = (12..20).contains(&i);
///     let found = if hidden { vec![sitter] } else { vec![sitter, walker] };
///     let persons = tracker.update(f64::from(i) / 30.0, &found)?;
///     assert!(i < 2 || persons.iter().map(|p| p.id).eq([1, 2]));
/// }
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// Identities stay while simulated persons cross and hide each other for half a second (unit tests).
///
/// # References
/// Bewley et al. 2016, doi:10.1109/ICIP.2016.7533003; Zhang et al. 2022, doi:10.1007/978-3-031-20047-2_1.
#[derive(Debug, Clone)]
pub struct Tracker {
    config: TrackerConfig,
    tracks: Vec<Track>,
    next: u64,
    time_s: Option<f64>,
}

/// Share of its similarity that counts of a person who was not found in the picture before.
const HIDDEN: f64 = 0.8;

/// A value and its speed, with their covariance.
#[derive(Debug, Clone, Copy)]
struct Side {
    x: f64,
    v: f64,
    p: [f64; 3],
}

impl Side {
    fn new(x: f64, size: f64) -> Self {
        Self { x, v: 0.0, p: [(0.05 * size).powi(2), 0.0, size.powi(2)] }
    }

    fn predict(&mut self, h: f64, q: f64) {
        self.x += h * self.v;
        let [a, b, c] = self.p;
        self.p = [a + 2.0 * h * b + h * h * c + q * h * h * h / 3.0, b + h * c + q * h * h / 2.0, c + q * h];
    }

    fn observe(&mut self, z: f64, variance: f64) {
        let [a, b, c] = self.p;
        let s = a + variance;
        let nu = z - self.x;
        self.x += a / s * nu;
        self.v += b / s * nu;
        self.p = [a * variance / s, b * variance / s, c - b * b / s];
    }
}

#[derive(Debug, Clone)]
struct Track {
    id: Option<u64>,
    hits: usize,
    /// Centre across and down, width, height.
    sides: [Side; 4],
    /// Key points when last found, from the centre, in heights.
    points: Vec<[f64; 2]>,
    found: Option<usize>,
    last_s: f64,
}

impl Track {
    fn new(person: &PersonFound<'_>, index: usize, time_s: f64) -> Self {
        let z = centre(person);
        let sides = z.map(|v| Side::new(v, z[3]));
        let mut track = Self { id: None, hits: 1, sides, points: Vec::new(), found: Some(index), last_s: time_s };
        track.keep(person);
        track
    }

    fn height(&self) -> f64 {
        self.sides[3].x.max(1.0)
    }

    fn keep(&mut self, person: &PersonFound<'_>) {
        let [x, y, _, height] = centre(person);
        self.points.clear();
        let relative = |p: &[f32; 2]| [(f64::from(p[0]) - x) / height, (f64::from(p[1]) - y) / height];
        self.points.extend(person.points.iter().map(relative));
    }

    fn observe(&mut self, person: &PersonFound<'_>, index: usize, time_s: f64) {
        let z = centre(person);
        let variance = (0.03 * z[3]).powi(2);
        for (side, z) in self.sides.iter_mut().zip(z) {
            side.observe(z, variance);
        }
        self.keep(person);
        self.hits += 1;
        (self.found, self.last_s) = (Some(index), time_s);
    }

    /// Similarity to a found person, 0 to 1.
    fn similarity(&self, person: &PersonFound<'_>, sigmas: &[f64]) -> f64 {
        let [x, y, width, height] = self.sides.map(|s| s.x);
        // COCO's areas are those of the outline: about half of the box
        let area = 0.53 * width.max(1.0) * height.max(1.0);
        let uncertain = (self.sides[0].p[0] + self.sides[1].p[0]) / 2.0;
        let sigmas = sigmas.iter().copied().chain(std::iter::repeat(0.08));
        let (mut sum, mut count) = (0.0, 0usize);
        for ((p, q), sigma) in self.points.iter().zip(person.points).zip(sigmas) {
            let (dx, dy) = (x + p[0] * height - f64::from(q[0]), y + p[1] * height - f64::from(q[1]));
            let square = dx * dx + dy * dy;
            if square.is_finite() {
                sum += (-square / (2.0 * ((2.0 * sigma).powi(2) * area + uncertain))).exp();
                count += 1;
            }
        }
        if count >= 3 { sum / count as f64 } else { self.overlap(person, uncertain) }
    }

    /// Overlap of the boxes over what both cover, averaged with how likely their centres are the same, so that it does not
    /// end where the boxes part.
    fn overlap(&self, person: &PersonFound<'_>, uncertain: f64) -> f64 {
        let [x, y, w, h] = self.sides.map(|s| s.x);
        let [u, v, a, b] = centre(person);
        let shared = |d: f64, s: f64, t: f64| ((s + t) / 2.0 - d.abs()).clamp(0.0, s.min(t).max(0.0));
        let both = shared(x - u, w, a) * shared(y - v, h, b);
        let all = w.max(0.0) * h.max(0.0) + a * b - both;
        let square = (x - u).powi(2) + (y - v).powi(2);
        let near = (-square / (2.0 * (0.04 * a * b + uncertain))).exp();
        let alike = (w.min(a) / w.max(a) * h.min(b) / h.max(b)).max(0.0);
        0.5 * (if all > 0.0 { both / all } else { 0.0 } + near * alike)
    }
}

/// Centre, width, height.
fn centre(person: &PersonFound<'_>) -> [f64; 4] {
    let [left, top, width, height] = person.bbox.map(f64::from);
    [left + width / 2.0, top + height / 2.0, width, height]
}

impl Tracker {
    /// Takes what was found at `time_s` and gives all persons with an identity, in the order of their identities.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) if the time is not later than before or a box has no extent,
    /// [`Error::NotFinite`](crate::Error::NotFinite) for a box or a score,
    /// [`Error::Mismatch`](crate::Error::Mismatch) for numbers of key points that differ.
    pub fn update(&mut self, time_s: f64, found: &[PersonFound<'_>]) -> Result<Vec<PersonTracked>> {
        let step = self.time_s.map_or(0.0, |t| time_s - t);
        if !time_s.is_finite() || (self.time_s.is_some() && step <= 0.0) {
            return Err(Parameter::new("time_s", time_s, "finite and later than the picture before").into());
        }
        let count = found.iter().map(|p| p.points.len()).find(|n| *n > 0).unwrap_or_default();
        for person in found {
            NotFinite::check_f32("box of a person", &person.bbox)?;
            NotFinite::check_f32("score of a person", &[person.score])?;
            if !person.points.is_empty() {
                Mismatch::check("key points of a person", count, person.points.len())?;
            }
            if let Some(size) = person.bbox.iter().skip(2).find(|v| **v <= 0.0) {
                return Err(Parameter::new("extent of a box", f64::from(*size), "above 0").into());
            }
        }
        self.time_s = Some(time_s);
        for track in &mut self.tracks {
            let q = self.config.restlessness * track.height().powi(2);
            track.sides.iter_mut().for_each(|s| s.predict(step, q));
            track.found = None;
        }
        let sure: Vec<usize> = (0..found.len()).filter(|&i| found[i].score >= self.config.min_score).collect();
        let rest: Vec<usize> = (0..found.len()).filter(|&i| found[i].score < self.config.min_score).collect();
        let new = self.give(time_s, step, found, &sure)?;
        self.give(time_s, step, found, &rest)?;
        let patience = self.config.patience_s;
        // one that was never confirmed must be found in every picture
        self.tracks.retain(|t| t.found.is_some() || (t.id.is_some() && time_s - t.last_s <= patience));
        self.tracks.extend(new.into_iter().filter_map(|i| Some(Track::new(found.get(i)?, i, time_s))));
        for track in &mut self.tracks {
            if track.id.is_none() && track.hits >= self.config.hits {
                track.id = Some(self.next);
                self.next += 1;
            }
        }
        let person = |t: &Track| {
            let [x, y, w, h] = t.sides.map(|s| s.x);
            let bbox = [x - w / 2.0, y - h / 2.0, w, h];
            Some(PersonTracked { id: t.id?, found: t.found, bbox, hidden_s: time_s - t.last_s })
        };
        let mut persons: Vec<PersonTracked> = self.tracks.iter().filter_map(person).collect();
        persons.sort_by_key(|p| p.id);
        Ok(persons)
    }

    /// Gives found persons to tracks that have none yet; which of them are left.
    fn give(&mut self, time_s: f64, step: f64, found: &[PersonFound<'_>], which: &[usize]) -> Result<Vec<usize>> {
        let free: Vec<usize> = (0..self.tracks.len()).filter(|&t| self.tracks[t].found.is_none()).collect();
        let mut costs = Vec::with_capacity(free.len() * which.len());
        for &t in &free {
            for &i in which {
                let track = &self.tracks[t];
                // who was there a moment ago comes before who was hidden
                let seen = if time_s - track.last_s > 1.5 * step { HIDDEN } else { 1.0 };
                let similarity = seen * track.similarity(&found[i], &self.config.sigmas);
                // a pair that may not be costs as much as none
                costs.push(if similarity >= self.config.min_similarity { -similarity } else { 0.0 });
            }
        }
        let given = assignment(&costs, free.len(), which.len())?;
        let mut left = which.to_vec();
        for (row, (&t, column)) in free.iter().zip(given).enumerate() {
            let Some(column) = column.filter(|c| costs[row * which.len() + c] < 0.0) else { continue };
            let i = which[column];
            self.tracks[t].observe(&found[i], i, time_s);
            left.retain(|l| *l != i);
        }
        Ok(left)
    }

    /// The identity to lock on to for one patient: the largest that has been there longest, in the sense that of all
    /// persons with an identity its height times the root of its number of pictures is the largest.
    #[must_use]
    pub fn patient(&self) -> Option<u64> {
        let weight = |t: &Track| t.height() * (t.hits as f64).sqrt();
        let known = self.tracks.iter().filter(|t| t.id.is_some());
        known.max_by(|a, b| weight(a).total_cmp(&weight(b))).and_then(|t| t.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eir_core::random::Generator;

    /// Seventeen points about a centre, different for each person.
    fn body(x: f64, y: f64, shape: f64) -> Vec<[f32; 2]> {
        let at = |i: usize| {
            let angle = i as f64 * 2.4 + shape;
            [(x + 25.0 * angle.cos()) as f32, (y - 80.0 + 10.0 * i as f64 + 5.0 * angle.sin()) as f32]
        };
        (0..17).map(at).collect()
    }

    #[test]
    fn identities_stay_while_persons_cross_and_hide() {
        for with_points in [true, false] {
            let mut stream = Generator::new(1, "test").stream(0);
            let mut tracker = TrackerConfig::default().build().unwrap();
            let mut owner = [None; 2];
            for i in 0..120 {
                let t = f64::from(i) / 30.0;
                let mut jitter = || 2.0 * stream.normal();
                let places = [100.0 + 100.0 * t + jitter(), 500.0 - 100.0 * t + jitter()];
                let bodies = [body(places[0], 200.0, 0.0), body(places[1], 205.0, 1.5)];
                let person = |k: usize| PersonFound {
                    bbox: [places[k] as f32 - 30.0, 110.0, 60.0, 180.0],
                    points: if with_points { &bodies[k] } else { &[] },
                    score: if i % 9 == 4 { 0.3 } else { 0.9 },
                };
                // they meet at 2 s; the second one is hidden for half a second
                let hidden = (52..67).contains(&i);
                let found = if hidden { vec![person(0)] } else { vec![person(1), person(0)] };
                for p in tracker.update(t, &found).unwrap() {
                    let Some(index) = p.found else { continue };
                    let who = if hidden || index == 1 { 0 } else { 1 };
                    let id = owner[who].get_or_insert(p.id);
                    assert_eq!(*id, p.id, "picture {i}, points {with_points}");
                }
            }
            assert_ne!(owner[0], owner[1]);
            assert!(tracker.patient().is_some());
        }
    }

    #[test]
    fn persons_come_and_go() {
        let mut tracker = TrackerConfig::default().build().unwrap();
        let person = PersonFound { bbox: [10.0, 10.0, 50.0, 150.0], points: &[], score: 0.9 };
        let ids = |tracker: &mut Tracker, t: f64, found: &[PersonFound<'_>]| -> Vec<u64> {
            tracker.update(t, found).unwrap().iter().map(|p| p.id).collect()
        };
        assert!(ids(&mut tracker, 0.0, &[person]).is_empty() && ids(&mut tracker, 0.1, &[person]).is_empty());
        assert_eq!(ids(&mut tracker, 0.2, &[person]), [1]);
        assert_eq!(ids(&mut tracker, 1.0, &[]), [1]);
        assert!(ids(&mut tracker, 1.3, &[]).is_empty());
        for (t, want) in [(1.4, 0), (1.5, 0), (1.6, 1)] {
            assert_eq!(ids(&mut tracker, t, &[person]).len(), want);
        }
        assert_eq!(ids(&mut tracker, 1.7, &[person]), [2]);
    }

    #[test]
    fn odd_input() {
        let mut tracker = TrackerConfig::default().build().unwrap();
        let person = PersonFound { bbox: [10.0, 10.0, 50.0, 150.0], points: &[], score: 0.9 };
        assert!(tracker.update(f64::NAN, &[person]).is_err());
        assert!(tracker.update(1.0, &[PersonFound { bbox: [f32::NAN; 4], ..person }]).is_err());
        assert!(tracker.update(1.0, &[PersonFound { bbox: [0.0; 4], ..person }]).is_err());
        assert!(tracker.update(1.0, &[]).is_ok() && tracker.update(1.0, &[]).is_err());
        let lost = [[f32::NAN; 2]; 17];
        for i in 0..5 {
            assert!(tracker.update(2.0 + f64::from(i), &[PersonFound { points: &lost, ..person }]).is_ok());
        }
        assert!(TrackerConfig::default().with_hits(0).build().is_err());
        assert!(TrackerConfig::default().with_sigmas(vec![0.0]).build().is_err());
    }
}
