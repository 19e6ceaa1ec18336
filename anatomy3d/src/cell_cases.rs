//! Which triangles a cell of eight voxels gets, for each of the 256 ways in which its corners can be inside.
//!
//! Corner `c = x + 2y + 4z` is inside if bit `c` of the case is set. Edges: 0 to 3 along x at (y, z) = (e & 1, e >> 1);
//! 4 to 7 along y at (x, z); 8 to 11 along z at (x, y). A word holds the number of triangles in its low 4 bits and then
//! one edge in each 4 bits. The triangulation is VTK's (BSD licence), so that surfaces agree with VTK to the last
//! triangle; `tests/golden/cell_cases.py` makes the table.
//!
//! Where two opposite corners of a face are inside and the other two are not, both cells beside the face join the
//! same corners, so that the surface has no hole there (tested below).

/// The table.
pub(crate) const CASES: [u64; 256] = [
    0x0000000000000000,
    0x0000000000008401,
    0x0000000000005901,
    0x0000000008598452,
    0x000000000000a141,
    0x000000000a08a102,
    0x0000000004a19052,
    0x0000008a99a5a153,
    0x0000000000001b51,
    0x0000000001b58402,
    0x0000000001901b92,
    0x00000098bb818413,
    0x000000000b4ab542,
    0x000000ab88b0b503,
    0x000000b9aa949043,
    0x0000000008ab8b92,
    0x0000000000006821,
    0x0000000004264022,
    0x0000000002685902,
    0x0000004566525923,
    0x000000000a142682,
    0x00000002112a26a3,
    0x0000004a12680593,
    0x000159a192a96a24,
    0x0000000002681b52,
    0x0000001b50242643,
    0x0000002680191b93,
    0x000926641961b914,
    0x000000826ab4b543,
    0x000a260252a5ab54,
    0x00004aab90a96824,
    0x000000ab9a926a23,
    0x0000000000007291,
    0x0000000008407292,
    0x0000000007057202,
    0x0000005744787283,
    0x0000000004a17292,
    0x0000009728a0a103,
    0x0000004a15707203,
    0x0008728a17815714,
    0x0000000007291b52,
    0x0000009721b50843,
    0x0000000122171b73,
    0x000284724174b714,
    0x00000072954b4ab3,
    0x000ab8b588509724,
    0x00004aab70a72074,
    0x0000008ab8b72873,
    0x0000000006976892,
    0x0000006477494093,
    0x0000007655606803,
    0x0000000007647452,
    0x000000a148969763,
    0x0006a11096197694,
    0x0007656855804a14,
    0x00000057656a15a3,
    0x00000051b7696893,
    0x00064740770951b4,
    0x00071b7681780184,
    0x000000764741b713,
    0x0004ab54b7687894,
    0xb0a0b5a060976075,
    0x60706870b04ab0a5,
    0x000000000a76b7a2,
    0x0000000000003a61,
    0x00000000063a0842,
    0x00000000063a5902,
    0x00000063a4585983,
    0x0000000001631462,
    0x0000001033060863,
    0x0000005904616313,
    0x0006389858353154,
    0x000000000a6351b2,
    0x000000a630841b53,
    0x000000a63b919013,
    0x00098b84bb41a634,
    0x00000046556b63b3,
    0x0000858656b563b4,
    0x000b63b906b04604,
    0x000000b98b863b63,
    0x00000000083a8232,
    0x0000002300343a43,
    0x0000000592383a83,
    0x00043a4593492394,
    0x0000003122181483,
    0x0000000003122102,
    0x0004822314219054,
    0x0000002312159253,
    0x000000b51a838233,
    0x0002303a00a41b54,
    0x000b911903a2a824,
    0x34243a24941b94b5,
    0x000b532383585484,
    0x00000002303b50b3,
    0x94b490b434823425,
    0x000000000b2392b2,
    0x0000000003a69722,
    0x00000063a9728403,
    0x0000003a62070573,
    0x00057472442863a4,
    0x0000002973161463,
    0x0008633108307294,
    0x0002077056343144,
    0x7858725818631835,
    0x0000003a651b7293,
    0x0009728401b5a634,
    0x0000121b22b73a64,
    0x63a71b1747242845,
    0x00046563553b7294,
    0x7296080656353b55,
    0x6b4b634b0b720b25,
    0x0008b22b7b863b64,
    0x00000089aa939733,
    0x0009707303403a44,
    0x0003a75707a0a804,
    0x000000457473a433,
    0x0008143171878974,
    0x0000003103097393,
    0x1838143878057855,
    0x0000000005317352,
    0x00073aa897a91b54,
    0x1b53979303a0a405,
    0x17071b07873a87a5,
    0x00074bb41473a434,
    0x9383978343b54355,
    0x00030770903b50b4,
    0x0000000003b74802,
    0x00000000000073b1,
    0x00000000000037b1,
    0x000000000b378402,
    0x000000000b370592,
    0x000000b379858453,
    0x00000000037b4a12,
    0x00000037b10a08a3,
    0x000000b374a15903,
    0x0008a9a19915b374,
    0x0000000003513752,
    0x0000000841353753,
    0x0000001300393793,
    0x0001841378179874,
    0x0000005477434a33,
    0x000a37750a708a04,
    0x000790370430a344,
    0x00000098a9a37933,
    0x000000000682b372,
    0x0000007b36424023,
    0x000000268b379053,
    0x00092664596537b4,
    0x00000037b826a143,
    0x0006a1102612b374,
    0x000b374a16825904,
    0xb37a262a9a191595,
    0x0000006827535133,
    0x0002640241371754,
    0x0001303700792684,
    0x3919371949264965,
    0x000a37754a742684,
    0x2a0a260a5a375a75,
    0x26834a4303707905,
    0x000a966929a37934,
    0x0000000002b329b2,
    0x0000008409b2b323,
    0x00000020330b05b3,
    0x0005b33285384584,
    0x00000014a32b29b3,
    0x000b329b28a18104,
    0x0005b3320530a144,
    0xa585a18525b32535,
    0x0000003211252953,
    0x0003212911950844,
    0x0000000001321202,
    0x0000001321284183,
    0x00034a5494393294,
    0x25352935a508a585,
    0x000000320304a343,
    0x00000000038a2832,
    0x0000009b88b6b363,
    0x0006b39b0b606404,
    0x000805685b6536b4,
    0x00000064565b36b3,
    0x00036889b38b4a14,
    0xb696b39606a10615,
    0x4a16b3b656858055,
    0x00065335b56a15a4,
    0x0003688953851354,
    0x4969406939513915,
    0x0000000130368063,
    0x0000000006134162,
    0x43534a5393689385,
    0x00000000036a9502,
    0x00030aa040368064,
    0x000000000000a361,
    0x0000000007a67ba2,
    0x00000040867a7ba3,
    0x000000905ba7a673,
    0x000458859a6b67b4,
    0x0000006744717b13,
    0x00017b6787181084,
    0x000b14467b470594,
    0x71617b6181598195,
    0x00000075665a51a3,
    0x0001a66751658404,
    0x000a610191696794,
    0x8191849171a67165,
    0x0000000006744752,
    0x0000006756508603,
    0x0000004674790493,
    0x0000000009678692,
    0x000000a8bb878273,
    0x00040aba7a070274,
    0x00027bba82b85904,
    0x52425942a27ba2b5,
    0x0008242747147b14,
    0x000000102127b173,
    0x5907828747b4b145,
    0x000219915127b174,
    0x000782a818717514,
    0x5a7a517a2a402a05,
    0x87a782a717901705,
    0x000000000a412792,
    0x0000007547482783,
    0x0000000000752702,
    0x0004700797482784,
    0x0000000000002791,
    0x000000ba99a2a623,
    0x000ba9a699628404,
    0x0002a6205a25ba54,
    0xa2b2a6b252845245,
    0x0002964616919b14,
    0x06160816b629b695,
    0x0b2b052b6b146b45,
    0x000000000628b152,
    0x0005191a9a29a624,
    0x840a515a9a696295,
    0x00000020121a62a3,
    0x00012442821a62a4,
    0x0000005465629523,
    0x0006588505629524,
    0x0000000002460422,
    0x0000000000008621,
    0x000000000a8bb892,
    0x0000009ba9a40943,
    0x000000ba8b805b03,
    0x0000000004ba5b42,
    0x00000089b8b14813,
    0x000000000910b192,
    0x000b855808b14814,
    0x000000000000b151,
    0x000000a89a951a53,
    0x000a911959a40944,
    0x0000000000a81a02,
    0x0000000000001a41,
    0x0000000005894852,
    0x0000000000009501,
    0x0000000000004801,
    0x0000000000000000,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The triangles' edges as pairs of cell edges, directed.
    fn directed(case: usize) -> BTreeMap<(u64, u64), i32> {
        let word = CASES[case];
        let mut pairs = BTreeMap::new();
        for t in 0..word & 15 {
            let e = [0, 1, 2].map(|k| (word >> (4 + 4 * (3 * t + k))) & 15);
            for k in 0..3 {
                *pairs.entry((e[k], e[(k + 1) % 3])).or_insert(0) += 1;
            }
        }
        pairs
    }

    /// Whether cell edge `e` lies on face `face` (0, 1: x low, high; 2, 3: y; 4, 5: z).
    fn on_face(e: u64, face: usize) -> bool {
        let (along, a, b) = (e / 4, (e % 4) & 1, (e % 4) >> 1);
        let (axis, high) = ((face / 2) as u64, (face % 2) as u64);
        let at = match (along, axis) {
            (0, 1) | (1, 0) | (2, 0) => Some(a),
            (0, 2) | (1, 2) | (2, 1) => Some(b),
            _ => None,
        };
        at == Some(high)
    }

    /// The open sides of a case on a face, with edges named by their place in the face.
    fn sides(case: usize, face: usize) -> Vec<(u64, u64)> {
        let pairs = directed(case);
        let open = pairs.iter().filter(|((a, b), n)| **n == 1 && !pairs.contains_key(&(*b, *a)));
        // an edge of the opposite face has the same number but for the bit of its place across
        let name = |e: u64| {
            let (along, axis) = (e / 4, (face / 2) as u64);
            let across = match (along, axis) {
                (0, 1) | (1, 0) | (2, 0) => 1,
                _ => 2,
            };
            e & !across
        };
        open.filter(|((a, b), _)| on_face(*a, face) && on_face(*b, face))
            .map(|((a, b), _)| (name(*a), name(*b)))
            .collect()
    }

    #[test]
    fn every_side_inside_the_cell_has_its_counterpart() {
        for case in 0..256 {
            for ((a, b), n) in directed(case) {
                let face = (0..6).any(|f| on_face(a, f) && on_face(b, f));
                assert!(n == 1, "case {case}");
                assert!(face || directed(case).contains_key(&(b, a)), "case {case}: {a} {b}");
            }
        }
    }

    #[test]
    fn neighbours_agree_on_the_face_between_them() {
        for axis in 0..3 {
            // the four corners of the low and of the high face, in the same order
            let corners: Vec<usize> = (0..8).filter(|c| (c >> axis) & 1 == 0).collect();
            for one in 0..256usize {
                for other in 0..256usize {
                    let shared = corners.iter().all(|c| (one >> (c + (1 << axis))) & 1 == (other >> c) & 1);
                    if shared {
                        let mut high = sides(one, 2 * axis + 1);
                        let mut low: Vec<_> = sides(other, 2 * axis).into_iter().map(|(a, b)| (b, a)).collect();
                        high.sort_unstable();
                        low.sort_unstable();
                        assert_eq!(high, low, "cases {one} and {other} along axis {axis}");
                    }
                }
            }
        }
    }
}
