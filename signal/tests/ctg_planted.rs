//! Planted cardiotocograms of many seeds, baselines and event times: how often the class and the kinds are right.

use eir_signal::ctg::{self, EventKind, FigoClass, FigoCode, RATE_HZ};

/// A uniform number in [-0.5, 0.5) at each call (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() + 0.5)
    }
}

#[derive(Clone, Copy)]
struct Planted {
    kind: EventKind,
    start_s: f64,
    length_s: f64,
    amplitude: f64,
    rise_s: f64,
}

struct Plan {
    baseline: f64,
    /// Twice the root mean square of the irregular swing, and the width of the noise.
    swing: (f64, f64),
    peaks_s: Vec<f64>,
    events: Vec<Planted>,
    sine: Option<(f64, f64)>,
    loss: bool,
}

const SAMPLES: usize = 14_400;

fn trace(plan: &Plan, random: &mut Random) -> (Vec<f64>, Vec<f64>) {
    let tones: Vec<(f64, f64, f64)> = (0..24)
        .map(|k| {
            let hz = 0.012 * 20.8f64.powf((f64::from(k) + random.next() + 0.5) / 24.0);
            ((1.0 + random.next()) * hz.powf(-0.3), hz, random.next())
        })
        .collect();
    let raw: Vec<f64> = (0..SAMPLES)
        .map(|i| {
            let t = i as f64 / RATE_HZ;
            tones.iter().map(|(a, f, p)| a * (std::f64::consts::TAU * (f * t + p)).sin()).sum()
        })
        .collect();
    let size = (raw.iter().map(|v| v * v).sum::<f64>() / SAMPLES as f64).sqrt();
    let shape = |e: &Planted, t: f64| {
        let u = t - e.start_s;
        let flank = |v: f64| 0.5 - 0.5 * (std::f64::consts::PI * v / e.rise_s).cos();
        match u {
            u if u < 0.0 || u >= e.length_s => 0.0,
            u if u >= e.length_s - e.rise_s => flank(e.length_s - u),
            u if u < e.rise_s => flank(u),
            _ => 1.0,
        }
    };
    let mut fhr = Vec::with_capacity(SAMPLES);
    let mut uc = Vec::with_capacity(SAMPLES);
    for (i, swing) in raw.iter().enumerate() {
        let t = i as f64 / RATE_HZ;
        let events: f64 = plan
            .events
            .iter()
            .map(|e| if e.kind == EventKind::Acceleration { e.amplitude } else { -e.amplitude } * shape(e, t))
            .sum();
        let mut x = plan.baseline + plan.swing.0 / 2.0 * swing / size + plan.swing.1 * random.next() + events;
        if let Some((amplitude, hz)) = plan.sine.filter(|_| (600.0..3000.0).contains(&t)) {
            x = plan.baseline + amplitude * (std::f64::consts::TAU * hz * t).sin();
        }
        let lost = plan.loss && t % 60.0 < 18.0;
        fhr.push(if lost { 0.0 } else { (4.0 * x).round() / 4.0 });
        let bells: f64 = plan.peaks_s.iter().map(|p| 45.0 * (-0.5 * ((t - p) / 18.0).powi(2)).exp()).sum();
        uc.push((2.0 * (10.0 + random.next() + bells)).round() / 2.0);
    }
    (fhr, uc)
}

/// The plans of one seed, with the class and the reason of each.
fn plans(random: &mut Random) -> Vec<(&'static str, Plan, FigoClass, FigoCode)> {
    use EventKind::*;
    let shift = random.between(0.0, 60.0);
    let peaks: Vec<f64> = (0..17).map(|k| 170.0 + shift + 200.0 * f64::from(k)).collect();
    let base = random.between(118.0, 152.0);
    let plain = || Plan {
        baseline: base,
        swing: (6.0, 3.0),
        peaks_s: peaks.clone(),
        events: Vec::new(),
        sine: None,
        loss: false,
    };
    let event = |kind, start_s, length_s, amplitude, rise_s| Planted { kind, start_s, length_s, amplitude, rise_s };
    let rises: Vec<Planted> = (0..7)
        .map(|k| {
            let k = f64::from(k);
            event(Acceleration, 120.0 + shift + 480.0 * k, 30.0 + 3.0 * k, 20.0 + k, 10.0)
        })
        .collect();
    let at = |kind, before: f64, length, amplitude, rise| -> Vec<Planted> {
        peaks.iter().map(|p| event(kind, p - before, length, amplitude, rise)).collect()
    };
    let long = |length, amplitude| vec![event(ProlongedDeceleration, 1850.0 + shift, length, amplitude, 25.0)];
    use FigoClass::{Normal, Pathological, Suspicious};
    let nothing = FigoCode::NoRepetitiveDecelerations;
    let early: Vec<Planted> = at(EarlyDeceleration, 35.0, 70.0, 18.0, 35.0).into_iter().step_by(2).collect();
    vec![
        ("reactive", Plan { events: rises.clone(), ..plain() }, Normal, nothing),
        ("early", Plan { events: early, ..plain() }, Normal, nothing),
        (
            "late",
            Plan { events: at(LateDeceleration, 5.0, 70.0, 22.0, 37.5), ..plain() },
            Pathological,
            FigoCode::RepetitiveLateOrProlonged,
        ),
        (
            "variable",
            Plan { events: at(VariableDeceleration, 12.0, 34.0, 42.0, 9.0), ..plain() },
            Suspicious,
            FigoCode::RepetitiveDecelerations,
        ),
        ("6 min", Plan { events: long(380.0, 50.0), ..plain() }, Pathological, FigoCode::ProlongedOver5Min),
        ("4 min", Plan { events: long(240.0, 45.0), ..plain() }, Normal, nothing),
        ("slow", Plan { baseline: random.between(82.0, 95.0), ..plain() }, Pathological, FigoCode::BaselineBelow100),
        ("fast", Plan { baseline: random.between(166.0, 185.0), ..plain() }, Suspicious, FigoCode::Tachycardia),
        ("narrow", Plan { swing: (0.6, 1.0), ..plain() }, Pathological, FigoCode::ReducedVariability),
        ("wide", Plan { swing: (21.0, 4.0), ..plain() }, Pathological, FigoCode::IncreasedVariability),
        (
            "sine",
            Plan { sine: Some((random.between(6.0, 13.0), random.between(0.053, 0.08))), ..plain() },
            Pathological,
            FigoCode::SinusoidalPattern,
        ),
        ("lost", Plan { events: rises, loss: true, ..plain() }, Normal, nothing),
    ]
}

#[test]
fn classes_kinds_and_contractions_of_many_seeds() {
    const SEEDS: u64 = 12;
    let mut tally: std::collections::BTreeMap<&str, [u32; 8]> = std::collections::BTreeMap::new();
    for seed in 1..=SEEDS {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for (name, plan, class, code) in plans(&mut random) {
            let (fhr, uc) = trace(&plan, &mut random);
            let found = ctg::analyse(&fhr, Some(&uc)).unwrap();
            let count = tally.entry(name).or_default();
            let right = found.figo.class == class && found.figo.reasons.iter().any(|r| r.code == code);
            if !right {
                let codes: Vec<FigoCode> = found.figo.reasons.iter().map(|r| r.code).collect();
                println!("{name}, seed {seed}: {:?} {codes:?}", found.figo.class);
            }
            count[0] += 1;
            count[1] += u32::from(right);
            let level = |c: &[f64]| (c.iter().sum::<f64>() / c.len() as f64 - plan.baseline).abs();
            let worst = found.baseline_bpm.chunks(2400).map(level).fold(0.0, f64::max);
            count[2] += u32::from(worst <= 3.0);
            for e in &plan.events {
                let (start, end) = (e.start_s, e.start_s + e.length_s);
                let overlap = |i: &ctg::Interval| {
                    let both = (i.end_s().min(end) - i.start_s().max(start)).max(0.0);
                    both / (i.end_s().max(end) - i.start_s().min(start))
                };
                let is_fall = e.kind.is_deceleration();
                let same = found.events.iter().filter(|f| f.kind.is_deceleration() == is_fall);
                let best = same.max_by(|a, b| overlap(&a.interval).total_cmp(&overlap(&b.interval)));
                let hit = best.filter(|b| overlap(&b.interval) >= 0.5);
                count[3] += 1;
                count[4] += u32::from(hit.is_some());
                count[5] += u32::from(hit.is_some_and(|h| h.kind == e.kind));
                if hit.is_none_or(|h| h.kind != e.kind) {
                    let got = best.map(|b| (b.kind, overlap(&b.interval), b.flank_s, b.onset_lag_s, b.nadir_lag_s));
                    println!("{name}, seed {seed}, {:?} at {start:.0} s: {got:.1?}", e.kind);
                }
            }
            let contractions = found.contractions.unwrap_or_default();
            for p in &plan.peaks_s {
                let near = contractions.iter().any(|c| {
                    (c.interval.start_s() - (p - 38.7)).abs() <= 5.0 && (c.interval.end_s() - (p + 38.7)).abs() <= 5.0
                });
                count[6] += 1;
                count[7] += u32::from(near);
            }
        }
    }
    println!("trace: class right of n, baseline within 3 bpm; events found and of the right kind of n; contractions");
    for (name, [n, class, level, events, hits, kinds, peaks, near]) in &tally {
        println!("{name:>9}: {class} of {n}, {level}; {hits} and {kinds} of {events}; {near} of {peaks}");
    }
    for (name, [n, class, level, events, hits, kinds, peaks, near]) in tally {
        let part = |a: u32, b: u32| f64::from(a) / f64::from(b.max(1));
        assert!(part(class, n) >= 0.9, "{name}: {class} of {n} classes");
        assert!(part(level, n) >= 0.9, "{name}: {level} of {n} baselines");
        assert!(events == 0 || part(hits, events) >= 0.97, "{name}: {hits} of {events} events");
        assert!(events == 0 || part(kinds, events) >= 0.95, "{name}: {kinds} of {events} kinds");
        assert!(part(near, peaks) >= 0.98, "{name}: {near} of {peaks} contractions");
    }
}
