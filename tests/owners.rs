//! One App on many accounts: whose installation, how often it is looked up, and repositories that have moved.

use std::fs;

use crate::common::{
    app_sandbox, configure_app, get, message, password, push_submodules, request_for, targets,
};
use crate::support::connect_proxy::ConnectProxy;
use crate::support::git::{Git, gits};
use crate::support::github::{LoopbackGitHub, Options};
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

#[test]
fn the_owner_in_the_path_finds_the_installation_and_the_token_is_tried_once() {
    let (github, sandbox) = app_sandbox();
    let token = password(&get(&sandbox, &github, "Octo-Org/Hello.git"));
    assert_eq!(github.live_tokens(), [token.as_str()]);
    assert_eq!(
        targets(&github),
        [
            "GET /api/v3/users/octo-org/installation",
            "POST /api/v3/app/installations/7/access_tokens",
            "GET /Octo-Org/Hello.git/info/refs?service=git-upload-pack",
        ]
    );
    assert_eq!(github.server().connections(), 1, "one connection serves look-up, mint and trial");
    assert_eq!(password(&get(&sandbox, &github, "octo-org/other")), token);
    assert_eq!(targets(&github).len(), 3, "a hit asks nobody");
}

#[test]
fn an_owner_without_the_app_is_not_ours_and_is_looked_up_once_a_minute() {
    let (github, sandbox) = app_sandbox();
    for _ in 0..3 {
        get(&sandbox, &github, "stranger/repo").expect(0, "", "");
    }
    assert_eq!(github.api_requests().len(), 1);
    let verbose = sandbox.helper(&["-v", "get"]).stdin(request_for(&github, "stranger/repo")).run();
    assert!(
        verbose.stderr.contains("not ours: look up the App's installation for stranger"),
        "{}",
        verbose.stderr
    );
    let token = sandbox.helper(&["--owner", "stranger", "token"]).run();
    token.fails_with(4);
    assert!(message(&token).contains("the App is not installed for stranger"), "{}", token.stderr);
}

#[test]
fn without_an_owner_the_only_installation_is_taken_and_several_are_named() {
    let (github, sandbox) = app_sandbox();
    sandbox.helper(&["token"]).run().success();
    for id in 100..230 {
        github.add_installation(id, &format!("owner-{id}"));
    }
    let output = sandbox.helper(&["--no-cache", "token"]).run();
    output.fails_with(3);
    assert!(message(&output).contains("the App is installed for 131 owners"), "{}", output.stderr);
    assert!(output.stderr.contains("octo-org") && output.stderr.contains("useHttpPath"), "{}", output.stderr);
    let pages = targets(&github).iter().filter(|target| target.contains("/app/installations?")).count();
    assert_eq!(pages, 3, "one page, then two pages");
}

#[test]
fn a_reinstalled_app_is_found_again() {
    let (github, sandbox) = app_sandbox();
    let first = password(&get(&sandbox, &github, "octo-org/hello"));
    github.remove_installation(7);
    github.add_installation(8, "octo-org");
    let erase = format!("{}password={first}\n", request_for(&github, "octo-org/hello"));
    sandbox.helper(&["erase"]).stdin(erase).run().expect(0, "", "");
    assert_ne!(password(&get(&sandbox, &github, "octo-org/hello")), first);
}

#[test]
fn of_many_processes_one_looks_an_owner_up() {
    let (github, sandbox) = app_sandbox();
    for number in 0..8 {
        github.create_repository("octo-org", &format!("r{number}"));
    }
    sandbox.set_env("GITHUB_APP_PER_REPOSITORY", "1");
    let started: Vec<_> = (0..8)
        .map(|number| {
            let request = request_for(&github, &format!("octo-org/r{number}"));
            sandbox.helper(&["get"]).stdin(request).spawn()
        })
        .collect();
    for running in started {
        password(&running.wait());
    }
    let look_ups = targets(&github).iter().filter(|target| target.ends_with("/installation")).count();
    assert_eq!((look_ups, github.mints()), (1, 8), "eight repositories, one owner");
}

#[test]
fn an_absent_app_is_remembered_for_the_owner_and_not_for_each_repository() {
    let (github, sandbox) = app_sandbox();
    for name in ["a", "b", "c"] {
        get(&sandbox, &github, &format!("Stranger/{name}")).expect(0, "", "");
    }
    assert_eq!(targets(&github), ["GET /api/v3/users/stranger/installation"]);
}

#[test]
fn an_enterprise_is_found_by_its_slug_where_settings_name_it() {
    let (github, sandbox) = app_sandbox();
    github.add_enterprise_installation(9, "big-corp");
    get(&sandbox, &github, "big-corp/repo").expect(0, "", "");
    assert_eq!(github.api_requests().len(), 1, "a path never names an enterprise");
    let output = sandbox.helper(&["--owner", "Big-Corp", "token", "--json"]).run();
    let json: serde_json::Value = serde_json::from_str(&output.success().stdout).expect("JSON");
    assert_eq!((&json["account"], &json["installation_id"]), (&"big-corp".into(), &9.into()));
}

/// A GitHub over TLS on which three owners have the App; the first has submodules of the two others.
fn three_owners(ca: &TestCa) -> LoopbackGitHub {
    let github = LoopbackGitHub::start_tls(ca, Options::default());
    for (id, owner, name) in [(7, "octo-org", "hello"), (8, "other-org", "library"), (9, "a-user", "theme")] {
        github.add_installation(id, owner);
        github.create_repository(owner, name);
        github.commit_file(owner, name, "README.md", owner.as_bytes());
    }
    github
}

fn clone_with_submodules(git: &Git, github: &LoopbackGitHub, sandbox: &Sandbox) {
    let submodules = [("library", "Other-Org", "library"), ("theme", "a-user", "Theme")];
    push_submodules(git, github, sandbox, &submodules);
    let url = github.clone_url("octo-org", "hello");
    let again = ["clone", "-q", "--recurse-submodules", "--jobs=3", &url, "again"];
    git.command(sandbox, sandbox.path(), &again).success();
    for (file, owner) in
        [("README.md", "octo-org"), ("library/README.md", "other-org"), ("theme/README.md", "a-user")]
    {
        let text = fs::read_to_string(sandbox.path().join("again").join(file)).expect("a file of the clone");
        assert_eq!(text, owner, "{file}");
    }
}

#[test]
fn submodules_of_three_owners_are_cloned_over_tls_with_and_without_a_proxy() {
    let ca = TestCa::new();
    for git in gits() {
        for with_proxy in [false, true] {
            let github = three_owners(&ca);
            let proxy = ConnectProxy::to(github.server().port());
            let sandbox = Sandbox::new();
            configure_app(&sandbox, &github);
            let pem = ca.ca_pem_path(sandbox.path());
            sandbox.set_env("GIT_SSL_CAINFO", &pem);
            sandbox.set_env("SSL_CERT_FILE", &pem);
            if with_proxy {
                sandbox.set_env("HTTPS_PROXY", proxy.url());
            }
            clone_with_submodules(&git, &github, &sandbox);
            assert_eq!(github.mints(), 3, "{}: a token for each owner", git.full_version());
            assert_eq!(proxy.asked().is_empty(), !with_proxy);
            assert!(proxy.asked().iter().all(|host| *host == github.host()), "{:?}", proxy.asked());
        }
    }
}

#[test]
fn a_renamed_repository_is_cloned_by_its_old_name() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        github.move_repository(("octo-org", "hello"), ("octo-org", "greetings"));
        sandbox.configure_helper(&github.url(), &[]);
        let url = github.clone_url("octo-org", "hello");
        git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]).success();
        assert_eq!(github.mints(), 1);
    }
}

#[test]
fn with_a_token_per_repository_renamed_and_transferred_ones_are_followed() {
    for (to, new_owner_too) in
        [(("octo-org", "greetings"), false), (("new-org", "hello"), true), (("new-org", "greetings"), true)]
    {
        let (github, sandbox) = app_sandbox();
        github.create_repository("octo-org", "other");
        if new_owner_too {
            github.add_installation(8, "new-org");
        }
        github.move_repository(("octo-org", "hello"), to);
        sandbox.set_env("GITHUB_APP_PER_REPOSITORY", "1");
        sandbox.configure_helper(&github.url(), &[]);
        let url = github.clone_url("octo-org", "hello");
        let git = Git::default_git();
        git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]).success();
        assert_eq!(github.mints(), 1, "{to:?}");
        get(&sandbox, &github, "octo-org/hello").success();
        assert_eq!(github.mints(), 1, "kept under the old name");
    }
}

#[test]
fn a_repository_of_an_owner_without_the_app_is_followed_to_one_that_has_it() {
    let (github, sandbox) = app_sandbox();
    github.create_repository("old-org", "tool");
    github.commit_file("old-org", "tool", "README.md", b"tool\n");
    github.move_repository(("old-org", "tool"), ("octo-org", "tool"));
    sandbox.set_env("GITHUB_APP_PER_REPOSITORY", "1");
    let output = sandbox.helper(&["-v", "get"]).stdin(request_for(&github, "old-org/tool")).run();
    assert_eq!(github.live_tokens(), [password(&output)]);
    assert!(
        output.stderr.contains("old-org/tool has moved within GitHub (owner: octo-org)"),
        "{}",
        output.stderr
    );
    get(&sandbox, &github, "old-org/never-was").expect(0, "", "");
}
