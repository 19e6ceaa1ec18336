//! Reference values of `eir-vision`: networks, the whole chain, kinematics, filters.

#[path = "golden/coco_eval.rs"]
mod coco_eval;
#[path = "golden/filters.rs"]
mod filters;
#[path = "golden/kinematics.rs"]
mod kinematics;
#[cfg(feature = "models")]
#[path = "golden/pose.rs"]
mod pose;

use eir_core::testing::golden::Golden;

fn main() -> std::process::ExitCode {
    let golden = Golden::from_args("vision")
        .case("kinematics/jcs_cases.json", kinematics::joint_coordinates)
        .case("kinematics/expected.json", kinematics::expected)
        .case("kinematics/*.json", kinematics::sequence)
        .case("filters/smoothing.json", filters::smoothing)
        .case("coco_eval/gt.json", coco_eval::labels)
        .case("coco_eval/dt_*.json", coco_eval::precision)
        .case("coco_eval/expected.json", coco_eval::expected)
        .case("coco_eval/oks_matrix_*.json", coco_eval::matrices)
        .case("pose/*_blazepose.json", kinematics::world_points);
    #[cfg(feature = "models")]
    let golden = golden
        .case("mediapipe/peer.json", pose::peer)
        .case("mediapipe/summary.json", pose::summary)
        .case("mediapipe/*.json", pose::chain)
        .case("mediapipe/*_posedet_input.png", pose::detector_input)
        .case("mediapipe/*_full_input.png", pose::landmarker_input)
        .case("mediapipe/*_full_heatmap_f16.npy", pose::heat_maps);
    golden.run()
}
