//! Speed against librosa, Praat (parselmouth), pyloudnorm and openSMILE, on a minute of speech at 16 kHz.

use eir_audio::{
    HarmonicityConfig, IntensityConfig, Jitter, LoudnessConfig, MfccConfig, PeriodRule, PitchConfig, PointProcess,
    Recording, SampleRate, Shimmer, YinConfig,
};
use eir_core::testing::{bench::Bench, shared, target};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A real minute where the shared records are at hand, otherwise a harmonic sound that glides and pauses.
fn minute() -> Result<(Recording, &'static str), Box<dyn Error>> {
    let real = shared().map(|folder| folder.join("data/audio/speech/silero_test_60s_16k.flac"));
    if let Some(path) = real.filter(|path| path.exists()) {
        return Ok((Recording::open(path)?, "60 s speech, 16 kHz"));
    }
    let mut phase = 0.0f64;
    let samples = (0..960_000u32).map(|i| {
        let t = f64::from(i) / 16_000.0;
        phase += std::f64::consts::TAU * (150.0 + 50.0 * (t * 1.7).sin()) / 16_000.0;
        let loud = if (t * 0.5).fract() < 0.8 { 0.05 } else { 0.0005 };
        (1..20).map(|k| (f64::from(k) * phase).sin() / f64::from(k)).sum::<f64>() as f32 * loud
    });
    Ok((Recording::new(samples.collect(), 16_000.0)?, "60 s glide, 16 kHz"))
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let (recording, input) = minute()?;
    // what the peers read
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder)?;
    eir_core::file::write_atomic(&folder.join("audio-input.wav"), &recording.to_wav())?;
    let (x, rate) = (recording.samples(), SampleRate::new(16_000.0)?);
    let mut bench = Bench::from_args("audio", env!("CARGO_MANIFEST_DIR"));

    let mut plan = MfccConfig::for_rate(rate).build(rate)?;
    let mut table = plan.transform(x)?;
    bench
        .row("MFCC (40 bands, 13)", input, 1.0)
        .peer("librosa 0.11.0", "mfcc")
        .run(|| plan.transform_into(x, &mut table));

    let mut plan = YinConfig::default().build(rate)?;
    bench.row("F0 by YIN", input, 2.0).peer("librosa 0.11.0", "yin").run(|| plan.track(x));

    let mut plan = PitchConfig::default().build(rate)?;
    let mut contour = plan.track(x)?;
    let praat = "Praat 6.1.38 (parselmouth 0.4.7)";
    bench.row("F0 by autocorrelation", input, 1.0).peer(praat, "pitch").run(|| plan.track_into(x, &mut contour));

    let rule = PeriodRule::default();
    bench.row("F0, points, jitter, shimmer", input, 1.0).peer(praat, "voice_quality").run(|| {
        plan.track_into(x, &mut contour)?;
        let points = PointProcess::of(x, rate, &contour)?;
        Ok::<_, eir_audio::Error>((Jitter::of(&points, &rule), Shimmer::of(x, rate, &points, &rule)?))
    });

    let mut meter = HarmonicityConfig::default().build(rate)?;
    bench.row("HNR (cross-correlation)", input, 1.0).peer(praat, "harmonicity").run(|| meter.measure(x));

    let level = IntensityConfig::default();
    bench.row("intensity", input, 1.0).peer(praat, "intensity").run(|| level.measure(x, rate));

    let loudness = LoudnessConfig::default();
    bench
        .row("loudness (BS.1770)", input, 1.0)
        .peer("pyloudnorm 0.2.0", "loudness")
        .run(|| loudness.integrated(x, 1, rate));

    // openSMILE computes its whole set or nothing: 25 contours, of which these are the ones that are built here
    let mut mfcc = MfccConfig::for_rate(rate).build(rate)?;
    let broader = "openSMILE 3.0 eGeMAPSv02 contours (broader: 25)";
    bench.row("F0, jitter, shimmer, HNR, MFCC", input, 1.0).peer(broader, "egemaps").run(|| {
        plan.track_into(x, &mut contour)?;
        let points = PointProcess::of(x, rate, &contour)?;
        let quality = (Jitter::of(&points, &rule), Shimmer::of(x, rate, &points, &rule)?);
        Ok::<_, eir_audio::Error>((quality, meter.measure(x)?, mfcc.transform(x)?))
    });
    Ok(bench.finish())
}
