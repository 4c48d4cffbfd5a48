//! cargo: libgit2 by default, which asks helpers for a credential and never tells them what became of it; git itself
//! with `net.git-fetch-with-cli`.

use std::path::PathBuf;

use super::{Site, USERS};
use crate::common::{let_pass, trials};
use crate::support::git::gits;
use crate::support::needs::left_out;
use crate::support::process::Output;
use crate::support::tls::TestCa;

/// How cargo fetches.
#[derive(Clone, Copy, PartialEq)]
enum Transport {
    Libgit2,
    Git,
    Gitoxide,
}

impl Site {
    /// A crate in a private repository, and git's configuration as cargo's transport reads it: without ports.
    fn crates(&self) {
        let file = self.sandbox.home().join(".gitconfig");
        let known = std::fs::read_to_string(&file).expect("git's configuration");
        let libgit2 = known.replace(&format!(":{}\"", self.github.server().port()), "\"");
        std::fs::write(file, known + &libgit2).expect("a file of ours");
        let library = "[package]\nname = \"hidden\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
        self.repository("hidden", &[("Cargo.toml", library), ("src/lib.rs", "")]);
    }

    /// Fetches it as if for the first time: what it has fetched before, cargo does not request again.
    fn fetch(&self, user: &str, transport: Transport) -> Output {
        let url = self.url(user, "hidden");
        let manifest = format!(
            "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\nhidden = {{ git = \"{url}\" }}\n"
        );
        let root = self.sandbox.path().join("user");
        let _ = std::fs::remove_dir_all(&root);
        self.sandbox.write("user/Cargo.toml", manifest);
        self.sandbox.write("user/src/lib.rs", "");
        let args: &[&str] = match transport {
            Transport::Gitoxide => &["-Zgitoxide=fetch", "fetch", "--quiet"],
            _ => &["fetch", "--quiet"],
        };
        let run = self.sandbox.command(cargo(), args).cwd(&root);
        // The toolchain's own: rustup's would look for toolchains in the sandbox's home.
        run.env("RUSTC", cargo().with_file_name("rustc"))
            .env("CARGO_HOME", root.join("cargo"))
            .env("CARGO_NET_GIT_FETCH_WITH_CLI", (transport == Transport::Git).to_string())
            // Otherwise gitoxide is only for nightly toolchains.
            .env("RUSTC_BOOTSTRAP", "1")
            .run()
    }
}

/// The one that runs the tests.
fn cargo() -> PathBuf {
    std::env::var_os("CARGO").expect("cargo runs the tests").into()
}

#[test]
fn cargos_own_transport_fetches_with_every_placeholder_user_name() {
    let site = Site::new();
    site.crates();
    for user in USERS {
        site.fetch(user, Transport::Libgit2).success();
    }
    assert_eq!(site.github.mints(), 1);
}

#[test]
fn cargos_own_transport_gets_a_valid_token_again_some_seconds_after_a_revocation() {
    let site = Site::new();
    site.crates();
    site.fetch("git", Transport::Libgit2).success();
    site.github.kill_tokens();
    let_pass(&site.sandbox, 10);
    for _ in 0..3 {
        site.fetch("git", Transport::Libgit2).success();
    }
    assert_eq!(site.github.mints(), 2);
    assert_eq!(trials(site.github.server()), 3, "of two mints, and of the one that was dead");
    let_pass(&site.sandbox, 100);
    site.fetch("git", Transport::Libgit2).success();
    assert_eq!((site.github.mints(), trials(site.github.server())), (2, 4), "tried, and good");
}

#[test]
fn cargo_with_git_fetches_with_every_placeholder_user_name_and_survives_a_revocation() {
    for git in gits() {
        let site = Site::with(&git);
        site.crates();
        for user in USERS {
            site.fetch(user, Transport::Git).success();
        }
        site.github.kill_tokens();
        // An older git fails once, and cargo tries again by itself.
        site.fetch("git", Transport::Git).success();
        assert_eq!(site.github.mints(), 2, "{}", git.full_version());
    }
}

#[test]
fn cargo_with_gitoxide_fetches_with_every_placeholder_user_name_and_survives_a_revocation() {
    let ca = TestCa::new();
    let site = Site::over_tls(&ca);
    site.crates();
    site.sandbox.set_env("CARGO_HTTP_CAINFO", ca.ca_pem_path(site.sandbox.path()));
    let version = site.sandbox.command(cargo(), &["-Zgitoxide=fetch", "version"]).env("RUSTC_BOOTSTRAP", "1");
    if version.run().status != 0 {
        return left_out("this cargo has no gitoxide", "gitoxide under cargo");
    }
    for user in USERS {
        site.fetch(user, Transport::Gitoxide).success();
    }
    assert_eq!(site.github.mints(), 1);
    site.github.kill_tokens();
    // It asks a helper once in a command, and reports what became of it: the next one has a new token.
    let _ = site.fetch("git", Transport::Gitoxide);
    site.fetch("git", Transport::Gitoxide).success();
    assert_eq!(site.github.mints(), 2);
}
