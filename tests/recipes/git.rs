//! Settings, git's configuration and CI jobs: after each recipe the real git works, or no longer does.

use std::fs;

use serde_json::Value;

use super::documents::{self, text};
use super::world::World;
use crate::support::git::gits;
use crate::support::process::Output;
use crate::support::sandbox::shell_word;
use crate::support::users::mode;

const REPO: &str = "https://github.com/OWNER/REPO";
/// The lines that name the helper.
pub const LINES: &str = "--global --add credential.https://github.com.helper ''";

/// `setup` with a key.
pub fn setup(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]);
    all_is_well(&world.sh(recipe).run());
    world.clones(REPO);
    let undone = world.sh("git-credential-github-app setup --undo").run();
    assert!(undone.success().stdout.contains("\nundid "), "{}", undone.stdout);
    assert_eq!(fs::read_to_string(world.sandbox.gitconfig()).expect("a file"), "");
}

/// What a reader sees first: commands after `$`, and all that each of them prints.
pub fn transcript(recipe: &str) {
    let world = World::new("octo-org", &["hello"]);
    for step in recipe.split("$ ").skip(1) {
        let (command, shown) = step.split_once('\n').expect("a line");
        let output = world.sh(command).run();
        let printed = format!("{}{}", output.success().stdout, output.stderr);
        assert_eq!(without_life(&printed), without_life(shown), "{command}");
    }
}

/// The text without how long a token is still valid.
fn without_life(text: &str) -> String {
    let columns = text.split("  ").filter(|column| !column.ends_with(" left"));
    columns.collect::<Vec<_>>().join("  ")
}

/// What `doctor` and `setup` say where there is nothing to say.
#[track_caller]
pub fn all_is_well(output: &Output) {
    assert_eq!(output.success().stderr, "");
    let complaint = output.stdout.lines().find(|line| line.starts_with("fail ") || line.starts_with("warn "));
    assert_eq!(complaint, None, "{}", output.stdout);
}

/// `setup` for a second host.
pub fn second_host(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]);
    world.sh(&text("setup --app-id Iv23liExample")).run().success();
    world.sh(recipe).run().success();
    world.clones("https://ghe.example.com/OWNER/REPO");
    let api = world.github.api_requests();
    assert!(api.iter().any(|seen| seen.header("host") == Some("ghe.example.com")), "its own API was asked");
    world.clones(REPO);
}

/// Several profiles in one file: an owner that one of them lists.
pub fn profiles(recipe: &str) {
    let world = World::new("acme", &["REPO"]).with_helper();
    world.settings(recipe);
    world.clones("https://github.com/acme/REPO");
    let verbose = world.sh("git-credential-github-app -v --owner acme token >/dev/null").run();
    assert!(verbose.success().stderr.contains("profile work\n"), "{}", verbose.stderr);
}

/// Only a settings file.
pub fn settings_file(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]).with_helper();
    world.settings(recipe);
    world.clones(REPO);
}

/// Only the environment.
pub fn environment(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]).with_helper();
    world.sh(&format!("{recipe}git clone -q {REPO}")).run().expect(0, "", "");
}

/// The lines of git's configuration, with each git.
pub fn lines(recipe: &str) {
    for git in gits() {
        let world = World::configured("OWNER", &["REPO"]);
        let helper = "credential.https://github.com.helper";
        world.sh(&format!("git config --global --add {helper} other")).run().expect(0, "", "");
        world.sh(recipe).env("PATH", world.path_with(&git)).run().expect(0, "", "");
        // What comes before the reset is kept, but not asked.
        let helpers = world.sh(&format!("git config --global --get-all {helper}")).run();
        helpers.expect(0, "other\n\ngithub-app\n", "");
        world.git(&git, &["clone", "-q", REPO]).expect(0, "", "");
    }
}

/// The lines that undo them.
pub fn undo(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]);
    let other = "git config --global --add credential.https://github.com.helper other\n";
    world.sh(&format!("{other}{}{recipe}", text(LINES))).run().expect(0, "", "");
    let rest = world.sh("git config --global --list").run();
    rest.expect(0, "credential.https://github.com.helper=other\n", "");
}

/// The rewrite of ssh URLs: clones and submodules of every form go over https, and nobody starts an ssh.
pub fn ssh(recipe: &str) {
    for git in gits() {
        let world = World::configured("OWNER", &["REPO", "scp-form", "url-form", "relative"]).with_helper();
        world.sandbox.set_env("GIT_SSH_COMMAND", "exit 97; false");
        with_submodules(&world);
        let before = world.git(&git, &["clone", "-q", "--recurse-submodules", REPO, "before"]);
        assert_ne!(before.status, 0, "without the rewrite git starts an ssh");
        world.sh(recipe).env("PATH", world.path_with(&git)).run().expect(0, "", "");
        let clone = world.git(&git, &["clone", "-q", "--recurse-submodules", REPO, "work"]);
        assert_eq!(clone.success().stderr, "", "{}", git.full_version());
        for name in ["scp-form", "url-form", "relative"] {
            let file = world.sandbox.home().join("work").join(name).join("README.md");
            assert_eq!(fs::read_to_string(file).expect("a submodule"), name, "{}", git.full_version());
        }
        for url in ["git@github.com:OWNER/REPO", "ssh://git@github.com/OWNER/REPO.git"] {
            world.git(&git, &["ls-remote", "-q", url, "HEAD"]).success();
        }
        all_is_well(&world.sh("git-credential-github-app doctor --repo OWNER/REPO").run());
        assert_eq!(world.github.mints(), 1, "one token for all of them");
    }
}

/// Commits submodules by ssh URLs, which no helper could have added.
fn with_submodules(world: &World) {
    let mut lines = format!("git clone -q {REPO} made && cd made\n");
    for (name, url) in [
        ("scp-form", "git@github.com:OWNER/scp-form.git"),
        ("url-form", "ssh://git@github.com/OWNER/url-form"),
        ("relative", "../relative"),
    ] {
        let head = world.github.head("OWNER", name).expect("a commit");
        let submodule = format!(
            "git config -f .gitmodules submodule.{name}.path {name}\n\
             git config -f .gitmodules submodule.{name}.url {url}\n\
             git update-index --add --cacheinfo 160000,{head},{name}\n"
        );
        lines += &submodule;
    }
    lines += "git add .gitmodules\ngit -c user.name=x -c user.email=x commit -qm submodules\ngit push -q origin HEAD:main\n";
    world.sh(&lines).run().success();
}

/// And what undoes that.
pub fn undo_ssh(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]);
    world.sh(&format!("{}{recipe}", text("insteadOf \"ssh://git@github.com/\""))).run().expect(0, "", "");
    world.sh("git config --global --list").run().expect(0, "", "");
}

/// Fewer repositories and permissions for all that git does.
pub fn narrowed(recipe: &str) {
    let world = World::new("acme", &["website", "docs", "secret"]).with_helper();
    world.settings(recipe);
    let token = granted(&world);
    assert_eq!(token["repositories"], serde_json::json!(["website", "docs"]));
    assert_eq!(token["permissions"], serde_json::json!({ "contents": "write", "metadata": "read" }));
    world.clones("https://github.com/acme/website");
    let refused = world.sh("git clone -q https://github.com/acme/secret").run();
    assert!(refused.fails_with(128).stderr.contains("not found"), "{}", refused.stderr);
}

/// The settings of the manual page, which narrow only permissions.
pub fn permissions(recipe: &str) {
    let world = World::new("acme", &["website"]).with_helper();
    world.settings(recipe);
    let token = granted(&world);
    assert_eq!(token["permissions"], serde_json::json!({ "contents": "write", "metadata": "read" }));
    world.clones("https://github.com/acme/website");
}

/// What `token` has got.
fn granted(world: &World) -> Value {
    let output = world.sh("git-credential-github-app token --json").run();
    serde_json::from_str(&output.success().stdout).expect("JSON")
}

/// Settings for agents: each repository has a token of its own.
pub fn agents(recipe: &str) {
    let world = World::new("acme", &["website", "docs"]).with_helper();
    world.settings(recipe);
    world.clones("https://github.com/acme/website");
    world.clones("https://github.com/acme/docs");
    assert_eq!(world.github.mints(), 2);
}

/// A CI job by itself leaves no token, and nothing in the home directory's git configuration.
pub fn ci_job(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]);
    world.sandbox.write_private("run/secrets/github-app/key.pem", crate::support::keys::app_key_pem());
    let job = world.sandbox.home().join("job");
    fs::create_dir(&job).expect("a new directory");
    mode(&job, 0o775);
    world.sh(recipe).cwd(&job).run().expect(0, "", "Cloning into 'REPO'...\n");
    assert!(job.join("REPO/README.md").exists());
    assert_eq!((world.github.mints(), world.github.live_tokens().len()), (1, 0));
    assert_eq!(fs::read_to_string(world.sandbox.gitconfig()).expect("a file"), "");
    // A job that fails leaves none either.
    let failing = recipe.replace("OWNER/REPO", "OWNER/NONE");
    world.sh(&failing).cwd(&job).run().fails_with(128);
    assert_eq!(world.github.live_tokens().len(), 0);
}

/// `doctor` for one repository.
pub fn doctor(recipe: &str) {
    let world = World::configured("OWNER", &["REPO", "NAME"]);
    world.sh(&documents::text(LINES)).run().success();
    all_is_well(&world.sh(recipe).run());
}

/// A request by hand, as git makes it.
pub fn request(recipe: &str) {
    let world = World::configured("OWNER", &["REPO"]);
    let output = world.sh(recipe).run();
    assert_eq!(output.success().stdout, "");
    let [token] = world.github.live_tokens().try_into().expect("one token");
    assert!(output.stderr.contains("OWNER") && !output.stderr.contains(&token), "{}", output.stderr);
}

#[test]
fn git_takes_a_private_ca_by_the_line_in_the_documents() {
    let line = "git config --global http.https://ghe.example.com/.sslCAInfo FILE";
    assert!(documents::guide().contains(&format!("`{line}`")));
    let world = World::new("OWNER", &["REPO"]);
    world.sh(&text("--host ghe.example.com")).run().success();
    world.sandbox.remove_env("GIT_SSL_CAINFO");
    let clone = "git clone -q https://ghe.example.com/OWNER/REPO";
    world.sh(clone).run().fails_with(128);
    let file = shell_word(&world.sandbox.path().join("ca.pem").to_string_lossy());
    world.sh(&format!("{}\n{clone}", line.replace("FILE", &file))).run().expect(0, "", "");
}
