use serde::{Deserialize, Serialize};

/// What is foretold: a pH of the umbilical artery at or below a limit. The sign belongs to the label: on the CTU-UHB
/// records pH ≤ 7.05 and pH < 7.05 differ by a tenth of the cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Acidaemia {
    /// pH ≤ the limit.
    AtMost {
        /// The limit.
        ph: f64,
    },
    /// pH < the limit.
    Below {
        /// The limit.
        ph: f64,
    },
}

impl Acidaemia {
    /// pH ≤ 7.05: severe.
    pub const SEVERE: Self = Self::AtMost { ph: 7.05 };
    /// pH < 7.15: moderate.
    pub const MODERATE: Self = Self::Below { ph: 7.15 };

    /// Whether `ph` is such a pH; NaN is not.
    ///
    /// ```
    /// use eir_signal::models::Acidaemia;
    /// assert!(Acidaemia::SEVERE.holds(7.05) && !Acidaemia::MODERATE.holds(7.15));
    /// ```
    #[must_use]
    pub fn holds(self, ph: f64) -> bool {
        match self {
            Self::AtMost { ph: limit } => ph <= limit,
            Self::Below { ph: limit } => ph < limit,
        }
    }

    /// "pH ≤ 7.05".
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::AtMost { ph } => format!("pH ≤ {ph:.2}"),
            Self::Below { ph } => format!("pH < {ph:.2}"),
        }
    }
}
