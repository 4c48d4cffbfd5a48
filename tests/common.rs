//! Settings and requests that many tests share.

use std::path::Path;

use crate::support::broker::{FakeBroker, broker_token, token_response};
use crate::support::connect_proxy::ConnectProxy;
use crate::support::git::Git;
use crate::support::github::{CLIENT_ID, LoopbackGitHub, Options};
use crate::support::keys::app_key_pem;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;
use crate::support::tokens::rfc3339;

/// A request for github.com without a path, as git sends it by default.
pub const REQUEST: &str = "protocol=https\nhost=github.com\n";

/// Seconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A time so many seconds from now, as servers write it.
pub fn from_now(seconds: i64) -> String {
    rfc3339(now() + seconds)
}

/// A sandbox whose settings are a broker for github.com.
pub fn broker_sandbox(url: &str, bearer: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.set_env("GITHUB_APP_BROKER_URL", url);
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN_FILE", sandbox.write_private("bearer", format!("{bearer}\n")));
    sandbox
}

/// The life of a token that the longest margin finds too short, in seconds: `--margin=55m` renews it at each call.
pub const SHORT_LIFE: i64 = 50 * 60;

/// A broker that has a new token of [`SHORT_LIFE`] for every request.
pub fn fresh_tokens() -> FakeBroker {
    let expiry = from_now(SHORT_LIFE);
    FakeBroker::guarded("bearer", move |_| token_response(&broker_token(), &expiry))
}

/// A loopback GitHub with the private repository `octo-org/hello`, and a sandbox whose settings are its App.
pub fn app_sandbox() -> (LoopbackGitHub, Sandbox) {
    let github = LoopbackGitHub::start(Options::default());
    github.add_installation(7, "octo-org");
    github.create_repository("octo-org", "hello");
    github.commit_file("octo-org", "hello", "README.md", b"hello\n");
    let sandbox = Sandbox::new();
    configure_app(&sandbox, &github);
    (github, sandbox)
}

/// Points a sandbox's settings at a loopback GitHub's App.
pub fn configure_app(sandbox: &Sandbox, github: &LoopbackGitHub) {
    sandbox.set_env("GITHUB_APP_HOST", github.url());
    sandbox.set_env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("app.pem", app_key_pem()));
}

/// A loopback GitHub over TLS with the private repository `octo-org/hello`.
pub fn tls_github(ca: &TestCa) -> LoopbackGitHub {
    let github = LoopbackGitHub::start_tls(ca, Options::default());
    github.add_installation(7, "octo-org");
    github.create_repository("octo-org", "hello");
    github.commit_file("octo-org", "hello", "README.md", b"hello\n");
    github
}

/// An App's settings for a host (none: github.com), and trust in the CA for us, git and gh.
pub fn sandbox_for(host: Option<&str>, ca: &TestCa) -> Sandbox {
    let sandbox = Sandbox::new();
    if let Some(host) = host {
        sandbox.set_env("GITHUB_APP_HOST", host);
    }
    sandbox.set_env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("app.pem", app_key_pem()));
    let pem = ca.ca_pem_path(sandbox.path());
    sandbox.set_env("SSL_CERT_FILE", &pem);
    sandbox.set_env("GIT_SSL_CAINFO", &pem);
    sandbox
}

/// github.com on loopback: everything that asks for it is led there by a proxy.
pub struct Cloud {
    pub github: LoopbackGitHub,
    pub proxy: ConnectProxy,
    pub sandbox: Sandbox,
}

impl Cloud {
    /// github.com.
    pub fn new() -> Self {
        Self::at(None)
    }

    /// A GitHub of another name.
    pub fn at(host: Option<&str>) -> Self {
        let ca = TestCa::new();
        let github = tls_github(&ca);
        let proxy = ConnectProxy::to(github.server().port());
        let sandbox = sandbox_for(host, &ca);
        sandbox.set_env("HTTPS_PROXY", proxy.url());
        Self { github, proxy, sandbox }
    }
}

/// A request for a repository of a loopback GitHub.
pub fn request_for(github: &LoopbackGitHub, path: &str) -> String {
    let (protocol, host) =
        github.url().split_once("://").map(|(p, h)| (p.to_owned(), h.to_owned())).expect("a URL");
    format!("protocol={protocol}\nhost={host}\npath={path}\n")
}

/// Runs `get` for a repository of a loopback GitHub.
pub fn get(sandbox: &Sandbox, github: &LoopbackGitHub, path: &str) -> Output {
    sandbox.helper(&["get"]).stdin(request_for(github, path)).run()
}

/// Method and target of every request that a loopback GitHub has seen.
pub fn targets(github: &LoopbackGitHub) -> Vec<String> {
    let requests = github.server().requests();
    requests.iter().map(|request| format!("{} {}", request.method, request.target)).collect()
}

/// The value of an attribute in a helper's answer.
pub fn attribute<'a>(output: &'a Output, key: &str) -> Option<&'a str> {
    output.stdout.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}

/// The token in a helper's answer.
#[track_caller]
pub fn password(output: &Output) -> String {
    attribute(output, "password")
        .unwrap_or_else(|| panic!("no password; stderr: {}", output.stderr))
        .to_owned()
}

/// The first line of a message, without the program's name.
pub fn message(output: &Output) -> &str {
    let line = output.stderr.lines().next().unwrap_or_default();
    line.strip_prefix("git-credential-github-app: ").unwrap_or(line)
}

/// Clones `octo-org/hello` into `work` through the helper, adds the submodules (directory, owner, name) that are not
/// there yet, and pushes.
pub fn push_submodules(
    git: &Git,
    github: &LoopbackGitHub,
    sandbox: &Sandbox,
    submodules: &[(&str, &str, &str)],
) {
    sandbox.configure_helper(&github.url(), &[]);
    let run = |cwd: &Path, args: &[&str]| {
        git.command(sandbox, cwd, args).success();
    };
    run(sandbox.path(), &["clone", "-q", &github.clone_url("octo-org", "hello"), "work"]);
    let work = sandbox.path().join("work");
    let missing = submodules.iter().filter(|(directory, ..)| !work.join(directory).exists());
    let missing: Vec<_> = missing.collect();
    for (directory, owner, name) in &missing {
        run(&work, &["submodule", "--quiet", "add", &github.clone_url(owner, name), directory]);
    }
    if !missing.is_empty() {
        run(&work, &["commit", "-q", "-m", "Add submodules"]);
        run(&work, &["push", "-q", "origin", "HEAD:main"]);
    }
}
