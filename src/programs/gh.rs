//! gh's login: stores a token with `gh auth login --with-token` and reads it back. Of gh's output only the last line of
//! its errors is shown, escaped and without the token.
//!
//! Rules: stdin is never empty (gh would start a login in the browser and wait), the host is always named, the four
//! token variables are not in gh's environment (gh would refuse to store a login), and only one of our processes at a
//! time writes to a gh directory (gh rewrites its file in place and loses concurrent changes).

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::platform::clock::Deadline;
use crate::platform::process::{self, Outcome};
use crate::platform::{files, lock};
use crate::settings::{dirs, other_programs};
use crate::tokens::error::{Failure, Kind, MORE_TIME, escape};
use crate::tokens::host::Host;
use crate::tokens::http::network::Network;
use crate::tokens::http::retry;
use crate::tokens::secret::Secret;

/// Variables removed from gh's environment besides the token variables: those that make it prompt or wait.
const REMOVED: [&str; 3] = ["GH_HOST", "CODESPACES", "DBUS_SESSION_BUS_ADDRESS"];

/// gh as one host's client.
pub struct Gh<'a> {
    host: &'a Host,
    network: &'a Network,
    directory: PathBuf,
    deadline: Deadline,
}

/// Why gh did not take a token.
pub enum LoginError {
    /// GitHub answered 401 to gh: the token was revoked.
    DeadToken,
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for LoginError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<'a> Gh<'a> {
    /// gh for a host.
    ///
    /// # Errors
    /// The host has a port, which gh does not accept, or there is no directory for the login.
    pub fn new(host: &'a Host, network: &'a Network, deadline: Deadline) -> Result<Self, Failure> {
        if host.name.contains(':') {
            let message = format!("gh takes no host with a port: {}", host.name);
            return Err(Failure::new(Kind::Settings, message)
                .hint("git and the token command work with it; gh wants the host on port 443"));
        }
        let Some(directory) = other_programs::gh_directory()? else {
            return Err(Failure::new(Kind::Settings, "there is no home directory to keep gh's login in")
                .hint("set HOME or GH_CONFIG_DIR"));
        };
        Ok(Self { host, network, directory, deadline })
    }

    /// Where the login is kept.
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// Major and minor version.
    ///
    /// # Errors
    /// gh is not installed, or its version cannot be read.
    pub fn version(&self) -> Result<(u32, u32), Failure> {
        self.run(&["--version"], b"")?.version().ok_or_else(|| {
            Failure::new(Kind::Other, "gh does not tell its version")
                .hint("run gh --version by hand to see what is wrong")
        })
    }

    /// Stores a token as gh's login for the host, and verifies that gh has it. On failure the earlier login stays.
    pub fn log_in(&self, token: &Secret) -> Result<(), LoginError> {
        let _lock = self.lock()?;
        let mut arguments = vec!["auth", "login", "--with-token", "--hostname", &self.host.name];
        // Without a keyring gh stores plain text anyway, and a keyring that does not answer would hang it.
        if self.version()? >= (2, 26) {
            arguments.push("--insecure-storage");
        }
        let input = Secret::new(format!("{}\n", token.expose()));
        let outcome = self.run(&arguments, input.expose().as_bytes())?;
        if !outcome.status.success() {
            return Err(self.explain(&outcome, token));
        }
        match self.stored_token()? {
            Some(stored) if stored.matches(token.expose().as_bytes()) => Ok(()),
            _ => Err(Failure::new(Kind::Other, "gh did not keep the login")
                .hint(format!("look at gh's files in {}", self.directory.display()))
                .into()),
        }
    }

    /// The token of gh's login for the host; `None` where there is none.
    pub fn stored_token(&self) -> Result<Option<Secret>, Failure> {
        let outcome = self.run(&["auth", "token", "--hostname", &self.host.name], b"")?;
        let text = std::str::from_utf8(&outcome.stdout).unwrap_or_default().trim();
        Ok((outcome.status.success() && !text.is_empty()).then(|| Secret::new(text.to_owned())))
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Outcome, Failure> {
        let mut gh = process::program("gh");
        gh.args(arguments);
        self.prepare(&mut gh);
        process::run_in_group(&mut gh, input, self.deadline).map_err(|trouble| trouble.of("gh"))
    }

    fn prepare(&self, gh: &mut Command) {
        process::without_secrets(gh);
        let tokens = [self.host.token_variables(), self.host.foreign_token_variables()];
        for name in REMOVED.iter().chain(tokens.as_flattened()) {
            gh.env_remove(name);
        }
        gh.envs([("GH_PROMPT_DISABLED", "1"), ("GH_NO_UPDATE_NOTIFIER", "1"), ("GH_TELEMETRY", "false")]);
        // Without them, gh would keep its login and state below the current directory.
        gh.env("GH_CONFIG_DIR", &self.directory);
        gh.env("HOME", dirs::home().as_ref().unwrap_or(&self.directory));
        // gh does not read our settings, only curl's and Go's variables.
        if let Some((variables, url)) = self.network.proxies.for_program() {
            for name in variables {
                gh.env_remove(name);
            }
            if let Some(url) = url {
                gh.env("HTTPS_PROXY", url.expose());
            }
        }
        if let Some(file) = self.network.roots.of_setting() {
            gh.env("SSL_CERT_FILE", file);
        }
    }

    /// Held while gh writes: a lock on the directory itself, which leaves no file behind.
    fn lock(&self) -> Result<Option<File>, Failure> {
        // gh reports what is wrong with its directory, if anything is.
        if files::create_directories(&self.directory, 0o700).is_err() {
            return Ok(None);
        }
        let Ok(directory) = files::open_for_lock(&self.directory) else { return Ok(None) };
        match lock::wait_for(self.deadline, || lock::try_lock(&directory).map(|taken| taken.then_some(()))) {
            Ok(Some(())) => Ok(Some(directory)),
            Err(_) => Ok(None),
            Ok(None) => {
                Err(Failure::new(Kind::Temporary, "another process has been logging gh in all the time")
                    .hint(MORE_TIME))
            }
        }
    }

    fn explain(&self, outcome: &Outcome, token: &Secret) -> LoginError {
        let text = String::from_utf8_lossy(&outcome.stderr).replace(token.expose(), "(token)");
        if text.contains("HTTP 401") {
            return LoginError::DeadToken;
        }
        let line = process::last_line(&text);
        let message = format!("gh did not take the token for {}: {}", self.host.name, escape(line));
        let directory = self.directory.display();
        if text.contains("failed to migrate config") {
            return Failure::new(Kind::Other, message)
                .hint(format!("gh trips over an old login that has expired: remove {directory}/hosts.yml"))
                .into();
        }
        if retry::says_limit(&text) {
            return Failure::new(Kind::Temporary, message)
                .hint("GitHub limits requests: try again later")
                .into();
        }
        if text.contains("HTTP 403") || text.contains("HTTP 404") || text.contains("missing required scope") {
            return Failure::new(Kind::Refused, message)
                .hint("check the App's installation, and that this gh works with this host")
                .into();
        }
        let network = ["HTTP 429", "HTTP 5", "error connecting", "dial tcp", "timeout", "Timeout", "EOF"];
        let network = network.iter().any(|sign| text.contains(sign)) || text.contains("proxyconnect");
        if network {
            return Failure::new(Kind::Temporary, message).hint("try again later").into();
        }
        Failure::new(Kind::Other, message)
            .hint(format!("check that {directory} can be written, and run gh by hand to see what is wrong"))
            .into()
    }
}
