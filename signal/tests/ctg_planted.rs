//! Planted cardiotocograms of many seeds, baselines and event times, at several rates, with gaps and artefacts of several
//! kinds: how often the class and the kinds are right.

use eir_core::SampleRate;
use eir_signal::ctg::{self, EventKind, FigoClass, FigoCode};

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
    /// Width of a contraction (its standard deviation) in s.
    width_s: f64,
    events: Vec<Planted>,
    sine: Option<(f64, f64)>,
    /// Whether 18 s of every minute are lost.
    loss: bool,
}

/// How the plan is recorded.
#[derive(Clone, Copy)]
struct Recording {
    name: &'static str,
    hz: f64,
    /// Share of the time in gaps of 2 to 25 s.
    gaps: f64,
    /// A gap of so many minutes, somewhere.
    block_min: f64,
    /// Stretches a minute of half a second to 1.5 s at half or twice the rate.
    artefacts: f64,
}

const RECORDINGS: [Recording; 7] = [
    Recording { name: "4 Hz", hz: 4.0, gaps: 0.0, block_min: 0.0, artefacts: 0.0 },
    Recording { name: "2 Hz", hz: 2.0, gaps: 0.0, block_min: 0.0, artefacts: 0.0 },
    Recording { name: "1 Hz", hz: 1.0, gaps: 0.0, block_min: 0.0, artefacts: 0.0 },
    Recording { name: "gaps", hz: 4.0, gaps: 0.12, block_min: 0.0, artefacts: 0.0 },
    Recording { name: "gaps 1 Hz", hz: 1.0, gaps: 0.12, block_min: 0.0, artefacts: 0.0 },
    Recording { name: "block", hz: 4.0, gaps: 0.0, block_min: 6.0, artefacts: 0.0 },
    Recording { name: "artefacts", hz: 4.0, gaps: 0.04, block_min: 0.0, artefacts: 1.0 },
];

const SECONDS: f64 = 3600.0;

fn trace(plan: &Plan, how: &Recording, random: &mut Random) -> (Vec<f64>, Vec<f64>) {
    let samples = (SECONDS * how.hz) as usize;
    let tones: Vec<(f64, f64, f64)> = (0..24)
        .map(|k| {
            let hz = 0.012 * 20.8f64.powf((f64::from(k) + random.next() + 0.5) / 24.0);
            ((1.0 + random.next()) * hz.powf(-0.3), hz, random.next())
        })
        .collect();
    let raw: Vec<f64> = (0..samples)
        .map(|i| {
            let t = i as f64 / how.hz;
            tones.iter().map(|(a, f, p)| a * (std::f64::consts::TAU * (f * t + p)).sin()).sum()
        })
        .collect();
    let size = (raw.iter().map(|v| v * v).sum::<f64>() / samples as f64).sqrt();
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
    let mut fhr = Vec::with_capacity(samples);
    let mut uc = Vec::with_capacity(samples);
    for (i, swing) in raw.iter().enumerate() {
        let t = i as f64 / how.hz;
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
        let bells: f64 = plan.peaks_s.iter().map(|p| 45.0 * (-0.5 * ((t - p) / plan.width_s).powi(2)).exp()).sum();
        uc.push((2.0 * (10.0 + random.next() + bells)).round() / 2.0);
    }
    let mut stretch = |fhr: &mut Vec<f64>, length_s: f64, factor: f64| {
        let start = (random.between(0.0, SECONDS - length_s) * how.hz) as usize;
        let end = start + (length_s * how.hz).ceil() as usize;
        fhr.iter_mut().take(end).skip(start).for_each(|v| *v *= factor);
    };
    let mut lost = 0.0;
    for k in 0.. {
        if lost >= how.gaps * SECONDS {
            break;
        }
        let length_s = 2.0 + f64::from(k * 7 % 24);
        stretch(&mut fhr, length_s, 0.0);
        lost += length_s;
    }
    for k in 0..(how.artefacts * SECONDS / 60.0) as u32 {
        stretch(&mut fhr, 0.5 + 0.25 * f64::from(k % 5), if k % 2 == 0 { 0.5 } else { 2.0 });
    }
    if how.block_min > 0.0 {
        stretch(&mut fhr, 60.0 * how.block_min, 0.0);
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
        width_s: 18.0,
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
    let often: Vec<f64> = (0..36).map(|k| 95.0 + shift / 2.0 + 95.0 * f64::from(k)).collect();
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
        (
            "tachysystole",
            Plan { peaks_s: often, width_s: 13.0, events: rises.iter().copied().take(4).collect(), ..plain() },
            Normal,
            FigoCode::Tachysystole,
        ),
        ("lost", Plan { events: rises, loss: true, ..plain() }, Normal, nothing),
    ]
}

/// What is right of what was planted.
#[derive(Default, Clone, Copy)]
struct Tally {
    traces: u32,
    classes: u32,
    baselines: u32,
    events: u32,
    found: u32,
    kinds: u32,
    contractions: u32,
    contractions_found: u32,
}

fn overlap(i: &ctg::Interval, start: f64, end: f64) -> f64 {
    let both = (i.end_s().min(end) - i.start_s().max(start)).max(0.0);
    both / (i.end_s().max(end) - i.start_s().min(start))
}

/// Whether the trace still shows the event: three quarters of it, and most of the half around its middle.
fn is_shown(found: &ctg::Ctg, e: &Planted) -> bool {
    let at = |s: f64| (s * ctg::RATE_HZ) as usize;
    let (quarter, end) = (e.length_s / 4.0, e.start_s + e.length_s);
    let loss = |a: f64, b: f64| found.prepared.loss_between(at(a), at(b));
    loss(e.start_s, end) <= 0.25 && loss(e.start_s + quarter, end - quarter) <= 0.25
}

fn judge(name: &str, plan: &Plan, found: &ctg::Ctg, right: bool, tally: &mut Tally) {
    if !right {
        let codes: Vec<FigoCode> = found.figo.reasons.iter().map(|r| r.code).collect();
        println!("{name}: {:?} {codes:?}", found.figo.class);
    }
    tally.traces += 1;
    tally.classes += u32::from(right);
    // where the rate was seen, in every ten minutes of which half was: through a gap a baseline is a bridge
    let mut seen = vec![true; found.baseline_bpm.len()];
    found.prepared.gaps().iter().for_each(|(from, to)| seen[*from..*to].fill(false));
    let off = |(baseline, seen): (&[f64], &[bool])| {
        let known: Vec<f64> = baseline.iter().zip(seen).filter(|(_, s)| **s).map(|(b, _)| *b).collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        (2 * known.len() >= baseline.len()).then(|| (mean - plan.baseline).abs())
    };
    let worst = found.baseline_bpm.chunks(2400).zip(seen.chunks(2400)).filter_map(off).fold(0.0, f64::max);
    tally.baselines += u32::from(worst <= 3.0);
    for e in plan.events.iter().filter(|e| is_shown(found, e)) {
        let (start, end) = (e.start_s, e.start_s + e.length_s);
        let same = found.events.iter().filter(|f| f.kind.is_deceleration() == e.kind.is_deceleration());
        let share = |f: &ctg::Event| overlap(&f.interval, start, end);
        let best = same.max_by(|a, b| share(a).total_cmp(&share(b)));
        let hit = best.filter(|b| share(b) >= 0.5);
        tally.events += 1;
        tally.found += u32::from(hit.is_some());
        tally.kinds += u32::from(hit.is_some_and(|h| h.kind == e.kind));
        if hit.is_none_or(|h| h.kind != e.kind) {
            let got = best.map(|b| (b.kind, share(b), b.flank_s, b.onset_lag_s, b.nadir_lag_s));
            println!("{name}, {:?} at {start:.0} s: {got:.1?}", e.kind);
        }
    }
    let contractions = found.contractions.as_deref().unwrap_or_default();
    let half = 2.15 * plan.width_s;
    for p in &plan.peaks_s {
        let near = |c: &ctg::Contraction| {
            (c.interval.start_s() - (p - half)).abs() <= 5.0 && (c.interval.end_s() - (p + half)).abs() <= 5.0
        };
        tally.contractions += 1;
        tally.contractions_found += u32::from(contractions.iter().any(near));
    }
}

#[test]
fn classes_kinds_and_contractions_of_many_seeds() {
    const SEEDS: u64 = 12;
    let mut missed: Vec<String> = Vec::new();
    for how in &RECORDINGS {
        let rate = SampleRate::new(how.hz).unwrap();
        let mut tallies: std::collections::BTreeMap<&str, Tally> = std::collections::BTreeMap::new();
        for seed in 1..=SEEDS {
            let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            for (name, plan, class, code) in plans(&mut random) {
                let (fhr, uc) = trace(&plan, how, &mut random);
                let (fhr, uc) = (ctg::fhr_at_4_hz(&fhr, rate).unwrap(), ctg::uc_at_4_hz(&uc, rate).unwrap());
                let found = ctg::analyse(&fhr, Some(&uc)).unwrap();
                let right = found.figo.class == class && found.figo.reasons.iter().any(|r| r.code == code);
                judge(
                    &format!("{}, {name}, seed {seed}", how.name),
                    &plan,
                    &found,
                    right,
                    tallies.entry(name).or_default(),
                );
            }
        }
        println!("{}: classes and baselines of n; events found, kinds of n; contractions of n", how.name);
        for (name, t) in &tallies {
            println!(
                "{name:>12}: {} {} of {}; {} {} of {}; {} of {}",
                t.classes, t.baselines, t.traces, t.found, t.kinds, t.events, t.contractions_found, t.contractions
            );
        }
        for (name, t) in tallies {
            let part = |a: u32, b: u32| f64::from(a) / f64::from(b.max(1));
            // of a handful one may be missed
            let enough = |got: u32, all: u32, least: f64| got + 1 >= all || part(got, all) >= least;
            // swings of 50 bpm have no baseline to 3 bpm in every 10 min
            let level = if name == "wide" { 0.75 } else { 0.9 };
            let mut check = |what: &str, ok: bool| {
                if !ok {
                    missed.push(format!("{}, {name}: {what}", how.name));
                }
            };
            // a pattern of 50 or 30 min is not shown where six of the sixty are lost
            let shown = how.block_min == 0.0 || !["narrow", "sine"].contains(&name);
            check("classes", !shown || enough(t.classes, t.traces, 0.9));
            // known weakness: with gaps the baseline of swings of 50 bpm is further off in up to half of the traces, and
            // beside a lost block that of 2 of 12 sinusoidal patterns
            let weak = name == "wide" && how.gaps + how.block_min > 0.1;
            let excused = weak || (name == "sine" && how.block_min > 0.0);
            check("baselines", excused || enough(t.baselines, t.traces, level));
            check("events", enough(t.found, t.events, 0.95));
            check("kinds", enough(t.kinds, t.events, 0.93));
            check("contractions", part(t.contractions_found, t.contractions) >= 0.98);
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}
