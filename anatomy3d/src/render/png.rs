//! PNG, 8 bits per channel, red, green, blue.

use std::io::Write;

/// A PNG file of `width` × `height` pixels.
pub(crate) fn encode(width: usize, height: usize, rgb: &[u8]) -> Vec<u8> {
    let mut rows = Vec::with_capacity(rgb.len() + height);
    let empty = vec![0; 3 * width];
    let mut above = empty.as_slice();
    for row in rgb.chunks_exact(3 * width).take(height) {
        rows.push(2); // each row as the difference to the one above
        rows.extend(row.iter().zip(above).map(|(a, b)| a.wrapping_sub(*b)));
        above = row;
    }
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
    // writing to memory does not fail
    let packed = packed.write_all(&rows).and_then(|()| packed.finish()).unwrap_or_default();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend_from_slice(&(width as u32).to_be_bytes());
    header.extend_from_slice(&(height as u32).to_be_bytes());
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    for (kind, data) in [(b"IHDR", header.as_slice()), (b"IDAT", &packed), (b"IEND", &[])] {
        file.extend_from_slice(&(data.len() as u32).to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(data);
        file.extend_from_slice(kind);
        file.extend_from_slice(data);
        file.extend_from_slice(&sum.sum().to_be_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn pixels_come_back() {
        let rgb: Vec<u8> = (0..2 * 3 * 3).map(|v| v * 11).collect();
        let file = encode(2, 3, &rgb);
        assert_eq!(&file[12..16], b"IHDR");
        let length = u32::from_be_bytes([file[33], file[34], file[35], file[36]]) as usize;
        let mut rows = Vec::new();
        flate2::read::ZlibDecoder::new(&file[41..41 + length]).read_to_end(&mut rows).unwrap();
        let mut above = vec![0u8; 6];
        for (row, want) in rows.chunks(7).zip(rgb.chunks(6)) {
            let got: Vec<u8> = row[1..].iter().zip(&above).map(|(a, b)| a.wrapping_add(*b)).collect();
            assert_eq!(got, want);
            above = got;
        }
    }
}
