//! `serve`: the platform's endpoint, as clients old and new see it.

use crate::common::app_sandbox;
use crate::support::github::LoopbackGitHub;
use crate::support::process::Running;
use crate::support::sandbox::Sandbox;

mod audit;
mod bearer_file;
mod bearers;
mod clients;
mod examples;
mod issuers;
mod life;
mod limits;
pub mod oidc;
mod own;
mod reload;
mod trust_file;
mod wire;

/// A running broker for the loopback GitHub's App.
pub struct Server {
    pub github: LoopbackGitHub,
    pub sandbox: Sandbox,
    pub running: Running,
    pub port: u16,
}

/// A line of the bearer file. Bearers as short as most of the tests' are hashed here, as `hash-bearer` refuses them.
pub fn line(sandbox: &Sandbox, name: &str, bearer: &str, limits: &str) -> String {
    if bearer.len() < 16 {
        let digest = ring::digest::digest(&ring::digest::SHA256, bearer.as_bytes());
        let hex = digest.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        return format!("{name} sha256:{hex} {limits}\n");
    }
    let output = sandbox.helper(&["serve", "hash-bearer", name]).stdin(format!("{bearer}\n")).run();
    assert_eq!(output.success().stderr, "");
    format!("{} {limits}\n", output.stdout.trim_end())
}

impl Server {
    /// With one bearer, `admin`, that may have everything.
    pub fn start() -> Self {
        Self::start_with(&[("admin", "")], &[])
    }

    /// With these bearers (the name is the bearer, and then its limits) and options.
    pub fn start_with(bearers: &[(&str, &str)], args: &[&str]) -> Self {
        let (github, sandbox) = app_sandbox();
        let lines: String = bearers.iter().map(|(name, limits)| line(&sandbox, name, name, limits)).collect();
        sandbox.write_private("bearers", lines);
        sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
        Self::launch(github, sandbox, args)
    }

    /// With settings and a file `bearers` that are there already.
    pub fn launch(github: LoopbackGitHub, sandbox: Sandbox, args: &[&str]) -> Self {
        Self::launch_with(github, sandbox, &[&["--bearer-file", "bearers"], args].concat())
    }

    /// The same with only these options.
    pub fn launch_with(github: LoopbackGitHub, sandbox: Sandbox, args: &[&str]) -> Self {
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        let mut running = sandbox.helper(&[&listen, args].concat()).spawn();
        let port = port(&running.wait_for_stderr("listening on "));
        Self { github, sandbox, running, port }
    }
}

/// The port in the log's first line.
pub fn port(log: &str) -> u16 {
    let after = log.split("listening on 127.0.0.1:").nth(1).expect("an address");
    after.split(' ').next().and_then(|port| port.parse().ok()).expect("a port")
}

pub const ADMIN: &str = "/admin/github-installation-token";
