//! Memory that begins at the start of a cache line.

/// Values in memory of which the first lies at the start of a cache line (64 bytes).
///
/// The system lays large pieces of memory 16 bytes behind the start of a page, and then every store of a vector goes to
/// two lines: what lies between layers is written up to twice as fast here.
///
/// ```
/// use eir_core::nn::AlignedBuffer;
/// let mut buffer = AlignedBuffer::default();
/// buffer.grow(3);
/// buffer.values_mut()[2] = 1.5;
/// assert_eq!(buffer.values(), [0.0, 0.0, 1.5]);
/// assert!(buffer.values().as_ptr().addr().is_multiple_of(64));
/// ```
#[derive(Debug, Default)]
pub struct AlignedBuffer {
    /// A line more than is needed.
    memory: Vec<f32>,
    len: usize,
}

/// Values of a cache line.
const LINE: usize = 16;

impl AlignedBuffer {
    /// Makes room for `len` values; keeps what is larger. What it holds is only then defined when it does not grow.
    pub fn grow(&mut self, len: usize) {
        if len > self.len {
            self.memory.clear();
            self.memory.resize(len + LINE, 0.0);
            self.len = len;
        }
    }

    fn start(&self) -> usize {
        self.memory.as_ptr().align_offset(4 * LINE).min(LINE)
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        let start = self.start();
        self.memory.get(start..start + self.len).unwrap_or_default()
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> &mut [f32] {
        let start = self.start();
        self.memory.get_mut(start..start + self.len).unwrap_or_default()
    }
}

impl Clone for AlignedBuffer {
    fn clone(&self) -> Self {
        let mut new = Self::default();
        new.grow(self.len);
        new.values_mut().copy_from_slice(self.values());
        new
    }
}
