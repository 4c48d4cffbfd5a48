//! Settings and requests that many tests share.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::support::broker::{FakeBroker, broker_token, token_response};
use crate::support::connect_proxy::ConnectProxy;
use crate::support::git::Git;
use crate::support::github::{CLIENT_ID, LoopbackGitHub, Options};
use crate::support::http_server::{HttpServer, Recorded};
use crate::support::keys::app_key_pem;
use crate::support::process::{Output, Run};
use crate::support::sandbox::{Sandbox, files_below};
use crate::support::tls::TestCa;
use crate::support::tokens::rfc3339;

/// A request for github.com without a path, as git sends it by default.
pub const REQUEST: &str = "protocol=https\nhost=github.com\n";

/// What `--version` says of this sandbox's binary: a release build also names its commit.
pub fn version_line(sandbox: &Sandbox) -> String {
    let line = sandbox.helper(&["--version"]).run().success().stdout.clone();
    let known = line.strip_prefix(concat!("git-credential-github-app ", env!("CARGO_PKG_VERSION"), " ("));
    let known = known.and_then(|rest| rest.strip_suffix(")\n")).unwrap_or_else(|| panic!("{line}"));
    let parts: Vec<&str> = known.split(", ").collect();
    let (target, commit) = parts.split_last().expect("a target");
    assert_eq!(target.split('-').next(), Some(std::env::consts::ARCH), "{line}");
    let hex = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(commit.iter().all(|name| hex(name.trim_end_matches("-dirty"))) && commit.len() < 2, "{line}");
    line
}

/// Seconds since 1970.
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A time this many seconds from now, as servers write it.
pub fn from_now(seconds: i64) -> String {
    rfc3339(now() + seconds)
}

/// A sandbox whose settings are a broker for github.com.
pub fn broker_sandbox(url: &str, bearer: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.set_env("GITHUB_APP_BROKER_URL", url);
    if url.starts_with("http:") {
        // A trial of a cached token would ask the real github.com: nothing listens at this address.
        sandbox.set_env("HTTPS_PROXY", "http://127.0.0.1:9");
    }
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

/// A workspace of a platform whose broker mints at the loopback GitHub.
pub fn broker_in_front_of(github: &LoopbackGitHub) -> (FakeBroker, Sandbox) {
    let broker = FakeBroker::in_front_of(github, "bearer");
    let sandbox = Sandbox::new();
    sandbox.set_env("GITHUB_APP_HOST", github.url());
    sandbox.set_env("PLATFORM_URL", broker.url());
    sandbox.set_env("WORKSPACE_ID", "ws-1");
    sandbox.set_env("CONFIGS_DIR", sandbox.path());
    sandbox.write_private(".auth_token", "bearer\n");
    (broker, sandbox)
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

/// The entries of a sandbox's cache, tokens and looked-up installations alike.
pub fn cache_entries(sandbox: &Sandbox) -> Vec<PathBuf> {
    let is_entry = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
    files_below(&sandbox.home().join(".cache")).into_iter().filter(is_entry).collect()
}

/// Lets this many seconds pass for everything that waits for clients to report, without sleeping.
pub fn let_pass(sandbox: &Sandbox, seconds: u64) {
    for path in cache_entries(sandbox) {
        let mark = fs::metadata(&path).and_then(|entry| entry.modified()).expect("a file with a time");
        let text = fs::read_to_string(&path).expect("JSON");
        if let Some((before, tried)) = text.split_once("\"tried\":") {
            let end = tried.find(|c: char| !c.is_ascii_digit()).expect("more JSON");
            let earlier = tried[..end].parse::<u64>().expect("a time").saturating_sub(seconds);
            fs::write(&path, format!("{before}\"tried\":{earlier}{}", &tried[end..]))
                .expect("a file of ours");
        }
        let earlier = if mark == UNIX_EPOCH { mark } else { mark - Duration::from_secs(seconds) };
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(earlier))
            .expect("a file of ours");
    }
}

/// The requests by which the helper has tried a token, new ones and cached ones alike.
pub fn trials(server: &HttpServer) -> usize {
    let is_trial = |seen: &Recorded| {
        let git = seen.target.ends_with("/info/refs?service=git-upload-pack");
        let ours =
            seen.header("user-agent").is_some_and(|agent| agent.starts_with("git-credential-github-app/"));
        ours && (git || seen.target.ends_with("/installation/repositories?per_page=1"))
    };
    server.requests().iter().filter(|seen| is_trial(seen)).count()
}

/// Unsets `HOME`. The home in the user database belongs to the user who runs the tests, so it is not used.
pub fn without_home(run: Run, sandbox: &Sandbox) -> Run {
    ["CONFIG", "CACHE", "STATE", "DATA"].iter().fold(run.env_remove("HOME"), |run, kind| {
        run.env(format!("XDG_{kind}_HOME"), sandbox.path().join("no home").join(kind))
    })
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
