//! The layers of the temporal models.

use super::{CtgSequence, LIMITS, TemporalConfig, TemporalKind};
use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig1d};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Device, Tensor};

/// Dilations of the blocks of the convolutional network: each output sees the whole hour.
const DILATIONS: [usize; 3] = [1, 2, 4];

/// Reads a sequence; gives the log-odds of each limit of the pH.
#[derive(Module, Debug)]
pub(super) struct Network {
    into: Linear,
    body: Body,
    out: Linear,
    dropout: Dropout,
}

#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a network has one of them")]
enum Body {
    Tcn(Vec<Block>),
    Gru(Gru),
}

/// Two causal convolutions, and what goes past them.
#[derive(Module, Debug)]
struct Block {
    first: Conv1d,
    second: Conv1d,
}

/// A gated recurrent unit with its gates packed as in PyTorch (r, z, n): two products per step instead of six.
#[derive(Module, Debug)]
struct Gru {
    input: Linear,
    hidden: Linear,
}

impl Network {
    pub(super) fn new(config: &TemporalConfig, device: &Device) -> Self {
        let width = config.width;
        let layer = |dilation: usize| {
            let causal = PaddingConfig1d::Explicit(2 * dilation, 0);
            Conv1dConfig::new(width, width, 3).with_dilation(dilation).with_padding(causal).init(device)
        };
        let body = match config.kind {
            TemporalKind::Tcn => {
                Body::Tcn(DILATIONS.iter().map(|d| Block { first: layer(*d), second: layer(*d) }).collect())
            }
            TemporalKind::Gru => Body::Gru(Gru {
                input: LinearConfig::new(width, 3 * width).init(device),
                hidden: LinearConfig::new(width, 3 * width).init(device),
            }),
        };
        Self {
            into: LinearConfig::new(CtgSequence::NUMBERS, width).init(device),
            body,
            out: LinearConfig::new(2 * width, LIMITS.len()).init(device),
            dropout: DropoutConfig::new(config.dropout).init(),
        }
    }

    /// Of sequences × steps × numbers, sequences × limits: from the mean over the hour and from its end.
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<2> {
        let [_, steps, _] = x.dims();
        let x = relu(self.into.forward(self.dropout.forward(x)));
        let h = match &self.body {
            Body::Tcn(blocks) => {
                let h = blocks.iter().fold(x.swap_dims(1, 2), |h, block| block.forward(h));
                h.swap_dims(1, 2)
            }
            Body::Gru(gru) => gru.forward(x),
        };
        let mean: Tensor<2> = h.clone().mean_dim(1).squeeze_dim(1);
        let last: Tensor<2> = h.narrow(1, steps - 1, 1).squeeze_dim(1);
        self.out.forward(self.dropout.forward(Tensor::cat(vec![mean, last], 1)))
    }
}

impl Block {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        relu(x.clone() + relu(self.second.forward(relu(self.first.forward(x)))))
    }
}

impl Gru {
    /// The states after each step, from 0.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, steps, width] = x.dims();
        let from_input = self.input.forward(x);
        let mut h = Tensor::<2>::zeros([n, width], &from_input.device());
        let mut states = Vec::with_capacity(steps);
        for t in 0..steps {
            let a: Tensor<2> = from_input.clone().narrow(1, t, 1).squeeze_dim(1);
            let b = self.hidden.forward(h.clone());
            let gates = sigmoid(a.clone().narrow(1, 0, 2 * width) + b.clone().narrow(1, 0, 2 * width));
            let (r, z) = (gates.clone().narrow(1, 0, width), gates.narrow(1, width, width));
            let new = (a.narrow(1, 2 * width, width) + r * b.narrow(1, 2 * width, width)).tanh();
            h = new.clone() + z * (h - new);
            states.push(h.clone());
        }
        Tensor::stack(states, 1)
    }
}
