//! WFDB annotations as a [`Document`], and back.

use crate::model::{Annotation, Document, Label, Loss, Media, MediaKind, Target};
use crate::time::{Rational, TimeBase};
use crate::wfdb::{WfdbAnnotation, WfdbFile, WfdbRecord, wfdb_code};
use crate::{Error, Result};
use std::collections::BTreeMap;

const RHYTHM: u8 = 28;
const NOTE: u8 = 22;

impl WfdbFile {
    /// The annotations as a document with one signal, the record `name` on the clock `clock`.
    ///
    /// Each event is a point; a rhythm change (code 28) is an interval up to the next one, or to the last annotation.
    /// The clock that the file itself names goes before `clock`. Labels are the codes that occur, with their number.
    ///
    /// # Examples
    /// ```
    /// use eir_annotate::{TimeBase, WfdbAnnotation, WfdbFile, WfdbRecord};
    /// let mut file = WfdbFile::default();
    /// for (time, code) in [(18, 28), (77, 1), (370, 1)] {
    ///     file.records.push(WfdbRecord::new(WfdbAnnotation { time, code, ..Default::default() }));
    /// }
    /// let document = file.to_document("100", TimeBase::samples(360.into())?)?;
    /// assert_eq!(document.annotations[0].ticks(), Some((18.into(), 370.into())));
    /// assert_eq!(document.labels[1].description.as_deref(), Some("Normal beat"));
    /// # Ok::<(), eir_annotate::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`ticks_per_second`](Self::ticks_per_second).
    pub fn to_document(&self, name: &str, clock: TimeBase) -> Result<Document> {
        let clock = match self.ticks_per_second()? {
            Some(rate) => TimeBase { rate, ..clock },
            None => clock,
        };
        let mut document = Document::default();
        let media = document.add_media(Media::new(name, MediaKind::Signal).with_time(clock));
        let own = self.own_codes();
        let mut labels: BTreeMap<u8, usize> = BTreeMap::new();
        let last = self.events().map(|a| a.time).max().unwrap_or(0);
        let mut rhythm_end = last;
        // from behind, so that each rhythm knows the next one
        for (source, value) in self.records.iter().map(|r| &r.value).enumerate().rev().filter(|(_, a)| a.is_event()) {
            let start = Rational::integer(value.time);
            let target = if value.code == RHYTHM {
                let end = Rational::integer(rhythm_end.max(value.time));
                rhythm_end = value.time;
                Target::Interval { start, end }
            } else {
                Target::Point(start)
            };
            let mut annotation = Annotation::new(media, target);
            annotation.channel = Some(value.channel.into());
            annotation.number = Some(value.number.into());
            annotation.subtype = Some(value.subtype.into());
            annotation.text = value.text();
            annotation.provenance.source = Some(source);
            document.annotations.push(annotation);
        }
        document.annotations.reverse();
        for annotation in &mut document.annotations {
            let code = annotation.provenance.source.and_then(|s| self.records.get(s)).map_or(0, |r| r.value.code);
            annotation.label = Some(*labels.entry(code).or_insert_with(|| {
                let (symbol, meaning) = match own.iter().find(|o| o.0 == code) {
                    Some((_, symbol, meaning)) => (symbol.clone(), meaning.clone()),
                    None => wfdb_code(code).map_or_else(
                        || (format!("[{code}]"), "Not defined".to_owned()),
                        |(symbol, meaning)| (symbol.to_owned(), meaning.to_owned()),
                    ),
                };
                document.labels.push(Label::new(symbol).with_number(code.into()).with_description(meaning));
                document.labels.len() - 1
            }));
        }
        Ok(document)
    }

    /// Takes over what `document` says about its medium at position `media`, and tells what had no place in the file. The
    /// file counts time on `clock`, unless it names one itself; the medium may have any.
    ///
    /// An annotation that was read from this file and is unedited keeps its bytes; so do definitions, which are no
    /// annotations. Deleted ones go, new ones come in by their time, rounded to a tick of the file. The end of a rhythm
    /// is where the next begins: an edited end is reported as lost.
    ///
    /// # Errors
    /// [`Error::Reference`] for a label or a medium that is not there, [`Error::TimeRange`].
    pub fn update(&mut self, document: &Document, media: usize, clock: TimeBase) -> Result<Vec<Loss>> {
        document.validate()?;
        let missing = || Error::Reference { annotation: 0, what: "medium", index: media };
        let medium = document.media.get(media).ok_or_else(missing)?;
        let theirs = medium.time.ok_or(Error::Undefined { what: "a WFDB time", why: "the medium has no time base" })?;
        let own = self.ticks_per_second()?.map_or(clock, |rate| TimeBase { rate, ..clock });
        let before = self.to_document(&medium.id, own)?;
        let known: BTreeMap<usize, &Annotation> =
            before.annotations.iter().filter_map(|a| Some((a.provenance.source?, a))).collect();

        let mut losses = Vec::new();
        let (mut kept, mut added) = (BTreeMap::new(), Vec::new());
        for (i, annotation) in document.annotations.iter().enumerate().filter(|(_, a)| a.media == media) {
            let old = annotation.provenance.source.and_then(|s| Some((s, *known.get(&s)?)));
            let Some(value) = self.record(document, i, [&theirs, &own], old, &mut losses)? else { continue };
            match old {
                Some((source, _)) if !kept.contains_key(&source) => {
                    kept.insert(source, value);
                }
                _ => added.push(value),
            }
        }
        let mut records = Vec::with_capacity(self.records.len() + added.len());
        for (source, mut record) in std::mem::take(&mut self.records).into_iter().enumerate() {
            match kept.remove(&source) {
                Some(value) if value.time == record.value.time => {
                    record.value = value;
                    records.push(record);
                }
                Some(value) => added.push(value), // its time was edited: it may have another place
                None if !record.value.is_event() => records.push(record),
                None => {}
            }
        }
        for value in added {
            let place = records.partition_point(|r: &WfdbRecord| !r.value.is_event() || r.value.time <= value.time);
            records.insert(place, WfdbRecord::new(value));
        }
        self.records = records;
        Ok(losses)
    }

    /// What annotation `i` of the document is in this file; none if the file has no place for it.
    fn record(
        &self,
        document: &Document,
        i: usize,
        [theirs, own]: [&TimeBase; 2],
        old: Option<(usize, &Annotation)>,
        losses: &mut Vec<Loss>,
    ) -> Result<Option<WfdbAnnotation>> {
        let Some(annotation) = document.annotations.get(i) else { return Ok(None) };
        let Some((start, end)) = annotation.ticks() else {
            losses.push(Loss::new(i, "an annotation without a time"));
            return Ok(None);
        };
        let exact = theirs.convert(start, own)?;
        let label = annotation.label.and_then(|l| document.labels.get(l));
        let number = label.and_then(|l| l.number).and_then(|n| u8::try_from(n).ok());
        let mut value = old.and_then(|(s, _)| self.records.get(s)).map(|r| r.value.clone()).unwrap_or_default();
        if let Some((_, was)) = old {
            let rest =
                Annotation { targets: was.targets.clone(), label: was.label, media: was.media, ..annotation.clone() };
            let ticks = (exact, theirs.convert(end, own)?);
            if rest == *was && was.ticks() == Some(ticks) && number == Some(value.code) && annotation.targets.len() == 1
            {
                return Ok(Some(value));
            }
        }
        value.time = exact.round();
        let mut lose = |lost: bool, what| {
            if lost {
                losses.push(Loss::new(i, what))
            }
        };
        lose(!exact.is_integer(), "the part of a tick");
        let interval_kept = match old.map(|o| o.1.ticks()) {
            Some(Some((_, old_end))) => theirs.convert(end, own)? == old_end,
            _ => start == end,
        };
        lose(!interval_kept, "the end of an interval");
        lose(annotation.targets.len() > 1, "a second target");
        lose(annotation.score.is_some(), "the score");
        lose(annotation.provenance.rater.is_some(), "the rater");

        let number = number.filter(|n| (1..=49).contains(n));
        let by_name =
            || label.and_then(|l| (1..=41).find(|c| wfdb_code(*c).is_some_and(|(symbol, _)| symbol == l.name)));
        let code = match old {
            Some(_) => number.or_else(by_name),
            // a number of another format may mean anything: the name counts
            None => by_name().or_else(|| number.filter(|n| wfdb_code(*n).is_none())),
        };
        value.code = code.unwrap_or(NOTE);
        let mut text = annotation.text.clone();
        if let (None, Some(label), None) = (code, label, &text) {
            text = Some(label.name.clone());
        }
        lose(code.is_none() && label.is_some(), "the label (kept as the text of a note)");
        if text != value.text() {
            value.aux = text.map(|t| t.bytes().take(255).collect());
        }
        let mut small = |number: Option<i64>, what| {
            let fits = number.map_or(Some(0), |n| i8::try_from(n).ok());
            lose(fits.is_none(), what);
            fits.unwrap_or_default()
        };
        value.subtype = small(annotation.subtype, "the subtype");
        value.number = small(annotation.number, "the number");
        let channel = annotation.channel.map_or(Some(0), |c| u8::try_from(c).ok());
        lose(channel.is_none(), "the channel");
        value.channel = channel.unwrap_or_default();
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Rater, RaterKind};
    use eir_core::Limits;

    fn file() -> WfdbFile {
        let mut file = WfdbFile::default();
        let note =
            WfdbAnnotation { code: NOTE, aux: Some(b"## time resolution: 500\0".to_vec()), ..Default::default() };
        file.records.push(WfdbRecord::new(note));
        for (time, code) in [(18, RHYTHM), (77, 1), (370, 5), (600, RHYTHM), (700, 1)] {
            let aux = (code == RHYTHM).then(|| b"(N\0".to_vec());
            file.records.push(WfdbRecord::new(WfdbAnnotation { time, code, number: 3, aux, ..Default::default() }));
        }
        WfdbFile::from_bytes(&file.to_bytes().unwrap(), &Limits::default()).unwrap()
    }

    fn clock() -> TimeBase {
        TimeBase::samples(360.into()).unwrap()
    }

    #[test]
    fn unedited_it_is_the_same_also_on_another_clock() {
        let (mut file, bytes) = (file(), file().to_bytes().unwrap());
        let mut document = file.to_document("x", clock()).unwrap();
        assert_eq!(document.media[0].time.unwrap().rate, Rational::integer(500), "the file's own clock goes first");
        let ends: Vec<_> = document.annotations.iter().filter_map(|a| a.ticks()).map(|t| t.1.round()).collect();
        assert_eq!(ends, [600, 77, 370, 700, 700]);
        assert_eq!(file.update(&document, 0, clock()).unwrap(), []);
        assert_eq!(file.to_bytes().unwrap(), bytes);
        document.convert_time(0, TimeBase::milliseconds()).unwrap();
        assert_eq!(file.update(&document, 0, clock()).unwrap(), []);
        assert_eq!(file.to_bytes().unwrap(), bytes);
    }

    #[test]
    fn edits_come_through_and_losses_are_told() {
        let mut file = file();
        let mut document = file.to_document("x", clock()).unwrap();
        document.annotations[1].label = document.annotations[2].label;
        document.annotations.remove(2);
        let rater = document.add_rater(Rater::new("r1", RaterKind::Human));
        let label = document.add_label(Label::new("A"));
        let unknown = document.add_label(Label::new("spike"));
        let half = Rational::new(201, 2).unwrap();
        document.annotations.push(Annotation::new(0, Target::Point(half)).with_label(label).with_rater(rater));
        document.annotations.push(Annotation::new(0, Target::Point(90.into())).with_label(unknown));
        document.annotations.push(Annotation::new(0, Target::Box([0.0; 4])));
        let losses: Vec<_> =
            file.update(&document, 0, clock()).unwrap().into_iter().map(|l| (l.annotation, l.what)).collect();
        assert_eq!(
            losses,
            [
                (4, "the part of a tick"),
                (4, "the rater"),
                (5, "the label (kept as the text of a note)"),
                (6, "an annotation without a time")
            ]
        );
        let again = WfdbFile::from_bytes(&file.to_bytes().unwrap(), &Limits::default()).unwrap();
        let events: Vec<_> = again.events().map(|a| (a.time, a.code)).collect();
        assert_eq!(events, [(18, 28), (77, 5), (90, NOTE), (101, 8), (600, 28), (700, 1)]);
        assert_eq!(again.records[3].value.text().as_deref(), Some("spike"));
    }
}
