//! Benchmarks against the tools that users would otherwise pick: the same work, in turn, in one run.
//!
//! A crate has a bench target with `harness = false` and, beside it, `peers.py` and `requirements.txt`. The Python
//! side is one process that is asked for one measurement at a time, so that ours and the peer's alternate and both see
//! the same machine:
//!
//! ```no_run
//! use eir_core::testing::bench::Bench;
//!
//! fn main() -> std::process::ExitCode {
//!     let mut bench = Bench::from_args("signal", env!("CARGO_MANIFEST_DIR"));
//!     let x = vec![0.0f32; 1000];
//!     bench.row("mean", "1000 samples", 2.0).peer("numpy", "mean").run(|| x.iter().sum::<f32>());
//!     bench.finish()
//! }
//! ```
//!
//! `peers.py` defines functions and ends with `serve(globals())` as `core/benches/serve.py` gives it: `mean()` must
//! return a function that does the work once; making it (reading the input) is not timed.
//!
//! A part of a crate with a benchmark of its own, named `crate-part`, has its peers in `part_peers.py`.
//!
//! Without `--peers` only our own times and those of peers in Rust are taken; `--only TEXT` takes the rows whose name holds
//! the text; `--cpu` counts processor time instead of the clock's, for a machine that does other work as well. The result
//! goes to `target/bench/<crate>.json`, unless only some rows were taken.

use serde_json::{Value, json};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::LazyLock;
use std::time::Instant;

/// Rounds of ours and the peer's, unless set; the fastest of each counts, as everything that disturbs only slows.
const ROUNDS: usize = 7;
/// A measurement repeats the work until it takes this long, unless set.
const MIN_S: f64 = 0.05;

/// The benchmark of one crate.
#[derive(Debug)]
pub struct Bench {
    name: &'static str,
    folder: PathBuf,
    peers: Option<Peers>,
    rows: Vec<Value>,
    failed: bool,
    rounds: usize,
    min_s: f64,
    only: Option<String>,
    clock: Clock,
}

/// What counts as time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    Wall,
    /// Of all threads of the process.
    Processor,
}

/// A row of the table that is being made.
#[derive(Debug)]
#[must_use]
pub struct Row<'a> {
    bench: &'a mut Bench,
    name: &'a str,
    input: &'a str,
    goal: f64,
    threads: usize,
    peer: Option<(&'a str, &'a str)>,
}

impl Bench {
    /// The benchmark of crate `name` whose folder is `folder`, with the arguments of the command line.
    #[must_use]
    pub fn from_args(name: &'static str, folder: &str) -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let wanted = arguments.iter().any(|a| a == "--peers");
        let only = arguments.iter().skip_while(|a| *a != "--only").nth(1).map(|text| text.to_lowercase());
        let clock = if arguments.iter().any(|a| a == "--cpu") { Clock::Processor } else { Clock::Wall };
        let folder = PathBuf::from(folder);
        let (mut peers, mut failed) = (None, false);
        if wanted {
            match Peers::start(name, &folder) {
                Ok(p) => peers = Some(p),
                Err(error) => {
                    println!("the peers of {name} could not be started: {error}");
                    failed = true;
                }
            }
        }
        let kind = if clock == Clock::Wall { "" } else { "processor " };
        println!(
            "{name}: our {kind}time, the peer's, ratio = the peer's over ours, goal (fastest of the rounds of each)"
        );
        // the kernel counts processor time in steps of some milliseconds
        let min_s = if clock == Clock::Wall { MIN_S } else { MIN_S * 4.0 };
        Self { name, folder, peers, rows: Vec::new(), failed, rounds: ROUNDS, min_s, only, clock }
    }

    /// Sets how many rounds there are and how long a measurement takes at least: many short ones for work of
    /// milliseconds, which on a busy machine is seldom done without a break.
    #[must_use]
    pub fn with_rounds(self, rounds: usize, min_s: f64) -> Self {
        let min_s = if self.clock == Clock::Wall { min_s } else { self.min_s };
        Self { rounds, min_s, ..self }
    }

    /// The crate's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A row: what is measured, on what input, and the ratio that is the goal.
    pub fn row<'a>(&'a mut self, name: &'a str, input: &'a str, goal: f64) -> Row<'a> {
        Row { bench: self, name, input, goal, threads: 1, peer: None }
    }

    /// Writes the JSON and gives the exit code: a failure if a peer could not be run.
    #[must_use]
    pub fn finish(self) -> ExitCode {
        if self.only.is_some() {
            return if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
        let json = json!({"machine": machine(), "rows": self.rows});
        let folder = super::target().join("bench");
        let path = folder.join(format!("{}.json", self.name));
        let written = std::fs::create_dir_all(&folder).map_err(|e| e.to_string()).and_then(|()| {
            crate::file::write_atomic(&path, format!("{json:#}\n").as_bytes()).map_err(|e| e.to_string())
        });
        match written {
            Ok(()) if !self.failed => ExitCode::SUCCESS,
            Ok(()) => ExitCode::FAILURE,
            Err(error) => {
                println!("the report could not be written: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

impl<'a> Row<'a> {
    /// Threads that ours uses (the peer is started with as many); 1 unless said.
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// The peer's name and version as printed, and the function of `peers.py` that does the same work.
    pub fn peer(self, peer: &'a str, function: &'a str) -> Self {
        Self { peer: Some((peer, function)), ..self }
    }

    /// Measures: ours, the peer, ours, the peer and so on.
    pub fn run<T>(self, work: impl FnMut() -> T) {
        let function = self.peer.map(|(_, function)| function.to_owned());
        self.alternate(work, move |bench| {
            Some(bench.peers.as_mut()?.time(function.as_deref()?, bench.min_s, bench.clock))
        });
    }

    /// As [`run`](Self::run), with a peer in Rust: its name and version, and the same work.
    pub fn run_against<T, U>(self, peer: &'a str, work: impl FnMut() -> T, mut theirs: impl FnMut() -> U) {
        if self.left_out() {
            return;
        }
        let (repeat, clock) = (repeat(&mut theirs, self.bench.min_s), self.bench.clock);
        Self { peer: Some((peer, "")), ..self }.alternate(work, move |_| Some(Ok(clock.seconds(repeat, &mut theirs))));
    }

    fn left_out(&self) -> bool {
        self.bench.only.as_ref().is_some_and(|text| !self.name.to_lowercase().contains(text))
    }

    fn alternate<T>(
        self,
        mut work: impl FnMut() -> T,
        mut their_time: impl FnMut(&mut Bench) -> Option<Result<f64, String>>,
    ) {
        if self.left_out() {
            return;
        }
        let (repeat, clock) = (repeat(&mut work, self.bench.min_s), self.bench.clock);
        let (mut ours, mut theirs) = (f64::INFINITY, None::<f64>);
        for _ in 0..self.bench.rounds {
            ours = ours.min(clock.seconds(repeat, &mut work));
            match their_time(self.bench) {
                None => {}
                Some(Ok(seconds)) => theirs = Some(theirs.map_or(seconds, |t| t.min(seconds))),
                Some(Err(error)) => {
                    println!("  {}: the peer failed: {error}", self.name);
                    self.bench.failed = true;
                    break;
                }
            }
        }
        let peer = self.peer.map(|(name, _)| name);
        let ratio = theirs.map(|t| t / ours);
        let show = |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), |s| format!("{:.3} ms", s * 1e3));
        println!(
            "  {:<34} {:<38} {:>12} {:>14} {:>8} (goal {}) {}",
            self.name,
            self.input,
            show(Some(ours)),
            show(theirs),
            ratio.map_or_else(|| "-".to_owned(), |r| format!("{r:.2}x")),
            self.goal,
            peer.unwrap_or_default(),
        );
        self.bench.rows.push(json!({
            "name": self.name, "input": self.input, "ours_s": ours, "peer": peer, "peer_s": theirs,
            "ratio": ratio, "goal": self.goal, "threads": self.threads,
        }));
    }
}

impl Clock {
    /// Seconds that `work` takes once, over `repeat` times.
    fn seconds<T>(self, repeat: usize, work: &mut impl FnMut() -> T) -> f64 {
        let start = self.now();
        for _ in 0..repeat {
            black_box(work());
        }
        (self.now() - start) / repeat as f64
    }

    /// Seconds since some moment.
    fn now(self) -> f64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let wall = START.elapsed().as_secs_f64();
        if self == Self::Wall { wall } else { processor_s().unwrap_or(wall) }
    }
}

/// Processor time of all threads, where Linux tells it.
fn processor_s() -> Option<f64> {
    let nanoseconds = std::fs::read_dir("/proc/self/task").ok()?.filter_map(|task| {
        let line = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    });
    Some(nanoseconds.sum::<f64>() * 1e-9)
}

/// How often `work` is done in one measurement: the first call, which touches new memory, does not tell.
fn repeat<T>(work: &mut impl FnMut() -> T, min_s: f64) -> usize {
    let once = Clock::Wall.seconds(1, work).min(Clock::Wall.seconds(1, work));
    ((min_s / once.max(1e-9)).ceil() as usize).clamp(1, 1_000_000)
}

/// The Python process that does the peers' work.
#[derive(Debug)]
struct Peers {
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl Peers {
    fn start(name: &str, folder: &Path) -> Result<Self, String> {
        let (krate, script) = match name.split_once('-') {
            Some((krate, part)) => (krate, format!("benches/{part}_peers.py")),
            None => (name, "benches/peers.py".to_owned()),
        };
        let python = super::target().join("peers").join(krate).join("bin/python");
        if !python.exists() {
            return Err(format!("{} is missing: `cargo xtask bench --peers {krate}` installs it", python.display()));
        }
        let mut child = Command::new(&python)
            .arg(folder.join(script))
            .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/benches"))
            .envs(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"].map(|k| (k, "1")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", python.display()))?;
        let (Some(ask), Some(answer)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipe to the peers".to_owned());
        };
        Ok(Self { child, ask, answer: BufReader::new(answer) })
    }

    /// Seconds that `function` takes once.
    fn time(&mut self, function: &str, min_s: f64, clock: Clock) -> Result<f64, String> {
        let clock = if clock == Clock::Wall { "wall" } else { "cpu" };
        writeln!(self.ask, "{function} {min_s} {clock}").and_then(|()| self.ask.flush()).map_err(|e| e.to_string())?;
        let mut line = String::new();
        while !line.starts_with("eir ") {
            line.clear(); // the peers' own chatter
            if self.answer.read_line(&mut line).map_err(|e| e.to_string())? == 0 {
                return Err("the peers' process ended".to_owned());
            }
        }
        let answer = line.trim_start_matches("eir ").trim();
        answer.parse().map_err(|_| answer.to_owned())
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended by itself
        let _ = self.child.wait();
    }
}

/// Processor and number of cores, for the reader of the JSON.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or(": unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cores} cores", model.trim_start_matches([' ', '\t', ':']))
}
