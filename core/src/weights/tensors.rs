use super::Error;
use crate::error::{Malformed, Mismatch};
use crate::half::f32_of_half;
use crate::{Limits, file};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

const FORMAT: &str = "safetensors file";

/// The tensors of a file that no one has taken yet.
#[derive(Debug, Clone)]
pub struct Weights {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Weights {
    /// Opens the safetensors file at `path`.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes), and [`Error::Io`] if the file cannot be read.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, Error> {
        Self::from_bytes(&file::read(path, limits)?, limits)
    }

    /// Reads a safetensors file; half-precision tensors become `f32`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for anything but a whole safetensors file of floating-point or small integer tensors,
    /// [`Error::Limit`] if it holds too many tensors, [`Error::NotFinite`] for a weight that is NaN or infinite.
    pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Self, Error> {
        let parsed = SafeTensors::deserialize(bytes).map_err(|e| Malformed::new(FORMAT, e.to_string()))?;
        limits.check_items("tensors", parsed.len() as u64)?;
        let mut tensors = BTreeMap::new();
        for (name, view) in parsed.iter() {
            let values = values(&view).ok_or_else(|| {
                Malformed::new(FORMAT, format!("the tensor {name} has the type {}, which no model uses", view.dtype()))
            })?;
            if values.iter().any(|v| !v.is_finite()) {
                return Err(Error::NotFinite(name.to_owned()));
            }
            tensors.insert(name.to_owned(), (view.shape().to_vec(), values));
        }
        Ok(Self { tensors })
    }

    /// Names and shapes of the tensors that are still there, by name.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.tensors.iter().map(|(name, (shape, _))| (name.as_str(), shape.as_slice()))
    }

    /// Whether the tensor `name` is still there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Takes the values of the tensor `name`, in row-major order.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is none (or it was taken), [`Error::Shape`] if it has another shape.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let Some((found, _)) = self.tensors.get(name) else {
            return Err(Error::Missing(name.to_owned()));
        };
        if found != shape {
            return Err(Mismatch::new(format!("tensor {name}"), format!("{shape:?}"), format!("{found:?}")).into());
        }
        self.tensors.remove(name).map(|(_, values)| values).ok_or_else(|| Error::Missing(name.to_owned()))
    }

    /// As [`take`](Self::take), as a burn tensor on `device`.
    ///
    /// # Errors
    /// As `take`, and [`Error::Shape`] if `shape` has not `D` axes.
    #[cfg(feature = "models")]
    pub fn tensor<const D: usize>(
        &mut self,
        name: &str,
        shape: &[usize],
        device: &burn::tensor::Device,
    ) -> Result<burn::tensor::Tensor<D>, Error> {
        if shape.len() != D {
            return Err(Mismatch::new(format!("axes of tensor {name}"), D, shape.len()).into());
        }
        let data = burn::tensor::TensorData::new(self.take(name, shape)?, shape.to_vec());
        Ok(burn::tensor::Tensor::from_data(data, device))
    }

    /// Leaves out tensors that a model knows and does not need.
    pub fn discard(&mut self, unneeded: impl Fn(&str) -> bool) {
        self.tensors.retain(|name, _| !unneeded(name));
    }

    /// Checks that every tensor was taken.
    ///
    /// # Errors
    /// [`Error::Surplus`] names those that were not.
    pub fn finish(self) -> Result<(), Error> {
        if self.tensors.is_empty() { Ok(()) } else { Err(Error::Surplus(self.tensors.into_keys().collect())) }
    }
}

fn values(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = view.data();
    Some(match view.dtype() {
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F64 => data.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        Dtype::BF16 => data.as_chunks::<2>().0.iter().map(|b| f32::from_le_bytes([0, 0, b[0], b[1]])).collect(),
        Dtype::F16 => data.as_chunks::<2>().0.iter().map(|b| f32_of_half(u16::from_le_bytes(*b))).collect(),
        Dtype::I64 => data.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b) as f32).collect(),
        Dtype::I32 => data.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b) as f32).collect(),
        Dtype::U8 => data.iter().map(|b| f32::from(*b)).collect(),
        _ => return None,
    })
}

/// A safetensors file with the given tensors (name, shape, values), by name.
///
/// # Errors
/// [`Error::Shape`] if a tensor's values do not fill its shape.
pub fn write<'a>(tensors: impl IntoIterator<Item = (&'a str, Vec<usize>, Vec<f32>)>) -> Result<Vec<u8>, Error> {
    let tensors: BTreeMap<&str, (Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, shape, values)| {
            let expected = shape.iter().try_fold(1usize, |a, b| a.checked_mul(*b)).unwrap_or(usize::MAX);
            if expected != values.len() {
                return Err(Mismatch::new(format!("values of tensor {name}"), expected, values.len()));
            }
            Ok((name, (shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())))
        })
        .collect::<Result<_, _>>()?;
    let views = tensors
        .iter()
        .map(|(name, (shape, bytes))| TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (*name, view)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| Malformed::new(FORMAT, e.to_string()))?;
    safetensors::serialize(views, None).map_err(|e| Malformed::new(FORMAT, e.to_string()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        write([("a", vec![2, 2], vec![1.0, 2.0, 3.0, 4.0]), ("b", vec![1], vec![5.0])]).unwrap()
    }

    #[test]
    fn every_deviation_is_named() {
        let mut weights = Weights::from_bytes(&file(), &Limits::default()).unwrap();
        assert_eq!(weights.take("a", &[4]).unwrap_err().to_string(), "tensor a: expected [4], found [2, 2]");
        weights.take("a", &[2, 2]).unwrap();
        assert!(matches!(weights.take("a", &[2, 2]), Err(Error::Missing(n)) if n == "a"));
        assert!(matches!(weights.finish(), Err(Error::Surplus(names)) if names == ["b"]));
        let nan = write([("x", vec![1], vec![f32::NAN])]).unwrap();
        assert!(matches!(Weights::from_bytes(&nan, &Limits::default()), Err(Error::NotFinite(n)) if n == "x"));
        assert!(write([("x", vec![3], vec![1.0])]).is_err());
    }
}
