use eir_core::error::{Io, LimitExceeded, Malformed, Mismatch, NotFinite, Parameter, Unsupported};
use eir_core::file::ReadError;
use std::path::PathBuf;

/// The result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, where, and what to do about it. Carries positions and limits, never voxel values or patient fields.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its range.
    #[error(transparent)]
    Parameter(#[from] Parameter),
    /// Two sizes or shapes that must agree do not.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A number is NaN or infinite where one is needed.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// A file does not follow its format.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A format or an encoding is known but not built.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// An input asks for more memory than the limits allow.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] Io),
    /// A folder holds no DICOM image.
    #[error("no DICOM image was found among {files} files: give the folder that holds the slices of one series")]
    NoSlices {
        /// Files that were looked at.
        files: usize,
    },
    /// Slices that cannot be one volume: different series, orientations or sizes.
    #[error(
        "the slices belong to {groups} volumes (they differ in {differ_in}): choose one with `dicom::scan` and `dicom::read_files`"
    )]
    MixedSeries {
        /// How many volumes there are.
        groups: usize,
        /// What is different between them.
        differ_in: &'static str,
    },
    /// Two slices lie at the same place.
    #[error(
        "{} and {} lie at the same position: remove the copies, or give the files of one echo or time point to `dicom::read_files`",
        first.display(),
        second.display()
    )]
    DuplicatePosition {
        /// The one file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// One of several files could not be read.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// Distances between slices differ, so that no affine is right for all of them.
    #[error(
        "the distances between slices range from {smallest_mm:.4} to {largest_mm:.4} mm (a slice is missing or the spacing changes), and one \
         affine would misplace a slice by {error_mm:.3} mm: use `Spacing::Resample`, or `Spacing::Keep` and the positions of the slices"
    )]
    UnevenSpacing {
        /// Smallest distance along the normal.
        smallest_mm: f64,
        /// Largest distance along the normal.
        largest_mm: f64,
        /// How far the worst slice would lie from where it was scanned.
        error_mm: f64,
    },
    /// Nothing lies inside the threshold, or no voxel has the label.
    #[error(
        "the surface is empty: no voxel is inside; look at the range of the volume or at the labels that are present"
    )]
    EmptySurface,
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(e) => Self::Io(e),
            ReadError::Limit(e) => Self::Limit(e),
            other => Self::Malformed(Malformed::new("file", other.to_string())),
        }
    }
}
