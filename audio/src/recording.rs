//! A recording in memory, and the way from a file to it.

use crate::{Error, Result, flac, wav};
use eir_core::error::{Malformed, Parameter, TooShort, Unsupported};
use eir_core::{Limits, SampleRate, file};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Which channel of a file becomes the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Channel {
    /// The mean of all channels.
    #[default]
    Mix,
    /// One channel, counted from 0: what to take where patient and clinician wear a microphone each.
    Index(usize),
}

/// A sound of one channel: samples in ±1 and their rate.
///
/// # Examples
/// ```
/// use eir_audio::Recording;
/// let tone: Vec<f32> = (0..8000).map(|i| (i as f32 * 0.1).sin()).collect();
/// let recording = Recording::new(tone, 8000.0)?;
/// let read = Recording::from_bytes(&recording.to_wav())?;
/// assert_eq!(read.duration_s(), 1.0);
/// assert_eq!(read, recording); // 32-bit float: nothing is lost
/// # Ok::<(), eir_audio::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    samples: Vec<f32>,
    rate: SampleRate,
}

impl Recording {
    /// A recording of `samples` at `rate_hz`.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless the rate is finite and above 0.
    pub fn new(samples: Vec<f32>, rate_hz: f64) -> Result<Self> {
        Ok(Self { samples, rate: SampleRate::new(rate_hz)? })
    }

    /// Reads a WAV or FLAC file with the default [`Limits`], mixed to one channel.
    ///
    /// # Errors
    /// As [`decode`], and [`Error::Io`] if the file cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, Channel::Mix, &Limits::default())
    }

    /// As [`open`](Self::open), with a choice of channel and limits.
    ///
    /// # Errors
    /// As `open`, and [`Error::Parameter`] if there is no such channel.
    pub fn open_with(path: impl AsRef<Path>, channel: Channel, limits: &Limits) -> Result<Self> {
        Self::from_bytes_with(&file::read(path.as_ref(), limits)?, channel, limits)
    }

    /// Reads the bytes of a WAV or FLAC file with the default [`Limits`], mixed to one channel.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::from_bytes_with(bytes, Channel::Mix, &Limits::default())
    }

    /// As [`from_bytes`](Self::from_bytes), with a choice of channel and limits.
    ///
    /// # Errors
    /// As [`decode`], and [`Error::Parameter`] if there is no such channel.
    pub fn from_bytes_with(bytes: &[u8], channel: Channel, limits: &Limits) -> Result<Self> {
        decode(bytes, limits)?.into_recording(channel)
    }

    /// The samples, ±1 at full scale. Files of floating-point samples may hold more, NaN or infinities.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// The sampling rate.
    #[must_use]
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// The duration in seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.rate.seconds(self.samples.len())
    }

    /// The part from `from_s` to `to_s` seconds (to the nearest sample).
    ///
    /// # Errors
    /// [`Error::TooShort`] if nothing of the recording lies in it.
    pub fn part(&self, from_s: f64, to_s: f64) -> Result<Self> {
        let (from, to) = (self.rate.samples(from_s), self.rate.samples(to_s).min(self.samples.len()));
        match self.samples.get(from..to) {
            Some(part) if !part.is_empty() => Ok(Self { samples: part.to_vec(), rate: self.rate }),
            _ => Err(TooShort::new("samples in the part", 0, 1).into()),
        }
    }

    /// The recording as a WAV file of 32-bit floating-point samples.
    #[must_use]
    pub fn to_wav(&self) -> Vec<u8> {
        wav::encode(&self.samples, self.rate)
    }
}

/// A sound of any number of channels, as it was in its file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Audio {
    /// The samples, ±1 at full scale, channel after channel for each time.
    pub interleaved: Vec<f32>,
    /// Number of channels, at least 1.
    pub channels: usize,
    /// The sampling rate.
    pub rate: SampleRate,
}

impl Audio {
    pub(crate) fn new(interleaved: Vec<f32>, channels: usize, rate: SampleRate) -> Self {
        Self { interleaved, channels: channels.max(1), rate }
    }

    /// Samples of each channel.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.interleaved.len() / self.channels.max(1)
    }

    /// One channel, or the mean of all, as a recording.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such channel.
    pub fn into_recording(self, channel: Channel) -> Result<Recording> {
        let channels = self.channels.max(1);
        let frames = self.interleaved.chunks_exact(channels);
        let samples = match channel {
            Channel::Mix if channels == 1 => self.interleaved,
            Channel::Mix => {
                frames.map(|f| (f.iter().map(|v| f64::from(*v)).sum::<f64>() / channels as f64) as f32).collect()
            }
            Channel::Index(index) if index < channels => frames.map(|f| f[index]).collect(),
            Channel::Index(index) => {
                return Err(Parameter::new("channel", index as f64, "below the file's number of channels").into());
            }
        };
        Ok(Recording { samples, rate: self.rate })
    }
}

/// Decodes the bytes of a WAV (also RF64) or FLAC file with all its channels.
///
/// WAV: PCM of 8, 16, 24 and 32 bits, 32- and 64-bit floating point, A-law and µ-law, plain or extensible. A `data`
/// chunk that claims more bytes than there are, or none although bytes follow (both are what a recorder leaves that was
/// switched off), is read to the end of the file. FLAC: every subset and bit depth of RFC 9639; checksums are verified,
/// and a cut or damaged file is an error, as a gap inside a recording would be worse than no recording.
///
/// # Errors
/// [`Error::Malformed`] where the file breaks its format, [`Error::Unsupported`] for other formats and codecs,
/// [`Error::Limit`] if the decoded samples would take more memory than `limits` allow.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Audio> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"RIFF") || starts(b"RF64") {
        wav::decode(bytes, limits)
    } else if starts(b"fLaC") {
        flac::decode(bytes, limits)
    } else if bytes.is_empty() {
        Err(Malformed::at("audio file", 0, "it is empty").into())
    } else {
        let what = match bytes {
            [b'O', b'g', b'g', b'S', ..] => "an Ogg file (Vorbis, Opus)",
            [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => "an MP3 file",
            [b'F', b'O', b'R', b'M', ..] => "an AIFF file",
            [b'r', b'i', b'f', b'f', ..] => "a Wave64 file",
            [b'R', b'I', b'F', b'X', ..] => "a big-endian WAV file",
            _ => return Err(Malformed::at("WAV or FLAC file", 0, "it starts with neither RIFF, RF64 nor fLaC").into()),
        };
        Err(Error::Unsupported(Unsupported::new(what, "convert it to WAV or FLAC")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_mixed_or_chosen() {
        let audio = Audio::new(vec![1.0, 0.0, -0.5, 0.25], 2, SampleRate::new(8000.0).unwrap());
        assert_eq!(audio.clone().into_recording(Channel::Mix).unwrap().samples(), [0.5, -0.125]);
        assert_eq!(audio.clone().into_recording(Channel::Index(1)).unwrap().samples(), [0.0, 0.25]);
        assert!(matches!(audio.into_recording(Channel::Index(2)), Err(Error::Parameter(_))));
    }

    #[test]
    fn other_formats_are_named() {
        let error = decode(b"OggS\0\0", &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), "an Ogg file (Vorbis, Opus) is not supported: convert it to WAV or FLAC");
        assert!(matches!(decode(b"", &Limits::default()), Err(Error::Malformed(_))));
    }
}
