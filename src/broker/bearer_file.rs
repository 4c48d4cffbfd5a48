//! The bearer file: read again when it changes. An empty file revokes all bearers, except at the start: a broker that
//! nobody can use is a mistake.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::broker::bearers::Bearers;
use crate::broker::log::Log;
use crate::platform::clock;
use crate::platform::private_files::{self, Distrust};
use crate::platform::watched::{Content, Watched};
use crate::tokens::error::{Failure, Kind};

/// How to fix a file that cannot be used.
const HINT: &str = "one line for each bearer: git-credential-github-app serve hash-bearer NAME makes it";

/// The file's bearers.
pub struct BearerFile(Watched<Arc<Bearers>>);

impl BearerFile {
    /// Reads the file for the first time. If the server's own settings do not name an owner (`has_owner`), some lines
    /// must.
    ///
    /// # Errors
    /// It cannot be read, a line is wrong, or it has no bearer.
    pub fn open(path: &Path, log: Log, has_owner: bool) -> Result<Self, Failure> {
        let load = move |contents: &[Content]| {
            let bearers = read(&contents[0], has_owner)?;
            let said = bearers.in_words();
            Ok((Arc::new(bearers), said))
        };
        let files = vec![("bearer file", PathBuf::from(path))];
        let file = Watched::open(files, "the bearers stay as they were", log.into_teller(), Box::new(load))
            .map_err(|failure| failure.hint(HINT))?;
        if file.current(clock::instant()).count() == 0 {
            let empty = format!("bearer file {}: it holds no bearer", path.display());
            return Err(Failure::new(Kind::Settings, empty).hint(HINT));
        }
        Ok(Self(file))
    }

    /// The current bearers.
    pub fn current(&self, now: Instant) -> Arc<Bearers> {
        self.0.current(now)
    }

    /// Reads the file now, whether or not it has changed.
    pub fn read_again(&self) {
        self.0.read_now();
    }
}

fn read(content: &Content, has_owner: bool) -> Result<Bearers, Failure> {
    private_files::file(&content.path, &content.metadata)
        .map_err(|Distrust { cause, fix }| content.failure(format!("{cause}; fix it with: {fix}")))?;
    let text = std::str::from_utf8(&content.bytes).map_err(|_| content.failure("it is not UTF-8"))?;
    Bearers::parse(text, has_owner).map_err(|wrong| content.failure(wrong))
}
