//! Time until something happens, where not all are followed until it does.
//!
//! | question | functions |
//! |---|---|
//! | how many are still without event at a time? when is it half? | [`KaplanMeier`] |
//! | how does the hazard add up? | [`NelsonAalen`] |
//! | do groups differ? | [`log_rank`] |
//! | how much does each covariate raise the hazard? | [`Cox`] |
//! | does a risk score rank who comes first? | [`concordance_index`] |
//!
//! All take the `time` of each patient's event or last observation, and whether it was the `event` (true) or the end of
//! observation (censored). A censored patient at the time of an event counts as still at risk.

mod concordance;
mod cox;
mod kaplan_meier;
mod log_rank;
mod nelson_aalen;

pub use concordance::concordance_index;
pub use cox::{Cox, CoxConfig, Ties};
pub use kaplan_meier::KaplanMeier;
pub use log_rank::{LogRank, log_rank};
pub use nelson_aalen::NelsonAalen;

use crate::Error;
use crate::error::{Mismatch, NotFinite, OutOfRange, TooShort};

/// An error unless there is a time of 0 or more for each event flag, and at least one.
fn check(time: &[f64], event: &[bool]) -> Result<(), Error> {
    Mismatch::check("event flags of the times", time.len(), event.len())?;
    if time.is_empty() {
        return Err(TooShort::new("times", 0, 1).into());
    }
    NotFinite::check_f64("time", time)?;
    Ok(OutOfRange::check("time", time.iter().copied(), "0 or more", |t| t >= 0.0)?)
}

/// A time at which somebody left.
struct Leaving {
    time: f64,
    at_risk: usize,
    events: usize,
}

/// All distinct times from 0 on, whether or not somebody left at 0.
fn life_table(time: &[f64], event: &[bool]) -> Result<Vec<Leaving>, Error> {
    check(time, event)?;
    let mut sorted: Vec<(f64, bool)> = time.iter().copied().zip(event.iter().copied()).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut table = vec![Leaving { time: 0.0, at_risk: time.len(), events: 0 }];
    for (i, (time, event)) in sorted.iter().enumerate() {
        if table.last().is_none_or(|last| last.time != *time) {
            table.push(Leaving { time: *time, at_risk: sorted.len() - i, events: 0 });
        }
        if let Some(last) = table.last_mut() {
            last.events += usize::from(*event);
        }
    }
    Ok(table)
}
