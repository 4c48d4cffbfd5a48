//! npm: `git+http` dependencies, listed and cloned by git, whose questions it answers with nothing.

use super::{Site, USERS, installed, own_name};
use crate::support::git::gits;
use crate::support::process::{Output, Run};

impl Site {
    /// Runs npm in a new project; its registry does not exist.
    fn npm(&self, words: &[&str], users: &[&str]) -> Output {
        let project = self.sandbox.path().join("project");
        let _ = std::fs::remove_dir_all(&project);
        self.sandbox.write("project/package.json", "{ \"name\": \"user\", \"version\": \"1.0.0\" }\n");
        let run = self.sandbox.command("npm", words).cwd(&project);
        let run = users.iter().map(|user| format!("git+{}", self.own_url(user))).fold(run, Run::arg);
        let settings = [
            ("registry", "http://127.0.0.1:9/"),
            ("audit", "false"),
            ("fund", "false"),
            ("update_notifier", "false"),
            ("fetch_retries", "0"),
        ];
        let run =
            settings.iter().fold(run, |run, (name, value)| run.env(format!("npm_config_{name}"), value));
        run.env("npm_config_cache", project.join("cache")).run()
    }
}

#[test]
fn npm_packs_and_installs_with_every_placeholder_user_name() {
    if !installed("npm") {
        return;
    }
    for git in gits() {
        let site = Site::with(&git);
        for name in USERS.map(own_name) {
            let package = format!("{{ \"name\": \"{name}\", \"version\": \"1.0.0\" }}\n");
            site.repository(&name, &[("package.json", &package)]);
        }
        let output = site.npm(&["install"], &USERS);
        output.success();
        for name in USERS.map(own_name) {
            let installed = site.sandbox.path().join(format!("project/node_modules/{name}/package.json"));
            assert!(installed.exists(), "{name}: {}", output.stdout);
        }
        site.npm(&["pack"], &["git"]).success();
        assert_eq!(site.github.mints(), 1, "{}", git.full_version());
        site.github.kill_tokens();
        let first = site.npm(&["install"], &["git"]);
        if git.has_continue() {
            first.success();
        }
        site.npm(&["install"], &["git"]).success();
        assert_eq!(site.github.mints(), 2, "{}", git.full_version());
    }
}
