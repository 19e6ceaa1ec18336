//! A figure: a confusion matrix as a heat map.

use crate::{Error, Result};
use eir_core::error::{Mismatch, NotFinite};
use eir_core::svg::{Anchor, Colour, Svg};

const CELL: f64 = 64.0;
const LEFT: f64 = 130.0;
const TOP: f64 = 84.0;

/// A confusion matrix as SVG: a row per true class, a column per answer, the share of the row in each cell.
///
/// `matrix` is row by row, counts or shares; each row is divided by its sum, a row of zeros stays empty.
///
/// ```
/// use eir_annotate::confusion_map;
/// let svg = confusion_map("Rater 3", &["N", "V"], &[0.9, 0.1, 0.25, 0.75])?;
/// assert!(svg.contains("0.75") && svg.contains("Rater 3"));
/// # Ok::<(), eir_annotate::Error>(())
/// ```
///
/// # Errors
/// [`Error::Mismatch`] unless there are `classes²` numbers, [`Error::NotFinite`](crate::Error), [`Error::Undefined`] without
/// a class or for a number below 0.
pub fn confusion_map<S: AsRef<str>>(title: &str, classes: &[S], matrix: &[f64]) -> Result<String> {
    let k = classes.len();
    Mismatch::check("entries of the confusion matrix", k * k, matrix.len())?;
    NotFinite::check_f64("entry of the confusion matrix", matrix)?;
    if k == 0 || matrix.iter().any(|v| *v < 0.0) {
        return Err(Error::Undefined { what: "the confusion map", why: "it needs classes and shares of at least 0" });
    }
    let side = CELL * k as f64;
    let (width, height) = ((LEFT + side + 20.0).max(280.0), TOP + side + 24.0);
    let mut figure =
        Svg::new(width, height, title, &format!("Confusion matrix of {k} classes, shares of each true class"));
    figure.text(12.0, 22.0, Anchor::Start, 14.0, Colour::Ink, title);
    figure.text(LEFT + side / 2.0, TOP - 28.0, Anchor::Middle, 12.0, Colour::Ink, "Answer");
    figure.text_upwards(20.0, TOP + side / 2.0, Anchor::Middle, 12.0, Colour::Ink, "Truth");
    let name = |i: usize| classes.get(i).map_or_else(String::new, |c| c.as_ref().chars().take(12).collect());
    for (truth, row) in matrix.chunks_exact(k).enumerate() {
        let total: f64 = row.iter().sum();
        let y = TOP + CELL * truth as f64;
        figure.text(LEFT - 8.0, y + CELL / 2.0 + 4.0, Anchor::End, 12.0, Colour::Ink, &name(truth));
        figure.text(LEFT + CELL * (truth as f64 + 0.5), TOP - 8.0, Anchor::Middle, 12.0, Colour::Ink, &name(truth));
        for (answer, value) in row.iter().enumerate() {
            let x = LEFT + CELL * answer as f64;
            let share = if total > 0.0 { value / total } else { 0.0 };
            let colour = if truth == answer { Colour::Good } else { Colour::Bad };
            figure.rect(x + 1.0, y + 1.0, CELL - 2.0, CELL - 2.0, Colour::Grid, 0.45);
            // at most 0.55: the number on it stays readable in both themes
            figure.rect(x + 1.0, y + 1.0, CELL - 2.0, CELL - 2.0, colour, 0.55 * share);
            let text = if total > 0.0 { format!("{share:.2}") } else { "–".to_owned() };
            figure.text(x + CELL / 2.0, y + CELL / 2.0 + 5.0, Anchor::Middle, 13.0, Colour::Ink, &text);
        }
    }
    Ok(figure.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_matrix() {
        assert!(confusion_map::<&str>("x", &[], &[]).is_err());
        assert!(confusion_map("x", &["a"], &[f64::NAN]).is_err());
        assert!(confusion_map("x", &["a"], &[-1.0]).is_err());
        assert!(confusion_map("x", &["a", "b"], &[1.0]).is_err());
        assert!(confusion_map("x", &["a", "b"], &[0.0, 0.0, 3.0, 1.0]).is_ok_and(|svg| svg.contains("0.75")));
    }
}
