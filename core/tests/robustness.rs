//! The readers of `eir-core` on broken input.

use eir_core::Limits;
use eir_core::testing::memory::{self, COUNTING, Counting};
use eir_core::testing::{PeakAlloc, contract, faults, recipes};
use eir_core::weights::{Card, Error, Weights, write};

#[global_allocator]
static MEMORY: Counting = &COUNTING;

fn read(bytes: &[u8]) -> Result<(), Error> {
    Weights::from_bytes(bytes, &Limits::default()).map(drop)
}

#[test]
fn weights_and_cards() -> Result<(), Error> {
    let values: Vec<f32> = (0..600).map(|i| i as f32).collect();
    let file = write([("conv.weight", vec![20, 30], values), ("conv.bias", vec![2], vec![0.5, 1.5])])?;
    contract::bounded_reader("safetensors", &file, &PeakAlloc, read);
    let card = Card::new("test", "tests").to_json();
    contract::bounded_reader("card", card.as_bytes(), &PeakAlloc, |b| {
        // bytes behind the end make it no JSON: refused, not ignored
        Card::from_json(b).map(drop)
    });
    Ok(())
}

#[test]
fn a_header_that_lies_takes_no_memory() {
    for claim in [u64::MAX, 1 << 62, 100_000_001, 8] {
        let file =
            [claim.to_le_bytes().as_slice(), b"{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}"]
                .concat();
        assert!(matches!(Weights::from_bytes(&file, &Limits::default()), Err(Error::Malformed(_))));
    }
}

#[test]
fn too_large_a_file_is_refused_before_it_is_read() {
    let path = std::env::temp_dir().join(format!("eir-core-weights-{}", std::process::id()));
    std::fs::write(&path, [0; 64]).unwrap();
    let outcome = Weights::open(&path, &Limits::default().with_bytes(63));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(outcome, Err(Error::Limit(_))));
}

#[test]
fn malformed_weights_and_cards() {
    contract::withstands("safetensors", recipes::safetensors(), read);
    contract::withstands("card", recipes::json(), |b| Card::from_json(b).map(drop));
}

#[test]
fn the_laws_hold() {
    let file = write([("a", vec![3], vec![0.5, 1.5, 2.5]), ("b", vec![1], vec![3.5])]).unwrap();
    contract::prefix_law("safetensors", &file, |b| {
        Weights::from_bytes(b, &Limits::default()).map(|w| w.shapes().count())
    });
    contract::byte_law("safetensors", &file, read);
    let claim = [&(90_000_000u64).to_le_bytes()[..], b"{}"].concat();
    contract::claim("safetensors", &claim, 90_000_000, 4096, read);
    let card = Card::new("DOE^JOHN", "tests").to_json();
    contract::errors_keep_secrets("card", card.as_bytes(), &["DOE^JOHN"], Card::from_json);
}

#[test]
fn writers_leave_the_old_file_or_the_new_one() {
    let card = Card::new("a", "tests");
    faults::file("card.json", |path| card.write(path));
}

#[test]
fn memory_is_counted() {
    let mut kept = vec![0.0; 100];
    memory::allocates_nothing("in place", || kept.iter_mut().for_each(|v| *v += 1.0));
    assert_eq!(memory::allocations(|| std::hint::black_box(vec![0u8; 10])), 1);
    memory::peak_below("a table", 1 << 20, || vec![0u8; 1000]);
    let (peak, table) = memory::peak(|| vec![0u8; 50 << 20]);
    assert!(peak >= table.len());
}

#[test]
#[should_panic(expected = "allocations in a call that must make none")]
fn a_call_that_allocates_is_found() {
    memory::allocates_nothing("a table", || std::hint::black_box(vec![0u8; 10]));
}

#[test]
#[should_panic(expected = "bytes at once")]
fn a_call_that_takes_much_is_found() {
    memory::peak_below("a table", 1 << 20, || vec![0u8; 2 << 20]);
}

#[test]
#[should_panic(expected = "took 2")]
fn a_reader_that_believes_a_claim_is_found() {
    // far from 200 and 300: what another thread frees meanwhile is counted too
    contract::bounded("greedy", &[0; 4], |_| Ok::<_, Error>(vec![0u8; 250 << 20]));
}

#[test]
#[should_panic(expected = "must be refused")]
fn a_reader_that_takes_anything_is_found() {
    contract::withstands("anything", recipes::png(), |_| Ok::<_, Error>(()));
}
