//! What people type into PowerShell, which Windows opens as its terminal, for hints to copy.

pub use crate::platform::powershell::{program, quoted, set, then, unset};

/// Whether a variable can be set and empty: Windows removes it.
pub const KEEPS_EMPTY_VARIABLES: bool = false;
