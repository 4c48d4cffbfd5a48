//! npm: `git+http` dependencies, listed and cloned by git, whose questions it answers with nothing.

use super::{Site, USERS, installed};
use crate::support::git::gits;
use crate::support::process::Output;

impl Site {
    /// Runs npm in a new project; its registry is nobody.
    fn npm(&self, words: &[&str], user: &str) -> Output {
        let project = self.sandbox.path().join("project");
        let _ = std::fs::remove_dir_all(&project);
        self.sandbox.write("project/package.json", "{ \"name\": \"user\", \"version\": \"1.0.0\" }\n");
        let run =
            self.sandbox.command("npm", words).arg(format!("git+{}", self.url(user, "hidden"))).cwd(&project);
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
fn npm_packs_and_installs_with_every_user_name_that_names_nobody() {
    if !installed("npm") {
        return;
    }
    for git in gits() {
        let site = Site::with(&git);
        site.repository("hidden", &[("package.json", "{ \"name\": \"hidden\", \"version\": \"1.0.0\" }\n")]);
        for user in USERS {
            let output = site.npm(&["install"], user);
            output.success();
            let installed = site.sandbox.path().join("project/node_modules/hidden/package.json");
            assert!(installed.exists(), "{user}: {}", output.stdout);
        }
        site.npm(&["pack"], "git").success();
        assert_eq!(site.github.mints(), 1, "{}", git.full_version());
        site.github.kill_tokens();
        let first = site.npm(&["install"], "git");
        if git.has_continue() {
            first.success();
        }
        site.npm(&["install"], "git").success();
        assert_eq!(site.github.mints(), 2, "{}", git.full_version());
    }
}
