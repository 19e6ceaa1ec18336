//! Voxels as they lie in a file: their type, byte order and scaling.

use crate::{Affine, LabelMap, Result, Volume};
use eir_core::error::{Mismatch, Unsupported};

/// Number type of the voxels in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are Rust's")]
pub enum VoxelType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl VoxelType {
    /// Bytes per voxel.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// The image of a file, exactly as it stands there: nothing is rounded before a caller asks for `f32`.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    pub(crate) shape: Vec<usize>,
    pub(crate) kind: VoxelType,
    pub(crate) big_endian: bool,
    /// Value = `slope` · stored + `intercept`; none where the file has no scaling.
    pub(crate) scale: Option<(f64, f64)>,
    pub(crate) affine: Affine,
    pub(crate) bytes: Vec<u8>,
}

/// Calls `$use` with an iterator over the stored numbers, each as its own type.
macro_rules! each {
    ($image:expr, $bytes:expr, |$v:ident| $value:expr) => {{
        macro_rules! read {
            ($type:ty, $n:literal) => {
                if $image.big_endian {
                    $bytes.as_chunks::<$n>().0.iter().map(|c| <$type>::from_be_bytes(*c)).map(|$v| $value).collect()
                } else {
                    $bytes.as_chunks::<$n>().0.iter().map(|c| <$type>::from_le_bytes(*c)).map(|$v| $value).collect()
                }
            };
        }
        match $image.kind {
            VoxelType::U8 => read!(u8, 1),
            VoxelType::I8 => read!(i8, 1),
            VoxelType::U16 => read!(u16, 2),
            VoxelType::I16 => read!(i16, 2),
            VoxelType::U32 => read!(u32, 4),
            VoxelType::I32 => read!(i32, 4),
            VoxelType::U64 => read!(u64, 8),
            VoxelType::I64 => read!(i64, 8),
            VoxelType::F32 => read!(f32, 4),
            VoxelType::F64 => read!(f64, 8),
        }
    }};
}

impl Image {
    /// Length of each axis, the fastest first: three, and more for a series of volumes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number type of the stored voxels.
    #[must_use]
    pub fn voxel_type(&self) -> VoxelType {
        self.kind
    }

    /// From indices to mm in LPS.
    #[must_use]
    pub fn affine(&self) -> &Affine {
        &self.affine
    }

    /// How many volumes there are (the product of the axes behind the third).
    #[must_use]
    pub fn frames(&self) -> usize {
        self.shape.iter().skip(3).product()
    }

    fn volume_shape(&self) -> [usize; 3] {
        [0, 1, 2].map(|a| self.shape.get(a).copied().unwrap_or(1))
    }

    /// The bytes of one volume.
    fn frame(&self, frame: usize) -> Result<&[u8]> {
        let size = self.volume_shape().iter().product::<usize>() * self.kind.size();
        let bytes = frame.checked_mul(size).and_then(|start| self.bytes.get(start..start.checked_add(size)?));
        bytes.ok_or_else(|| Mismatch::new("number of the volume", format!("below {}", self.frames()), frame).into())
    }

    /// Volume number `frame` (0 in a file of one) as `f32`, scaled in `f64` first.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) if there is no such volume.
    pub fn volume(&self, frame: usize) -> Result<Volume> {
        let bytes = self.frame(frame)?;
        let voxels: Vec<f32> = match self.scale {
            Some((slope, intercept)) => each!(self, bytes, |v| (v as f64 * slope + intercept) as f32),
            None => each!(self, bytes, |v| v as f32),
        };
        Volume::new(self.volume_shape(), voxels, self.affine)
    }

    /// Volume number `frame` as labels.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) if a voxel is no whole number from 0 to 65535,
    /// [`Error::Mismatch`](crate::Error::Mismatch) if there is no such volume.
    pub fn labels(&self, frame: usize) -> Result<LabelMap> {
        let bytes = self.frame(frame)?;
        let scale = self.scale;
        let label = move |v: f64| {
            let v = scale.map_or(v, |(slope, intercept)| v * slope + intercept);
            let label = v as u16; // saturates
            (f64::from(label) == v).then_some(label)
        };
        let labels: Option<Vec<u16>> = each!(self, bytes, |v| label(v as f64));
        let labels = labels.ok_or_else(|| {
            Unsupported::new(
                "a label map with fractions or negative numbers",
                "read it as a volume and use `Volume::threshold`",
            )
        })?;
        LabelMap::new(self.volume_shape(), labels, self.affine)
    }

    /// All values, scaled, the first axis fastest, in full precision.
    #[must_use]
    pub fn values_f64(&self) -> Vec<f64> {
        let (slope, intercept) = self.scale.unwrap_or((1.0, 0.0));
        let values: Vec<f64> = each!(self, self.bytes, |v| v as f64);
        if self.scale.is_some() { values.into_iter().map(|v| v * slope + intercept).collect() } else { values }
    }
}
