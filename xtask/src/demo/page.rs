//! The report: one page that needs nothing else, and the same numbers as JSON.
//!
//! A case study that failed, or that hands over something which cannot be shown truly (a number that is not finite, a
//! broken surface), stands in both as an error; the others stand as they are. The page forbids itself the network (a
//! content security policy), so that nothing that a record contains can load or run anything.

mod format;
mod surface;

use eir_core::svg::{base64, escape};
use serde_json::{Value, json};

use self::format::{address, breakable, duration, is_numeric, prose, svg_width, value};
use self::surface::surface;
use super::study::{Block, Number, Study};

const STYLE: &str = include_str!("page.css");
const VIEWER: &str = include_str!("viewer.js");

/// A case study that has run.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The crate: "signal".
    pub(crate) id: &'static str,
    pub(crate) title: String,
    /// The error says what to do.
    pub(crate) outcome: Result<Study, String>,
    pub(crate) seconds: f64,
    /// The slowest step and its seconds.
    pub(crate) slowest: Option<(String, f64)>,
}

/// What the head of the report says. No date: the same input gives the same bytes but for the times.
#[derive(Debug, Clone)]
pub(crate) struct Meta {
    pub(crate) version: String,
    /// "simulated patients, seed 1" or "real records of …".
    pub(crate) input: String,
    /// The backend of the models: "flex".
    pub(crate) device: String,
    /// All case studies together.
    pub(crate) seconds: f64,
}

/// The study, if all of it can be shown truly.
pub(crate) fn checked(outcome: &Result<Study, String>) -> Result<&Study, String> {
    let study = outcome.as_ref().map_err(Clone::clone)?;
    for block in &study.blocks {
        match block {
            Block::Numbers(numbers) => {
                if let Some(n) = numbers.iter().find(|n| !n.value.is_finite()) {
                    let (label, id, value, source) = (&n.label, &n.id, n.value, &n.source);
                    return Err(format!(
                        "The number “{label}” (`{id}`) is not finite ({value}), so this case study has no result. \
                         Its source: {source}. Check that input; if it is sound, report this as a defect."
                    ));
                }
            }
            Block::Mesh { caption, vertices, triangles, .. } => {
                let fault = if triangles.is_empty() {
                    "has no triangles"
                } else if vertices.iter().flatten().any(|v| !v.is_finite()) {
                    "has a vertex that is not finite"
                } else if triangles.iter().flatten().any(|i| usize::try_from(*i).map_or(true, |i| i >= vertices.len()))
                {
                    "has a triangle whose vertex does not exist"
                } else {
                    continue;
                };
                return Err(format!(
                    "The surface “{caption}” {fault}: check the labels or the threshold it was made from."
                ));
            }
            Block::File { name, .. } if !is_inside(name) => {
                return Err(format!(
                    "The file “{name}” does not lie in the report's folder: write it there and name it relative to it."
                ));
            }
            _ => {}
        }
    }
    Ok(study)
}

/// Whether a file's name stays inside the report's folder, on every system.
fn is_inside(name: &str) -> bool {
    !name.contains(['\\', ':']) && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// What stands in `report.json`: every number of the report with its unit and where it comes from.
pub(crate) fn json(cases: &[Case], meta: &Meta) -> Value {
    let number = |n: &Number| json!({"id": n.id, "label": n.label, "value": n.value, "unit": n.unit, "source": n.source, "note": n.note});
    let case = |case: &Case| {
        let seconds = (case.seconds * 1e3).round() / 1e3;
        match checked(&case.outcome) {
            Ok(study) => {
                json!({"id": case.id, "title": case.title, "status": "ok", "summary": study.summary, "seconds": seconds,
                "numbers": study.numbers().map(number).collect::<Vec<_>>()})
            }
            Err(error) => {
                json!({"id": case.id, "title": case.title, "status": "error", "error": error, "seconds": seconds, "numbers": []})
            }
        }
    };
    json!({"project": "eir", "version": meta.version, "input": meta.input, "device": meta.device,
        "cases": cases.iter().map(case).collect::<Vec<_>>()})
}

/// The page.
pub(crate) fn html(cases: &[Case], meta: &Meta) -> String {
    let mut body = head(cases, meta);
    let mut count = Count::default();
    for case in cases {
        section(&mut body, case, &mut count);
    }
    body += "</main><footer class=\"foot\"><div class=\"page\"><p><strong>Not a medical device.</strong> For research, teaching and \
        development; nothing on this page is meant for the diagnosis or treatment of a person.</p>\
        <p>Made again by <code>cargo xtask demo</code> in the project's folder; with <code>--data DIR</code> on the real records in \
        DIR, without it on simulated patients. Same input, same page, but for the times.</p>\
        <p>All numbers of this page, with units and sources: <a href=\"./report.json\">report.json</a>, beside this file.</p></div></footer>";
    // A word that text inside the page cannot know beforehand: only the script with this word runs.
    let nonce =
        body.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!(
        "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
         script-src 'nonce-{nonce:016x}'; base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"icon\" href=\"data:,\"><title>eir: case studies</title>\n<style>\n{STYLE}</style></head>\n<body>{body}\n\
         <script nonce=\"{nonce:016x}\">\n{VIEWER}</script></body></html>\n"
    )
}

/// How many figures and tables there have been: they are numbered through the page.
#[derive(Default)]
struct Count {
    figures: usize,
    tables: usize,
}

impl Count {
    fn figure(&mut self, caption: &str) -> String {
        self.figures += 1;
        format!("<figcaption><b>Figure {}.</b> {} </figcaption>", self.figures, prose(caption))
    }

    fn table(&mut self, caption: &str) -> String {
        self.tables += 1;
        format!("<figcaption><b>Table {}.</b> {} </figcaption>", self.tables, prose(caption))
    }
}

/// Title, facts and the overview with one card per case study; opens `main`.
fn head(cases: &[Case], meta: &Meta) -> String {
    let done = cases.iter().filter(|c| checked(&c.outcome).is_ok()).count();
    let result = if done == cases.len() { format!("all {done}") } else { format!("{done} of {}", cases.len()) };
    let [version, input, device] = [&meta.version, &meta.input, &meta.device].map(|t| escape(t));
    let total = duration(meta.seconds);
    let mut text = format!(
        "<a class=\"skip\" href=\"#content\">Skip to the case studies</a><header class=\"head\"><div class=\"page\">\
         <div class=\"brand\"><b>eir</b><svg aria-hidden=\"true\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.5\" \
         stroke-linejoin=\"round\"><path d=\"M0 20h40q5-7 10 0h9l2 2 5-19 6 25 3-8h11q8-10 16 0h3000\"/></svg></div><h1>From a record to a result</h1><p class=\"lede\">Case studies of the eir crates, each from its input to \
         something that can be looked at and checked. Not a medical device.</p><dl class=\"facts\">\
         <div><dt>Input</dt><dd>{input}</dd></div><div><dt>Case studies with a result</dt><dd>{result}</dd></div>\
         <div><dt>Models run on</dt><dd>{device}</dd></div><div><dt>Time in all</dt><dd>{total}</dd></div>\
         <div><dt>Version</dt><dd>{version}</dd></div></dl></div></header>\n<main class=\"page\" id=\"content\">\
         <section class=\"overview\" id=\"overview\"><h2>Overview</h2><ul class=\"cards\">"
    );
    for case in cases {
        let (id, title) = (escape(case.id), prose(&case.title));
        let checked = checked(&case.outcome);
        let (class, top) = (if checked.is_ok() { "card" } else { "card error" }, top(case, checked.is_ok()));
        text += &format!("\n<li class=\"{class}\">{top}<h3><a href=\"#case-{id}\">{title}</a></h3>");
        match checked {
            Ok(study) => {
                let key = |n: &Number| format!("<div><dt>{}</dt><dd>{}</dd></div>", prose(&n.label), value(n));
                let keys: String = study.numbers().take(3).map(key).collect();
                let keys = if keys.is_empty() { keys } else { format!("<dl>{keys}</dl>") };
                text += &format!("<p>{}</p>{keys}</li>", prose(&study.summary));
            }
            Err(error) => text += &format!("<p>No result. {}</p></li>", prose(&error)),
        }
    }
    text + "</ul></section>"
}

/// The line over a title: crate, time, status.
fn top(case: &Case, ok: bool) -> String {
    let status = if ok { "✓ ok" } else { "✕ error" };
    let (id, time) = (escape(case.id), duration(case.seconds));
    format!("<div class=\"top\"><span>eir-{id} · {time}</span><span class=\"status\">{status}</span></div>")
}

/// One case study.
fn section(text: &mut String, case: &Case, count: &mut Count) {
    let (id, title) = (escape(case.id), prose(&case.title));
    let checked = checked(&case.outcome);
    let (class, top) = (if checked.is_ok() { "case" } else { "case error" }, top(case, checked.is_ok()));
    *text += &format!(
        "\n<section class=\"{class}\" id=\"case-{id}\" aria-labelledby=\"title-{id}\">{top}<h2 id=\"title-{id}\">{title}</h2>"
    );
    match checked {
        Ok(study) => {
            let (summary, input) = (prose(&study.summary), prose(&study.input));
            *text +=
                &format!("<p class=\"summary\">{summary}</p><p class=\"input\"><b>Input</b> <span>{input}</span></p>");
            for part in &study.blocks {
                block(text, part, count);
            }
        }
        Err(error) => {
            let error = prose(&error);
            *text += &format!(
                "<div class=\"failure\"><b>This case study gave no result</b>{error}</div>\
                 <p class=\"text\">The other case studies do not depend on it. Once this is mended, run <code>cargo xtask demo</code> again.</p>"
            );
        }
    }
    let slowest = case.slowest.as_ref().map_or_else(String::new, |(step, seconds)| {
        let (part, all) = (duration(*seconds), duration(case.seconds));
        let of = if part == all { String::new() } else { format!(" of {all}") };
        format!("Slowest step: {} ({part}{of})", prose(step))
    });
    *text += &format!(
        "<p class=\"after\"><span>{slowest}</span><a class=\"up\" href=\"#overview\">↑ Overview</a></p></section>"
    );
}

/// One part of a case study.
fn block(text: &mut String, block: &Block, count: &mut Count) {
    match block {
        Block::Text(paragraphs) => {
            for paragraph in paragraphs.split("\n\n").filter(|p| !p.trim().is_empty()) {
                *text += &format!("\n<p class=\"text\">{}</p>", prose(paragraph));
            }
        }
        Block::Numbers(numbers) => {
            *text += "\n<dl class=\"numbers\">";
            for n in numbers {
                *text += &format!("<div><dt>{}</dt><dd class=\"value\">{}</dd>", prose(&n.label), value(n));
                if !n.note.is_empty() {
                    *text += &format!("<dd class=\"note\">{}</dd>", prose(&n.note));
                }
                *text += &format!("<dd class=\"source\">{}</dd></div>", breakable(&n.source));
            }
            *text += "</dl>";
        }
        Block::Svg { caption, svg } => {
            let width = svg_width(svg).map_or_else(String::new, |w| format!(" style=\"--w:{w}\""));
            let caption = count.figure(caption);
            *text += &format!("\n<figure><div class=\"scroll\"{width}>{svg}</div>{caption}</figure>");
        }
        Block::Png { caption, alt, png } => {
            *text += &format!("\n<figure>{}{}</figure>", picture(alt, png), count.figure(caption))
        }
        Block::Mesh { caption, alt, vertices, triangles, png } => {
            let (picture, surface, caption) = (picture(alt, png), surface(vertices, triangles), count.figure(caption));
            *text += &format!("\n<figure><div class=\"surface\">{picture}{surface}</div>{caption}</figure>");
        }
        Block::Table { caption, header, rows } => table(text, &count.table(caption), header, rows),
        Block::File { name, what } => {
            let (href, name, what) = (address(name), escape(name), prose(what));
            *text += &format!("\n<p class=\"file\"><a href=\"{href}\">{name}</a> {what}</p>");
        }
    }
}

/// A table; columns of numbers are set flush right, columns of sentences are kept wide.
fn table(text: &mut String, caption: &str, header: &[String], rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or(0);
    let numeric: Vec<bool> = (0..columns).map(|c| c > 0 && is_numeric(rows.iter().filter_map(|r| r.get(c)))).collect();
    let long: Vec<bool> =
        (0..columns).map(|c| rows.iter().filter_map(|r| r.get(c)).any(|cell| cell.len() > 40)).collect();
    let cells = |text: &mut String, cells: &[String], head: bool| {
        *text += "<tr>";
        for (c, (right, long)) in numeric.iter().zip(&long).enumerate() {
            let (tag, scope) = if head {
                ("th", " scope=\"col\"")
            } else if c == 0 {
                ("th", " scope=\"row\"")
            } else {
                ("td", "")
            };
            let class = if *right {
                " class=\"n\""
            } else if *long {
                " class=\"long\""
            } else {
                ""
            };
            let cell = cells.get(c).map_or_else(String::new, |cell| prose(cell));
            *text += &format!("<{tag}{scope}{class}>{cell}</{tag}>");
        }
        *text += "</tr>";
    };
    let many = if columns > 8 { " class=\"many\"" } else { "" };
    *text += &format!("\n<figure class=\"table\">{caption}<div class=\"scroll\"><table{many}><thead>");
    cells(text, header, true);
    *text += "</thead><tbody>";
    for row in rows {
        cells(text, row, false);
    }
    *text += "</tbody></table></div></figure>";
}

/// An `img` with the picture in it.
fn picture(alt: &str, png: &[u8]) -> String {
    // width and height stand at fixed places of a PNG's first chunk; with them the page does not jump while it loads
    let size = |at: usize| png.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes);
    let (w, h, alt) = (size(16), size(20), escape(alt));
    let size = if w > 0 && h > 0 { format!(" width=\"{w}\" height=\"{h}\"") } else { String::new() };
    format!("<img alt=\"{alt}\"{size} src=\"data:image/png;base64,{}\">", base64(png))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>\" onload='x";

    fn case(study: Study) -> Case {
        Case {
            id: "signal",
            title: study.title.clone(),
            outcome: Ok(study),
            seconds: 1.25,
            slowest: Some((HOSTILE.to_owned(), 0.5)),
        }
    }

    fn meta() -> Meta {
        Meta { version: "0.1.0".to_owned(), input: HOSTILE.to_owned(), device: "flex".to_owned(), seconds: 3.0 }
    }

    /// Every kind of block, with hostile text wherever text stands.
    fn study() -> Study {
        let mut study = Study::new(HOSTILE, HOSTILE);
        study.summary = HOSTILE.to_owned();
        study.text(HOSTILE);
        study.number("baseline_bpm", HOSTILE, -12345.678, HOSTILE, 1, HOSTILE, HOSTILE);
        study.number("stv_ms", "STV", 0.1, "ms", 2, "stv, 1001", "");
        study.svg(HOSTILE, eir_core::svg::Svg::new(900.0, 100.0, HOSTILE, HOSTILE).finish());
        study.png(HOSTILE, HOSTILE, vec![0; 30]);
        study.table(HOSTILE, &[HOSTILE, "n"], vec![vec![HOSTILE.to_owned(), "−3.5".to_owned()]]);
        study.mesh(HOSTILE, HOSTILE, vec![[0.0; 3], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], vec![[0, 1, 2]], Vec::new());
        study.file("a b#.stl", HOSTILE);
        study.number("late", "Late", 7.0, "", 0, "here", "");
        study
    }

    #[test]
    fn hostile_text_stays_text() {
        let failed = Case {
            id: "audio",
            title: HOSTILE.to_owned(),
            outcome: Err(HOSTILE.to_owned()),
            seconds: 0.0,
            slowest: None,
        };
        let page = html(&[case(study()), failed], &meta());
        assert!(!page.contains("<script>") && !page.contains("onload='") && page.contains("&lt;script&gt;"), "{page}");
        // the viewer, the surface, and nothing else
        assert_eq!((page.matches("<script").count(), page.matches("</script>").count()), (2, 2));
        assert!(
            page.contains("href=\"./a%20b%23.stl\"") && page.contains("−12\u{202f}345.7") && page.contains("--w:900")
        );
        assert!(page.contains(">1 of 2<") && page.contains("class=\"failure\""));
    }

    #[test]
    fn assets_fit_into_the_page() {
        assert!(!VIEWER.contains("</script") && !STYLE.contains("</style") && !VIEWER.contains("eval("));
        assert!(!VIEWER.contains("http") && !STYLE.contains("url("), "the page loads nothing");
    }

    #[test]
    fn what_cannot_be_shown_truly_is_an_error() {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut study = study();
            study.number("stv_ms", "Short-term variation", bad, "ms", 1, "`stv`, record 1001", "");
            let (page, report) = (html(&[case(study.clone())], &meta()), json(&[case(study)], &meta()));
            assert_eq!(report["cases"][0]["status"], "error");
            let error = report["cases"][0]["error"].as_str().unwrap();
            assert!(error.contains("stv_ms") && error.contains("record 1001"), "{error}");
            assert!(
                page.contains("Short-term variation")
                    && page.contains("class=\"failure\"")
                    && !report.to_string().contains("null")
            );
        }
        let flaws: [fn(&mut Study); 5] = [
            |s| s.mesh("m", "m", vec![[0.0; 3]], vec![[0, 0, 1]], Vec::new()),
            |s| s.mesh("m", "m", vec![[f32::NAN; 3]], vec![[0, 0, 0]], Vec::new()),
            |s| s.mesh("m", "m", Vec::new(), Vec::new(), Vec::new()),
            |s| s.file("../secret", ""),
            |s| s.file("javascript:alert(1)", ""),
        ];
        for flaw in flaws {
            let mut study = study();
            flaw(&mut study);
            assert!(checked(&Ok(study)).is_err());
        }
        assert_eq!(checked(&Err("no".to_owned())).unwrap_err(), "no");
    }

    #[test]
    fn json_has_every_number() {
        let report = json(&[case(study())], &meta());
        let numbers = report["cases"][0]["numbers"].as_array().unwrap();
        let found: Vec<_> = numbers.iter().map(|n| (n["id"].as_str().unwrap(), n["value"].as_f64().unwrap())).collect();
        assert_eq!(found, [("baseline_bpm", -12345.678), ("stv_ms", 0.1), ("late", 7.0)]);
        assert!(numbers.iter().all(|n| ["label", "unit", "source", "note"].iter().all(|k| n[k].is_string())));
        assert_eq!((report["cases"][0]["status"].as_str(), report["project"].as_str()), (Some("ok"), Some("eir")));
    }

    #[test]
    fn same_cases_same_bytes() {
        let cases = [case(study())];
        assert_eq!(html(&cases, &meta()), html(&cases.clone(), &meta()));
        assert_eq!(json(&cases, &meta()).to_string(), json(&cases.clone(), &meta()).to_string());
    }
}
