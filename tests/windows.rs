//! The helper on Windows, under wine: protocol, cache, locks, App mode over TLS, and the commands that people run. What
//! wine is not is said in README.md, "Platforms".

mod archive;
mod commands;
mod machine;
mod setup;
mod tokens;

use crate::support::github::{CLIENT_ID, LoopbackGitHub};
use crate::support::keys::app_key_pem;
use crate::support::tls::TestCa;
use machine::Machine;

/// A GitHub over TLS, and a Windows whose settings file, with Windows' line ends, names its App and its CA.
fn app_machine() -> Option<(LoopbackGitHub, Machine)> {
    let ca = TestCa::new();
    let machine = Machine::new()?;
    let github = crate::common::tls_github(&ca);
    let key = machine.write("my keys/app.pem", app_key_pem().replace('\n', "\r\n"));
    let roots = machine.write("ca.pem", ca.ca_pem());
    let settings = format!(
        "host = '{}'\r\napp_id = '{CLIENT_ID}'\r\nprivate_key_file = '{key}'\r\nca_file = '{roots}'\r\n",
        github.url()
    );
    machine.write("AppData/Roaming/git-credential-github-app/config.toml", settings);
    Some((github, machine))
}

/// A request as git for Windows may send it.
fn request(github: &LoopbackGitHub) -> String {
    crate::common::request_for(github, "octo-org/hello").replace('\n', "\r\n")
}
