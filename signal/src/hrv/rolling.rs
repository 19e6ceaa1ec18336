//! Quantiles in a window that moves.

use eir_core::metrics::sorted_quantile;

/// For each place, the quantiles `Q` of the values at most `half` places away; the window shrinks at the ends.
///
/// The window is kept in order: a step costs one search and one move of half a window of memory.
pub(super) fn quantiles<const Q: usize>(x: &[f64], half: usize, q: [f64; Q]) -> Vec<[f64; Q]> {
    let mut sorted: Vec<f64> = Vec::with_capacity(2 * half + 1);
    let insert = |sorted: &mut Vec<f64>, v: f64| {
        let at = sorted.partition_point(|w| *w < v);
        sorted.insert(at, v);
    };
    x.iter().take(half).for_each(|v| insert(&mut sorted, *v));
    (0..x.len())
        .map(|i| {
            let place = |sorted: &[f64], v: f64| sorted.partition_point(|w| *w < v);
            match (x.get(i + half), i.checked_sub(half + 1)) {
                // one comes and one goes: only what lies between them moves
                (Some(new), Some(old)) => {
                    let (from, to) = (place(&sorted, x[old]), place(&sorted, *new));
                    if from < to {
                        sorted.copy_within(from + 1..to, from);
                        sorted[to - 1] = *new;
                    } else if from < sorted.len() {
                        sorted.copy_within(to..from, to + 1);
                        sorted[to] = *new;
                    }
                }
                (Some(new), None) => insert(&mut sorted, *new),
                (None, Some(old)) => {
                    let at = place(&sorted, x[old]);
                    if at < sorted.len() {
                        sorted.remove(at);
                    }
                }
                (None, None) => {}
            }
            q.map(|q| sorted_quantile(&sorted, q).unwrap_or(f64::NAN))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_sorting_each_window() {
        let x: Vec<f64> = (0..60u32).map(|i| f64::from(i * i % 13)).collect();
        for half in [0, 1, 5, 45, 80] {
            let found = quantiles(&x, half, [0.25, 0.5]);
            for (i, found) in found.iter().enumerate() {
                let mut window = x[i.saturating_sub(half)..(i + half + 1).min(x.len())].to_vec();
                window.sort_by(f64::total_cmp);
                assert_eq!(*found, [0.25, 0.5].map(|q| sorted_quantile(&window, q).unwrap()));
            }
        }
    }
}
