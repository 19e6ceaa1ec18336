//! Two pages to read: nothing here is to be called. Each runs as a test.

/// A squat: from the frames of a film to a report with a picture.
pub mod squat {
    #![doc = include_str!("tutorials/squat.md")]
    #![doc = include_str!("tutorials/squat.svg")]
    #![doc = include_str!("tutorials/squat_end.md")]
}

/// Expressions in a portrait, and which part of the face a network looks at.
pub mod portrait {
    #![doc = include_str!("tutorials/portrait.md")]
    #![doc = include_str!("tutorials/portrait.svg")]
    #![doc = include_str!("tutorials/portrait_end.md")]
}
