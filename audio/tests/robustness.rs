//! Broken files, strange samples, same answers.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use eir_audio::{
    HarmonicityConfig, IntensityConfig, Jitter, KaldiConfig, LoudnessConfig, MelConfig, MfccConfig, PauseConfig,
    PeriodRule, PictureConfig, PitchConfig, PitchMethod, PitchTracker, PointProcess, Recording, SampleRate, Shimmer,
    StftConfig, YinConfig, decode, harmonicity, integrated_loudness, intensity, kaldi_fbank, mfcc, pauses, picture,
    pitch, spectrogram, yin,
};
use eir_core::Limits;
use eir_core::testing::{PeakAlloc, contract, recipes, shared};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn read(bytes: &[u8]) -> Result<(), eir_audio::Error> {
    decode(bytes, &Limits::default()).map(drop)
}

/// A WAV file with `tag` and `bits` that holds `data`.
fn wav(tag: u16, channels: u16, bits: u16, data: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x12\0\0\0".to_vec();
    for value in [tag, channels] {
        file.extend_from_slice(&value.to_le_bytes());
    }
    file.extend_from_slice(&16_000u32.to_le_bytes());
    file.extend_from_slice(&[0; 6]);
    file.extend_from_slice(&bits.to_le_bytes());
    file.extend_from_slice(b"\0\0LIST\x05\0\0\0hello\0data");
    file.extend_from_slice(&(data.len() as u32).to_le_bytes());
    file.extend_from_slice(data);
    file
}

/// Writes bits, most significant first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u64, count: u32) {
        for bit in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> bit & 1) as u8) << (7 - self.used % 8);
            self.used += 1;
        }
    }
}

fn crc(bytes: &[u8], width: u32, polynomial: u32) -> u64 {
    let top = 1u32 << (width - 1);
    let crc = bytes.iter().fold(0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << (width - 8), |c, _| c << 1 ^ if c & top == 0 { 0 } else { polynomial })
    });
    u64::from(crc & (top | (top - 1)))
}

/// A mono FLAC file of 16 bits at 16 kHz: one frame of 192 samples as a constant, verbatim, with a fixed and with a
/// linear predictor, each with Rice-coded residuals where it has any.
fn flac(samples: &[i16; 192]) -> Vec<u8> {
    let mut file = b"fLaC\x80\0\0\x22".to_vec();
    let mut info = Bits::default();
    info.put(192, 16);
    info.put(192, 16);
    info.put(0, 48);
    info.put(16_000, 20);
    info.put(0, 3);
    info.put(15, 5);
    info.put(4 * 192, 36);
    file.extend_from_slice(&info.bytes);
    file.extend_from_slice(&[0; 16]);
    for (number, kind) in [(0u64, 0u64), (1, 1), (2, 9), (3, 32)] {
        let mut frame = Bits::default();
        frame.put(0b1111_1111_1111_1000, 16);
        frame.put(0x15, 8); // 192 samples, 16 kHz
        frame.put(0x08, 8); // mono, 16 bits
        frame.put(number, 8);
        let check = crc(&frame.bytes, 8, 0x07);
        frame.put(check, 8);
        frame.put(kind << 1, 8);
        let sample = |frame: &mut Bits, s: i16| frame.put(u64::from(s as u16), 16);
        match kind {
            0 => sample(&mut frame, samples[0]),
            1 => samples.iter().for_each(|s| sample(&mut frame, *s)),
            _ => {
                sample(&mut frame, samples[0]);
                if kind == 32 {
                    frame.put(11, 4); // weights of 12 bits
                    frame.put(10, 5); // over 1024
                    frame.put(1000, 12);
                }
                frame.put(0, 2);
                frame.put(0, 4);
                frame.put(8, 4);
                for pair in samples.windows(2) {
                    let [before, now] = [i64::from(pair[0]), i64::from(pair[1])];
                    let rest = now - if kind == 32 { (before * 1000) >> 10 } else { before };
                    let code = (rest << 1 ^ rest >> 63) as u64;
                    (0..code >> 8).for_each(|_| frame.put(0, 1));
                    frame.put(1, 1);
                    frame.put(code & 0xff, 8);
                }
            }
        }
        let check = crc(&frame.bytes, 16, 0x8005);
        file.extend_from_slice(&frame.bytes);
        file.extend_from_slice(&(check as u16).to_be_bytes());
    }
    file
}

fn wave() -> [i16; 192] {
    std::array::from_fn(|i| (3000.0 * (i as f64 * 0.2).sin() + 500.0 * (i as f64 * 1.3).cos()) as i16)
}

#[test]
fn flac_is_decoded_to_the_bit() {
    let wave = wave();
    let audio = decode(&flac(&wave), &Limits::default()).unwrap();
    let want: Vec<f32> = wave.iter().map(|s| f32::from(*s) / 32768.0).collect();
    assert_eq!(audio.interleaved.len(), 4 * 192);
    assert!(audio.interleaved[..192].iter().all(|s| *s == want[0]));
    for frame in 1..4 {
        assert_eq!(audio.interleaved[frame * 192..(frame + 1) * 192], want[..], "frame {frame}");
    }
}

#[test]
fn broken_files_are_errors_or_results() {
    let bytes: Vec<u8> = (0..=255u8).cycle().take(4096).collect();
    for (tag, bits) in [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64), (6, 8), (7, 8)] {
        contract::bounded_reader(&format!("WAV {tag} {bits}"), &wav(tag, 2, bits, &bytes), &MEMORY, read);
    }
    contract::bounded_reader("WAV", &Recording::new(vec![0.5; 100], 8000.0).unwrap().to_wav(), &MEMORY, read);
    contract::bounded_reader("FLAC", &flac(&wave()), &MEMORY, read);
}

#[test]
fn broken_real_files_are_errors_or_results() {
    let Some(folder) = shared() else { return };
    let mut files = 0;
    for part in ["formats/own", "formats/wav"] {
        for entry in std::fs::read_dir(folder.join("data/audio").join(part)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            if bytes.len() < 40_000 && read(&bytes).is_ok() {
                contract::bounded_reader(&path.display().to_string(), &bytes, &MEMORY, read);
                files += 1;
            }
        }
    }
    assert!(files > 20, "only {files} files could be read");
}

#[test]
fn limits_hold() {
    let file = flac(&wave());
    let error = decode(&file, &Limits::default().with_bytes(1000)).unwrap_err();
    assert!(error.to_string().contains("the limit is 1000"), "{error}");
}

fn rate() -> SampleRate {
    SampleRate::new(8000.0).unwrap()
}

fn quality(x: &[f32]) -> eir_audio::Result<(PointProcess, Jitter, Shimmer)> {
    let (points, rule) = (PointProcess::of(x, rate(), &pitch(x, rate())?)?, PeriodRule::default());
    let shimmer = Shimmer::of(x, rate(), &points, &rule)?;
    Ok((points.clone(), Jitter::of(&points, &rule), shimmer))
}

#[test]
fn strange_samples_are_errors_or_results() {
    contract::detector("pitch", |x| pitch(x, rate()));
    contract::detector("pitch by cross-correlation", |x| {
        PitchConfig::default().with_method(PitchMethod::CrossCorrelation).build(rate())?.track(x)
    });
    contract::detector("harmonicity", |x| harmonicity(x, rate()));
    contract::detector("harmonicity by autocorrelation", |x| {
        HarmonicityConfig::default().with_method(PitchMethod::Autocorrelation).build(rate())?.measure(x)
    });
    contract::detector("jitter and shimmer", quality);
    contract::detector("intensity", |x| intensity(x, rate()));
    contract::detector("loudness", |x| integrated_loudness(x, rate()));
    contract::detector("yin", |x| yin(x, rate()));
    contract::detector("spectrogram", |x| spectrogram(x, rate()));
    contract::detector("mfcc", |x| mfcc(x, rate()));
    contract::detector("kaldi", |x| kaldi_fbank(x, rate()));
    contract::detector("pauses", |x| pauses(x, rate()));
    contract::detector("picture", |x| picture(&Recording::new(x.to_vec(), 8000.0)?));
}

#[test]
fn very_large_samples_are_errors_or_right() {
    let x: Vec<f32> = (0..8000).map(|i| (i as f32 * 0.1).sin() + 0.3 * (i as f32 * 0.2).sin()).collect();
    let f0_hz = pitch(&x, rate()).unwrap().mean_hz();
    for scale in [1e6, 1e15, 1e19, 1e30, 2e38] {
        let large: Vec<f32> = x.iter().map(|v| v * scale).collect();
        let finite = |what: &str, table: eir_audio::Result<eir_audio::FrameTable>| match table {
            Ok(table) => assert!(table.values.iter().all(|v| v.is_finite()), "{what} at {scale}"),
            Err(error) => assert!(scale > 1e10 && error.to_string().contains("not finite"), "{what}: {error}"),
        };
        finite("spectrogram", spectrogram(&large, rate()));
        finite("mfcc", mfcc(&large, rate()));
        finite("kaldi", kaldi_fbank(&large, rate()));
        assert!((pitch(&large, rate()).unwrap().mean_hz() / f0_hz - 1.0).abs() < 1e-5, "pitch at {scale}");
        assert!(harmonicity(&large, rate()).unwrap().mean_db().is_finite(), "harmonicity at {scale}");
        assert!(yin(&large, rate()).unwrap().iter().all(|v| v.is_finite()), "yin at {scale}");
        assert!(integrated_loudness(&large, rate()).unwrap().is_finite(), "loudness at {scale}");
        assert!(quality(&large).unwrap().2.local.is_finite(), "shimmer at {scale}");
    }
}

#[test]
fn strange_rates_are_errors_or_results() {
    let x: Vec<f32> = (0..5000).map(|i| (i as f32 * 0.3).sin()).collect();
    for hz in [1e-3, 1.0, 10.0, 99.0, 300.0, 1e4, 1e7, 1e12] {
        let rate = SampleRate::new(hz).unwrap();
        let _ = pitch(&x, rate);
        let _ = harmonicity(&x, rate);
        let _ = intensity(&x, rate);
        let _ = integrated_loudness(&x, rate);
        let _ = yin(&x, rate);
        let _ = mfcc(&x, rate);
        let _ = kaldi_fbank(&x, rate);
        let _ = pauses(&x, rate);
        let _ = picture(&Recording::new(x.clone(), hz).unwrap());
    }
}

#[test]
fn settings_survive_json_and_plans_can_be_sent() {
    contract::serde_round_trip(&PitchConfig::default().with_step_s(0.005));
    contract::serde_round_trip(&HarmonicityConfig::default());
    contract::serde_round_trip(&IntensityConfig::default());
    contract::serde_round_trip(&LoudnessConfig::default());
    contract::serde_round_trip(&StftConfig::default());
    contract::serde_round_trip(&MelConfig::default().with_high_hz(7000.0));
    contract::serde_round_trip(&MfccConfig::htk(rate()));
    contract::serde_round_trip(&KaldiConfig::default().with_coefficients(13));
    contract::serde_round_trip(&YinConfig::default());
    contract::serde_round_trip(&PauseConfig::default());
    contract::serde_round_trip(&PeriodRule::default());
    contract::serde_round_trip(&PictureConfig::default().with_title("a"));
    contract::send_sync::<Recording>();
    contract::send_sync::<PitchTracker>();
    contract::send_sync::<eir_audio::Mfcc>();
}

#[test]
fn used_again_a_plan_gives_the_same_and_takes_no_memory() {
    let x: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.1).sin()).collect();
    let mut tracker = PitchConfig::default().build(rate()).unwrap();
    let mut contour = tracker.track(&x).unwrap();
    let first = contour.clone();
    tracker.track_into(&x[..4000], &mut contour).unwrap();
    tracker.track_into(&x, &mut contour).unwrap();
    assert_eq!(contour.f0_hz, first.f0_hz);
    let mut plan = MfccConfig::for_rate(rate()).build(rate()).unwrap();
    let mut table = plan.transform(&x).unwrap();
    let first = table.clone();
    plan.transform_into(&x, &mut table).unwrap();
    assert_eq!(table, first);
}

#[test]
fn malformed_files() {
    // a buffer that grows to its limit takes three times as much while it grows
    let small = Limits::default().with_bytes(16 << 20);
    contract::withstands("WAV", recipes::wav(), |b| decode(b, &small));
    contract::withstands("FLAC", recipes::flac(), |b| decode(b, &small));
    for other in [recipes::mp4(), recipes::ogg()] {
        contract::withstands("a file that is no audio of ours", other, |b| decode(b, &small));
    }
}

#[test]
fn every_prefix_and_every_byte() {
    let samples = |b: &[u8]| decode(b, &Limits::default()).map(|audio| audio.interleaved.len());
    for (name, file) in [("WAV", wav(1, 2, 16, &[7; 400])), ("FLAC", flac(&wave()))] {
        contract::prefix_law(name, &file, samples);
        contract::byte_law(name, &file, samples);
    }
}
