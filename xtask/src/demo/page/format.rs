//! Text, numbers and addresses as the report prints them.

use std::fmt::Write;

use eir_core::svg::escape;

use crate::study::Number;

/// Every cell is empty, a dash or begins as a number does; at least one is a number.
pub(super) fn is_numeric<'a>(cells: impl Iterator<Item = &'a String>) -> bool {
    let mut found = false;
    for cell in cells.map(|c| c.trim()).filter(|c| !matches!(*c, "" | "–" | "-" | "—" | "n/a")) {
        let digits = cell.trim_start_matches(['-', '−', '+', '±', '<', '>', '≤', '≥', '≈', ' ']);
        found = true;
        if !digits.starts_with(|c: char| c.is_ascii_digit()) || cell.chars().filter(|c| c.is_alphabetic()).count() > 5 {
            return false;
        }
    }
    found
}

/// The width of a figure in pixels, from its `viewBox`.
pub(super) fn svg_width(svg: &str) -> Option<f64> {
    let (_, rest) = svg.split_once("viewBox=\"")?;
    let (numbers, _) = rest.split_once('"')?;
    numbers.split_whitespace().nth(2)?.parse().ok().filter(|w: &f64| w.is_finite() && *w > 0.0)
}

/// Safe text in which what stands between two backticks is code.
pub(super) fn prose(text: &str) -> String {
    let safe = escape(text);
    if safe.matches('`').count() % 2 == 1 {
        return safe;
    }
    let parts = safe.split('`').enumerate();
    parts.map(|(i, part)| if i % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

/// The name of a function, that may go on in the next line behind `::` and `_`.
pub(super) fn breakable(source: &str) -> String {
    prose(source).replace("::", "::<wbr>").replace('_', "_<wbr>")
}

/// The address of a file in the report's folder.
pub(super) fn address(name: &str) -> String {
    let mut address = "./".to_owned();
    for b in name.bytes() {
        if b.is_ascii_alphanumeric() || b"-_.~/".contains(&b) {
            address.push(char::from(b));
        } else {
            let _ = write!(address, "%{b:02X}"); // writing to a string does not fail
        }
    }
    address
}

/// A value with its unit: a true minus sign, thousands apart from 10 000 on.
pub(super) fn value(number: &Number) -> String {
    let plain = format!("{:.*}", number.digits, number.value.abs());
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), ""), |(w, f)| (w, f));
    let mut text = String::new();
    if number.value < 0.0 && plain.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        text.push('−');
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && whole.len() > 4 && (whole.len() - i) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text = format!("{text}.{fraction}");
    }
    match number.unit.as_str() {
        "" => text,
        unit @ ("%" | "°") => format!("{text}<span class=\"unit\">\u{202f}{unit}</span>"),
        unit => format!("{text}<span class=\"unit\">\u{a0}{}</span>", escape(unit)),
    }
}

/// "under 0.1 s", "0.4 s", "12 s", "2 min 5 s".
pub(super) fn duration(seconds: f64) -> String {
    match seconds.round() {
        _ if seconds < 0.05 => "under 0.1 s".to_owned(),
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        whole if whole < 120.0 => format!("{whole:.0} s"),
        whole => format!("{:.0} min {:.0} s", (whole / 60.0).floor(), whole % 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_times_read_well() {
        let number = |value, digits, unit: &str| Number {
            id: String::new(),
            label: String::new(),
            value,
            unit: unit.to_owned(),
            digits,
            source: String::new(),
            note: String::new(),
        };
        assert_eq!(value(&number(-0.001, 2, "")), "0.00");
        assert_eq!(value(&number(1234.0, 0, "%")), "1234<span class=\"unit\">\u{202f}%</span>");
        assert_eq!([0.04, 9.99, 119.4, 125.0].map(duration), ["under 0.1 s", "10 s", "119 s", "2 min 5 s"]);
    }

    #[test]
    fn text_is_safe_and_breaks_well() {
        assert_eq!(prose("run `a<b` & `c`"), "run <code>a&lt;b</code> &amp; <code>c</code>");
        assert_eq!(prose("one ` stays"), "one ` stays");
        assert_eq!(breakable("ctg::stv_ms"), "ctg::<wbr>stv_<wbr>ms");
        assert_eq!(address("a b/ü.stl"), "./a%20b/%C3%BC.stl");
        assert_eq!(svg_width("<svg viewBox=\"0 0 640.5 20\">"), Some(640.5));
        assert_eq!(svg_width("<svg>"), None);
        let numeric = |cells: &[&str]| is_numeric(cells.iter().map(ToString::to_string).collect::<Vec<_>>().iter());
        assert!(
            numeric(&["−3.5", "", "2.1 mm", "< 0.1"]) && !numeric(&["", "–"]) && !numeric(&["1 second before birth"])
        );
    }
}
