//! Our own settings for the ways to servers: `--ca-file` and `--proxy`, for every request of this program and for no
//! other program; and the variables that stand in for them.

use crate::common::{
    Cloud, attribute, broker_sandbox, from_now, message, password, request_for, sandbox_for, tls_github,
};
use crate::serve::{ADMIN, line, port};
use crate::support::broker::{FakeBroker, broker_token, token_response};
use crate::support::connect_proxy::ConnectProxy;
use crate::support::github::LoopbackGitHub;
use crate::support::http_client;
use crate::support::keys::app_key_pem;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

/// A GitHub whose CA only `--ca-file` can tell, as `SSL_CERT_FILE` names another.
fn site() -> (LoopbackGitHub, Sandbox, String) {
    let ca = TestCa::new();
    let github = tls_github(&ca);
    let sandbox = sandbox_for(Some(&github.host()), &ca);
    let file = ca.ca_pem_path(sandbox.path()).to_string_lossy().into_owned();
    sandbox.set_env("SSL_CERT_FILE", sandbox.write("other.pem", TestCa::new().ca_pem()));
    (github, sandbox, file)
}

/// A broker over TLS, and a sandbox that asks it.
fn tls_broker(ca: &TestCa) -> (FakeBroker, Sandbox) {
    let expiry = from_now(3600);
    let broker = FakeBroker::start_tls(ca, move |_| token_response(&broker_token(), &expiry));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    (broker, sandbox)
}

#[test]
fn a_ca_file_is_trusted_in_place_of_the_system_by_option_variable_and_key() {
    let (_github, sandbox, file) = site();
    let without = sandbox.helper(&["token"]).run();
    without.fails_with(5);
    assert!(message(&without).contains("certificate"), "{}", without.stderr);
    assert!(without.stderr.contains("name its PEM file with --ca-file"), "{}", without.stderr);
    sandbox.helper(&["--no-cache", "--ca-file", &file, "token"]).run().success();
    sandbox.helper(&["--no-cache", "token"]).env("GITHUB_APP_CA_FILE", &file).run().success();
    let settings = sandbox.write("config.toml", format!("ca_file = \"{file}\"\n"));
    sandbox.helper(&["--no-cache", "token"]).env("GITHUB_APP_CONFIG", settings).run().success();

    // Only what is in the file: the system's and the variables' do not count beside it.
    let mut other = sandbox.helper(&["--ca-file", "other.pem", "token"]);
    other = other.env("SSL_CERT_FILE", &file);
    other.run().fails_with(5);
}

#[test]
fn every_request_of_every_command_trusts_the_ca_file() {
    let (github, sandbox, file) = site();
    sandbox.set_env("GITHUB_APP_CA_FILE", &file);
    let request = request_for(&github, "octo-org/hello");
    let output = sandbox.helper(&["-v", "get"]).stdin(request).run();
    password(&output);
    assert!(!output.stderr.contains("certificate"), "the trial of the new token, too: {}", output.stderr);
    assert!(github.git_requests().iter().any(|seen| seen.target.contains("info/refs")));
    sandbox.helper(&["refresh", "--min-life=59m"]).run().expect(0, "", "");
    let doctor = sandbox.helper(&["doctor"]).run();
    assert!(doctor.stdout.contains("ok    network: "), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("ok    App: "), "{}", doctor.stdout);
    let setup = sandbox.helper(&["setup", "--identity", "--print"]).run();
    assert!(setup.success().stdout.contains("test-app[bot]"), "{}", setup.stdout);
    sandbox.helper(&["revoke", "--all"]).run().expect(0, "", "");
    assert!(github.live_tokens().is_empty());
    let token = sandbox.helper(&["exec", "--", "printenv", "GH_ENTERPRISE_TOKEN"]).run();
    assert_eq!(github.live_tokens(), [token.success().stdout.trim_end()]);
    let variable = sandbox.helper(&["exec", "--", "printenv", "SSL_CERT_FILE"]).run();
    assert!(variable.stdout.ends_with("other.pem\n"), "what CMD trusts is its own: {}", variable.stdout);

    sandbox.write_private("bearers", line(&sandbox, "admin", "bearer-of-the-admin", ""));
    let listen = ["serve", "--listen=127.0.0.1:0", "--bearer-file=bearers", "--owner=octo-org"];
    let mut running = sandbox.helper(&listen).spawn();
    let port = port(&running.wait_for_stderr("listening on "));
    assert_eq!(http_client::get(port, ADMIN, "bearer-of-the-admin", "").status, 200);
}

#[test]
fn a_broker_is_measured_by_the_ca_file_too() {
    let ca = TestCa::new();
    let (_broker, sandbox) = tls_broker(&ca);
    sandbox.helper(&["token"]).run().fails_with(5);
    sandbox
        .helper(&["--ca-file", &ca.ca_pem_path(sandbox.path()).to_string_lossy(), "token"])
        .run()
        .success();
}

#[test]
fn a_server_that_sends_a_cas_own_certificate_is_distinguished_from_an_unknown_one() {
    let ca = TestCa::serving_itself();
    let (_broker, sandbox) = tls_broker(&ca);
    let file = ca.ca_pem_path(sandbox.path());
    let output = sandbox.helper(&["token"]).env("GITHUB_APP_CA_FILE", file).run();
    output.fails_with(5);
    assert!(output.stderr.contains("hint: the server shows a CA's own certificate"), "{}", output.stderr);
    assert_eq!(output.stderr.lines().count(), 2, "{}", output.stderr);
}

#[test]
fn a_file_without_certificates_is_named_with_its_setting_and_never_shown() {
    let ca = TestCa::new();
    let (broker, sandbox) = tls_broker(&ca);
    let pem = ca.ca_pem();
    let damaged = pem.replace("MII", "AAA");
    for (name, content, cause) in [
        ("empty.pem", Some(""), "empty.pem is empty"),
        ("key.pem", Some(app_key_pem()), "key.pem holds a private key, not a CA's certificate"),
        ("damaged.pem", Some(damaged.as_str()), "the certificate in damaged.pem is damaged"),
        ("text.pem", Some("hunter2"), "there is no PEM certificate in text.pem"),
        ("missing.pem", None, "cannot read missing.pem: No such file or directory (os error 2)"),
        ("home", None, "cannot read home: Is a directory (os error 21)"),
    ] {
        if let Some(content) = content {
            sandbox.write_private(name, content);
        }
        for (origin, output) in [
            ("option --ca-file", sandbox.helper(&["--ca-file", name, "token"]).run()),
            (
                "environment variable GITHUB_APP_CA_FILE",
                sandbox.helper(&["token"]).env("GITHUB_APP_CA_FILE", name).run(),
            ),
            (
                "environment variable SSL_CERT_FILE",
                sandbox.helper(&["token"]).env("SSL_CERT_FILE", name).run(),
            ),
        ] {
            output.fails_with(3);
            let line = format!("fetch a token from {}: {origin}: {cause}", broker_url(&broker));
            assert_eq!(message(&output), line, "{}", output.stderr);
            let hints: Vec<&str> = output.stderr.lines().skip(1).collect();
            assert_eq!(hints.len(), 2, "{hints:?}");
            assert!(hints[0].starts_with("hint: name a PEM file of CA certificates"), "{hints:?}");
            assert!(!hints.concat().contains("SSL_CERT_FILE"), "{hints:?}");
        }
    }
    assert!(broker.requests().is_empty());
}

fn broker_url(broker: &FakeBroker) -> String {
    format!("{}/admin/github-installation-token", broker.url())
}

#[test]
fn an_empty_variable_for_certificates_is_an_unset_one() {
    let ca = TestCa::new();
    let (_broker, sandbox) = tls_broker(&ca);
    // Whatever this system trusts, it does not know the test's CA.
    let unset = sandbox.helper(&["token"]).run();
    for (file, directory) in [("", None), ("", Some("")), ("", Some(":"))] {
        let mut run = sandbox.helper(&["token"]).env("SSL_CERT_FILE", file);
        if let Some(directory) = directory {
            run = run.env("SSL_CERT_DIR", directory);
        }
        run.run().expect(unset.status, "", &unset.stderr);
    }
    let directory = sandbox.path().join("certificates");
    std::fs::create_dir(&directory).expect("a new directory");
    let empty = sandbox.helper(&["token"]).env("SSL_CERT_FILE", "").env("SSL_CERT_DIR", &directory).run();
    empty.fails_with(3);
    let cause =
        format!("environment variable SSL_CERT_DIR: there is no certificate in {}", directory.display());
    assert!(message(&empty).ends_with(&cause), "{}", empty.stderr);
    // Not the name that OpenSSL would look for: every file counts.
    ca.ca_pem_path(&directory);
    sandbox.helper(&["token"]).env("SSL_CERT_FILE", "").env("SSL_CERT_DIR", &directory).run().success();
}

#[test]
fn requests_without_tls_read_no_certificates() {
    let broker = FakeBroker::serving("bearer", "token", &from_now(3600));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    sandbox.helper(&["token"]).env("SSL_CERT_FILE", "/no/such/file").run().expect(0, "token\n", "");
}

#[test]
fn our_proxy_overrides_curls_variables_and_none_means_no_proxy() {
    let ca = TestCa::new();
    let github = tls_github(&ca);
    let dead = "http://127.0.0.1:1";
    for (option, variables, through) in [
        (Some("P"), &[("HTTPS_PROXY", dead), ("ALL_PROXY", dead)][..], true),
        (None, &[("GITHUB_APP_PROXY", "P"), ("HTTPS_PROXY", dead)], true),
        (None, &[("GITHUB_APP_PROXY", ""), ("HTTPS_PROXY", "P")], true),
        (Some("P"), &[("GITHUB_APP_PROXY", dead)], true),
        (Some("none"), &[("GITHUB_APP_PROXY", dead), ("HTTPS_PROXY", dead)], false),
        (None, &[("GITHUB_APP_PROXY", " None "), ("ALL_PROXY", dead)], false),
        (Some(dead), &[("NO_PROXY", "localhost")], false),
    ] {
        let proxy = ConnectProxy::to(github.server().port());
        let sandbox = sandbox_for(Some(&github.host()), &ca);
        let value = |text: &str| if text == "P" { proxy.url() } else { text.to_owned() };
        for (name, text) in variables {
            sandbox.set_env(name, value(text));
        }
        let mut args = vec!["get".to_owned()];
        args.extend(option.map(|text| format!("--proxy={}", value(text))));
        let args: Vec<&str> = args.iter().rev().map(String::as_str).collect();
        password(&sandbox.helper(&args).stdin(request_for(&github, "octo-org/hello")).run());
        assert_eq!(!proxy.asked().is_empty(), through, "{option:?} {variables:?}");
    }
}

#[test]
fn a_proxy_may_have_a_password_which_no_command_shows() {
    let Cloud { github, sandbox, .. } = Cloud::new();
    let proxy = ConnectProxy::guarded(github.server().port(), "Basic bWU6aHVudGVyMg==");
    sandbox.remove_env("HTTPS_PROXY");
    let settings = format!("proxy = \"http://me:hunter2@{}\"\n", proxy.authority());
    sandbox.set_env("GITHUB_APP_CONFIG", sandbox.write_private("config.toml", settings));
    let request = "protocol=https\nhost=github.com\npath=octo-org/hello\n";
    let get = sandbox.helper(&["-v", "get"]).stdin(request).run();
    assert!(attribute(&get, "password").is_some(), "{}", get.stderr);
    for (value, line) in [
        ("http://me:hunter2@proxy.test:3128", "proxy = \"http://...@proxy.test:3128\"\n"),
        ("me:hunter2@proxy.test:3128", "proxy = \"...@proxy.test:3128\"\n"),
    ] {
        let setup = sandbox.helper(&["setup", "--print", "--proxy", value]).run();
        assert!(setup.success().stdout.contains(line), "{}", setup.stdout);
        assert!(!setup.stdout.contains("hunter2"), "{}", setup.stdout);
    }
    let shown = format!("http://{}", proxy.authority());
    for args in [&["status"][..], &["status", "--json"], &["doctor"], &["-v", "token"]] {
        let Output { stdout, stderr, .. } = sandbox.helper(args).run();
        assert!(!(stdout.contains("hunter2") || stderr.contains("hunter2")), "{stdout}{stderr}");
        assert!(args[0] != "status" || stdout.contains(&shown), "{stdout}");
    }
}

#[test]
fn an_invalid_proxy_is_refused_at_once_and_not_shown() {
    let sandbox = broker_sandbox("https://127.0.0.1:1", "bearer");
    for (value, cause) in [
        ("socks5://me:hunter2@127.0.0.1:1", "SOCKS proxies are not supported"),
        ("http://me:hunter2@", "this is not the URL of a proxy"),
        ("http://me:hunter2", "this is not the URL of a proxy"),
        ("hunter2://x", "this is not the URL of a proxy"),
        ("no proxy", "this is not the URL of a proxy"),
    ] {
        let file = sandbox.write_private("config.toml", format!("proxy = \"{value}\"\n"));
        let key = format!("key proxy in {}", file.display());
        for (status, origin, output) in [
            (2, "option --proxy", sandbox.helper(&["--proxy", value, "token"]).run()),
            (
                3,
                "environment variable GITHUB_APP_PROXY",
                sandbox.helper(&["token"]).env("GITHUB_APP_PROXY", value).run(),
            ),
            (3, &key, sandbox.helper(&["token"]).env("GITHUB_APP_CONFIG", &file).run()),
        ] {
            output.expect(
                status,
                "",
                &format!(
                    "git-credential-github-app: {origin}: {cause}\n\
                     hint: expected the URL of an HTTP proxy, such as http://proxy.example.com:3128\n\
                     hint: NO_PROXY names hosts to reach without a proxy, and --proxy none uses none at all\n"
                ),
            );
        }
        let status = sandbox.helper(&["status"]).env("GITHUB_APP_PROXY", value).run();
        assert!(!format!("{}{}", status.stdout, status.stderr).contains("hunter2"), "{}", status.stdout);
    }
}
