//! One walk over the XML, element by element: what it holds of facts, and where the digits lie.

use super::{Document, FORMAT, Statement};
use crate::Result;
use crate::record::{clock, date_of, days};
use crate::signal::{MISSING, Scale};
use crate::source::Source;
use eir_core::error::Malformed;
use eir_core::{Limits, SampleRate};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::BufReader;
use std::ops::Range;

/// Elements inside one another, at most.
const DEPTH: usize = 64;

/// A sequence set: one axis of time and the leads on it.
#[derive(Debug, Default)]
pub(super) struct Set {
    /// `TIME_ABSOLUTE` or `TIME_RELATIVE`, the time of the first sample, and the time between two.
    axis: Option<(String, Quantity, Quantity)>,
    pub(super) leads: Vec<Sequence>,
}

/// A value and its unit, as written.
type Quantity = (String, String);

/// The samples of one lead.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    pub(super) code: String,
    head: Option<Quantity>,
    increment: Option<Quantity>,
    origin: Quantity,
    pub(super) scale: Quantity,
    /// Bytes of the file that hold digits, and how many digits those are.
    pub(super) digits: Vec<Range<u64>>,
    pub(super) count: u64,
    /// Whether all fit 16 bits.
    pub(super) narrow: bool,
}

impl Set {
    pub(super) fn rate(&self) -> Result<SampleRate> {
        let (_, _, (value, unit)) = self.axis.as_ref().ok_or_else(|| bad("a sequence set has no axis of time"))?;
        let step: f64 = value.parse().unwrap_or(0.0);
        // per_second / step, not 1 / (step · unit): 2 ms are 500 Hz to the last bit
        Ok(SampleRate::new(per_second(unit)? / step).map_err(|_| bad("the increment of time is not above 0"))?)
    }

    /// Time and date of the first sample; empty on a relative axis.
    pub(super) fn start(&self) -> String {
        let absolute = self.axis.as_ref().filter(|(code, ..)| code == "TIME_ABSOLUTE");
        let time = absolute.and_then(|(_, (head, _), _)| stamp(head));
        time.map_or_else(String::new, |(day, of_day)| format!("{} {}", clock(of_day), date_of(day)))
    }

    /// Seconds from the start to a time that a boundary names on the axis `code`.
    fn seconds(&self, code: &str, (value, unit): &Quantity) -> Option<f64> {
        let (own, (head, head_unit), _) = self.axis.as_ref()?;
        match code {
            "TIME_ABSOLUTE" => {
                let ((day, of_day), (start, start_of_day)) = (stamp(value)?, stamp(head)?);
                Some((day - start) as f64 * 86_400.0 + (of_day - start_of_day))
            }
            "TIME_RELATIVE" => {
                let seconds = |value: &str, unit: &str| Some(value.parse::<f64>().ok()? / per_second(unit).ok()?);
                let start = if own == "TIME_RELATIVE" { seconds(head, head_unit)? } else { 0.0 };
                Some(seconds(value, unit)? - start).filter(|s| s.is_finite())
            }
            _ => None,
        }
    }
}

impl Sequence {
    pub(super) fn scale(&self) -> Result<Scale> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
        let step =
            number(&self.scale.0).filter(|s| *s != 0.0).ok_or_else(|| bad("the scale of a lead is no number"))?;
        let origin = if self.origin.0.is_empty() { Some(0.0) } else { number(&self.origin.0) };
        let origin = origin.ok_or_else(|| bad("the origin of a lead is no number"))?;
        let same = self.origin.1 == self.scale.1 || origin == 0.0;
        let factor = if same { Some(1.0) } else { volts(&self.origin.1).zip(volts(&self.scale.1)).map(|(a, b)| a / b) };
        let factor = factor.ok_or_else(|| bad("the origin of a lead has another unit than its scale"))?;
        Ok(Scale::Origin { origin: origin * factor, step })
    }
}

/// Steps of a unit of time in a second.
fn per_second(unit: &str) -> Result<f64> {
    match unit {
        "s" => Ok(1.0),
        "ms" => Ok(1e3),
        "us" | "µs" => Ok(1e6),
        _ => Err(bad("the unit of a time is not s, ms or us").into()),
    }
}

/// Microvolts of a unit.
fn volts(unit: &str) -> Option<f64> {
    Some(match unit {
        "V" => 1e6,
        "mV" => 1e3,
        "uV" | "µV" => 1.0,
        "nV" => 1e-3,
        _ => return None,
    })
}

/// Days from 1970 and seconds of the day of an HL7 time: `yyyymmddhhmmss.fff`, of which all behind the year may lack.
fn stamp(text: &str) -> Option<(i64, f64)> {
    let text = text.split(['+', '-']).next()?; // a zone is the same for all times of a recording
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.len() < 4 || !whole.is_ascii() {
        return None;
    }
    let part = |range: Range<usize>, default: i64| match whole.get(range) {
        Some(digits) => digits.parse::<i64>().ok(),
        None => Some(default),
    };
    let day = days(part(0..4, 0)?, part(4..6, 1)?, part(6..8, 1)?)?;
    let of_day = part(8..10, 0)? * 3600 + part(10..12, 0)? * 60 + part(12..14, 0)?;
    let fraction: f64 = format!("0.{fraction}").parse().ok()?;
    Some((day, of_day as f64 + fraction))
}

fn bad(reason: &'static str) -> Malformed {
    Malformed::new(FORMAT, reason)
}

/// A whole number of digits' text, byte by byte.
#[derive(Debug, Default)]
pub(super) struct Token {
    value: i64,
    digits: u32,
    negative: bool,
    signed: bool,
}

impl Token {
    pub(super) fn push(&mut self, byte: u8, take: &mut dyn FnMut(i32)) -> Result<()> {
        match byte {
            b'0'..=b'9' => {
                self.value = self.value * 10 + i64::from(byte - b'0');
                self.digits += 1;
                if self.value > i64::from(i32::MAX) || self.digits > 18 {
                    return Err(bad("a digit is beyond 32 bits").into());
                }
            }
            b'-' | b'+' if self.digits == 0 && !self.signed => {
                (self.negative, self.signed) = (byte == b'-', true);
            }
            b' ' | b'\t' | b'\r' | b'\n' => self.end(take)?,
            _ => return Err(bad("a digit is no whole number").into()),
        }
        Ok(())
    }

    /// The number ends here, if there is one.
    pub(super) fn end(&mut self, take: &mut dyn FnMut(i32)) -> Result<()> {
        if self.digits > 0 {
            take(if self.negative { -self.value } else { self.value } as i32);
        } else if self.signed {
            return Err(bad("a sign stands without a number").into());
        }
        *self = Self::default();
        Ok(())
    }
}

/// What an element is for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Document,
    EffectiveTime,
    Set,
    Sequence,
    Value,
    Digits,
    Annotation,
    Boundary,
    BoundaryValue,
    Other,
}

/// A statement that is being read, and the place of its boundary on the axis of time.
#[derive(Debug, Default)]
struct Draft {
    statement: Statement,
    axis: String,
    from: Option<Quantity>,
    to: Option<Quantity>,
    /// The boundary's own code.
    boundary: String,
}

#[derive(Debug, Default)]
struct Walk {
    stack: Vec<Kind>,
    id: Option<(String, Option<String>)>,
    effective_time: Vec<(String, String)>,
    sets: Vec<Set>,
    sequence: Sequence,
    drafts: Vec<Draft>,
    /// Statements in the order of their starts, and which of them are open.
    open: Vec<usize>,
    seen: bool,
}

/// Looks through the document.
pub(super) fn walk(source: &mut Source<'_>, limits: &Limits) -> Result<(Document, Vec<Set>)> {
    limits.check("aECG document (bytes)", source.len())?;
    let marked = source.at(0, 3)? == b"\xef\xbb\xbf";
    let stream = source.stream()?;
    let mut reader = Reader::from_reader(BufReader::with_capacity(PIECE_OF_XML, stream));
    let mut walk = Walk::default();
    let mut buffer = Vec::new();
    let broken = |at: u64| Malformed::at(FORMAT, at, "it is no well-formed XML in UTF-8");
    let mut before = 0;
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|_| broken(before))?;
        match event {
            Event::Start(element) => walk.start(&element, limits)?,
            Event::Empty(element) => {
                walk.start(&element, limits)?;
                walk.end()?;
            }
            Event::End(_) => walk.end()?,
            Event::Text(text) if walk.inside(Kind::Digits) => {
                let sequence = &mut walk.sequence;
                // the reader does not count the mark at the start of the file
                let skipped = if marked { 3 } else { 0 };
                let end = reader.buffer_position() + skipped;
                let start = end - (text.len() as u64).min(end);
                sequence.digits.push(start..end);
                limits.check_items("pieces of digits", sequence.digits.len() as u64)?;
                let mut token = Token::default();
                let mut count = |digit: i32| {
                    sequence.count += 1;
                    sequence.narrow &= i16::try_from(digit).is_ok() && digit != MISSING;
                };
                text.bytes().try_for_each(|byte| token.push(byte, &mut count))?;
                token.end(&mut count)?;
            }
            Event::CData(_) if walk.inside(Kind::Digits) => return Err(bad("digits are wrapped in CDATA").into()),
            Event::GeneralRef(reference) => {
                let known = ["lt", "gt", "amp", "quot", "apos"].contains(&&*reference);
                let character = reference.resolve_char_ref().map_err(|_| broken(before))?;
                if walk.inside(Kind::Digits) || (!known && character.is_none()) {
                    return Err(bad("it uses an entity of its own").into());
                }
            }
            Event::Eof => break,
            _ => {}
        }
        before = reader.buffer_position();
    }
    if !walk.seen {
        return Err(bad("its root is no AnnotatedECG").into());
    }
    if !walk.stack.is_empty() {
        return Err(bad("it ends within an element").into());
    }
    walk.sets.retain(|set| !set.leads.is_empty());
    let statements = walk.drafts.into_iter().map(|draft| draft.finish(&walk.sets)).collect();
    let (id, effective_time) = (walk.id.unwrap_or_default(), walk.effective_time);
    Ok((Document { id, effective_time, series: Vec::new(), statements }, walk.sets))
}

/// Bytes that the XML reader looks at at a time.
const PIECE_OF_XML: usize = 64 << 10;

impl Draft {
    fn finish(self, sets: &[Set]) -> Statement {
        let mut statement = self.statement;
        // series are counted as they come: statements behind a series and before the next belong to it
        let time = |q: &Option<Quantity>| q.as_ref().and_then(|q| sets.get(statement.series)?.seconds(&self.axis, q));
        let (from, to) = (time(&self.from), time(&self.to));
        statement.onset_s = from.or(to);
        statement.duration_s = from.zip(to).map(|(a, b)| b - a).filter(|d| *d >= 0.0);
        statement
    }
}

impl Walk {
    fn inside(&self, kind: Kind) -> bool {
        self.stack.last() == Some(&kind)
    }

    fn start(&mut self, element: &BytesStart<'_>, limits: &Limits) -> Result<()> {
        if self.stack.len() >= DEPTH {
            return Err(bad("its elements are nested too deep").into());
        }
        let name = element.local_name();
        let name = name.as_ref();
        let parent = self.stack.last().copied();
        let kind = match (parent, name) {
            (None, "AnnotatedECG") if !self.seen => {
                self.seen = true;
                Kind::Document
            }
            (None, _) => return Err(bad("its root is no AnnotatedECG").into()),
            (Some(Kind::Document), "id") => {
                let root = attribute(element, "root")?.unwrap_or_default();
                self.id.get_or_insert((root, attribute(element, "extension")?));
                Kind::Other
            }
            (Some(Kind::Document), "effectiveTime") => Kind::EffectiveTime,
            (Some(Kind::EffectiveTime), _) => {
                if self.effective_time.len() < 3 {
                    self.effective_time.push((name.to_owned(), attribute(element, "value")?.unwrap_or_default()));
                }
                Kind::Other
            }
            (_, "sequenceSet") => {
                self.sets.push(Set::default());
                limits.check_items("series of a document", self.sets.len() as u64)?;
                Kind::Set
            }
            (_, "sequence") if self.stack.contains(&Kind::Set) && !self.stack.contains(&Kind::Sequence) => {
                let count = self.sets.last().map_or(0, |set| set.leads.len() as u64 + 1);
                limits.with_items(limits.items / 100).check_items("signals of a record", count)?;
                self.sequence = Sequence { narrow: true, ..Sequence::default() };
                Kind::Sequence
            }
            (Some(Kind::Sequence), "code") => {
                self.sequence.code = attribute(element, "code")?.unwrap_or_default();
                Kind::Other
            }
            (Some(Kind::Sequence), "value") => Kind::Value,
            (Some(Kind::Value), "head") => {
                self.sequence.head = Some(quantity(element)?);
                Kind::Other
            }
            (Some(Kind::Value), "increment") => {
                self.sequence.increment = Some(quantity(element)?);
                Kind::Other
            }
            (Some(Kind::Value), "origin") => {
                self.sequence.origin = quantity(element)?;
                Kind::Other
            }
            (Some(Kind::Value), "scale") => {
                self.sequence.scale = quantity(element)?;
                Kind::Other
            }
            (Some(Kind::Value), "digits") => Kind::Digits,
            (_, "annotation") => {
                limits.check_items("annotations", self.drafts.len() as u64 + 1)?;
                let series = self.sets.iter().filter(|s| !s.leads.is_empty()).count().saturating_sub(1);
                self.open.push(self.drafts.len());
                let statement = Statement { series, ..Statement::default() };
                self.drafts.push(Draft { statement, ..Draft::default() });
                Kind::Annotation
            }
            _ => self.start_annotated(parent, name, element)?,
        };
        self.stack.push(kind);
        Ok(())
    }

    /// What stands inside an annotation.
    fn start_annotated(&mut self, parent: Option<Kind>, name: &str, element: &BytesStart<'_>) -> Result<Kind> {
        let Some(draft) = self.open.last().and_then(|i| self.drafts.get_mut(*i)) else { return Ok(Kind::Other) };
        let timed = |code: &str| code.starts_with("TIME_");
        match (parent, name) {
            (Some(Kind::Annotation), "code") => {
                draft.statement.code = attribute(element, "code")?.unwrap_or_default();
            }
            (Some(Kind::Annotation), "value") => {
                let value = match attribute(element, "value")? {
                    Some(value) => Some(value),
                    None => attribute(element, "code")?,
                };
                draft.statement.value = value.unwrap_or_default();
                draft.statement.unit = attribute(element, "unit")?.unwrap_or_default();
            }
            (_, "boundary") => {
                draft.boundary.clear();
                return Ok(Kind::Boundary);
            }
            (Some(Kind::Boundary), "code") => {
                draft.boundary = attribute(element, "code")?.unwrap_or_default();
                if timed(&draft.boundary) {
                    draft.axis.clone_from(&draft.boundary);
                } else {
                    draft.statement.lead.clone_from(&draft.boundary);
                }
            }
            (Some(Kind::Boundary), "value") => {
                if timed(&draft.boundary) && attribute(element, "value")?.is_some() {
                    draft.from = Some(quantity(element)?);
                }
                return Ok(Kind::BoundaryValue);
            }
            (Some(Kind::BoundaryValue), "low") if timed(&draft.boundary) => draft.from = Some(quantity(element)?),
            (Some(Kind::BoundaryValue), "high") if timed(&draft.boundary) => draft.to = Some(quantity(element)?),
            _ => {}
        }
        Ok(Kind::Other)
    }

    fn end(&mut self) -> Result<()> {
        match self.stack.pop() {
            Some(Kind::Annotation) => {
                self.open.pop();
            }
            Some(Kind::Sequence) => {
                let sequence = std::mem::take(&mut self.sequence);
                let set = self.sets.last_mut().ok_or_else(|| bad("a sequence stands outside of a set"))?;
                if let (Some(head), Some(increment)) = (&sequence.head, &sequence.increment) {
                    if sequence.code.starts_with("TIME_") && set.axis.is_none() {
                        set.axis = Some((sequence.code.clone(), head.clone(), increment.clone()));
                    }
                } else if !sequence.scale.0.is_empty() {
                    set.leads.push(sequence);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The attribute `name` of an element. Only this one is looked for: a million others cost one pass.
fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>> {
    for attribute in element.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| bad("an attribute is broken"))?;
        if attribute.key.as_ref() == name {
            let value =
                quick_xml::escape::unescape(&attribute.value).map_err(|_| bad("it uses an entity of its own"))?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

fn quantity(element: &BytesStart<'_>) -> Result<Quantity> {
    Ok((attribute(element, "value")?.unwrap_or_default(), attribute(element, "unit")?.unwrap_or_default()))
}
