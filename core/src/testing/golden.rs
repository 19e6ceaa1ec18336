//! Golden values: every file of a reference folder is walked, handed to the test that knows it, and compared.
//!
//! A crate has one test target `golden` with `harness = false`:
//!
//! ```no_run
//! use eir_core::testing::golden::{Case, Golden, Tolerance};
//!
//! fn main() -> std::process::ExitCode {
//!     Golden::from_args("signal").case("dsp.json", dsp).run()
//! }
//!
//! fn dsp(case: &mut Case) -> Result<(), Box<dyn std::error::Error>> {
//!     let reference = case.json()?;
//!     case.walk(&reference, |case, key, value| match key {
//!         "hilbert" => Ok(case.close(key, &[0.0], &numbers(value)?, Tolerance::relative(1e-9))),
//!         _ => Ok(case.skip(key, "not built yet")),
//!     })
//! }
//! # fn numbers(_: &serde_json::Value) -> Result<Vec<f64>, Box<dyn std::error::Error>> { Ok(vec![]) }
//! ```
//!
//! Arguments: `--reference DIR` and `--data DIR` (each the folder of all crates, or this crate's own), and words that a
//! case's name must contain. Without them the folder is [`shared`](super::shared). Files that no case claims are listed
//! as skipped and counted; a run that compares nothing fails. The result goes to `target/golden/<crate>.json`.

use crate::half::f32_of_half;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a case returns: an error (a missing record, a broken reference) is a failure that carries its text.
pub type Outcome = Result<(), Box<dyn Error>>;

type Handler = Box<dyn Fn(&mut Case) -> Outcome>;

/// How far a value may be from its reference.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Tolerance {
    /// |got − want| ≤ t.
    Absolute(f64),
    /// |got − want| ≤ t · max |want| over the compared slice.
    Relative(f64),
    /// |got − want| ≤ a + r · |want|, each value for itself.
    Both(f64, f64),
    /// Equal, bit for bit (NaN equals NaN).
    Exact,
}

impl Tolerance {
    /// An [absolute](Self::Absolute) tolerance.
    #[must_use]
    pub fn absolute(t: f64) -> Self {
        Self::Absolute(t)
    }

    /// A tolerance [relative](Self::Relative) to the largest reference value of the slice.
    #[must_use]
    pub fn relative(t: f64) -> Self {
        Self::Relative(t)
    }

    fn allowed(self, want: f64, largest: f64) -> f64 {
        match self {
            Self::Absolute(t) => t,
            Self::Relative(t) => t * largest,
            Self::Both(a, r) => a + r * want.abs(),
            Self::Exact => 0.0,
        }
    }
}

/// The golden test of one crate.
pub struct Golden {
    name: &'static str,
    reference: Option<PathBuf>,
    data: PathBuf,
    words: Vec<String>,
    cases: Vec<(&'static str, Handler)>,
}

impl std::fmt::Debug for Golden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Golden").field("name", &self.name).field("reference", &self.reference).finish_non_exhaustive()
    }
}

impl Golden {
    /// The golden test of crate `name` (`"signal"`) with the arguments of the command line.
    #[must_use]
    pub fn from_args(name: &'static str) -> Self {
        let (mut reference, mut data, mut words) = (None, None, Vec::new());
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--reference" => reference = args.next().map(PathBuf::from),
                "--data" => data = args.next().map(PathBuf::from),
                flag if flag.starts_with('-') => {} // flags of the usual test runner
                word => words.push(word.to_owned()),
            }
        }
        let shared = if reference.is_some() && data.is_some() { None } else { super::shared() };
        let place = |given: Option<PathBuf>, kind: &str| {
            let folder = given.or_else(|| shared.as_ref().map(|s| s.join(kind)))?;
            let own = folder.join(name);
            Some(if own.is_dir() { own } else { folder })
        };
        let (reference, data) = (place(reference, "reference"), place(data, "data"));
        Self { name, reference, data: data.unwrap_or_default(), words, cases: Vec::new() }
    }

    /// Lets `handler` compare every reference file whose path below the folder matches `pattern`: `*` stands for any
    /// characters but `/`. The first pattern that matches claims the file.
    #[must_use]
    pub fn case(mut self, pattern: &'static str, handler: impl Fn(&mut Case) -> Outcome + 'static) -> Self {
        self.cases.push((pattern, Box::new(handler)));
        self
    }

    /// Walks the folder, prints the worst error per case, writes the JSON and gives the exit code.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let Some(reference) = &self.reference else {
            println!("golden {}: 0 passed, 0 failed, 1 skipped (no reference folder)", self.name);
            return ExitCode::SUCCESS;
        };
        let mut files = Vec::new();
        if let Err(error) = walk(reference, &mut files) {
            println!("golden {}: {}: {error}\n0 passed, 1 failed", self.name, reference.display());
            return ExitCode::FAILURE;
        }
        files.sort();
        let mut report = Report::default();
        for file in &files {
            let path = file.strip_prefix(reference).unwrap_or(file).to_string_lossy().replace('\\', "/");
            if !self.words.is_empty() && !self.words.iter().any(|w| path.contains(w.as_str())) {
                continue;
            }
            match self.cases.iter().find(|(pattern, _)| matches(pattern, &path)) {
                Some((_, handler)) => {
                    let mut case = Case::new(&path, file, reference, &self.data);
                    if let Err(error) = handler(&mut case) {
                        case.fail("error", &error.to_string());
                    }
                    report.add(case);
                }
                None => report.unclaimed(&path),
            }
        }
        report.finish(self.name, self.words.is_empty())
    }
}

/// Notes and generators beside the values are no values.
fn is_value(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    !matches!(extension, "md" | "py" | "txt" | "toml" | "m" | "R" | "sh") && !path.ends_with("versions.json")
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if is_value(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether `path` matches `pattern`, where `*` stands for any characters but `/`.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((head, tail)) => path.strip_prefix(head).is_some_and(|rest| {
            let reach = rest.find('/').unwrap_or(rest.len());
            (0..=reach).filter(|i| rest.is_char_boundary(*i)).any(|i| matches(tail, &rest[i..]))
        }),
    }
}

/// One reference file and what came of it.
#[derive(Debug)]
pub struct Case {
    name: String,
    file: PathBuf,
    reference: PathBuf,
    data: PathBuf,
    prefix: Vec<String>,
    checks: BTreeMap<String, Check>,
}

#[derive(Debug, Default, Clone)]
struct Check {
    passed: usize,
    failed: usize,
    skipped: usize,
    /// Largest |got − want| and how much was allowed there.
    worst: Option<(f64, f64)>,
    text: Option<String>,
}

impl Case {
    fn new(name: &str, file: &Path, reference: &Path, data: &Path) -> Self {
        Self {
            name: name.to_owned(),
            file: file.to_owned(),
            reference: reference.to_owned(),
            data: data.to_owned(),
            prefix: Vec::new(),
            checks: BTreeMap::new(),
        }
    }

    /// The reference file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// A file of the reference folder, by its path in it.
    ///
    /// # Errors
    /// If there is no such file; the error names it.
    pub fn reference(&self, name: &str) -> Result<PathBuf, Box<dyn Error>> {
        present(self.reference.join(name))
    }

    /// A record of the data folder, by its path in it.
    ///
    /// # Errors
    /// If there is no such file; the error names it.
    pub fn data(&self, name: &str) -> Result<PathBuf, Box<dyn Error>> {
        present(self.data.join(name))
    }

    /// The data folder itself.
    #[must_use]
    pub fn data_folder(&self) -> &Path {
        &self.data
    }

    /// The reference file as JSON.
    ///
    /// # Errors
    /// If it cannot be read or is no JSON.
    pub fn json(&self) -> Result<Value, Box<dyn Error>> {
        let text = std::fs::read(&self.file)?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Calls `f` with each entry of an object (or each element of an array, its index as key); what is compared inside
    /// has the key before its name. An error inside fails that entry, and the others go on.
    ///
    /// # Errors
    /// If `value` is neither an object nor an array.
    pub fn walk(&mut self, value: &Value, mut f: impl FnMut(&mut Self, &str, &Value) -> Outcome) -> Outcome {
        let entries: Vec<(String, &Value)> = match value {
            Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
            Value::Array(list) => list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
            _ => return Err("expected an object or an array".into()),
        };
        for (key, value) in entries {
            self.prefix.push(key.clone());
            let depth = self.prefix.len();
            let outcome = f(self, &key, value);
            self.prefix.truncate(depth);
            if let Err(error) = outcome {
                self.fail("error", &error.to_string());
            }
            self.prefix.pop();
        }
        Ok(())
    }

    /// Compares two slices: their lengths and every value. NaN equals NaN only; infinities by sign.
    pub fn close(&mut self, name: &str, got: &[f64], want: &[f64], tolerance: Tolerance) {
        if got.len() != want.len() {
            return self.fail(name, &format!("{} values, the reference has {}", got.len(), want.len()));
        }
        let largest = want.iter().filter(|v| v.is_finite()).fold(0.0f64, |a, v| a.max(v.abs()));
        let check = self.check(name);
        for (i, (g, w)) in got.iter().zip(want).enumerate() {
            let same = g.to_bits() == w.to_bits() || (g.is_nan() && w.is_nan()) || g == w;
            let error = if same { 0.0 } else { (g - w).abs() };
            let allowed = tolerance.allowed(*w, largest);
            if same || error <= allowed {
                check.passed += 1;
            } else {
                check.failed += 1;
                check.text.get_or_insert_with(|| format!("at {i}: got {g}, reference {w}, allowed {allowed:.3e}"));
            }
            if check.worst.is_none_or(|worst| worse((error, allowed), worst)) {
                check.worst = Some((error, allowed));
            }
        }
    }

    /// Compares one value.
    pub fn value(&mut self, name: &str, got: f64, want: f64, tolerance: Tolerance) {
        self.close(name, &[got], &[want], tolerance);
    }

    /// Compares anything that must be equal.
    pub fn equal<T: PartialEq + std::fmt::Debug>(&mut self, name: &str, got: &T, want: &T) {
        if got == want {
            self.check(name).passed += 1;
        } else {
            let cut = |value: &T| format!("{value:?}").chars().take(120).collect::<String>();
            self.fail(name, &format!("got {}, reference {}", cut(got), cut(want)));
        }
    }

    /// States a condition that the reference demands.
    pub fn holds(&mut self, name: &str, condition: bool, otherwise: &str) {
        if condition { self.check(name).passed += 1 } else { self.fail(name, otherwise) }
    }

    /// Counts a failure with its text.
    pub fn fail(&mut self, name: &str, text: &str) {
        let check = self.check(name);
        check.failed += 1;
        check.text.get_or_insert_with(|| text.to_owned());
    }

    /// Counts something that the reference holds and that is not built yet.
    pub fn skip(&mut self, name: &str, why: &str) {
        let check = self.check(name);
        check.skipped += 1;
        check.text.get_or_insert_with(|| why.to_owned());
    }

    fn check(&mut self, name: &str) -> &mut Check {
        let mut path = self.prefix.clone();
        if path.last().is_none_or(|last| last != name) {
            path.push(name.to_owned());
        }
        self.checks.entry(path.join(".")).or_default()
    }
}

fn present(path: PathBuf) -> Result<PathBuf, Box<dyn Error>> {
    if path.exists() { Ok(path) } else { Err(format!("{} is missing", path.display()).into()) }
}

/// The numbers of a JSON array; `null` is NaN, `"inf"` and `"-inf"` are the infinities, and nested arrays are joined.
///
/// # Errors
/// If it holds anything else.
pub fn numbers(value: &Value) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut all = Vec::new();
    collect(value, &mut all)?;
    Ok(all)
}

fn collect(value: &Value, all: &mut Vec<f64>) -> Outcome {
    match value {
        Value::Array(list) => list.iter().try_for_each(|v| collect(v, all))?,
        _ => all.push(number(value)?),
    }
    Ok(())
}

/// One number of a JSON file, as [`numbers`] reads it.
///
/// # Errors
/// If it is none.
pub fn number(value: &Value) -> Result<f64, Box<dyn Error>> {
    match value {
        Value::Null => Ok(f64::NAN),
        Value::Bool(b) => Ok(f64::from(u8::from(*b))),
        Value::String(s) if s == "inf" => Ok(f64::INFINITY),
        Value::String(s) if s == "-inf" => Ok(f64::NEG_INFINITY),
        _ => value.as_f64().ok_or_else(|| "expected a number".into()),
    }
}

/// The entry `key` of an object.
///
/// # Errors
/// If there is none; the error names it.
pub fn entry<'a>(value: &'a Value, key: &str) -> Result<&'a Value, Box<dyn Error>> {
    value.get(key).ok_or_else(|| format!("the reference has no entry {key}").into())
}

/// Shape and values of a `.npy` file of version 1 or 2 in C order, of the number types that the references use.
///
/// # Errors
/// If it is none of these.
pub fn npy(path: &Path) -> Result<(Vec<usize>, Vec<f64>), Box<dyn Error>> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let bad = || format!("{} is no .npy file that this reader knows", path.display());
    if bytes.get(..6) != Some(b"\x93NUMPY") {
        return Err(bad().into());
    }
    let wide = bytes.get(6) != Some(&1);
    let start = if wide { 12 } else { 10 };
    let length: Vec<u8> = bytes.get(8..start).ok_or_else(bad)?.to_vec();
    let length = length.iter().rev().fold(0usize, |a, b| (a << 8) | usize::from(*b));
    let header = std::str::from_utf8(bytes.get(start..start + length).ok_or_else(bad)?)?;
    let field = |key: &str| header.split_once(key).map(|(_, rest)| rest.trim_start_matches([':', ' ', '\'']));
    let kind = field("'descr'").and_then(|r| r.split('\'').next()).ok_or_else(bad)?.to_owned();
    if field("'fortran_order'").is_none_or(|r| r.starts_with("True")) {
        return Err(bad().into());
    }
    let shape = field("'shape'").and_then(|r| r.strip_prefix('(')?.split_once(')')).ok_or_else(bad)?.0;
    let shape =
        shape.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::parse).collect::<Result<Vec<usize>, _>>()?;
    let raw = bytes.get(start + length..).ok_or_else(bad)?;
    macro_rules! read {
        ($type:ty, $size:literal) => {
            raw.as_chunks::<$size>().0.iter().map(|c| <$type>::from_le_bytes(*c) as f64).collect::<Vec<f64>>()
        };
    }
    let values = match kind.as_str() {
        "<f8" => read!(f64, 8),
        "<f4" => read!(f32, 4),
        "<i8" => read!(i64, 8),
        "<i4" => read!(i32, 4),
        "<i2" => read!(i16, 2),
        "<u2" => read!(u16, 2),
        "<u4" => read!(u32, 4),
        "|i1" => read!(i8, 1),
        "|u1" | "|b1" => read!(u8, 1),
        "<f2" => raw.as_chunks::<2>().0.iter().map(|c| f64::from(f32_of_half(u16::from_le_bytes(*c)))).collect(),
        _ => return Err(bad().into()),
    };
    if values.len() != shape.iter().product::<usize>() {
        return Err(bad().into());
    }
    Ok((shape, values))
}

/// Whether an error takes more of what is allowed for it than another; one that is NaN takes all.
fn worse(one: (f64, f64), other: (f64, f64)) -> bool {
    let share = |(error, allowed): (f64, f64)| match error {
        0.0 => 0.0,
        e if e.is_nan() => f64::INFINITY,
        e => e / allowed,
    };
    share(one) > share(other)
}

/// A check's name with `*` for each index of an array, so that like is listed with like.
fn without_numbers(name: &str) -> String {
    let part = |p: &str| if p.parse::<usize>().is_ok() { "*".to_owned() } else { p.to_owned() };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}

#[derive(Default)]
struct Report {
    cases: Vec<Value>,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Report {
    fn add(&mut self, case: Case) {
        let mut rows = Vec::new();
        let mut worst: Option<(&str, (f64, f64))> = None;
        let (mut passed, mut failed, mut skipped) = (0, 0, BTreeMap::<String, usize>::new());
        for (name, check) in &case.checks {
            passed += check.passed;
            failed += check.failed;
            if check.skipped > 0 {
                *skipped.entry(without_numbers(name)).or_insert(0) += 1;
            }
            if let Some(w) = check.worst.filter(|w| worst.is_none_or(|(_, o)| worse(*w, o))) {
                worst = Some((name, w));
            }
            if check.failed > 0 {
                println!("  FAILED {} {name}: {}", case.name, check.text.as_deref().unwrap_or_default());
            }
            rows.push(json!({
                "name": name, "passed": check.passed, "failed": check.failed, "skipped": check.skipped,
                "worst_error": check.worst.map(|w| w.0), "allowed": check.worst.map(|w| w.1), "text": check.text,
            }));
        }
        if case.checks.is_empty() {
            failed += 1;
            println!("  FAILED {}: nothing was compared", case.name);
        }
        let worst = worst.map_or_else(String::new, |(name, (error, allowed))| {
            format!(", worst {error:.2e} of {allowed:.2e} ({name})")
        });
        println!("  {}: {passed} passed, {failed} failed{worst}", case.name);
        if !skipped.is_empty() {
            let names: Vec<_> =
                skipped.iter().map(|(n, k)| if *k > 1 { format!("{n} ({k})") } else { n.clone() }).collect();
            println!("    skipped in it, not built yet: {}", names.join(", "));
        }
        self.passed += passed;
        self.failed += failed;
        self.skipped += skipped.values().sum::<usize>();
        self.cases.push(json!({"case": case.name, "passed": passed, "failed": failed, "checks": rows}));
    }

    fn unclaimed(&mut self, path: &str) {
        println!("  {path}: skipped, not built yet");
        self.skipped += 1;
        self.cases.push(json!({"case": path, "skipped": true}));
    }

    fn finish(mut self, name: &str, whole: bool) -> ExitCode {
        if self.passed + self.failed == 0 && whole {
            println!("  FAILED: nothing was compared");
            self.failed += 1;
        }
        let json = json!({
            "crate": name, "passed": self.passed, "failed": self.failed, "skipped": self.skipped, "cases": self.cases,
        });
        let folder = super::target().join("golden");
        let written = std::fs::create_dir_all(&folder).map_err(|e| e.to_string()).and_then(|()| {
            crate::file::write_atomic(&folder.join(format!("{name}.json")), format!("{json:#}\n").as_bytes())
                .map_err(|e| e.to_string())
        });
        if let Err(error) = written {
            println!("  FAILED: the report could not be written: {error}");
            self.failed += 1;
        }
        println!("golden {name}:\n{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_paths() {
        assert!(matches("dsp.json", "dsp.json"));
        assert!(matches("lld/*.npy", "lld/a.npy"));
        assert!(!matches("*.npy", "lld/a.npy"));
        assert!(matches("dt_*_x*.json", "dt_1_xy.json"));
        assert!(!matches("dsp.json", "dsp.json2"));
    }

    #[test]
    fn a_changed_value_fails() {
        let mut case = Case::new("a", Path::new("a"), Path::new("."), Path::new("."));
        case.close("same", &[1.0, f64::NAN], &[1.0, f64::NAN], Tolerance::Exact);
        case.close("far", &[1.0], &[1.1], Tolerance::relative(1e-6));
        case.close("nan", &[f64::NAN], &[1.0], Tolerance::absolute(1e9));
        case.close("short", &[1.0], &[1.0, 2.0], Tolerance::absolute(1.0));
        let failed: Vec<_> = case.checks.values().map(|c| c.failed).collect();
        assert_eq!(failed, [1, 1, 0, 1]); // far, nan, same, short
        assert!(case.data("no such record").is_err());
    }
}
