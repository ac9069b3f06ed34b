//! The formats that a review is read in. All of them take what a pull request brings for text and nothing else.

pub mod annotations;
pub mod html;
pub mod json;
pub mod markdown;
pub mod sarif;
pub mod text;
