//! Kalman smoother: the whole recording looks at every picture, and each value has its error bar.

use crate::Result;
use eir_core::error::{Mismatch, Parameter, TooShort};
use serde::{Deserialize, Serialize};

/// How a point is thought to move between two pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MotionModel {
    /// Speed changes at random: for few pictures a second, or movement that stops at once.
    ConstantVelocity,
    /// Acceleration changes at random, speed does not jump: for limbs. The default.
    #[default]
    ConstantAcceleration,
}

impl MotionModel {
    /// Values of the state.
    fn order(self) -> usize {
        match self {
            Self::ConstantVelocity => 2,
            Self::ConstantAcceleration => 3,
        }
    }
}

/// Settings of [`KalmanSmoother`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KalmanConfig {
    /// How the point moves. Default constant acceleration.
    pub model: MotionModel,
    /// Standard deviation of one observation with confidence 1, above 0, in the unit of the values. Default: the most
    /// likely one for the recording.
    pub noise: Option<f64>,
    /// How freely the point moves: spectral density of the changing acceleration (of its rate of change for constant
    /// acceleration), above 0, in (unit)²/s³ or (unit)²/s⁵. Default: the most likely one for the recording.
    pub process: Option<f64>,
    /// Observations that lie more than so many standard deviations from what the others say are left out, 2 or more.
    /// Default 5.
    pub outlier: f64,
}

impl Default for KalmanConfig {
    fn default() -> Self {
        Self { model: MotionModel::default(), noise: None, process: None, outlier: 5.0 }
    }
}

impl KalmanConfig {
    /// Sets [`model`](Self::model).
    #[must_use]
    pub fn with_model(self, model: MotionModel) -> Self {
        Self { model, ..self }
    }

    /// Sets [`noise`](Self::noise).
    #[must_use]
    pub fn with_noise(self, noise: f64) -> Self {
        Self { noise: Some(noise), ..self }
    }

    /// Sets [`process`](Self::process).
    #[must_use]
    pub fn with_process(self, process: f64) -> Self {
        Self { process: Some(process), ..self }
    }

    /// Sets [`outlier`](Self::outlier).
    #[must_use]
    pub fn with_outlier(self, outlier: f64) -> Self {
        Self { outlier, ..self }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) names the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let positive = |v: Option<f64>| v.is_none_or(|v| v.is_finite() && v > 0.0);
        let checks = [
            ("noise", self.noise.unwrap_or_default(), positive(self.noise), "finite and above 0"),
            ("process", self.process.unwrap_or_default(), positive(self.process), "finite and above 0"),
            ("outlier", self.outlier, self.outlier >= 2.0, "2 or more"),
        ];
        match checks.into_iter().find(|(_, _, good, _)| !good) {
            Some((name, value, _, rule)) => Err(Parameter::new(name, value, rule).into()),
            None => Ok(()),
        }
    }

    /// Makes the smoother.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn build(self) -> Result<KalmanSmoother> {
        self.validate()?;
        Ok(KalmanSmoother { config: self })
    }
}

/// A track as the whole recording makes it most likely.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SmoothTrack<const A: usize> {
    /// The smoothed values; NaN before the first and after the last observation.
    #[serde(with = "axes")]
    pub position: Vec<[f64; A]>,
    /// Their change per second.
    #[serde(with = "axes")]
    pub velocity: Vec<[f64; A]>,
    /// Standard error of [`position`](Self::position), the same along every axis.
    pub sigma: Vec<f64>,
    /// Whether an observation was there and was used: a value without one is filled in.
    pub observed: Vec<bool>,
    /// Standard deviation of one observation with confidence 1.
    pub noise: f64,
    /// How freely the point moves; see [`KalmanConfig::process`].
    pub process: f64,
}

/// Arrays of any length through serde.
mod axes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer, const A: usize>(v: &[[f64; A]], s: S) -> Result<S::Ok, S::Error> {
        v.iter().map(<[f64; A]>::as_slice).collect::<Vec<_>>().serialize(s)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>, const A: usize>(d: D) -> Result<Vec<[f64; A]>, D::Error> {
        let rows = Vec::<Vec<f64>>::deserialize(d)?;
        rows.into_iter().map(|row| row.try_into().map_err(|_| D::Error::custom("a point of other length"))).collect()
    }
}

/// A Kalman filter run forwards and a smoother run backwards (Rauch, Tung and Striebel), with missing observations,
/// confidences and uneven times.
///
/// **Use it** on recorded key points or angles: it is the best that a linear method can do when the movement is as free
/// as it says, it has an error bar for each picture, and it finds out by itself how noisy and how free the track is.
/// **Not** live (see [`LiveKnee`](super::LiveKnee)), not across a cut in the film.
///
/// # Formula
/// State: value, its speed and (for constant acceleration) its acceleration; the highest of them changes as a random
/// walk with [`process`](KalmanConfig::process) `q`. An observation has variance `σ² / confidence²`. The backward pass is
/// Bierman's form, which inverts nothing: `x̂ = x⁻ − P⁻ λ`, `P̂ = P⁻ − P⁻ Λ P⁻`. `q` and `σ` maximise the likelihood of the
/// innovations `ν`: `Σ ln S + Σ ν²/S`. Observations further than [`outlier`](KalmanConfig::outlier) standard deviations
/// from the value that the others give are left out, and the rest is smoothed anew.
///
/// # Examples
/// ```
/// use eir_core::random::Generator;
/// use eir_vision::kinematics::KalmanConfig;
/// let mut stream = Generator::new(1, "example").stream(0);
/// let truth: Vec<f64> = (0..300).map(|i| 40.0 * (f64::from(i) / 30.0).sin()).collect();
/// let times: Vec<f64> = (0..300).map(|i| f64::from(i) / 30.0).collect();
/// let seen: Vec<[f64; 1]> = truth.iter().map(|v| [v + 2.0 * stream.normal()]).collect();
/// let smooth = KalmanConfig::default().build()?.smooth(&times, &seen, None)?;
/// assert!((smooth.noise - 2.0).abs() < 0.2);
/// let rmse = (smooth.position.iter().zip(&truth).map(|(a, b)| (a[0] - b).powi(2)).sum::<f64>() / 300.0).sqrt();
/// assert!(rmse < 0.7);
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Validation
/// With both settings given it equals the solution of the dense least-squares problem within 1e-6 (unit tests).
///
/// # References
/// Rauch, Tung, Striebel 1965, doi:10.2514/3.3166.
#[derive(Debug, Clone, PartialEq)]
pub struct KalmanSmoother {
    config: KalmanConfig,
}

impl KalmanSmoother {
    /// The default settings, to be changed and built.
    #[must_use]
    pub fn config() -> KalmanConfig {
        KalmanConfig::default()
    }

    /// Smooths `points`, one per time; a point with a coordinate that is not finite is missing, and so is one with
    /// confidence 0. Without confidences all are 1.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for lengths that differ,
    /// [`Error::Parameter`](crate::Error::Parameter) if the times do not rise,
    /// [`Error::TooShort`](crate::Error::TooShort) if no point is there.
    pub fn smooth<const A: usize>(
        &self,
        times_s: &[f64],
        points: &[[f64; A]],
        confidence: Option<&[f64]>,
    ) -> Result<SmoothTrack<A>> {
        let mut result = SmoothTrack::default();
        self.smooth_into(times_s, points, confidence, &mut KalmanScratch::default(), &mut result)?;
        Ok(result)
    }

    /// As [`smooth`](Self::smooth), into `result`; allocates nothing once both have held as many points.
    ///
    /// # Errors
    /// As `smooth`.
    pub fn smooth_into<const A: usize>(
        &self,
        times_s: &[f64],
        points: &[[f64; A]],
        confidence: Option<&[f64]>,
        scratch: &mut KalmanScratch<A>,
        result: &mut SmoothTrack<A>,
    ) -> Result<()> {
        let KalmanScratch { rows, steps, smoothed } = scratch;
        let mut track = Track::new(times_s, points, confidence, rows)?;
        let mut settings = self.settings(&track);
        track.smooth(settings, steps, smoothed);
        for _ in 0..3 {
            if track.leave_out(smoothed, settings, self.config.outlier) == 0 {
                break;
            }
            settings = self.settings(&track);
            track.smooth(settings, steps, smoothed);
        }
        let n = points.len();
        let SmoothTrack { position, velocity, sigma, observed, noise, process } = result;
        let all = [position, velocity];
        let [position, velocity] = all.map(|v| {
            v.clear();
            v.resize(n, [f64::NAN; A]);
            v
        });
        sigma.clear();
        sigma.resize(n, f64::NAN);
        observed.clear();
        observed.resize(n, false);
        for (o, row) in observed.iter_mut().skip(track.first).zip(&*track.rows) {
            *o = row.variance.is_finite();
        }
        *noise = settings.noise * track.scale;
        *process =
            settings.ratio * (settings.noise * track.scale).powi(2) / track.unit_s.powi(track.power(self.model()));
        let places = position.iter_mut().zip(velocity).zip(sigma).skip(track.first);
        for (((position, velocity), sigma), s) in places.zip(smoothed) {
            for k in 0..A {
                position[k] = s.x[k][0] * track.scale + track.middle[k];
                velocity[k] = s.x[k][1] * track.scale / track.unit_s;
            }
            *sigma = s.variance.max(0.0).sqrt() * settings.noise * track.scale;
        }
        Ok(())
    }

    fn model(&self) -> MotionModel {
        self.config.model
    }

    /// Noise and freedom: as set, or the most likely.
    fn settings<const A: usize>(&self, track: &Track<'_, A>) -> Settings {
        let model = self.model();
        let known = self.config.noise.map(|n| (n / track.scale).max(FLOOR));
        let power = track.power(model);
        let noise_for = |ratio: f64| known.unwrap_or_else(|| track.likelihood(model, ratio, None).1);
        if let Some(process) = self.config.process {
            // the ratio depends on the noise, and that again on the ratio: a few rounds settle it
            let q = process / track.scale.powi(2) * track.unit_s.powi(power);
            let mut noise = known.unwrap_or(1.0);
            for _ in 0..if known.is_some() { 1 } else { 20 } {
                noise = noise_for(q / (noise * noise)).max(FLOOR);
            }
            return Settings { model, ratio: q / (noise * noise), noise };
        }
        let cost = |log_ratio: f64| track.likelihood(model, 10f64.powf(log_ratio), known).0;
        let ratio = 10f64.powf(lowest(LOWEST, HIGHEST, cost));
        Settings { model, ratio, noise: noise_for(ratio).max(FLOOR) }
    }
}

/// Memory of a [`KalmanSmoother`], kept between calls.
#[derive(Debug, Clone, Default)]
pub struct KalmanScratch<const A: usize> {
    rows: Vec<Row<A>>,
    steps: Vec<Step<A>>,
    smoothed: Vec<Smoothed<A>>,
}

impl<const A: usize> KalmanScratch<A> {
    pub(super) fn reserve(&mut self, points: usize) {
        self.rows.reserve(points);
        self.steps.reserve(points);
        self.smoothed.reserve(points);
    }
}

impl<const A: usize> SmoothTrack<A> {
    pub(super) fn reserve(&mut self, points: usize) {
        self.position.reserve(points);
        self.velocity.reserve(points);
        self.sigma.reserve(points);
        self.observed.reserve(points);
    }
}

/// Range of the logarithm of process over noise, with the time between two pictures as the unit of time.
const LOWEST: f64 = -14.0;
const HIGHEST: f64 = 6.0;
/// Standard deviation of an observation that is exact, as a share of the track's extent.
const FLOOR: f64 = 1e-9;
/// Variance of the first state in units of the noise, where nothing is known of either.
const VAGUE: f64 = 1e8;

/// The place of the lowest value: downhill in steps of 2 from −4, then golden section to a tenth.
fn lowest(low: f64, high: f64, cost: impl Fn(f64) -> f64) -> f64 {
    let (mut middle, mut step) = (-4.0, 2.0);
    let mut at_middle = cost(middle);
    let (mut left, mut right) = (middle - step, middle + step);
    let (at_left, at_right) = (cost(left), cost(right));
    if at_left < at_middle || at_right < at_middle {
        if at_left < at_right {
            step = -step;
        }
        let mut at_next = at_left.min(at_right);
        let mut next = middle + step;
        while at_next < at_middle && next > low && next < high {
            (middle, at_middle) = (next, at_next);
            next = middle + step;
            at_next = cost(next);
        }
        if at_next < at_middle {
            middle = next;
        }
        (left, right) = ((middle - step.abs()).max(low), (middle + step.abs()).min(high));
    }
    const SHARE: f64 = 0.618_033_988_749_895;
    let (mut a, mut b) = (right - SHARE * (right - left), left + SHARE * (right - left));
    let (mut at_a, mut at_b) = (cost(a), cost(b));
    while right - left > 0.2 {
        if at_a < at_b {
            (right, b, at_b) = (b, a, at_a);
            a = right - SHARE * (right - left);
            at_a = cost(a);
        } else {
            (left, a, at_a) = (a, b, at_b);
            b = left + SHARE * (right - left);
            at_b = cost(b);
        }
    }
    (left + right) / 2.0
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    model: MotionModel,
    /// Process over squared noise, in the track's unit of time.
    ratio: f64,
    /// Of an observation with confidence 1, as a share of the track's extent.
    noise: f64,
}

/// One picture: the time since the one before, the point, and its variance (infinite: missing).
#[derive(Debug, Clone, Copy)]
struct Row<const A: usize> {
    step: f64,
    z: [f64; A],
    variance: f64,
}

/// The observations from the first to the last that is there, moved and scaled so that numbers are near 1.
#[derive(Debug)]
struct Track<'a, const A: usize> {
    rows: &'a mut Vec<Row<A>>,
    first: usize,
    middle: [f64; A],
    scale: f64,
    /// The unit of time: the usual time between two pictures.
    unit_s: f64,
}

/// A symmetric 3 × 3 matrix.
#[derive(Debug, Clone, Copy)]
struct Symmetric {
    a: f64,
    b: f64,
    c: f64,
    d: f64,
    e: f64,
    f: f64,
}

/// What the forward pass leaves for the backward pass: the state before the observation, and what that said.
#[derive(Debug, Clone, Copy)]
struct Step<const A: usize> {
    x: [[f64; 3]; A],
    p: Symmetric,
    innovation: [f64; A],
    /// Variance of the innovation; infinite without an observation.
    s: f64,
    step: f64,
}

#[derive(Debug, Clone, Copy)]
struct Smoothed<const A: usize> {
    x: [[f64; 3]; A],
    /// Of the value, in units of the noise.
    variance: f64,
}

impl<'a, const A: usize> Track<'a, A> {
    fn new(
        times_s: &[f64],
        points: &[[f64; A]],
        confidence: Option<&[f64]>,
        rows: &'a mut Vec<Row<A>>,
    ) -> Result<Self> {
        Mismatch::check("times", points.len(), times_s.len())?;
        if let Some(confidence) = confidence {
            Mismatch::check("confidences", points.len(), confidence.len())?;
        }
        let rising = times_s.windows(2).all(|w| w[1] > w[0]) && times_s.iter().all(|t| t.is_finite());
        if !rising {
            return Err(Parameter::new("times_s", f64::NAN, "finite and rising from picture to picture").into());
        }
        let weight = |i: usize| confidence.map_or(1.0, |c| c.get(i).copied().unwrap_or_default());
        // values beyond 1e100 are as good as none: their squares would be infinite
        let there = |i: usize| {
            points.get(i).is_some_and(|p| p.iter().all(|v| v.abs() < 1e100))
                && weight(i) > 1e-6
                && weight(i).is_finite()
        };
        let first = (0..points.len()).find(|&i| there(i));
        let last = (0..points.len()).rev().find(|&i| there(i));
        let Some((first, last)) = first.zip(last) else {
            return Err(TooShort::new("pictures with a point", 0, 1).into());
        };
        let (mut middle, mut count) = ([0.0; A], 0.0);
        for (_, p) in points.iter().enumerate().filter(|(i, _)| there(*i)) {
            count += 1.0;
            for (m, v) in middle.iter_mut().zip(p) {
                *m += (v - *m) / count;
            }
        }
        let from_middle = |p: &[f64; A]| p.iter().zip(&middle).map(|(v, m)| (v - m).abs()).fold(0.0, f64::max);
        let scale =
            (first..=last).filter(|&i| there(i)).filter_map(|i| points.get(i)).map(from_middle).fold(0.0, f64::max);
        let scale = if scale > 0.0 { scale } else { 1.0 };
        let span = times_s.get(last).zip(times_s.get(first)).map_or(0.0, |(b, a)| b - a);
        let unit_s = if last > first { span / (last - first) as f64 } else { 1.0 };
        rows.clear();
        rows.extend((first..=last).map(|i| {
            let before = times_s.get(i.saturating_sub(1)).copied().unwrap_or_default();
            let step = if i > first { (times_s.get(i).copied().unwrap_or_default() - before) / unit_s } else { 0.0 };
            let point = points.get(i).copied().unwrap_or([f64::NAN; A]);
            let z = std::array::from_fn(|k| (point[k] - middle[k]) / scale);
            Row { step, z, variance: if there(i) { weight(i).powi(-2) } else { f64::INFINITY } }
        }));
        Ok(Self { rows, first, middle, scale, unit_s })
    }

    /// The power of time in the unit of the process.
    fn power(&self, model: MotionModel) -> i32 {
        2 * model.order() as i32 - 1
    }

    /// The forward pass. What bounds it: one division and some sixty multiplications that wait for one another; once the
    /// gain stays as it is (even times, nothing missing) the dozen of the state alone.
    #[inline(always)]
    fn forward(&self, model: MotionModel, ratio: f64, vague: f64, mut visit: impl FnMut(Step<A>)) {
        let Some(start) = self.rows.first() else { return };
        let mut x: [[f64; 3]; A] = std::array::from_fn(|k| [start.z[k], 0.0, 0.0]);
        let acceleration = if model == MotionModel::ConstantAcceleration { vague } else { 0.0 };
        // before the observation, and what it gains
        let mut p = Symmetric { a: vague, b: 0.0, c: 0.0, d: vague, e: 0.0, f: acceleration };
        let mut gain = [0.0; 3];
        let mut after = p;
        let (mut settled, mut last) = (false, *start);
        for (i, row) in self.rows.iter().enumerate() {
            // missing pictures have an infinite variance, which differs from itself by NaN: they unsettle it
            let alike = (row.step - last.step).abs() < 1e-9 && (row.variance - last.variance).abs() < 1e-12;
            last = *row;
            if i > 0 {
                let (h, g) = (row.step, row.step * row.step / 2.0);
                for x in &mut x {
                    x[0] += h * x[1] + g * x[2];
                    x[1] += h * x[2];
                }
                if !(settled && alike) {
                    let before = p;
                    p = after.predicted(h, g).plus_process(model, ratio, h);
                    settled = alike && p.near(&before);
                    gain = [0.0; 3];
                }
            }
            let s = p.a + row.variance;
            let innovation = if s.is_finite() { std::array::from_fn(|k| row.z[k] - x[k][0]) } else { [0.0; A] };
            visit(Step { x, p, innovation, s, step: row.step });
            if !s.is_finite() {
                after = p;
                continue;
            }
            if !settled || gain[0] == 0.0 {
                let over = 1.0 / s;
                gain = [p.a * over, p.b * over, p.c * over];
                let keep = row.variance * over;
                after = Symmetric {
                    a: p.a * keep,
                    b: p.b * keep,
                    c: p.c * keep,
                    d: p.d - gain[1] * p.b,
                    e: p.e - gain[1] * p.c,
                    f: p.f - gain[2] * p.c,
                };
            }
            for (x, nu) in x.iter_mut().zip(innovation) {
                for (x, k) in x.iter_mut().zip(gain) {
                    *x += k * nu;
                }
            }
        }
    }

    /// Minus twice the logarithm of the likelihood (but for a constant), and the noise that goes with it.
    fn likelihood(&self, model: MotionModel, ratio: f64, noise: Option<f64>) -> (f64, f64) {
        let (mut squares, mut product, mut log, mut seen) = (0.0, 1.0, 0.0, 0usize);
        let order = model.order();
        self.forward(model, ratio, VAGUE, |step| {
            if !step.s.is_finite() {
                return;
            }
            seen += 1;
            if seen <= order {
                return; // they only say where the track begins
            }
            squares += step.innovation.iter().map(|v| v * v).sum::<f64>() / step.s;
            // one logarithm for many factors
            product *= step.s;
            if !(1e-200..1e200).contains(&product) {
                log += product.ln();
                product = 1.0;
            }
        });
        let log = (log + product.ln()) * A as f64;
        let n = (seen.saturating_sub(order) * A) as f64;
        if n == 0.0 {
            return (0.0, noise.unwrap_or(FLOOR));
        }
        match noise {
            Some(noise) => (squares / (noise * noise) + log, noise),
            None => {
                let variance = (squares / n).max(FLOOR * FLOOR);
                (n * variance.ln() + log, variance.sqrt())
            }
        }
    }

    fn smooth(&self, settings: Settings, steps: &mut Vec<Step<A>>, smoothed: &mut Vec<Smoothed<A>>) {
        steps.clear();
        smoothed.clear();
        // the extent (1) three times in a picture: vague enough, and no larger, because the backward pass subtracts
        let vague = (3.0 / settings.noise).powi(2).max(100.0);
        self.forward(settings.model, settings.ratio, vague, |step| steps.push(step));
        let mut lambda = [[0.0f64; 3]; A];
        let mut l = Symmetric { a: 0.0, b: 0.0, c: 0.0, d: 0.0, e: 0.0, f: 0.0 };
        for (step, at) in steps.iter().zip(&*self.rows).rev() {
            let p = step.p;
            if step.s.is_finite() {
                let over = 1.0 / step.s;
                let gain = [p.a * over, p.b * over, p.c * over];
                for (lambda, nu) in lambda.iter_mut().zip(step.innovation) {
                    lambda[0] -= gain[0] * lambda[0] + gain[1] * lambda[1] + gain[2] * lambda[2] + nu * over;
                }
                let w = l.times(gain);
                l.a += over - 2.0 * w[0] + gain[0] * w[0] + gain[1] * w[1] + gain[2] * w[2];
                l.b -= w[1];
                l.c -= w[2];
            }
            let row = [p.a, p.b, p.c];
            let w = l.times(row);
            let variance = (p.a - (row[0] * w[0] + row[1] * w[1] + row[2] * w[2])).clamp(0.0, at.variance);
            let x = std::array::from_fn(|k| {
                let (x, back) = (step.x[k], p.times(lambda[k]));
                [x[0] - back[0], x[1] - back[1], x[2] - back[2]]
            });
            smoothed.push(Smoothed { x, variance });
            let (h, g) = (step.step, step.step * step.step / 2.0);
            for v in &mut lambda {
                *v = [v[0], h * v[0] + v[1], g * v[0] + h * v[1] + v[2]];
            }
            l = l.earlier(h, g);
        }
        smoothed.reverse();
    }

    /// Marks observations as missing that the others contradict; how many.
    fn leave_out(&mut self, smooth: &[Smoothed<A>], settings: Settings, limit: f64) -> usize {
        let mut count = 0;
        for (row, s) in self.rows.iter_mut().zip(smooth) {
            let variance = row.variance - s.variance;
            if !row.variance.is_finite() || variance <= 1e-6 * row.variance {
                continue;
            }
            let far = row.z.iter().zip(&s.x).map(|(z, x)| (z - x[0]).abs()).fold(0.0, f64::max);
            // FLOOR: an exact track has no outliers, only rounding
            if far > limit * variance.sqrt() * settings.noise.max(1e-6) {
                row.variance = f64::INFINITY;
                count += 1;
            }
        }
        count
    }
}

impl Symmetric {
    fn times(self, v: [f64; 3]) -> [f64; 3] {
        [
            self.a * v[0] + self.b * v[1] + self.c * v[2],
            self.b * v[0] + self.d * v[1] + self.e * v[2],
            self.c * v[0] + self.e * v[1] + self.f * v[2],
        ]
    }

    /// Whether nothing changes any more, to ten digits.
    fn near(&self, other: &Self) -> bool {
        let pairs = [
            (self.a, other.a),
            (self.b, other.b),
            (self.c, other.c),
            (self.d, other.d),
            (self.e, other.e),
            (self.f, other.f),
        ];
        pairs.into_iter().all(|(a, b)| (a - b).abs() <= 1e-10 * a.abs())
    }

    /// `F P Fᵀ` with `F = [1 h g; 0 1 h; 0 0 1]`.
    fn predicted(self, h: f64, g: f64) -> Self {
        let Self { a, b, c, d, e, f } = self;
        let row0 = [a + h * b + g * c, b + h * d + g * e, c + h * e + g * f];
        let row1 = [d + h * e, e + h * f];
        Self {
            a: row0[0] + h * row0[1] + g * row0[2],
            b: row0[1] + h * row0[2],
            c: row0[2],
            d: row1[0] + h * row1[1],
            e: row1[1],
            f,
        }
    }

    /// `Fᵀ L F`.
    fn earlier(self, h: f64, g: f64) -> Self {
        let Self { a, b, c, d, e, f } = self;
        let one = [h * a + b, h * b + d];
        let two = [g * a + h * b + c, g * b + h * d + e, g * c + h * e + f];
        Self {
            a,
            b: one[0],
            c: two[0],
            d: h * one[0] + one[1],
            e: h * two[0] + two[1],
            f: g * two[0] + h * two[1] + two[2],
        }
    }

    fn plus_process(self, model: MotionModel, q: f64, h: f64) -> Self {
        let (h2, h3) = (h * h, h * h * h);
        let Self { a, b, c, d, e, f } = self;
        match model {
            MotionModel::ConstantVelocity => Self { a: a + q * h3 / 3.0, b: b + q * h2 / 2.0, d: d + q * h, c, e, f },
            MotionModel::ConstantAcceleration => Self {
                a: a + q * h3 * h2 / 20.0,
                b: b + q * h2 * h2 / 8.0,
                c: c + q * h3 / 6.0,
                d: d + q * h3 / 3.0,
                e: e + q * h2 / 2.0,
                f: f + q * h,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eir_core::random::Generator;

    fn wave(n: usize, noise: f64, seed: u64) -> (Vec<f64>, Vec<f64>, Vec<[f64; 1]>) {
        let mut stream = Generator::new(seed, "test").stream(0);
        let times: Vec<f64> = (0..n).map(|i| i as f64 / 30.0).collect();
        let truth: Vec<f64> = times.iter().map(|t| 40.0 + 40.0 * (2.0 * t).sin()).collect();
        let seen = truth.iter().map(|v| [v + noise * stream.normal()]).collect();
        (times, truth, seen)
    }

    /// The same problem as one system of linear equations: states that move freely by `q`, seen with noise.
    fn dense(times: &[f64], z: &[Option<f64>], q: f64, noise: f64) -> Vec<f64> {
        let n = times.len();
        let size = 2 * n; // constant velocity
        let mut m = vec![vec![0.0; size + 1]; size];
        for (i, z) in z.iter().enumerate() {
            if let Some(z) = z {
                m[2 * i][2 * i] += 1.0 / (noise * noise);
                m[2 * i][size] += z / (noise * noise);
            }
        }
        for i in 1..n {
            let h = times[i] - times[i - 1];
            // the inverse of q [h³/3 h²/2; h²/2 h]
            let w = [[12.0 / (q * h.powi(3)), -6.0 / (q * h * h)], [-6.0 / (q * h * h), 4.0 / (q * h)]];
            // x_i − F x_(i−1) as rows over (p, v)_(i−1), (p, v)_i
            let rows = [[-1.0, -h, 1.0, 0.0], [0.0, -1.0, 0.0, 1.0]];
            for (a, ra) in rows.iter().enumerate() {
                for (b, rb) in rows.iter().enumerate() {
                    for (j, x) in ra.iter().enumerate() {
                        for (k, y) in rb.iter().enumerate() {
                            m[2 * (i - 1) + j][2 * (i - 1) + k] += x * w[a][b] * y;
                        }
                    }
                }
            }
        }
        for c in 0..size {
            let pivot = (c..size).max_by(|a, b| m[*a][c].abs().total_cmp(&m[*b][c].abs())).unwrap();
            m.swap(c, pivot);
            let row = m[c].clone();
            for (r, other) in m.iter_mut().enumerate() {
                let factor = other[c] / row[c];
                if r != c && factor != 0.0 {
                    other.iter_mut().zip(&row).for_each(|(v, p)| *v -= factor * p);
                }
            }
        }
        (0..n).map(|i| m[2 * i][size] / m[2 * i][2 * i]).collect()
    }

    #[test]
    fn equals_the_dense_solution() {
        let (mut times, _, seen) = wave(40, 2.0, 3);
        times.iter_mut().enumerate().for_each(|(i, t)| *t += 0.01 * (i % 3) as f64);
        let mut points = seen.clone();
        points[7] = [f64::NAN];
        points[8] = [f64::NAN];
        let z: Vec<Option<f64>> = points.iter().map(|p| p[0].is_finite().then_some(p[0])).collect();
        let config = KalmanConfig::default().with_model(MotionModel::ConstantVelocity);
        let smoother = config.with_noise(2.0).with_process(5000.0).with_outlier(100.0).build().unwrap();
        let got = smoother.smooth(&times, &points, None).unwrap();
        for (g, w) in got.position.iter().zip(dense(&times, &z, 5000.0, 2.0)) {
            assert!((g[0] - w).abs() < 1e-3, "{} {w}", g[0]);
        }
        assert!(!got.observed[7] && got.observed[9] && got.sigma[7] > got.sigma[20]);
        assert!((got.process - 5000.0).abs() < 1e-6 && (got.noise - 2.0).abs() < 1e-12);
    }

    #[test]
    fn finds_noise_and_leaves_exact_tracks_alone() {
        for noise in [0.5, 2.0, 6.0] {
            let (times, _, seen) = wave(600, noise, 4);
            let smooth = KalmanConfig::default().build().unwrap().smooth(&times, &seen, None).unwrap();
            assert!((smooth.noise / noise - 1.0).abs() < 0.1, "{noise} {}", smooth.noise);
        }
        let (times, truth, seen) = wave(300, 0.0, 5);
        let smooth = KalmanConfig::default().build().unwrap().smooth(&times, &seen, None).unwrap();
        assert!(smooth.position.iter().zip(&truth).all(|(p, t)| (p[0] - t).abs() < 1e-3));
        let still = KalmanConfig::default().build().unwrap().smooth(&times, &[[7.0]; 300], None).unwrap();
        assert!(still.position.iter().all(|p| (p[0] - 7.0).abs() < 1e-9));
    }

    #[test]
    fn error_bars_hold_and_outliers_go() {
        let (mut inside, mut all) = (0, 0);
        for seed in 0..20 {
            let (times, truth, mut seen) = wave(300, 3.0, seed);
            seen[100] = [400.0];
            let smooth = KalmanConfig::default().build().unwrap().smooth(&times, &seen, None).unwrap();
            assert!(!smooth.observed[100]);
            for ((p, s), t) in smooth.position.iter().zip(&smooth.sigma).zip(&truth) {
                all += 1;
                inside += usize::from((p[0] - t).abs() < 1.645 * s);
            }
        }
        let share = inside as f64 / all as f64;
        // a pure wave is smoother than the model expects
        assert!((0.87..0.96).contains(&share), "{share}");
    }

    #[test]
    fn odd_input() {
        let smoother = KalmanConfig::default().build().unwrap();
        assert!(smoother.smooth::<2>(&[], &[], None).is_err());
        assert!(smoother.smooth(&[0.0, 0.0], &[[1.0], [1.0]], None).is_err());
        assert!(smoother.smooth(&[0.0], &[[f64::NAN]], None).is_err());
        assert!(smoother.smooth(&[0.0, 1.0], &[[1.0]], None).is_err());
        let one = smoother.smooth(&[0.0, 1.0, 2.0], &[[f64::NAN], [4.0], [f64::INFINITY]], None).unwrap();
        assert!(one.position[0][0].is_nan() && one.position[1][0] == 4.0 && one.position[2][0].is_nan());
        let huge = smoother.smooth(&[0.0, 1e-300, 1e300], &[[1e99], [-1e99], [1e-99]], None).unwrap();
        assert_eq!(huge.position.len(), 3);
        assert!(KalmanConfig::default().with_noise(0.0).build().is_err());
        assert!(KalmanConfig::default().with_outlier(f64::NAN).build().is_err());
    }
}
