use crate::random::Generator;

/// Spreads units over bins so that each bin holds its share of every class and of all rows.
///
/// `units[u][c]` is the number of rows of class `c` in unit `u`; gives each unit's bin. From the largest unit down, each goes
/// to the bin that gains most; then units move as long as that evens the bins out. The seed decides between equals.
pub(super) fn spread(units: &[Vec<f64>], shares: &[f64], seed: u64) -> Vec<usize> {
    let mut totals = vec![0.0; units.first().map_or(0, Vec::len) + 1];
    // a last column that counts all rows
    let units: Vec<Vec<f64>> = units.iter().map(|u| u.iter().copied().chain([u.iter().sum()]).collect()).collect();
    for unit in &units {
        totals.iter_mut().zip(unit).for_each(|(t, v)| *t += v);
    }
    let key = Generator::new(seed, "split groups");
    let mut order: Vec<usize> = (0..units.len()).collect();
    let size = |u: usize| units[u].last().copied().unwrap_or(0.0);
    order.sort_by_cached_key(|u| (std::cmp::Reverse(size(*u) as u64), key.stream(*u as u64).bits()));

    let mut bins = Bins { held: vec![vec![0.0; totals.len()]; shares.len()], totals, shares };
    let mut bin_of = vec![0; units.len()];
    let mut members = vec![0usize; shares.len()];
    for (placed, unit) in order.iter().enumerate() {
        // the last units are kept for bins that would stay empty
        let empty = members.iter().filter(|m| **m == 0).count();
        let needed = empty >= units.len() - placed;
        let open = (0..shares.len()).filter(|b| !needed || members[*b] == 0);
        let best =
            open.min_by(|a, b| bins.change(*a, &units[*unit], 1.0).total_cmp(&bins.change(*b, &units[*unit], 1.0)));
        let bin = best.unwrap_or(0);
        bins.add(bin, &units[*unit], 1.0);
        members[bin] += 1;
        bin_of[*unit] = bin;
    }
    for _pass in 0..50 {
        let mut moved = false;
        for unit in &order {
            let from = bin_of[*unit];
            if members[from] == 1 {
                continue;
            }
            let leave = bins.change(from, &units[*unit], -1.0);
            let gain = |to: usize| leave + bins.change(to, &units[*unit], 1.0);
            let best = (0..shares.len()).filter(|to| *to != from).min_by(|a, b| gain(*a).total_cmp(&gain(*b)));
            let Some(to) = best.filter(|to| gain(*to) < -1e-12) else { continue };
            bins.add(from, &units[*unit], -1.0);
            bins.add(to, &units[*unit], 1.0);
            members[from] -= 1;
            members[to] += 1;
            bin_of[*unit] = to;
            moved = true;
        }
        if !moved {
            break;
        }
    }
    bin_of
}

/// What each bin holds of each class, against what it should.
struct Bins<'a> {
    held: Vec<Vec<f64>>,
    totals: Vec<f64>,
    shares: &'a [f64],
}

impl Bins<'_> {
    /// How the sum of squared deviations (each class as a share of its rows) changes when `unit` comes (+1) or goes (−1).
    fn change(&self, bin: usize, unit: &[f64], sign: f64) -> f64 {
        let terms = self.held[bin].iter().zip(unit).zip(&self.totals).filter(|(_, total)| **total > 0.0);
        terms
            .map(|((held, rows), total)| {
                let (before, step) = (held / total - self.shares[bin], sign * rows / total);
                step * (2.0 * before + step)
            })
            .sum()
    }

    fn add(&mut self, bin: usize, unit: &[f64], sign: f64) {
        self.held[bin].iter_mut().zip(unit).for_each(|(held, rows)| *held += sign * rows);
    }
}
