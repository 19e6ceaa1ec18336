//! Quantiles in a window that moves.

/// For each place, the quantiles `Q` of the values at most `half` places away; the window shrinks at the ends.
///
/// The window is kept in order: a step costs two searches and one move of the values between the one that comes and the
/// one that goes. Where the quantiles lie in it changes with its length only.
pub(super) fn quantiles<const Q: usize>(x: &[f64], half: usize, q: [f64; Q]) -> Vec<[f64; Q]> {
    let mut sorted: Vec<f64> = Vec::with_capacity(2 * half + 1);
    let insert = |sorted: &mut Vec<f64>, v: f64| {
        let at = sorted.partition_point(|w| *w < v);
        sorted.insert(at, v);
    };
    x.iter().take(half).for_each(|v| insert(&mut sorted, *v));
    let mut places = (0, [Place::default(); Q]);
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
            if places.0 != sorted.len() {
                places = (sorted.len(), q.map(|q| Place::new(q, sorted.len())));
            }
            places.1.map(|place| place.of(&sorted))
        })
        .collect()
}

/// Where a quantile lies among sorted values: between which, and how far. As `sorted_quantile` has it, without asking
/// anew for each window.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    below: usize,
    above: usize,
    share: f64,
}

impl Place {
    fn new(q: f64, values: usize) -> Self {
        let place = q * values.saturating_sub(1) as f64;
        let below = place as usize;
        let share = place - below as f64;
        Self { below, above: below + usize::from(share > 0.0), share }
    }

    fn of(self, sorted: &[f64]) -> f64 {
        match (sorted.get(self.below), sorted.get(self.above)) {
            (Some(low), Some(high)) if low == high => *low,
            (Some(low), Some(high)) => low + (high - low) * self.share,
            _ => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eir_core::metrics::sorted_quantile;

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
