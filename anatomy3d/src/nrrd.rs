//! NRRD with its data in the same file.

use crate::affine::from_file;
use crate::{Image, Result, VoxelType, gzip};
use eir_core::Limits;
use eir_core::error::{Malformed, Unsupported};
use std::collections::BTreeMap;
use std::path::Path;

const FORMAT: &str = "NRRD";

/// Reads an NRRD file (`.nrrd`), as 3D Slicer writes scans and segmentations.
///
/// Encodings `raw`, `gzip` and `ascii`; `space` LPS, RAS or LAS (converted to LPS), or none, which is taken as LPS. **Not** with
/// data in a second file (`.nhdr`), `bzip2`, `hex` or axes that are not space behind which come first (colour, vectors).
///
/// # Examples
/// ```
/// use eir_anatomy3d::{Limits, nrrd};
/// let text = "NRRD0004\ntype: short\ndimension: 3\nspace: right-anterior-superior\nsizes: 2 1 1\n\
///             space directions: (2,0,0) (0,1,0) (0,0,1)\nspace origin: (5,0,0)\nencoding: ascii\n\n-7 9\n";
/// let image = nrrd::from_bytes(text.as_bytes(), &Limits::default())?;
/// assert_eq!(image.values_f64(), [-7.0, 9.0]);
/// assert_eq!(image.affine().apply([1.0, 0.0, 0.0]), [-7.0, 0.0, 0.0]); // LPS
/// # Ok::<(), eir_anatomy3d::Error>(())
/// ```
///
/// # Errors
/// [`Error::Malformed`](crate::Error::Malformed) if it is none or is cut short, [`Error::Limit`](crate::Error::Limit) if it
/// is larger than allowed, [`Error::Unsupported`](crate::Error::Unsupported) for what the list above leaves out.
///
/// # Validation
/// Geometry equals that of SimpleITK 2.5.7 within 1e-6 and voxels bit for bit on the files of the reference set
/// (`tests/golden.rs`).
///
/// # References
/// <https://teem.sourceforge.net/nrrd/format.html>.
pub fn read(path: impl AsRef<Path>, limits: &Limits) -> Result<Image> {
    from_bytes(&eir_core::file::read(path.as_ref(), limits)?, limits)
}

/// As [`read`], from a file that is in memory.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: &[u8], limits: &Limits) -> Result<Image> {
    let bad = |reason: &'static str| Malformed::new(FORMAT, reason);
    if !bytes.starts_with(b"NRRD000") {
        return Err(Malformed::at(FORMAT, 0, "its magic word is missing").into());
    }
    let (header, data) = split(bytes).ok_or_else(|| bad("the empty line behind the header is missing"))?;
    let fields = fields(header);
    let field = |name: &'static str| fields.get(name).map(String::as_str);
    if field("data file").or(field("datafile")).is_some() {
        return Err(
            Unsupported::new("an NRRD header with its data in another file", "write it as one .nrrd file").into()
        );
    }
    let sizes: Option<Vec<usize>> =
        field("sizes").map(|s| s.split_whitespace().map_while(|n| n.parse().ok()).filter(|n| *n > 0).collect());
    let shape = sizes.ok_or_else(|| bad("the field sizes is missing"))?;
    let dimension = field("dimension").and_then(|d| d.parse::<usize>().ok());
    if dimension != Some(shape.len()) || !(1..=16).contains(&shape.len()) {
        return Err(bad("dimension and sizes do not agree").into());
    }
    let kind = kind(field("type").unwrap_or_default())?;
    let big_endian = match field("endian") {
        Some("big") => true,
        Some("little") | None => false,
        Some(_) => return Err(bad("its endian is neither little nor big").into()),
    };
    let factors: Vec<u64> = shape.iter().map(|n| *n as u64).chain([kind.size() as u64]).collect();
    let size = limits.product("voxels (bytes)", &factors)?;
    let (voxels, big_endian) = match field("encoding").unwrap_or_default() {
        "raw" => (data[..size.min(data.len())].to_vec(), big_endian),
        "gzip" | "gz" => {
            let mut voxels = Vec::new();
            gzip::take(FORMAT, &mut gzip::reader(data), data.len(), size, &mut voxels)?;
            (voxels, big_endian)
        }
        "ascii" | "text" | "txt" => (numbers(data, kind, size / kind.size()), false),
        _ => return Err(Unsupported::new("this NRRD encoding", "write it as raw or gzip").into()),
    };
    if voxels.len() != size {
        let reason = format!("{} bytes of voxels where the header asks for {size}", voxels.len());
        return Err(Malformed::new(FORMAT, reason).into());
    }
    let affine = affine(&fields, shape.len())?;
    Ok(Image { shape, kind, big_endian, scale: None, affine: from_file(FORMAT, affine)?, bytes: voxels })
}

/// Header text and data, which an empty line divides.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i);
    for end in ends {
        if let Some([b'\n', data @ ..] | [b'\r', b'\n', data @ ..]) = bytes.get(end + 1..) {
            return Some((&bytes[..end], data));
        }
    }
    None
}

/// The fields of the header in lower case; comments and key/value pairs are left out.
fn fields(header: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(header);
    let lines = text.lines().filter(|l| !l.starts_with('#') && !l.contains(":="));
    let pairs = lines.filter_map(|l| l.split_once(':'));
    pairs.map(|(k, v)| (k.trim().to_lowercase(), v.trim().to_lowercase())).collect()
}

fn kind(name: &str) -> Result<VoxelType> {
    Ok(match name {
        "signed char" | "int8" | "int8_t" => VoxelType::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => VoxelType::U8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => VoxelType::I16,
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => VoxelType::U16,
        "int" | "signed int" | "int32" | "int32_t" => VoxelType::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => VoxelType::U32,
        "longlong" | "long long" | "long long int" | "int64" | "int64_t" => VoxelType::I64,
        "ulonglong" | "unsigned long long" | "uint64" | "uint64_t" => VoxelType::U64,
        "float" => VoxelType::F32,
        "double" => VoxelType::F64,
        _ => return Err(Unsupported::new("this NRRD number type", "convert it to integers, float or double").into()),
    })
}

/// Numbers in text as the bytes that they would be (little-endian); stops at what is no number.
fn numbers(text: &[u8], kind: VoxelType, count: usize) -> Vec<u8> {
    let words = text.split(|b| b.is_ascii_whitespace() || *b == b',').filter(|w| !w.is_empty());
    let words = words.take(count).map_while(|w| std::str::from_utf8(w).ok()?.parse::<f64>().ok());
    let mut bytes = Vec::new();
    for v in words {
        match kind {
            VoxelType::U8 => bytes.push(v as u8),
            VoxelType::I8 => bytes.extend((v as i8).to_le_bytes()),
            VoxelType::U16 => bytes.extend((v as u16).to_le_bytes()),
            VoxelType::I16 => bytes.extend((v as i16).to_le_bytes()),
            VoxelType::U32 => bytes.extend((v as u32).to_le_bytes()),
            VoxelType::I32 => bytes.extend((v as i32).to_le_bytes()),
            VoxelType::U64 => bytes.extend((v as u64).to_le_bytes()),
            VoxelType::I64 => bytes.extend((v as i64).to_le_bytes()),
            VoxelType::F32 => bytes.extend((v as f32).to_le_bytes()),
            VoxelType::F64 => bytes.extend(v.to_le_bytes()),
        }
    }
    bytes
}

/// The rows of the affine in LPS.
fn affine(fields: &BTreeMap<String, String>, dimension: usize) -> Result<[[f64; 4]; 3]> {
    let vector = |text: &str| -> Option<[f64; 3]> {
        let mut numbers = text.split(',').map(|n| n.trim().parse::<f64>());
        let vector = [numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?];
        numbers.next().is_none().then_some(vector)
    };
    let vectors = |name: &str| -> Option<Vec<[f64; 3]>> {
        let text = fields.get(name)?;
        let parts = text.split('(').skip(1).map(|p| p.split(')').next().unwrap_or_default());
        parts.map(vector).collect()
    };
    let mut columns = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    if let Some(text) = fields.get("space directions") {
        if text.starts_with("none") {
            let instead = "write one number per voxel, or put that axis last";
            return Err(Unsupported::new("an NRRD whose first axis is not space", instead).into());
        }
        let given = vectors("space directions");
        let given = given.filter(|g| g.len() == dimension.min(3) || g.len() == dimension);
        let given =
            given.ok_or_else(|| Malformed::new(FORMAT, "its space directions are no vectors of three numbers"))?;
        for (column, vector) in columns.iter_mut().zip(given) {
            *column = vector;
        }
    } else if let Some(text) = fields.get("spacings") {
        for (axis, word) in text.split_whitespace().take(3).enumerate() {
            columns[axis][axis] = word.parse().unwrap_or(1.0);
        }
    }
    let origin = vectors("space origin").and_then(|o| o.first().copied()).unwrap_or_default();
    let signs = match fields.get("space").map(String::as_str) {
        Some("left-posterior-superior" | "lps") | None => [1.0, 1.0, 1.0],
        Some("right-anterior-superior" | "ras") => [-1.0, -1.0, 1.0],
        Some("left-anterior-superior" | "las") => [1.0, -1.0, 1.0],
        Some(_) => return Err(Unsupported::new("this NRRD space", "write it in LPS or RAS").into()),
    };
    Ok([0, 1, 2].map(|r| {
        let [x, y, z] = columns;
        [x[r], y[r], z[r], origin[r]].map(|v| v * signs[r] + 0.0)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn says_what_is_wrong() {
        let limits = Limits::default();
        let with = |encoding: &str, rest: &str| {
            let text = format!("NRRD0004\n# c\ntype: uchar\ndimension: 2\nsizes: 2 3\nencoding: {encoding}\n\n{rest}");
            from_bytes(text.as_bytes(), &limits)
        };
        assert_eq!(with("raw", "abcdef").unwrap().values_f64(), [97.0, 98.0, 99.0, 100.0, 101.0, 102.0]);
        assert!(matches!(with("raw", "abc"), Err(Error::Malformed(_))));
        assert!(matches!(with("bzip2", "abc"), Err(Error::Unsupported(_))));
        assert!(matches!(with("gzip", "abc"), Err(Error::Malformed(_))));
        assert!(matches!(from_bytes(b"NRRD0004\nsizes: 1", &limits), Err(Error::Malformed(_))));
        let huge = b"NRRD0004\ntype: double\ndimension: 3\nsizes: 99999999999 99999999999 3\nencoding: raw\n\n";
        assert!(matches!(from_bytes(huge, &limits), Err(Error::Limit(_))));
    }
}
