//! Figures as SVG text, in the layouts that clinicians know.
//!
//! One centimetre of paper is 24 pixels in a cardiotocogram and one millimetre is 4 pixels in an ECG strip, so that the
//! proportions are those of paper at any zoom. They follow the reader's light or dark theme.

mod ctg;
mod ecg;
mod hrv;

pub use ctg::{CtgFigureConfig, PaperSpeed, ctg};
pub use ecg::{EcgMarks, EcgStripConfig, ecg_strip, ecg_strip_marked};
pub use hrv::{HrvTrendConfig, hrv_trend};
