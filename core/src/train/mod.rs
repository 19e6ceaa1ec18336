//! Training of a network: the loop that every model of the family is trained with.
//!
//! A model says what its loss on a batch is ([`Learn`]); the [`Trainer`] does the rest: shuffled batches, optimiser,
//! schedule of the learning rate, clipping of the gradient, early stopping, a log of one JSON line per epoch, and a
//! checkpoint after every epoch from which an interrupted training goes on to the same bytes. Use it to train from
//! scratch or to go on training; where a closed solution exists (logistic regression, least squares), use that.
//!
//! ```
//! # #[cfg(feature = "flex")] {
//! use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::{Device, Tensor}};
//! use eir_core::{random::Stream, train::{Learn, Schedule, StepError, TrainConfig, Trainer}};
//!
//! #[derive(Module, Debug)]
//! struct Line { layer: Linear }
//!
//! impl Learn for Line {
//!     type Example = (f32, f32);
//!     fn loss(&self, batch: &[&(f32, f32)], _: &mut Stream, device: &Device) -> Result<Tensor<1>, StepError> {
//!         let column = |of: fn(&(f32, f32)) -> f32| {
//!             let values: Vec<f32> = batch.iter().map(|e| of(e)).collect();
//!             Tensor::<1>::from_floats(values.as_slice(), device).reshape([batch.len(), 1])
//!         };
//!         Ok((self.layer.forward(column(|e| e.0)) - column(|e| e.1)).square().mean())
//!     }
//! }
//!
//! let device = Device::flex();
//! let data: Vec<(f32, f32)> = (0..64).map(|i| i as f32 / 32.0 - 1.0).map(|x| (x, 3.0 * x + 1.0)).collect();
//! let config = TrainConfig::default().with_epochs(80).with_learning_rate(0.1).with_batch(16)
//!     .with_schedule(Schedule::Cosine { warm_up_steps: 10, floor: 0.01 });
//! let model = Line { layer: LinearConfig::new(1, 1).init(&device) };
//! let fitted = Trainer::new(config)?.fit(model, &data, &[], &device)?;
//! let slope: f32 = fitted.model.layer.weight.val().into_scalar();
//! assert!((slope - 3.0).abs() < 0.1, "{slope}");
//! # }
//! # Ok::<(), eir_core::train::Error>(())
//! ```

mod checkpoint;
mod clip;
mod config;
mod schedule;
mod trainer;

pub use config::{EarlyStopping, Optimiser, TrainConfig};
pub use schedule::Schedule;
pub use trainer::{Epoch, Fitted, Progress, Stopped, Trainer};

use crate::error::{Io, LimitExceeded, Malformed, Mismatch, Parameter, TooShort};
use crate::file::ReadError;
use crate::random::Stream;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// What a step may fail with.
pub type StepError = Box<dyn std::error::Error + Send + Sync>;

/// A network that can say how wrong it is.
pub trait Learn: Module {
    /// One example.
    type Example;

    /// The mean loss of `batch`: one number, on `device`, which is where the model is now.
    ///
    /// In training the device keeps derivatives, in validation it does not. Random choices of your own (augmentation)
    /// come from `stream`, which differs from step to step; burn's dropout is seeded by the trainer.
    ///
    /// # Errors
    /// Whatever makes the batch unusable; training stops with it.
    fn loss(&self, batch: &[&Self::Example], stream: &mut Stream, device: &Device) -> Result<Tensor<1>, StepError>;
}

/// Why a training failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its range.
    #[error(transparent)]
    Parameter(#[from] Parameter),
    /// There is nothing to learn from.
    #[error(transparent)]
    TooShort(#[from] TooShort),
    /// The loss or the gradient is NaN or infinite.
    #[error(
        "the {what} of epoch {epoch}, batch {batch} is not finite: lower the learning rate, clip, or look at the data"
    )]
    NotFinite {
        /// "loss", "gradient" or "validation loss".
        what: &'static str,
        /// Epoch, from 0.
        epoch: usize,
        /// Batch of the epoch, from 0.
        batch: usize,
    },
    /// The model's step failed.
    #[error("the step of epoch {epoch}, batch {batch} failed")]
    Step {
        /// Epoch, from 0.
        epoch: usize,
        /// Batch of the epoch, from 0.
        batch: usize,
        /// Why.
        source: StepError,
    },
    /// The device did not give its numbers.
    #[error("the device did not give its numbers")]
    Device(#[source] StepError),
    /// Checkpoint or log could not be read or written.
    #[error(transparent)]
    Io(#[from] Io),
    /// The checkpoint is larger than allowed.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// The checkpoint is no checkpoint.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The loss is not one number, or the checkpoint belongs to another training.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(e) => Self::Io(e),
            ReadError::Limit(e) => Self::Limit(e),
        }
    }
}
