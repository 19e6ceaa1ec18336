//! WFDB annotation files, written.

use super::annotation::{Annotation, NOTE};
use crate::Result;
use eir_core::error::{Malformed, Parameter};
use eir_core::file;
use std::path::Path;

const FORMAT: &str = "WFDB annotation file";

/// Writes `annotations` to the file at `path`, extension (the annotator's name) included: the old file or the new one is
/// there afterwards, never half of it.
///
/// # Errors
/// As [`annotation_bytes`], and [`Error::Io`](crate::Error::Io).
pub fn write_annotations(path: &Path, annotations: &[Annotation], rate_hz: Option<f64>) -> Result<()> {
    Ok(file::write_atomic(path, &annotation_bytes(annotations, rate_hz)?)?)
}

/// The annotation file that holds `annotations`, in the MIT format; with `rate_hz`, a note in it says how many ticks of
/// its times are a second (without one they are frames of the record).
///
/// # Examples
/// ```
/// use eir_signal::wfdb::{self, Annotation};
/// let beats = [Annotation::new(18, 'N')?, Annotation::new(10_000_000_000, '+')?.with_text("(AFIB")];
/// let bytes = wfdb::annotation_bytes(&beats, Some(360.0))?;
/// assert_eq!(wfdb::annotations(&bytes, &Default::default())?, beats);
/// assert_eq!(wfdb::annotation_rate_hz(&bytes, &Default::default())?, Some(360.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Malformed`] for a code beyond 1 to 49, a text longer than 255 bytes, or times too far apart; [`Parameter`] for a
/// rate that is not above 0.
pub fn annotation_bytes(annotations: &[Annotation], rate_hz: Option<f64>) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(annotations.len() * 2 + 64);
    let mut state = State { sample: 0, channel: 0, number: 0 };
    if let Some(hz) = rate_hz {
        if !hz.is_finite() || hz <= 0.0 {
            return Err(Parameter::new("rate_hz", hz, "finite and above 0").into());
        }
        let note = Annotation::new(0, '"')?.with_code(NOTE).with_text(format!("## time resolution: {hz}"));
        state.put(&note, &mut out).map_err(|reason| Malformed::new(FORMAT, reason))?;
    }
    for (i, annotation) in (0u64..).zip(annotations) {
        state.put(annotation, &mut out).map_err(|reason| Malformed::at(FORMAT, i, reason))?;
    }
    out.extend_from_slice(&[0, 0]);
    Ok(out)
}

/// What an annotation takes over from the one before.
struct State {
    sample: i64,
    channel: u8,
    number: i8,
}

impl State {
    fn put(&mut self, a: &Annotation, out: &mut Vec<u8>) -> std::result::Result<(), &'static str> {
        if !(1..=49).contains(&a.code) {
            return Err("a code is not 1 to 49");
        }
        let mut word = |code: u16, value: u16| out.extend_from_slice(&((code << 10) | (value & 0x3ff)).to_le_bytes());
        let mut step = a.sample.checked_sub(self.sample).ok_or("two times are too far apart")?;
        let mut skips = 0;
        while !(0..1024).contains(&step) {
            // 32 bits, the high half first
            let part = step.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
            word(59, 0);
            for half in [(part >> 16) as u16, part as u16] {
                word(half >> 10, half);
            }
            step -= i64::from(part);
            skips += 1;
            if skips > 1000 {
                return Err("two times are too far apart");
            }
        }
        word(a.code.into(), step as u16);
        if a.subtype != 0 {
            word(61, a.subtype.cast_unsigned().into());
        }
        if a.channel != self.channel {
            word(62, a.channel.into());
        }
        if a.number != self.number {
            word(60, a.number.cast_unsigned().into());
        }
        if !a.text.is_empty() {
            let length = u8::try_from(a.text.len()).map_err(|_| "a text is longer than 255 bytes")?;
            word(63, length.into());
            out.extend_from_slice(a.text.as_bytes());
            out.extend((length % 2 == 1).then_some(0));
        }
        *self = Self { sample: a.sample, channel: a.channel, number: a.number };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wfdb::annotations;
    use eir_core::Limits;

    #[test]
    fn every_field_there_and_back() {
        let plain = |sample: i64, code: u8| Annotation::new(sample, 'N').unwrap().with_code(code);
        let mut all: Vec<Annotation> = (1..=49).map(|code| plain(i64::from(code) * 700, code)).collect();
        all.push(plain(5, 28).with_text("(N").with_subtype(-3).with_channel(255).with_number(-128));
        all.push(plain(5, 22).with_text("øre"));
        all.push(plain(-9_000_000_000, 1));
        all.push(plain(9_000_000_000, 14).with_channel(3).with_number(7));
        let bytes = annotation_bytes(&all, None).unwrap();
        assert_eq!(annotations(&bytes, &Limits::default()).unwrap(), all);
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let beat = Annotation::new(1, 'N').unwrap();
        assert!(annotation_bytes(&[beat.clone().with_code(0)], None).is_err());
        assert!(annotation_bytes(&[beat.clone().with_code(50)], None).is_err());
        assert!(annotation_bytes(&[beat.clone().with_text("x".repeat(256))], None).is_err());
        assert!(annotation_bytes(&[Annotation { sample: i64::MAX, ..beat.clone() }], None).is_err());
        assert!(annotation_bytes(&[beat], Some(f64::NAN)).is_err());
        assert!(Annotation::new(1, 'ø').is_err());
    }
}
