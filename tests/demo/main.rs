//! `cargo run --example demo`: the helper at work between real git and a GitHub on loopback, with a
//! throw-away App key. Nothing leaves the machine, nothing stays behind, no token is printed.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the demo's output is its purpose")]
#![allow(clippy::disallowed_methods, reason = "the demo starts cargo and measures time")]

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use support::git::Git;
use support::github::{CLIENT_ID, LoopbackGitHub, Options};
use support::keys::app_key_pem;
use support::process::Output;
use support::sandbox::Sandbox;

const OWNER: &str = "octo-org";
const NAME: &str = "hello";
const INSTALLATION: u64 = 4711;

fn main() -> ExitCode {
    match build_helper().and_then(|binary| demonstrate(&binary)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("demo: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// An example is not told where the binaries are, and cargo does not build them for it. All crates are built already:
/// the same features are chosen for them as long as an example is built too, and none of them may see what cargo tells
/// this program about its package, as ring is built again wherever that differs.
fn build_helper() -> Result<PathBuf, String> {
    println!("building the helper: cargo build --bin git-credential-github-app");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(["build", "--bin", "git-credential-github-app", "--example", "demo"]);
    command.arg("--message-format=json-render-diagnostics");
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|cause| format!("start cargo: {cause}"))?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut executables = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let helper = message["target"]["name"] == "git-credential-github-app";
        Some(PathBuf::from(message["executable"].as_str().filter(|_| helper)?))
    });
    executables.next().filter(|_| output.status.success()).ok_or_else(|| "cargo built no helper".to_owned())
}

fn demonstrate(binary: &Path) -> Result<(), String> {
    let mut demo = Demo::start(binary);
    demo.clone_without_helper()?;
    demo.configure();
    demo.first_clone()?;
    demo.commit_and_push()?;
    demo.second_clone()?;
    demo.heal_after_revocation()?;
    demo.summary()
}

/// What the steps share.
struct Demo {
    github: LoopbackGitHub,
    sandbox: Sandbox,
    git: Git,
    step: usize,
    clock: Instant,
}

impl Demo {
    fn start(binary: &Path) -> Self {
        let clock = Instant::now();
        let github = LoopbackGitHub::start(Options::default());
        github.add_installation(INSTALLATION, OWNER);
        github.create_repository(OWNER, NAME);
        github.commit_file(OWNER, NAME, "README.md", b"# hello\n");
        let sandbox = Sandbox::with_binary(binary);
        let mut demo = Self { github, sandbox, git: Git::default_git(), step: 0, clock };
        let (url, git) = (demo.github.url(), demo.git.full_version().to_owned());
        demo.say(&format!(
            "started a loopback GitHub on {url} with the private repository {OWNER}/{NAME} ({git})"
        ));
        demo
    }

    /// Prints what a step has done and how long it took, and starts the next one's clock.
    fn say(&mut self, what: &str) {
        self.step += 1;
        println!("{}. {what} ({} ms)", self.step, self.clock.elapsed().as_millis());
        self.clock = Instant::now();
    }

    fn calls(&self) -> usize {
        self.github.api_requests().len()
    }

    fn url(&self) -> String {
        self.github.clone_url(OWNER, NAME)
    }

    fn try_git(&self, cwd: &str, args: &[&str]) -> Output {
        self.git.command(&self.sandbox, &self.sandbox.path().join(cwd), args)
    }

    fn git(&self, cwd: &str, args: &[&str]) -> Result<(), String> {
        let output = self.try_git(cwd, args);
        if output.status == 0 {
            return Ok(());
        }
        Err(format!("`git {}` failed with status {}:\n{}", args.join(" "), output.status, output.stderr))
    }

    fn clone_without_helper(&mut self) -> Result<(), String> {
        let output = self.try_git("", &["clone", "--quiet", &self.url(), "refused"]);
        if output.status == 0 {
            return Err("cloning a private repository without the helper worked".to_owned());
        }
        self.say("cloned without the helper: refused, as it should be");
        Ok(())
    }

    fn configure(&mut self) {
        let key = self.sandbox.write_private("app.private-key.pem", app_key_pem());
        self.sandbox.set_env("GITHUB_APP_HOST", self.github.url());
        self.sandbox.set_env("GITHUB_APP_CLIENT_ID", CLIENT_ID);
        self.sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", key);
        self.sandbox.configure_helper(&self.github.url(), &[]);
        self.say("pointed git at the helper, in a temporary home with a throw-away App key");
    }

    fn first_clone(&mut self) -> Result<(), String> {
        self.git("", &["clone", "--quiet", &self.url(), "first"])?;
        let calls = self.calls();
        self.say(&format!("git clone: works (API calls: {calls})"));
        Ok(())
    }

    fn commit_and_push(&mut self) -> Result<(), String> {
        let before = self.calls();
        let file = self.sandbox.path().join("first/greeting.txt");
        std::fs::write(file, "hello from the demo\n").map_err(|cause| format!("write a file: {cause}"))?;
        self.git("first", &["add", "greeting.txt"])?;
        self.git("first", &["commit", "--quiet", "-m", "Add a greeting"])?;
        self.git("first", &["push", "--quiet", "origin", "HEAD:main"])?;
        let local = self.try_git("first", &["rev-parse", "HEAD"]);
        if self.github.head(OWNER, NAME).as_deref() != Some(local.stdout.trim()) {
            return Err("the pushed commit has not arrived".to_owned());
        }
        let calls = self.calls() - before;
        self.say(&format!("git commit and git push: the commit has arrived (API calls: {calls})"));
        Ok(())
    }

    fn second_clone(&mut self) -> Result<(), String> {
        let before = self.calls();
        self.git("", &["clone", "--quiet", &self.url(), "second"])?;
        let calls = self.calls() - before;
        if calls != 0 {
            return Err(format!("the second clone made {calls} API calls, not 0: the cache was not used"));
        }
        self.say("git clone again: the token came from the cache (API calls: 0)");
        Ok(())
    }

    fn heal_after_revocation(&mut self) -> Result<(), String> {
        self.github.kill_tokens();
        let before = self.github.mints();
        let first = self.try_git("second", &["fetch", "--quiet"]);
        let how = if self.git.has_continue() {
            if first.status != 0 {
                return Err(format!("git fetch with a revoked token failed:\n{}", first.stderr));
            }
            "the same command went on with a new token"
        } else if first.status == 0 {
            "the same command went on with a new token, though this git is older than 2.46"
        } else {
            self.git("second", &["fetch", "--quiet"])?;
            "this git is older than 2.46, so the first fetch failed and the next one worked"
        };
        if self.github.mints() == before {
            return Err("no new token was minted after the old one was revoked".to_owned());
        }
        self.say(&format!("revoked the token at GitHub and ran git fetch: {how}"));
        Ok(())
    }

    fn summary(self) -> Result<(), String> {
        let (mints, calls) = (self.github.mints(), self.calls());
        let git = self.github.git_requests().len();
        println!();
        println!(
            "all {} steps passed: {mints} tokens minted, {calls} API calls, {git} git requests",
            self.step
        );
        let root = self.sandbox.path().to_owned();
        drop(self);
        if root.exists() {
            return Err(format!("{} could not be removed", root.display()));
        }
        println!("the temporary home, key, repositories and tokens are gone");
        Ok(())
    }
}
