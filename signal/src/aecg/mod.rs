//! Annotated ECGs of HL7 (aECG, XML): what drug trials hand in.
//!
//! A file holds series of leads, such as ten seconds of rhythm and a representative beat. [`Record::open`] gives the
//! first with what is annotated in it; [`open`] gives all of them, and the annotations with their codes.
//!
//! Leads have the names of their codes without `MDC_ECG_LEAD_`: `II`, `AVR`, `V1`.
//!
//! # Validation
//! Codes, scales, every digit and the number of annotations equal a plain walk over the XML on the reference files.
//!
//! # References
//! HL7 Version 3 Standard: Annotated ECG, Release 1 (ANSI/HL7 V3 ECG, R1-2004).

mod walk;

use crate::reader::Windows;
use crate::signal::{Digits, MISSING, Samples, Signal};
use crate::source::{Files, Folder, Given, Source};
use crate::{Record, Result};
use eir_core::Limits;
use eir_core::error::Malformed;
use std::ops::Range;
use std::path::Path;
use walk::{Sequence, Set};

const FORMAT: &str = "aECG";

/// Bytes of digits that are read at a time.
const PIECE: u64 = 64 << 10;

/// What an aECG file holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Document {
    /// The root and the extension of the document's identifier.
    pub id: (String, Option<String>),
    /// The time of the recording as it is written: `center`, or `low` and `high`, each with its value.
    pub effective_time: Vec<(String, String)>,
    /// The series, each with the signals of its leads.
    pub series: Vec<Record>,
    /// What is said about them, in the file's order.
    pub statements: Vec<Statement>,
}

/// An annotation of an aECG file.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Statement {
    /// What kind of thing is said: `MDC_ECG_WAVC_TYPE`, `MDC_ECG_TIME_PD_QT`.
    pub code: String,
    /// What is said: a code such as `MDC_ECG_WAVC_PEAK`, or a number; empty if the code says all.
    pub value: String,
    /// The unit of a number.
    pub unit: String,
    /// The code of the lead that it is about; empty for all.
    pub lead: String,
    /// Place of the series in the document that it is about.
    pub series: usize,
    /// Seconds from the start of the series, where it has a time.
    pub onset_s: Option<f64>,
    /// Length in seconds, where it has one.
    pub duration_s: Option<f64>,
}

/// Opens the document at `path`.
///
/// # Errors
/// As [`read`], and [`Error::Io`](crate::Error::Io).
pub fn open(path: &Path, limits: &Limits) -> Result<Document> {
    opened(path, limits)?.document(limits)
}

/// Reads a document.
///
/// # Examples
/// ```
/// let xml = br#"<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><id root="1.2"/>
///   <component><series><component><sequenceSet>
///     <component><sequence><code code="TIME_ABSOLUTE"/><value xsi:type="GLIST_TS">
///       <head value="20021122091000"/><increment value="0.002" unit="s"/></value></sequence></component>
///     <component><sequence><code code="MDC_ECG_LEAD_II"/><value xsi:type="SLIST_PQ">
///       <origin value="0" unit="uV"/><scale value="2.5" unit="uV"/><digits>-2 4 0</digits></value></sequence></component>
///   </sequenceSet></component></series></component></AnnotatedECG>"#;
/// let document = eir_signal::aecg::read(xml, &Default::default())?;
/// let ii = document.series[0].signal("II")?;
/// assert_eq!((ii.samples(), ii.unit(), ii.rate().hz()), (vec![-5.0, 10.0, 0.0], "uV", 500.0));
/// # Ok::<(), eir_signal::Error>(())
/// ```
///
/// # Errors
/// [`Malformed`] if it is no XML or no aECG; elements deeper than 64 and entities that the document defines itself are
/// refused. [`LimitExceeded`](eir_core::error::LimitExceeded).
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Document> {
    let files = [("", bytes)];
    Opened::new(Given(&files), String::new(), limits)?.document(limits)
}

pub(crate) fn opened(path: &Path, limits: &Limits) -> Result<Opened<Folder>> {
    let folder = Folder(path.parent().unwrap_or(Path::new("")).to_owned());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Opened::new(folder, name, limits)
}

/// A document that was looked through: where the digits of each lead lie is known.
#[derive(Debug)]
pub(crate) struct Opened<F> {
    files: F,
    name: String,
    /// The document, its series without samples.
    document: Document,
    sets: Vec<Set>,
    /// The first series.
    outline: Record,
}

impl<F: Files> Opened<F> {
    fn new(files: F, name: String, limits: &Limits) -> Result<Self> {
        let mut source = files.open(&name)?;
        let (mut document, sets) = walk::walk(&mut source, limits)?;
        drop(source);
        for (i, set) in sets.iter().enumerate() {
            let mut series = set.outline()?;
            series.name = document.id.1.clone().unwrap_or_default();
            let said = document.statements.iter().filter(|s| s.series == i);
            series.annotations = said.filter_map(Statement::annotation).collect();
            document.series.push(series);
        }
        let outline = document.series.first().cloned();
        let outline = outline.ok_or_else(|| Malformed::new(FORMAT, "it has no series of samples"))?;
        Ok(Self { files, name, document, sets, outline })
    }

    fn document(&self, limits: &Limits) -> Result<Document> {
        let mut document = self.document.clone();
        let mut left = limits.bytes; // for all series together
        for (i, series) in document.series.iter_mut().enumerate() {
            let all: Vec<usize> = (0..series.signals.len()).collect();
            let annotations = std::mem::take(&mut series.annotations);
            *series = self.part(i, 0..series.frames as u64, &all, &limits.with_bytes(left))?;
            series.annotations = annotations;
            left = left.saturating_sub(series.signals.iter().map(|s| 4 * s.len() as u64).sum());
        }
        Ok(document)
    }

    fn part(&self, series: usize, frames: Range<u64>, wanted: &[usize], limits: &Limits) -> Result<Record> {
        let (Some(outline), Some(set)) = (self.document.series.get(series), self.sets.get(series)) else {
            return Err(Malformed::new(FORMAT, "it has no such series").into());
        };
        let length = frames.end - frames.start;
        limits.product("samples of a record (bytes)", &[wanted.len() as u64, length, 4])?;
        let mut source = self.files.open(&self.name)?;
        let mut signals = Vec::with_capacity(wanted.len());
        for (signal, lead) in wanted.iter().filter_map(|i| Some((outline.signals.get(*i)?, set.leads.get(*i)?))) {
            let mut signal = signal.outline();
            let size = usize::try_from(length).unwrap_or(usize::MAX);
            let digits = if lead.narrow && lead.count == outline.frames as u64 {
                let mut values = Vec::with_capacity(size);
                lead.each(&mut source, frames.clone(), |d| values.extend(i16::try_from(d)))?;
                Digits::Narrow { values, gaps: false }
            } else {
                let mut values = Vec::with_capacity(size);
                lead.each(&mut source, frames.clone(), |d| values.push(d))?;
                values.resize(size, MISSING);
                Digits::Wide(values)
            };
            if let Samples::Digital { digits: to, .. } = &mut signal.samples {
                *to = digits;
            }
            signals.push(signal);
        }
        let frames = usize::try_from(length).unwrap_or(usize::MAX);
        let Record { name, start, .. } = outline;
        let (name, start) = (name.clone(), start.clone());
        Ok(Record { name, start, frames, signals, ..Record::empty(outline.frame_rate) })
    }
}

impl Sequence {
    /// Hands the digits of `range` to `take`; those before are passed over.
    fn each(&self, source: &mut Source<'_>, range: Range<u64>, mut take: impl FnMut(i32)) -> Result<()> {
        let mut place = 0u64;
        for text in &self.digits {
            let mut token = walk::Token::default();
            let mut at = text.start;
            while at < text.end && place < range.end {
                let bytes = source.at(at, PIECE.min(text.end - at) as usize)?;
                if bytes.is_empty() {
                    break;
                }
                at += bytes.len() as u64;
                for byte in bytes {
                    token.push(*byte, &mut |digit| {
                        if range.contains(&place) {
                            take(digit);
                        }
                        place += 1;
                    })?;
                }
            }
            token.end(&mut |digit| {
                if range.contains(&place) {
                    take(digit);
                }
                place += 1;
            })?;
        }
        Ok(())
    }
}

impl Statement {
    /// As an annotation of a record; none if it has no time.
    fn annotation(&self) -> Option<crate::Annotation> {
        let what = if self.value.is_empty() { &self.code } else { &self.value };
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        let text = format!("{what}{unit}");
        Some(crate::Annotation { onset_s: self.onset_s?, duration_s: self.duration_s, text })
    }
}

impl Windows for Opened<Folder> {
    fn outline(&self) -> &Record {
        &self.outline
    }

    fn window(&self, frames: Range<u64>, wanted: &[usize], limits: &Limits) -> Result<Record> {
        self.part(0, frames, wanted, limits)
    }
}

/// Signals of a series without samples: what [`Set`] knows of its leads.
impl Set {
    fn outline(&self) -> Result<Record> {
        let rate = self.rate()?;
        let signals = self.leads.iter().map(|lead| {
            let digits = Digits::Narrow { values: Vec::new(), gaps: false };
            let samples = Samples::Digital { digits, scale: lead.scale()? };
            let name = lead.code.strip_prefix("MDC_ECG_LEAD_").unwrap_or(&lead.code);
            Ok(Signal { samples, ..Signal::new(name, &*lead.scale.1, rate, Vec::new()) })
        });
        let frames = self.leads.iter().map(|l| l.count).max().unwrap_or(0);
        Ok(Record {
            frames: usize::try_from(frames).unwrap_or(usize::MAX),
            start: self.start(),
            signals: signals.collect::<Result<_>>()?,
            ..Record::empty(rate)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xml(body: &str) -> String {
        format!(
            "<AnnotatedECG xmlns:xsi=\"x\"><id root=\"1.2\" extension=\"e\"/><effectiveTime><low value=\"2002\"/></effectiveTime>\
             <component><series><component><sequenceSet>{body}</sequenceSet></component></series></component></AnnotatedECG>"
        )
    }

    fn time(kind: &str, head: &str, increment: &str) -> String {
        format!(
            "<component><sequence><code code=\"{kind}\"/><value xsi:type=\"G\"><head {head}/><increment {increment}/></value></sequence></component>"
        )
    }

    fn lead(code: &str, origin: &str, scale: &str, digits: &str) -> String {
        format!(
            "<component><sequence><code code=\"{code}\"/><value xsi:type=\"SLIST_PQ\"><origin {origin}/><scale {scale}/><digits>{digits}</digits></value></sequence></component>"
        )
    }

    fn parse(text: &str) -> Result<Document> {
        read(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn units_origins_wide_numbers_and_leads_of_different_lengths() {
        let set = time("TIME_RELATIVE", "value=\"1\" unit=\"s\"", "value=\"4\" unit=\"ms\"")
            + &lead(
                "MDC_ECG_LEAD_I",
                "value=\"1\" unit=\"mV\"",
                "value=\"5\" unit=\"uV\"",
                "1 -2\n<!-- a note -->3 40000 ",
            )
            + &lead("OTHER", "value=\"0\"", "value=\"0.5\" unit=\"uV\"", " 7");
        let document = parse(&format!("\u{feff}<?xml version=\"1.0\"?>{}", xml(&set))).unwrap();
        let series = &document.series[0];
        assert_eq!((series.name.as_str(), series.frame_rate.hz(), series.frames), ("e", 250.0, 4));
        assert_eq!(series.signals[0].samples_f64(), [1005.0, 990.0, 1015.0, 201_000.0]);
        assert_eq!(format!("{:?}", series.signals[1].samples()), "[3.5, NaN, NaN, NaN]");
        assert_eq!(series.signals[1].name(), "OTHER");
        assert_eq!(document.effective_time, [("low".to_owned(), "2002".to_owned())]);
    }

    #[test]
    fn any_window_is_the_same_part_of_the_whole() {
        let digits: String = (0..9000).map(|i| format!("{}\n", (i * 7919) % 30_001 - 15_000)).collect();
        let set = time("TIME_ABSOLUTE", "value=\"20201231235959.5\"", "value=\"0.001\" unit=\"s\"")
            + &lead("MDC_ECG_LEAD_V1", "value=\"0\" unit=\"uV\"", "value=\"2.5\" unit=\"uV\"", &digits);
        let text = format!("\u{feff}{}", xml(&set));
        let files = [("a", text.as_bytes())];
        let opened = Opened::new(Given(&files), "a".into(), &Limits::default()).unwrap();
        let whole = opened.part(0, 0..9000, &[0], &Limits::default()).unwrap().signals.remove(0).samples_f64();
        assert_eq!(whole[1], -7081.0 * 2.5);
        for range in [0..1, 8999..9000, 100..3000, 4096..4096] {
            let part = opened.part(0, range.clone(), &[0], &Limits::default()).unwrap();
            assert_eq!(part.signals[0].samples_f64(), whole[range.start as usize..range.end as usize]);
        }
        assert_eq!(opened.document.series[0].start, "23:59:59.5 31/12/2020");
    }

    #[test]
    fn what_is_no_aecg_is_refused() {
        let time = time("TIME_ABSOLUTE", "value=\"2020\"", "value=\"0.001\" unit=\"s\"");
        let good = |digits: &str| {
            xml(&(time.clone() + &lead("L", "value=\"0\" unit=\"uV\"", "value=\"1\" unit=\"uV\"", digits)))
        };
        assert!(parse(&good("1 2 3")).is_ok());
        for digits in ["1 x 3", "1 99999999999 3", "1.5", "&a;", "1 - 2", "<![CDATA[1]]>"] {
            assert!(parse(&good(digits)).is_err(), "{digits}");
        }
        let no_time = xml(&lead("L", "value=\"0\" unit=\"uV\"", "value=\"1\" unit=\"uV\"", "1"));
        let deep = good("1")
            .replace("<component><series>", &"<x>".repeat(70))
            .replace("</series></component>", &"</x>".repeat(70));
        let cut = good("1 2 3");
        let standing = cut.replace("value=\"0.001\"", "value=\"0\"");
        for (text, says) in [
            (no_time.as_str(), "time"),
            (&deep, "deep"),
            (cut.trim_end_matches("</AnnotatedECG>"), "end"),
            (&cut[..cut.len() - 5], "well-formed"),
            (&standing, "increment"),
            ("<a/>", "AnnotatedECG"),
            ("", "AnnotatedECG"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
