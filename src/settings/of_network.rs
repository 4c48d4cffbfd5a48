//! Network settings: the proxy and the trusted certificates.

use std::path::PathBuf;

use crate::settings::environment::variable;
use crate::settings::schema::Key;
use crate::settings::{Profile, of_proxies};
use crate::tokens::error::Failure;
use crate::tokens::http::network::{CAS_IN_FILES, Network, Roots};
use crate::tokens::origin::{Named, Origin};

impl Profile<'_> {
    pub(super) fn network(&self) -> Result<Network, Failure> {
        let proxies = of_proxies::read(self.find(Key::Proxy)?.as_ref())?;
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
