//! How servers are reached, for every request of this program: through which proxy, and by whose certificates.

use std::path::PathBuf;

use crate::tokens::http::proxies::{self, Proxies};
use crate::tokens::origin::{Named, Origin};

pub use crate::platform::paths::CAS_IN_FILES;

/// The way to every server.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Through whom.
    pub proxies: Proxies,
    /// Whom we trust.
    pub roots: Roots,
}

/// No proxy, and the system's list of CAs.
pub static DIRECT: Network =
    Network { proxies: proxies::NONE, roots: Roots { file: None, directories: None } };

/// The CAs in place of the system's; it is the system's where nothing is named. Not read yet: most commands never need
/// them.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// A PEM file.
    pub file: Option<Named<PathBuf>>,
    /// Directories of PEM files.
    pub directories: Option<Named<Vec<PathBuf>>>,
}

impl Roots {
    /// The file that our own setting names, which other programs do not know.
    pub fn of_setting(&self) -> Option<&PathBuf> {
        let named = self.file.as_ref()?;
        (!matches!(named.origin, Origin::Environment("SSL_CERT_FILE"))).then_some(&named.value)
    }
}
