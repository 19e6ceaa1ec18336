//! Two pages to read: nothing here is to be called. Each runs as a test.

/// From a cardiotocogram in a file to its class and its picture.
pub mod ctg {
    #![doc = include_str!("tutorials/ctg.md")]
    #![doc = include_str!("tutorials/ctg.svg")]
    #![doc = include_str!("tutorials/ctg_end.md")]
}

/// Heart-rate variability of a night.
pub mod night {
    #![doc = include_str!("tutorials/night.md")]
    #![doc = include_str!("tutorials/night.svg")]
    #![doc = include_str!("tutorials/night_end.md")]
}
