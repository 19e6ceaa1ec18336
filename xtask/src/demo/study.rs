//! What a case study hands to the report.

use std::error::Error;
use std::path::PathBuf;

/// What a case study returns; an error becomes its error line in the report, and says what to do.
pub(crate) type Outcome = Result<Study, Box<dyn Error>>;

/// Where a case study finds its input and how it tells what it does.
#[derive(Debug)]
pub(crate) struct Context {
    /// Folder of the real records with one folder per crate; without it, simulated patients.
    pub(crate) data: Option<PathBuf>,
    /// Folder of the published weights; without it, none are at hand.
    pub(crate) models: Option<PathBuf>,
    /// The backend on which models run: "flex", "wgpu" or "cuda".
    pub(crate) device: String,
    /// Folder of the report; a case study may write files (meshes, tables) into it and link to them.
    pub(crate) out: PathBuf,
    pub(crate) progress: Progress,
}

impl Context {
    /// Tells what is being done now.
    pub(crate) fn step(&self, what: &str) {
        self.progress.step(what);
    }
}

/// The line on the terminal and how long each step took.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: indicatif::ProgressBar,
    steps: std::cell::RefCell<Vec<(String, std::time::Instant)>>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = indicatif::ProgressBar::new_spinner();
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        Self { bar, steps: std::cell::RefCell::default() }
    }

    pub(crate) fn step(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        self.steps.borrow_mut().push((what.to_owned(), std::time::Instant::now()));
    }

    /// Ends a case study: its slowest step and that step's time in seconds.
    pub(crate) fn slowest(&self) -> Option<(String, f64)> {
        let steps = std::mem::take(&mut *self.steps.borrow_mut());
        let ends = steps.iter().skip(1).map(|s| s.1).chain([std::time::Instant::now()]);
        let times = steps.iter().zip(ends).map(|((what, start), end)| (what.clone(), (end - *start).as_secs_f64()));
        times.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// A line that stays.
    pub(crate) fn line(&self, text: &str) {
        self.bar.suspend(|| println!("{text}"));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A number of the report; all of them stand in `report.json`.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) value: f64,
    /// "" where it has none.
    pub(crate) unit: String,
    /// Digits behind the point.
    pub(crate) digits: usize,
    /// The function and the record that it comes from.
    pub(crate) source: String,
    /// What to hold it against: "normal 110–160", "reference 142.0 (FHRMA)"; may be empty.
    pub(crate) note: String,
}

/// A part of a case study, in the order of the page.
#[derive(Debug, Clone)]
pub(crate) enum Block {
    Text(String),
    Numbers(Vec<Number>),
    Svg {
        caption: String,
        svg: String,
    },
    Png {
        caption: String,
        alt: String,
        png: Vec<u8>,
    },
    Table {
        caption: String,
        header: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// A surface to turn with the mouse or a finger; `png` is what print and readers without scripts see.
    Mesh {
        caption: String,
        alt: String,
        vertices: Vec<[f32; 3]>,
        triangles: Vec<[u32; 3]>,
        png: Vec<u8>,
    },
    /// A file in the report's folder.
    File {
        name: String,
        what: String,
    },
}

/// One case study: from an input to something that can be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Study {
    /// What a clinician would call it.
    pub(crate) title: String,
    /// The answer in one sentence: stands in the overview and as the line on the terminal.
    pub(crate) summary: String,
    /// The record, its licence and origin; or "simulated, seed 1".
    pub(crate) input: String,
    pub(crate) blocks: Vec<Block>,
}

impl Study {
    pub(crate) fn new(title: &str, input: &str) -> Self {
        Self { title: title.to_owned(), summary: String::new(), input: input.to_owned(), blocks: Vec::new() }
    }

    /// A paragraph of plain text.
    pub(crate) fn text(&mut self, text: &str) {
        self.blocks.push(Block::Text(text.to_owned()));
    }

    /// A number; consecutive ones stand together. `id` is its key in `report.json`, with the unit in the name.
    #[expect(
        clippy::too_many_arguments,
        reason = "a case study lists its numbers one a line; a builder would hide them"
    )]
    pub(crate) fn number(
        &mut self,
        id: &str,
        label: &str,
        value: f64,
        unit: &str,
        digits: usize,
        source: &str,
        note: &str,
    ) {
        let number = Number {
            id: id.to_owned(),
            label: label.to_owned(),
            value,
            unit: unit.to_owned(),
            digits,
            source: source.to_owned(),
            note: note.to_owned(),
        };
        match self.blocks.last_mut() {
            Some(Block::Numbers(numbers)) => numbers.push(number),
            _ => self.blocks.push(Block::Numbers(vec![number])),
        }
    }

    /// A figure.
    pub(crate) fn svg(&mut self, caption: &str, svg: String) {
        self.blocks.push(Block::Svg { caption: caption.to_owned(), svg });
    }

    /// A picture; `alt` says what is to be seen.
    pub(crate) fn png(&mut self, caption: &str, alt: &str, png: Vec<u8>) {
        self.blocks.push(Block::Png { caption: caption.to_owned(), alt: alt.to_owned(), png });
    }

    /// A table.
    pub(crate) fn table(&mut self, caption: &str, header: &[&str], rows: Vec<Vec<String>>) {
        let header = header.iter().map(ToString::to_string).collect();
        self.blocks.push(Block::Table { caption: caption.to_owned(), header, rows });
    }

    /// A surface in mm (x, y, z as in the patient: left, posterior, superior) to turn.
    pub(crate) fn mesh(
        &mut self,
        caption: &str,
        alt: &str,
        vertices: Vec<[f32; 3]>,
        triangles: Vec<[u32; 3]>,
        png: Vec<u8>,
    ) {
        let (caption, alt) = (caption.to_owned(), alt.to_owned());
        self.blocks.push(Block::Mesh { caption, alt, vertices, triangles, png });
    }

    /// A link to a file that was written into the report's folder.
    pub(crate) fn file(&mut self, name: &str, what: &str) {
        self.blocks.push(Block::File { name: name.to_owned(), what: what.to_owned() });
    }

    /// All numbers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &Number> {
        self.blocks.iter().flat_map(|b| if let Block::Numbers(n) = b { n.as_slice() } else { &[] })
    }
}
