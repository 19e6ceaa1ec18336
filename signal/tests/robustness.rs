//! Promises that every reader and every detector keeps, on files that the tests make themselves.

use eir_core::testing::{PeakAlloc, contract, recipes, shared};
use eir_core::{Limits, SampleRate};
use eir_signal::csv::CsvConfig;
use eir_signal::{Band, ButterworthConfig, Error, csv, ctg, ecg, figure, hrv, wfdb};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn limits() -> Limits {
    Limits::default()
}

const HEADER: &[u8] = b"r 3 4 50 10:00:00 1/1/2020\nr.dat 16 100(0)/bpm 12 0 14000 0 0 FHR\nr.dat 16x2:1 100/nd 12 0 10 0 0 UC\ns.dat 212 200 12 1024 995 0 0 MLII\n# pH 7.2\n";

fn files() -> (Vec<u8>, Vec<u8>) {
    let words = (0..150i16).flat_map(|i| (14_000 + i * 3).to_le_bytes()).collect();
    (words, (0..75).map(|i| (i * 7 % 251) as u8).collect())
}

/// A zip archive with one record, stored and deflated by the crate that reads it.
fn archive() -> Vec<u8> {
    build_archive().unwrap_or_default() // an empty archive fails every test that reads it
}

fn build_archive() -> Result<Vec<u8>, zip::result::ZipError> {
    use std::io::Write;
    let (r, s) = files();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in [("r.hea", HEADER), ("r.dat", &r), ("s.dat", &s)] {
        zip.start_file(name, options)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[test]
fn readers_stay_sound_on_broken_files() {
    let (r, s) = files();
    contract::bounded_reader("WFDB header", HEADER, &MEMORY, |bytes| {
        wfdb::read(bytes, &[("r.dat", &r), ("s.dat", &s)], &limits()).map(drop)
    });
    contract::bounded_reader("WFDB samples", &r, &MEMORY, |bytes| {
        wfdb::read(b"r 1 4\nr.dat 16 100 12 0 0 0 0 x\n", &[("r.dat", bytes)], &limits()).map(drop)
    });
    for format in [8, 16, 24, 32, 61, 80, 160, 212, 310, 311] {
        let header = format!("r 2 4\nr.dat {format}x2 100 12 0 0 0 0 x\nr.dat {format} 100 12 0 0 0 0 y\n");
        contract::bounded_reader("WFDB formats", &s, &MEMORY, |bytes| {
            wfdb::read(header.as_bytes(), &[("r.dat", bytes)], &limits()).map(drop)
        });
    }
    contract::bounded_reader("WFDB segments", b"m/3 1 4 150\nl 0\n~ 50\na 100\n", &MEMORY, |bytes| {
        let layout: &[u8] = b"l 1 4 0\n~ 0 100/mV 16 0 0 0 0 x\n";
        let segment: &[u8] = b"a 1 4 100\nr.dat 16 100/mV 16 0 0 0 0 x\n";
        wfdb::read(bytes, &[("l.hea", layout), ("a.hea", segment), ("r.dat", &r)], &limits()).map(drop)
    });
    let annotations: Vec<u8> = (0..60u16).flat_map(|i| ((1 << 10) | (i * 10)).to_le_bytes()).chain([0, 0]).collect();
    contract::bounded_reader("WFDB annotations", &annotations, &MEMORY, |bytes| {
        wfdb::annotations(bytes, &limits()).map(drop)
    });
    contract::bounded_reader("zip archive", &archive(), &MEMORY, |bytes| {
        wfdb::read_in_zip(bytes, "r", &limits()).map(drop)
    });
    let table = b"# note\ntime_s,ECG (mV),b\n0.0,1.5,2\n0.1,,3\n0.2,NaN,4\n";
    contract::bounded_reader("table", table, &MEMORY, |bytes| {
        csv::read(bytes, &CsvConfig::default(), &limits()).map(drop)
    });
}

#[test]
fn claims_of_size_take_no_memory() {
    let huge = b"r 2 4 9000000000000000000\nr.dat 16x4000000000 100\ns.dat 16 100\n";
    assert!(wfdb::read(huge, &[("r.dat", &[0; 8]), ("s.dat", &[0; 8])], &limits()).is_err());
    let segments = b"m/2 1 4 9000000000000\n~ 8999999999999\na 1\n";
    assert!(matches!(wfdb::read(segments, &[("a.hea", HEADER)], &limits()), Err(Error::Limit(_))));
    let (r, s) = files();
    let small = Limits::default().with_bytes(100);
    assert!(matches!(wfdb::read(HEADER, &[("r.dat", &r), ("s.dat", &s)], &small), Err(Error::Limit(_))));
    assert!(matches!(wfdb::read_in_zip(&archive(), "r", &Limits::default().with_bytes(300)), Err(Error::Limit(_))));
}

#[test]
fn an_archive_is_read_as_its_files_are_and_names_what_it_lacks() {
    let (r, s) = files();
    let direct = wfdb::read(HEADER, &[("r.dat", &r), ("s.dat", &s)], &limits()).unwrap();
    // missing samples are NaN, which is equal to nothing: compare as text
    assert_eq!(format!("{direct:?}"), format!("{:?}", wfdb::read_in_zip(&archive(), "r", &limits()).unwrap()));
    assert_eq!(direct.comment("pH"), Some("7.2"));
    let missing = wfdb::read_in_zip(&archive(), "9999", &limits()).unwrap_err();
    assert!(missing.to_string().contains("9999"), "{missing}");
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in ["../r.dat", "/r.dat", "a\\..\\r.dat"] {
        let header = format!("r 1 4 1\n{name} 16 100\n");
        assert!(matches!(wfdb::read(header.as_bytes(), &[], &limits()), Err(Error::Malformed(_))), "{name}");
    }
    assert!(matches!(wfdb::read(b"m/1 1 4 10\n../a 10\n", &[], &limits()), Err(Error::Malformed(_))));
}

#[test]
fn detectors_stay_sound_on_any_samples() {
    let rate = SampleRate::new(250.0).unwrap();
    let wide = |x: &[f32]| x.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
    contract::detector("r_peaks", |x| ecg::r_peaks(x, rate));
    contract::detector("pan_tompkins", |x| ecg::pan_tompkins(x, rate));
    contract::detector("gradient_peaks", |x| ecg::gradient_peaks(x, rate));
    for method in ecg::QrsMethod::ALL {
        contract::detector(method.name(), |x| method.detect(x, rate));
        contract::detector(method.name(), |x| method.r_peaks(x, rate));
    }
    contract::detector("live R-peaks", |x| {
        let mut stream = ecg::RPeakStream::new(ecg::RPeaksConfig::default(), rate)?;
        let mut peaks = Vec::new();
        stream.push(x, |peak| peaks.push(peak));
        stream.finish(|peak| peaks.push(peak));
        Ok::<_, Error>(peaks)
    });
    // at places that may lie anywhere in the samples
    let places = |x: &[f32]| (0..x.len()).step_by(90).collect::<Vec<usize>>();
    contract::detector("delineate", |x| ecg::delineate(x, rate, &places(x)));
    contract::detector("beat classes", |x| ecg::beat_classes(x, rate, &places(x)));
    contract::detector("refine", |x| ecg::refine_r_peaks(x, rate, &places(x), 0.1, 0.1));
    contract::detector("signal quality", |x| ecg::signal_quality(x, rate, &places(x)));
    contract::detector("zhao quality", |x| ecg::zhao_quality(&wide(x), rate, &places(x)));
    contract::detector("clean", |x| ecg::clean(&wide(x), rate));
    contract::detector("clean FIR", |x| ecg::clean_fir(&wide(x), rate));
    contract::detector("clean Pan-Tompkins", |x| ecg::clean_pan_tompkins(&wide(x), rate));
    contract::detector("heart rate", |x| ecg::heart_rate_bpm(&places(x), x.len(), rate));
    contract::detector("ST level", |x| ecg::st_levels(x, rate, &ecg::delineate(x, rate, &places(x))?, 60.0));
    let filter = ButterworthConfig::new(Band::Pass { low_hz: 0.5, high_hz: 40.0 }).design(rate).unwrap();
    contract::detector("zero phase", |x| filter.zero_phase(x));
    contract::detector("hrv", |x| hrv::time_domain(&wide(x)));
    contract::detector("variability", |x| Ok::<_, Error>(ctg::variability(&wide(x))));
    contract::detector("contractions", |x| ctg::contractions(&wide(x)));
    contract::detector("prepare", |x| ctg::prepare(&wide(x)));
    for method in ctg::BaselineMethod::ALL {
        contract::detector(method.name(), |x| method.baseline(&wide(x)));
    }
    // a heart rate around 140 bpm, so that something is left to analyse
    contract::detector("ctg", |x| {
        let fhr: Vec<f64> = wide(x).into_iter().map(|v| 140.0 + v).collect();
        let found = ctg::analyse(&fhr, Some(&wide(x)))?;
        figure::ctg(&found, &figure::CtgFigureConfig::default())
    });
    contract::detector("prepare as FHRMA", |x| ctg::PreparationConfig::fhrma().prepare(&wide(x)));
    contract::detector("ctg stream", |x| {
        let mut stream = ctg::CtgStreamConfig::default().with_history_h(0.5).stream()?;
        wide(x).into_iter().for_each(|v| {
            stream.push(140.0 + v, Some(v));
        });
        let found = stream.answer()?;
        let fhr = vec![140.0; found.baseline_bpm.len()];
        ctg::DawesRedmanConfig::default().assess(&found, &fhr)
    });
    contract::detector("ecg strip", |x| figure::ecg_strip(x, rate, &[1, 5, 90], &figure::EcgStripConfig::default()));
}

#[test]
fn a_rate_of_one_hertz_is_an_error_or_no_answer() {
    let slow = SampleRate::new(1.0).unwrap();
    for x in [vec![0.5f32; 3], (0..4000).map(|i| ((i * 37 % 101) as f32).sin()).collect()] {
        for method in ecg::QrsMethod::ALL {
            assert!(method.detect(&x, slow).is_err() || x.len() > 3, "{}", method.name());
            assert!(method.r_peaks(&x, slow).is_err(), "{}", method.name());
        }
        assert!(ecg::delineate(&x, slow, &[1]).is_err());
        assert!(ecg::refine_r_peaks(&x, slow, &[1], 0.1, 0.1).is_err());
        assert!(ecg::RPeakStream::new(ecg::RPeaksConfig::default(), slow).is_err());
        assert!(ecg::beat_classes(&x, slow, &[1]).is_ok());
        assert!(ecg::signal_quality(&x, slow, &[1]).is_ok());
    }
}

#[test]
fn a_cardiotocogram_of_any_kind_has_an_answer_or_an_error() {
    let bad = [f64::NAN, 0.0, f64::INFINITY, f64::NEG_INFINITY, -140.0, 1e300, 140.0, 60.0, 220.0];
    for value in bad {
        for n in [0, 1, 3, 40, 2400, 20_000] {
            let x = vec![value; n];
            for baseline in ctg::BaselineMethod::ALL {
                let config = ctg::CtgConfig::default().with_baseline(baseline);
                let Ok(found) = config.analyse(&x, Some(&x)) else { continue };
                assert!(found.baseline_bpm.iter().all(|b| b.is_finite()), "{value} {n} {}", baseline.name());
                assert!(found.figo.class != ctg::FigoClass::Normal || n >= 2400);
                assert!(!found.figo.reasons.is_empty());
            }
        }
    }
    assert!(ctg::analyse(&[f64::NAN; 20_000], None).is_err());
    // a whole day
    let day: Vec<f64> = (0..24 * 14_400).map(|i| 140.0 + 6.0 * (f64::from(i) * 0.02).sin()).collect();
    let found = ctg::analyse(&day, None).unwrap();
    assert!((found.mean_baseline_bpm() - 140.0).abs() < 2.0);
}

#[test]
fn settings_survive_json_and_types_travel() {
    contract::serde_round_trip(&ButterworthConfig::new(Band::Stop { low_hz: 48.0, high_hz: 52.0 }).with_order(3));
    contract::serde_round_trip(&CsvConfig::default().with_rate_hz(4.0));
    contract::serde_round_trip(&ecg::RPeaksConfig::default().with_threshold(0.4));
    contract::serde_round_trip(&ecg::DelineationConfig::default().with_t_least(0.02));
    contract::serde_round_trip(&ecg::ScoreConfig::default().with_excluded(vec![(3, 9)]));
    contract::serde_round_trip(&ecg::QrsMethod::Khamis);
    contract::serde_round_trip(&ctg::CtgConfig::default().with_baseline(ctg::BaselineMethod::Taylor));
    contract::serde_round_trip(&ctg::CtgStreamConfig::default().with_history_h(2.0));
    contract::serde_round_trip(&ctg::DawesRedmanConfig::default().with_movements(3));
    contract::serde_round_trip(&figure::CtgFigureConfig::default().with_speed(figure::PaperSpeed::ThreeCmPerMin));
    contract::serde_round_trip(&figure::EcgStripConfig::default().with_start_s(2.5));
    contract::send_sync::<eir_signal::Record>();
    contract::send_sync::<eir_signal::SosFilter>();
    contract::send_sync::<ecg::RPeaks>();
    contract::send_sync::<ecg::RPeakStream>();
    contract::send_sync::<ecg::Delineator>();
    contract::send_sync::<ctg::Ctg>();
    contract::send_sync::<ctg::CtgStream>();
    contract::send_sync::<Error>();
}

#[test]
fn real_records_cut_anywhere() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/signal/ctu-uhb-ctg");
    let Ok(entries) = std::fs::read_dir(&folder) else { panic!("{} is missing", folder.display()) };
    let headers = entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.extension().is_some_and(|e| e == "hea"));
    let Some(path) = headers.min() else { panic!("{} holds no record", folder.display()) };
    let (header, data) = (std::fs::read(&path).unwrap(), std::fs::read(path.with_extension("dat")).unwrap());
    let file = path.with_extension("dat").file_name().unwrap().to_string_lossy().into_owned();
    contract::bounded_reader("a real header", &header, &MEMORY, |bytes| {
        wfdb::read(bytes, &[(&file, &data)], &limits()).map(drop)
    });
    contract::bounded_reader("real samples", &data, &MEMORY, |bytes| {
        wfdb::read(&header, &[(&file, bytes)], &limits()).map(drop)
    });
}

#[test]
fn malformed_files() {
    // a buffer that grows to its limit takes three times as much while it grows
    let small = Limits::default().with_bytes(16 << 20);
    let (r, _) = files();
    contract::withstands("WFDB header", recipes::wfdb_header(), |b| wfdb::read(b, &[("r.dat", &r)], &small));
    for format in [212, 310, 311] {
        let header = format!("r 2 250\nr.dat {format}x2 200 12 0 0 0 0 x\nr.dat {format} 200 12 0 0 0 0 y\n");
        contract::withstands(&header, recipes::wfdb_samples(), |b| {
            wfdb::read(header.as_bytes(), &[("r.dat", b)], &small)
        });
    }
    contract::withstands("WFDB annotations", recipes::wfdb_annotations(), |b| wfdb::annotations(b, &small));
    contract::withstands("table", recipes::csv(), |b| csv::read(b, &CsvConfig::default(), &small));
    contract::withstands("zip archive", recipes::zip(), |b| wfdb::read_in_zip(b, "r", &small));
}

#[test]
fn every_prefix_and_every_byte() {
    let (r, s) = files();
    let frames = |header: &[u8], data: &[u8]| {
        wfdb::read(header, &[("r.dat", data), ("s.dat", &s)], &limits()).map(|record| record.frames)
    };
    contract::byte_law("WFDB header", HEADER, |b| frames(b, &r));
    let plain = b"r 1 4\nr.dat 16 100 12 0 0 0 0 x\n";
    contract::prefix_law("WFDB samples", &r, |b| frames(plain, b));
    let annotations: Vec<u8> = (0..60u16).flat_map(|i| ((1 << 10) | (i * 10)).to_le_bytes()).chain([0, 0]).collect();
    contract::prefix_law("WFDB annotations", &annotations, |b| wfdb::annotations(b, &limits()).map(|a| a.len()));
    contract::byte_law("WFDB annotations", &annotations, |b| wfdb::annotations(b, &limits()));
    contract::byte_law("zip archive", &archive(), |b| wfdb::read_in_zip(b, "r", &limits()));
    let table = b"time_s,a\n0.0,1.5\n0.1,2.5\n0.2,3.5\n";
    contract::byte_law("table", table, |b| csv::read(b, &CsvConfig::default(), &limits()));
}
