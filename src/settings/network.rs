//! How servers are reached, for every request of this program: through which proxy, and by whose certificates.

use std::path::PathBuf;

use crate::settings::Profile;
use crate::settings::proxies::{self, Proxies};
use crate::settings::schema::Key;
use crate::settings::sources::{Origin, variable};
use crate::tokens::error::Failure;

/// Whether the system's list of CAs is files, which `SSL_CERT_FILE` and `SSL_CERT_DIR` can name: macOS and Windows keep
/// theirs elsewhere.
pub const CAS_IN_FILES: bool = cfg!(all(unix, not(target_vendor = "apple")));

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

/// A value, and the setting that messages name.
#[derive(Clone, Debug)]
pub struct Named<T> {
    /// What is named.
    pub value: T,
    /// By whom.
    pub origin: Origin,
}

impl Profile<'_> {
    pub(super) fn network(&self) -> Result<Network, Failure> {
        let proxies = Proxies::new(self.find(Key::Proxy)?.as_ref())?;
        if let Some(found) = self.find(Key::CaFile)? {
            let file = Named { value: found.path()?, origin: found.origin };
            return Ok(Network { proxies, roots: Roots { file: Some(file), directories: None } });
        }
        if !CAS_IN_FILES {
            return Ok(Network { proxies, roots: Roots::default() });
        }
        let directories = variable("SSL_CERT_DIR")?.map(|text| {
            let directories = std::env::split_paths(&text).filter(|path| !path.as_os_str().is_empty());
            Named { value: directories.collect::<Vec<_>>(), origin: Origin::Environment("SSL_CERT_DIR") }
        });
        let directories = directories.filter(|named| !named.value.is_empty());
        let file = variable("SSL_CERT_FILE")?
            .map(|text| Named { value: PathBuf::from(text), origin: Origin::Environment("SSL_CERT_FILE") });
        Ok(Network { proxies, roots: Roots { file, directories } })
    }
}
