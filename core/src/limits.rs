use crate::error::LimitExceeded;

/// How much memory a reader may take for one input: every reader of the family takes one and has this default.
///
/// A size that stands in a file is only a claim: it is checked here before memory is taken for it.
///
/// ```
/// use eir_core::Limits;
/// let limits = Limits::default().with_bytes(1 << 20);
/// assert!(limits.check("image (bytes)", 65_535 * 65_535).is_err());
/// assert_eq!(limits.product("voxels (bytes)", &[64, 64, 64, 4])?, 1 << 20);
/// # Ok::<(), eir_core::error::LimitExceeded>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes that one decoded input may take. Default 512 MiB.
    pub bytes: u64,
    /// How many items (signals, annotations, tensors, slices) one input may have. Default 1 000 000.
    pub items: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 512 << 20, items: 1_000_000 }
    }
}

impl Limits {
    /// Sets [`bytes`](Self::bytes).
    #[must_use]
    pub fn with_bytes(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }

    /// Sets [`items`](Self::items).
    #[must_use]
    pub fn with_items(self, items: u64) -> Self {
        Self { items, ..self }
    }

    /// Gives `bytes` as a size if it is allowed.
    ///
    /// # Errors
    /// [`LimitExceeded`] names `what`.
    pub fn check(&self, what: &'static str, bytes: u64) -> Result<usize, LimitExceeded> {
        Self::within(what, bytes, self.bytes)
    }

    /// Gives `items` as a count if it is allowed.
    ///
    /// # Errors
    /// [`LimitExceeded`] names `what`.
    pub fn check_items(&self, what: &'static str, items: u64) -> Result<usize, LimitExceeded> {
        Self::within(what, items, self.items)
    }

    /// The product of `factors` as a size in bytes if it is allowed; a product beyond `u64` is not.
    ///
    /// # Errors
    /// [`LimitExceeded`] names `what`.
    pub fn product(&self, what: &'static str, factors: &[u64]) -> Result<usize, LimitExceeded> {
        let bytes = factors.iter().try_fold(1u64, |a, b| a.checked_mul(*b)).unwrap_or(u64::MAX);
        self.check(what, bytes)
    }

    fn within(what: &'static str, asked: u64, allowed: u64) -> Result<usize, LimitExceeded> {
        let error = LimitExceeded::new(what, asked, allowed);
        if asked > allowed { Err(error) } else { usize::try_from(asked).map_err(|_| error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_that_wraps_is_refused() {
        let error = Limits::default().product("voxels", &[1 << 40, 1 << 40]).unwrap_err();
        assert_eq!(error.asked, u64::MAX);
    }
}
