//! Promises that every reader and every detector of the family keeps, each checked in one line of a test.
//!
//! ```
//! use eir_core::testing::contract;
//! # fn parse(bytes: &[u8]) -> Result<u32, std::num::ParseIntError> { String::from_utf8_lossy(bytes).parse() }
//! contract::reader("number", b"12345", |bytes| parse(bytes).map(drop));
//! ```

use super::recipes::{Must, Recipe};
use super::{PeakAlloc, memory};
use crate::random::Generator;
use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Memory that a reader may take for a broken input, above what it held before.
const MEMORY_MIB: f32 = 1024.0;

/// What one malformed input of [`withstands`] may take.
const HOSTILE_BYTES: usize = 64 << 20;
const HOSTILE_TIME: Duration = Duration::from_secs(1);

/// After this a reader hangs, and the process ends with a line that says on what.
const HANGS: Duration = Duration::from_secs(120);

/// The laws look at every place up to here, and at this many beyond.
const EVERY: usize = 1024;
const SAMPLED: usize = 256;

/// A reader gives a result or an error on whatever bytes come: `valid` cut short at 40 places, with one byte changed at
/// 200 places, empty, and with bytes behind its end. `valid` itself must be read.
///
/// # Panics
/// If `read` panics on any of them, or refuses `valid`.
pub fn reader<E: Display>(name: &str, valid: &[u8], read: impl Fn(&[u8]) -> Result<(), E>) {
    if let Err(error) = read(valid) {
        panic!("{name}: the valid input is refused: {error}");
    }
    for (what, bytes) in broken(valid) {
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&bytes).map_err(|e| e.to_string())));
        assert!(outcome.is_ok(), "{name}: panicked on the valid input {what}");
    }
}

/// As [`reader`], and none of the inputs takes more than 1 GiB of memory. `allocator` is the test's global allocator:
/// `#[global_allocator] static MEMORY: PeakAlloc = PeakAlloc;`
///
/// # Panics
/// As [`reader`], and if one takes more memory.
pub fn bounded_reader<E: Display>(
    name: &str,
    valid: &[u8],
    allocator: &PeakAlloc,
    read: impl Fn(&[u8]) -> Result<(), E>,
) {
    reader(name, valid, |bytes| {
        let before = allocator.current_usage_as_mb();
        allocator.reset_peak_usage();
        let outcome = read(bytes);
        let taken = allocator.peak_usage_as_mb() - before;
        assert!(taken <= MEMORY_MIB, "{name}: took {taken:.0} MiB for {} bytes", bytes.len());
        outcome
    });
}

/// The inputs of [`reader`], each with what was done to it.
fn broken(valid: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    let length = valid.len();
    // half of the places in the first 512 bytes, where headers are
    let place = move |i: usize, of: usize| {
        let span = if i.is_multiple_of(2) { length.min(512) } else { length };
        (i * span / of).min(length.saturating_sub(1))
    };
    let cuts = (0..40).map(move |i| (format!("cut at {}", place(i, 40)), valid[..place(i, 40)].to_vec()));
    let mut stream = Generator::new(0, "contract").stream(0);
    let flips = (0..200).filter(move |_| length > 0).map(move |i| {
        let mut bytes = valid.to_vec();
        let (at, to) = (place(i, 200), [0x00, 0x7f, 0x80, 0xff][i % 4]);
        bytes[at] = if bytes[at] == to { stream.below(256) as u8 } else { to };
        (format!("with byte {at} changed"), bytes)
    });
    let longer = [valid, &[0xff; 64]].concat();
    cuts.chain(flips).chain([("emptied".to_owned(), Vec::new()), ("made longer".to_owned(), longer)])
}

/// Every prefix of a valid input (all lengths to 1024, then 256 more) is an error or a result no larger than that of the
/// whole; `read` gives how much it read (samples, tags, tensors). No prefix makes it panic.
///
/// # Panics
/// If `read` breaks the law, or refuses `valid`.
pub fn prefix_law<E: Display>(name: &str, valid: &[u8], read: impl Fn(&[u8]) -> Result<usize, E>) {
    let whole = read(valid).unwrap_or_else(|e| panic!("{name}: the valid input is refused: {e}"));
    for length in places(valid.len()) {
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&valid[..length]).map_err(|e| e.to_string())));
        let outcome = outcome.unwrap_or_else(|_| panic!("{name}: panicked on the first {length} bytes"));
        assert!(
            outcome.as_ref().is_ok_and(|n| *n <= whole) || outcome.is_err(),
            "{name}: reads more from the first {length} bytes than from the whole"
        );
    }
}

/// Each byte of a valid input (the first 1024, then 256 more) set to 0x00, 0x7f, 0x80 and 0xff never makes `read` panic.
///
/// # Panics
/// If `read` does.
pub fn byte_law<T, E>(name: &str, valid: &[u8], read: impl Fn(&[u8]) -> Result<T, E>) {
    let mut bytes = valid.to_vec();
    for at in places(valid.len()) {
        for value in [0x00, 0x7f, 0x80, 0xff] {
            bytes[at] = value;
            let outcome = catch_unwind(AssertUnwindSafe(|| read(&bytes).is_ok()));
            assert!(outcome.is_ok(), "{name}: panicked with byte {at} set to {value:#04x}");
        }
        bytes[at] = valid[at];
    }
}

/// Every place below `length` to [`EVERY`], then [`SAMPLED`] spread over the rest.
fn places(length: usize) -> impl Iterator<Item = usize> {
    let rest = length.saturating_sub(EVERY);
    let sampled = rest.min(SAMPLED);
    (0..length.min(EVERY)).chain((0..sampled).map(move |i| EVERY + i * rest / sampled.max(1)))
}

/// A size that an input only claims takes no more memory than min(`declared`, what is there) + `limit` bytes.
///
/// # Panics
/// If it does, or as [`memory::peak_below`].
pub fn claim<T, E>(name: &str, bytes: &[u8], declared: u64, limit: usize, read: impl Fn(&[u8]) -> Result<T, E>) {
    let there = usize::try_from(declared).unwrap_or(usize::MAX).min(bytes.len());
    memory::peak_below(name, there.saturating_add(limit), || read(bytes).is_ok());
}

/// No error on a broken `valid` says one of the `secrets` that stand in it: names, numbers of patients, samples.
///
/// # Panics
/// If one does, in its text, its `Debug` form or that of a source; or if a secret is not in `valid`.
pub fn errors_keep_secrets<T, E: std::error::Error>(
    name: &str,
    valid: &[u8],
    secrets: &[&str],
    read: impl Fn(&[u8]) -> Result<T, E>,
) {
    for secret in secrets {
        let there = valid.windows(secret.len().max(1)).any(|w| w == secret.as_bytes());
        assert!(there, "{name}: the input does not hold the secret {secret:?}");
    }
    for (what, bytes) in broken(valid) {
        let Err(error) = read(&bytes) else { continue };
        let chain = std::iter::successors(error.source(), |e| e.source());
        let text: String = chain.map(|e| format!("{e}\n{e:?}\n")).chain([format!("{error}\n{error:?}")]).collect();
        for secret in secrets {
            assert!(!text.contains(secret), "{name}: the error on the input {what} tells a secret: {text}");
        }
    }
}

/// `read` gives a result or an error on malformed `bytes`: no panic, at most 64 MiB and one second
/// of work, and it ends.
/// True if it gave a result.
///
/// # Panics
/// If `read` breaks the promise. A `read` that does not end within two minutes ends the process.
pub fn bounded<T, E>(name: &str, bytes: &[u8], read: impl Fn(&[u8]) -> Result<T, E>) -> bool {
    let mut tries = 3; // other tests of the process take time and memory too
    loop {
        tries -= 1;
        let start = work();
        let run = || catch_unwind(AssertUnwindSafe(|| read(bytes).is_ok()));
        let (taken, outcome) = watched(name, || memory::peak(run));
        let time = work().saturating_sub(start);
        let read = outcome.unwrap_or_else(|_| panic!("{name}: panicked"));
        if taken <= HOSTILE_BYTES && time <= HOSTILE_TIME {
            return read;
        }
        assert!(tries > 0, "{name}: took {} MiB and {time:.1?} for {} bytes", taken >> 20, bytes.len());
    }
}

/// How long this thread has worked; where the system does not say, how long it has been.
///
/// Not the time on the clock: a busy machine would fail the test.
fn work() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Ends the process if `call` hangs: a thread cannot be ended from outside.
fn watched<T>(name: &str, call: impl FnOnce() -> T) -> T {
    let (done, wait) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if wait.recv_timeout(HANGS) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{name}: still at work after {HANGS:?}");
                std::process::abort();
            }
        });
        let result = call();
        drop(done);
        result
    })
}

/// A reader of `format` withstands malformed files: each is [`bounded`] and has the outcome that the recipe asks for.
///
/// # Panics
/// Says which recipes it does not withstand.
pub fn withstands<T, E: Display>(
    format: &str,
    recipes: impl IntoIterator<Item = Recipe>,
    read: impl Fn(&[u8]) -> Result<T, E>,
) {
    let mut wrong = Vec::new();
    for recipe in recipes {
        let name = format!("{format}, recipe {}, {}", recipe.number, recipe.name);
        let error = std::cell::RefCell::new(String::new());
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            bounded(&name, &recipe.bytes, |bytes| {
                read(bytes).map(drop).map_err(|e| *error.borrow_mut() = e.to_string())
            })
        }));
        match (outcome, recipe.must) {
            (Err(why), _) => wrong.push(why.downcast::<String>().map_or_else(|_| name.clone(), |text| *text)),
            (Ok(true), Must::Fail) => wrong.push(format!("{name}: is read, but must be refused")),
            (Ok(false), Must::Read) => wrong.push(format!("{name}: must be read, but: {}", error.borrow())),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} recipe(s) not withstood:\n{}", wrong.len(), wrong.join("\n"));
}

/// A detector or a measure gives a result or an error on whatever samples come: none, one, constant, NaN, infinite,
/// huge, tiny and with a gap, of several lengths; and the same result for the same samples.
///
/// # Panics
/// If `detect` panics or answers differently the second time.
pub fn detector<T: PartialEq + Debug, E: Display>(name: &str, detect: impl Fn(&[f32]) -> Result<T, E>) {
    let mut stream = Generator::new(0, "contract").stream(1);
    let mut noise = |n: usize, scale: f32| (0..n).map(|_| stream.normal() as f32 * scale).collect::<Vec<f32>>();
    let mut inputs: Vec<(String, Vec<f32>)> = vec![("no samples".into(), vec![])];
    for n in [1, 2, 3, 7, 100, 4096] {
        inputs.push((format!("{n} zeros"), vec![0.0; n]));
        inputs.push((format!("{n} equal samples"), vec![140.5; n]));
        inputs.push((format!("{n} NaN"), vec![f32::NAN; n]));
        inputs.push((format!("{n} infinities"), vec![f32::INFINITY; n]));
        inputs.push((format!("{n} of the largest number"), vec![f32::MAX; n]));
        inputs.push((format!("{n} of the smallest number"), vec![f32::from_bits(1); n]));
        inputs.push((format!("{n} samples of noise"), noise(n, 1.0)));
        inputs.push((format!("{n} samples of huge noise"), noise(n, 1e30)));
        let mut gap = noise(n, 10.0);
        gap[n / 3..2 * n / 3 + 1].fill(f32::NAN);
        inputs.push((format!("{n} samples with a gap"), gap));
    }
    for (what, samples) in &inputs {
        let run = || catch_unwind(AssertUnwindSafe(|| detect(samples).map_err(|e| e.to_string())));
        let (Ok(first), Ok(second)) = (run(), run()) else {
            panic!("{name}: panicked on {what}");
        };
        // by text: NaN in a result equals itself there
        assert_eq!(format!("{first:?}"), format!("{second:?}"), "{name}: two answers on {what}");
    }
}

/// A value is the same after a way through JSON.
///
/// # Panics
/// If it is not.
pub fn serde_round_trip<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap_or_else(|e| panic!("not written: {e}"));
    let back: T = serde_json::from_str(&text).unwrap_or_else(|e| panic!("not read back: {e}"));
    assert_eq!(&back, value);
}

/// The type can be sent to and shared with other threads; compiles only if so.
pub fn send_sync<T: Send + Sync>() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "panicked on the valid input cut at")]
    fn a_reader_that_panics_is_found() {
        reader("fixed", &[7; 16], |bytes| if bytes[15] == 7 { Ok(()) } else { Err("no") });
    }

    #[test]
    #[should_panic(expected = "panicked on no samples")]
    fn a_detector_that_panics_is_found() {
        detector("first", |x| Ok::<_, std::fmt::Error>(x[0]));
    }

    #[test]
    #[should_panic(expected = "panicked on the first 15 bytes")]
    fn a_reader_that_needs_the_whole_is_found() {
        prefix_law("fixed", &[7; 16], |bytes| if bytes.len() < 15 { Err("short") } else { Ok(usize::from(bytes[15])) });
    }

    #[test]
    #[should_panic(expected = "reads more from the first 3 bytes")]
    fn a_prefix_that_grows_is_found() {
        prefix_law("odd", b"abcd", |bytes| Ok::<_, std::fmt::Error>(if bytes.len() == 3 { 5 } else { bytes.len() }));
    }

    #[test]
    #[should_panic(expected = "panicked with byte 2 set to 0x80")]
    fn a_byte_that_breaks_is_found() {
        byte_law("sum", &[1, 1, 1], |bytes| {
            assert!(bytes[2] != 0x80);
            Ok::<_, std::fmt::Error>(bytes[2])
        });
    }

    #[test]
    #[should_panic(expected = "tells a secret")]
    fn an_error_that_tells_is_found() {
        errors_keep_secrets("name", b"DOE^JOHN 7", &["DOE"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            if text.ends_with('7') { Ok(()) } else { Err(std::io::Error::other(text)) }
        });
    }

    #[test]
    fn work_counts_and_waiting_does_not() {
        let start = work();
        while work() - start < Duration::from_millis(30) {
            std::hint::black_box(crate::half::f32_of_half(7));
        }
        let before = work();
        std::thread::sleep(Duration::from_millis(100));
        assert!(!cfg!(target_os = "linux") || work() - before < Duration::from_millis(80));
    }

    #[test]
    fn sound_ones_pass() {
        prefix_law("text", &[b'a'; 3000], |bytes| std::str::from_utf8(bytes).map(str::len));
        byte_law("text", b"abc", |bytes| std::str::from_utf8(bytes).map(str::len));
        errors_keep_secrets("text", b"abc DOE", &["DOE"], |bytes| std::str::from_utf8(bytes).map(drop));
        reader("text", b"abc", |bytes| std::str::from_utf8(bytes).map(drop));
        detector("length", |x| Ok::<_, std::fmt::Error>(x.len()));
        serde_round_trip(&crate::SampleRate::new(4.0).unwrap());
        send_sync::<crate::SampleRate>();
    }
}
