//! Pictures of surfaces, made by the processor alone: the same numbers give the same bytes everywhere.

mod font;
mod png;
mod rasteriser;

pub use rasteriser::{Picture, RenderConfig, Renderer, View, render};
