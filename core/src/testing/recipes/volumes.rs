use super::{Recipe, crc32, deflate_bomb, either, fail, gzip, gzip_member, patched, read};

/// A NIfTI-1 file of 4 × 3 × 2 voxels of i16 with qform and sform.
fn volume() -> Vec<u8> {
    let mut bytes = vec![0u8; 352];
    bytes[..4].copy_from_slice(&348i32.to_le_bytes());
    for (at, v) in [(40, 3i16), (42, 4), (44, 3), (46, 2), (70, 4), (72, 16), (252, 1), (254, 2)] {
        bytes[at..at + 2].copy_from_slice(&v.to_le_bytes());
    }
    // pixdim 0 to 3, vox_offset, scl_slope, the sform's diagonal
    for (at, v) in
        [(76, 1.0f32), (80, 1.0), (84, 1.0), (88, 2.0), (108, 352.0), (112, 1.0), (280, 1.0), (300, 1.0), (320, 2.0)]
    {
        bytes[at..at + 4].copy_from_slice(&v.to_le_bytes());
    }
    bytes[344..348].copy_from_slice(b"n+1\0");
    bytes.extend((0..24i16).flat_map(i16::to_le_bytes));
    bytes
}

fn with_i16(at: usize, values: &[i16]) -> Vec<u8> {
    patched(&volume(), at, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
}

fn with_f32(at: usize, values: &[f32]) -> Vec<u8> {
    patched(&volume(), at, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
}

/// The volume with one extension that says `size`; `behind` comes between header and voxels.
fn extended(size: i32, behind: usize) -> Vec<u8> {
    let plain = patched(&with_f32(108, &[(352 + behind) as f32]), 348, &[1, 0, 0, 0]);
    let mut extension = [size.to_le_bytes(), 6i32.to_le_bytes()].concat();
    extension.resize(behind, b'x');
    [&plain[..352], &extension, &plain[352..]].concat()
}

/// NIfTI files (plain and gzipped), recipes 14 to 19. Dimensions, offsets, extensions, scales and streams that lie.
#[must_use]
pub fn nifti() -> Vec<Recipe> {
    let plain = volume();
    let packed = gzip(&plain);
    let swapped_twice = patched(&plain, 0, &348i32.to_be_bytes());
    let bomb = {
        let mut head = with_i16(42, &[1000, 1000, 1000])[..352].to_vec();
        head.extend([0; 16]);
        head
    };
    vec![
        read(14, "4 x 3 x 2 voxels", plain.clone()),
        read(19, "4 x 3 x 2 voxels in gzip", packed.clone()),
        fail(14, "200 dimensions", with_i16(40, &[200])),
        fail(14, "-1 dimensions", with_i16(40, &[-1])),
        fail(14, "a dimension of -1", with_i16(42, &[-1])),
        fail(14, "size of the header in the other byte order than the rest", swapped_twice),
        fail(
            15,
            "sizes whose product is beyond 2^63",
            with_i16(40, &[7, 32767, 32767, 32767, 32767, 32767, 32767, 32767]),
        ),
        fail(15, "18 GB of voxels in 400 bytes", with_i16(40, &[4, 1000, 1000, 1000, 9])),
        fail(16, "voxels at NaN", with_f32(108, &[f32::NAN])),
        fail(16, "voxels at infinity", with_f32(108, &[f32::INFINITY])),
        fail(16, "voxels at 1e30", with_f32(108, &[1e30])),
        either(16, "voxels inside the header", with_f32(108, &[100.0])),
        either(16, "voxels at a negative place", with_f32(108, &[-16.0])),
        either(17, "extension of size 0", extended(0, 16)),
        either(17, "extension of a size that is no multiple of 16", extended(17, 32)),
        either(17, "extension that ends beyond the file", extended(0x7fff_fff0, 16)),
        either(17, "extension of a negative size", extended(-16, 16)),
        read(17, "extensions announced, none there", patched(&plain, 348, &[1, 0, 0, 0])),
        read(18, "slope 0", with_f32(112, &[0.0, 5.0])),
        either(18, "slope NaN", with_f32(112, &[f32::NAN])),
        either(18, "slope and intercept infinite", with_f32(112, &[f32::INFINITY, f32::NEG_INFINITY])),
        either(18, "quaternion longer than 1", patched(&with_f32(256, &[1.0, 1.0, 1.0]), 254, &[0, 0])),
        either(18, "quaternion and spacing NaN", patched(&with_f32(80, &[f32::NAN; 3]), 254, &[0, 0])),
        either(18, "affine of zeros", with_f32(280, &[0.0; 12])),
        either(19, "gzip with garbage behind", [&packed[..], &[0xaa; 40]].concat()),
        either(19, "gzip of two members", [gzip(&plain[..200]), gzip(&plain[200..])].concat()),
        either(19, "gzip cut in its check", packed[..packed.len() - 6].to_vec()),
        either(19, "gzip with a wrong check", patched(&packed, packed.len() - 8, &[1, 2, 3, 4])),
        fail(19, "gzip cut in the voxels", packed[..packed.len() - 20].to_vec()),
        either(19, "1 MiB of gzip that becomes 1 GiB", gzip_member(&deflate_bomb(1 << 30), 0, 1 << 30)),
        either(
            19,
            "a header of 2 GB of voxels before a bomb",
            [gzip(&bomb), gzip_member(&deflate_bomb(1 << 30), 0, 0)].concat(),
        ),
        either(19, "empty gzip", gzip_member(&super::deflate_stored(&[]), crc32(&[]), 0)),
    ]
}

/// NRRD files, recipes 19 and 20. Paths that lead out, sizes that are missing, wrong or huge, encodings that lie.
#[must_use]
pub fn nrrd() -> Vec<Recipe> {
    let file = |fields: &str, data: &[u8]| [format!("NRRD0004\n{fields}\n").as_bytes(), data].concat();
    let voxels: Vec<u8> = (0..24i16).flat_map(i16::to_le_bytes).collect();
    let common = "type: short\ndimension: 3\nendian: little\n";
    let sized = format!("{common}sizes: 4 3 2\n");
    vec![
        read(20, "4 x 3 x 2 voxels", file(&format!("{sized}encoding: raw\n"), &voxels)),
        fail(
            20,
            "data file: ../../etc/passwd",
            file(&format!("{sized}encoding: raw\ndata file: ../../etc/passwd\n"), &[]),
        ),
        fail(20, "data file: /etc/passwd", file(&format!("{sized}encoding: raw\ndata file: /etc/passwd\n"), &[])),
        fail(
            20,
            "data files by a pattern",
            file(&format!("{sized}encoding: raw\ndata file: x%09999999d.raw 0 4000000000 1\n"), &[]),
        ),
        fail(20, "no sizes", file(&format!("{common}encoding: raw\n"), &voxels)),
        fail(20, "fewer sizes than dimensions", file(&format!("{common}encoding: raw\nsizes: 4 3\n"), &voxels)),
        fail(
            20,
            "sizes whose product wraps",
            file(&format!("{common}encoding: raw\nsizes: 4294967296 4294967296 2\n"), &voxels),
        ),
        fail(20, "a negative size", file(&format!("{common}encoding: raw\nsizes: -4 3 2\n"), &voxels)),
        fail(20, "a size of 0", file(&format!("{common}encoding: raw\nsizes: 0 3 2\n"), &voxels)),
        fail(
            20,
            "4 294 967 295 dimensions",
            file("type: short\ndimension: 4294967295\nsizes: 1\nencoding: raw\n", &voxels),
        ),
        fail(
            20,
            "block of 2^62 bytes",
            file("type: block\nblock size: 4611686018427387904\ndimension: 3\nsizes: 4 3 2\nencoding: raw\n", &voxels),
        ),
        fail(20, "voxels that are cut", file(&format!("{sized}encoding: raw\n"), &voxels[..20])),
        either(
            20,
            "skips more lines and bytes than there are",
            file(&format!("{sized}encoding: raw\nline skip: 4000000000\nbyte skip: 4000000000\n"), &voxels),
        ),
        either(20, "skips backwards", file(&format!("{sized}encoding: raw\nbyte skip: -99\n"), &voxels)),
        either(
            20,
            "directions NaN",
            file(
                &format!(
                    "{sized}encoding: raw\nspace: left-posterior-superior\nspace directions: (nan,0,0) (0,inf,0) (0,0,1e999)\n"
                ),
                &voxels,
            ),
        ),
        either(
            20,
            "directions of zeros",
            file(
                &format!(
                    "{sized}encoding: raw\nspace: left-posterior-superior\nspace directions: (0,0,0) (0,0,0) (0,0,0)\n"
                ),
                &voxels,
            ),
        ),
        fail(
            19,
            "gzip that ends before its 4 GB of voxels",
            file(
                &format!("{common}sizes: 600 600 6000\nencoding: gzip\n"),
                &gzip_member(&deflate_bomb(1 << 28), 0, 1 << 28),
            ),
        ),
        either(
            19,
            "gzip that becomes 256 MiB where 48 bytes belong",
            file(&format!("{sized}encoding: gzip\n"), &gzip_member(&deflate_bomb(1 << 28), 0, 1 << 28)),
        ),
        either(
            20,
            "a line of 1 MiB",
            file(&format!("{sized}encoding: raw\ncontent: {}\n", "x".repeat(1 << 20)), &voxels),
        ),
        either(20, "100 000 keys", file(&format!("{sized}encoding: raw\n{}", "key:=value\n".repeat(100_000)), &voxels)),
    ]
}

fn triangle(corners: [[f32; 3]; 3]) -> Vec<u8> {
    let mut bytes = vec![0; 12];
    bytes.extend(corners.iter().flatten().flat_map(|v| v.to_le_bytes()));
    bytes.extend([0, 0]);
    bytes
}

/// STL files, recipe 21. A text head on binary data, a count that lies, corners that are no numbers.
#[must_use]
pub fn stl() -> Vec<Recipe> {
    let corners = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    let file = |head: &str, count: u32, triangles: &[u8]| {
        let mut bytes = head.as_bytes().to_vec();
        bytes.resize(80, b' ');
        bytes.extend(count.to_le_bytes());
        bytes.extend(triangles);
        bytes
    };
    let text = |vertex: &str| {
        format!(
            "solid a\nfacet normal 0 0 1\nouter loop\n{vertex}\n{vertex}\n{vertex}\nendloop\nendfacet\nendsolid a\n"
        )
    };
    vec![
        read(21, "\"solid\", but binary", file("solid part", 1, &triangle(corners))),
        fail(21, "2^32-1 triangles claimed, one there", file("binary", u32::MAX, &triangle(corners))),
        fail(21, "a triangle that is cut", file("binary", 1, &triangle(corners)[..40])),
        either(21, "bytes behind the last triangle", file("binary", 1, &[triangle(corners), vec![9; 7]].concat())),
        either(21, "no triangle", file("binary", 0, &[])),
        fail(21, "corners NaN", file("binary", 1, &triangle([[f32::NAN; 3]; 3]))),
        fail(21, "corners infinite", file("binary", 1, &triangle([[f32::INFINITY; 3]; 3]))),
        fail(21, "text whose corners are NaN", text("vertex nan nan nan")),
        fail(21, "text whose corner lacks a number", text("vertex 1 2")),
        fail(21, "text that ends in a loop", b"solid a\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\n".to_vec()),
        either(21, "text with a line of 1 MiB", format!("solid {}\n{}", "x".repeat(1 << 20), text("vertex 1 2 3"))),
    ]
}

/// OBJ files, recipe 22. Indices of no vertex.
#[must_use]
pub fn obj() -> Vec<Recipe> {
    let file = |face: &str| format!("v 0 0 0\nv 1 0 0\nv 0 1 0\n{face}\n");
    vec![
        read(22, "one triangle", file("f 1 2 3")),
        fail(22, "index 0", file("f 0 1 2")),
        fail(22, "index beyond the end", file("f 1 2 4")),
        fail(22, "negative index before the first", file("f -1 -2 -4")),
        fail(22, "index beyond 2^64", file("f 1 2 99999999999999999999999")),
        either(22, "face of two corners", file("f 1 2")),
        fail(22, "corner NaN", "v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"),
        either(22, "face of 100 000 corners", file(&format!("f {}", "1 2 3 ".repeat(33_333)))),
        either(22, "normals and textures that are not there", file("f 1/1/1 2/9/9 3//-5")),
    ]
}

/// Binary glTF files, recipe 22. Accessors and views that leave their buffer, overlap or lie, scenes that hold themselves.
#[must_use]
pub fn gltf() -> Vec<Recipe> {
    let chunk = |kind: &[u8; 4], data: &[u8], pad: u8| {
        let mut data = data.to_vec();
        data.resize(data.len().next_multiple_of(4), pad);
        [&(data.len() as u32).to_le_bytes()[..], kind, &data].concat()
    };
    let file = |json: &str| {
        let chunks = [chunk(b"JSON", json.as_bytes(), b' '), chunk(b"BIN\0", &[0; 36], 0)].concat();
        [&b"glTF\x02\0\0\0"[..], &(12 + chunks.len() as u32).to_le_bytes(), &chunks].concat()
    };
    let scene = |accessor: &str, view: &str, rest: &str| {
        file(&format!(
            r#"{{"asset":{{"version":"2.0"}},"buffers":[{{"byteLength":36}}],"bufferViews":[{{{view}}}],"accessors":[{{{accessor}}}],
"meshes":[{{"primitives":[{{"attributes":{{"POSITION":0}}}}]}}],{rest}"scene":0}}"#
        ))
    };
    let plain = r#""nodes":[{"mesh":0}],"scenes":[{"nodes":[0]}],"#;
    let view = r#""buffer":0,"byteLength":36"#;
    let accessor = r#""bufferView":0,"componentType":5126,"count":3,"type":"VEC3""#;
    let good = scene(accessor, view, plain);
    vec![
        read(22, "one triangle", good.clone()),
        fail(22, "accessor out of its view", scene(&accessor.replace("3,", "4,"), view, plain)),
        fail(22, "accessor of 2^53 elements", scene(&accessor.replace("3,", "9007199254740992,"), view, plain)),
        fail(22, "view out of its buffer", scene(accessor, &view.replace("36", "4000000000"), plain)),
        fail(
            22,
            "view that starts at 2^64-1",
            scene(accessor, r#""buffer":0,"byteOffset":18446744073709551615,"byteLength":36"#, plain),
        ),
        either(22, "stride 0", scene(accessor, &format!(r#"{view},"byteStride":0"#), plain)),
        either(
            22,
            "stride smaller than an element, so that elements overlap",
            scene(accessor, &format!(r#"{view},"byteStride":4"#), plain),
        ),
        either(22, "unknown type of component", scene(&accessor.replace("5126", "1"), view, plain)),
        fail(
            22,
            "view that is not there",
            scene(&accessor.replace("\"bufferView\":0", "\"bufferView\":7"), view, plain),
        ),
        either(
            22,
            "node that is its own child",
            scene(accessor, view, r#""nodes":[{"mesh":0,"children":[0]}],"scenes":[{"nodes":[0]}],"#),
        ),
        either(22, "length that is wrong", patched(&good, 8, &u32::MAX.to_le_bytes())),
        fail(22, "chunk beyond the end", patched(&good, 12, &0xffff_fff0u32.to_le_bytes())),
    ]
}
