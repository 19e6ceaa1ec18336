//! The readers of `eir-core` on broken input.

use eir_core::Limits;
use eir_core::testing::{PeakAlloc, contract};
use eir_core::weights::{Card, Error, Weights, write};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[test]
fn weights_and_cards() -> Result<(), Error> {
    let values: Vec<f32> = (0..600).map(|i| i as f32).collect();
    let file = write([("conv.weight", vec![20, 30], values), ("conv.bias", vec![2], vec![0.5, 1.5])])?;
    contract::bounded_reader("safetensors", &file, &MEMORY, |b| Weights::from_bytes(b, &Limits::default()).map(drop));
    let card = Card::new("test", "tests").to_json();
    contract::bounded_reader("card", card.as_bytes(), &MEMORY, |b| {
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
