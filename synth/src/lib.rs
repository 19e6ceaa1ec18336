//! Synthetic patients with known truth.
//!
//! ```
//! use eir_synth::{EcgConfig, GaussianCopulaConfig, ecg, fidelity, simulated_patients};
//!
//! let ecg = ecg(&EcgConfig::default().with_heart_rate_bpm(70.0), 1)?;     // a minute at 250 Hz
//! assert!((68..=72).contains(&ecg.r_peaks.len()));                        // its beats are known
//!
//! let real = simulated_patients(2000, 1)?.table;                          // or CsvConfig::read
//! let copula = GaussianCopulaConfig::default().fit(&real)?;
//! let synthetic = copula.sample(2000, 7)?;                                // same seed, same bytes
//! assert!(fidelity(&real, &synthetic)?.overall.unwrap_or(0.0) > 0.93);
//! # Ok::<(), eir_synth::Error>(())
//! ```
//!
//! | what | function | settings | the truth that comes with it |
//! |---|---|---|---|
//! | electrocardiogram | [`ecg`](fn@ecg) | [`EcgConfig`] | R-peaks |
//! | cardiotocogram | [`ctg`](fn@ctg) | [`CtgConfig`] | baseline, events |
//! | knee exercise | [`knee_exercise`](fn@knee_exercise) | [`KneeExerciseConfig`] | knee flexion, repetitions |
//! | voice | [`voice`](fn@voice) | [`VoiceConfig`] | F0, glottal periods |
//! | knee volume | [`knee_volume`](fn@knee_volume) | [`KneeVolumeConfig`] | labels, volumes in mm³ |
//! | patients | [`simulated_patients`] | | latent correlations |
//!
//! | tables | |
//! |---|---|
//! | [`Table`], [`Column`], [`Values`] | mixed kinds, missing values |
//! | [`read_csv`], [`CsvConfig`] | CSV in and out |
//! | [`synthesise`], [`GaussianCopulaConfig`], [`GaussianCopula`] | a synthetic table from a real one |
//! | [`fidelity`](fn@fidelity), [`FidelityConfig`] | how faithful it is |
//! | [`closeness`] | how close its rows come to real patients |
//! | [`measures`] | the single measures |
//!
//! Every simulator and sampler takes a seed: the same seed gives the same bytes on every machine and any number of
//! threads.
//!
//! What it does **not** do: differential privacy, generators other than the Gaussian copula, several rows per patient,
//! rules between columns. Synthetic does not mean anonymous: see [`GaussianCopula`] and [`Closeness`].

mod column_measures;
mod correlation;
mod csv_file;
mod ctg;
mod ecg;
mod error;
mod fidelity;
mod gaussian_copula;
mod implicit;
mod knee_exercise;
mod knee_volume;
mod lf_source;
mod margin;
mod pair_measures;
mod privacy;
mod table;
mod voice;

/// The single measures that [`fidelity`](fn@fidelity) is made of, and correlations.
pub mod measures {
    pub use crate::column_measures::{
        boundary_adherence, category_adherence, category_coverage, ks_complement, mean, median, missing_similarity,
        range_coverage, standard_deviation, statistic_similarity, tv_complement, wasserstein,
    };
    pub use crate::correlation::{normal_scores, pearson, spearman};
    pub use crate::pair_measures::{CrossTable, correlation_similarity};
}

pub use csv_file::{CsvConfig, read_csv};
pub use ctg::{Ctg, CtgConfig, CtgEvent, CtgEventKind, ctg};
pub use ecg::{Ecg, EcgConfig, EcgWaves, ecg, scaled_mv};
pub use error::{Error, Result};
pub use fidelity::{ColumnFidelity, Fidelity, FidelityConfig, Measure, PairFidelity, fidelity};
pub use gaussian_copula::{
    CHUNK_ROWS, GaussianCopula, GaussianCopulaConfig, SimulatedPatients, simulated_patients, synthesise,
};
pub use knee_exercise::{Exercise, KneeExercise, KneeExerciseConfig, knee_exercise};
pub use knee_volume::{KneeVolume, KneeVolumeConfig, Modality, knee_volume};
pub use lf_source::LfSource;
pub use measures::{CrossTable, ks_complement, tv_complement};
pub use privacy::{Closeness, closeness};
pub use table::{Column, Kind, Table, Values};
pub use voice::{Voice, VoiceConfig, voice};
