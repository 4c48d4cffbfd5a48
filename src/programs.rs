//! Other programs and their files: git with its configuration, and gh.

pub mod gh;
pub mod git;
pub mod own;
pub mod words;
