//! Reference values of `eir-vision`: networks, the whole chain, kinematics, filters.

#[path = "golden/archive.rs"]
mod archive;
#[path = "golden/calibration.rs"]
mod calibration;
#[path = "golden/coco_eval.rs"]
mod coco_eval;
#[cfg(feature = "models")]
#[path = "golden/decode.rs"]
mod decode;
#[cfg(feature = "models")]
#[path = "golden/detect.rs"]
mod detect;
#[cfg(feature = "explain")]
#[path = "golden/explain.rs"]
mod explain;
#[cfg(feature = "models")]
#[path = "golden/face.rs"]
mod face;
#[path = "golden/filters.rs"]
mod filters;
#[path = "golden/heat_maps.rs"]
mod heat_maps;
#[path = "golden/kinematics.rs"]
mod kinematics;
#[cfg(feature = "models")]
#[path = "golden/networks.rs"]
mod networks;
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
        .case("decode/expected.json", heat_maps::truth)
        .case("decode/simcc.npz", heat_maps::axes)
        .case("decode/heatmaps.npz", heat_maps::maps)
        .case("calibration/*.json", calibration::conformal)
        .case("coco_eval/gt.json", coco_eval::labels)
        .case("coco_eval/dt_*.json", coco_eval::precision)
        .case("coco_eval/expected.json", coco_eval::expected)
        .case("coco_eval/oks_matrix_*.json", coco_eval::matrices);
    #[cfg(not(feature = "models"))]
    let golden = golden.case("pose/*_blazepose.json", kinematics::world_points);
    #[cfg(feature = "models")]
    let golden = golden
        .case("pose/*_blazepose.json", pose::lite)
        .case("pose/*_blazepose_segmentation.png", pose::lite_mask)
        .case("pose/*_blazepose_heatmap_f16.npy", pose::lite_heat)
        .case("pose/*_pem_input.png", pose::heat_map_input)
        .case("pose/*_blazepose_input.png", pose::lite_input)
        .case("pose/*_heatmaps_f16.npy", pose::heat_map_network)
        .case("structure/*.json", networks::structure)
        .case("structure/*.npy", networks::output)
        .case("detect/*_yolox_raw_person.npy", detect::yolox_raw)
        .case("face/*_facemesh.npy", face::mesh_points)
        .case("mediapipe/*_mesh478.npy", pose::mesh_points)
        .case("detect/*_yolox.json", detect::yolox)
        .case("detect/*_yolox_input.png", detect::yolox_input)
        .case("detect/*_yunet.json", detect::yunet)
        .case("detect/*_yunet_input.png", detect::yunet_input)
        .case("detect/*_ultraface.json", detect::ultraface)
        .case("detect/*_ultraface_input.png", detect::ultraface_input)
        .case("summary.json", detect::summary)
        .case("face/fer.json", face::fer)
        .case("face/*.json", face::face)
        .case("face/*_input.png", face::crop)
        .case("preprocess/topdown.json", decode::top_down)
        .case("preprocess/*.png", decode::top_down_crop)
        .case("mediapipe/*_movenet_input.png", pose::whole_input)
        .case("mediapipe/*_facedet_input.png", pose::whole_input)
        .case("mediapipe/*_mesh_input.png", pose::mesh_input)
        .case("mediapipe/peer.json", pose::peer)
        .case("mediapipe/summary.json", pose::summary)
        .case("mediapipe/*.json", pose::chain)
        .case("mediapipe/*_posedet_input.png", pose::detector_input)
        .case("mediapipe/*_full_input.png", pose::landmarker_input)
        .case("mediapipe/*_full_heatmap_f16.npy", pose::heat_maps);
    #[cfg(feature = "explain")]
    let golden = golden
        .case("explain/explain.json", explain::numbers)
        .case("explain/*_gradcam*.npy", explain::grad_cam)
        .case("explain/*_saliency*.npy", explain::saliency)
        .case("explain/*_occlusion*.npy", explain::occlusion)
        .case("explain/*_ig*.npy", explain::integrated);
    golden.run()
}
