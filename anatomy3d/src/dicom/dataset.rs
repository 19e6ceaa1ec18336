//! The structure of a DICOM file (PS3.5, PS3.10): elements, sequences and pixel data, by reference to the file's bytes.
//!
//! No length is believed before it is compared with the bytes that are there, sequences nest at most [`DEPTH`] deep, and
//! no memory is taken for a claim.

use crate::{Result, gzip};
use eir_core::Limits;
use eir_core::error::{Malformed, Unsupported};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

pub(crate) const FORMAT: &str = "DICOM";
/// How deep sequences may nest; files in use stay below 10.
const DEPTH: usize = 32;
const UNDEFINED: u32 = u32::MAX;

/// Group and element as one number: (0028,0010) is `0x0028_0010`.
pub(crate) type Tag = u32;

pub(crate) mod tag {
    use super::Tag;
    pub(crate) const TRANSFER_SYNTAX: Tag = 0x0002_0010;
    pub(crate) const MODALITY: Tag = 0x0008_0060;
    pub(crate) const SLICE_THICKNESS: Tag = 0x0018_0050;
    pub(crate) const ECHO_NUMBER: Tag = 0x0018_0086;
    pub(crate) const SERIES: Tag = 0x0020_000e;
    pub(crate) const POSITION: Tag = 0x0020_0032;
    pub(crate) const ORIENTATION: Tag = 0x0020_0037;
    pub(crate) const FRAME_OF_REFERENCE: Tag = 0x0020_0052;
    pub(crate) const SAMPLES: Tag = 0x0028_0002;
    pub(crate) const FRAMES: Tag = 0x0028_0008;
    pub(crate) const ROWS: Tag = 0x0028_0010;
    pub(crate) const COLUMNS: Tag = 0x0028_0011;
    pub(crate) const PIXEL_SPACING: Tag = 0x0028_0030;
    pub(crate) const BITS_ALLOCATED: Tag = 0x0028_0100;
    pub(crate) const BITS_STORED: Tag = 0x0028_0101;
    pub(crate) const HIGH_BIT: Tag = 0x0028_0102;
    pub(crate) const PIXEL_REPRESENTATION: Tag = 0x0028_0103;
    pub(crate) const INTERCEPT: Tag = 0x0028_1052;
    pub(crate) const SLOPE: Tag = 0x0028_1053;
    pub(crate) const MEASURES_SEQUENCE: Tag = 0x0028_9110;
    pub(crate) const POSITION_SEQUENCE: Tag = 0x0020_9113;
    pub(crate) const ORIENTATION_SEQUENCE: Tag = 0x0020_9116;
    pub(crate) const SHARED_GROUPS: Tag = 0x5200_9229;
    pub(crate) const FRAME_GROUPS: Tag = 0x5200_9230;
    pub(crate) const FLOAT_PIXELS: Tag = 0x7fe0_0008;
    pub(crate) const DOUBLE_PIXELS: Tag = 0x7fe0_0009;
    pub(crate) const PIXELS: Tag = 0x7fe0_0010;
    pub(crate) const ITEM: Tag = 0xfffe_e000;
    pub(crate) const ITEM_END: Tag = 0xfffe_e00d;
    pub(crate) const SEQUENCE_END: Tag = 0xfffe_e0dd;
}

/// A value, as places in the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Bytes(Range<usize>),
    Items(Vec<Elements>),
    /// The table of offsets and the fragments of compressed pixel data.
    Fragments(Vec<Range<usize>>),
}

/// The elements of a data set or of an item.
pub(crate) type Elements = BTreeMap<Tag, Value>;

/// A DICOM file whose structure has been checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct File<'a> {
    bytes: Cow<'a, [u8]>,
    root: Elements,
    syntax: String,
    big_endian: bool,
}

impl<'a> File<'a> {
    /// Reads the structure of `bytes`.
    pub(crate) fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self> {
        limits.check("DICOM file (bytes)", bytes.len() as u64)?;
        let start = if bytes.get(128..132) == Some(b"DICM") { 132 } else { 0 };
        let mut left = limits.items;
        let mut meta = Parser { bytes, at: start, big_endian: false, explicit: true, left: &mut left };
        let mut header = Elements::new();
        while meta.peek_group() == Some(2) {
            let (tag, value) = meta.element(0)?;
            header.insert(tag, value);
        }
        let at = meta.at;
        let syntax = match header.get(&tag::TRANSFER_SYNTAX) {
            Some(Value::Bytes(range)) => text(&bytes[range.clone()]).to_owned(),
            // no file header: a bare data set, recognised by its first element
            _ => match bytes.get(at..at + 6) {
                Some([8, 0, _, _, v, r]) if v.is_ascii_uppercase() && r.is_ascii_uppercase() => EXPLICIT.to_owned(),
                Some([8, 0, _, _, _, _]) => IMPLICIT.to_owned(),
                _ => {
                    return Err(
                        Malformed::at(FORMAT, at as u64, "neither a file header nor a data set is there").into()
                    );
                }
            },
        };
        let (bytes, at) = match syntax.as_str() {
            DEFLATED => (Cow::Owned(gzip::inflate_raw(FORMAT, &bytes[at..], limits)?), 0),
            _ => (Cow::Borrowed(bytes), at),
        };
        let (explicit, big_endian) = (syntax != IMPLICIT, syntax == BIG_ENDIAN);
        let mut parser = Parser { bytes: &bytes, at, big_endian, explicit, left: &mut left };
        let mut root = Elements::new();
        while parser.at < parser.bytes.len() {
            // what follows the pixels is padding or does not concern us
            let (tag, value) = parser.element(0)?;
            root.insert(tag, value);
            if tag >= tag::FLOAT_PIXELS {
                break;
            }
        }
        if root.is_empty() {
            return Err(Malformed::at(FORMAT, at as u64, "it holds no data set").into());
        }
        Ok(Self { bytes, root, syntax, big_endian })
    }

    pub(crate) fn syntax(&self) -> &str {
        &self.syntax
    }

    pub(crate) fn big_endian(&self) -> bool {
        self.big_endian
    }

    pub(crate) fn root(&self) -> &Elements {
        &self.root
    }

    pub(crate) fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    /// The bytes of an element of the root, or nothing.
    pub(crate) fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        self.bytes_in(&self.root, tag)
    }

    pub(crate) fn bytes_in(&self, elements: &Elements, tag: Tag) -> Option<&[u8]> {
        match elements.get(&tag) {
            Some(Value::Bytes(range)) => Some(self.slice(range)),
            _ => None,
        }
    }

    /// Text without its padding; empty text is none.
    pub(crate) fn text(&self, tag: Tag) -> Option<&str> {
        self.bytes(tag).map(text).filter(|t| !t.is_empty())
    }

    /// Decimal numbers of a text element.
    pub(crate) fn decimals(&self, tag: Tag) -> Option<Vec<f64>> {
        self.decimals_in(&self.root, tag)
    }

    pub(crate) fn decimals_in(&self, elements: &Elements, tag: Tag) -> Option<Vec<f64>> {
        let text = self.bytes_in(elements, tag).map(text).filter(|t| !t.is_empty())?;
        text.split('\\').map(|n| n.trim().parse::<f64>().ok().filter(|v| v.is_finite())).collect()
    }

    /// The first decimal number of a text element.
    pub(crate) fn decimal(&self, tag: Tag) -> Option<f64> {
        self.decimals(tag)?.first().copied()
    }

    /// An unsigned 16-bit number.
    pub(crate) fn u16(&self, tag: Tag) -> Option<u16> {
        let bytes = *self.bytes(tag)?.first_chunk::<2>()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    /// The items of a sequence.
    pub(crate) fn items<'e>(&self, elements: &'e Elements, tag: Tag) -> &'e [Elements] {
        match elements.get(&tag) {
            Some(Value::Items(items)) => items,
            _ => &[],
        }
    }
}

pub(crate) const IMPLICIT: &str = "1.2.840.10008.1.2";
pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(crate) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
pub(crate) const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default().trim_matches([' ', '\0'])
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
    explicit: bool,
    /// How many more elements and items there may be.
    left: &'a mut u64,
}

impl Parser<'_> {
    fn short(&self) -> Malformed {
        Malformed::at(FORMAT, self.at as u64, "it ends inside an element")
    }

    fn peek_group(&self) -> Option<u16> {
        let bytes = *self.bytes.get(self.at..)?.first_chunk::<2>()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u16(&mut self) -> Result<u16> {
        let value = self.peek_group().ok_or_else(|| self.short())?;
        self.at += 2;
        Ok(value)
    }

    fn u32(&mut self) -> Result<u32> {
        let (a, b) = (u32::from(self.u16()?), u32::from(self.u16()?));
        Ok(if self.big_endian { a << 16 | b } else { b << 16 | a })
    }

    fn tag(&mut self) -> Result<Tag> {
        *self.left = self.left.checked_sub(1).ok_or_else(|| {
            eir_core::error::LimitExceeded::new("elements of a DICOM file", self.bytes.len() as u64 / 8, 0)
        })?;
        Ok(u32::from(self.u16()?) << 16 | u32::from(self.u16()?))
    }

    /// The next `length` bytes, which must be there.
    fn range(&mut self, length: u32) -> Result<Range<usize>> {
        let end = self.at.checked_add(length as usize).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| {
            Malformed::at(FORMAT, self.at as u64, format!("an element of {length} bytes does not fit into the file"))
        })?;
        let range = self.at..end;
        self.at = end;
        Ok(range)
    }

    fn element(&mut self, depth: usize) -> Result<(Tag, Value)> {
        let tag = self.tag()?;
        if matches!(tag, tag::ITEM | tag::ITEM_END | tag::SEQUENCE_END) {
            return Err(Malformed::at(FORMAT, self.at as u64, "an item stands outside a sequence").into());
        }
        let (vr, length) = self.head()?;
        let sequence = match vr {
            Some(vr) => vr == *b"SQ" || (vr == *b"UN" && length == UNDEFINED),
            None => is_sequence(tag) || length == UNDEFINED,
        };
        if tag == tag::PIXELS && length == UNDEFINED {
            return Ok((tag, Value::Fragments(self.fragments()?)));
        }
        if !sequence {
            return Ok((tag, Value::Bytes(self.range(length)?)));
        }
        // an unknown sequence is in implicit VR, whatever the file is in (PS3.5, 6.2.2)
        let explicit = self.explicit;
        self.explicit &= vr != Some(*b"UN");
        let items = self.items(length, depth + 1);
        self.explicit = explicit;
        Ok((tag, Value::Items(items?)))
    }

    /// Value representation (none in implicit VR) and length.
    fn head(&mut self) -> Result<(Option<[u8; 2]>, u32)> {
        if !self.explicit {
            return Ok((None, self.u32()?));
        }
        let range = self.range(2)?;
        let vr = *self.bytes[range].first_chunk::<2>().ok_or_else(|| self.short())?;
        if !vr.iter().all(u8::is_ascii_uppercase) {
            return Err(Malformed::at(FORMAT, self.at as u64 - 2, "an element has no value representation").into());
        }
        let long =
            [*b"OB", *b"OD", *b"OF", *b"OL", *b"OV", *b"OW", *b"SQ", *b"SV", *b"UC", *b"UN", *b"UR", *b"UT", *b"UV"];
        if long.contains(&vr) {
            self.u16()?;
            Ok((Some(vr), self.u32()?))
        } else {
            Ok((Some(vr), u32::from(self.u16()?)))
        }
    }

    fn items(&mut self, length: u32, depth: usize) -> Result<Vec<Elements>> {
        if depth > DEPTH {
            let what = format!("DICOM sequences that nest more than {DEPTH} deep");
            return Err(Unsupported::new(what, "this is no image that a scanner writes").into());
        }
        let end = if length == UNDEFINED { None } else { Some(self.range(length)?) };
        if let Some(range) = &end {
            self.at = range.start;
        }
        let mut items = Vec::new();
        while end.as_ref().is_none_or(|r| self.at < r.end) {
            let (tag, length) = (self.tag()?, self.u32()?);
            match tag {
                tag::SEQUENCE_END => break,
                tag::ITEM => {}
                _ => {
                    return Err(Malformed::at(
                        FORMAT,
                        self.at as u64 - 8,
                        "a sequence holds something else than items",
                    )
                    .into());
                }
            }
            let item_end = if length == UNDEFINED { None } else { Some(self.range(length)?) };
            if let Some(range) = &item_end {
                self.at = range.start;
            }
            let mut elements = Elements::new();
            while item_end.as_ref().is_none_or(|r| self.at < r.end) {
                let before = self.at;
                if item_end.is_none() && self.tag()? == tag::ITEM_END {
                    self.u32()?;
                    break;
                }
                self.at = before;
                let (tag, value) = self.element(depth)?;
                elements.insert(tag, value);
            }
            items.push(elements);
        }
        Ok(items)
    }

    fn fragments(&mut self) -> Result<Vec<Range<usize>>> {
        let mut fragments = Vec::new();
        loop {
            // writers that forget the delimiter at the end exist, and every fragment is there
            if fragments.len() > 1 && self.at == self.bytes.len() {
                return Ok(fragments);
            }
            let (tag, length) = (self.tag()?, self.u32()?);
            match tag {
                tag::SEQUENCE_END => return Ok(fragments),
                tag::ITEM => fragments.push(self.range(length)?),
                _ => {
                    return Err(Malformed::at(
                        FORMAT,
                        self.at as u64 - 8,
                        "pixel data hold something else than fragments",
                    )
                    .into());
                }
            }
        }
    }
}

/// The sequences that are read here, for implicit VR, where a length alone does not tell.
fn is_sequence(tag: Tag) -> bool {
    matches!(
        tag,
        tag::MEASURES_SEQUENCE
            | tag::POSITION_SEQUENCE
            | tag::ORIENTATION_SEQUENCE
            | tag::SHARED_GROUPS
            | tag::FRAME_GROUPS
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn nested(levels: usize) -> Vec<u8> {
        let mut bytes = vec![0u8; 128];
        bytes.extend_from_slice(b"DICM");
        bytes.extend_from_slice(&[2, 0, 0x10, 0, b'U', b'I', 20, 0]);
        bytes.extend_from_slice(b"1.2.840.10008.1.2.1\0");
        for _ in 0..levels {
            bytes.extend_from_slice(&[8, 0, 0x40, 0x11, b'S', b'Q', 0, 0, 255, 255, 255, 255]);
            bytes.extend_from_slice(&[0xfe, 0xff, 0, 0xe0, 255, 255, 255, 255]);
        }
        for _ in 0..levels {
            bytes.extend_from_slice(&[0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0]);
            bytes.extend_from_slice(&[0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
        }
        bytes.extend_from_slice(&[8, 0, 0x60, 0, b'C', b'S', 2, 0, b'C', b'T']);
        bytes
    }

    #[test]
    fn depth_is_bounded() {
        let limits = Limits::default();
        assert_eq!(File::parse(&nested(5), &limits).unwrap().text(tag::MODALITY), Some("CT"));
        assert!(matches!(File::parse(&nested(100_000), &limits), Err(Error::Unsupported(_))));
        assert!(File::parse(&nested(5), &limits.with_items(3)).is_err());
    }

    #[test]
    fn a_claimed_length_takes_no_memory() {
        let mut bytes = nested(0);
        bytes.extend_from_slice(&[0xe0, 0x7f, 0x10, 0, b'O', b'W', 0, 0, 0xfe, 255, 255, 255]);
        assert!(matches!(File::parse(&bytes, &Limits::default()), Err(Error::Malformed(_))));
    }
}
