//! Repetitions judged while they happen.

use super::assessor::{Assessor, RepetitionAssessment, Work};
use super::sequence::{BodyPoints, seen};
use crate::Result;
use eir_core::error::Parameter;
use std::collections::VecDeque;

/// How much of the recording is kept, in seconds and in pictures.
const KEPT_S: f64 = 30.0;
const KEPT: usize = 4096;
/// How often it is looked at, and what must follow a repetition before it is judged.
const EVERY_S: f64 = 0.5;
const SETTLED: f64 = 0.35;
/// Repetitions of 30 s at most: none is shorter than 0.4 s.
const REPETITIONS: usize = 76;

/// An [`Assessor`] for a live camera: a picture in, the repetition that has just ended out.
///
/// It keeps the last 30 s (at most 4096 pictures) and looks at them twice a second. Memory is fixed: a picture allocates
/// nothing. A repetition comes out once a third of its length has passed after its end, and says what [`Assessor::assess`] says of those 30 s.
///
/// # Examples
/// ```
/// use eir_vision::rehab::{Assessor, AssessorConfig};
/// use eir_vision::rehab::simulation::{SimulationConfig, simulate};
/// let film = simulate(&SimulationConfig::default(), 3, 7)?;
/// let assessor = Assessor::shipped(AssessorConfig::default())?;
/// let mut live = assessor.live();
/// let mut count = 0;
/// for (t, points) in film.sequence.times_s().iter().zip(film.sequence.points()) {
///     count += usize::from(live.push(*t, points)?.is_some());
/// }
/// assert!(count + 1 >= film.squats.len()); // the last one may still be settling
/// # Ok::<(), eir_vision::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LiveAssessor<'a> {
    assessor: &'a Assessor,
    times_s: VecDeque<f64>,
    points: VecDeque<BodyPoints>,
    looked_s: f64,
    told_s: f64,
    work: Work,
}

impl<'a> LiveAssessor<'a> {
    pub(super) fn new(assessor: &'a Assessor) -> Self {
        Self {
            assessor,
            times_s: VecDeque::with_capacity(KEPT + 1),
            points: VecDeque::with_capacity(KEPT + 1),
            looked_s: f64::NEG_INFINITY,
            told_s: f64::NEG_INFINITY,
            work: Work::with_room(assessor, KEPT, KEPT_S, REPETITIONS),
        }
    }

    /// Takes the points of the next picture; NaN where a point is not seen.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a time that is not finite or not after the one before; the
    /// picture is then left out.
    pub fn push(&mut self, time_s: f64, points: &BodyPoints) -> Result<Option<RepetitionAssessment>> {
        let last = self.times_s.back().copied().unwrap_or(f64::NEG_INFINITY);
        if !(time_s.abs() < 1e12 && time_s > last) {
            return Err(Parameter::new("time of the picture", time_s, "finite and after the one before").into());
        }
        if time_s - last > KEPT_S {
            // another recording
            self.times_s.clear();
            self.points.clear();
            self.looked_s = time_s;
        }
        self.times_s.push_back(time_s);
        self.points.push_back(seen(points));
        while self.times_s.len() > KEPT || self.times_s.front().is_some_and(|t| time_s - t > KEPT_S) {
            self.times_s.pop_front();
            self.points.pop_front();
        }
        if time_s - self.looked_s < EVERY_S || self.times_s.len() < 16 {
            return Ok(None);
        }
        self.looked_s = time_s;
        let (times_s, points) = (self.times_s.make_contiguous(), self.points.make_contiguous());
        // too little seen so far is no answer yet
        let Ok(_) = self.assessor.assess_into(times_s, points, &mut self.work) else { return Ok(None) };
        let over = |r: &RepetitionAssessment| r.end_s + SETTLED * (r.end_s - r.start_s) <= time_s;
        // the same repetition is cut a little differently when more is known
        let new = |r: &&RepetitionAssessment| r.peak_s > self.told_s && r.start_s >= self.told_s && over(r);
        let new = self.work.repetitions.iter().find(new).copied();
        if let Some(new) = &new {
            self.told_s = new.peak_s + 0.5 * (new.end_s - new.peak_s);
        }
        Ok(new)
    }
}
