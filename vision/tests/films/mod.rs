//! Small films, written here.

use eir_vision::Image;
use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};

/// A picture as JPEG.
pub(crate) fn jpeg(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.encode(image.rgb(), image.width() as u32, image.height() as u32, ExtendedColorType::Rgb8).unwrap();
    bytes
}

fn piece(name: &[u8], body: &[u8]) -> Vec<u8> {
    let fill = if body.len() % 2 == 1 { &[0][..] } else { &[] };
    [name, &(body.len() as u32).to_le_bytes(), body, fill].concat()
}

fn list(kind: &[u8], body: &[u8]) -> Vec<u8> {
    piece(b"LIST", &[kind, body].concat())
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Motion JPEG in AVI at `rate` frames a second.
pub(crate) fn avi(pictures: &[Image], rate: u32) -> Vec<u8> {
    let [width, height] = pictures.first().map_or([0; 2], |p| [p.width() as u32, p.height() as u32]);
    let strh = [&b"vidsMJPG"[..], &words(&[0, 0, 0, 1, rate, 0, pictures.len() as u32, 0, 0, 0, 0, 0])].concat();
    let strf = [words(&[40, width, height, 1]), b"MJPG".to_vec(), words(&[0; 5])].concat();
    let stream = list(b"strl", &[piece(b"strh", &strh), piece(b"strf", &strf)].concat());
    let head = list(b"hdrl", &[piece(b"avih", &words(&[0; 14])), stream].concat());
    let frames: Vec<u8> = pictures.iter().flat_map(|p| piece(b"00dc", &jpeg(p))).collect();
    piece(b"RIFF", &[&b"AVI "[..], &head, &list(b"movi", &frames)].concat())
}

/// Y4M in 4:2:0 at `rate` frames a second; the colours are grey levels with their chrominance counted up.
pub(crate) fn y4m(width: usize, height: usize, frames: usize, rate: usize) -> Vec<u8> {
    let mut film = format!("YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n").into_bytes();
    let values = width * height + 2 * width.div_ceil(2) * height.div_ceil(2);
    for n in 0..frames {
        film.extend(b"FRAME\n");
        film.extend((0..values).map(|i| (i * 7 + n * 13) as u8));
    }
    film
}

/// GIF with 16 levels of grey and 1/50 s for each frame.
pub(crate) fn gif(width: u16, height: u16, frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let palette: Vec<u8> = (0..16u8).flat_map(|v| [v * 17; 3]).collect();
    let mut encoder = gif::Encoder::new(&mut bytes, width, height, &palette).unwrap();
    for n in 0..frames {
        let pixels: Vec<u8> = (0..usize::from(width) * usize::from(height)).map(|i| ((i + n) % 16) as u8).collect();
        let mut frame = gif::Frame::from_indexed_pixels(width, height, pixels, None);
        frame.delay = 2;
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    bytes
}
