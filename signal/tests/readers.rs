//! Promises of the readers and writers: windows, memory, broken files, claims, faults while writing. The test files are
//! written by the tests themselves.
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use eir_core::testing::memory::{self, COUNTING, Counting};
use eir_core::testing::{contract, faults, recipes, shared};
use eir_core::{Limits, SampleRate};
use eir_signal::{Annotation, Error, Reader, Record, Signal, aecg, csv, edf, wfdb};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

#[global_allocator]
static MEMORY: Counting = &COUNTING;

fn limits() -> Limits {
    Limits::default()
}

/// A folder that is removed at the end of its test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("eir-signal-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Two signals of 2 and 1 samples per frame, with gaps, that fit 8 bits.
fn two(frames: usize) -> Record {
    let number = |i: usize| if i % 97 == 5 { None } else { Some((i * 31 % 200) as i32 - 100) };
    let digits = |n: usize| (0..n).map(number).collect::<Vec<_>>();
    let rate = |hz| SampleRate::new(hz).unwrap();
    let signals = vec![
        Signal::from_digital("fast", "mV", rate(200.0), &digits(2 * frames), 10.0, 3).unwrap(),
        Signal::from_digital("slow", "mmHg", rate(100.0), &digits(frames), 12.5, -7).unwrap(),
    ];
    Record::new("two", signals).unwrap()
}

/// The same without gaps, which EDF cannot hold.
fn without_gaps(frames: usize) -> Record {
    let record = two(frames);
    let filled = record.signals.iter().map(|s| {
        let digits: Vec<Option<i32>> = s.digital().unwrap().iter().map(|d| d.or(Some(0))).collect();
        let (gain, baseline) = s.calibration().unwrap();
        Signal::from_digital(s.name(), s.unit(), s.rate(), &digits, gain, baseline).unwrap()
    });
    let mut record = Record::new("two", filled.collect()).unwrap();
    record.annotations = vec![Annotation::new(1.0, "one"), Annotation::new(2.5, "two").with_duration_s(0.5)];
    record
}

fn aecg_text(samples: usize) -> String {
    let digits: String = (0..samples).map(|i| format!("{} ", (i * 7919) % 3001)).collect();
    format!(
        "<AnnotatedECG xmlns:xsi=\"x\"><id root=\"1\"/><component><series><component><sequenceSet>\
         <component><sequence><code code=\"TIME_ABSOLUTE\"/><value xsi:type=\"GLIST_TS\"><head value=\"2002\"/>\
         <increment value=\"0.002\" unit=\"s\"/></value></sequence></component><component><sequence>\
         <code code=\"MDC_ECG_LEAD_II\"/><value xsi:type=\"SLIST_PQ\"><origin value=\"0\" unit=\"uV\"/>\
         <scale value=\"2.5\" unit=\"uV\"/><digits>{digits}</digits></value></sequence></component>\
         </sequenceSet></component></series></component></AnnotatedECG>"
    )
}

fn table_text(rows: usize) -> String {
    (0..rows).fold("time_s,a,b\n".to_owned(), |t, i| t + &format!("{:.2},{},\n", i as f64 / 100.0, i % 17))
}

/// Every kind of file, with how many frames it has.
fn every_kind(folder: &Temporary, frames: usize) -> Vec<(String, PathBuf)> {
    let mut all = Vec::new();
    for format in [16, 24, 32, 61, 80, 160, 212, 310, 311] {
        let name = format!("f{format}");
        let config = wfdb::WriteConfig::default().with_format(format);
        wfdb::write(&two(frames), &folder.0.join(&name), &config).unwrap();
        all.push((format!("WFDB format {format}"), folder.0.join(format!("{name}.hea"))));
    }
    let differences: Vec<u8> = (0..3 * frames).map(|i| (i % 5) as u8).collect();
    folder.write("d.dat", differences);
    let header = format!("d 2 100 {frames}\nd.dat 8x2 10/mV 12 0 3 0 0 a\nd.dat 8 10/mV 12 0 -3 0 0 b\n");
    all.push(("WFDB format 8".into(), folder.write("d.hea", header)));
    let header = format!("k 2 100 {frames}\nf16.dat 16x2:7 10(3)/mV 16 0 0 0 0 a\nf16.dat 16:2 1/mV 16 0 0 0 0 b\n");
    all.push(("WFDB with skew".into(), folder.write("k.hea", header)));
    let m = format!("m/3 2 100 {}\nf16 {frames}\n~ 1000\nf212 {frames}\n", 2 * frames + 1000);
    all.push(("WFDB of fixed layout".into(), folder.write("m.hea", m)));
    let l = "l 3 100 0\n~ 0 1/mV 0 0 0 0 0 none\n~ 0 1/mmHg 0 0 0 0 0 slow\n~ 0x2 1/mV 0 0 0 0 0 fast\n";
    folder.write("l.hea", l);
    let v = format!("v/5 3 100 {}\nl 0\nf80 {frames}\n~ 500\n~ 7\nf24 {frames}\n", 2 * frames + 507);
    all.push(("WFDB of variable layout".into(), folder.write("v.hea", v)));
    for (name, bits) in [("e.edf", 16), ("b.bdf", 24)] {
        let config = edf::WriteConfig::default().with_bits(bits);
        edf::write(&without_gaps(frames), &folder.0.join(name), &config).unwrap();
        all.push((name.into(), folder.0.join(name)));
    }
    all.push(("aECG".into(), folder.write("a.xml", aecg_text(frames))));
    all.push(("table".into(), folder.write("t.csv", table_text(frames))));
    all
}

fn bits(record: &Record) -> Vec<Vec<u64>> {
    let one = |s: &Signal| s.iter().map(|v| if v.is_nan() { u64::MAX } else { v.to_bits() }).collect();
    record.signals.iter().map(one).collect()
}

#[test]
fn any_window_is_the_same_part_of_the_whole() {
    let folder = Temporary::new("windows");
    for (name, path) in every_kind(&folder, 3000) {
        let reader = Reader::open(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
        let whole = reader.read().unwrap_or_else(|e| panic!("{name}: {e}"));
        let all = bits(&whole);
        let n = reader.frames();
        assert_eq!(n, whole.frames as u64, "{name}");
        let ranges =
            [0..1, 0..n, 5..6, 1..8, 7..7, 2995..3005, n - 9..n - 1, n - 1..n, n..n, n - 3..u64::MAX, 1000..2600];
        for range in ranges {
            let part = reader.window(range.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
            let (from, to) = (range.start.min(n) as usize, range.end.min(n) as usize);
            assert_eq!(part.frames, to - from, "{name}");
            for (i, (s, own)) in part.signals.iter().zip(bits(&part)).enumerate() {
                let per_frame = (s.rate().hz() / whole.frame_rate.hz()).round() as usize;
                assert!(own == all[i][from * per_frame..to * per_frame], "{name}: {range:?} of signal {i}");
            }
        }
        // one signal of several, and in another order
        let names: Vec<String> = whole.signals.iter().rev().map(|s| s.name().to_owned()).collect();
        let reversed: Vec<&str> = names.iter().map(String::as_str).collect();
        let part = Reader::open(&path).unwrap().with_signals(&reversed).unwrap().window(3..9).unwrap();
        let mut straight = bits(&reader.window(3..9).unwrap());
        straight.reverse();
        assert_eq!(bits(&part), straight, "{name}");
        assert!(Reader::open(&path).unwrap().with_signals(&["no such"]).is_err());
        let seconds = reader.window_s(0.5..0.75).unwrap();
        let rate = whole.frame_rate.hz();
        assert_eq!(seconds.frames as f64, (0.75 * rate).ceil() - (0.5 * rate).ceil(), "{name}");
        assert!(reader.window_s(f64::NAN..1.0).is_err());
    }
}

#[test]
fn a_window_takes_no_memory_for_the_rest() {
    let folder = Temporary::new("small");
    let frames = 100_000; // the smallest file has 600 kB
    for (name, path) in every_kind(&folder, frames) {
        let reader = Reader::open(&path).unwrap();
        let start = reader.frames() / 2;
        // pieces of a file and blocks of samples have sizes of their own, whatever the file's
        memory::peak_below(&name, 400_000, || reader.window(start..start + 100).unwrap());
    }
}

#[test]
fn the_start_of_a_window_is_its_own() {
    let folder = Temporary::new("start");
    let mut record = without_gaps(500);
    record.start = "23:59:58 31/12/2024".into();
    edf::write(&record, &folder.0.join("r.edf"), &Default::default()).unwrap();
    wfdb::write(&record, &folder.0.join("r"), &Default::default()).unwrap();
    for name in ["r.edf", "r.hea"] {
        let reader = Reader::open(folder.0.join(name)).unwrap();
        assert_eq!(reader.window(0..9).unwrap().start, "23:59:58 31/12/2024");
        assert_eq!(reader.window(250..255).unwrap().start, "00:00:00.5 01/01/2025");
    }
    let reader = Reader::open(folder.0.join("r.edf")).unwrap();
    let texts = |from: f64, to: f64| {
        let window = reader.window_s(from..to).unwrap();
        window.annotations.iter().map(|a| a.text.clone()).collect::<Vec<_>>()
    };
    assert_eq!(texts(0.0, 10.0), ["one", "two"]);
    assert_eq!(texts(1.0, 1.5), ["one"]);
    assert_eq!(texts(2.75, 4.0), ["two"]); // it has begun before and lasts
    assert!(texts(3.0, 4.0).is_empty());
}

/// Memory of reading a file that is cut at any byte, or of which any byte is flipped: at most four times the file, and
/// what pieces and blocks take whatever its size.
fn stays_small(name: &str, bytes: &[u8], decoded: usize, read: impl Fn(&[u8])) {
    const PIECES: usize = 200_000;
    let allowed = 4 * bytes.len().max(decoded) + PIECES;
    let step = (bytes.len() / 40).max(1);
    let places = (0..bytes.len().min(300)).step_by(7).chain((0..bytes.len()).step_by(step));
    let mut broken = bytes.to_vec();
    for at in places {
        memory::peak_below(name, allowed, || read(&bytes[..at]));
        for flip in [0x01, 0x10, 0xff] {
            broken[at] ^= flip;
            memory::peak_below(name, allowed, || read(&broken));
            broken[at] ^= flip;
        }
    }
}

#[test]
fn broken_files_take_little_memory() {
    let folder = Temporary::new("broken");
    for (name, path) in every_kind(&folder, 20_000) {
        let bytes = std::fs::read(&path).unwrap();
        match path.extension().and_then(|e| e.to_str()) {
            Some("edf" | "bdf") => stays_small(&name, &bytes, 0, |b| drop(edf::read(b, &limits()))),
            Some("xml") => stays_small(&name, &bytes, 0, |b| drop(aecg::read(b, &limits()))),
            Some("csv") => stays_small(&name, &bytes, 0, |b| drop(csv::read(b, &Default::default(), &limits()))),
            _ => {
                let data = path.with_extension("dat");
                let Ok(data) = std::fs::read(&data) else { continue };
                let file = data_name(&path);
                let whole = |h: &[u8], d: &[u8]| drop(wfdb::read(h, &[(&file, d)], &limits()));
                stays_small(&name, &data, 0, |b| whole(&bytes, b));
                stays_small(&name, &bytes, data.len(), |b| whole(b, &data));
            }
        }
    }
}

fn data_name(header: &Path) -> String {
    header.with_extension("dat").file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn readers_keep_the_laws_of_prefixes_and_bytes() {
    let frames = |record: Record| record.signals.iter().map(Signal::len).sum::<usize>();
    let record = without_gaps(60);
    for bits in [16, 24] {
        let bytes = edf::to_bytes(&record, &edf::WriteConfig::default().with_bits(bits)).unwrap();
        contract::prefix_law("EDF", &bytes, |b| edf::read(b, &limits()).map(frames));
        contract::byte_law("EDF", &bytes, |b| edf::read(b, &limits()));
    }
    let xml = aecg_text(200);
    let series = |d: aecg::Document| d.series.into_iter().map(frames).sum::<usize>();
    contract::prefix_law("aECG", xml.as_bytes(), |b| aecg::read(b, &limits()).map(series));
    contract::byte_law("aECG", xml.as_bytes(), |b| aecg::read(b, &limits()));
    let table = table_text(50);
    contract::byte_law("table", table.as_bytes(), |b| csv::read(b, &Default::default(), &limits()));
    let beats: Vec<_> = (0..200).map(|i| wfdb::Annotation::new(i * 300, 'N').unwrap().with_text("abc")).collect();
    let bytes = wfdb::annotation_bytes(&beats, Some(360.0)).unwrap();
    contract::prefix_law("WFDB annotations", &bytes, |b| wfdb::annotations(b, &limits()).map(|a| a.len()));
    contract::byte_law("WFDB annotations", &bytes, |b| wfdb::annotation_rate_hz(b, &limits()));
    let master = b"m/4 1 50 1060\nl 0\na 500\n~ 60\na 500\n";
    let layout: &[u8] = b"l 1 50 0\n~ 0 1/mV 0 0 0 0 0 x\n";
    let segment: &[u8] = b"a 1 50 500\na.dat 16 10/mV 16 0 0 0 0 x\n";
    let data = [7u8; 1000];
    contract::byte_law("WFDB segments", master, |b| {
        wfdb::read(b, &[("l.hea", layout), ("a.hea", segment), ("a.dat", &data)], &limits())
    });
    contract::byte_law("WFDB layout", layout, |b| {
        wfdb::read(master, &[("l.hea", b), ("a.hea", segment), ("a.dat", &data)], &limits())
    });
}

#[test]
fn a_flac_stream_that_is_broken_is_an_error_or_a_record() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("data/signal/wfdb_formats");
    let header = std::fs::read(folder.join("flacformats.hea")).unwrap();
    let data =
        ["flacformats.d0", "flacformats.d1", "flacformats.d2"].map(|name| std::fs::read(folder.join(name)).unwrap());
    for place in 0..3 {
        let read = |bytes: &[u8]| {
            let of = |i: usize| if i == place { bytes } else { &data[i] };
            let files = [("flacformats.d0", of(0)), ("flacformats.d1", of(1)), ("flacformats.d2", of(2))];
            wfdb::read(&header, &files, &limits())
        };
        contract::prefix_law("FLAC", &data[place], |b| read(b).map(|r| r.frames));
        contract::byte_law("FLAC", &data[place], read);
        stays_small("FLAC", &data[place], 499 * 8, |b| drop(read(b)));
    }
}

#[test]
fn malformed_files() {
    let small = Limits::default().with_bytes(16 << 20);
    contract::withstands("EDF", recipes::edf(), |b| edf::read(b, &small));
    contract::withstands("aECG", recipes::xml(), |b| aecg::read(b, &small));
    contract::withstands("table", recipes::csv(), |b| csv::read(b, &Default::default(), &small));
    contract::withstands("WFDB header", recipes::wfdb_header(), |b| wfdb::read(b, &[("r.dat", &[0; 200])], &small));
    for format in [8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516, 524] {
        let header = format!("r 2 250\nr.dat {format}x2 200 12 0 0 0 0 x\nr.dat {format} 200 12 0 0 0 0 y\n");
        contract::withstands(&header, recipes::wfdb_samples(), |b| {
            wfdb::read(header.as_bytes(), &[("r.dat", b)], &small)
        });
    }
    for recipe in recipes::flac() {
        let header = b"r 2 250\nr.dat 516 200 12 0 0 0 0 x\nr.dat 516 200 12 0 0 0 0 y\n";
        contract::bounded("FLAC", &recipe.bytes, |b| wfdb::read(header, &[("r.dat", b)], &small));
    }
    contract::withstands("WFDB annotations", recipes::wfdb_annotations(), |b| wfdb::annotations(b, &small));
}

/// How long this thread has worked; where the system does not say, how long it has been. Not the time on the clock: a busy
/// machine would fail the test.
fn work() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// A claim is refused with a typed error in a tenth of a second and 64 MiB.
fn refused(name: &str, read: impl Fn() -> Result<(), Error>) {
    memory::peak_below(name, 64 << 20, || assert!(read().is_err(), "{name}: is read"));
    let time = |_| {
        let start = work();
        let _ = read();
        work().saturating_sub(start)
    };
    let best = (0..5).map(time).min().unwrap_or_default();
    assert!(best < Duration::from_millis(100), "{name}: took {best:?}");
}

#[test]
fn claims_are_refused_at_once() {
    let folder = Temporary::new("claims");
    let open = |path: &Path| Record::open(path).map(drop);
    folder.write("r.dat", [0; 64]);
    folder.write("a.hea", "a 1 4 10\nr.dat 16 1/mV\n");
    let million: String = (0..1_000_000).map(|i| format!("r.dat 16 200 12 0 0 0 0 signal {i}\n")).collect();
    let segments: String = "a 1\n".repeat(1_000_000);
    for (name, header) in [
        ("10^12 samples", "r 1 4 1000000000000\nr.dat 16 1/mV\n".to_owned()),
        ("10^12 samples in FLAC", "r 1 4 1000000000000\nr.dat 516 1/mV\n".to_owned()),
        ("10^12 samples of a gap", "r/2 1 4 1000000000000\na 10\n~ 999999999990\n".to_owned()),
        ("a gain that is NaN", "r 1 4 10\nr.dat 16 nan/mV\n".to_owned()),
        ("a gain that is infinite", "r 1 4 10\nr.dat 16 1e999/mV\n".to_owned()),
        ("10^6 signals", format!("r 1000000 4 1\n{million}")),
        ("10^6 signals that are not there", "r 1000000 4 1\n".to_owned()),
        ("10^6 segments", format!("r/1000000 1 4 1000000\n{segments}")),
        ("10^9 samples in a frame", "r 1 4 1\nr.dat 16x1000000000 1/mV\n".to_owned()),
    ] {
        let path = folder.write("r.hea", header);
        refused(name, || open(&path));
    }
    let plain = edf::to_bytes(&without_gaps(60), &Default::default()).unwrap();
    for (name, at, text) in [
        ("99 999 999 data records", 236, "99999999"),
        ("9999 signals", 252, "9999"),
        ("a physical minimum that is NaN", 256 + 3 * 104, "nan     "),
    ] {
        let mut bytes = plain.clone();
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        let path = folder.write("r.edf", bytes);
        refused(name, || open(&path));
    }
    let columns = folder.write("r.csv", format!("{}\n", "a,".repeat(1_000_000)));
    refused("10^6 columns", || open(&columns));
}

#[test]
fn a_fault_while_writing_leaves_the_old_file_or_the_new_one() {
    let record = without_gaps(60);
    faults::file("r.edf", |path| edf::write(&record, path, &Default::default()));
    let beats = [wfdb::Annotation::new(5, 'N').unwrap()];
    faults::file("r.atr", |path| wfdb::write_annotations(path, &beats, None));
}

#[test]
fn errors_tell_nothing_of_the_patient() {
    let mut record = without_gaps(60);
    record.comments = vec!["patient: 0123456-7890 F 02-MAY-1951 Haagse_Harry".into()];
    let bytes = edf::to_bytes(&record, &Default::default()).unwrap();
    contract::errors_keep_secrets("EDF", &bytes, &["Haagse", "0123456-7890"], |b| edf::read(b, &limits()));
    let header = b"r 1 4 2\nr.dat 16 100 12 0 0 0 0 x\n# name: Jane Roe\n";
    contract::errors_keep_secrets("WFDB header", header, &["Jane Roe"], |b| {
        wfdb::read(b, &[("r.dat", &[0; 4])], &limits())
    });
}

#[test]
fn settings_survive_json_and_types_travel() {
    contract::serde_round_trip(&wfdb::WriteConfig::default().with_format(212));
    contract::serde_round_trip(&edf::WriteConfig::default().with_bits(24).with_fill(-1.5));
    contract::send_sync::<Reader>();
    contract::send_sync::<aecg::Document>();
    assert!(edf::WriteConfig::default().with_bits(12).validate().is_err());
    assert!(edf::WriteConfig::default().with_fill(f64::NAN).validate().is_err());
}

#[test]
fn dispatch_names_what_it_cannot_read() {
    for name in ["x.zip", "x.mat", "x.scp", "x.dat"] {
        assert!(matches!(Record::open(name), Err(Error::Unsupported(_))), "{name}");
    }
    assert!(matches!(Record::open("no/such.edf"), Err(Error::Io(_))));
    assert!(matches!(Record::open("no/such.hea"), Err(Error::Io(_))));
}
