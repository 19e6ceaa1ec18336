use super::p_value::smoothed;
use crate::Error;
use crate::error::{NotFinite, Parameter};
use crate::random::Generator;
use serde::{Deserialize, Serialize};

/// A betting martingale on p values: its capital grows where they are not uniform.
///
/// **Use it** on p values made elsewhere; [`ExchangeabilityMonitor`] makes them from scores.
///
/// # Formula
/// Three bets 1 + ε(p − ½), ε = −1, 0, 1, share a capital of 1. Before each p value every bet gives the part J of its
/// capital, which is dealt out evenly; then each is multiplied. Under exchangeability P(capital ever ≥ c) ≤ 1/c (Ville).
///
/// # Examples
/// ```
/// use eir_core::conformal::SimpleJumper;
/// let mut jumper = SimpleJumper::default();
/// for _ in 0..20 {
///     jumper.push(0.01)?; // small p values again and again
/// }
/// assert!(jumper.capital() > 20.0);
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # References
/// Vovk, Petej, Nouretdinov et al. 2021, "Retrain or not retrain", arXiv:2102.10439. Ville 1939.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SimpleJumper {
    jump: f64,
    /// Each bet's part of the capital.
    parts: [f64; 3],
    log_capital: f64,
    most: f64,
}

impl Default for SimpleJumper {
    /// J = 0.01.
    fn default() -> Self {
        Self { jump: 0.01, parts: [1.0 / 3.0; 3], log_capital: 0.0, most: 0.0 }
    }
}

impl SimpleJumper {
    /// With a part J (0 to 1) of the capital that changes its bet each time: larger finds a change sooner, smaller
    /// gains more from one that stays.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn new(jump: f64) -> Result<Self, Error> {
        match (0.0..=1.0).contains(&jump) {
            true => Ok(Self { jump, ..Self::default() }),
            false => Err(Parameter::new("jump", jump, "0 to 1").into()),
        }
    }

    /// Bets on a p value, and gives the capital.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a p value outside 0 to 1.
    pub fn push(&mut self, p: f64) -> Result<f64, Error> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Parameter::new("p value", p, "0 to 1").into());
        }
        for (part, epsilon) in self.parts.iter_mut().zip([-1.0, 0.0, 1.0]) {
            *part = ((1.0 - self.jump) * *part + self.jump / 3.0) * (1.0 + epsilon * (p - 0.5));
        }
        let growth: f64 = self.parts.iter().sum();
        self.parts.iter_mut().for_each(|part| *part /= growth);
        self.log_capital += libm::log(growth);
        self.most = self.most.max(self.log_capital);
        Ok(self.capital())
    }

    /// The capital now; 1 at the start.
    #[must_use]
    pub fn capital(&self) -> f64 {
        libm::exp(self.log_capital)
    }

    /// The largest capital that ever was.
    #[must_use]
    pub fn largest(&self) -> f64 {
        libm::exp(self.most)
    }
}

/// Watches whether the scores of a stream are still drawn as before, and raises an alarm when they are not.
///
/// **Use it** beside a model in service, on its conformal scores or its errors: when it raises, the coverage of sets and
/// intervals no longer holds. The capital at the alarm is the evidence. **Not** on cases in sorted order, or on several
/// rows of one patient: those are not exchangeable from the start.
///
/// # Formula
/// The smoothed p value of each score among all before it goes into a [`SimpleJumper`]. While the scores are
/// exchangeable, the probability that the alarm at level c is ever raised is at most 1/c (Ville): 5 % for c = 20.
/// Each score takes O(n), for it is sorted into all before it.
///
/// # Examples
/// ```
/// use eir_core::conformal::ExchangeabilityMonitor;
/// let mut monitor = ExchangeabilityMonitor::new(20.0, 1)?;
/// for i in 0..200 {
///     let usual = f64::from(i * 37 % 100);
///     monitor.push(if i < 100 { usual } else { usual + 100.0 })?; // a shift after 100 cases
/// }
/// assert!(monitor.alarm().is_some_and(|case| case > 100 && case < 130));
/// # Ok::<(), eir_core::Error>(())
/// ```
///
/// # Validation
/// Over 1000 exchangeable streams of 500 cases at most 5 % raise the alarm at 20; a shift of one standard deviation
/// after 250 cases is found in all but a few (tests below).
///
/// # References
/// Vovk, Petej, Nouretdinov et al. 2021, arXiv:2102.10439.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExchangeabilityMonitor {
    level: f64,
    seed: u64,
    sorted: Vec<f64>,
    jumper: SimpleJumper,
    alarm: Option<usize>,
}

impl ExchangeabilityMonitor {
    /// Raises the alarm when the capital reaches `level` (20: a false alarm with probability 5 % at most). `seed` breaks
    /// ties between scores.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a level that is not above 1 and finite.
    pub fn new(level: f64, seed: u64) -> Result<Self, Error> {
        if !(level > 1.0 && level.is_finite()) {
            return Err(Parameter::new("level", level, "above 1").into());
        }
        Ok(Self { level, seed, sorted: Vec::new(), jumper: SimpleJumper::default(), alarm: None })
    }

    /// The same with another [`SimpleJumper`].
    #[must_use]
    pub fn with_jumper(self, jumper: SimpleJumper) -> Self {
        Self { jumper, ..self }
    }

    /// Takes the score of the next case and gives the capital.
    ///
    /// # Errors
    /// [`Error::NotFinite`]; the monitor is then as before.
    pub fn push(&mut self, score: f64) -> Result<f64, Error> {
        NotFinite::check_f64("score", &[score])?;
        let case = self.sorted.len();
        let u = Generator::new(self.seed, "exchangeability").stream(case as u64).uniform();
        let capital = self.jumper.push(smoothed(&self.sorted, score, u))?;
        self.sorted.insert(self.sorted.partition_point(|s| *s < score), score);
        if capital >= self.level && self.alarm.is_none() {
            self.alarm = Some(case + 1);
        }
        Ok(capital)
    }

    /// After how many cases the alarm was raised; none while it has not been.
    #[must_use]
    pub fn alarm(&self) -> Option<usize> {
        self.alarm
    }

    /// Largest probability of a false alarm, ever: 1/level.
    #[must_use]
    pub fn false_alarm(&self) -> f64 {
        1.0 / self.level
    }

    /// The martingale.
    #[must_use]
    pub fn jumper(&self) -> &SimpleJumper {
        &self.jumper
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `runs` streams of 500 normal scores raise the alarm; the mean moves by `shift` after 250, and `round`
    /// makes ties.
    fn alarms(runs: u64, shift: f64, round: bool) -> usize {
        let raised = |seed: &u64| {
            let mut stream = Generator::new(*seed, "monitor").stream(0);
            let mut monitor = ExchangeabilityMonitor::new(20.0, *seed).unwrap();
            for i in 0..500 {
                let score = stream.normal() + if i < 250 { 0.0 } else { shift };
                monitor.push(if round { score.round() } else { score }).unwrap();
            }
            assert_eq!(monitor.alarm().is_some(), monitor.jumper().largest() >= 20.0);
            monitor.alarm().is_some()
        };
        (0..runs).filter(raised).count()
    }

    #[test]
    fn false_alarms_are_as_rare_as_ville_says() {
        // at most 5 %, and 3 standard errors
        let (plain, tied) = (alarms(1000, 0.0, false), alarms(300, 0.0, true));
        assert!(plain <= 70 && tied <= 26, "{plain} {tied}");
    }

    #[test]
    fn shifts_are_found() {
        for shift in [1.0, -1.0] {
            let found = alarms(200, shift, false);
            assert!(found >= 190, "{found} of 200");
        }
    }

    /// The expected growth of the capital on a uniform p value is 1, from whatever state.
    #[test]
    fn it_is_a_martingale() {
        let mut jumper = SimpleJumper::new(0.1).unwrap();
        for p in [0.1, 0.9, 0.2, 0.2, 0.01] {
            jumper.push(p).unwrap();
            let before = jumper.capital();
            let mean =
                (0..1000).map(|i| jumper.clone().push((f64::from(i) + 0.5) / 1000.0).unwrap()).sum::<f64>() / 1000.0;
            assert!((mean / before - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn borders() {
        assert!(SimpleJumper::new(1.5).is_err() && ExchangeabilityMonitor::new(1.0, 0).is_err());
        assert!(SimpleJumper::default().push(f64::NAN).is_err());
        let mut monitor = ExchangeabilityMonitor::new(20.0, 0).unwrap();
        assert!(monitor.push(f64::NAN).is_err() && monitor.sorted.is_empty());
        assert_eq!(monitor.false_alarm(), 0.05);
        monitor.push(1.0).unwrap();
        let text = serde_json::to_string(&monitor).unwrap();
        assert_eq!(serde_json::from_str::<ExchangeabilityMonitor>(&text).unwrap(), monitor);
    }
}
