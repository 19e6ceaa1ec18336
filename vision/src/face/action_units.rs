//! Blendshapes as proxies of action units.

/// A proxy of an action unit: the mean of a blendshape's left and right score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActionUnitProxy {
    /// The action unit that it stands in for: "AU12".
    pub name: &'static str,
    /// What moves, in words: "smile".
    pub movement: &'static str,
    /// Numbers of the scores of the subject's left and right; the same for what has no sides.
    pub blendshapes: [usize; 2],
}

impl ActionUnitProxy {
    /// Whether it has a left and a right.
    #[must_use]
    pub fn has_sides(&self) -> bool {
        self.blendshapes[0] != self.blendshapes[1]
    }

    const fn new(name: &'static str, movement: &'static str, blendshapes: [usize; 2]) -> Self {
        Self { name, movement, blendshapes }
    }
}

/// The proxies of action units that the 52 blendshapes give.
///
/// **They are hypotheses**: no comparison with trained coders is published. AU6 (cheek raiser) and AU9 (nose wrinkler) are
/// **not** among them: their blendshapes are dead outputs of the network, near 0 on every face tried. So there is no marker
/// of a Duchenne smile and none of disgust.
pub const ACTION_UNIT_PROXIES: [ActionUnitProxy; 15] = [
    ActionUnitProxy::new("AU1", "inner brow up", [3, 3]),
    ActionUnitProxy::new("AU2", "outer brow up", [4, 5]),
    ActionUnitProxy::new("AU4", "brow down", [1, 2]),
    ActionUnitProxy::new("AU5", "eye wide", [21, 22]),
    ActionUnitProxy::new("AU7", "eye squint", [19, 20]),
    ActionUnitProxy::new("AU10", "upper lip up", [48, 49]),
    ActionUnitProxy::new("AU12", "smile", [44, 45]),
    ActionUnitProxy::new("AU14", "dimple", [28, 29]),
    ActionUnitProxy::new("AU15", "mouth corners down", [30, 31]),
    ActionUnitProxy::new("AU17", "chin up", [42, 42]),
    ActionUnitProxy::new("AU20", "mouth stretch", [46, 47]),
    ActionUnitProxy::new("AU24", "lips pressed", [36, 37]),
    ActionUnitProxy::new("AU25", "lower lip down", [34, 35]),
    ActionUnitProxy::new("AU26", "jaw open", [25, 25]),
    ActionUnitProxy::new("AU45", "blink", [9, 10]),
];

/// The number of a proxy by its name.
pub(super) fn index(name: &str) -> Option<usize> {
    ACTION_UNIT_PROXIES.iter().position(|p| p.name == name)
}

#[cfg(test)]
mod tests {
    use super::super::BLENDSHAPE_NAMES;
    use super::*;

    #[test]
    fn proxies_name_pairs_of_blendshapes_and_no_dead_ones() {
        for proxy in ACTION_UNIT_PROXIES {
            let [left, right] = proxy.blendshapes.map(|i| BLENDSHAPE_NAMES[i]);
            assert_eq!(left.trim_end_matches("Left"), right.trim_end_matches("Right"), "{}", proxy.name);
            assert!(!left.starts_with("cheekSquint") && !left.starts_with("noseSneer"));
        }
        assert_eq!(index("AU12"), Some(6));
        assert_eq!(BLENDSHAPE_NAMES[ACTION_UNIT_PROXIES[6].blendshapes[0]], "mouthSmileLeft");
        assert_eq!(index("AU6"), None);
    }
}
