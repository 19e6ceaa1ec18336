//! Lines of a table and the cells in them.

use crate::Result;
use crate::source::Source;
use eir_core::Limits;
use std::borrow::Cow;

/// Bytes that are read at a time, unless a line is longer.
const PIECE: usize = 64 << 10;

/// Hands every line from `offset` on to `take`: the byte where it starts, its number (that of the first is `number`) and
/// its bytes without what ends it. Stops when `take` says so.
pub(super) fn lines(
    source: &mut Source<'_>,
    offset: u64,
    number: u64,
    limits: &Limits,
    mut take: impl FnMut(u64, u64, &[u8]) -> Result<bool>,
) -> Result<()> {
    let (mut at, mut number, mut piece) = (offset, number, PIECE);
    let end = source.len();
    while at < end {
        let bytes = source.at(at, piece)?;
        let last = at + bytes.len() as u64 >= end || bytes.is_empty();
        let whole = if last { bytes.len() } else { bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1) };
        if whole == 0 {
            if last {
                return Ok(());
            }
            // a line that is longer than the piece
            piece = limits.with_bytes(limits.bytes / 32).check("line of a table (bytes)", piece as u64 * 2)?;
            continue;
        }
        let mut start = at;
        for line in bytes.get(..whole).unwrap_or_default().split_inclusive(|b| *b == b'\n') {
            if !take(start, number, without_end(line))? {
                return Ok(());
            }
            start += line.len() as u64;
            number += 1;
        }
        at += whole as u64;
        piece = PIECE;
    }
    Ok(())
}

/// A line without what ends it and without blanks at its end; a tab there is an empty cell.
fn without_end(line: &[u8]) -> &[u8] {
    let kept = line.iter().rposition(|b| !matches!(b, b'\n' | b'\r' | b' ')).map_or(0, |i| i + 1);
    line.get(..kept).unwrap_or_default()
}

/// A line as text; bytes that are no UTF-8 are Latin-1.
pub(super) fn text_of(line: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => line.iter().map(|b| char::from(*b)).collect::<String>().into(),
    }
}

/// How a line is divided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells {
    separator: char,
}

impl Cells {
    /// By `separator`, or by the first of tab, semicolon, comma and blank that `line` holds. A name may hold a blank, so
    /// the line behind it (if there is one) must do so too.
    pub(super) fn of(line: &str, behind: Option<&str>, separator: Option<char>) -> Self {
        let blank = || behind.is_none_or(|b| b.trim().contains(' ')) && line.trim().contains(' ');
        let found = || ['\t', ';', ','].into_iter().find(|c| line.contains(*c)).or(blank().then_some(' '));
        Self { separator: separator.or_else(found).unwrap_or(',') }
    }

    /// The cells of a line. Quotes may hold a separator, and two of them stand for one.
    pub(super) fn split<'a>(self, line: &'a str) -> impl Iterator<Item = Cow<'a, str>> + 'a {
        let blank = self.separator == ' ';
        let mut rest = Some(if blank { line.trim() } else { line });
        let next = move || {
            let text = rest?;
            let start = text.trim_start_matches([' ', '\t'].into_iter().find(|c| *c != self.separator).unwrap_or(' '));
            let quoted = start.strip_prefix('"').and_then(|quoted| quoted.split_at_checked(closing(quoted)?));
            if let Some((cell, behind)) = quoted {
                rest = behind.split_once(self.separator).map(|(_, rest)| rest);
                let cell = cell.trim();
                return Some(if cell.contains("\"\"") { cell.replace("\"\"", "\"").into() } else { cell.into() });
            }
            let (cell, behind) = text.split_once(self.separator).map_or((text, None), |(c, rest)| (c, Some(rest)));
            rest = behind;
            Some(cell.trim().trim_matches('"').into())
        };
        std::iter::from_fn(next).filter(move |c: &Cow<'_, str>| !blank || !c.is_empty())
    }

    /// A cell as a number; NaN where it is empty.
    pub(super) fn value(self, cell: &str) -> Option<f64> {
        if cell.is_empty() || cell.eq_ignore_ascii_case("nan") || cell.eq_ignore_ascii_case("na") {
            return Some(f64::NAN);
        }
        let decimal_comma = self.separator != ',' && cell.contains(',') && !cell.contains('.');
        let parsed = if decimal_comma { cell.replace(',', ".").parse() } else { cell.parse() };
        parsed.ok().filter(|v: &f64| v.is_finite())
    }
}

/// Where a quoted text ends: at a quote that is not doubled.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|b| *b == b'"')?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}
