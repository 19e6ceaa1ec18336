//! Case study: a voice. The same sentence said twice, or a simulated voice whose fundamental frequency is known.

use crate::study::{Context, Outcome, Study};
use eir_audio::{
    HarmonicityConfig, Intensity, Jitter, PeriodRule, PictureConfig, Pitch, PitchConfig, PointProcess, Recording,
    Shimmer, integrated_loudness, intensity, pauses,
};
use eir_synth::VoiceConfig;
use std::error::Error;
use std::path::Path;

type Failure = Box<dyn Error>;

/// Seed of the simulated voice.
const SEED: u64 = 1;

pub(crate) fn run(context: &Context) -> Outcome {
    match &context.data {
        Some(data) => real(context, &data.join("audio/emodb4")),
        None => simulated(context),
    }
}

const DISCLAIMER: &str = "Numbers that describe the sound; not a medical device, and no statement about the speaker's health. \
    Levels depend on the microphone's distance and gain, jitter and shimmer of running speech on its intonation.";

fn real(context: &Context, folder: &Path) -> Outcome {
    let mut study = Study::new(
        "One sentence, two moods",
        "EmoDB recordings 03a01Nc and 03a01Wa: one actor, one sentence, neutral and angry (Burkhardt et al. 2005, CC0-1.0)",
    );
    study.text(DISCLAIMER);
    let mut profiles = Vec::new();
    for (file, mood) in [("03a01Nc.flac", "neutral"), ("03a01Wa.flac", "angry")] {
        context.step(&format!("reading {file}"));
        let path = folder.join(file);
        let about = |error: eir_audio::Error| -> Failure {
            let place = match error {
                eir_audio::Error::Io(_) => String::new(), // says itself which file
                _ => format!("{}: ", path.display()),
            };
            format!("{place}{error}. Put the recording there, or run the demo without --data").into()
        };
        let recording = Recording::open(&path).map_err(about)?;
        let profile = Profile::of(context, &recording, mood).map_err(about)?;
        let picture = PictureConfig::default().with_title(format!("EmoDB {file}, {mood}"));
        let caption =
            format!("{file}, {mood}: waveform, spectrogram (60 dB from dark to bright) and fundamental frequency");
        study.svg(&caption, picture.draw_with(&recording, &profile.pitch).map_err(about)?);
        profiles.push(profile);
    }
    for profile in &profiles {
        profile.numbers(&mut study, profile.mood)?;
    }
    if let [neutral, angry] = profiles.as_slice() {
        let rows = neutral.rows().into_iter().zip(angry.rows());
        let rows = rows.map(|((label, n), (_, a))| vec![label.to_owned(), n, a]).collect();
        study.table("Side by side", &["measure", neutral.mood, angry.mood], rows);
        let higher = 12.0 * (angry.median_hz() / neutral.median_hz()).log2();
        study.number("f0_shift_semitones", "angry over neutral", higher, "semitones", 1, "quantile_hz(0.5)", "");
        study.summary = format!(
            "Angry against neutral: median F0 {:.0} against {:.0} Hz ({higher:+.1} semitones), level {:+.1} dB",
            angry.median_hz(),
            neutral.median_hz(),
            angry.level.energy_mean_db() - neutral.level.energy_mean_db(),
        );
    }
    Ok(study)
}

fn simulated(context: &Context) -> Outcome {
    let mut study = Study::new("A voice whose pitch is known", &format!("simulated, seed {SEED}"));
    study.text(DISCLAIMER);
    context.step("simulating a voice");
    let truth = eir_synth::voice(&VoiceConfig::default(), SEED)?;
    let recording = Recording::new(truth.samples, truth.rate_hz)?;
    let profile = Profile::of(context, &recording, "simulated")?;
    let picture = PictureConfig::default().with_title("Simulated voice").draw_with(&recording, &profile.pitch)?;
    study.svg("Waveform, spectrogram (60 dB from dark to bright) and fundamental frequency", picture);
    // at each true value that lies inside a voiced stretch of both
    let found = truth.f0_hz.iter().zip(0u32..).filter_map(|(f0, i)| {
        let got = profile.pitch.at_s(f64::from(i) * truth.hop_s);
        (*f0 > 0.0 && got.is_finite()).then_some((got, f64::from(*f0)))
    });
    let pairs: Vec<(f64, f64)> = found.collect();
    let mut errors_hz: Vec<f64> = pairs.iter().map(|(got, want)| (got - want).abs()).collect();
    let mut errors_cents: Vec<f64> = pairs.iter().map(|(got, want)| 1200.0 * (got / want).log2().abs()).collect();
    let gross =
        pairs.iter().filter(|(got, want)| (got / want - 1.0).abs() > 0.2).count() as f64 / pairs.len().max(1) as f64;
    let (hz, cents) = (median(&mut errors_hz), median(&mut errors_cents));
    let (Some(hz), Some(cents)) = (hz, cents) else {
        return Err("no voiced frame was found in the simulated voice: check the pitch tracker's limits".into());
    };
    let source = "PitchTracker::track against eir_synth::voice";
    study.number("f0_error_median_hz", "F0 error, median", hz, "Hz", 2, source, "");
    study.number("f0_error_median_cents", "F0 error, median", cents, "cents", 1, source, "100 cents are a semitone");
    study.number("f0_gross_errors_percent", "F0 off by over 20 %", 100.0 * gross, "%", 1, source, "");
    profile.numbers(&mut study, "simulated")?;
    let rows = profile.rows().into_iter().map(|(label, value)| vec![label.to_owned(), value]).collect();
    study.table("The voice in numbers", &["measure", "value"], rows);
    study.summary =
        format!("Simulated voice: F0 found within {cents:.1} cents ({hz:.2} Hz) of the truth in the median");
    Ok(study)
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// What is measured of one recording.
struct Profile {
    mood: &'static str,
    duration_s: f64,
    pitch: Pitch,
    level: Intensity,
    loudness_lufs: f64,
    jitter: Jitter,
    shimmer: Shimmer,
    hnr_db: f64,
    pauses_s: f64,
}

impl Profile {
    fn of(context: &Context, recording: &Recording, mood: &'static str) -> eir_audio::Result<Self> {
        let (x, rate, rule) = (recording.samples(), recording.rate(), PeriodRule::default());
        context.step(&format!("tracking the fundamental frequency ({mood})"));
        let pitch = PitchConfig::default().build(rate)?.track(x)?;
        context.step(&format!("measuring voice quality ({mood})"));
        let points = PointProcess::of(x, rate, &pitch)?;
        Ok(Self {
            mood,
            duration_s: recording.duration_s(),
            level: intensity(x, rate)?,
            loudness_lufs: integrated_loudness(x, rate)?,
            jitter: Jitter::of(&points, &rule),
            shimmer: Shimmer::of(x, rate, &points, &rule)?,
            hnr_db: HarmonicityConfig::default().build(rate)?.measure(x)?.mean_db(),
            pauses_s: pauses(x, rate)?.total_s(),
            pitch,
        })
    }

    fn median_hz(&self) -> f64 {
        self.pitch.quantile_hz(0.5)
    }

    /// The range between the 5th and 95th percentile: single octave errors do not widen it.
    fn range(&self) -> (f64, f64, f64) {
        let (low, high) = (self.pitch.quantile_hz(0.05), self.pitch.quantile_hz(0.95));
        (low, high, 12.0 * (high / low).log2())
    }

    /// Adds the numbers with `prefix` before their keys; one that is not finite is an error, as the voice then has too few periods.
    fn numbers(&self, study: &mut Study, prefix: &str) -> Result<(), Failure> {
        let (low, high, semitones) = self.range();
        let all = [
            ("f0_median_hz", "F0 median", self.median_hz(), "Hz", 1, "Pitch::quantile_hz"),
            ("f0_p05_hz", "F0, 5th percentile", low, "Hz", 1, "Pitch::quantile_hz"),
            ("f0_p95_hz", "F0, 95th percentile", high, "Hz", 1, "Pitch::quantile_hz"),
            ("f0_range_semitones", "F0 range", semitones, "semitones", 1, "Pitch::quantile_hz"),
            ("level_db", "level", self.level.energy_mean_db(), "dB", 1, "Intensity::energy_mean_db"),
            ("loudness_lufs", "loudness", self.loudness_lufs, "LUFS", 1, "integrated_loudness"),
            ("jitter_percent", "jitter (local)", 100.0 * self.jitter.local, "%", 2, "Jitter::of"),
            ("shimmer_percent", "shimmer (local)", 100.0 * self.shimmer.local, "%", 2, "Shimmer::of"),
            ("hnr_db", "harmonics-to-noise", self.hnr_db, "dB", 1, "HarmonicityMeter::measure"),
        ];
        for (id, label, value, unit, digits, source) in all {
            if !value.is_finite() {
                return Err(format!(
                    "{prefix}: {label} could not be measured: the recording has too few voiced periods"
                )
                .into());
            }
            study.number(&format!("{prefix}_{id}"), &format!("{label}, {prefix}"), value, unit, digits, source, "");
        }
        Ok(())
    }

    /// Label and value of each row of the table.
    fn rows(&self) -> Vec<(&'static str, String)> {
        let (low, high, semitones) = self.range();
        vec![
            ("duration", format!("{:.2} s", self.duration_s)),
            ("F0 median", format!("{:.1} Hz", self.median_hz())),
            ("F0 range (5–95 %)", format!("{low:.0}–{high:.0} Hz, {semitones:.1} semitones")),
            ("voiced frames", format!("{:.0} %", 100.0 * self.pitch.voiced_fraction())),
            ("pauses", format!("{:.2} s", self.pauses_s)),
            ("level (re 20 µPa, uncalibrated)", format!("{:.1} dB", self.level.energy_mean_db())),
            ("loudness", format!("{:.1} LUFS", self.loudness_lufs)),
            ("jitter local / rap / ppq5", percent(&[self.jitter.local, self.jitter.rap, self.jitter.ppq5])),
            ("shimmer local / apq3 / apq11", percent(&[self.shimmer.local, self.shimmer.apq3, self.shimmer.apq11])),
            ("shimmer", format!("{:.2} dB", self.shimmer.local_db)),
            ("harmonics-to-noise ratio", format!("{:.1} dB", self.hnr_db)),
        ]
    }
}

/// Parts as percentages; a dash where there are too few periods.
fn percent(parts: &[f64]) -> String {
    let show = |p: &f64| if p.is_finite() { format!("{:.2}", 100.0 * p) } else { "–".to_owned() };
    parts.iter().map(show).collect::<Vec<_>>().join(" / ") + " %"
}
