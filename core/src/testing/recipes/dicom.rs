use super::{Recipe, deflate_bomb, either, fail, patched, read};

/// What stands in [`dicom`]'s files of a patient and must not stand in an error.
pub const DICOM_SECRETS: [&str; 3] = ["MARSK^STIG", "010190-1234", "/srv/pacs/MARSK"];

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";

/// A data element in explicit little endian; the value is padded to an even length.
fn element(tag: u32, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == b"UI" { 0 } else { b' ' });
    }
    raw_element(tag, vr, value.len() as u32, &value)
}

/// A data element that says `length`, whatever its value's is.
fn raw_element(tag: u32, vr: &[u8; 2], length: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = ((tag >> 16) as u16).to_le_bytes().to_vec();
    bytes.extend((tag as u16).to_le_bytes());
    bytes.extend(vr);
    if matches!(vr, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT") {
        bytes.extend([0, 0]);
        bytes.extend(length.to_le_bytes());
    } else {
        bytes.extend((length as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

fn us(tag: u32, value: u16) -> Vec<u8> {
    element(tag, b"US", &value.to_le_bytes())
}

/// An item header: 0xe000 an item, 0xe00d an item's end, 0xe0dd a sequence's end.
fn item(kind: u16, length: u32) -> Vec<u8> {
    [&[0xfe, 0xff][..], &kind.to_le_bytes(), &length.to_le_bytes()].concat()
}

/// Preamble and file meta information.
fn meta(syntax: &str) -> Vec<u8> {
    let elements = [element(0x0002_0001, b"OB", &[0, 1]), element(0x0002_0010, b"UI", syntax.as_bytes())].concat();
    [&[0; 128][..], b"DICM", &element(0x0002_0000, b"UL", &(elements.len() as u32).to_le_bytes()), &elements].concat()
}

/// The data set of a CT slice without its pixels; 16 bits per pixel unless `bits` says otherwise.
fn slice(rows: u16, columns: u16, bits: u16) -> Vec<u8> {
    [
        element(0x0008_0060, b"CS", b"CT"),
        element(0x0010_0010, b"PN", DICOM_SECRETS[0].as_bytes()),
        element(0x0010_0020, b"LO", DICOM_SECRETS[1].as_bytes()),
        element(0x0020_000e, b"UI", b"1.2.3"),
        element(0x0020_0032, b"DS", b"0\\0\\0"),
        element(0x0020_0037, b"DS", b"1\\0\\0\\0\\1\\0"),
        us(0x0028_0002, 1),
        element(0x0028_0004, b"CS", b"MONOCHROME2"),
        us(0x0028_0010, rows),
        us(0x0028_0011, columns),
        element(0x0028_0030, b"DS", b"1\\1"),
        us(0x0028_0100, bits),
        us(0x0028_0101, bits),
        us(0x0028_0102, bits - 1),
        us(0x0028_0103, 0),
    ]
    .concat()
}

fn pixels(value: &[u8]) -> Vec<u8> {
    element(0x7fe0_0010, b"OW", value)
}

/// A file of explicit little endian: a slice of 2 × 3 pixels with `more` before the pixels.
fn with(more: &[u8]) -> Vec<u8> {
    [&meta(EXPLICIT)[..], &slice(2, 3, 16), more, &pixels(&[7; 12])].concat()
}

/// `data` with its `part` replaced.
fn replaced(data: &[u8], part: &[u8], by: &[u8]) -> Vec<u8> {
    let at = data.windows(part.len()).position(|w| w == part).unwrap_or(data.len() - part.len());
    [&data[..at], by, &data[at + part.len()..]].concat()
}

/// Encapsulated pixels: an offset table and fragments, and the end unless `open`.
fn encapsulated(syntax: &str, data: &[u8], offsets: &[u8], fragments: &[&[u8]], open: bool) -> Vec<u8> {
    let mut bytes = [meta(syntax), data.to_vec(), raw_element(0x7fe0_0010, b"OB", u32::MAX, &[])].concat();
    for piece in [&[offsets], fragments].concat() {
        bytes.extend(item(0xe000, piece.len() as u32));
        bytes.extend(piece);
    }
    if !open {
        bytes.extend(item(0xe0dd, 0));
    }
    bytes
}

/// Run-length coded 2 × 3 pixels of 16 bits: each plane is a run of six bytes.
fn rle(segments: u32, second_plane: &[u8]) -> Vec<u8> {
    let mut bytes = segments.to_le_bytes().to_vec();
    for offset in [64u32, 66] {
        bytes.extend(offset.to_le_bytes());
    }
    bytes.resize(64, 0);
    bytes.extend([251, 1]); // 257 - 251 = 6 times
    bytes.extend(second_plane);
    bytes
}

/// A sequence in a sequence in a sequence …, each of undefined length.
fn nested(depth: usize, closed: bool) -> Vec<u8> {
    let open = [raw_element(0x0040_a730, b"SQ", u32::MAX, &[]), item(0xe000, u32::MAX)].concat();
    let close = [item(0xe00d, 0), item(0xe0dd, 0)].concat();
    [open.repeat(depth), if closed { close.repeat(depth) } else { Vec::new() }].concat()
}

/// A lossless JPEG of 16 bits, 1 × 2 pixels of 0 and 65535: both differences wrap modulo 2¹⁶.
fn wrapping_jpeg() -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    bytes.extend([0xff, 0xc3, 0, 11, 16, 0, 1, 0, 2, 1, 1, 0x11, 0]);
    // Huffman table 0: categories 16 and 1, one and two bits
    bytes.extend([0xff, 0xc4, 0, 21, 0x00]);
    bytes.extend([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 1]);
    bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0, 1, 0, 0]);
    // 0 (category 16: 32768 away), then 10 and the bit 0 (category 1: -1), padded with ones
    bytes.extend([0b0100_1111, 0xff, 0xd9]);
    bytes
}

/// A baseline JPEG of 8 × 8 whose scan names Huffman tables that were never defined.
fn undefined_tables() -> Vec<u8> {
    let quantisation = [&[0xff, 0xdb, 0, 67, 0][..], &[1; 64]].concat();
    let frame = [0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0x33, 0, 63, 0, 0x55, 0x55, 0xff, 0xd9];
    [&[0xff, 0xd8][..], &quantisation, &frame, &scan].concat()
}

/// DICOM files, recipes 1 to 13. Lies about lengths and sizes, nesting, broken encodings, a bomb, odd but valid headers.
#[must_use]
pub fn dicom() -> Vec<Recipe> {
    let huge =
        |length: u32| [meta(EXPLICIT), slice(2, 3, 16), raw_element(0x7fe0_0010, b"OW", length, &[7; 12])].concat();
    let frames = element(0x0028_0008, b"IS", b"2147483647");
    let six = rle(2, &[251, 2]);
    let overlay = [us(0x6000_0010, 65_535), us(0x6000_0011, 65_535), us(0x6000_0100, 1)].concat();
    let palette = |descriptor: [u16; 3], data: &[u8]| {
        let descriptor: Vec<u8> = descriptor.iter().flat_map(|v| v.to_le_bytes()).collect();
        with(&[element(0x0028_1101, b"US", &descriptor), element(0x0028_1201, b"OW", data)].concat())
    };
    let rows = us(0x0028_0010, 2);
    let empty_rows =
        [meta(EXPLICIT), replaced(&slice(2, 3, 16), &rows, &element(0x0028_0010, b"US", &[])), pixels(&[7; 12])]
            .concat();
    let vast = us(0x0028_0010, 65_535);
    let many_frames = replaced(&slice(65_535, 65_535, 16), &vast, &[frames, vast.clone()].concat());
    // the group length is the first element behind preamble and magic; its value lies 8 bytes in
    let group_length = patched(&with(&[]), 132 + 8, &9999u32.to_le_bytes());
    let bomb = [meta(DEFLATED), deflate_bomb(1 << 30)].concat();
    let private = |pixels: &[u8]| {
        let creator = element(0x0029_0010, b"LO", b"EIR");
        let path = element(0x0029_1001, b"PN", DICOM_SECRETS[2].as_bytes());
        [&meta(EXPLICIT)[..], &slice(2, 3, 16), &creator, &path, pixels].concat()
    };
    vec![
        fail(1, "explicit length of 4 GiB beyond the end", huge(0xffff_fffe)),
        fail(1, "explicit length one beyond the end", huge(14)),
        either(2, "sequences nested 2000 deep", with(&nested(2000, true))),
        either(2, "sequences nested 100 000 deep, never closed", with(&nested(100_000, false))),
        either(3, "stray item delimiter, then an item", with(&[item(0xe00d, 0), item(0xe000, 4), vec![0; 4]].concat())),
        fail(
            4,
            "65 535 x 65 535 x 2^31-1 pixels claimed for 10 bytes",
            [meta(EXPLICIT), many_frames, pixels(&[0; 10])].concat(),
        ),
        either(
            5,
            "odd length of 16-bit pixels",
            [meta(EXPLICIT), slice(2, 3, 16), raw_element(0x7fe0_0010, b"OW", 13, &[7; 13])].concat(),
        ),
        read(6, "fragments without a delimiter at the end", encapsulated(RLE, &slice(2, 3, 16), &[], &[&six], true)),
        either(
            6,
            "offset table that points outside",
            encapsulated(RLE, &slice(2, 3, 16), &0xffff_fff0u32.to_le_bytes(), &[&six], false),
        ),
        fail(
            7,
            "run-length table of 2^32-1 segments",
            encapsulated(RLE, &slice(2, 3, 16), &[], &[&rle(u32::MAX, &[251, 2])], false),
        ),
        fail(
            7,
            "run-length literal beyond the end",
            encapsulated(RLE, &slice(2, 3, 16), &[], &[&rle(2, &[127, 2])], false),
        ),
        either(8, "palette of 0 entries, which means 65 536", palette([0, 0, 16], &[1; 8])),
        either(8, "palette shorter than its descriptor says", palette([65_535, 0, 16], &[1; 8])),
        fail(
            9,
            "JPEG scan that names undefined Huffman tables",
            encapsulated(JPEG_BASELINE, &slice(8, 8, 8), &[], &[&undefined_tables()], false),
        ),
        read(
            9,
            "lossless JPEG whose differences wrap modulo 2^16",
            encapsulated(JPEG_LOSSLESS, &slice(1, 2, 16), &[], &[&wrapping_jpeg()], false),
        ),
        either(10, "overlay of 65 535 x 65 535", with(&[overlay, element(0x6000_3000, b"OW", &[0; 4])].concat())),
        fail(11, "rows without a value", empty_rows),
        read(11, "an unneeded number without a value", with(&element(0x0028_0106, b"US", &[]))),
        either(12, "group length that is wrong", group_length),
        either(12, "no preamble", with(&[])[132..].to_vec()),
        fail(12, "1 MiB of deflated zeros that become 1 GiB", bomb),
        read(13, "private name that holds a path", private(&pixels(&[7; 12]))),
        fail(13, "private name that holds a path, pixels cut", private(&pixels(&[7; 10]))),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Must;
    use super::*;

    #[test]
    fn secrets_stand_in_the_files_that_must_not_tell_them() {
        let last = dicom().pop().unwrap();
        assert_eq!((last.number, last.must), (13, Must::Fail));
        for secret in DICOM_SECRETS {
            assert!(last.bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret}");
        }
    }
}
