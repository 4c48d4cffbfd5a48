//! Package managers and other clients of git hosts, each with its own way to git: the user name that their URLs carry
//! says nothing, and a cached token that was revoked costs them no more than git. Whoever is not on this machine is left
//! out, by name. None of them asks anybody but the loopback GitHub.

use std::os::unix::fs::symlink;

use crate::common::{app_sandbox, sandbox_for, tls_github};
use crate::support::git::Git;
use crate::support::github::LoopbackGitHub;
use crate::support::needs::left_out;
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

mod cargo;
mod lfs;
mod npm;
mod python;

/// What URLs have in front of the host, as the clients' documents and users write it.
const USERS: [&str; 5] = ["git", "oauth2", "x-oauth-basic", "token", "x-access-token"];

/// A loopback GitHub as `localhost`, since libgit2 tells helpers no numeric host, and a home with git's configuration in
/// the place where every client looks for it.
struct Site {
    github: LoopbackGitHub,
    sandbox: Sandbox,
}

impl Site {
    fn new() -> Self {
        let (github, sandbox) = app_sandbox();
        Self::of(github, sandbox)
    }

    /// The same over TLS, for clients that send no credential without.
    fn over_tls(ca: &TestCa) -> Self {
        let github = tls_github(ca);
        let sandbox = sandbox_for(None, ca);
        Self::of(github, sandbox)
    }

    fn of(github: LoopbackGitHub, sandbox: Sandbox) -> Self {
        let site = Self { github, sandbox };
        site.sandbox.set_env("GITHUB_APP_HOST", site.host_url());
        site.sandbox.configure_helper(&site.host_url(), &[]);
        std::fs::rename(site.sandbox.gitconfig(), site.sandbox.home().join(".gitconfig"))
            .expect("a file of ours");
        site.sandbox.remove_env("GIT_CONFIG_GLOBAL");
        site
    }

    /// The same, and clients find this git first.
    fn with(git: &Git) -> Self {
        let site = Self::new();
        let bin = site.sandbox.path().join("git-alone");
        std::fs::create_dir(&bin).expect("a new directory");
        symlink(git.path(), bin.join("git")).expect("a new link");
        let path = std::env::var("PATH").expect("a PATH");
        site.sandbox.set_env("PATH", format!("{}:{path}", bin.display()));
        site
    }

    fn host_url(&self) -> String {
        self.github.url().replace("127.0.0.1", "localhost")
    }

    /// A repository's URL with a placeholder user name.
    fn url(&self, user: &str, name: &str) -> String {
        format!("{}/octo-org/{name}.git", self.host_url().replace("://", &format!("://{user}@")))
    }

    /// A repository's URL with a user name, where each user name has a repository: clients take all of them in one run.
    fn own_url(&self, user: &str) -> String {
        self.url(user, &own_name(user))
    }

    /// Makes a private repository with these files.
    fn repository(&self, name: &str, files: &[(&str, &str)]) {
        self.github.create_repository("octo-org", name);
        for (path, content) in files {
            self.github.commit_file("octo-org", name, path, content.as_bytes());
        }
    }
}

/// The repository, and the package in it, that is got with this user name.
fn own_name(user: &str) -> String {
    format!("hidden{}", user.replace('-', ""))
}

/// Whether a client is there and runs; else a line says that it is left out.
fn installed(name: &str) -> bool {
    // A manager of versions has a program of this name for those that it does not have, too.
    let runs = Sandbox::new().command("sh", &["-c", "\"$0\" --version", name]).run().status == 0;
    if !runs {
        left_out(&format!("{name} is not installed"), &format!("git under {name}"));
    }
    runs
}
