//! NIfTI-1 and NIfTI-2, plain and gzipped, in one file.

use crate::affine::from_file;
use crate::{Affine, Image, LabelMap, Result, Volume, VoxelType, gzip};
use eir_core::Limits;
use eir_core::error::{Malformed, Unsupported};
use std::path::Path;

const FORMAT: &str = "NIfTI";

/// A NIfTI file: what its header says, and its voxels as they are stored.
///
/// **Use it** for research data in `.nii` and `.nii.gz`. **Not** for pairs of `.hdr` and `.img`, nor for complex, colour
/// or 128-bit voxels: these are an error that says so.
///
/// # Formula
/// Which affine counts: `sform` if its code is above 0, else `qform` if its code is above 0, else (neither) the voxel
/// sizes with x to the left and the middle of the volume at the origin, as nibabel does. The header's axes are RAS;
/// [`image`](Self::image) is in LPS and in mm (metres and micrometres are converted).
/// Value = `scl_slope` · stored + `scl_inter` where `scl_slope` is finite and not 0.
///
/// # Examples
/// ```
/// use eir_anatomy3d::{Limits, nifti};
/// let mut file = vec![0u8; 352 + 2 * 4];
/// file[..4].copy_from_slice(&348i32.to_le_bytes());
/// for (at, v) in [(40, 3i16), (42, 2), (44, 1), (46, 2), (70, 4), (254, 1)] {
///     file[at..at + 2].copy_from_slice(&v.to_le_bytes()); // 2 × 1 × 2 voxels of i16, with an sform
/// }
/// for (at, v) in [(280, 0.5f32), (300, 0.5), (320, 3.0), (292, 7.0)] {
///     file[at..at + 4].copy_from_slice(&v.to_le_bytes());
/// }
/// file[344..348].copy_from_slice(b"n+1\0");
/// file[352..354].copy_from_slice(&(-1000i16).to_le_bytes());
/// let scan = nifti::from_bytes(&file, &Limits::default())?.volume()?;
/// assert_eq!(scan.shape(), [2, 1, 2]);
/// assert_eq!(scan.voxels()[0], -1000.0);
/// assert_eq!(scan.affine().apply([0.0; 3]), [-7.0, 0.0, 0.0]); // 7 mm to the right: LPS
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
///
/// # Validation
/// Affines equal those of nibabel 5.4.2 within 1e-6 and voxels bit for bit (as `f64`) on the 22 files of the reference
/// set, NIfTI-2, both byte orders, scaled and sheared ones among them (`tests/golden.rs`).
///
/// # References
/// Cox et al. 2004, NIfTI-1; <https://nifti.nimh.nih.gov/nifti-2>.
#[derive(Debug, Clone, PartialEq)]
pub struct Nifti {
    header: Header,
    image: Image,
}

/// What a NIfTI header says about geometry and values.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// 1 or 2.
    pub version: u8,
    /// Whether the file is big-endian.
    pub big_endian: bool,
    /// Length of each axis, the fastest first.
    pub shape: Vec<usize>,
    /// `pixdim`: the first is the sign of the quaternion form, then the voxel sizes.
    pub pixdim: [f64; 8],
    /// Code of the number type.
    pub datatype: i32,
    /// Byte at which the voxels start.
    pub vox_offset: u64,
    /// Scaling as it stands there; see [`Nifti`] for when it counts.
    pub scl_slope: f64,
    /// Offset as it stands there.
    pub scl_inter: f64,
    /// Units: 1 m, 2 mm, 3 µm in the low three bits.
    pub xyzt_units: i32,
    /// Above 0 if the quaternion form is set.
    pub qform_code: i32,
    /// Above 0 if the affine is set.
    pub sform_code: i32,
    /// Quaternion b, c, d.
    pub quatern: [f64; 3],
    /// Offset of the quaternion form.
    pub qoffset: [f64; 3],
    /// The affine in RAS, row by row.
    pub srow: [[f64; 4]; 3],
}

/// Reads a NIfTI file as a volume of `f32` (the first, if it holds several).
///
/// # Errors
/// As [`read`].
pub fn read_volume(path: impl AsRef<Path>) -> Result<Volume> {
    read(path, &Limits::default())?.volume()
}

/// Reads a NIfTI file, gzipped or not.
///
/// # Errors
/// [`Error::Malformed`](crate::Error::Malformed) if it is none or is cut short, [`Error::Limit`](crate::Error::Limit) if it
/// is larger than allowed, [`Error::Unsupported`](crate::Error::Unsupported) for number types without a place in `f32`.
pub fn read(path: impl AsRef<Path>, limits: &Limits) -> Result<Nifti> {
    from_bytes(&eir_core::file::read(path.as_ref(), limits)?, limits)
}

/// As [`read`], from a file that is in memory.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Nifti> {
    let short = || Malformed::at(FORMAT, bytes.len() as u64, "it ends inside the header");
    let mut packed = gzip::is_gzip(bytes).then(|| gzip::reader(bytes));
    let mut start = Vec::new();
    let head = match &mut packed {
        Some(reader) => {
            gzip::take(FORMAT, reader, bytes.len(), 4, &mut start)?;
            let size = if matches!(start.as_slice(), [0x1c, 2, 0, 0] | [0, 0, 2, 0x1c]) { 536 } else { 344 };
            gzip::take(FORMAT, reader, bytes.len(), size, &mut start)?;
            start.as_slice()
        }
        None => bytes,
    };
    let header = Header::parse(head).ok_or_else(short)??;
    let kind = header.voxel_type()?;
    let factors: Vec<u64> = header.shape.iter().map(|n| *n as u64).chain([kind.size() as u64]).collect();
    let size = limits.product("voxels (bytes)", &factors)?;
    let offset = limits.check("header (bytes)", header.vox_offset)?;
    let voxels = match &mut packed {
        Some(reader) => {
            let mut skipped = Vec::new();
            gzip::take(FORMAT, reader, bytes.len(), offset.saturating_sub(start.len()), &mut skipped)?;
            let mut voxels = Vec::new();
            gzip::take(FORMAT, reader, bytes.len(), size, &mut voxels)?;
            voxels
        }
        None => bytes.get(offset..).map(|rest| rest[..size.min(rest.len())].to_vec()).unwrap_or_default(),
    };
    if voxels.len() != size {
        let reason = format!("{} bytes of voxels where the header asks for {size}", voxels.len());
        return Err(Malformed::at(FORMAT, header.vox_offset, reason).into());
    }
    let affine = header.affine_mm()?;
    let scaled = header.scl_slope.is_finite() && header.scl_slope != 0.0;
    let intercept = if header.scl_inter.is_finite() { header.scl_inter } else { 0.0 };
    let scale = (scaled && (header.scl_slope, intercept) != (1.0, 0.0)).then_some((header.scl_slope, intercept));
    let image =
        Image { shape: header.shape.clone(), kind, big_endian: header.big_endian, scale, affine, bytes: voxels };
    Ok(Nifti { header, image })
}

impl Nifti {
    /// What the header says.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The voxels, with their place in the patient (LPS).
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The first volume as `f32`.
    ///
    /// # Errors
    /// As [`Image::volume`].
    pub fn volume(&self) -> Result<Volume> {
        self.image.volume(0)
    }

    /// The first volume as labels.
    ///
    /// # Errors
    /// As [`Image::labels`].
    pub fn labels(&self) -> Result<LabelMap> {
        self.image.labels(0)
    }
}

impl Header {
    /// None if the bytes end before the header does.
    fn parse(bytes: &[u8]) -> Option<Result<Self>> {
        let size = bytes.first_chunk::<4>()?;
        let (big_endian, version) = match (i32::from_le_bytes(*size), i32::from_be_bytes(*size)) {
            (348, _) => (false, 1),
            (_, 348) => (true, 1),
            (540, _) => (false, 2),
            (_, 540) => (true, 2),
            _ => return Some(Err(Malformed::at(FORMAT, 0, "it does not start with the size of a header").into())),
        };
        let f = Fields { bytes, big_endian };
        let rows = |at: usize, step: usize, number: &dyn Fn(usize) -> Option<f64>| -> Option<[[f64; 4]; 3]> {
            let mut rows = [[0.0; 4]; 3];
            for (i, v) in rows.as_flattened_mut().iter_mut().enumerate() {
                *v = number(at + i * step)?;
            }
            Some(rows)
        };
        let list = |at: usize, step: usize, number: &dyn Fn(usize) -> Option<f64>| -> Option<[f64; 3]> {
            Some([number(at)?, number(at + step)?, number(at + 2 * step)?])
        };
        let mut dim = [0i64; 8];
        let mut pixdim = [0.0; 8];
        let (magic, rest) = if version == 1 {
            for i in 0..8 {
                dim[i] = i64::from(f.i16(40 + 2 * i)?);
                pixdim[i] = f.f32(76 + 4 * i)?;
            }
            let number = |at: usize| f.f32(at);
            let rest = (
                i32::from(f.i16(70)?),
                f.f32(108)?,
                (f.f32(112)?, f.f32(116)?),
                i32::from(*bytes.get(123)?),
                (i32::from(f.i16(252)?), i32::from(f.i16(254)?)),
                (list(256, 4, &number)?, list(268, 4, &number)?, rows(280, 4, &number)?),
            );
            (bytes.get(344..348)?, rest)
        } else {
            for i in 0..8 {
                dim[i] = f.i64(16 + 8 * i)?;
                pixdim[i] = f.f64(104 + 8 * i)?;
            }
            let number = |at: usize| f.f64(at);
            let rest = (
                i32::from(f.i16(12)?),
                f.i64(168)? as f64,
                (f.f64(176)?, f.f64(184)?),
                f.i32(500)?,
                (f.i32(344)?, f.i32(348)?),
                (list(352, 8, &number)?, list(376, 8, &number)?, rows(400, 8, &number)?),
            );
            bytes.get(..540)?;
            (bytes.get(4..8)?, rest)
        };
        let (datatype, vox_offset, (scl_slope, scl_inter), xyzt_units, (qform_code, sform_code), forms) = rest;
        let end = if version == 1 { 352 } else { 544 };
        Some((|| {
            match magic {
                b"n+1\0" | b"n+2\0" => {}
                b"ni1\0" | b"ni2\0" => {
                    return Err(Unsupported::new("a pair of .hdr and .img", "write it as one .nii file").into());
                }
                _ => return Err(Malformed::new(FORMAT, "its magic word is missing").into()),
            }
            let axes = usize::try_from(dim[0]).ok().filter(|n| (1..=7).contains(n));
            let axes = axes.ok_or_else(|| Malformed::new(FORMAT, "its number of axes is not 1 to 7"))?;
            let shape =
                dim[1..=axes].iter().map(|n| usize::try_from(*n).ok().filter(|n| *n > 0)).collect::<Option<_>>();
            let shape = shape.ok_or_else(|| Malformed::new(FORMAT, "an axis has no voxels"))?;
            if !(vox_offset.is_finite() && (0.0..1e15).contains(&vox_offset)) {
                return Err(Malformed::new(FORMAT, "its vox_offset is no position").into());
            }
            let (quatern, qoffset, srow) = forms;
            let vox_offset = (vox_offset as u64).max(end);
            Ok(Self {
                version,
                big_endian,
                shape,
                pixdim,
                datatype,
                vox_offset,
                scl_slope,
                scl_inter,
                xyzt_units,
                qform_code,
                sform_code,
                quatern,
                qoffset,
                srow,
            })
        })())
    }

    fn voxel_type(&self) -> Result<VoxelType> {
        Ok(match self.datatype {
            2 => VoxelType::U8,
            4 => VoxelType::I16,
            8 => VoxelType::I32,
            16 => VoxelType::F32,
            64 => VoxelType::F64,
            256 => VoxelType::I8,
            512 => VoxelType::U16,
            768 => VoxelType::U32,
            1024 => VoxelType::I64,
            1280 => VoxelType::U64,
            code => {
                let what = format!("NIfTI number type {code}");
                return Err(Unsupported::new(what, "convert it to integers or to real numbers of 32 or 64 bit").into());
            }
        })
    }

    /// Size of a voxel along axis 0 to 2 in the header's unit: the amount, and 1 where none is given.
    fn zoom(&self, axis: usize) -> f64 {
        let size = self.pixdim[axis + 1].abs();
        if size > 0.0 && size.is_finite() { size } else { 1.0 }
    }

    /// The affine of the quaternion form, in RAS and the header's unit, whether or not its code is set.
    #[must_use]
    pub fn qform(&self) -> [[f64; 4]; 3] {
        let [b, c, d] = self.quatern;
        let a = (1.0 - (b * b + c * c + d * d)).max(0.0).sqrt();
        let handed = if self.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
        let rotation = [
            [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
            [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
            [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ];
        let scale = [self.zoom(0), self.zoom(1), self.zoom(2) * handed];
        [0, 1, 2].map(|r| {
            let [x, y, z] = rotation[r];
            [x * scale[0], y * scale[1], z * scale[2], self.qoffset[r]]
        })
    }

    /// The affine that counts, in RAS and the header's unit.
    #[must_use]
    pub fn affine_ras(&self) -> [[f64; 4]; 3] {
        if self.sform_code > 0 {
            return self.srow;
        }
        if self.qform_code > 0 {
            return self.qform();
        }
        let mut rows = [[0.0; 4]; 3];
        for (axis, row) in rows.iter_mut().enumerate() {
            let step = if axis == 0 { -self.zoom(0) } else { self.zoom(axis) };
            let length = self.shape.get(axis).copied().unwrap_or(1);
            row[axis] = step;
            row[3] = -step * (length - 1) as f64 / 2.0;
        }
        rows
    }

    fn affine_mm(&self) -> Result<Affine> {
        let unit = match self.xyzt_units & 7 {
            1 => 1e3,
            3 => 1e-3,
            _ => 1.0,
        };
        let rows = self.affine_ras().map(|row| row.map(|v| v * unit));
        Ok(from_file(FORMAT, rows)?.to_ras()) // RAS to LPS is the same change of signs
    }
}

/// Numbers at places of the header.
struct Fields<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Fields<'_> {
    fn at<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        let mut bytes: [u8; N] = *self.bytes.get(at..)?.first_chunk::<N>()?;
        if self.big_endian {
            bytes.reverse();
        }
        Some(bytes)
    }
    fn i16(&self, at: usize) -> Option<i16> {
        self.at(at).map(i16::from_le_bytes)
    }
    fn i32(&self, at: usize) -> Option<i32> {
        self.at(at).map(i32::from_le_bytes)
    }
    fn i64(&self, at: usize) -> Option<i64> {
        self.at(at).map(i64::from_le_bytes)
    }
    fn f32(&self, at: usize) -> Option<f64> {
        self.at(at).map(f32::from_le_bytes).map(f64::from)
    }
    fn f64(&self, at: usize) -> Option<f64> {
        self.at(at).map(f64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    /// A file of 2×2×2 voxels of the given type.
    fn file(datatype: i16, voxels: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0u8; 352];
        bytes[..4].copy_from_slice(&348i32.to_le_bytes());
        for (at, v) in [(40, 3i16), (42, 2), (44, 2), (46, 2), (70, datatype)] {
            bytes[at..at + 2].copy_from_slice(&v.to_le_bytes());
        }
        for (at, v) in [(80, 1.0f32), (84, 2.0), (88, 3.0)] {
            bytes[at..at + 4].copy_from_slice(&v.to_le_bytes());
        }
        bytes[344..348].copy_from_slice(b"n+1\0");
        bytes.extend_from_slice(voxels);
        bytes
    }

    #[test]
    fn without_forms_the_middle_is_the_origin() {
        let nifti = from_bytes(&file(2, &[5; 8]), &Limits::default()).unwrap();
        assert_eq!(nifti.header().affine_ras(), [[-1.0, 0.0, 0.0, 0.5], [0.0, 2.0, 0.0, -1.0], [0.0, 0.0, 3.0, -1.5]]);
        assert_eq!(nifti.labels().unwrap().present(), [5]);
    }

    #[test]
    fn micrometres_become_millimetres() {
        let mut bytes = file(2, &[5; 8]);
        bytes[123] = 3;
        let spacing = from_bytes(&bytes, &Limits::default()).unwrap().image().affine().spacing_mm();
        assert!(spacing.iter().zip([1e-3, 2e-3, 3e-3]).all(|(a, b)| (a - b).abs() < 1e-15), "{spacing:?}");
    }

    #[test]
    fn says_what_is_wrong() {
        let limits = Limits::default();
        assert!(matches!(from_bytes(&file(4, &[0; 15]), &limits), Err(Error::Malformed(_))));
        assert!(matches!(from_bytes(&file(128, &[0; 24]), &limits), Err(Error::Unsupported(_))));
        assert!(matches!(from_bytes(&file(2, &[0; 8]), &limits.with_bytes(7)), Err(Error::Limit(_))));
        let mut huge = file(64, &[0; 64]);
        for at in [42, 44, 46] {
            huge[at..at + 2].copy_from_slice(&i16::MAX.to_le_bytes());
        }
        assert!(matches!(from_bytes(&huge, &limits), Err(Error::Limit(_))));
        assert!(matches!(from_bytes(&[], &limits), Err(Error::Malformed(_))));
    }
}
