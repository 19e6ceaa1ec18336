//! The outlines of a face in its mesh, and how they are drawn.

use crate::overlay::stroke;
use crate::{Image, Result};
use eir_core::error::{Mismatch, Parameter};

/// Outlines of the face's parts as numbers of mesh points, in the order in which they are joined.
#[rustfmt::skip]
pub const FACE_CONTOURS: [(&str, &[usize]); 9] = [
    ("face", &[
        10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
        136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109, 10,
    ]),
    ("left eye", &[263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466, 263]),
    ("right eye", &[33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246, 33]),
    ("left brow", &[276, 283, 282, 295, 285, 336, 296, 334, 293, 300, 276]),
    ("right brow", &[46, 53, 52, 65, 55, 107, 66, 105, 63, 70, 46]),
    ("outer lips", &[
        61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185, 61,
    ]),
    ("inner lips", &[78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191, 78]),
    ("bridge of the nose", &[168, 6, 197, 195, 5, 4, 1]),
    ("wings of the nose", &[98, 97, 2, 326, 327]),
];

/// Colours of the outlines: eyes and brows, lips, the rest (Okabe and Ito's).
const COLOURS: [[u8; 3]; 3] = [[86, 180, 233], [230, 159, 0], [240, 240, 240]];

/// The outlines of a face drawn over a picture: eyes and brows blue, lips orange, the rest white.
///
/// `mesh_px` are the 478 (or 468) points in pixels; `line_px` is the width of a line, 0.5 to 100.
///
/// # Errors
/// [`Error::Mismatch`](crate::Error::Mismatch) for another number of points,
/// [`Error::Parameter`](crate::Error::Parameter) for the width. Points that are not finite or far outside are passed over.
pub fn draw_face_into(image: &mut Image, mesh_px: &[[f64; 3]], line_px: f64) -> Result<()> {
    if mesh_px.len() != 478 && mesh_px.len() != 468 {
        return Err(Mismatch::new("points of the mesh", "478 or 468", mesh_px.len()).into());
    }
    if !(0.5..=100.0).contains(&line_px) {
        return Err(Parameter::new("line_px", line_px, "0.5 to 100 pixels").into());
    }
    let reach = 4.0 * image.width().max(image.height()) as f64;
    let at = |i: &usize| mesh_px.get(*i).map(|p| [p[0], p[1]]).filter(|p| p.iter().all(|v| v.abs() <= reach));
    for rim in [true, false] {
        for (name, outline) in FACE_CONTOURS {
            let colour = match name {
                _ if name.contains("eye") || name.contains("brow") => COLOURS[0],
                _ if name.contains("lips") => COLOURS[1],
                _ => COLOURS[2],
            };
            for pair in outline.windows(2) {
                if let [Some(from), Some(to)] = [at(&pair[0]), at(&pair[1])] {
                    stroke(image, from, to, line_px, rim, colour, line_px);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_are_drawn_and_wild_points_are_not() {
        let mut image = Image::filled(60, 60, [90; 3]).unwrap();
        draw_face_into(&mut image, &[[f64::NAN; 3]; 478], 1.0).unwrap();
        draw_face_into(&mut image, &[[1e300, -1e300, 0.0]; 468], 1.0).unwrap();
        assert_eq!(image, Image::filled(60, 60, [90; 3]).unwrap());
        let mut mesh = [[30.0, 30.0, 0.0]; 478];
        mesh[338] = [50.0, 30.0, 0.0];
        draw_face_into(&mut image, &mesh, 2.0).unwrap();
        assert_eq!(image.pixel(42, 30), Some(COLOURS[2]));
        assert!(draw_face_into(&mut image, &mesh[..9], 2.0).is_err());
        assert!(draw_face_into(&mut image, &mesh, f64::NAN).is_err());
        let points = FACE_CONTOURS.iter().flat_map(|(_, c)| c.iter());
        assert!(points.clone().all(|i| *i < 468));
    }
}
