//! How many stretches of a series are alike: the count below sample, approximate and multiscale entropy.

use crate::dispatch::dispatched;

/// Finds stretches ("templates") whose values are all within a radius of one another.
///
/// Templates are put into buckets by their first value and sorted by their second within each: what is alike lies in the
/// same or the next bucket, between two places that only move forward. The comparison of the remaining values runs over
/// contiguous memory and is what bounds the time. The buffers are kept for the next series.
#[derive(Debug, Clone, Default)]
pub(crate) struct Neighbours {
    order: Vec<u32>,
    bucket: Vec<u32>,
    start: Vec<usize>,
    /// Values 0, 1, 2 … of the templates, in sorted order.
    values: Vec<Vec<f64>>,
    place: Vec<u32>,
    counts: Vec<u32>,
}

/// How many templates there are and how many pairs are alike in their first `m`, and in all `m + 1`, values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pairs {
    pub(crate) templates: usize,
    pub(crate) of_m: u64,
    pub(crate) of_m_and_next: u64,
}

/// So many templates are compared with one another as they are: sorting would cost more.
const FEW: usize = 256;

impl Neighbours {
    /// Counts the pairs of the `n − m·delay` templates of `m + 1` values.
    pub(crate) fn pairs(&mut self, x: &[f64], m: usize, delay: usize, radius: f64) -> Pairs {
        let templates = x.len().saturating_sub(m * delay);
        let mut pairs = Pairs { templates, of_m: 0, of_m_and_next: 0 };
        if templates < 2 || m == 0 {
            return pairs;
        }
        if m == 2 && templates <= FEW {
            (pairs.of_m, pairs.of_m_and_next) = dispatched(
                #[inline(always)]
                || count_few(x, delay, templates, radius),
            );
            return pairs;
        }
        self.sort(x, m + 1, delay, templates, radius);
        if m == 1 {
            pairs.of_m = self.pairs_of_one(x, templates, radius);
        }
        let (start, values) = (&self.start, &self.values);
        let (near, all) = dispatched(
            #[inline(always)]
            || count_pairs(start, values, radius),
        );
        if m == 1 {
            pairs.of_m_and_next = near;
        } else {
            (pairs.of_m, pairs.of_m_and_next) = (near, all);
        }
        pairs
    }

    /// For each of the `n − (length − 1)·delay` templates, how many are alike, itself included.
    pub(crate) fn counts(&mut self, x: &[f64], length: usize, delay: usize, radius: f64) -> &[u32] {
        let templates = x.len().saturating_sub(length.saturating_sub(1) * delay);
        self.counts.clear();
        self.counts.resize(templates, 0);
        if templates == 0 || length == 0 {
            return &self.counts;
        }
        if length == 1 {
            self.sort_plain(x, templates);
            let sorted = &self.values[0];
            let (mut low, mut high) = (0, 0);
            for (v, at) in sorted.iter().zip(&self.order) {
                low += sorted[low..].iter().take_while(|w| v - **w > radius).count();
                high += sorted[high..].iter().take_while(|w| **w - v <= radius).count();
                self.counts[*at as usize] = (high - low) as u32;
            }
            return &self.counts;
        }
        self.sort(x, length, delay, templates, radius);
        let (start, values, order, counts) = (&self.start, &self.values, &self.order, &mut self.counts);
        dispatched(
            #[inline(always)]
            || count_each(start, values, radius, order, counts),
        );
        &self.counts
    }

    /// Sorts the templates of `length ≥ 2` values into buckets.
    fn sort(&mut self, x: &[f64], length: usize, delay: usize, templates: usize, radius: f64) {
        let first = &x[..templates];
        let second = &x[delay..delay + templates];
        let (low, high) = first.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        // a little wider than the radius, so that rounding never puts a neighbour two buckets away
        let width = (radius * (1.0 + 1e-6)).max((high - low) / (4 * templates) as f64).max(f64::MIN_POSITIVE);
        self.bucket.clear();
        self.bucket.extend(first.iter().map(|v| ((v - low) / width) as u32));
        let buckets = self.bucket.iter().max().map_or(1, |b| *b as usize + 1);
        // by the second value, then stably by bucket
        self.place.clear();
        self.place.extend(0..templates as u32);
        self.place.sort_unstable_by(|a, b| second[*a as usize].total_cmp(&second[*b as usize]));
        self.start.clear();
        self.start.resize(buckets + 1, 0);
        self.bucket.iter().for_each(|b| self.start[*b as usize + 1] += 1);
        for k in 1..=buckets {
            self.start[k] += self.start[k - 1];
        }
        self.order.clear();
        self.order.resize(templates, 0);
        let mut next = self.start.clone();
        for at in &self.place {
            let bucket = self.bucket[*at as usize] as usize;
            self.order[next[bucket]] = *at;
            next[bucket] += 1;
        }
        self.values.resize(length.max(self.values.len()), Vec::new());
        self.values.truncate(length);
        for (k, values) in self.values.iter_mut().enumerate() {
            let shifted = &x[k * delay..];
            values.clear();
            values.extend(self.order.iter().map(|at| shifted[*at as usize]));
        }
    }

    fn sort_plain(&mut self, x: &[f64], templates: usize) {
        self.order.clear();
        self.order.extend(0..templates as u32);
        self.order.sort_unstable_by(|a, b| x[*a as usize].total_cmp(&x[*b as usize]));
        self.values.resize(self.values.len().max(1), Vec::new());
        self.values[0].clear();
        self.values[0].extend(self.order.iter().map(|at| x[*at as usize]));
    }

    fn pairs_of_one(&mut self, x: &[f64], templates: usize, radius: f64) -> u64 {
        self.place.clear(); // used as a buffer of the sorted values' order
        let mut sorted = x[..templates].to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut high = 0;
        let mut pairs = 0;
        for (i, v) in sorted.iter().enumerate() {
            high += sorted[high..].iter().take_while(|w| **w - v <= radius).count();
            pairs += (high - i - 1) as u64;
        }
        pairs
    }
}

/// Where the second values lie within `radius` of `v`: two places that only move forward while `v` rises.
#[inline(always)]
fn advance(sorted: &[f64], v: f64, radius: f64, place: &mut (usize, usize)) {
    while sorted.get(place.0).is_some_and(|w| v - *w > radius) {
        place.0 += 1;
    }
    place.1 = place.1.max(place.0);
    while sorted.get(place.1).is_some_and(|w| *w - v <= radius) {
        place.1 += 1;
    }
}

/// Pairs of templates of three values that are alike in their first two, and in all.
#[inline(always)]
fn count_few(x: &[f64], delay: usize, templates: usize, radius: f64) -> (u64, u64) {
    let (first, second, third) = (&x[..templates], &x[delay..delay + templates], &x[2 * delay..2 * delay + templates]);
    let (mut near, mut all) = (0, 0);
    for i in 0..templates {
        let (a, b, c) = (first[i], second[i], third[i]);
        // the templates are few enough for their counts to fit
        let (mut two, mut three) = (0u32, 0u32);
        for ((v, w), z) in first[i + 1..].iter().zip(&second[i + 1..]).zip(&third[i + 1..]) {
            let alike = ((v - a).abs() <= radius) & ((w - b).abs() <= radius);
            two += u32::from(alike);
            three += u32::from(alike & ((z - c).abs() <= radius));
        }
        near += u64::from(two);
        all += u64::from(three);
    }
    (near, all)
}

/// Pairs that are alike in all but the last value, and in all values; of two values only: pairs alike in both, and 0.
#[inline(always)]
fn count_pairs(start: &[usize], values: &[Vec<f64>], radius: f64) -> (u64, u64) {
    let (first, second, rest) = match values {
        [first, second, rest @ ..] => (first, second, rest),
        _ => return (0, 0),
    };
    let (mut near, mut all) = (0, 0);
    let buckets = start.len() - 1;
    for k in 0..buckets {
        let own = start[k]..start[k + 1];
        let next = if k + 1 < buckets { start[k + 1]..start[k + 2] } else { 0..0 };
        let (mut here, mut there) = ((0, 0), (0, 0));
        for i in own.clone() {
            let v = second[i];
            advance(&second[own.clone()], v, radius, &mut here);
            advance(&second[next.clone()], v, radius, &mut there);
            for range in [i + 1..own.start + here.1, next.start + there.0..next.start + there.1] {
                if range.is_empty() {
                    continue;
                }
                let (a, b) = alike(first, rest, i, range, radius);
                near += a;
                all += b;
            }
        }
    }
    (near, all)
}

/// As [`count_pairs`], for each template for itself and in all values.
#[inline(always)]
fn count_each(start: &[usize], values: &[Vec<f64>], radius: f64, order: &[u32], counts: &mut [u32]) {
    let (first, second, rest) = match values {
        [first, second, rest @ ..] => (first, second, rest),
        _ => return,
    };
    let buckets = start.len() - 1;
    for k in 0..buckets {
        let mut places = [(0, 0); 3];
        for i in start[k]..start[k + 1] {
            let v = second[i];
            let mut count = 0;
            for (side, place) in places.iter_mut().enumerate() {
                let Some(bucket) = (k + side).checked_sub(1).filter(|b| *b < buckets) else { continue };
                let range = start[bucket]..start[bucket + 1];
                advance(&second[range.clone()], v, radius, place);
                let range = range.start + place.0..range.start + place.1;
                let (a, b) = alike(first, rest, i, range, radius);
                count += if rest.is_empty() { a } else { b };
            }
            counts[order[i] as usize] = count as u32;
        }
    }
}

/// How many of `range` are within `radius` of template `i` in their first value and all but the last of `rest`, and how
/// many in the last, too.
#[inline(always)]
fn alike(first: &[f64], rest: &[Vec<f64>], i: usize, range: std::ops::Range<usize>, radius: f64) -> (u64, u64) {
    let v = first[i];
    let near = |value: f64, to: f64| (value - to).abs() <= radius;
    match rest {
        [] => (first[range].iter().map(|w| u64::from(near(*w, v))).sum(), 0),
        [last] => {
            let to = last[i];
            let (mut a, mut b) = (0, 0);
            for (w, z) in first[range.clone()].iter().zip(&last[range]) {
                let one = near(*w, v);
                a += u64::from(one);
                b += u64::from(one & near(*z, to));
            }
            (a, b)
        }
        [middle @ .., last] => {
            let (mut a, mut b) = (0, 0);
            for j in range {
                if near(first[j], v) && middle.iter().all(|m| near(m[j], m[i])) {
                    a += 1;
                    b += u64::from(near(last[j], last[i]));
                }
            }
            (a, b)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(x: &[f64], length: usize, delay: usize, templates: usize, radius: f64) -> Vec<u32> {
        let alike = |i: usize, j: usize| (0..length).all(|k| (x[i + k * delay] - x[j + k * delay]).abs() <= radius);
        (0..templates).map(|i| (0..templates).filter(|j| alike(i, *j)).count() as u32).collect()
    }

    #[test]
    fn counts_as_the_plain_definition_does() {
        let mut state = 7u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) / f64::from(u32::MAX)
        };
        let rough: Vec<f64> = (0..160).map(|_| random()).collect();
        let ties: Vec<f64> = (0..160).map(|_| (random() * 8.0).round() / 8.0).collect();
        let outlier: Vec<f64> = (0..160).map(|i| if i == 80 { 1e9 } else { random() }).collect();
        let mut neighbours = Neighbours::default();
        for x in [&rough, &ties, &outlier, &vec![1.0; 50], &rough[..3].to_vec()] {
            let long = x.repeat(3);
            let found = neighbours.pairs(&long, 2, 1, 0.25); // beyond `FEW`
            let each =
                |length| plain(&long, length, 1, long.len() - 2, 0.25).iter().map(|c| u64::from(c - 1)).sum::<u64>();
            if long.len() > 2 {
                assert_eq!((found.of_m, found.of_m_and_next), (each(2) / 2, each(3) / 2));
            }
            for (m, delay, radius) in [(1, 1, 0.125), (2, 1, 0.25), (3, 1, 0.3), (4, 2, 0.5), (2, 3, 1e-9), (2, 1, 0.0)]
            {
                let templates = x.len().saturating_sub(m * delay);
                let found = neighbours.pairs(x, m, delay, radius);
                let pairs = |length| {
                    let each = plain(x, length, delay, templates, radius);
                    each.iter().map(|c| u64::from(c - 1)).sum::<u64>() / 2
                };
                assert_eq!(found, Pairs { templates, of_m: pairs(m), of_m_and_next: pairs(m + 1) }, "{m} {delay}");
                let templates = x.len().saturating_sub((m - 1) * delay);
                assert_eq!(neighbours.counts(x, m, delay, radius), plain(x, m, delay, templates, radius));
            }
        }
    }
}
