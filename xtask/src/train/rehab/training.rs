//! AdamW on shuffled batches, with the losses of the two networks.

use super::data::Example;
use super::network::Tcn;
use eir_core::random::Generator;
use std::time::Instant;

const BATCH: usize = 64;
const RATE: f64 = 2e-3;
const DECAY: f64 = 1e-4;
const WARM_UP: usize = 100;
/// Longest gradient that is used as it is.
const CLIP: f64 = 1.0;

/// What a network is trained to say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Task {
    /// Six means and logarithms of standard errors: negative log-likelihood of a normal distribution, and the plain
    /// squared error, which keeps means learning where the network has come to doubt.
    Quality,
    /// Seven logits: cross entropy.
    Recognition,
}

impl Task {
    pub(super) fn outputs(self) -> usize {
        match self {
            Self::Quality => 12,
            Self::Recognition => 7,
        }
    }

    fn loss(self, example: &Example, out: &[f32], slope: &mut [f32]) -> f32 {
        match self {
            Self::Quality => {
                let mut sum = 0.0;
                for i in 0..6 {
                    let error = out[i] - example.target[i];
                    let log_sigma = out[6 + i].clamp(-5.0, 2.0);
                    let precision = (-2.0 * log_sigma).exp();
                    sum += 0.5 * error * error * precision + log_sigma + 4.0 * error * error;
                    slope[i] = error * precision + 8.0 * error;
                    slope[6 + i] = if log_sigma == out[6 + i] { 1.0 - error * error * precision } else { 0.0 };
                }
                slope.iter_mut().for_each(|s| *s /= 6.0);
                sum / 6.0
            }
            Self::Recognition => {
                let most = out.iter().copied().fold(f32::MIN, f32::max);
                let sum: f32 = out.iter().map(|v| (v - most).exp()).sum();
                for (i, (s, v)) in slope.iter_mut().zip(out).enumerate() {
                    *s = (v - most).exp() / sum - if i == example.class { 1.0 } else { 0.0 };
                }
                sum.ln() + most - out[example.class]
            }
        }
    }

    /// Mean loss over examples.
    fn judged(self, net: &Tcn, examples: &[Example]) -> f64 {
        let mut slope = vec![0.0; self.outputs()];
        let one = |e: &Example| f64::from(self.loss(e, &net.forward(&e.features), &mut slope));
        examples.iter().map(one).sum::<f64>() / examples.len().max(1) as f64
    }
}

/// Trains a network for `epochs` passes and gives that of the pass with the lowest loss on `choose`.
pub(super) fn fit(task: Task, learn: &[Example], choose: &[Example], epochs: usize, seed: u64, purpose: &str) -> Tcn {
    let mut net = Tcn::new(task.outputs(), seed, purpose);
    let n = net.parameters.len();
    let (mut first, mut second) = (vec![0.0f32; n], vec![0.0f32; n]);
    let mut best = (f64::INFINITY, net.clone());
    let total = epochs * learn.len().div_ceil(BATCH);
    let mut step = 0;
    let begun = Instant::now();
    let loss = |i: usize, out: &[f32], slope: &mut [f32]| task.loss(&learn[i], out, slope);
    for epoch in 0..epochs {
        let mut order: Vec<usize> = (0..learn.len()).collect();
        Generator::new(seed, purpose).stream(1 + epoch as u64).shuffle(&mut order);
        let mut sum = 0.0;
        for batch in order.chunks(BATCH) {
            step += 1;
            let batch: Vec<(usize, &[f32])> = batch.iter().map(|i| (*i, learn[*i].features.as_slice())).collect();
            let mut gradient = vec![0.0f32; n];
            sum += f64::from(net.learn(&batch, &loss, &mut gradient));
            let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt() / batch.len() as f64;
            let scale = (1.0 / batch.len() as f64 * (CLIP / norm.max(1e-12)).min(1.0)) as f32;
            let done = f64::from(step) / total as f64;
            let rate = RATE
                * (f64::from(step) / WARM_UP as f64).min(1.0)
                * (0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()));
            let corrections = [0.9f64, 0.999].map(|b| 1.0 - b.powi(step));
            let rate_now = (rate / corrections[0]) as f32;
            let (keep, root) = ((1.0 - rate * DECAY) as f32, (1.0 / corrections[1]) as f32);
            for (((p, g), m), v) in net.parameters.iter_mut().zip(&gradient).zip(&mut first).zip(&mut second) {
                let g = g * scale;
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.999 * *v + 0.001 * g * g;
                *p = *p * keep - rate_now * *m / ((*v * root).sqrt() + 1e-8);
            }
        }
        let value = task.judged(&net, choose);
        println!(
            "  pass {} of {epochs}: loss {:.4}, of others {value:.4}, {} s",
            epoch + 1,
            sum / learn.len().max(1) as f64,
            begun.elapsed().as_secs()
        );
        if value < best.0 {
            best = (value, net.clone());
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_something_is_learnt() {
        let mut stream = Generator::new(1, "test").stream(0);
        let examples: Vec<Example> = (0..256)
            .map(|i| {
                let level = stream.normal() as f32;
                let features = (0..35 * 32).map(|_| level + 0.5 * stream.normal() as f32).collect();
                Example { features, target: [level; 6], class: i % 7 }
            })
            .collect();
        let (learn, choose) = examples.split_at(192);
        let net = fit(Task::Quality, learn, choose, 6, 3, "test");
        assert_eq!(net.parameters, fit(Task::Quality, learn, choose, 6, 3, "test").parameters);
        assert_ne!(net.parameters, fit(Task::Quality, learn, choose, 6, 4, "test").parameters);
        let naive = Task::Quality.judged(&Tcn::new(12, 3, "test"), choose);
        assert!(Task::Quality.judged(&net, choose) < naive - 1.0);
    }
}
