//! Where PyTorch packs several of burn's parameters into one tensor, one below the other.

use std::collections::BTreeMap;

/// The places of a parameter in the file: a part of a packed tensor, under the first name that the file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) names: Vec<String>,
    /// Number of the part, and how many there are.
    pub(super) part: usize,
    pub(super) parts: usize,
}

/// The gates of PyTorch's recurrent layers, in the order in which it packs them: i, f, g, o and r, z, n.
fn gates(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "Struct:Lstm" => Some(&["input_gate", "forget_gate", "cell_gate", "output_gate"]),
        "Struct:Gru" => Some(&["reset_gate", "update_gate", "new_gate"]),
        _ => None,
    }
}

impl Packed {
    /// Of the parameter that a traversal has reached: names of the fields, and the kinds of what declares each.
    pub(super) fn of(names: &[String], kinds: &[String]) -> Option<Self> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        match (names.as_slice(), kinds.as_slice()) {
            ([path @ .., gate, transform, last], [holders @ .., layer, "Struct:GateController", "Struct:Linear"]) => {
                recurrent(path, holders, layer, gate, transform, last)
            }
            ([path @ .., field, last], [.., "Struct:MultiHeadAttention", "Struct:Linear"]) => {
                attention(path, field, last)
            }
            _ => None,
        }
    }
}

fn recurrent(path: &[&str], holders: &[&str], layer: &str, gate: &str, transform: &str, last: &str) -> Option<Packed> {
    let gates = gates(layer)?;
    let part = gates.iter().position(|g| *g == gate)?;
    let side = if transform == "input_transform" { "ih" } else { "hh" };
    let (path, holders, direction) = match (path, holders) {
        ([path @ .., field], [holders @ .., "Struct:BiLstm" | "Struct:BiGru"]) => {
            (path, holders, if *field == "reverse" { "_reverse" } else { "" })
        }
        _ => (path, holders, ""),
    };
    let name = |path: &[&str], layer: &str| {
        let last = format!("{last}_{side}_l{layer}{direction}");
        path.iter().copied().chain([last.as_str()]).collect::<Vec<_>>().join(".")
    };
    let mut names = Vec::new();
    // a list of layers is one of PyTorch's with so many layers
    if let ([path @ .., index], [.., "Vec" | "Array"]) = (path, holders) {
        names.push(name(path, index));
    }
    names.push(name(path, "0"));
    Some(Packed { names, part, parts: gates.len() })
}

fn attention(path: &[&str], field: &str, last: &str) -> Option<Packed> {
    let (name, part, parts) = match field {
        "query" => (format!("in_proj_{last}"), 0, 3),
        "key" => (format!("in_proj_{last}"), 1, 3),
        "value" => (format!("in_proj_{last}"), 2, 3),
        "output" => (format!("out_proj.{last}"), 0, 1),
        _ => return None,
    };
    let name = path.iter().copied().chain([name.as_str()]).collect::<Vec<_>>().join(".");
    Some(Packed { names: vec![name], part, parts })
}

/// Packed tensors of which parts are taken or put.
#[derive(Debug, Default)]
pub(super) struct Parts(BTreeMap<String, Vec<Option<Part>>>);

/// Shape and values of a part.
type Part = (Vec<usize>, Vec<f32>);

impl Parts {
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Cuts `values` of the packed tensor `name` into `parts` of one shape.
    pub(super) fn cut(&mut self, name: &str, values: &[f32], shape: &[usize], parts: usize) {
        let len = values.len() / parts.max(1);
        let part = |i: usize| Some((shape.to_vec(), values[i * len..(i + 1) * len].to_vec()));
        self.0.insert(name.to_owned(), (0..parts).map(part).collect());
    }

    /// Takes a part of the tensor `name`, once.
    pub(super) fn take(&mut self, name: &str, part: usize) -> Option<Part> {
        self.0.get_mut(name)?.get_mut(part)?.take()
    }

    /// Puts a part of a tensor that is being packed.
    pub(super) fn put(&mut self, name: &str, part: usize, parts: usize, values: Part) {
        let all = self.0.entry(name.to_owned()).or_insert_with(|| vec![None; parts]);
        if let Some(place) = all.get_mut(part) {
            *place = Some(values);
        }
    }

    /// Names of the tensors of which a part is still there, and how many of its parts.
    pub(super) fn left(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        let left = self.0.iter().map(|(name, parts)| (name.as_str(), parts.iter().flatten().count(), parts.len()));
        left.filter(|(_, left, _)| *left > 0)
    }

    /// The packed tensors: one part below the other.
    pub(super) fn packed(self) -> impl Iterator<Item = (String, Vec<usize>, Vec<f32>)> {
        self.0.into_iter().map(|(name, parts)| {
            let (mut shape, mut values, mut rows) = (Vec::new(), Vec::new(), 0);
            for (of, part) in parts.into_iter().flatten() {
                rows += of.first().copied().unwrap_or(0);
                values.extend(part);
                shape = of;
            }
            if let Some(first) = shape.first_mut() {
                *first = rows;
            }
            (name, shape, values)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &[(&str, &str)]) -> Option<(Vec<String>, usize, usize)> {
        let (names, kinds): (Vec<String>, Vec<String>) =
            path.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).unzip();
        Packed::of(&names, &kinds).map(|p| (p.names, p.part, p.parts))
    }

    fn lstm(before: &[(&'static str, &'static str)], gate: &'static str) -> Option<(Vec<String>, usize, usize)> {
        let gate = [(gate, "Struct:Lstm"), ("hidden_transform", "Struct:GateController"), ("weight", "Struct:Linear")];
        of(&[before, &gate].concat())
    }

    #[test]
    fn names_and_gates_are_pytorchs() {
        let names = |of: &[&str]| of.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(lstm(&[], "cell_gate"), Some((names(&["weight_hh_l0"]), 2, 4)));
        let both = [("rnn", "Struct:Net"), ("1", "Vec"), ("reverse", "Struct:BiLstm")];
        let want = names(&["rnn.weight_hh_l1_reverse", "rnn.1.weight_hh_l0_reverse"]);
        assert_eq!(lstm(&both, "output_gate"), Some((want, 3, 4)));
        assert_eq!(lstm(&both[..1], "other"), None);
        let gru = [("update_gate", "Struct:Gru"), ("input_transform", "Struct:GateController")];
        let bias = [("gru", "Struct:Net"), gru[0], gru[1], ("bias", "Struct:Linear")];
        assert_eq!(of(&bias), Some((names(&["gru.bias_ih_l0"]), 1, 3)));
        let attention = |field| {
            of(&[("attention", "Struct:Net"), (field, "Struct:MultiHeadAttention"), ("weight", "Struct:Linear")])
        };
        assert_eq!(attention("value"), Some((names(&["attention.in_proj_weight"]), 2, 3)));
        assert_eq!(attention("output"), Some((names(&["attention.out_proj.weight"]), 0, 1)));
        assert_eq!(of(&[("head", "Struct:Net"), ("weight", "Struct:Linear")]), None);
    }

    #[test]
    fn parts_are_taken_once_and_packed_again() {
        let mut parts = Parts::default();
        parts.cut("x", &[1.0, 2.0, 3.0, 4.0], &[1, 2], 2);
        assert_eq!(parts.take("x", 1), Some((vec![1, 2], vec![3.0, 4.0])));
        assert_eq!((parts.take("x", 1), parts.left().collect::<Vec<_>>()), (None, vec![("x", 1, 2)]));
        let mut again = Parts::default();
        again.put("x", 1, 2, (vec![1, 2], vec![3.0, 4.0]));
        again.put("x", 0, 2, (vec![1, 2], vec![1.0, 2.0]));
        let packed: Vec<_> = again.packed().collect();
        assert_eq!(packed, [("x".to_owned(), vec![2, 2], vec![1.0, 2.0, 3.0, 4.0])]);
    }
}
