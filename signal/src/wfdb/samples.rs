//! The storage formats of WFDB signal files.

use crate::Result;
use crate::dispatch::dispatched;
use eir_core::error::Unsupported;

/// How a format stores a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) number: u16,
    /// Bits of a sample.
    pub(super) bits: u32,
}

impl Format {
    pub(super) fn new(number: u16) -> Result<Self> {
        let bits = match number {
            8 | 80 | 508 => 8,
            310 | 311 => 10,
            212 => 12,
            16 | 61 | 160 | 516 => 16,
            24 | 524 => 24,
            32 => 32,
            _ => {
                let instead = "formats 8, 16, 24, 32, 61, 80, 160, 212, 310, 311, 508, 516 and 524 are; convert it \
                               with WFDB's xform";
                return Err(Unsupported::new(format!("WFDB signal format {number}"), instead).into());
            }
        };
        Ok(Self { number, bits })
    }

    /// Whether the file is a FLAC stream.
    pub(super) fn is_flac(self) -> bool {
        self.number > 500
    }

    /// Whether samples need more than 16 bits. The sums of format 8 do.
    pub(super) fn is_wide(self) -> bool {
        self.bits > 16 || self.number == 8
    }

    /// The number that stands for a missing sample; format 8 has none.
    pub(super) fn invalid(self) -> Option<i32> {
        (self.number != 8).then(|| i32::MIN >> (32 - self.bits))
    }

    /// Bytes that `samples` samples take.
    pub(super) fn bytes(self, samples: u64) -> u64 {
        let packed = |group: u64, size: u64, rest: [u64; 3]| {
            let left = rest.get((samples % group) as usize).copied().unwrap_or(0);
            (samples / group).saturating_mul(size).saturating_add(left)
        };
        match self.number {
            212 => packed(2, 3, [0, 2, 0]),
            310 => packed(3, 4, [0, 2, 4]),
            311 => packed(3, 4, [0, 2, 3]),
            _ => samples.saturating_mul(u64::from(self.bits / 8)),
        }
    }

    /// Samples that `bytes` bytes hold.
    pub(super) fn samples(self, bytes: u64) -> u64 {
        match self.number {
            212 => bytes / 3 * 2 + u64::from(bytes % 3 == 2),
            310 => bytes / 4 * 3 + u64::from(bytes % 4 >= 2),
            311 => bytes / 4 * 3 + [0, 0, 1, 2].get((bytes % 4) as usize).copied().unwrap_or(0),
            _ => bytes / u64::from(self.bits / 8),
        }
    }
}

/// A block starts at a multiple of this many samples: the packed formats hold groups of 2 and 3.
pub(super) const GROUP: usize = 6;

/// A converter's number, as narrow as its format.
pub(super) trait Digit: Copy + Send + Sync + 'static {
    const MISSING: Self;
    /// The lowest 16 bits: all that a checksum sees.
    fn low(self) -> u16;
    fn is(self, number: i32) -> bool;
    /// Puts the samples in `data`, which starts at a group, into `out`.
    fn decode(format: Format, data: &[u8], out: &mut Vec<Self>);
    fn from_i32(number: i32) -> Option<Self>;
}

impl Digit for i16 {
    const MISSING: Self = i16::MIN;

    fn low(self) -> u16 {
        self.cast_unsigned()
    }

    fn is(self, number: i32) -> bool {
        i32::from(self) == number
    }

    fn from_i32(number: i32) -> Option<Self> {
        Self::try_from(number).ok()
    }

    fn decode(format: Format, data: &[u8], out: &mut Vec<Self>) {
        out.clear();
        match format.number {
            80 => out.extend(data.iter().map(|b| i16::from(*b) - 128)),
            61 => out.extend(data.as_chunks().0.iter().map(|c| i16::from_be_bytes(*c))),
            160 => out.extend(data.as_chunks().0.iter().map(|c| (u16::from_le_bytes(*c) ^ 0x8000).cast_signed())),
            212 => decode_212(data, out),
            310 => decode_310(data, out),
            311 => decode_311(data, out),
            _ => out.extend(data.as_chunks().0.iter().map(|c| i16::from_le_bytes(*c))),
        }
    }
}

impl Digit for i32 {
    const MISSING: Self = i32::MIN;

    fn low(self) -> u16 {
        self as u16
    }

    fn is(self, number: i32) -> bool {
        self == number
    }

    fn from_i32(number: i32) -> Option<Self> {
        Some(number)
    }

    /// Format 8 gives differences.
    fn decode(format: Format, data: &[u8], out: &mut Vec<Self>) {
        out.clear();
        match format.number {
            8 => out.extend(data.iter().map(|b| i32::from(b.cast_signed()))),
            24 => out.extend(data.as_chunks().0.iter().map(|[a, b, c]| i32::from_le_bytes([0, *a, *b, *c]) >> 8)),
            _ => out.extend(data.as_chunks().0.iter().map(|c| i32::from_le_bytes(*c))),
        }
    }
}

/// Two 12-bit numbers in three bytes; a last single one in two. Each is shifted up to 16 bits and back, which gives it
/// its sign; bound by the shuffles that gather every third byte.
fn decode_212(data: &[u8], out: &mut Vec<i16>) {
    let (triples, rest) = data.as_chunks::<3>();
    let first = |a: u8, b: u8| (((u16::from(a) << 4) | (u16::from(b) << 12)).cast_signed()) >> 4;
    out.resize(triples.len() * 2, 0);
    let pairs = out.as_chunks_mut::<2>().0;
    dispatched(
        #[inline(always)]
        || {
            for ([a, b, c], two) in triples.iter().zip(pairs.iter_mut()) {
                *two = [first(*a, *b), (((u16::from(*c) << 4) | (u16::from(*b & 0xf0) << 8)).cast_signed()) >> 4];
            }
        },
    );
    if let [a, b] = rest {
        out.push(first(*a, *b));
    }
}

/// The lowest 10 bits of `word` as a signed number.
fn signed(word: u32) -> i16 {
    (((word << 6) as u16).cast_signed()) >> 6
}

/// Three 10-bit numbers in two 16-bit words: bits 1–10 of each, and the two top ends together.
fn decode_310(data: &[u8], out: &mut Vec<i16>) {
    let (words, _) = data.as_chunks::<2>();
    let mut words = words.iter().map(|w| u32::from(u16::from_le_bytes(*w)));
    while let Some(first) = words.next() {
        out.push(signed(first >> 1));
        let Some(second) = words.next() else { break };
        out.push(signed(second >> 1));
        out.push(signed(first >> 11 | (second >> 11) << 5));
    }
}

/// Three 10-bit numbers in the low 30 bits of a 32-bit word.
fn decode_311(data: &[u8], out: &mut Vec<i16>) {
    for group in data.chunks(4) {
        let word = group.iter().rev().fold(0u32, |w, b| (w << 8) | u32::from(*b));
        out.extend((0..(group.len() * 8 / 10).min(3)).map(|i| signed(word >> (10 * i))));
    }
}

/// Appends `values`, which fit the format, as its bytes. The last group of 310 and 311 is filled up, as the WFDB library
/// needs it.
pub(super) fn encode(format: Format, values: &[i32], out: &mut Vec<u8>) {
    let mut words = |width: usize, to: fn(i32) -> [u8; 4]| {
        values.iter().for_each(|v| out.extend_from_slice(to(*v).get(..width).unwrap_or_default()));
    };
    match format.number {
        80 => words(1, |v| (v + 128).to_le_bytes()),
        16 => words(2, i32::to_le_bytes),
        61 => words(2, |v| ((v << 16) as u32).to_be_bytes()),
        160 => words(2, |v| (v + 32_768).to_le_bytes()),
        24 => words(3, i32::to_le_bytes),
        212 => {
            for pair in values.chunks(2) {
                let (a, b) = (pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0));
                let bytes = [a as u8, ((a >> 8) & 0x0f) as u8 | ((b >> 4) & 0xf0) as u8, b as u8];
                out.extend_from_slice(bytes.get(..if pair.len() == 2 { 3 } else { 2 }).unwrap_or_default());
            }
        }
        310 => {
            for three in values.chunks(3) {
                let at = |i: usize| (three.get(i).copied().unwrap_or(0) & 0x3ff) as u16;
                let words = [at(0) << 1 | at(2) << 11, at(1) << 1 | (at(2) >> 5) << 11];
                words.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
            }
        }
        311 => {
            for three in values.chunks(3) {
                let word = three.iter().rev().fold(0u32, |w, v| w << 10 | (*v & 0x3ff) as u32);
                out.extend_from_slice(&word.to_le_bytes());
            }
        }
        _ => words(4, i32::to_le_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(number: u16, data: &[u8]) -> Vec<i16> {
        let mut out = Vec::new();
        i16::decode(Format::new(number).unwrap(), data, &mut out);
        out
    }

    #[test]
    fn packed_formats_unpack() {
        // 1, -2 and -2048 (missing) in 12 bits
        assert_eq!(narrow(212, &[0x01, 0xf0, 0xfe, 0x00, 0x08]), [1, -2, -2048]);
        assert_eq!(narrow(310, &[0x02, 0x00, 0xfc, 0x07]), [1, -2, 0]);
        let word = (1u32 | (0x3fe << 10) | (0x200 << 20)).to_le_bytes();
        assert_eq!(narrow(311, &word), [1, -2, -512]);
        assert_eq!(narrow(61, &[0x00, 0x01, 0x80, 0x00]), [1, i16::MIN]);
        assert_eq!(narrow(160, &[0x01, 0x80, 0x00, 0x00]), [1, i16::MIN]);
        let mut wide = Vec::new();
        i32::decode(Format::new(24).unwrap(), &[0xff, 0xff, 0xff, 0x00, 0x00, 0x80], &mut wide);
        assert_eq!(wide, [-1, -8_388_608]);
    }

    #[test]
    fn sizes_count_the_last_group() {
        let format = |n| Format::new(n).unwrap();
        assert_eq!(format(212).bytes(2997), 4496);
        assert_eq!(format(310).bytes(499), 666);
        assert_eq!(format(311).bytes(499), 666);
        assert!(Format::new(9999).is_err());
        for number in [8, 16, 24, 32, 61, 80, 160, 212, 310, 311] {
            for n in 0..20 {
                let bytes = format(number).bytes(n);
                assert_eq!(format(number).samples(bytes), if number == 310 { n + u64::from(n % 3 == 2) } else { n });
            }
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for number in [16, 24, 32, 61, 80, 160, 212, 310, 311] {
            let format = Format::new(number).unwrap();
            let (low, high) = (i32::MIN >> (32 - format.bits), i32::MAX >> (32 - format.bits));
            for n in 0..9usize {
                let values: Vec<i32> = [low, high, -1, 0, 1, low + 1, high - 1, 77, -78].into_iter().take(n).collect();
                let mut bytes = Vec::new();
                encode(format, &values, &mut bytes);
                let mut read: Vec<i32> = if format.is_wide() {
                    let mut out = Vec::new();
                    i32::decode(format, &bytes, &mut out);
                    out
                } else {
                    narrow(number, &bytes).into_iter().map(i32::from).collect()
                };
                assert!(bytes.len() as u64 >= format.bytes(n as u64));
                read.truncate(n);
                assert_eq!(read, values, "format {number}");
            }
        }
    }
}
