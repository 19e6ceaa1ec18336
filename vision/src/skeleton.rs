//! The 33 body points of BlazePose, and the bones between them.

/// Number of body points.
pub const LANDMARKS: usize = 33;

/// Names in the order of the network; left and right are the subject's.
pub const LANDMARK_NAMES: [&str; LANDMARKS] = [
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
];

/// Pairs of points that are joined by a line when a body is drawn.
pub const BONES: [(usize, usize); 35] = [
    (0, 1),
    (1, 2),
    (2, 3),
    (3, 7),
    (0, 4),
    (4, 5),
    (5, 6),
    (6, 8),
    (9, 10),
    (11, 12),
    (11, 13),
    (13, 15),
    (15, 17),
    (15, 19),
    (15, 21),
    (17, 19),
    (12, 14),
    (14, 16),
    (16, 18),
    (16, 20),
    (16, 22),
    (18, 20),
    (11, 23),
    (12, 24),
    (23, 24),
    (23, 25),
    (25, 27),
    (27, 29),
    (29, 31),
    (27, 31),
    (24, 26),
    (26, 28),
    (28, 30),
    (30, 32),
    (28, 32),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bones_stay_on_one_side_or_cross_the_trunk() {
        for (a, b) in BONES {
            let side = |i: usize| LANDMARK_NAMES[i].split('_').find(|w| matches!(*w, "left" | "right"));
            let crosses = matches!((a, b), (9, 10) | (11, 12) | (23, 24)) || a == 0;
            assert!(side(a) == side(b) || crosses, "{a} {b}");
        }
    }
}
