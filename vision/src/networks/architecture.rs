//! The catalogue of networks.

use super::builder::Builder;
use super::graph::{Graph, Node};
use super::rtm::Size;
use super::{Network, NetworkModule};
use super::{
    blazeface, blazepose, blendshapes, classifiers, expressions, face_mesh, movenet, pem, rtm, ultraface, unet, yolox,
    yunet,
};
use crate::Result;
use burn::tensor::Device;
use eir_core::Limits;
use eir_core::error::Parameter;
use eir_core::weights::Weights;
use std::path::Path;

/// A network whose layers this crate knows, and what its file of weights must hold.
///
/// Loading is strict: a tensor that is missing, one too many, or one of another shape is an error that names it. The
/// published ones have a [`card`](Self::card); the others take your weights, under the names of their state dicts.
///
/// # Examples
/// ```no_run
/// use eir_vision::networks::Architecture;
/// use burn::tensor::Device;
/// use std::path::Path;
///
/// let network = Architecture::YoloxNano.load(Path::new("yolox_nano.safetensors"), &Device::flex())?;
/// let rows = network.run(&vec![114.0; 3 * 416 * 416])?.remove(0);
/// assert_eq!(rows.len(), 3549 * 85);
/// # Ok::<(), eir_vision::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Architecture {
    /// YOLOX-nano, 80 classes of COCO, 416 × 416, blue green red 0 … 255. Output: [3549, 85], undecoded.
    YoloxNano,
    /// YuNet-n face detector for pictures of the given size (multiples of 32), blue green red 0 … 255. Outputs: class,
    /// object, box and five points, each for strides 8, 16 and 32.
    YunetN {
        /// Width of the input.
        width: usize,
        /// Height of the input.
        height: usize,
    },
    /// Ultra-light face detector RFB-320, 320 × 240, (v − 127) / 128. Outputs: boxes relative to priors, logits.
    UltrafaceRfb320,
    /// BlazePose detector, 224 × 224, −1 … 1. Outputs: boxes with four points, logits.
    BlazeposeDetector,
    /// BlazePose lite landmark network, 256 × 256, 0 … 1. Outputs: points, world points, presence, heat maps, mask.
    BlazeposeLite,
    /// BlazePose full landmark network: as the lite one.
    BlazeposeFull,
    /// MoveNet singlepose lightning, 192 × 192, −1 … 1. Outputs: heat maps, centre, joints from the centre, offsets.
    MovenetLightning,
    /// BlazeFace short range, 128 × 128, −1 … 1. Outputs: boxes with six points, logits.
    BlazefaceShort,
    /// BlazeFace back camera, 256 × 256, −1 … 1. Outputs: as the short range.
    BlazefaceBack,
    /// Face mesh, 192 × 192, 0 … 1. Outputs: 468 points, 266 values of contours, presence.
    Facemesh,
    /// Face mesh with irises, 256 × 256, 0 … 1. Outputs: 478 points, logit of presence, an auxiliary probability.
    FacemeshV2,
    /// 52 blendshapes from 146 points.
    FaceBlendshapes,
    /// Iris, 64 × 64, 0 … 1. Output: 71 points of the eye and 5 of the iris.
    Iris,
    /// Expression network on 64 × 64 grey values −1 … 1. Output: seven probabilities.
    Emotion,
    /// mini-Xception: as [`Emotion`](Self::Emotion).
    MiniXception,
    /// face-api's expression network, 112 × 112, (v − mean) / 255. Output: seven logits.
    FaceapiExpression,
    /// face-api's 68 landmarks, 112 × 112, (v − mean) / 255. Output: x, y as fractions.
    FaceapiLandmarks68,
    /// Convolutional pose machine, 192 × 192, blue green red 0 … 255. Output: 14 heat maps of 96 × 96.
    PemCpm,
    /// Hourglass: as the pose machine, 48 × 48.
    PemHourglass,
    /// RTMPose tiny, 192 × 256. Outputs: scores along x and y for 17 joints.
    RtmposeT,
    /// RTMPose small.
    RtmposeS,
    /// RTMPose medium.
    RtmposeM,
    /// RTMDet-nano for persons, 320 × 320. Outputs: logits and distances of three layers.
    RtmdetNanoPerson,
    /// MobileNetV2 (torchvision), 224 × 224. Outputs: logits, last feature map.
    MobilenetV2 {
        /// Number of classes.
        classes: usize,
    },
    /// EfficientNet-B0 (timm `tf_efficientnet_b0`), 224 × 224. Outputs: logits, last feature map.
    EfficientnetB0 {
        /// Number of classes.
        classes: usize,
    },
    /// ResNet-18 (torchvision), 224 × 224. Outputs: logits, last feature map.
    Resnet18 {
        /// Number of classes.
        classes: usize,
    },
    /// DenseNet-121 (torchvision), 224 × 224. Outputs: logits, last feature map.
    Densenet121 {
        /// Planes of the input: 1 for X-rays.
        channels: usize,
        /// Number of classes.
        classes: usize,
    },
    /// MONAI's `BasicUNet` in two dimensions, of any size in multiples of 16. Output: logits of each class per pixel.
    BasicUnet {
        /// Width of the input.
        width: usize,
        /// Height of the input.
        height: usize,
        /// Planes of the input.
        channels: usize,
        /// Number of classes.
        classes: usize,
    },
}

impl Architecture {
    /// Those whose weights are published, with YuNet for 320 × 320.
    pub const PUBLISHED: [Self; 19] = [
        Self::YoloxNano,
        Self::YunetN { width: 320, height: 320 },
        Self::UltrafaceRfb320,
        Self::BlazeposeDetector,
        Self::BlazeposeLite,
        Self::BlazeposeFull,
        Self::MovenetLightning,
        Self::BlazefaceShort,
        Self::BlazefaceBack,
        Self::Facemesh,
        Self::FacemeshV2,
        Self::FaceBlendshapes,
        Self::Iris,
        Self::Emotion,
        Self::MiniXception,
        Self::FaceapiExpression,
        Self::FaceapiLandmarks68,
        Self::PemCpm,
        Self::PemHourglass,
    ];

    /// The published network whose weights are in a file of that name (without folder and ending).
    #[must_use]
    pub fn of_file(stem: &str) -> Option<Self> {
        Self::PUBLISHED.into_iter().find(|a| a.file_stem() == Some(stem))
    }

    /// The network with the weights of the safetensors file at `path`, on `device`.
    ///
    /// # Errors
    /// [`Error::Weights`](crate::Error::Weights) names the tensor that is missing, too many or of another shape;
    /// [`Error::Parameter`](crate::Error::Parameter) for a size or number of classes that the network cannot have.
    pub fn load(self, path: &Path, device: &Device) -> Result<Network> {
        self.network(Weights::open(path, &Limits::default())?, device)
    }

    /// As [`load`](Self::load), from weights that are already read.
    ///
    /// # Errors
    /// As `load`.
    pub fn network(self, weights: Weights, device: &Device) -> Result<Network> {
        Network::new(self.graph(weights)?, device)
    }

    /// As [`network`](Self::network), as a burn module.
    ///
    /// # Errors
    /// As `load`.
    pub fn module(self, weights: Weights, device: &Device) -> Result<NetworkModule> {
        NetworkModule::new(self.graph(weights)?, device)
    }

    /// Names and shapes of the tensors that its file must hold, in the order in which they are used.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::Error::Parameter) for a size or number of classes that the network cannot have.
    pub fn tensors(self) -> Result<Vec<(String, Vec<usize>)>> {
        self.validate()?;
        let mut b = Builder::listing();
        self.build(&mut b)?;
        Ok(b.listed())
    }

    fn graph(self, weights: Weights) -> Result<Graph> {
        self.validate()?;
        let mut b = Builder::new(weights);
        let outputs = self.build(&mut b)?;
        b.finish(&outputs)
    }

    fn validate(self) -> Result<()> {
        let (sides, multiple) = match self {
            Self::YunetN { width, height } => ([width, height], 32),
            Self::BasicUnet { width, height, .. } => ([width, height], 16),
            _ => ([16, 16], 16),
        };
        if let Some(side) = sides.into_iter().find(|s| !s.is_multiple_of(multiple) || *s == 0 || *s > 8192) {
            return Err(Parameter::new("side", side as f64, "a multiple of the network's stride, at most 8192").into());
        }
        let (channels, classes) = match self {
            Self::MobilenetV2 { classes } | Self::EfficientnetB0 { classes } | Self::Resnet18 { classes } => {
                (1, classes)
            }
            Self::Densenet121 { channels, classes } | Self::BasicUnet { channels, classes, .. } => (channels, classes),
            _ => (1, 1),
        };
        for (name, value) in [("channels", channels), ("classes", classes)] {
            if !(1..=100_000).contains(&value) {
                return Err(Parameter::new(name, value as f64, "1 to 100 000").into());
            }
        }
        Ok(())
    }

    fn build(self, b: &mut Builder) -> Result<Vec<Node>> {
        match self {
            Self::YoloxNano => yolox::nano(b),
            Self::YunetN { width, height } => yunet::build(b, [width, height]),
            Self::UltrafaceRfb320 => ultraface::rfb_320(b),
            Self::BlazeposeDetector => blazepose::detector(b),
            Self::BlazeposeLite => blazepose::lite(b),
            Self::BlazeposeFull => blazepose::full(b),
            Self::MovenetLightning => movenet::lightning(b),
            Self::BlazefaceShort => blazeface::short(b),
            Self::BlazefaceBack => blazeface::back(b),
            Self::Facemesh => face_mesh::mesh_468(b),
            Self::FacemeshV2 => face_mesh::mesh_478(b),
            Self::FaceBlendshapes => blendshapes::build(b),
            Self::Iris => face_mesh::iris(b),
            Self::Emotion => expressions::emotion(b),
            Self::MiniXception => expressions::mini_xception(b),
            Self::FaceapiExpression => expressions::faceapi_expression(b),
            Self::FaceapiLandmarks68 => expressions::faceapi_landmarks(b),
            Self::PemCpm => pem::pose_machine(b),
            Self::PemHourglass => pem::hourglass(b),
            Self::RtmposeT => rtm::pose(b, Size::Tiny),
            Self::RtmposeS => rtm::pose(b, Size::Small),
            Self::RtmposeM => rtm::pose(b, Size::Medium),
            Self::RtmdetNanoPerson => rtm::detector_nano(b),
            Self::MobilenetV2 { classes } => classifiers::mobilenet_v2(b, classes),
            Self::EfficientnetB0 { classes } => classifiers::efficientnet_b0(b, classes),
            Self::Resnet18 { classes } => classifiers::resnet_18(b, classes),
            Self::Densenet121 { channels, classes } => classifiers::densenet_121(b, channels, classes),
            Self::BasicUnet { width, height, channels, classes } => unet::basic(b, [height, width], channels, classes),
        }
    }
}
