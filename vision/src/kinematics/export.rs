//! Files that other programs of biomechanics read: TRC, MOT, CSV.

use crate::Result;
use eir_core::SampleRate;
use eir_core::error::{Mismatch, TooShort, Unsupported};
use std::fmt::Write as _;

/// Names stand in columns: a tab, a comma, a quote or a line end would move them.
fn check_name(name: &str) -> Result<()> {
    let bad = |c: char| c.is_control() || matches!(c, ',' | '"' | '\t');
    if name.is_empty() || name.contains(bad) || name.trim() != name {
        let what = "a column name that is empty or has tabs, commas, quotes, line ends or outer spaces";
        return Err(Unsupported::new(what, "rename it").into());
    }
    Ok(())
}

fn rows<'a>(names: impl Iterator<Item = &'a str>, mut lengths: impl Iterator<Item = usize>) -> Result<usize> {
    names.into_iter().try_for_each(check_name)?;
    let Some(first) = lengths.next() else { return Err(TooShort::new("columns", 0, 1).into()) };
    lengths.try_for_each(|n| Mismatch::check("values of a column", first, n))?;
    Ok(first)
}

/// Marker positions as a TRC file (OpenSim): metres, one column of three for each marker, missing ones left empty.
///
/// **Use it** for inverse kinematics in OpenSim. Y must point up there.
///
/// ```
/// let text = eir_vision::kinematics::trc(&[("RKNE", &[[0.1, 0.5, 0.0], [0.1, 0.6, 0.0]])], 30.0)?;
/// assert!(text.starts_with("PathFileType\t4\t(X/Y/Z)") && text.contains("\n2\t0.033333\t0.100000\t0.600000\t0.000000\n"));
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// [`Error::TooShort`](crate::Error::TooShort) without markers, [`Error::Mismatch`](crate::Error::Mismatch) for lengths that
/// differ, [`Error::Unsupported`](crate::Error::Unsupported) for a name that does not fit into a column,
/// [`Error::Parameter`](crate::Error::Parameter) for a rate that is none.
pub fn trc(markers: &[(&str, &[[f64; 3]])], rate_hz: f64) -> Result<String> {
    let rate = SampleRate::new(rate_hz)?;
    let n = rows(markers.iter().map(|m| m.0), markers.iter().map(|m| m.1.len()))?;
    let (hz, count) = (rate.hz(), markers.len());
    let mut text = String::from("PathFileType\t4\t(X/Y/Z)\tmarkers.trc\n");
    text.push_str(
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n",
    );
    let _ = writeln!(text, "{hz:.6}\t{hz:.6}\t{n}\t{count}\tm\t{hz:.6}\t1\t{n}"); // a String never fails
    text.push_str("Frame#\tTime");
    for (name, _) in markers {
        let _ = write!(text, "\t{name}\t\t");
    }
    text.push_str("\n\t");
    for k in 1..=count {
        let _ = write!(text, "\tX{k}\tY{k}\tZ{k}");
    }
    text.push_str("\n\n");
    for i in 0..n {
        let _ = write!(text, "{}\t{:.6}", i + 1, rate.seconds(i));
        for (_, track) in markers {
            match track.get(i).filter(|p| p.iter().all(|v| v.is_finite())) {
                Some([x, y, z]) => {
                    let _ = write!(text, "\t{x:.6}\t{y:.6}\t{z:.6}");
                }
                None => text.push_str("\t\t\t"),
            }
        }
        text.push('\n');
    }
    Ok(text)
}

/// Angles over time as a MOT file (OpenSim), in degrees; a missing value is written as `nan`.
///
/// ```
/// let text = eir_vision::kinematics::mot("squat", &[("knee_angle_r", &[3.0, 4.5])], 30.0)?;
/// assert!(text.starts_with("squat\nversion=1\nnRows=2\nnColumns=2\ninDegrees=yes\nendheader\ntime\tknee_angle_r\n"));
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// As [`trc`].
pub fn mot(name: &str, angles_deg: &[(&str, &[f64])], rate_hz: f64) -> Result<String> {
    check_name(name)?;
    let n = rows(angles_deg.iter().map(|a| a.0), angles_deg.iter().map(|a| a.1.len()))?;
    let columns = angles_deg.len() + 1;
    let head = format!("{name}\nversion=1\nnRows={n}\nnColumns={columns}\ninDegrees=yes\nendheader\n");
    table(head, angles_deg, n, rate_hz, '\t', "nan")
}

/// Columns over time as CSV with a header (RFC 4180 with LF); a missing value is an empty field.
///
/// ```
/// let text = eir_vision::kinematics::csv(&[("flexion_deg", &[3.0, f64::NAN]), ("sigma_deg", &[0.5, f64::NAN])], 10.0)?;
/// assert_eq!(text, "time,flexion_deg,sigma_deg\n0.000000,3.000000,0.500000\n0.100000,,\n");
/// # Ok::<(), eir_vision::Error>(())
/// ```
///
/// # Errors
/// As [`trc`].
pub fn csv(columns: &[(&str, &[f64])], rate_hz: f64) -> Result<String> {
    let n = rows(columns.iter().map(|c| c.0), columns.iter().map(|c| c.1.len()))?;
    table(String::new(), columns, n, rate_hz, ',', "")
}

fn table(
    mut text: String,
    columns: &[(&str, &[f64])],
    n: usize,
    rate_hz: f64,
    between: char,
    missing: &str,
) -> Result<String> {
    let rate = SampleRate::new(rate_hz)?;
    text.push_str("time");
    for (name, _) in columns {
        text.push(between);
        text.push_str(name);
    }
    text.push('\n');
    for i in 0..n {
        let _ = write!(text, "{:.6}", rate.seconds(i));
        for (_, values) in columns {
            text.push(between);
            match values.get(i).filter(|v| v.is_finite()) {
                Some(v) => {
                    let _ = write!(text, "{v:.6}");
                }
                None => text.push_str(missing),
            }
        }
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_columns() {
        let gap = [[f64::NAN; 3], [1.0, 2.0, 3.0]];
        let text = trc(&[("a", &gap), ("b", &gap)], 25.0).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 8);
        assert!(lines.iter().skip(6).all(|l| l.split('\t').count() == 8), "{text}");
        assert_eq!(lines[3].split('\t').count(), 8);
        assert_eq!(lines[2], "25.000000\t25.000000\t2\t2\tm\t25.000000\t1\t2");
    }

    #[test]
    fn names_that_would_break_the_table_are_refused() {
        for name in ["", "a\tb", "a\n", "a,b", "\"", " a"] {
            assert!(csv(&[(name, &[1.0])], 10.0).is_err(), "{name:?}");
            assert!(trc(&[(name, &[[0.0; 3]])], 10.0).is_err() && mot("m", &[(name, &[1.0])], 10.0).is_err());
        }
        assert!(csv(&[], 10.0).is_err() && csv(&[("a", &[1.0]), ("b", &[])], 10.0).is_err());
        assert!(mot("m", &[("a", &[1.0])], f64::NAN).is_err() && mot("m\n", &[("a", &[1.0])], 1.0).is_err());
    }
}
