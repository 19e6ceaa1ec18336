use super::{Recipe, either, fail, patched, read};

/// WFDB headers of one signal file `r.dat` (format 16, 100 samples are enough), recipe 23. Counts, gains and names that lie.
#[must_use]
pub fn wfdb_header() -> Vec<Recipe> {
    let one = |signal: &str| format!("r 1 250 100\n{signal}\n");
    vec![
        read(23, "one signal", one("r.dat 16 200 12 0 0 0 0 I")),
        either(23, "no signals", "r 0 250 100\n"),
        fail(23, "10^9 signals", "r 1000000000 250 100\nr.dat 16 200 12 0 0 0 0 I\n"),
        fail(23, "10^30 signals", format!("r 1{} 250 100\n", "0".repeat(30))),
        fail(23, "fewer lines than signals", "r 3 250 100\nr.dat 16 200 12 0 0 0 0 I\n"),
        either(23, "10^18 samples", "r 1 250 1000000000000000000\nr.dat 16 200 12 0 0 0 0 I\n"),
        either(23, "gain 0, which means 200", one("r.dat 16 0 12 0 0 0 0 I")),
        either(23, "gain 0.0", one("r.dat 16 0.0 12 0 0 0 0 I")),
        either(23, "gain NaN", one("r.dat 16 nan 12 0 0 0 0 I")),
        either(23, "gain infinite", one("r.dat 16 1e999 12 0 0 0 0 I")),
        either(23, "baseline without an end", one("r.dat 16 200(0/mV 12 0 0 0 0 I")),
        either(23, "baseline without a start", one("r.dat 16 200)0/mV 12 0 0 0 0 I")),
        either(23, "baseline beyond 2^31", one("r.dat 16 200(99999999999999)/mV 12 0 0 0 0 I")),
        fail(23, "path that leads out", one("../r.dat 16 200 12 0 0 0 0 I")),
        fail(23, "path from the root", one("/etc/passwd 16 200 12 0 0 0 0 I")),
        fail(23, "frequency 0", "r 1 0 100\nr.dat 16 200 12 0 0 0 0 I\n"),
        fail(23, "frequency NaN", "r 1 nan 100\nr.dat 16 200 12 0 0 0 0 I\n"),
        fail(23, "format 9999", one("r.dat 9999 200 12 0 0 0 0 I")),
        either(23, "0 samples per frame", one("r.dat 16x0 200 12 0 0 0 0 I")),
        fail(23, "4 000 000 000 samples per frame", one("r.dat 16x4000000000 200 12 0 0 0 0 I")),
        either(23, "skew and offset beyond the file", one("r.dat 16:4000000000+9999999999 200 12 0 0 0 0 I")),
        either(23, "bits of resolution beyond 2^31", one("r.dat 16 200 99999999999 0 0 0 0 I")),
        either(23, "a NUL in a line", one("r.dat 16 200 12 0 0 0 0 I\0I")),
        either(
            23,
            "bytes that are no text",
            [&b"r 1 250 100\nr.dat 16 200 12 0 0 0 0 "[..], &[0xff, 0xfe, b'\n']].concat(),
        ),
        either(23, "a comment of 1 MiB", format!("{}#{}\n", one("r.dat 16 200 12 0 0 0 0 I"), "x".repeat(1 << 20))),
        fail(23, "segments that are the record itself", "r/2 1 250 200\nr 100\nr 100\n"),
    ]
}

/// Sample files, recipe 24, for a header of several signals in a packed format (212, 310, 311): odd remainders.
#[must_use]
pub fn wfdb_samples() -> Vec<Recipe> {
    let bytes: Vec<u8> = (0..41u8).map(|i| i.wrapping_mul(37)).collect();
    vec![
        either(24, "no byte", []),
        either(24, "one byte", [0x80]),
        either(24, "two bytes", [0x80, 0x7f]),
        either(24, "four bytes", [0xff; 4]),
        either(24, "five bytes", [0xff; 5]),
        either(24, "41 bytes", bytes.clone()),
        either(24, "40 bytes", &bytes[..40]),
        either(24, "38 bytes", &bytes[..38]),
    ]
}

/// WFDB annotation files, recipe 24. Steps backwards, notes beyond the end, no end.
#[must_use]
pub fn wfdb_annotations() -> Vec<Recipe> {
    let word = |code: u16, value: u16| ((code << 10) | (value & 0x3ff)).to_le_bytes();
    let (beat, end) = (word(1, 100), [0, 0]);
    let skip = |by: i32| {
        let by = by as u32;
        [&word(59, 0)[..], &((by >> 16) as u16).to_le_bytes(), &(by as u16).to_le_bytes()].concat()
    };
    let join = |parts: &[&[u8]]| parts.concat();
    vec![
        read(24, "two beats", join(&[&beat, &beat, &end])),
        either(24, "a step backwards", join(&[&beat, &skip(-50), &beat, &end])),
        either(24, "a step backwards before the start", join(&[&skip(i32::MIN), &beat, &end])),
        either(24, "steps that pass 2^63", join(&[&skip(i32::MAX).repeat(10_000), &beat, &end])),
        either(24, "a note beyond the end", join(&[&beat, &word(63, 1000), b"(AFIB"])),
        either(24, "a note of odd length at the end", join(&[&beat, &word(63, 3), b"(N\0"])),
        either(24, "no end", join(&[&beat, &beat])),
        either(24, "half a word", join(&[&beat, &[7]])),
        either(24, "a step that is cut", join(&[&beat, &word(59, 0), &[1]])),
        either(24, "a note before any annotation", join(&[&word(63, 2), b"AB", &beat, &end])),
        either(
            24,
            "subtype, channel and number before any annotation",
            join(&[&word(61, 3), &word(62, 9), &word(60, 4), &end]),
        ),
        either(24, "bytes behind the end", join(&[&beat, &end, &beat, &beat])),
        either(24, "a note of other bytes than text", join(&[&beat, &word(63, 4), &[0xff, 0xfe, 0x80, 0], &end])),
    ]
}

/// An EDF+ file of one signal (and, with `tal`, an annotation channel), two records of one second, four samples each.
fn edf_file(tal: Option<&[u8]>) -> Vec<u8> {
    let signals = 1 + usize::from(tal.is_some());
    let field = |text: &str, width: usize| format!("{text:width$}").into_bytes();
    let each =
        |a: &str, b: &str, width| [field(a, width), if tal.is_some() { field(b, width) } else { vec![] }].concat();
    let mut bytes = [
        field("0", 8),
        field("X X X X", 80),
        field("Startdate X X X X", 80),
        field("01.01.20", 8),
        field("00.00.00", 8),
        field(&(256 * (1 + signals)).to_string(), 8),
        field(if tal.is_some() { "EDF+C" } else { "" }, 44),
        field("2", 8),
        field("1", 8),
        field(&signals.to_string(), 4),
        each("EEG Fpz", "EDF Annotations", 16),
        each("", "", 80),
        each("uV", "", 8),
        each("-100", "-1", 8),
        each("100", "1", 8),
        each("-2048", "-32768", 8),
        each("2047", "32767", 8),
        each("", "", 80),
        each("4", "16", 8),
        each("", "", 32),
    ]
    .concat();
    for record in 0..2 {
        bytes.extend((0..4i16).flat_map(i16::to_le_bytes));
        if let Some(tal) = tal {
            let mut tal = if record == 0 { tal.to_vec() } else { b"+1\x14\x14\0".to_vec() };
            tal.resize(32, 0);
            bytes.extend(tal);
        }
    }
    bytes
}

/// EDF and EDF+ files, recipe 25. Fields that are no numbers, sizes of 0, ranges of no width, annotations without an end.
#[must_use]
pub fn edf() -> Vec<Recipe> {
    let plain = edf_file(None);
    // where the fields lie: bytes of header 184, records 236, duration 244, signals 252; then of the one signal:
    // physical minimum 360, maximum 368, digital minimum 376, maximum 384, samples per record 472
    let set = |at: usize, text: &str, width: usize| patched(&plain, at, format!("{text:width$}").as_bytes());
    vec![
        read(25, "two records of one signal", plain.clone()),
        read(25, "two records with annotations", edf_file(Some(b"+0\x14\x14\0+0.5\x151\x14waking\x14"))),
        fail(25, "bytes of the header no number", set(184, "abcdefgh", 8)),
        either(25, "bytes of the header 0", set(184, "0", 8)),
        fail(25, "bytes of the header beyond the end", set(184, "99999999", 8)),
        either(25, "no signals", set(252, "0", 4)),
        fail(25, "9999 signals", set(252, "9999", 4)),
        fail(25, "-1 signals", set(252, "-1", 4)),
        either(25, "records that last 0 s", set(244, "0", 8)),
        fail(25, "records that last NaN", set(244, "nan", 8)),
        fail(25, "records that last -1 s", set(244, "-1", 8)),
        either(25, "0 samples per record", set(472, "0", 8)),
        fail(25, "99 999 999 samples per record", set(472, "99999999", 8)),
        either(25, "digital minimum = maximum", set(384, "-2048", 8)),
        either(25, "physical minimum = maximum", set(368, "-100", 8)),
        either(25, "digital range beyond 16 bits", set(384, "99999999", 8)),
        either(25, "-1 records, which means unknown", set(236, "-1", 8)),
        either(25, "99 999 999 records", set(236, "99999999", 8)),
        either(25, "last record cut", &plain[..plain.len() - 3]),
        either(25, "no record", &plain[..512]),
        either(25, "annotation without an end", edf_file(Some(b"+0\x14\x14\0+0.5\x15 1 waking"))),
        either(25, "annotation list without a time", edf_file(Some(b"\x14\x14\0\x14\x14"))),
        either(25, "annotation at 1e999 s", edf_file(Some(b"+1e999\x14\x14\0+0\x151e999\x14x\x14"))),
        either(25, "not ASCII", set(88, "\u{e6}\u{f8}\u{e5}", 74)),
    ]
}

/// Tables of comma-separated values, recipe 26. Huge fields, marks, NUL, many columns, quotes.
#[must_use]
pub fn csv() -> Vec<Recipe> {
    let head = "time_s,a\n0.0,1\n0.1,2\n0.2,3\n";
    vec![
        read(26, "byte order mark", format!("\u{feff}{head}")),
        either(26, "a field of 4 MiB", format!("time_s,a\n0.0,{}\n", "1".repeat(4 << 20))),
        either(26, "a quoted field without an end", format!("time_s,a\n0.0,\"{}\n", "x\n".repeat(1 << 20))),
        either(26, "NUL in a number", "time_s,a\n0.0,1\0\n0.1,2\n"),
        either(26, "10^6 columns", format!("{}\n{}\n", "a,".repeat(1_000_000), "1,".repeat(1_000_000))),
        either(26, "carriage return and line feed in quotes", "time_s,\"a\r\nb\"\r\n0.0,1\r\n0.1,2\r\n"),
        either(26, "rows of different lengths", "time_s,a\n0.0\n0.1,2,3\n0.2,4\n"),
        either(26, "numbers beyond every range", "time_s,a\n0.0,1e999\n0.1,-1e999\n0.2,nan\n"),
        either(26, "time that stands still", "time_s,a\n0.0,1\n0.0,2\n0.0,3\n"),
        either(26, "two columns of one name", "time_s,a,a\n0.0,1,2\n0.1,1,2\n"),
        either(26, "bytes that are no text", b"time_s,\xff\xfe\n0.0,1\n0.1,2\n".to_vec()),
        either(26, "only line ends", "\n".repeat(1 << 20)),
        either(26, "only quotes", "\"".repeat(1 << 20)),
        either(26, "head without rows", "time_s,a\n"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_edf_lie_where_they_are_patched() {
        let plain = edf_file(None);
        let text = |at: usize, width: usize| String::from_utf8_lossy(&plain[at..at + width]).trim().to_owned();
        let fields = [(184, 8), (236, 8), (244, 8), (252, 4), (360, 8), (368, 8), (376, 8), (384, 8), (472, 8)];
        let found = fields.map(|(at, width)| text(at, width));
        assert_eq!(found, ["512", "2", "1", "1", "-100", "100", "-2048", "2047", "4"]);
        assert_eq!(plain.len(), 512 + 2 * 8);
    }
}
