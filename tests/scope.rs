//! Narrow tokens: to repositories, to permissions, to the repository that git asks for; and what is said when GitHub
//! does not grant them.

use serde_json::json;

use crate::common::{app_sandbox, get, password, request_for};
use crate::support::git::gits;
use crate::support::github::LoopbackGitHub;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;

#[test]
fn the_scope_is_in_the_mint_and_in_the_cache_key() {
    let (github, sandbox) = app_sandbox();
    github.create_repository("octo-org", "second");
    let token = |args: &[&str]| {
        let args = [args, &["--owner", "octo-org", "token", "--json"]].concat();
        let output = sandbox.helper(&args).run();
        serde_json::from_str::<serde_json::Value>(&output.success().stdout).expect("JSON")
    };
    let wide = token(&[]);
    let narrow = token(&["--repository", "Hello", "--permission", "contents=read"]);
    let again = token(&["--permission=contents=read", "--repository=hello"]);
    assert_ne!(wide["token"], narrow["token"]);
    assert_eq!(narrow["token"], again["token"]);
    assert_eq!(narrow["repositories"], json!(["hello"]));
    assert_eq!(narrow["permissions"]["contents"], "read");
    assert_eq!(
        (&narrow["source"], &narrow["account"], &narrow["installation_id"]),
        (&json!("app"), &json!("octo-org"), &json!(7))
    );
    assert_eq!(narrow["api_url"], json!(github.api_url()));
    assert!(narrow["expires_at"].as_str().is_some_and(|text| text.ends_with('Z')));
    assert_eq!(github.mints(), 2);
}

#[test]
fn per_repository_tokens_reach_only_that_repository() {
    let (github, sandbox) = app_sandbox();
    github.create_repository("octo-org", "second");
    sandbox.set_env("GITHUB_APP_PER_REPOSITORY", "1");
    let first = password(&get(&sandbox, &github, "octo-org/hello"));
    let second = password(&get(&sandbox, &github, "octo-org/second"));
    assert_ne!(first, second);
    assert_eq!(password(&get(&sandbox, &github, "OCTO-ORG/hello.git/info/lfs")), first);
    let (protocol, host) =
        github.url().split_once("://").map(|(p, h)| (p.to_owned(), h.to_owned())).expect("a URL");
    let output = sandbox.helper(&["get"]).stdin(format!("protocol={protocol}\nhost={host}\n")).run();
    assert_eq!(output.stdout, "quit=1\n");
    assert!(output.stderr.contains("useHttpPath true"), "{}", output.stderr);
}

#[test]
fn the_server_refuses_a_token_of_one_repository_for_another() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        github.create_repository("octo-org", "second");
        github.commit_file("octo-org", "second", "README.md", b"second\n");
        sandbox.set_env("GITHUB_APP_PER_REPOSITORY", "1");
        sandbox.configure_helper(&github.url(), &[]);
        let url = github.clone_url("octo-org", "hello");
        git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]).success();
        let token = password(&get(&sandbox, &github, "octo-org/hello"));
        // Past the helper: the token itself is what is narrow.
        let plain = Sandbox::new();
        let with_token = |name: &str| {
            let helper = format!(
                "credential.helper=!f() {{ echo username=x-access-token; echo password={token}; }}; f"
            );
            let url = github.clone_url("octo-org", name);
            git.command(&plain, plain.path(), &["-c", &helper, "ls-remote", &url])
        };
        with_token("hello").success();
        let refused = with_token("second");
        assert!(refused.status != 0 && refused.stderr.contains("not found"), "{}", refused.stderr);
        assert_eq!(github.mints(), 1);
    }
}

fn refused(sandbox: &Sandbox, github: &LoopbackGitHub, args: &[&str]) -> Output {
    let output = sandbox.helper(&[args, &["--owner", "octo-org", "token"]].concat()).run();
    output.fails_with(4);
    assert_eq!((output.stdout.as_str(), github.mints()), ("", 0));
    output
}

#[test]
fn what_an_installation_does_not_grant_is_named_with_the_page_that_grants_it() {
    let (github, sandbox) = app_sandbox();
    github.create_repository("octo-org", "second");
    github.grant(7, &[("contents", "read"), ("metadata", "read")]);
    github.select_repositories(7, &["hello"]);
    let page = format!("{}/organizations/octo-org/settings/installations/7", github.url());
    refused(&sandbox, &github, &["--permission=contents=write", "--permission=workflows=write"]).expect(
        4,
        "",
        &format!(
            "git-credential-github-app: mint a token for installation 7: GitHub answered 422: The permissions requested are not granted to this installation.\n\
             hint: missing: contents=write (granted: read), workflows=write (not granted)\n\
             hint: ask for less with --permission, or let an owner grant it at {page}\n\
             hint: an owner can grant only the permissions that the App requests on its own settings page\n"
        ),
    );
    for (args, missing) in [
        (&["--repository=second"][..], "second"),
        (&["--repository=hello", "--repository=second", "--repository=typo"], "second, typo"),
    ] {
        refused(&sandbox, &github, args).expect(
            4,
            "",
            &format!(
                "git-credential-github-app: mint a token for installation 7: GitHub answered 422: There is at least one repository that does not exist or is not accessible to the parent installation.\n\
                 hint: missing: {missing}\n\
                 hint: check the names given to --repository; an owner can add repositories to the installation at {page}\n"
            ),
        );
    }
    github.suspend(7, true);
    let suspended = refused(&sandbox, &github, &["--permission=contents=read"]);
    let hint = format!("hint: an owner of octo-org must unsuspend the App's installation at {page}\n");
    assert!(suspended.stderr.ends_with(&hint), "{}", suspended.stderr);
}

#[test]
fn a_mistyped_level_is_refused_before_anybody_is_asked() {
    let (github, sandbox) = app_sandbox();
    sandbox.helper(&["--permission", "contents=wirte", "token"]).run().expect(
        2,
        "",
        "git-credential-github-app: option --permission: bad permission \"contents=wirte\"\n\
         hint: expected NAME=LEVEL with level read, write or admin, such as contents=write\n",
    );
    assert_eq!(github.server().requests().len(), 0);
}

#[test]
fn a_token_that_cannot_read_the_repository_is_handed_out_at_once_with_a_warning() {
    let (github, sandbox) = app_sandbox();
    github.create_repository("octo-org", "second");
    for (args, warning) in [
        (["--permission=issues=read", "get"], "it lacks the contents permission"),
        (["--repository=second", "get"], "--repository narrows it to other repositories"),
    ] {
        let output = sandbox.helper(&args).stdin(request_for(&github, "octo-org/hello")).run();
        password(&output);
        assert!(output.stderr.contains("warning: the token"), "{}", output.stderr);
        assert!(output.stderr.contains(warning), "{}", output.stderr);
        assert_eq!(github.git_requests().len(), 0, "a trial would be refused for ever");
        let again = sandbox.helper(&args).stdin(request_for(&github, "octo-org/hello")).run();
        assert_eq!(again.success().stderr, "", "said once for each token");
    }
}

#[test]
fn the_account_of_a_configured_installation_is_learnt_from_the_trial() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    let output = sandbox.helper(&["token", "--json"]).run();
    let json: serde_json::Value = serde_json::from_str(&output.success().stdout).expect("JSON");
    assert_eq!(json["account"], json!("octo-org"));
    assert_eq!(github.server().requests().len(), 2, "the mint and the trial");
}
