use super::{Epoch, Error, TrainConfig};
use crate::error::{Malformed, Mismatch};
use crate::{Limits, file};
use burn::module::Module;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::path::Path;

const FORMAT: &str = "training checkpoint";
const MAGIC: &[u8; 16] = b"eir-training-v1\n";

/// What a training has come to after an epoch. In the file: a magic line, then four parts, each after its length (u64,
/// little endian): the state as JSON, the model, the best model, the optimiser (burnpack).
pub(super) struct Checkpoint<M> {
    pub(super) history: Vec<Epoch>,
    pub(super) model: M,
    pub(super) best: M,
    pub(super) optimiser: ModuleOptimizer,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    config: TrainConfig,
    training: usize,
    validation: usize,
    history: Vec<Epoch>,
}

/// What a checkpoint must agree with.
pub(super) struct Task<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) training: usize,
    pub(super) validation: usize,
}

fn malformed(error: impl Display) -> Error {
    Malformed::new(FORMAT, error.to_string()).into()
}

impl<M: Module> Checkpoint<M> {
    /// Writes the file through a temporary one beside it: a kill leaves the last epoch's checkpoint or this one's.
    pub(super) fn write(&self, path: &Path, task: &Task<'_>) -> Result<(), Error> {
        let state = State {
            config: task.config.clone(),
            training: task.training,
            validation: task.validation,
            history: self.history.clone(),
        };
        let state = serde_json::to_vec(&state).map_err(malformed)?;
        let model = self.model.clone().into_record().into_bytes().map_err(malformed)?;
        let best = self.best.clone().into_record().into_bytes().map_err(malformed)?;
        let optimiser = self.optimiser.to_record().into_bytes().map_err(malformed)?;
        let mut bytes = MAGIC.to_vec();
        for part in [&state[..], &model, &best, &optimiser] {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
        Ok(file::write_atomic(path, &bytes)?)
    }

    /// Reads what [`write`](Self::write) wrote, into a copy of `model` and `optimiser`.
    pub(super) fn read(path: &Path, task: &Task<'_>, model: &M, optimiser: ModuleOptimizer) -> Result<Self, Error> {
        let bytes = file::read(path, &Limits::default().with_bytes(8 << 30))?;
        let mut rest = bytes.strip_prefix(MAGIC).ok_or_else(|| malformed("it does not begin as one"))?;
        let mut part = || {
            let (length, after) = rest.split_first_chunk::<8>()?;
            let (part, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            rest = after;
            Some(part)
        };
        let (Some(state), Some(current), Some(best), Some(steps)) = (part(), part(), part(), part()) else {
            return Err(malformed("it is cut short"));
        };
        let state: State = serde_json::from_slice(state).map_err(|_| malformed("its state is not readable"))?;
        if state.config != *task.config {
            return Err(Mismatch::new("configuration of the checkpoint", "that of this training", "another").into());
        }
        Mismatch::check("training examples of the checkpoint", task.training, state.training)?;
        Mismatch::check("validation examples of the checkpoint", task.validation, state.validation)?;
        let load = |part: &[u8]| {
            let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(part.to_vec())).map_err(malformed)?;
            model.clone().try_load_record(record).map_err(malformed)
        };
        let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(steps.to_vec())).map_err(malformed)?;
        // clones of a burn module share the running statistics of batch normalisation, and `valid` parts them: the best
        // must be read and parted before the current one overwrites what they share
        let best = load(best)?.valid();
        Ok(Self { history: state.history, model: load(current)?, best, optimiser: optimiser.load_record(record) })
    }
}
