//! Films of H.264 in MP4 give the pictures that FFmpeg decodes, at their times, and broken ones an error.
#![cfg(feature = "mp4")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use eir_core::Limits;
use eir_core::random::Generator;
use eir_core::testing::{PeakAlloc, contract};
use eir_vision::video::{Frame, VideoConfig, VideoFormat};
use eir_vision::{Error, Result};
use std::path::Path;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn film(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/films/h264").join(name)).unwrap()
}

fn frames(bytes: &[u8], limits: &Limits) -> Result<Vec<Frame>> {
    VideoConfig::default().decode(bytes.to_vec(), limits)?.collect()
}

/// B-frames, no B-frames with the tables first, uneven times, turned, 10 bits of 4:2:2.
#[test]
fn pictures_equal_ffmpeg_at_their_times() {
    let even: Vec<u32> = (0..12).collect();
    let uneven = [0, 1, 3, 4, 5, 7, 8, 9, 11];
    for (name, times, size) in [
        ("ordered", &even[..], [46, 34]),
        ("baseline", &even, [46, 34]),
        ("uneven", &uneven, [46, 34]),
        ("turned", &uneven, [34, 46]),
        ("ten_bits", &even, [46, 34]),
    ] {
        let open = VideoConfig::default().decode(film(&format!("{name}.mp4")), &Limits::default()).unwrap();
        assert_eq!(
            (open.format(), open.size(), open.announced()),
            (VideoFormat::Mp4H264, Some(size), Some(times.len()))
        );
        let own: Vec<Frame> = open.collect::<Result<_>>().unwrap();
        let theirs = frames(&film(&format!("{name}.y4m")), &Limits::default()).unwrap();
        assert_eq!((own.len(), theirs.len()), (times.len(), times.len()), "{name}");
        for ((own, theirs), time) in own.iter().zip(&theirs).zip(times) {
            assert_eq!(own.time_s, f64::from(*time) / 30.0, "{name}");
            assert!(own.image == theirs.image, "{name} at {time}/30 s");
        }
    }
}

/// Of a picture of 46 x 34: where the pixel (0, 0) comes from, for each way to hold a camera.
#[test]
fn pictures_are_turned_as_the_file_says() {
    let film = film("uneven.mp4");
    let first = |film: &[u8]| frames(film, &Limits::default()).unwrap().swap_remove(0).image;
    let upright = first(&film);
    let at = film.windows(4).position(|four| four == b"tkhd").unwrap() + 44;
    for (matrix, size, corner) in [
        ([1, 0, 0, 1], [46, 34], [0, 0]),
        ([0, 1, -1, 0], [34, 46], [0, 33]), // a quarter to the right: the lower left corner comes up
        ([-1, 0, 0, -1], [46, 34], [45, 33]),
        ([0, -1, 1, 0], [34, 46], [45, 0]),
    ] {
        let mut film = film.clone();
        for (at, value) in [at, at + 4, at + 12, at + 16].into_iter().zip(matrix) {
            film[at..at + 4].copy_from_slice(&(65536i32 * value).to_be_bytes());
        }
        let turned = first(&film);
        assert_eq!([turned.width(), turned.height()], size);
        let [a, b, c, d] = matrix.map(|v| v as isize);
        for (y, x) in (0..34).flat_map(|y| (0..46).map(move |x| (y, x))) {
            // as the standard writes it, about the corner that becomes the first
            let [dx, dy] = [x - corner[0], y - corner[1]];
            let to = [a * dx + c * dy, b * dx + d * dy].map(|v| v as usize);
            assert_eq!(turned.pixel(to[0], to[1]), upright.pixel(x as usize, y as usize), "{matrix:?} {x} {y}");
        }
    }
}

#[test]
fn films_that_are_broken() {
    let limits = Limits::default().with_bytes(64 << 20).with_items(100_000);
    let read = |bytes: &[u8]| frames(bytes, &limits).map(|frames| frames.len());
    for name in ["ordered", "turned"] {
        let film = film(&format!("{name}.mp4"));
        contract::bounded_reader(name, &film, &MEMORY, |b| read(b).map(drop));
        contract::prefix_law(name, &film, read);
        contract::byte_law(name, &film, read);
        // several bits at once, and pieces put elsewhere
        let mut stream = Generator::new(9, name).stream(0);
        for _ in 0..2000 {
            let mut broken = film.clone();
            for _ in 0..1 + stream.below(4) {
                let at = stream.below(broken.len());
                broken[at] ^= 1 << stream.below(8);
            }
            if stream.below(4) == 0 {
                let [from, to, n] = [stream.below(film.len() - 40), stream.below(film.len() - 40), stream.below(40)];
                broken.copy_within(from..from + n, to);
            }
            if let Ok(frames) = frames(&broken, &limits) {
                assert!(frames.windows(2).all(|pair| pair[0].time_s < pair[1].time_s), "times rise");
            }
        }
    }
}

/// Boxes that are empty, endless or within each other, and tables that claim much.
#[test]
fn films_that_claim_much() {
    let film = film("baseline.mp4");
    let place = |name: &[u8; 4]| film.windows(4).position(|four| four == name).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut film = film.clone();
        film[at..at + bytes.len()].copy_from_slice(bytes);
        film
    };
    for (what, film) in [
        ("endless boxes", [&film[..32], &[0; 8].repeat(1000)].concat()),
        ("a box of no length", with(place(b"moov") - 4, &7u32.to_be_bytes())),
        ("a box longer than the file", with(place(b"moov") - 4, &u32::MAX.to_be_bytes())),
        ("many sizes", with(place(b"stsz") + 12, &u32::MAX.to_be_bytes())),
        ("many equal sizes", with(place(b"stsz") + 8, &[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff])),
        ("many times", with(place(b"stts") + 8, &u32::MAX.to_be_bytes())),
        ("no unit of time", with(place(b"mdhd") + 16, &[0; 4])),
        ("another codec", with(place(b"stsd") + 16, b"hvc1")),
        ("a mirror", with(place(b"tkhd") + 44, &(-65536i32).to_be_bytes())),
        ("a chunk outside", with(place(b"stco") + 12, &u32::MAX.to_be_bytes())),
    ] {
        contract::bounded(what, &film, |b| frames(b, &Limits::default()));
        assert!(frames(&film, &Limits::default()).is_err(), "{what}");
    }
    let few = Limits::default().with_items(3);
    assert!(matches!(frames(&film, &few), Err(Error::Limit(_))));
}
