//! The ways to the host, ours and git's, and the repository at their end.

use std::path::Path;

use super::{Found, append, doctor, doctor_in, healthy, hint_helps};
use crate::common::{Cloud, sandbox_for, tls_github};
use crate::support::connect_proxy::ConnectProxy;
use crate::support::git::{Git, gits};
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

const NAME: &str = "git network";

#[test]
fn proxies_certificates_and_hosts_that_do_not_answer_are_told_apart() {
    let place = Cloud::new();
    let found = doctor(&place.sandbox, &[]);
    found.has("ok", "network", "github.com answers", "").has("ok", NAME, "git reaches github.com", "");
    let refusing = ConnectProxy::refusing();
    place.sandbox.set_env("HTTPS_PROXY", refusing.url());
    doctor(&place.sandbox, &[]).fails("network", "through the proxy", "the proxy refuses this host").fails(
        "App",
        "through the proxy",
        "the proxy refuses this host",
    );
    place.sandbox.set_env("HTTPS_PROXY", "http://127.0.0.1:1");
    doctor(&place.sandbox, &[]).fails("network", "through the proxy http://127.0.0.1:1", "proxy settings");
    place.sandbox.set_env("HTTPS_PROXY", place.proxy.url());
    let other = TestCa::new().ca_pem_path(&place.sandbox.home());
    place.sandbox.set_env("SSL_CERT_FILE", other);
    let found = doctor(&place.sandbox, &[]);
    found.fails("network", "certificate", "--ca-file");
    found.has("ok", NAME, "git reaches github.com", "");
    assert_eq!(found.output.status, 5);
}

/// An Enterprise Server with a private CA that this helper knows and git does not.
fn with_private_ca(git: &Git) -> (crate::support::github::LoopbackGitHub, Sandbox) {
    let ca = TestCa::new();
    let github = tls_github(&ca);
    let sandbox = sandbox_for(Some(&github.url()), &ca);
    sandbox.remove_env("GIT_SSL_CAINFO");
    let directory = git.path().parent().expect("an absolute path").display();
    sandbox.set_env("PATH", format!("{directory}:{}", std::env::var("PATH").expect("PATH")));
    sandbox.configure_helper(&github.url(), &[]);
    (github, sandbox)
}

#[test]
fn a_ca_that_git_lacks_is_reported_with_gits_own_setting() {
    for git in gits() {
        let (github, sandbox) = with_private_ca(&git);
        let ca = sandbox.path().join("ca.pem");
        let key = format!("http.{}/.sslCAInfo", github.url());
        let command = format!("git config --global {key} {}", ca.display());
        for args in [&[][..], &["--repo=octo-org/hello"]] {
            let found = doctor(&sandbox, args);
            found.has("ok", "network", "answers", "");
            found.fails(NAME, &format!("git cannot reach {}: ", github.host()), &command);
            found.fails(NAME, "certificate", "");
            found.is_content_with("repository");
            assert_eq!((found.output.status, failures(&found)), (3, 1), "{:#?}", found.checks);
        }
        hint_helps(&sandbox, sandbox.path(), "fail", "git cannot reach");
        doctor(&sandbox, &["--repo=octo-org/hello"]).has("ok", "repository", "git reads octo-org/hello", "");
    }
}

fn failures(found: &Found) -> usize {
    found.checks.iter().filter(|check| check["state"] == "fail").count()
}

#[test]
fn settings_of_gits_that_are_there_and_wrong_are_the_ones_that_are_named() {
    for git in gits() {
        let (github, sandbox) = with_private_ca(&git);
        let other = TestCa::new().ca_pem_path(&sandbox.home());
        let key = format!("http.{}/.sslCAInfo", github.url());
        sandbox.command("git", &["config", "--global", &key, &other.to_string_lossy()]).run().success();
        let found = doctor(&sandbox, &[]);
        found.fails(NAME, "certificate", "git config --file /");
        hint_helps(&sandbox, sandbox.path(), "fail", "git cannot reach");
        sandbox.set_env("GIT_SSL_CAINFO", &other);
        doctor(&sandbox, &[]).fails(NAME, "certificate", "export GIT_SSL_CAINFO=/");
        sandbox.set_env("GIT_SSL_CAINFO", "/no/such.pem");
        doctor(&sandbox, &[]).fails(NAME, "git cannot reach", "export GIT_SSL_CAINFO=/");
        // Neither knows the CA: each is told in its own way.
        sandbox.set_env("SSL_CERT_FILE", &other);
        sandbox.set_env("GIT_SSL_CAINFO", &other);
        let found = doctor(&sandbox, &[]);
        found.fails("network", "certificate", "--ca-file").fails(NAME, "certificate", "GIT_SSL_CAINFO");
        // git's own proxy.
        sandbox.set_env("SSL_CERT_FILE", sandbox.path().join("ca.pem"));
        sandbox.set_env("GIT_SSL_CAINFO", sandbox.path().join("ca.pem"));
        append(&sandbox, "[http]\n\tproxy = http://127.0.0.1:1\n");
        doctor(&sandbox, &[]).fails(NAME, "git cannot reach", "--get-regexp proxy");
    }
}

#[test]
fn a_git_that_takes_every_certificate_fails() {
    let git = Git::default_git();
    let (github, sandbox) = with_private_ca(&git);
    sandbox.set_env("GIT_SSL_CAINFO", sandbox.path().join("ca.pem"));
    let message = "git does not check the host's certificate";
    doctor(&sandbox, &[]).is_content_with("git configuration");
    append(
        &sandbox,
        &format!("[http \"{}\"]\n\tsslVerify = true\n[http]\n\tsslVerify = false\n", github.url()),
    );
    doctor(&sandbox, &[]).is_content_with("git configuration");
    append(&sandbox, &format!("[http \"{}/\"]\n\tsslVerify = off\n", github.url()));
    doctor(&sandbox, &[]).fails("git configuration", message, "--unset-all http.https://");
    hint_helps(&sandbox, sandbox.path(), "fail", message);
    sandbox.set_env("GIT_SSL_NO_VERIFY", "1");
    doctor(&sandbox, &[]).fails("git configuration", message, "unset GIT_SSL_NO_VERIFY");
}

#[test]
fn a_repository_that_git_cannot_read() {
    let (github, sandbox) = healthy();
    github.create_repository("octo-org", "secret");
    github.select_repositories(7, &["hello"]);
    let found = doctor(&sandbox, &["--repo=octo-org/secret"]);
    found.fails(
        "repository",
        "git cannot read octo-org/secret: the App's installation does not include octo-org/secret",
        "an owner can add it to the installation",
    );
    github.suspend(7, true);
    let found = doctor(&sandbox, &["--repo=octo-org/hello"]);
    found.fails("repository", "This installation has been suspended", "");
    github.remove_installation(7);
    let found = doctor(&sandbox, &["--repo=octo-org/hello"]);
    found.fails(
        "repository",
        "git cannot read octo-org/hello: could not read ",
        "fix the failures above first",
    );
}

#[test]
fn a_repository_is_named_by_any_of_its_urls() {
    let (github, sandbox) = healthy();
    let (url, host) = (github.url(), github.host());
    let name = host.split(':').next().expect("a name");
    for repository in [
        "octo-org/hello".to_owned(),
        "octo-org/hello.git".to_owned(),
        "octo-org/hello/".to_owned(),
        format!("{url}/octo-org/hello"),
        format!("{url}/octo-org/hello.git/"),
        format!("{url}/octo-org/hello/tree/main"),
        format!("git@{name}:octo-org/hello.git"),
        format!("ssh://git@{name}/octo-org/hello"),
    ] {
        let found = doctor(&sandbox, &["--repo", &repository]);
        found.has("ok", "repository", "git reads octo-org/hello", "");
        assert_eq!(found.output.status, 0, "{repository}");
    }
    let refused = |repository: &str, message: &str| {
        let expected = format!("git-credential-github-app: option --repo: {message}\n");
        sandbox.helper(&["doctor", "--repo", repository]).run().expect(2, "", &expected);
    };
    let bad = "hint: expected OWNER/NAME, such as octo-org/hello, or a URL of it";
    for wrong in ["octo-org", "octo-org/hello/x", "../hello"] {
        refused(wrong, &format!("bad repository \"{wrong}\"\n{bad}"));
    }
    for (wrong, place) in [
        ("https://github.com/octo-org/hello", "github.com"),
        ("git@gitlab.com:octo-org/hello.git", "gitlab.com"),
        ("ssh://git@gitlab.com/octo-org/hello", "gitlab.com"),
    ] {
        let hint = format!("hint: they are for {host}; --config or --host names other settings");
        refused(wrong, &format!("the settings are not for {place}\n{hint}"));
    }
    let hint = "hint: leave it out: everybody on this machine can see a command's options";
    let secret = format!("http://x:s3cret@{host}/octo-org/hello");
    refused(&secret, &format!("there is a password or token in the URL\n{hint}"));
}

#[test]
fn git_is_not_sent_to_where_a_rule_leads_it() {
    let (github, sandbox) = healthy();
    let mark = sandbox.path().join("ssh-was-run");
    let ssh = sandbox.write_script("ssh", format!("#!/bin/sh\ntouch '{}'\n", mark.display()));
    sandbox.set_env("GIT_SSH_COMMAND", ssh);
    append(&sandbox, &format!("[url \"git@127.0.0.1:\"]\n\tinsteadOf = {}/\n", github.url()));
    let found = doctor_in(&sandbox, Path::new("/"), &["--repo=octo-org/hello"]);
    found.fails(
        "git configuration",
        "to ssh, where no helper is asked",
        "--unset-all url.git@127.0.0.1:.insteadof",
    );
    assert!(!mark.exists());
}
