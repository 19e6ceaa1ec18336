//! The storage formats of WFDB signal files.

use crate::Result;
use crate::record::MISSING;
use eir_core::error::Unsupported;

/// Bytes that `samples` samples take in `format`.
pub(super) fn bytes(format: u16, samples: u64) -> Result<u64> {
    let packed = |group: u64, size: u64, rest: [u64; 3]| {
        let left = rest.get((samples % group) as usize).copied().unwrap_or(0);
        (samples / group).saturating_mul(size).saturating_add(left)
    };
    Ok(match format {
        8 | 80 => samples,
        16 | 61 | 160 => samples.saturating_mul(2),
        24 => samples.saturating_mul(3),
        32 => samples.saturating_mul(4),
        212 => packed(2, 3, [0, 2, 0]),
        310 => packed(3, 4, [0, 2, 4]),
        311 => packed(3, 4, [0, 2, 3]),
        _ => return Err(unsupported(format)),
    })
}

fn unsupported(format: u16) -> crate::Error {
    let instead = "formats 8, 16, 24, 32, 61, 80, 160, 212, 310 and 311 are; convert it with WFDB's xform";
    Unsupported::new(format!("WFDB signal format {format}"), instead).into()
}

/// The first `count` samples of `data` in `format`; fewer if it ends before. Format 8 gives differences.
pub(super) fn decode(format: u16, data: &[u8], count: usize) -> Result<Vec<i32>> {
    let mut values = Vec::with_capacity(count.min(data.len().saturating_mul(4) / 3 + 1));
    match format {
        8 => values.extend(data.iter().map(|b| i32::from(*b as i8))),
        80 => values.extend(data.iter().map(|b| invalid(i32::from(*b) - 128, 8))),
        16 => values.extend(data.as_chunks().0.iter().map(|c| invalid(i32::from(i16::from_le_bytes(*c)), 16))),
        61 => values.extend(data.as_chunks().0.iter().map(|c| invalid(i32::from(i16::from_be_bytes(*c)), 16))),
        160 => {
            values.extend(data.as_chunks().0.iter().map(|c| invalid(i32::from(u16::from_le_bytes(*c)) - 32_768, 16)))
        }
        24 => values.extend(
            data.as_chunks::<3>().0.iter().map(|c| invalid(i32::from_le_bytes([0, c[0], c[1], c[2]]) >> 8, 24)),
        ),
        32 => values.extend(data.as_chunks().0.iter().map(|c| i32::from_le_bytes(*c))), // its invalid value is MISSING
        212 => decode_212(data, &mut values),
        310 => decode_310(data, &mut values),
        311 => decode_311(data, &mut values),
        _ => return Err(unsupported(format)),
    }
    values.truncate(count);
    Ok(values)
}

/// The smallest number of a format stands for a missing sample.
fn invalid(value: i32, bits: u32) -> i32 {
    if value == -(1 << (bits - 1)) { MISSING } else { value }
}

/// The lowest `bits` bits of `word` as a signed number.
fn signed(word: u32, bits: u32) -> i32 {
    ((word << (32 - bits)) as i32) >> (32 - bits)
}

/// Two 12-bit numbers in three bytes; a last single one in two.
fn decode_212(data: &[u8], values: &mut Vec<i32>) {
    let (triples, rest) = data.as_chunks::<3>();
    for [a, b, c] in triples {
        let (a, b, c) = (u32::from(*a), u32::from(*b), u32::from(*c));
        values.push(invalid(signed(a | (b & 0x0f) << 8, 12), 12));
        values.push(invalid(signed(c | (b & 0xf0) << 4, 12), 12));
    }
    if let [a, b] = rest {
        values.push(invalid(signed(u32::from(*a) | (u32::from(*b) & 0x0f) << 8, 12), 12));
    }
}

/// Three 10-bit numbers in two 16-bit words: bits 1–10 of each, and the two top ends together.
fn decode_310(data: &[u8], values: &mut Vec<i32>) {
    let (words, _) = data.as_chunks::<2>();
    let mut words = words.iter().map(|w| u32::from(u16::from_le_bytes(*w)));
    while let Some(first) = words.next() {
        values.push(invalid(signed(first >> 1, 10), 10));
        let Some(second) = words.next() else { break };
        values.push(invalid(signed(second >> 1, 10), 10));
        values.push(invalid(signed(first >> 11 | (second >> 11) << 5, 10), 10));
    }
}

/// Three 10-bit numbers in the low 30 bits of a 32-bit word.
fn decode_311(data: &[u8], values: &mut Vec<i32>) {
    for group in data.chunks(4) {
        let word = group.iter().rev().fold(0u32, |w, b| (w << 8) | u32::from(*b));
        for i in 0..(group.len() * 8 / 10).min(3) {
            values.push(invalid(signed(word >> (10 * i), 10), 10));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_formats_unpack() {
        // 1, -2 and -2048 (missing) in 12 bits
        assert_eq!(decode(212, &[0x01, 0xf0, 0xfe, 0x00, 0x08], 3).unwrap(), [1, -2, MISSING]);
        assert_eq!(decode(310, &[0x02, 0x00, 0xfc, 0x07], 3).unwrap(), [1, -2, 0]);
        let word = (1u32 | (0x3fe << 10) | (0x200 << 20)).to_le_bytes();
        assert_eq!(decode(311, &word, 3).unwrap(), [1, -2, MISSING]);
        assert_eq!(decode(24, &[0xff, 0xff, 0xff, 0x00, 0x00, 0x80], 2).unwrap(), [-1, MISSING]);
        assert_eq!(decode(61, &[0x00, 0x01, 0x80, 0x00], 2).unwrap(), [1, MISSING]);
        assert_eq!(decode(160, &[0x01, 0x80, 0x00, 0x00], 2).unwrap(), [1, MISSING]);
    }

    #[test]
    fn sizes_count_the_last_group() {
        assert_eq!(bytes(212, 2997).unwrap(), 4496);
        assert_eq!(bytes(310, 499).unwrap(), 666);
        assert_eq!(bytes(311, 499).unwrap(), 666);
        assert!(bytes(516, 1).is_err());
    }
}
