use super::packed::{Packed, Parts};
use super::{Error, Weights, write};
use crate::error::Mismatch;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Int, Tensor, TensorData};
use std::collections::BTreeSet;

/// `module` with the tensors of `weights`, whose names are those of the same network's state dict in PyTorch.
///
/// A burn path is a PyTorch name but for two rules: a linear layer's weight stands transposed in the file, and the
/// `gamma` and `beta` of every normalisation (instance normalisation too, which burn's own store leaves out) are called
/// `weight` and `bias`. `num_batches_tracked` of a batch normalisation that the module has is not needed and left out.
/// Everything else must fit: each tensor there, of the right shape, none left over.
///
/// What PyTorch packs into one tensor is split:
///
/// | burn | PyTorch | parts, from the top |
/// |---|---|---|
/// | `Lstm` | `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0` | input, forget, cell, output gate |
/// | `Gru` | the same | reset, update, new gate |
/// | `BiLstm`, `BiGru` | the same, and `…_l0_reverse` | as above |
/// | a list or array of these | layer k is `…_lk` | as above |
/// | `MultiHeadAttention` | `in_proj_weight`, `in_proj_bias`; `out_proj` is `output` | query, key, value |
///
/// `ih` is the gates' `input_transform`, `hh` the `hidden_transform`. In PyTorch the reset gate of a GRU works on the
/// product with the hidden state, its bias included: leave burn's `reset_after` at `true`; the loader does not see it. A
/// list may also be a list in PyTorch (`lstm.1.weight_ih_l0`), and a file with burn's own names is read as it is.
///
/// # Examples
/// ```
/// # #[cfg(feature = "flex")] {
/// use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::Device};
/// use eir_core::{Limits, weights};
/// let device = Device::flex();
/// let file = weights::write([("weight", vec![1, 2], vec![0.5, -0.5]), ("bias", vec![1], vec![3.0])])?;
/// let tensors = weights::Weights::from_bytes(&file, &Limits::default())?;
/// let layer: Linear = weights::load(LinearConfig::new(2, 1).init(&device), tensors)?;
/// assert_eq!(weights::state_dict(&layer)?, file);
/// # }
/// # Ok::<(), eir_core::weights::Error>(())
/// ```
///
/// # Errors
/// [`Error::Missing`], [`Error::Shape`] or [`Error::Surplus`], each with the tensor's name.
///
/// # Validation
/// A network of convolutions, instance, batch and layer normalisation and a linear layer with the names of its state dict
/// in torch 2.15.0 gives the same three outputs within 2e-6 on `flex`; LSTM and GRU of two layers, in one direction and
/// both, and attention give its outputs within 1e-6 (`core/tests/golden/packed.json`).
pub fn load<M: Module>(module: M, weights: Weights) -> Result<M, Error> {
    load_renamed(module, weights, str::to_owned)
}

/// As [`load`], for a file whose names differ: `rename` gives the file's name for a name that `load` would expect.
///
/// # Errors
/// As `load`.
pub fn load_renamed<M: Module>(module: M, mut weights: Weights, rename: impl Fn(&str) -> String) -> Result<M, Error> {
    let mut loader = Loader {
        place: Place::default(),
        weights: &mut weights,
        rename: &rename,
        parts: Parts::default(),
        error: None,
    };
    let counters = counters(&module, &rename);
    let module = module.map(&mut loader);
    if let Some(error) = loader.error {
        return Err(error);
    }
    let left: Vec<String> =
        loader.parts.left().map(|(name, left, of)| format!("{name} ({left} of {of} parts)")).collect();
    if !left.is_empty() {
        return Err(Error::Surplus(left));
    }
    weights.discard(|name| counters.contains(name));
    weights.finish()?;
    Ok(module)
}

/// The parameters of `module` as a safetensors file under the names that [`load`] expects: a state dict for PyTorch, in
/// which a list of recurrent layers is one of so many layers.
///
/// # Errors
/// [`Error::Shape`] for a parameter that is not made of floating-point numbers or cannot be read from its device, and for
/// an attention layer of which only some of query, key and value have a bias, as PyTorch has none.
pub fn state_dict<M: Module>(module: &M) -> Result<Vec<u8>, Error> {
    let mut collector =
        Collector { place: Place::default(), tensors: Vec::new(), parts: Parts::default(), error: None };
    module.visit(&mut collector);
    if let Some(error) = collector.error {
        return Err(error);
    }
    if let Some((name, there, parts)) = collector.parts.left().find(|(_, there, parts)| there < parts) {
        return Err(Mismatch::new(format!("parts of tensor {name}"), parts, there).into());
    }
    let tensors: Vec<_> = collector.tensors.into_iter().chain(collector.parts.packed()).collect();
    write(tensors.iter().map(|(name, shape, values)| (name.as_str(), shape.clone(), values.clone())))
}

/// Names of the counters of batches, one per batch normalisation of `module`.
fn counters<M: Module>(module: &M, rename: &dyn Fn(&str) -> String) -> BTreeSet<String> {
    struct Means(Place, Vec<String>);
    impl ModuleVisitor for Means {
        fn enter_module(&mut self, name: &str, kind: &str) {
            self.0.enter(name, kind);
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.exit();
        }
        fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
            self.1.push(self.0.name());
        }
    }
    let mut means = Means(Place::default(), Vec::new());
    module.visit(&mut means);
    let before = |name: &String| rename(name).strip_suffix("running_mean").map(str::to_owned);
    means.1.iter().filter_map(before).map(|prefix| prefix + "num_batches_tracked").collect()
}

/// Where in a module a traversal is: names, and the types that hold them.
#[derive(Default)]
struct Place {
    names: Vec<String>,
    kinds: Vec<String>,
}

impl Place {
    fn enter(&mut self, name: &str, kind: &str) {
        self.names.push(name.to_owned());
        self.kinds.push(kind.to_owned());
    }

    fn exit(&mut self) {
        self.names.pop();
        self.kinds.pop();
    }

    /// The type that declares the parameter, past lists and arrays.
    fn kind(&self) -> &str {
        self.kinds.iter().rev().find_map(|kind| kind.strip_prefix("Struct:")).unwrap_or_default()
    }

    /// PyTorch's name of the parameter.
    fn name(&self) -> String {
        let Some((last, path)) = self.names.split_last() else { return String::new() };
        let last = match last.as_str() {
            "gamma" if self.kind().ends_with("Norm") => "weight",
            "beta" if self.kind().ends_with("Norm") => "bias",
            other => other,
        };
        path.iter().map(String::as_str).chain([last]).collect::<Vec<_>>().join(".")
    }

    /// Where PyTorch packs the parameter.
    fn packed(&self) -> Option<Packed> {
        Packed::of(&self.names, &self.kinds)
    }

    fn is_transposed(&self) -> bool {
        self.kind() == "Linear" && self.names.last().is_some_and(|name| name == "weight")
    }
}

fn no_float(name: &str) -> Error {
    Mismatch::new(format!("type of tensor {name}"), "floating point", "integer").into()
}

/// A matrix with rows and columns exchanged.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|c| values.iter().skip(c).step_by(columns.max(1)).copied()).collect()
}

struct Loader<'a> {
    place: Place,
    weights: &'a mut Weights,
    rename: &'a dyn Fn(&str) -> String,
    /// Packed tensors that were taken from the file.
    parts: Parts,
    error: Option<Error>,
}

impl Loader<'_> {
    /// The values of the parameter that the traversal has reached, which has the shape `in_file` there.
    fn take(&mut self, in_file: &[usize]) -> Result<Vec<f32>, Error> {
        let plain = (self.rename)(&self.place.name());
        let Some(packed) = self.place.packed() else { return self.weights.take(&plain, in_file) };
        let names: Vec<String> = packed.names.iter().map(|name| (self.rename)(name)).collect();
        let found = names.iter().find(|name| self.parts.has(name) || self.weights.has(name));
        let Some(name) = found else {
            let missing = || Error::Missing(names.first().cloned().unwrap_or_default());
            return if self.weights.has(&plain) { self.weights.take(&plain, in_file) } else { Err(missing()) };
        };
        if !self.parts.has(name) {
            let mut whole = in_file.to_vec();
            if let Some(rows) = whole.first_mut() {
                *rows *= packed.parts;
            }
            let values = self.weights.take(name, &whole)?;
            self.parts.cut(name, &values, in_file, packed.parts);
        }
        match self.parts.take(name, packed.part) {
            Some((shape, values)) if shape == in_file => Ok(values),
            Some((shape, _)) => {
                let what = format!("part {} of tensor {name}", packed.part + 1);
                Err(Mismatch::new(what, format!("{in_file:?}"), format!("{shape:?}")).into())
            }
            None => Err(Error::Missing(name.clone())),
        }
    }
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, kind: &str) {
        self.place.enter(name, kind);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.error.is_some() {
            return param;
        }
        let turn = self.place.is_transposed();
        // the shape in a file: a layer may keep its weight in another layout
        let shape = param.transform_for_save().val().dims();
        let mut in_file = shape.to_vec();
        if turn {
            in_file.reverse();
        }
        match self.take(&in_file) {
            Ok(values) => {
                let values = if turn { transposed(&values, in_file.last().copied().unwrap_or(1)) } else { values };
                let tensor = Tensor::from_data(TensorData::new(values, shape), &param.lazy_device());
                let id = param.id;
                param.transform_for_load(tensor, id)
            }
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.error.get_or_insert_with(|| no_float(&self.place.name()));
        param
    }
}

struct Collector {
    place: Place,
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
    parts: Parts,
    error: Option<Error>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, kind: &str) {
        self.place.enter(name, kind);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.place.name();
        let tensor = param.transform_for_save().val();
        let mut shape = tensor.dims().to_vec();
        match tensor.try_into_vec_as::<f32>() {
            Ok(mut values) => {
                if self.place.is_transposed() {
                    values = transposed(&values, shape.last().copied().unwrap_or(1));
                    shape.reverse();
                }
                match self.place.packed() {
                    Some(Packed { names, part, parts }) => {
                        let packed = names.first().map_or(name.as_str(), String::as_str);
                        self.parts.put(packed, part, parts, (shape, values));
                    }
                    None => self.tensors.push((name, shape, values)),
                }
            }
            Err(e) => self.error = Some(Mismatch::new(format!("tensor {name}"), "readable values", e).into()),
        }
    }

    fn visit_int<const D: usize>(&mut self, _: &Param<Tensor<D, Int>>) {
        self.error.get_or_insert_with(|| no_float(&self.place.name()));
    }
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use super::*;
    use crate::Limits;
    use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
    use burn::nn::conv::{Conv1d, Conv1dConfig};
    use burn::nn::gru::{Gru, GruConfig};
    use burn::nn::{
        BatchNorm, BatchNormConfig, BiLstm, BiLstmConfig, InstanceNorm, InstanceNormConfig, LayerNorm, LayerNormConfig,
        Linear, LinearConfig, Lstm, LstmConfig,
    };
    use burn::tensor::Device;

    #[derive(Module, Debug)]
    struct Block {
        conv: Conv1d,
        norm: InstanceNorm,
    }

    #[derive(Module, Debug)]
    struct Net {
        blocks: Vec<Block>,
        bn: BatchNorm,
        ln: LayerNorm,
        head: Linear,
    }

    fn net(device: &Device) -> Net {
        let block =
            || Block { conv: Conv1dConfig::new(2, 2, 3).init(device), norm: InstanceNormConfig::new(2).init(device) };
        Net {
            blocks: vec![block(), block()],
            bn: BatchNormConfig::new(2).init(device),
            ln: LayerNormConfig::new(2).init(device),
            head: LinearConfig::new(2, 3).init(device),
        }
    }

    /// Name, shape: as PyTorch writes them.
    const NAMES: [(&str, &[usize]); 16] = [
        ("blocks.0.conv.weight", &[2, 2, 3]),
        ("blocks.0.conv.bias", &[2]),
        ("blocks.0.norm.weight", &[2]),
        ("blocks.0.norm.bias", &[2]),
        ("blocks.1.conv.weight", &[2, 2, 3]),
        ("blocks.1.conv.bias", &[2]),
        ("blocks.1.norm.weight", &[2]),
        ("blocks.1.norm.bias", &[2]),
        ("bn.weight", &[2]),
        ("bn.bias", &[2]),
        ("bn.running_mean", &[2]),
        ("bn.running_var", &[2]),
        ("ln.weight", &[2]),
        ("ln.bias", &[2]),
        ("head.weight", &[3, 2]),
        ("head.bias", &[3]),
    ];

    type Entry = (&'static str, Vec<usize>, Vec<f32>);

    fn entries() -> Vec<Entry> {
        let mut next = 0.0;
        let mut entry = |(name, shape): &(&'static str, &[usize])| {
            let length: usize = shape.iter().product();
            next += 100.0;
            (*name, shape.to_vec(), (0..length).map(|i| next + i as f32).collect())
        };
        NAMES.iter().map(&mut entry).collect()
    }

    fn weights(entries: Vec<Entry>) -> Weights {
        Weights::from_bytes(&write(entries).unwrap(), &Limits::default()).unwrap()
    }

    #[test]
    fn a_state_dict_goes_in_and_comes_out() {
        let device = Device::flex();
        let mut given = entries();
        let file = write(given.clone()).unwrap();
        given.push(("bn.num_batches_tracked", vec![], vec![7.0]));
        let net = load(net(&device), weights(given)).unwrap();
        assert_eq!(state_dict(&net).unwrap(), file);
        let gamma: Vec<f32> = net.blocks[1].norm.gamma.as_ref().unwrap().val().try_into_vec_as().unwrap();
        let expected = &entries()[6].2;
        assert_eq!(&gamma, expected);
        // the last row of PyTorch's head is the last column of burn's
        let head: Vec<f32> = net.head.weight.val().try_into_vec_as().unwrap();
        let rows = &entries()[14].2;
        assert_eq!(head, [rows[0], rows[2], rows[4], rows[1], rows[3], rows[5]]);
    }

    #[test]
    fn every_deviation_is_named() {
        let device = Device::flex();
        let error = |change: &dyn Fn(&mut Vec<Entry>)| {
            let mut given = entries();
            change(&mut given);
            load(net(&device), weights(given)).unwrap_err().to_string()
        };
        assert_eq!(error(&|g| drop(g.remove(3))), "the tensor blocks.0.norm.bias is missing");
        assert_eq!(error(&|g| g[14].1 = vec![2, 3]), "tensor head.weight: expected [3, 2], found [2, 3]");
        assert!(error(&|g| g.push(("tail.bias", vec![1], vec![0.0]))).contains("tail.bias"));
        // a counter of no batch normalisation is one too many
        assert!(error(&|g| g.push(("ln.num_batches_tracked", vec![], vec![0.0]))).contains("ln.num_batches_tracked"));
    }

    /// The same network and the same numbers in torch 2.15.0, in f64.
    #[test]
    fn a_loaded_network_answers_as_pytorch_does() {
        let device = Device::flex();
        let given = NAMES.iter().enumerate().map(|(k, (name, shape))| {
            let length: usize = shape.iter().product();
            let lift = if *name == "bn.running_var" { 1.5 } else { 0.0 };
            let value = |i: usize| (lift + (0.7 * i as f64 + (k + 1) as f64).sin()) as f32;
            (*name, shape.to_vec(), (0..length).map(value).collect())
        });
        let net = load(net(&device), weights(given.collect())).unwrap();
        let x: Vec<f32> = (0..18).map(|i| (0.3 * f64::from(i)).cos() as f32).collect();
        let mut x = Tensor::<3>::from_data(TensorData::new(x, [1, 2, 9]), &device);
        for block in &net.blocks {
            x = burn::tensor::activation::relu(block.norm.forward(block.conv.forward(x)));
        }
        let x: Tensor<2> = net.bn.forward(x).mean_dim(2).squeeze_dim(2);
        let y: Vec<f32> = net.head.forward(x.clone() + net.ln.forward(x)).try_into_vec_as().unwrap();
        for (found, expected) in y.iter().zip([0.8083823188829855, -0.6243882300741281, -2.0166226958778455]) {
            assert!((f64::from(*found) - expected).abs() < 2e-6, "{y:?}");
        }
        assert_eq!(y.len(), 3);
    }

    #[derive(Module, Debug)]
    struct Sequences {
        lstm: Vec<BiLstm>,
        gru: Vec<Gru>,
        once: Lstm,
        attention: MultiHeadAttention,
    }

    fn sequences(device: &Device) -> Sequences {
        Sequences {
            lstm: vec![BiLstmConfig::new(3, 4, true).init(device), BiLstmConfig::new(8, 4, true).init(device)],
            gru: vec![GruConfig::new(8, 5, true).init(device), GruConfig::new(5, 5, true).init(device)],
            once: LstmConfig::new(5, 6, true).init(device),
            attention: MultiHeadAttentionConfig::new(6, 2).init(device),
        }
    }

    /// Packed layers, one after the other, against torch 2.15.0; `core/tests/golden/packed.py` made the values.
    #[test]
    fn packed_layers_answer_as_pytorch_does() {
        let device = Device::flex();
        let json: serde_json::Value = serde_json::from_str(include_str!("../../tests/golden/packed.json")).unwrap();
        let list = |value: &serde_json::Value| -> Vec<f64> {
            value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
        };
        let mut given: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
        for (k, tensor) in json["tensors"].as_array().unwrap().iter().enumerate() {
            let shape: Vec<usize> = list(&tensor[1]).iter().map(|n| *n as usize).collect();
            let value = |i: usize| (0.5 * (0.7 * i as f64 + (k + 1) as f64).sin()) as f32;
            let values = (0..shape.iter().product()).map(value).collect();
            given.push((tensor[0].as_str().unwrap().to_owned(), shape, values));
        }
        let file = write(given.iter().map(|(n, s, v)| (n.as_str(), s.clone(), v.clone()))).unwrap();
        let read = |file: &[u8]| Weights::from_bytes(file, &Limits::default()).unwrap();
        let net = load(sequences(&device), read(&file)).unwrap();
        assert_eq!(state_dict(&net).unwrap(), file);

        let x: Vec<f32> = (0..2 * 7 * 3).map(|i| (0.3 * f64::from(i)).cos() as f32).collect();
        let mut x = Tensor::<3>::from_data(TensorData::new(x, [2, 7, 3]), &device);
        let mut compared = 0;
        let mut compare = |name: &str, found: &Tensor<3>| {
            let found: Vec<f32> = found.clone().try_into_vec_as().unwrap();
            let want = list(&json["outputs"][name]);
            assert_eq!(found.len(), want.len(), "{name}");
            let worst = found.iter().zip(&want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-6, "{name}: {worst:.1e}");
            compared += 1;
        };
        for layer in &net.lstm {
            x = layer.forward(x, None).0;
        }
        compare("lstm", &x);
        for layer in &net.gru {
            x = layer.forward(x, None);
        }
        compare("gru", &x);
        x = net.once.forward(x, None).0;
        compare("once", &x);
        compare("attention", &net.attention.forward(MhaInput::self_attn(x)).context);
        assert_eq!(compared, json["outputs"].as_object().unwrap().len());

        let without = |name: &str| {
            let rest = given.iter().filter(|(n, ..)| n != name);
            read(&write(rest.map(|(n, s, v)| (n.as_str(), s.clone(), v.clone()))).unwrap())
        };
        for name in ["lstm.bias_hh_l1_reverse", "gru.weight_ih_l1", "attention.in_proj_bias"] {
            let error = load(sequences(&device), without(name)).unwrap_err();
            assert!(matches!(&error, Error::Missing(n) if n == name), "{error}");
        }
        // a bias that the module has no place for is not passed over
        let mut no_key = sequences(&device);
        no_key.attention = MultiHeadAttentionConfig::new(6, 2).with_key_bias(false).init(&device);
        assert!(matches!(state_dict(&no_key), Err(Error::Shape(_))));
        let error = load(no_key, read(&file)).unwrap_err().to_string();
        assert!(error.contains("attention.in_proj_bias (1 of 3 parts)"), "{error}");
    }

    #[test]
    fn names_can_be_translated() {
        let device = Device::flex();
        let given = entries().into_iter().map(|(n, s, v)| (format!("model.{n}"), s, v)).collect::<Vec<_>>();
        let file = write(given.iter().map(|(n, s, v)| (n.as_str(), s.clone(), v.clone()))).unwrap();
        let tensors = Weights::from_bytes(&file, &Limits::default()).unwrap();
        let net = load_renamed(net(&device), tensors, |name| format!("model.{name}")).unwrap();
        assert_eq!(state_dict(&net).unwrap(), write(entries()).unwrap());
    }
}
