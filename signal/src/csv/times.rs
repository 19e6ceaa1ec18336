//! The column of times of a table, and the rate that it gives.

use super::FORMAT;
use super::cells::Cells;
use crate::Result;
use crate::record::{clock, date_of, days};
use eir_core::error::Malformed;

/// Times that are looked at one after the other and not kept.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) column: usize,
    /// Units in a second, of a column of numbers.
    per_second: f64,
    /// Whether the cells are dates or times of day; known from the first.
    stamps: Option<bool>,
    count: u64,
    first_s: f64,
    last_s: f64,
    /// Day from 1970 of the first, and seconds of it.
    first: (Option<i64>, f64),
    /// Midnights that a column of times of day has passed.
    midnights: f64,
    /// Between these the time from row to row must lie, so that no row is more than half of it from its place.
    shortest_s: f64,
    longest_s: f64,
    /// The smallest difference that the cells can say, in seconds.
    resolution_s: f64,
    /// The first row at which the times go wrong.
    wrong: bool,
}

impl Times {
    /// A column whose name is one for times; none for another.
    pub(super) fn named(column: usize, name: &str, unit: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (base, unit) = if unit.is_empty() { name.rsplit_once('_').unwrap_or((&name, "")) } else { (&*name, unit) };
        let per_second = match unit.to_ascii_lowercase().as_str() {
            "s" | "" | "sec" | "seconds" => 1.0,
            "ms" | "msec" => 1e3,
            "us" | "µs" => 1e6,
            "min" => 1.0 / 60.0,
            "h" => 1.0 / 3600.0,
            _ => return None,
        };
        let known = ["time", "t", "seconds", "elapsed", "timestamp", "datetime"];
        known.contains(&base).then(|| Self { per_second, ..Self::unnamed(column) })
    }

    /// A column of dates or times of day.
    pub(super) fn unnamed(column: usize) -> Self {
        Self {
            column,
            per_second: 1.0,
            stamps: None,
            count: 0,
            first_s: 0.0,
            last_s: 0.0,
            first: (None, 0.0),
            midnights: 0.0,
            shortest_s: f64::NEG_INFINITY,
            longest_s: f64::INFINITY,
            resolution_s: 0.0,
            wrong: false,
        }
    }

    /// Looks at the next row's cell.
    pub(super) fn add(&mut self, cell: &str, cells: &Cells) -> std::result::Result<(), &'static str> {
        let stamps = *self.stamps.get_or_insert_with(|| is_stamp(cell));
        let digits = |text: &str| text.rsplit_once(['.', ',']).map_or(0, |(_, fraction)| fraction.len().min(12)) as i32;
        let seconds = if stamps {
            let (day, of_day) = stamp(cell).ok_or("the time is no date or time of day")?;
            if self.count == 0 {
                self.first = (day, of_day);
            }
            let days = match (day, self.first.0) {
                (Some(day), Some(first)) => (day - first) as f64,
                _ => {
                    if of_day + 43_200.0 < self.last_s - self.midnights * 86_400.0 {
                        self.midnights += 1.0;
                    }
                    self.midnights
                }
            };
            self.resolution_s = self.resolution_s.max(10f64.powi(-digits(cell.trim_end_matches('Z'))));
            days * 86_400.0 + of_day
        } else {
            self.resolution_s = self.resolution_s.max(10f64.powi(-digits(cell)) / self.per_second);
            cells.value(cell).ok_or("the time is no number")? / self.per_second
        };
        if self.count == 0 {
            self.first_s = seconds;
        } else {
            let (i, away) = (self.count as f64, seconds - self.first_s);
            self.shortest_s = self.shortest_s.max(away / (i + 0.5));
            self.longest_s = self.longest_s.min(away / (i - 0.5));
            self.wrong |= away.is_nan();
        }
        self.wrong |= seconds.is_nan();
        self.last_s = seconds;
        self.count += 1;
        Ok(())
    }

    /// Rows a second; none for fewer than two rows.
    pub(super) fn rate_hz(&self) -> Result<Option<f64>> {
        if self.count < 2 {
            return Ok(None);
        }
        let steps = (self.count - 1) as f64;
        let step = (self.last_s - self.first_s) / steps;
        if self.wrong || !step.is_finite() || step <= 0.0 || step < self.shortest_s || step > self.longest_s {
            return Err(Malformed::new(FORMAT, "the times do not rise evenly from row to row").into());
        }
        // times are written with few digits: a whole number of Hz that they cannot be told from is meant
        let whole = (1.0 / step).round();
        let meant = whole > 0.0 && (1.0 / whole - step).abs() <= self.resolution_s / steps + 1e-12 * step;
        Ok(Some(if meant { whole } else { 1.0 / step }))
    }

    /// Time and date of the first row; empty if the times are numbers.
    pub(super) fn start(&self) -> String {
        match (self.stamps, self.first) {
            (Some(true), (Some(day), of_day)) => format!("{} {}", clock(of_day), date_of(day)),
            (Some(true), (None, of_day)) => clock(of_day),
            _ => String::new(),
        }
    }
}

/// Whether a cell is a date and time of ISO 8601, or a time of day.
pub(super) fn is_stamp(cell: &str) -> bool {
    stamp(cell).is_some()
}

/// Days from 1970, where there is a date, and seconds of the day.
fn stamp(cell: &str) -> Option<(Option<i64>, f64)> {
    let (date, time) = match cell.split_once(['T', ' ']) {
        Some((date, time)) => (Some(date), time),
        None => (None, cell),
    };
    let (time, zone) = match time.strip_suffix('Z') {
        Some(time) => (time, 0.0),
        None => match time.rfind(['+', '-']).and_then(|at| time.split_at_checked(at)) {
            Some((time, zone)) => (time, self::zone(zone)?),
            None => (time, 0.0),
        },
    };
    let mut parts = time.split(':');
    let (h, m) = (parts.next()?, parts.next()?);
    let s = parts.next().unwrap_or("0").replace(',', ".");
    let whole = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
    let (h, m) = (whole(h)?, whole(m)?);
    let s = s.bytes().all(|b| b.is_ascii_digit() || b == b'.').then(|| s.parse::<f64>().ok()).flatten()?;
    if parts.next().is_some() || h > 23 || m > 59 || s >= 61.0 {
        return None;
    }
    let of_day = f64::from(h * 3600 + m * 60) + s - zone;
    let Some(date) = date else { return Some((None, of_day)) };
    let fields: Vec<i64> = date.split('-').map(str::parse).collect::<std::result::Result<_, _>>().ok()?;
    let [year, month, day] = <[i64; 3]>::try_from(fields).ok()?;
    // a day that the month does not have comes out as another
    let day = days(year, month, day).filter(|d| date_of(*d) == format!("{day:02}/{month:02}/{year:04}"))?;
    Some((Some(day), of_day))
}

/// Seconds of `+hh:mm` or `+hhmm`.
fn zone(text: &str) -> Option<f64> {
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let digits: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    let (h, m): (f64, f64) =
        (digits.get(..2)?.parse().ok()?, digits.get(2..).filter(|m| !m.is_empty()).unwrap_or("0").parse().ok()?);
    Some(sign * (h * 3600.0 + m * 60.0))
}
