//! Curves through points: cubic splines, PCHIP, Akima, straight lines.
//!
//! Each gives an [`Interpolant`], made once and evaluated often.
//!
//! ```
//! use eir_signal::interpolate::{cubic_spline, pchip};
//! let (x, y) = ([0.0, 1.0, 2.5, 4.0], [0.0, 2.0, 2.0, 1.0]);
//! let (smooth, shape_keeping) = (cubic_spline(&x, &y)?, pchip(&x, &y)?);
//! assert!(smooth.value(1.75) > 2.2); // overshoots between two equal points
//! assert_eq!(shape_keeping.value(1.75), 2.0);
//! # Ok::<(), eir_signal::Error>(())
//! ```

mod akima;
mod cubic_spline;
mod linear;
mod pchip;
mod piecewise;

pub use akima::{akima, modified_akima};
pub use cubic_spline::{CubicSplineConfig, End, cubic_spline};
pub use linear::linear;
pub use pchip::pchip;
pub use piecewise::{Interpolant, Outside};
