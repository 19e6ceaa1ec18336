//! Reference values of `eir-audio`: Praat, librosa, torchaudio's Kaldi, pyloudnorm, libsndfile and ffmpeg.
//!
//! Records, parameters and labels come from the reference files. Settings that stand in no file are the tools' defaults,
//! which are this crate's defaults as well.

#![allow(clippy::unit_arg, reason = "arms that compare and arms that fail stand in one match")]

use eir_audio::{
    Channel, FrameTable, HarmonicityConfig, IntensityConfig, Jitter, KaldiConfig, LoudnessConfig, LoudnessFilter,
    MelConfig, MelScale, MfccConfig, PauseConfig, PeriodRule, Pitch, PitchConfig, PitchMethod, PointProcess, Recording,
    SampleRate, Shimmer, StftConfig, YinConfig, decode,
};
use eir_core::Limits;
use eir_core::testing::golden::{Case, Golden, Outcome, Tolerance, entry, npy, number, numbers};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> std::process::ExitCode {
    Golden::from_args("audio")
        .case("praat.json", praat)
        .case("librosa.json", librosa)
        .case("librosa_stft_complex.npy", stft)
        .case("librosa/*__mel*_slaney.npy", mel)
        .case("librosa/*__mfcc*_htk.npy", mfcc_htk)
        .case("librosa/*__mfcc*.npy", mfcc)
        .case("kaldi.json", kaldi_frames)
        .case("kaldi/*__fbank*.npy", kaldi)
        .case("kaldi/*__mfcc*.npy", kaldi)
        .case("loudness.json", loudness)
        .case("timing.json", timing)
        .case("decode.json", decoding)
        .run()
}

const NOT_BUILT: &str = "not built yet";

/// What the records of a file hold and is not built: named once for all records.
#[derive(Debug, Default)]
struct Skipped(std::collections::BTreeSet<String>);

impl Skipped {
    fn add(&mut self, what: &str) {
        self.0.insert(what.to_owned());
    }

    fn report(self, case: &mut Case) {
        self.0.iter().for_each(|what| case.skip(what, NOT_BUILT));
    }
}

fn open(case: &Case, name: &str) -> Result<Recording> {
    Ok(Recording::open(case.data(name)?)?)
}

/// The recording, and whether its rate and length are what the reference was made from.
fn open_checked(case: &mut Case, name: &str, entry_of: &Value) -> Result<Recording> {
    let recording = open(case, name)?;
    if let Some(rate) = entry_of.get("fs_hz") {
        case.value("fs_hz", recording.rate().hz(), number(rate)?, Tolerance::Exact);
    }
    if let Some(samples) = entry_of.get("samples") {
        case.value("samples", recording.samples().len() as f64, number(samples)?, Tolerance::Exact);
    }
    Ok(recording)
}

/// The number at the end of `__name40` or inside `__name40_more`.
fn count(name: &str) -> Result<usize> {
    let last = name.rsplit("__").next().unwrap_or_default();
    let digits: String = last.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}

/// The record whose values are in this `.npy` file, by the JSON file beside: its name and entry.
fn record_of(case: &Case, json: &str) -> Result<(String, Value)> {
    let text = std::fs::read(case.reference(json)?)?;
    let json: Value = serde_json::from_slice(&text)?;
    let file = case.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stem = file.rsplit_once("__").map(|(stem, _)| stem).unwrap_or_default();
    let files = entry(&json, "files")?.as_object().ok_or("files is no object")?;
    let key = |name: &str| name.rsplit_once('.').map_or(name, |(n, _)| n).replace('/', "__");
    let (name, value) = files.iter().find(|(name, _)| key(name) == stem).ok_or("no record has this name")?;
    Ok((name.clone(), value.clone()))
}

// ---- Praat ----

fn praat(case: &mut Case) -> Outcome {
    let json = case.json()?;
    let parameter = |key: &str| number(entry(entry(&json, "parameters")?, key)?);
    let rule = PeriodRule::default()
        .with_shortest_s(parameter("period_floor_s")?)
        .with_longest_s(parameter("period_ceiling_s")?)
        .with_most_factor(parameter("max_period_factor")?)
        .with_most_amplitude_factor(parameter("max_amplitude_factor")?);
    let pitch = PitchConfig::default().with_floor_hz(parameter("floor_hz")?).with_ceiling_hz(parameter("ceiling_hz")?);
    let mut skipped = Skipped::default();
    case.walk(entry(&json, "files")?, |case, name, want| {
        let recording = open_checked(case, name, want)?;
        if want.get("too_short").is_some() {
            return Ok(());
        }
        praat_record(case, &recording, want, &pitch, &rule, &mut skipped)
    })?;
    skipped.report(case);
    Ok(())
}

fn praat_record(
    case: &mut Case,
    recording: &Recording,
    want: &Value,
    pitch: &PitchConfig,
    rule: &PeriodRule,
    skipped: &mut Skipped,
) -> Outcome {
    let (samples, rate) = (recording.samples(), recording.rate());
    if want.get("error").is_some() {
        let outcome = pitch.clone().build(rate)?.track(samples);
        case.holds("error", outcome.is_err(), "the reference gives an error");
        return Ok(());
    }
    let contour = pitch.clone().build(rate)?.track(samples)?;
    case.walk(want, |case, key, value| match key {
        "fs_hz" | "samples" => Ok(()),
        "pitch" => case.walk(value, |case, key, value| match key {
            "ac" => contour_equal(case, &contour, value),
            "cc" => {
                let method = PitchMethod::CrossCorrelation;
                contour_equal(case, &pitch.clone().with_method(method).build(rate)?.track(samples)?, value)
            }
            _ => Ok(skipped.add(&format!("pitch.{key}"))),
        }),
        "f0_mean_hz" => Ok(case.value(key, contour.mean_hz(), number(value)?, Tolerance::relative(1e-4))),
        "voice" => voice(case, recording, &contour, value, rule, skipped),
        "hnr_cc" | "hnr_ac" => harmonicity(case, recording, key, value, pitch.floor_hz),
        "intensity" => {
            let got = IntensityConfig::default().measure(samples, rate)?;
            case.walk(value, |case, key, value| {
                let tolerance = Tolerance::relative(1e-5);
                match key {
                    "t1_s" => case.value(key, got.t1_s, number(value)?, tolerance),
                    "step_s" => case.value(key, got.step_s, number(value)?, tolerance),
                    "mean_db" => case.value(key, got.mean_db(), number(value)?, tolerance),
                    "energy_mean_db" => case.value(key, got.energy_mean_db(), number(value)?, tolerance),
                    "values_db" => {
                        let every4th: Vec<f64> = got.level_db.iter().step_by(4).copied().collect();
                        case.close(key, &every4th, &numbers(value)?, tolerance);
                    }
                    _ => skipped.add(&format!("intensity.{key}")),
                }
                Ok(())
            })
        }
        _ => Ok(skipped.add(key)),
    })
}

fn contour_equal(case: &mut Case, got: &Pitch, want: &Value) -> Outcome {
    case.walk(want, |case, key, value| {
        match key {
            "t1_s" => case.value(key, got.t1_s, number(value)?, Tolerance::absolute(1e-8)),
            "step_s" => case.value(key, got.step_s, number(value)?, Tolerance::absolute(1e-8)),
            "frames" => case.value(key, got.len() as f64, number(value)?, Tolerance::Exact),
            // 1e-4 of each frame's own frequency; unvoiced frames are 0 on both sides, so voicing must be equal
            "f0_hz" => {
                let zeroed =
                    |f0: Vec<f64>| f0.into_iter().map(|f| if f.is_nan() { 0.0 } else { f }).collect::<Vec<_>>();
                let (got, want) = (zeroed(got.f0_hz.clone()), zeroed(numbers(value)?));
                case.close(key, &got, &want, Tolerance::Both(1e-5, 1e-4));
            }
            "strength" => case.close(key, &got.strength, &numbers(value)?, Tolerance::absolute(1e-4)),
            _ => case.skip(key, NOT_BUILT),
        }
        Ok(())
    })
}

fn voice(
    case: &mut Case,
    recording: &Recording,
    contour: &Pitch,
    want: &Value,
    rule: &PeriodRule,
    skipped: &mut Skipped,
) -> Outcome {
    let points = PointProcess::of(recording.samples(), recording.rate(), contour)?;
    let jitter = Jitter::of(&points, rule);
    let shimmer = Shimmer::of(recording.samples(), recording.rate(), &points, rule)?;
    case.walk(want, |case, key, value| {
        if key == "n_points" {
            case.value(key, points.len() as f64, number(value)?, Tolerance::Exact);
            return Ok(());
        }
        if key == "points_s" {
            let want = numbers(value)?;
            if !value.is_null() {
                let first: Vec<f64> = points.points_s.iter().take(want.len()).copied().collect();
                case.close(key, &first, &want, Tolerance::absolute(1e-6));
            }
            return Ok(());
        }
        let got = match key {
            "jitter_local" => jitter.local,
            "jitter_local_abs_s" => jitter.local_absolute_s,
            "jitter_rap" => jitter.rap,
            "jitter_ppq5" => jitter.ppq5,
            "jitter_ddp" => jitter.ddp,
            "shimmer_local" => shimmer.local,
            "shimmer_local_db" => shimmer.local_db,
            "shimmer_apq3" => shimmer.apq3,
            "shimmer_apq5" => shimmer.apq5,
            "shimmer_apq11" => shimmer.apq11,
            "shimmer_dda" => shimmer.dda,
            "mean_period_s" => points.mean_period_s(rule),
            "stdev_period_s" => points.sd_period_s(rule),
            _ => return Ok(skipped.add(&format!("voice.{key}"))),
        };
        case.value(key, got, number(value)?, Tolerance::Both(ROUNDING, 0.01));
        Ok(())
    })
}

/// What rounding leaves where the exact value is 0.
const ROUNDING: f64 = 1e-11;

fn harmonicity(case: &mut Case, recording: &Recording, key: &str, want: &Value, floor_hz: f64) -> Outcome {
    let method = if key == "hnr_ac" { PitchMethod::Autocorrelation } else { PitchMethod::CrossCorrelation };
    let mut meter = HarmonicityConfig::default().with_method(method).with_floor_hz(floor_hz).build(recording.rate())?;
    let got = meter.measure(recording.samples());
    if want.get("error").is_some() {
        case.holds("error", got.is_err(), "the reference gives an error");
        return Ok(());
    }
    let got = got?;
    case.walk(want, |case, key, value| {
        match key {
            "mean_db" => case.value(key, got.mean_db(), number(value)?, Tolerance::relative(0.01)),
            // where no frame has a ratio, the reference has a standard deviation of 0, and here there is none
            "sd_db" if got.mean_db().is_nan() => {
                case.holds(
                    key,
                    number(value)? == 0.0 && number(entry(want, "n_voiced")?)? == 0.0,
                    "got no ratio at all",
                );
            }
            "sd_db" => case.value(key, got.sd_db(), number(value)?, Tolerance::Both(ROUNDING, 0.01)),
            "t1_s" => case.value(key, got.t1_s, number(value)?, Tolerance::absolute(1e-8)),
            "frames" => case.value(key, got.hnr_db.len() as f64, number(value)?, Tolerance::Exact),
            "n_voiced" => case.value(key, got.voiced_db().count() as f64, number(value)?, Tolerance::Exact),
            _ => case.skip(key, NOT_BUILT),
        }
        Ok(())
    })
}

// ---- librosa ----

/// Frames as the reference made them: the length and hop of its entry.
fn frames_of(want: &Value) -> Result<StftConfig> {
    let size = |key: &str| Ok::<_, Box<dyn Error>>(number(entry(want, key)?)? as usize);
    Ok(StftConfig::default().with_length(size("n_fft")?).with_hop(size("hop")?))
}

fn librosa(case: &mut Case) -> Outcome {
    let json = case.json()?;
    let mut skipped = Skipped::default();
    case.walk(entry(&json, "files")?, |case, name, want| {
        if name == "_melfilters" {
            return case.walk(want, mel_sums);
        }
        if name.starts_with('_') {
            return Ok(case.skip(name, NOT_BUILT));
        }
        let recording = open_checked(case, name, want)?;
        case.walk(want, |case, key, value| match key {
            "fs_hz" | "samples" | "n_fft" | "hop" | "f0_params" | "stft_npy_first_frames" => Ok(()),
            "frames" => {
                let frames = frames_of(want)?.build()?.frames(recording.samples().len());
                Ok(case.value(key, frames as f64, number(value)?, Tolerance::Exact))
            }
            "yin_hz" => {
                let parameter = |key: &str| number(entry(entry(want, "f0_params")?, key)?);
                let config = YinConfig::default()
                    .with_low_hz(parameter("fmin")?)
                    .with_high_hz(parameter("fmax")?)
                    .with_length(parameter("frame_length")? as usize)
                    .with_hop(parameter("hop")? as usize);
                let got = config.build(recording.rate())?.track(recording.samples())?;
                Ok(case.close(key, &got, &numbers(value)?, Tolerance::Both(0.0, 1e-4)))
            }
            _ => Ok(skipped.add(key)),
        })
    })?;
    skipped.report(case);
    Ok(())
}

/// Sums of the filters' weights: `sum` (40 bands after Slaney) and `htk_26_sum`, both at 16 kHz with 512 samples.
fn mel_sums(case: &mut Case, key: &str, value: &Value) -> Outcome {
    let want = numbers(value)?;
    let config = MelConfig::default().with_bands(want.len());
    let config = match key {
        "sum" => config,
        _ if key.starts_with("htk") => config.with_scale(MelScale::Htk).with_unit_area(false),
        _ => return Ok(case.skip(key, NOT_BUILT)),
    };
    let bank = config.build(512, SampleRate::new(16_000.0)?)?;
    let mut got = vec![0.0; want.len()];
    bank.apply_into(&[1.0; 257], &mut got)?;
    case.close(key, &got.into_iter().map(f64::from).collect::<Vec<_>>(), &want, Tolerance::relative(1e-5));
    Ok(())
}

/// Compares a table with a reference that has one column per frame.
fn turned(case: &mut Case, name: &str, got: &FrameTable, tolerance: f64) -> Outcome {
    let (shape, want) = npy(case.path())?;
    case.equal("shape", &shape, &vec![got.width, got.len()]);
    let columns = (0..got.width).flat_map(|k| got.rows().map(move |row| f64::from(row[k])));
    case.close(name, &columns.collect::<Vec<_>>(), &want, Tolerance::relative(tolerance));
    Ok(())
}

fn file_stem(case: &Case) -> String {
    case.path().file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn mel(case: &mut Case) -> Outcome {
    let (name, want) = record_of(case, "librosa.json")?;
    let (recording, stem) = (open(case, &name)?, file_stem(case));
    let mel = MelConfig::default().with_bands(count(&stem)?);
    let config = MfccConfig::default().with_stft(frames_of(&want)?).with_mel(mel);
    let got = config.build(recording.rate())?.mel(recording.samples())?;
    turned(case, "mel", &got, 1e-4)
}

fn mfcc(case: &mut Case) -> Outcome {
    let (name, want) = record_of(case, "librosa.json")?;
    let recording = open(case, &name)?;
    let config = MfccConfig::default().with_stft(frames_of(&want)?).with_coefficients(count(&file_stem(case))?);
    turned(case, "mfcc", &config.build(recording.rate())?.transform(recording.samples())?, 1e-4)
}

fn mfcc_htk(case: &mut Case) -> Outcome {
    let (name, want) = record_of(case, "librosa.json")?;
    let (recording, stem) = (open(case, &name)?, file_stem(case));
    // the reference turns the norm of the cosine transform off, not that of the filters
    let config = MfccConfig::htk(recording.rate()).with_orthonormal(false);
    let config = config.with_stft(frames_of(&want)?).with_coefficients(count(stem.trim_end_matches("_htk"))?);
    turned(case, "mfcc", &config.build(recording.rate())?.transform(recording.samples())?, 1e-4)
}

/// The first spectra of the record that `librosa.json` marks, as complex numbers.
fn stft(case: &mut Case) -> Outcome {
    let json: Value = serde_json::from_slice(&std::fs::read(case.reference("librosa.json")?)?)?;
    let files = entry(&json, "files")?.as_object().ok_or("files is no object")?;
    let marked = files.iter().find(|(_, value)| value.get("stft_npy_first_frames").is_some());
    let (name, want) = marked.ok_or("no record is marked with stft_npy_first_frames")?;
    let recording = open(case, name)?;
    let mut stft = frames_of(want)?.build()?;
    let frames = number(entry(want, "stft_npy_first_frames")?)? as usize;
    let bytes = std::fs::read(case.path())?;
    let length = bytes.get(8..10).and_then(|b| b.try_into().ok()).map(u16::from_le_bytes).ok_or("no .npy header")?;
    let (header, data) = bytes.split_at_checked(10 + usize::from(length)).ok_or("no .npy header")?;
    let header = String::from_utf8_lossy(header);
    if !header.contains("<c8") {
        return Err("expected complex numbers of twice 32 bits".into());
    }
    let by_frame = header.contains("'fortran_order': True");
    let values: Vec<f64> = data.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect();
    let (mut got, mut wanted) = (Vec::new(), Vec::new());
    let bins = stft.bins();
    for frame in 0..frames {
        let spectrum = stft.spectrum(recording.samples(), frame).ok_or("the recording has fewer frames")?;
        for (bin, x) in spectrum.iter().enumerate() {
            let at = 2 * if by_frame { frame * bins + bin } else { bin * frames + frame };
            wanted.extend(values.get(at..at + 2).ok_or("the reference is too short")?);
            got.extend([f64::from(x.re), f64::from(x.im)]);
        }
    }
    case.equal("values", &values.len(), &wanted.len());
    case.close("stft", &got, &wanted, Tolerance::relative(1e-4));
    Ok(())
}

// ---- Kaldi ----

fn kaldi_config(want: &Value) -> Result<KaldiConfig> {
    let parameters = entry(want, "params")?;
    let get = |key: &str| number(entry(parameters, key)?);
    Ok(KaldiConfig::default()
        .with_length_s(get("frame_length")? / 1000.0)
        .with_hop_s(get("frame_shift")? / 1000.0)
        .with_low_hz(get("low_freq")?)
        .with_high_hz(get("high_freq")?))
}

fn kaldi_frames(case: &mut Case) -> Outcome {
    let json = case.json()?;
    case.walk(entry(&json, "files")?, |case, name, want| {
        let recording = open_checked(case, name, want)?;
        let got = kaldi_config(want)?.build(recording.rate())?.transform(recording.samples())?;
        case.value("frames", got.len() as f64, number(entry(want, "frames")?)?, Tolerance::Exact);
        Ok(())
    })
}

fn kaldi(case: &mut Case) -> Outcome {
    let (name, want) = record_of(case, "kaldi.json")?;
    let (recording, stem) = (open(case, &name)?, file_stem(case));
    let (config, n) = (kaldi_config(&want)?, count(&stem)?);
    // 23 bands are Kaldi's default for cepstra
    let cepstra = stem.contains("__mfcc");
    let config = if cepstra { config.with_bands(23).with_coefficients(n) } else { config.with_bands(n) };
    let got = config.build(recording.rate())?.transform(recording.samples())?;
    let (shape, want) = npy(case.path())?;
    case.equal("shape", &shape, &vec![got.len(), got.width]);
    let got: Vec<f64> = got.values.into_iter().map(f64::from).collect();
    case.close(if cepstra { "mfcc" } else { "fbank" }, &got, &want, Tolerance::absolute(1e-3));
    Ok(())
}

// ---- loudness, timing ----

fn loudness(case: &mut Case) -> Outcome {
    let json = case.json()?;
    case.walk(entry(&json, "files")?, |case, name, want| {
        let audio = decode(&std::fs::read(case.data(name)?)?, &Limits::default())?;
        case.walk(want, |case, key, value| {
            let filter = match key {
                "integrated_lufs" => LoudnessFilter::Nominal,
                "integrated_lufs_deman" => LoudnessFilter::Standard,
                _ => return Ok(case.skip(key, NOT_BUILT)),
            };
            let config = LoudnessConfig::default().with_filter(filter);
            let got = config.integrated(&audio.interleaved, audio.channels, audio.rate)?;
            let want = number(value)?; // null is minus infinity or NaN
            let got = if got.is_finite() { got } else { f64::NAN };
            Ok(case.value(key, got, want, Tolerance::absolute(0.1)))
        })
    })
}

fn timing(case: &mut Case) -> Outcome {
    let json = case.json()?;
    case.walk(entry(&json, "files")?, |case, name, want| {
        let recording = open(case, name)?;
        let got = PauseConfig::default().find(recording.samples(), recording.rate())?;
        let runs = got.speech.chunk_by(|a, b| a == b).count();
        case.walk(want, |case, key, value| {
            let exact = Tolerance::absolute(1e-6);
            match key {
                "frames" => case.value(key, got.speech.len() as f64, number(value)?, exact),
                "threshold_db" => case.value(key, got.threshold_db, number(value)?, exact),
                "speech_fraction" => case.value(key, got.speech_fraction(), number(value)?, exact),
                "n_runs" => case.value(key, runs as f64, number(value)?, exact),
                "pause_total_s" => case.value(key, got.total_s(), number(value)?, exact),
                "pauses_s" => {
                    let pauses: Vec<f64> = got.pauses_s.iter().flat_map(|(from, to)| [*from, *to]).collect();
                    case.close(key, &pauses, &numbers(value)?, exact);
                }
                _ => case.skip(key, NOT_BUILT),
            }
            Ok(())
        })
    })
}

// ---- files ----

/// What is decided where libsndfile and ffmpeg disagree: one of the two, or an error where either gives one.
fn decoding(case: &mut Case) -> Outcome {
    let json = case.json()?;
    case.walk(entry(&json, "files")?, |case, name, want| {
        let bytes = std::fs::read(case.data(name)?)?;
        let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        case.equal("sha256", &hash, &entry(want, "sha256")?.as_str().unwrap_or_default().to_owned());
        let codec = want.pointer("/ffprobe/codec_name").and_then(Value::as_str).unwrap_or_default();
        let other = ["mp3", "ogg", "opus", "aiff", "w64"].iter().any(|e| name.ends_with(e));
        let got = decode(&bytes, &Limits::default());
        if other || codec.starts_with("adpcm") {
            case.holds("refused", got.is_err(), "a format that is not built is read all the same");
            return Ok(case.skip("samples", NOT_BUILT));
        }
        let (sndfile, ffmpeg) = (entry(want, "libsndfile")?, want.get("ffmpeg"));
        let frames = |value: Option<&Value>| value.and_then(|v| v.get("frames")).and_then(Value::as_u64);
        let (Ok(audio), refused) = (&got, sndfile.get("error").is_some() || ffmpeg.is_none()) else {
            let text = got.err().map(|e| e.to_string()).unwrap_or_default();
            let allowed = sndfile.get("error").is_some() || ffmpeg.is_none();
            return Ok(case.holds("error", allowed, &format!("both tools read it: {text}")));
        };
        let count = Some(audio.frames() as u64);
        if count == frames(Some(sndfile)) {
            case.value("fs_hz", audio.rate.hz(), number(entry(sndfile, "fs_hz")?)?, Tolerance::Exact);
            case.value("channels", audio.channels as f64, number(entry(sndfile, "channels")?)?, Tolerance::Exact);
            let pcm = audio.interleaved.iter().map(|v| {
                let v = if v.is_finite() { f64::from(*v) } else { 0.0 };
                (v * 32768.0).round_ties_even().clamp(-32768.0, 32767.0) as i16
            });
            let pcm: Vec<u8> = pcm.flat_map(i16::to_le_bytes).collect();
            let hash: String = Sha256::digest(&pcm).iter().map(|b| format!("{b:02x}")).collect();
            let want = entry(sndfile, "int16_sha256")?.as_str().unwrap_or_default();
            case.equal("int16_sha256", &hash, &want.to_owned());
        } else {
            let agree = count == frames(ffmpeg) || (refused && audio.frames() == 0);
            case.holds("frames", agree, &format!("{} frames: neither tool has so many", audio.frames()));
        }
        if let Some(values) = ffmpeg.filter(|f| frames(Some(f)) == count) {
            let at = numbers(entry(values, "at")?)?;
            let channels = audio.channels;
            let got = at.iter().flat_map(|i| {
                let start = *i as usize * channels;
                audio.interleaved[start..start + channels]
                    .iter()
                    .map(|v| if v.is_finite() { f64::from(*v) } else { 0.0 })
            });
            case.close(
                "values",
                &got.collect::<Vec<_>>(),
                &numbers(entry(values, "values")?)?,
                Tolerance::absolute(1e-7),
            );
            let broken = audio.interleaved.iter().filter(|v| !v.is_finite()).count();
            case.value("n_not_finite", broken as f64, number(entry(values, "n_not_finite")?)?, Tolerance::Exact);
        }
        let mixed = audio.clone().into_recording(Channel::Mix)?;
        case.equal("mixed", &mixed.samples().len(), &audio.frames());
        Ok(())
    })
}
