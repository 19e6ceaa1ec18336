//! Promises that every reader and every detector of the family keeps, each checked in one line of a test.
//!
//! ```
//! use eir_core::testing::contract;
//! # fn parse(bytes: &[u8]) -> Result<u32, std::num::ParseIntError> { String::from_utf8_lossy(bytes).parse() }
//! contract::reader("number", b"12345", |bytes| parse(bytes).map(drop));
//! ```

use super::PeakAlloc;
use crate::random::Generator;
use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Memory that a reader may take for a broken input, above what it held before.
const MEMORY_MIB: f32 = 1024.0;

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
    fn sound_ones_pass() {
        reader("text", b"abc", |bytes| std::str::from_utf8(bytes).map(drop));
        detector("length", |x| Ok::<_, std::fmt::Error>(x.len()));
        serde_round_trip(&crate::SampleRate::new(4.0).unwrap());
        send_sync::<crate::SampleRate>();
    }
}
