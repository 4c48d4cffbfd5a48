//! pip, uv and pre-commit: each runs git, with URLs of its own form.

use std::path::Path;

use super::{Site, USERS, installed, own_name};
use crate::support::git::{Git, gits};
use crate::support::process::Run;

/// A build backend that comes with the package and needs nothing, so that no index is asked for one (PEP 517).
const BACKEND: &str = r#"
import os, zipfile

NAME, VERSION = "PACKAGE", "0.1.0"
INFO = f"{NAME}-{VERSION}.dist-info"
METADATA = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def prepare_metadata_for_build_wheel(directory, settings=None):
    os.makedirs(os.path.join(directory, INFO), exist_ok=True)
    for name, text in (("METADATA", METADATA), ("WHEEL", WHEEL)):
        with open(os.path.join(directory, INFO, name), "w") as file:
            file.write(text)
    return INFO


def build_wheel(directory, settings=None, metadata=None):
    name = f"{NAME}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        wheel.writestr(f"{NAME}.py", "")
        wheel.writestr(f"{INFO}/METADATA", METADATA)
        wheel.writestr(f"{INFO}/WHEEL", WHEEL)
        wheel.writestr(f"{INFO}/RECORD", "")
    return name
"#;
const PROJECT: &str = "[project]\nname = \"PACKAGE\"\nversion = \"0.1.0\"\n\n\
    [build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n";

impl Site {
    fn package(&self, name: &str) {
        let [project, backend] = [PROJECT, BACKEND].map(|text| text.replace("PACKAGE", name));
        self.repository(name, &[("pyproject.toml", &project), ("backend.py", &backend)]);
    }

    /// A Python client that asks no index, keeps nothing and installs into a directory that is not there yet.
    fn python(&self, name: &str, args: &[&str], target: &Path) -> Run {
        let _ = std::fs::remove_dir_all(target);
        let run = self.sandbox.command(name, args).arg(target).arg("--no-index");
        let run = run.env("PIP_NO_CACHE_DIR", "1").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        run.env("PIP_ROOT_USER_ACTION", "ignore").env("UV_NO_CACHE", "1").env("UV_PYTHON_DOWNLOADS", "never")
    }
}

/// Gets a package with each user name, in one run, and one once more after the token was revoked.
fn installs(client: &str, args: &[&str], users: &[&str], gits: &[Git]) {
    if !installed(client) {
        return;
    }
    for git in gits {
        let site = Site::with(git);
        for user in users {
            site.package(&own_name(user));
        }
        let target = site.sandbox.path().join("target");
        let run = |users: &[&str]| {
            let package = |user: &&str| format!("{} @ git+{}", own_name(user), site.own_url(user));
            users.iter().map(package).fold(site.python(client, args, &target), Run::arg).run()
        };
        let output = run(users);
        output.success();
        let got =
            std::fs::read_dir(&target).expect("a target").map(|entry| entry.expect("an entry").file_name());
        let got: Vec<String> = got.map(|name| name.to_string_lossy().into_owned()).collect();
        for name in users.iter().map(|user| own_name(user)) {
            assert!(
                got.iter().any(|file| file.starts_with(&name)),
                "{client}, {name}: {got:?} {}",
                output.stderr
            );
        }
        assert_eq!(site.github.mints(), 1, "{client} with {}", git.full_version());
        site.github.kill_tokens();
        let first = run(&["git"]);
        assert_eq!(first.status == 0, git.has_continue(), "{}: {}", git.full_version(), first.stderr);
        run(&["git"]).success();
        assert_eq!(site.github.mints(), 2, "{client} with {}", git.full_version());
    }
}

#[test]
fn pip_downloads_and_installs_with_every_placeholder_user_name() {
    installs("pip", &["download", "--quiet", "--no-deps", "--dest"], &USERS, &gits());
    // It runs git as for a download.
    installs("pip", &["install", "--quiet", "--no-deps", "--target"], &USERS[..1], &gits()[..1]);
}

#[test]
fn uv_installs_with_every_placeholder_user_name() {
    installs("uv", &["pip", "install", "--quiet", "--no-deps", "--target"], &USERS, &gits());
}

#[test]
fn pre_commit_gets_its_hooks_with_every_placeholder_user_name() {
    if !installed("pre-commit") {
        return;
    }
    for git in gits() {
        let site = Site::with(&git);
        let hooks = "- id: say\n  name: say\n  entry: say\n  language: script\n  files: ''\n";
        site.repository(
            "hooks",
            &[(".pre-commit-hooks.yaml", hooks), ("say", "#!/bin/sh\necho said >said\n")],
        );
        let head = site.github.head("octo-org", "hooks").expect("a commit");
        let run = |users: &[&str]| {
            let work = site.sandbox.path().join("work");
            let _ = std::fs::remove_dir_all(&work);
            git.command(&site.sandbox, site.sandbox.path(), &["init", "-q", "work"]).success();
            let repository = |url| format!("- repo: {url}\n  rev: {head}\n  hooks:\n  - id: say\n");
            let urls = users.iter().map(|user| site.url(user, "hooks"));
            let repositories = urls.map(repository).collect::<Vec<_>>().concat();
            site.sandbox.write("work/.pre-commit-config.yaml", format!("repos:\n{repositories}"));
            git.command(&site.sandbox, &work, &["add", "."]).success();
            let run = site.sandbox.command("pre-commit", &["install-hooks"]);
            run.cwd(&work).env("PRE_COMMIT_HOME", work.join("hooks")).run()
        };
        run(&USERS).success();
        assert_eq!(site.github.mints(), 1, "{}", git.full_version());
        site.github.kill_tokens();
        // An older git fails once, and pre-commit goes on with a full clone.
        run(&["git"]).success();
        assert_eq!(site.github.mints(), 2, "{}", git.full_version());
    }
}
