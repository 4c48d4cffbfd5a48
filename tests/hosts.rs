//! The hosts of GitHub by their real names, and the ways to them: proxies, private CAs, IPv6. A proxy on loopback leads
//! every name to the loopback GitHub.

use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::common::{attribute, message, password, request_for, sandbox_for, tls_github as github};
use crate::support::connect_proxy::ConnectProxy;
use crate::support::git::{Git, gits};
use crate::support::github::{LoopbackGitHub, Options};
use crate::support::needs::{OPENSSL, left_out};
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

fn get_from(sandbox: &Sandbox, host: &str) -> Output {
    let request = format!("protocol=https\nhost={host}\npath=octo-org/hello\n");
    sandbox.helper(&["get"]).stdin(request).run()
}

#[test]
fn each_kind_of_github_is_reached_at_its_own_api() {
    let ca = TestCa::new();
    for (host, api) in [
        ("github.com", "api.github.com:443"),
        ("acme.ghe.com", "api.acme.ghe.com:443"),
        ("ghe.test", "ghe.test:443"),
        ("ghe.test:8443", "ghe.test:8443"),
    ] {
        for git in gits() {
            let github = github(&ca);
            let proxy = ConnectProxy::to(github.server().port());
            let sandbox = sandbox_for((host != "github.com").then_some(host), &ca);
            sandbox.set_env("HTTPS_PROXY", proxy.url());
            let url = format!("https://{host}");
            sandbox.configure_helper(&url, &[]);
            let clone = ["clone", "-q", &format!("{url}/octo-org/hello.git"), "work"];
            git.command(&sandbox, sandbox.path(), &clone).success();
            assert_eq!(github.mints(), 1);
            let asked = proxy.asked();
            let git_host = if host.contains(':') { host.to_owned() } else { format!("{host}:443") };
            assert!(asked.contains(&api.to_owned()) && asked.contains(&git_host), "{asked:?}");
            assert!(
                asked.iter().all(|to| *to == api || *to == git_host),
                "no other host is asked: {asked:?}"
            );
            let prefix = if api.starts_with("api.") { "/" } else { "/api/v3/" };
            let apis = github.api_requests();
            assert!(!apis.is_empty() && apis.iter().all(|seen| seen.target.starts_with(prefix)), "{host}");
        }
    }
}

#[test]
fn no_proxy_and_the_scheme_decide_which_way_is_taken() {
    let ca = TestCa::new();
    let github = github(&ca);
    for (variables, through) in [
        (&[("HTTPS_PROXY", "P")][..], true),
        (&[("https_proxy", "P"), ("HTTPS_PROXY", "http://127.0.0.1:1")], true),
        (&[("ALL_PROXY", "P")], true),
        (&[("all_proxy", "P"), ("HTTP_PROXY", "http://127.0.0.1:1")], true),
        (&[("HTTPS_PROXY", "P"), ("ALL_PROXY", "http://127.0.0.1:1")], true),
        (&[("HTTP_PROXY", "http://127.0.0.1:1")], false),
        (&[("HTTPS_PROXY", "P"), ("NO_PROXY", "localhost")], false),
        (&[("HTTPS_PROXY", "P"), ("no_proxy", "example.com, localhost")], false),
        (&[("HTTPS_PROXY", "P"), ("NO_PROXY", "*")], false),
        (&[("HTTPS_PROXY", "P"), ("NO_PROXY", "host,ocalhost")], true),
        (&[("HTTPS_PROXY", "")], false),
    ] {
        let proxy = ConnectProxy::to(github.server().port());
        let sandbox = sandbox_for(Some(&github.host()), &ca);
        for (name, value) in variables {
            sandbox.set_env(name, if *value == "P" { proxy.url() } else { (*value).to_owned() });
        }
        password(&get_from(&sandbox, &github.host()));
        assert_eq!(!proxy.asked().is_empty(), through, "{variables:?}");
    }
}

#[test]
fn a_proxys_password_is_sent_to_it_and_never_shown() {
    let ca = TestCa::new();
    let github = github(&ca);
    let basic = format!("Basic {}", STANDARD.encode("me:hunter2@work"));
    let proxy = ConnectProxy::guarded(github.server().port(), &basic);
    let sandbox = sandbox_for(Some(&github.host()), &ca);
    sandbox.set_env("HTTPS_PROXY", format!("http://me:hunter2%40work@{}", proxy.authority()));
    let request = request_for(&github, "octo-org/hello");
    let output = sandbox.helper(&["-v", "get"]).stdin(&request).run();
    password(&output);
    assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);

    sandbox.set_env("HTTPS_PROXY", format!("http://me:hunter3@{}", proxy.authority()));
    let output = sandbox.helper(&["-v", "--no-cache", "--on-failure=next", "get"]).stdin(&request).run();
    output.fails_with(5);
    assert!(output.stderr.contains("407") && !output.stderr.contains("hunter3"), "{}", output.stderr);
    let lines: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains("the proxy wants a user and a password"), "{lines:?}");
}

#[test]
fn proxies_that_do_not_work_are_told_from_githubs_that_do_not() {
    let ca = TestCa::new();
    let refusing = ConnectProxy::refusing();
    let sandbox = sandbox_for(None, &ca);
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    sandbox.set_env("GITHUB_APP_TIMEOUT", "1s");
    let dead = "http://127.0.0.1:1".to_owned();
    for (proxy, status, text, hint) in [
        (
            refusing.url(),
            5,
            format!("cannot reach GitHub at https://api.github.com through the proxy {}: ", refusing.url()),
            "the proxy refuses this host",
        ),
        (dead.clone(), 5, format!("through the proxy {dead}: "), "check the network, the proxy settings"),
        (
            "socks5://user:hunter2@127.0.0.1:1".to_owned(),
            3,
            "environment variable HTTPS_PROXY: SOCKS proxies are not supported".to_owned(),
            "expected the URL of an HTTP proxy",
        ),
        (
            "http://user:hunter2@".to_owned(),
            3,
            "environment variable HTTPS_PROXY: this is not the URL of a proxy".to_owned(),
            "expected the URL of an HTTP proxy",
        ),
    ] {
        let output = sandbox.helper(&["token"]).env("HTTPS_PROXY", &proxy).run();
        output.fails_with(status);
        assert!(message(&output).contains(&text), "{proxy}: {}", output.stderr);
        assert!(output.stderr.contains(hint) && !output.stderr.contains("hunter2"), "{}", output.stderr);
    }
}

#[test]
fn a_private_ca_is_trusted_by_file_or_directory_and_an_unknown_one_is_named_as_the_cause() {
    let ca = TestCa::new();
    let github = github(&ca);
    let proxy = ConnectProxy::to(github.server().port());
    let sandbox = sandbox_for(None, &ca);
    sandbox.set_env("HTTPS_PROXY", proxy.url());
    password(&get_from(&sandbox, "github.com"));

    if OPENSSL.is_met() {
        let dir = sandbox.path().join("certs");
        std::fs::create_dir(&dir).expect("a new directory");
        ca.ca_pem_path(&dir);
        let Output { status, .. } = sandbox.command("openssl", &["rehash", &dir.to_string_lossy()]).run();
        assert_eq!(status, 0, "openssl rehash names the file by the hash of its subject");
        let by_dir = sandbox.helper(&["--no-cache", "token"]).env_remove("SSL_CERT_FILE");
        by_dir.env("SSL_CERT_DIR", &dir).run().success();
    }

    let other = TestCa::new().ca_pem_path(&sandbox.home());
    let output = sandbox.helper(&["--no-cache", "token"]).env("SSL_CERT_FILE", other).run();
    output.fails_with(5);
    assert!(message(&output).contains("certificate"), "{}", output.stderr);
    assert!(output.stderr.contains("--ca-file"), "{}", output.stderr);
    assert_eq!(output.stderr.lines().count(), 2, "not tried again and again: {}", output.stderr);
}

#[test]
fn a_host_on_ipv6_is_separate() {
    if TcpListener::bind("[::1]:0").is_err() {
        return left_out("this machine has no IPv6", "a git host on IPv6");
    }
    let github = LoopbackGitHub::start_ipv6(Options::default());
    github.add_installation(7, "octo-org");
    github.create_repository("octo-org", "hello");
    github.commit_file("octo-org", "hello", "README.md", b"hello\n");
    let sandbox = sandbox_for(Some(&github.url()), &TestCa::new());
    assert!(github.host().starts_with("[::1]:"), "{}", github.host());
    sandbox.configure_helper(&github.url(), &[]);
    let clone = ["clone", "-q", &github.clone_url("octo-org", "hello"), "work"];
    Git::default_git().command(&sandbox, sandbox.path(), &clone).success();
    assert_eq!(github.mints(), 1);
    let port = github.server().port();
    for host in [format!("127.0.0.1:{port}"), format!("[::1]:{}", port ^ 1), "[::1]".to_owned()] {
        let request = format!("protocol=http\nhost={host}\npath=octo-org/hello\n");
        sandbox.helper(&["get"]).stdin(request).run().expect(0, "", "");
    }
}

#[test]
fn classic_tokens_of_enterprise_server_and_stateless_ones_are_handed_out_as_they_are() {
    for (classic, length) in [(true, 40), (false, 520)] {
        let github = LoopbackGitHub::start(Options { classic_tokens: classic, ..Options::default() });
        github.add_installation(7, "octo-org");
        github.create_repository("octo-org", "hello");
        let sandbox = sandbox_for(Some(&github.url()), &TestCa::new());
        let output = sandbox.helper(&["get"]).stdin(request_for(&github, "octo-org/hello")).run();
        assert_eq!(attribute(&output, "password").map(str::len), Some(length));
        assert_eq!(github.live_tokens(), [password(&output)]);
    }
}
