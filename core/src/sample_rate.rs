use crate::error::Parameter;

/// A sampling rate in Hz: finite and above 0, so that no later step has to ask.
///
/// ```
/// use eir_core::SampleRate;
/// let rate = SampleRate::new(4.0)?;
/// assert_eq!(rate.samples(60.0), 240);
/// assert_eq!(rate.seconds(240), 60.0);
/// assert!(SampleRate::new(0.0).is_err());
/// # Ok::<(), eir_core::error::Parameter>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "f64", into = "f64"))]
pub struct SampleRate(f64);

impl SampleRate {
    /// A rate of `hz` samples a second.
    ///
    /// # Errors
    /// [`Parameter`] unless `hz` is finite and above 0.
    pub fn new(hz: f64) -> Result<Self, Parameter> {
        if hz.is_finite() && hz > 0.0 {
            Ok(Self(hz))
        } else {
            Err(Parameter::new("sample rate", hz, "a finite number of Hz above 0"))
        }
    }

    /// The rate in Hz.
    #[must_use]
    pub fn hz(self) -> f64 {
        self.0
    }

    /// Half the rate, in Hz: the highest frequency that samples can carry.
    #[must_use]
    pub fn nyquist_hz(self) -> f64 {
        self.0 / 2.0
    }

    /// The number of samples in `seconds`, rounded to the nearest; 0 for a negative time.
    #[must_use]
    pub fn samples(self, seconds: f64) -> usize {
        (seconds * self.0).round().max(0.0) as usize
    }

    /// The time of sample `index` in seconds from the first.
    #[must_use]
    pub fn seconds(self, index: usize) -> f64 {
        index as f64 / self.0
    }
}

impl TryFrom<f64> for SampleRate {
    type Error = Parameter;

    fn try_from(hz: f64) -> Result<Self, Parameter> {
        Self::new(hz)
    }
}

impl From<SampleRate> for f64 {
    fn from(rate: SampleRate) -> Self {
        rate.0
    }
}
