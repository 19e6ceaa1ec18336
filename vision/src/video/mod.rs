//! Video in: frames with their times, one after the other, in bounded memory.
//!
//! [`Frames`] is one iterator for a folder of pictures, GIF, Y4M, Motion JPEG in AVI and H.264 in MP4; which of them a file
//! is, its first bytes tell. One frame is in memory at a time (of MP4 up to 17), whatever
//! the length of the film.
//!
//! | file | times |
//! |---|---|
//! | folder of PNG and JPEG with `times.csv` | as listed: any distances |
//! | folder without it | the rate of [`VideoConfig`] |
//! | GIF | the delay of each frame, in 1/100 s |
//! | Y4M (8 to 16 bits, 4:2:0, 4:2:2, 4:4:4, grey) | the rate of its head, a fraction |
//! | AVI with Motion JPEG (also beyond 4 GB: OpenDML) | the rate of its head; a dropped frame leaves its time empty |
//! | MP4 and QuickTime with H.264 (feature `mp4`) | of each picture, from the tables of the file: any distances |
//!
//! # MP4
//! What phones and most cameras record: H.264 of Baseline, Main and High profile, 8 and 10 bits, 4:2:0 and 4:2:2, with
//! B-frames, turned as the file says. Pictures are those of FFmpeg 9.0.2 to the last bit (`tests/mp4.rs`). The decoder is
//! [`rust_h264`](https://docs.rs/rust_h264), in Rust alone. In some countries H.264 needs a
//! licence for its patents: that is why the feature is not on by default.
//!
//! # What it does not read
//! **H.265**, which some phones record unless "most compatible" is chosen, fragmented, interlaced and mirrored films: the error
//! says how to convert them. Sound is passed over. Any other film: `ffmpeg -i film.mov -c:v libx264 -crf 12 -fps_mode
//! passthrough film.mp4` keeps the times.

mod avi;
mod folder;
mod frames;
mod gif;
#[cfg(feature = "mp4")]
mod h264;
#[cfg(feature = "mp4")]
mod mp4;
mod y4m;
mod yuv;

pub use folder::TIMES_FILE;
pub use frames::{Frame, Frames, VideoConfig, VideoFormat};
pub use yuv::ColourMatrix;
