//! Profiles with the real git and the real gh, and the settings of the whole machine.

use std::path::Path;

use serde_json::Value;

use super::{World, issuers};
use crate::common::{Cloud, attribute, request_for, targets};
use crate::support::gh::ghs;
use crate::support::git::gits;
use crate::support::namespace::mounting;
use crate::support::process::Run;

#[test]
fn two_hosts_and_three_apps_serve_one_superproject_with_every_git() {
    for git in gits() {
        let World { first, second, sandbox } = &World::new();
        for github in [first, second] {
            sandbox.configure_helper(&github.url(), &[]);
        }
        let run = |cwd: &Path, args: &[&str]| {
            let allowed = ["-c", "protocol.file.allow=always"];
            git.command(sandbox, cwd, &[&allowed[..], args].concat()).success().stdout.clone()
        };
        run(sandbox.path(), &["clone", "-q", &first.clone_url("octo-org", "hello"), "work"]);
        let work = sandbox.path().join("work");
        run(&work, &["submodule", "--quiet", "add", &first.clone_url("beta-org", "hello"), "beta"]);
        run(&work, &["submodule", "--quiet", "add", &second.clone_url("gamma", "hello"), "gamma"]);
        run(&work, &["commit", "-q", "-m", "Add submodules"]);
        run(&work, &["push", "-q", "origin", "HEAD:main"]);
        let url = first.clone_url("octo-org", "hello");
        run(sandbox.path(), &["clone", "-q", "--recurse-submodules", &url, "again"]);
        assert!(sandbox.path().join("again/gamma/README.md").exists(), "{}", git.full_version());
        assert_eq!((issuers(first).len(), issuers(second).len()), (2, 1), "one mint an App");

        // In each clone the token is that of its owner's App.
        for (dir, github, installation) in
            [("again", first, 7), ("again/beta", first, 8), ("again/gamma", second, 9)]
        {
            let json = sandbox.helper(&["token", "--json"]).cwd(sandbox.path().join(dir)).run();
            let json: Value = serde_json::from_str(&json.success().stdout).expect("JSON");
            assert_eq!(
                (json["installation_id"].as_u64(), json["api_url"].as_str()),
                (Some(installation), Some(github.api_url().as_str())),
                "{dir}"
            );
            let show = ["exec", "--", "sh", "-c", "printf %s \"$GH_ENTERPRISE_TOKEN\""];
            let shown = sandbox.helper(&show).cwd(sandbox.path().join(dir)).run();
            assert_eq!(shown.success().stdout, json["token"].as_str().expect("a token"), "{dir}");
        }
        assert_eq!((issuers(first).len(), issuers(second).len()), (2, 1), "all from the cache");
        // With the host given, the clone still says whose it is.
        let by_host = ["--host", &first.url(), "token", "--json"];
        let json = sandbox.helper(&by_host).cwd(sandbox.path().join("again/beta")).run();
        let json: Value = serde_json::from_str(&json.success().stdout).expect("JSON");
        assert_eq!(json["installation_id"].as_u64(), Some(8));
        let json = sandbox.helper(&by_host).cwd(sandbox.path().join("again")).run();
        let json: Value = serde_json::from_str(&json.success().stdout).expect("JSON");
        assert_eq!(json["installation_id"].as_u64(), Some(7));
    }
}

#[test]
fn gh_is_logged_in_to_every_host_and_works_in_each_clone() {
    for gh in ghs() {
        let place = Cloud::new();
        let sandbox = &place.sandbox;
        sandbox.set_env("PATH", gh.path_variable());
        sandbox.remove_env("GITHUB_APP_CLIENT_ID");
        sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
        let text = format!(
            "private_key_file = \"{}\"\n[profile.cloud]\napp_id = \"{id}\"\n[profile.server]\nhost = \"ghe.test\"\napp_id = \"{id}\"\n",
            sandbox.path().join("app.pem").display(),
            id = crate::support::github::CLIENT_ID,
        );
        sandbox.set_env("GITHUB_APP_CONFIG", sandbox.write_private("config.toml", text));
        for host in ["https://github.com", "https://ghe.test"] {
            sandbox.configure_helper(host, &[]);
        }
        sandbox.helper(&["refresh", "--all", "--gh"]).run().expect(0, "", "");
        for host in ["github.com", "ghe.test"] {
            let kept = sandbox.command("gh", &["auth", "token", "--hostname", host]).run();
            assert!(place.github.live_tokens().contains(&kept.success().stdout.trim().to_owned()), "{host}");
            let url = format!("https://{host}/octo-org/hello");
            sandbox.command("git", &["clone", "-q", &url, host]).run().success();
            let api = ["exec", "--", "gh", "api", "repos/octo-org/hello", "--jq", ".name"];
            let shown = sandbox.helper(&api).cwd(sandbox.path().join(host)).run();
            shown.expect(0, "hello\n", "");
        }
        assert!(!targets(&place.github).is_empty());
    }
}

#[test]
fn the_machines_settings_are_read_after_the_users_own() {
    let world = World::new();
    let system = world.sandbox.write_private(
        "etc/config.toml",
        format!(
            "host = \"{}\"\napp_id = \"Iv-three\"\nprivate_key_file = \"{}\"\nmargin = \"9m\"\n",
            world.second.url(),
            world.sandbox.path().join("app.pem").display()
        ),
    );
    // Only in its own mount namespace is /etc private to the test.
    let mount = format!(
        "mount -t tmpfs none /etc && mkdir /etc/git-credential-github-app && \
         cp {} /etc/git-credential-github-app/",
        system.display()
    );
    let prepare = || mounting(&world.sandbox, world.sandbox.binary(), &mount, "exec \"$0\" \"$@\"");
    if prepare().is_none() {
        return;
    }
    let run = |args: &[&str], input: &str| {
        args.iter().fold(prepare().expect("as before"), Run::arg).stdin(input).run()
    };
    world.write_settings("margin = \"10m\"\n");
    let output = run(&["-v", "get"], &request_for(&world.second, "gamma/hello"));
    assert!(attribute(&output, "password").is_some(), "{}", output.stderr);
    assert!(
        output.stderr.contains("setting margin from key margin in ")
            && output.stderr.contains("/home/.config/"),
        "{}",
        output.stderr
    );
    world.write_settings(&format!(
        "host = \"{}\"\napp_id = \"Iv-one\"\nprivate_key_file = \"{}\"\n",
        world.first.url(),
        world.sandbox.path().join("app.pem").display()
    ));
    assert!(attribute(&run(&["get"], &request_for(&world.first, "octo-org/hello")), "password").is_some());
    assert!(attribute(&run(&["get"], &request_for(&world.second, "gamma/hello")), "password").is_some());
    assert_eq!((issuers(&world.first).len(), issuers(&world.second).len()), (1, 1));
}
