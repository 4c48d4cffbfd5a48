//! pip, uv and pre-commit: each runs git, with URLs of its own form.

use std::path::Path;

use super::{Site, USERS, installed};
use crate::support::git::gits;
use crate::support::process::Run;

/// A build backend that comes with the package and needs nothing, so that nobody asks an index for one (PEP 517).
const BACKEND: &str = r#"
import os, zipfile

NAME, VERSION = "hidden", "0.1.0"
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
const PROJECT: &str = "[project]\nname = \"hidden\"\nversion = \"0.1.0\"\n\n\
    [build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n";

impl Site {
    fn package(&self) {
        self.repository("hidden", &[("pyproject.toml", PROJECT), ("backend.py", BACKEND)]);
    }

    /// A Python client that asks no index, keeps nothing and installs into a directory that is not there yet.
    fn python(&self, name: &str, args: &[&str], target: &Path) -> Run {
        let _ = std::fs::remove_dir_all(target);
        let run = self.sandbox.command(name, args).arg(target).arg("--no-index");
        let run = run.env("PIP_NO_CACHE_DIR", "1").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        run.env("PIP_ROOT_USER_ACTION", "ignore").env("UV_NO_CACHE", "1").env("UV_PYTHON_DOWNLOADS", "never")
    }
}

/// Gets the package with each user name, and once more after its token was revoked.
fn installs(client: &str, args: &[&str], users: &[&str]) {
    if !installed(client) {
        return;
    }
    for git in gits() {
        let site = Site::with(&git);
        site.package();
        let target = site.sandbox.path().join("target");
        let run = |user: &str| {
            let package = format!("hidden @ git+{}", site.url(user, "hidden"));
            site.python(client, args, &target).arg(package).run()
        };
        for user in users {
            let output = run(user);
            output.success();
            assert!(std::fs::read_dir(&target).expect("a target").count() > 0, "{client}: {}", output.stderr);
        }
        assert_eq!(site.github.mints(), 1, "{client} with {}", git.full_version());
        site.github.kill_tokens();
        let first = run("git");
        assert_eq!(first.status == 0, git.has_continue(), "{}: {}", git.full_version(), first.stderr);
        run("git").success();
        assert_eq!(site.github.mints(), 2, "{client} with {}", git.full_version());
    }
}

#[test]
fn pip_downloads_and_installs_with_every_user_name_that_names_nobody() {
    installs("pip", &["download", "--quiet", "--no-deps", "--dest"], &USERS);
    installs("pip", &["install", "--quiet", "--no-deps", "--target"], &USERS[..1]);
}

#[test]
fn uv_installs_with_every_user_name_that_names_nobody() {
    installs("uv", &["pip", "install", "--quiet", "--no-deps", "--target"], &USERS);
}

#[test]
fn pre_commit_gets_its_hooks_with_every_user_name_that_names_nobody() {
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
        let run = |user: &str| {
            let work = site.sandbox.path().join("work");
            let _ = std::fs::remove_dir_all(&work);
            git.command(&site.sandbox, site.sandbox.path(), &["init", "-q", "work"]).success();
            let url = site.url(user, "hooks");
            let config = format!("repos:\n- repo: {url}\n  rev: {head}\n  hooks:\n  - id: say\n");
            site.sandbox.write("work/.pre-commit-config.yaml", config);
            git.command(&site.sandbox, &work, &["add", "."]).success();
            let run = site.sandbox.command("pre-commit", &["install-hooks"]);
            run.cwd(&work).env("PRE_COMMIT_HOME", work.join("hooks")).run()
        };
        for user in USERS {
            run(user).success();
        }
        assert_eq!(site.github.mints(), 1, "{}", git.full_version());
        site.github.kill_tokens();
        // An older git fails once, and pre-commit goes on with a full clone.
        run("git").success();
        assert_eq!(site.github.mints(), 2, "{}", git.full_version());
    }
}
