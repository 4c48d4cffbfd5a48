//! A machine as the documents assume it: the program on the `PATH`, a key in the home directory, and a github.com that a
//! proxy leads to this machine, so that a recipe can be run with the names that it has.

use std::path::PathBuf;

use crate::support::connect_proxy::ConnectProxy;
use crate::support::git::Git;
use crate::support::github::{LoopbackGitHub, Options};
use crate::support::keys::app_key_pem;
use crate::support::process::{Output, Run};
use crate::support::sandbox::{Sandbox, shell_word};
use crate::support::tls::TestCa;

/// The issuers that the documents give the App.
const ISSUERS: [&str; 2] = ["Iv23liExample", "12345"];
/// The hosts that they name.
const HOSTS: [&str; 4] = ["github.com", "api.github.com", "ghe.example.com", "localhost"];

/// That machine.
pub struct World {
    pub github: LoopbackGitHub,
    pub sandbox: Sandbox,
    pub ca: TestCa,
    /// For all that is asked of github.com.
    _proxy: ConnectProxy,
}

impl World {
    /// With the App on this owner, whose repositories these are.
    pub fn new(owner: &str, repositories: &[&str]) -> Self {
        Self::with_sandbox(Sandbox::new(), owner, repositories)
    }

    /// The same around a sandbox that is there already.
    pub fn with_sandbox(sandbox: Sandbox, owner: &str, repositories: &[&str]) -> Self {
        let ca = TestCa::issuing(&HOSTS, -2..30);
        let issuers = ISSUERS.map(str::to_owned).to_vec();
        let github = LoopbackGitHub::start_tls(&ca, Options { issuers, ..Options::default() });
        github.add_installation(7, owner);
        for name in repositories {
            github.create_repository(owner, name);
            github.commit_file(owner, name, "README.md", name.as_bytes());
        }
        github.grant(
            7,
            &[
                ("contents", "write"),
                ("workflows", "write"),
                ("metadata", "read"),
                ("pull_requests", "write"),
            ],
        );
        let proxy = ConnectProxy::to(github.server().port());
        sandbox.set_env("HTTPS_PROXY", proxy.url());
        sandbox.set_env("NO_PROXY", "localhost,127.0.0.1");
        let ca_file = ca.ca_pem_path(sandbox.path());
        sandbox.set_env("SSL_CERT_FILE", &ca_file);
        sandbox.set_env("GIT_SSL_CAINFO", &ca_file);
        for key in ["my-app.pem", "ghe-app.pem", "work-app.pem"] {
            sandbox.write_private(&format!("home/keys/{key}"), app_key_pem());
        }
        let world = Self { github, sandbox, ca, _proxy: proxy };
        let program = world.bin().join("git-credential-github-app");
        std::fs::create_dir(world.bin()).expect("a new directory");
        std::os::unix::fs::symlink(world.sandbox.binary(), program).expect("a new link");
        world.put_on_path(world.bin());
        world
    }

    /// The same with a settings file for the App.
    pub fn configured(owner: &str, repositories: &[&str]) -> Self {
        let world = Self::new(owner, repositories);
        world.settings("app_id = \"Iv23liExample\"\nprivate_key_file = \"/home/me/keys/my-app.pem\"\n");
        world
    }

    /// Makes the program the only helper for github.com.
    pub fn with_helper(self) -> Self {
        self.sandbox.configure_helper("https://github.com", &[]);
        self
    }

    /// Where programs are that the documents have in `/usr/local/bin`.
    pub fn bin(&self) -> PathBuf {
        self.sandbox.path().join("bin")
    }

    /// Puts a directory before all others.
    pub fn put_on_path(&self, dir: PathBuf) {
        let path = self.sandbox.env().remove(std::ffi::OsStr::new("PATH")).unwrap_or_default();
        let dirs = std::iter::once(dir).chain(std::env::split_paths(&path));
        self.sandbox.set_env("PATH", std::env::join_paths(dirs).expect("directories"));
    }

    /// A program that stands in for one of the machine's, or for one that it does not have.
    pub fn stand_in(&self, name: &str, script: &str) {
        self.sandbox.write_script(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
    }

    /// Writes the settings file.
    pub fn settings(&self, text: &str) {
        self.sandbox
            .write_private("home/.config/git-credential-github-app/config.toml", self.as_written(text));
    }

    /// A recipe with this machine's places in place of those of the documents.
    pub fn as_written(&self, recipe: &str) -> String {
        self.with_places(recipe, str::to_owned)
    }

    /// The same for a shell, to which a blank in a place means something.
    pub fn as_typed(&self, recipe: &str) -> String {
        self.with_places(recipe, shell_word)
    }

    fn with_places(&self, recipe: &str, spelled: impl Fn(&str) -> String) -> String {
        let places = [("/home/me/", "home/"), ("/run/secrets/", "run/secrets/"), ("/usr/local/bin/", "bin/")];
        places.iter().fold(recipe.to_owned(), |text, (documented, here)| {
            text.replace(documented, &spelled(&self.sandbox.path().join(here).to_string_lossy()))
        })
    }

    /// Prepares shell lines in the home directory; they end at the first that fails. What they make is writable for the
    /// group, as many systems have it.
    pub fn sh(&self, lines: &str) -> Run {
        let lines = format!("umask 002\n{}", self.as_typed(lines));
        self.sandbox.command("sh", &["-euc", &lines]).cwd(self.sandbox.home())
    }

    /// Runs git in the home directory.
    #[track_caller]
    pub fn git(&self, git: &Git, args: &[&str]) -> Output {
        git.prepare(&self.sandbox, &self.sandbox.home(), args).env("PATH", self.path_with(git)).run()
    }

    /// A `PATH` on which this git comes first, and then what this machine has.
    pub fn path_with(&self, git: &Git) -> std::ffi::OsString {
        let own = self.sandbox.env().remove(std::ffi::OsStr::new("PATH")).unwrap_or_default();
        let dir = git.path().parent().expect("an absolute path").to_owned();
        let dirs = std::iter::once(dir).chain(std::env::split_paths(&own));
        std::env::join_paths(dirs).expect("directories")
    }

    /// Clones a repository as a person would, and asserts that it is there and that nobody complained.
    #[track_caller]
    pub fn clones(&self, url: &str) {
        let name = url.rsplit('/').next().unwrap_or_default().trim_end_matches(".git");
        let target = self.sandbox.home().join(name);
        drop(std::fs::remove_dir_all(&target));
        self.sh(&format!("git clone -q {url}")).run().expect(0, "", "");
        assert_eq!(std::fs::read_to_string(target.join("README.md")).expect("a work tree"), name);
    }
}
