//! JSON that is read once, without a tree, and edited in its text: what is not edited keeps its bytes.

use crate::Result;
use eir_core::error::Malformed;
use std::borrow::Cow;
use std::ops::Range;

/// Deeper nesting is refused: it would overflow the stack.
const DEPTH: usize = 64;
const FORMAT: &str = "JSON";

/// Reads JSON value by value.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        // a byte order mark stays in the text and is no part of the value
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Self { text, at, depth: 0 }
    }

    /// An error at the place where the next value begins.
    pub(crate) fn bad(&self, reason: impl Into<Cow<'static, str>>) -> crate::Error {
        Malformed::at(FORMAT, self.at as u64, reason).into()
    }

    /// The first byte of the next value, behind white space.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Nothing may follow.
    pub(crate) fn end(&mut self) -> Result<()> {
        if self.peek().is_none() { Ok(()) } else { Err(self.bad("something follows the end")) }
    }

    /// The place in the text of the value that `f` reads.
    pub(crate) fn spanned<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<(T, Range<usize>)> {
        self.peek();
        let start = self.at;
        let value = f(self)?;
        Ok((value, start..self.at))
    }

    fn enter(&mut self, open: u8, what: &'static str) -> Result<()> {
        if !self.take(open) {
            return Err(self.bad(what));
        }
        self.depth += 1;
        if self.depth > DEPTH { Err(self.bad("nested deeper than 64 levels")) } else { Ok(()) }
    }

    /// Whether another entry follows in an object or array; consumes the comma or the end.
    fn more(&mut self, first: bool, close: u8) -> Result<bool> {
        if self.take(close) {
            self.depth -= 1;
            return Ok(false);
        }
        if first || self.take(b',') { Ok(true) } else { Err(self.bad("expected a comma or the end of the list")) }
    }

    /// Calls `f` at each value of an object, with its key and the place where the key begins.
    pub(crate) fn object(&mut self, mut f: impl FnMut(&mut Self, &str, usize) -> Result<()>) -> Result<()> {
        self.enter(b'{', "expected an object")?;
        let mut first = true;
        while self.more(first, b'}')? {
            first = false;
            let (key, span) = self.spanned(Self::string)?;
            if !self.take(b':') {
                return Err(self.bad("expected a colon"));
            }
            f(self, &key, span.start)?;
        }
        Ok(())
    }

    /// Calls `f` at each value of an array.
    pub(crate) fn array(&mut self, mut f: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.enter(b'[', "expected an array")?;
        let mut first = true;
        while self.more(first, b']')? {
            first = false;
            f(self)?;
        }
        Ok(())
    }

    /// The text of a string, without its quotes, and whether it has escapes.
    fn raw_string(&mut self) -> Result<(&'a str, bool)> {
        if !self.take(b'"') {
            return Err(self.bad("expected a string"));
        }
        let (start, bytes) = (self.at, self.text.as_bytes());
        let mut escapes = false;
        loop {
            match bytes.get(self.at) {
                Some(b'"') => {
                    let raw = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok((raw, escapes));
                }
                Some(b'\\') => {
                    escapes = true;
                    self.at += 2;
                }
                Some(0x20..) => self.at += 1,
                Some(_) => return Err(self.bad("a control character in a string")),
                None => {
                    self.at = bytes.len();
                    return Err(self.bad("it ends inside a string"));
                }
            }
        }
    }

    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>> {
        let (raw, escapes) = self.raw_string()?;
        if !escapes {
            return Ok(Cow::Borrowed(raw));
        }
        let mut text = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((plain, escape)) = rest.split_once('\\') {
            text += plain;
            let mut chars = escape.chars();
            let kind = chars.next();
            rest = chars.as_str();
            match kind {
                Some(c @ ('"' | '\\' | '/')) => text.push(c),
                Some('b') => text.push('\u{8}'),
                Some('f') => text.push('\u{c}'),
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('u') => {
                    let unit = |text: &str| text.get(..4).and_then(|h| u16::from_str_radix(h, 16).ok());
                    let high = unit(rest).ok_or_else(|| self.bad("expected four hexadecimal digits"))?;
                    rest = rest.get(4..).unwrap_or_default();
                    let low = rest.strip_prefix("\\u").and_then(unit).filter(|_| (0xd800..0xdc00).contains(&high));
                    if low.is_some() {
                        rest = rest.get(6..).unwrap_or_default();
                    }
                    let units = [high, low.unwrap_or_default()];
                    let used = if low.is_some() { &units[..] } else { &units[..1] };
                    for c in char::decode_utf16(used.iter().copied()) {
                        text.push(c.map_err(|_| self.bad("half of a surrogate pair"))?);
                    }
                }
                _ => return Err(self.bad("an unknown escape")),
            }
        }
        Ok(Cow::Owned(text + rest))
    }

    /// The text of a number.
    fn number(&mut self) -> Result<&'a str> {
        self.peek();
        let (start, bytes) = (self.at, self.text.as_bytes());
        let mut at = start;
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at - from
        };
        at += usize::from(bytes.get(at) == Some(&b'-'));
        let leading_zero = bytes.get(at) == Some(&b'0');
        let whole = digits(&mut at);
        let mut sound = whole > 0 && !(leading_zero && whole > 1);
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            sound &= digits(&mut at) > 0;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            at += 1;
            at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
            sound &= digits(&mut at) > 0;
        }
        if !sound {
            return Err(self.bad("expected a number (NaN and Infinity are none)"));
        }
        self.at = at;
        Ok(self.text.get(start..at).unwrap_or_default())
    }

    pub(crate) fn f64(&mut self) -> Result<f64> {
        let text = self.number()?;
        // coordinates are mostly short whole numbers or short decimals
        let value: f64 = match text.parse::<i32>() {
            Ok(small) if !text.starts_with('-') => f64::from(small),
            _ => text.parse().map_err(|_| self.bad("a number that cannot be read"))?,
        };
        if value.is_finite() { Ok(value) } else { Err(self.bad("a number beyond 1.8e308")) }
    }

    pub(crate) fn i64(&mut self) -> Result<i64> {
        let text = self.number()?;
        let whole = text.strip_suffix(".0").unwrap_or(text);
        whole.parse().map_err(|_| self.bad("expected a whole number of at most 64 bits"))
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        u32::try_from(self.i64()?).map_err(|_| self.bad("expected a whole number from 0 to 4294967295"))
    }

    fn word(&mut self, word: &str) -> bool {
        self.peek();
        let found = self.text.get(self.at..).is_some_and(|t| t.starts_with(word));
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// True or false, also as 1 or 0.
    pub(crate) fn flag(&mut self) -> Result<bool> {
        if self.word("true") {
            return Ok(true);
        }
        if self.word("false") {
            return Ok(false);
        }
        match self.i64()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.bad("expected 0 or 1")),
        }
    }

    /// What `f` reads; none at `null`.
    pub(crate) fn optional<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.word("null") { Ok(None) } else { f(self).map(Some) }
    }

    /// Goes over the next value.
    pub(crate) fn skip(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'{') => self.object(|c, _, _| c.skip()),
            Some(b'[') => self.array(Self::skip),
            Some(b'"') => self.raw_string().map(drop),
            Some(b't' | b'f' | b'n') => {
                let known = self.word("true") || self.word("false") || self.word("null");
                if known { Ok(()) } else { Err(self.bad("expected a value")) }
            }
            _ => self.number().map(drop),
        }
    }
}

/// A value that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Integer(i64),
    Number(f64),
    Text(String),
    Array(Vec<Value>),
    Object(Vec<(&'static str, Value)>),
    /// JSON text that is already there.
    Raw(String),
}

impl Value {
    /// Its JSON text.
    pub(crate) fn print(&self) -> String {
        match self {
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => format!("{value:?}"),
            Self::Text(text) => quoted(text),
            Self::Array(items) => format!("[{}]", items.iter().map(Self::print).collect::<Vec<_>>().join(", ")),
            Self::Object(fields) => {
                let fields: Vec<_> = fields.iter().map(|(k, v)| format!("{}: {}", quoted(k), v.print())).collect();
                format!("{{{}}}", fields.join(", "))
            }
            Self::Raw(text) => text.clone(),
        }
    }

    /// Its JSON text with as much as possible of `old`: parts that mean the same keep their bytes.
    pub(crate) fn print_over(&self, old: &str) -> Result<String> {
        let mut cursor = Cursor::new(old);
        let first = cursor.peek();
        match (self, first) {
            (Self::Array(items), Some(b'[')) => {
                let spans = elements(old)?;
                let mut pieces = Vec::with_capacity(items.len());
                for (i, item) in items.iter().enumerate() {
                    let text = spans.get(i).and_then(|s| old.get(s.clone()));
                    let new = text.map_or_else(|| Ok(item.print()), |t| item.print_over(t))?;
                    pieces.push((text.map(|_| i), Cow::Owned(new)));
                }
                Ok(rejoin(old, &spans, &pieces))
            }
            (Self::Object(fields), Some(b'{')) => {
                let changes: Vec<_> = fields.iter().map(|(k, v)| (*k, Some(v.clone()))).collect();
                edit_object(old, &changes)
            }
            (Self::Integer(value), Some(b'-' | b'0'..=b'9')) if cursor.i64().is_ok_and(|v| v == *value) => {
                Ok(old.into())
            }
            (Self::Number(value), Some(b'-' | b'0'..=b'9')) if cursor.f64().is_ok_and(|v| v == *value) => {
                Ok(old.into())
            }
            (Self::Text(value), Some(b'"')) if cursor.string().is_ok_and(|v| v == value.as_str()) => Ok(old.into()),
            _ => Ok(self.print()),
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out += "\\n",
            c if c.is_control() => {
                out += &c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04x}")).collect::<String>()
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The places of the elements of the array that `text` is.
pub(crate) fn elements(text: &str) -> Result<Vec<Range<usize>>> {
    let mut spans = Vec::new();
    Cursor::new(text).array(|c| {
        spans.push(c.spanned(Cursor::skip)?.1);
        Ok(())
    })?;
    Ok(spans)
}

/// The object `text` with some entries set (`Some`) or taken out (`None`); the others keep their bytes and order.
pub(crate) fn edit_object(text: &str, changes: &[(&str, Option<Value>)]) -> Result<String> {
    let mut members: Vec<(String, Range<usize>, Range<usize>)> = Vec::new();
    Cursor::new(text).object(|c, key, start| {
        let value = c.spanned(Cursor::skip)?.1;
        members.push((key.to_owned(), start..value.end, value));
        Ok(())
    })?;
    let between = members.first().and_then(|(_, all, value)| text.get(all.start..value.start)).map(|t| {
        let quote = t.rfind('"').map_or(0, |q| q + 1);
        t.get(quote..).unwrap_or(": ").to_owned()
    });
    let between = between.unwrap_or_else(|| ": ".to_owned());
    let mut pieces = Vec::new();
    for (i, (key, all, value)) in members.iter().enumerate() {
        let old = text.get(all.clone()).unwrap_or_default();
        match changes.iter().find(|(k, _)| k == key) {
            None => pieces.push((Some(i), Cow::Borrowed(old))),
            Some((_, None)) => {}
            Some((_, Some(new))) => {
                let head = text.get(all.start..value.start).unwrap_or_default();
                let new = new.print_over(text.get(value.clone()).unwrap_or_default())?;
                pieces.push((Some(i), Cow::Owned(format!("{head}{new}"))));
            }
        }
    }
    for (key, value) in changes.iter().filter(|(k, _)| !members.iter().any(|m| m.0 == **k)) {
        if let Some(value) = value {
            pieces.push((None, Cow::Owned(format!("{}{between}{}", quoted(key), value.print()))));
        }
    }
    let spans: Vec<_> = members.into_iter().map(|m| m.1).collect();
    Ok(rejoin(text, &spans, &pieces))
}

/// The array or object `text`, whose entries lie at `spans`, with `pieces` as entries: each with its old position, if it
/// had one. White space and commas stay between entries that stay neighbours, and are copied for the others.
pub(crate) fn rejoin(text: &str, spans: &[Range<usize>], pieces: &[(Option<usize>, Cow<'_, str>)]) -> String {
    let at = |range: Range<usize>| text.get(range).unwrap_or_default();
    let (first, last) = match (spans.first(), spans.last()) {
        (Some(first), Some(last)) => (first.start, last.end),
        _ => {
            let open = text.find(['[', '{']).map_or(0, |i| i + 1);
            (open, text.rfind([']', '}']).unwrap_or(open).max(open))
        }
    };
    let (head, tail) = (at(0..first), at(last..text.len()));
    let separator = match spans {
        [a, b, ..] => at(a.end..b.start).to_owned(),
        [_] => format!(
            ",{}",
            head.trim_start_matches('\u{feff}')
                .trim_start_matches([' ', '\n', '\r', '\t'])
                .get(1..)
                .unwrap_or_default()
        ),
        [] => ", ".to_owned(),
    };
    if pieces.is_empty() {
        // what stood around the first and the last entry would be a gap in an empty list
        let bracket = |t: &str| t.trim_matches([' ', '\n', '\r', '\t']).to_owned();
        return bracket(head) + &bracket(tail);
    }
    let mut out = String::with_capacity(text.len() + 64);
    out += head;
    let mut before: Option<usize> = None;
    for (i, (origin, piece)) in pieces.iter().enumerate() {
        if i > 0 {
            let kept = before.zip(*origin).filter(|(a, b)| a + 1 == *b);
            match kept.and_then(|(a, b)| spans.get(a).zip(spans.get(b))) {
                Some((a, b)) => out += at(a.end..b.start),
                None => out += &separator,
            }
        }
        out += piece;
        before = *origin;
    }
    out + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_grammar_and_nothing_else() {
        for good in
            ["[]", " { } ", "[1,-0.5e+3,\"a\\u00e9\\ud83d\\ude00\"]", "true", "\u{feff}null", "[[[{\"a\":[]}]]]"]
        {
            let mut c = Cursor::new(good);
            c.skip().and_then(|()| c.end()).unwrap_or_else(|e| panic!("{good}: {e}"));
        }
        for bad in
            ["", "[1,]", "{,}", "{\"a\"}", "01", "1.", "+1", "NaN", "tru", "\"a", "\"a\\", "[1 2]", "[]]", "\"\u{1}\""]
        {
            let mut c = Cursor::new(bad);
            assert!(c.skip().and_then(|()| c.end()).is_err(), "{bad}");
        }
        let deep = "[".repeat(100_000);
        assert!(Cursor::new(&deep).skip().unwrap_err().to_string().contains("64 levels"));
        assert_eq!(Cursor::new("\"a\\n\\u00e9\\ud83d\\ude00\\\\\"").string().unwrap(), "a\né😀\\");
        assert!(Cursor::new("\"\\ud83d\"").string().is_err());
        assert_eq!(Cursor::new("-12.0").i64().unwrap(), -12);
        assert!(Cursor::new("1e999").f64().is_err());
    }

    #[test]
    fn edits_touch_only_what_changes() {
        let text = "{\n  \"id\" : 1.0,\n  \"bbox\": [1, 2.50,  3],\n  \"x\": {\"odd\": 1e2}\n}";
        let edit = |changes: &[(&str, Option<Value>)]| edit_object(text, changes).unwrap();
        let numbers = |v: &[f64]| Some(Value::Array(v.iter().map(|v| Value::Number(*v)).collect()));
        assert_eq!(edit(&[]), text);
        assert_eq!(edit(&[("id", Some(Value::Integer(1))), ("bbox", numbers(&[1.0, 2.5, 3.0]))]), text);
        assert_eq!(edit(&[("bbox", numbers(&[1.0, 2.5, 4.25]))]), text.replace("  3]", "  4.25]"));
        assert_eq!(edit(&[("bbox", numbers(&[1.0]))]), text.replace("[1, 2.50,  3]", "[1]"));
        assert_eq!(edit(&[("bbox", None)]), text.replace("  \"bbox\": [1, 2.50,  3],\n", ""));
        assert_eq!(
            edit(&[("new", Some(Value::Text("a\"b".into())))]),
            text.replace("1e2}\n}", "1e2},\n  \"new\" : \"a\\\"b\"\n}")
        );
        assert_eq!(edit_object("{}", &[("a", Some(Value::Integer(1)))]).unwrap(), "{\"a\": 1}");
        assert_eq!(edit_object("{\"a\":1}", &[("a", None)]).unwrap(), "{}");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(Value::Text("\u{1}\u{7f}\n".into()).print(), "\"\\u0001\\u007f\\n\"");
    }
}
