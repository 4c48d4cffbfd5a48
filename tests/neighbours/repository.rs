//! A hostile repository: what it can put into `.git/config`, `.gitmodules`, `.lfsconfig` and URLs.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::common::{app_sandbox, password, push_submodules, request_for};
use crate::support::git::{Git, gits};
use crate::support::github::LoopbackGitHub;
use crate::support::http_server::{HttpServer, Response};
use crate::support::sandbox::Sandbox;

/// A host that asks every client for a password.
fn evil() -> HttpServer {
    HttpServer::start(|_| {
        Response::text(401, "who are you?").with_header("WWW-Authenticate", "Basic realm=\"GitHub\"")
    })
}

/// The evil host has received no token; it may know what is in its own URLs.
#[track_caller]
fn knows_nothing(evil: &HttpServer) {
    for seen in evil.requests() {
        let Some(sent) = seen.header("authorization") else { continue };
        let basic = sent.strip_prefix("Basic ").and_then(|text| STANDARD.decode(text).ok());
        let text = String::from_utf8(basic.expect("git speaks Basic")).expect("text");
        assert!(!text.contains("ghs_") && !text.starts_with("x-access-token:"), "the evil host has a token");
    }
}

/// A clone of the good repository, as the user has it.
fn work(git: &Git, github: &LoopbackGitHub, sandbox: &Sandbox) -> PathBuf {
    push_submodules(git, github, sandbox, &[]);
    sandbox.path().join("work")
}

/// What a user's git says for a URL in a repository.
fn fill(git: &Git, sandbox: &Sandbox, work: &Path, input: &str) -> String {
    git.prepare(sandbox, work, &["credential", "fill"]).stdin(input).run().stdout
}

#[test]
fn urls_that_only_look_like_ours_get_no_credential() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        let (evil, work) = (evil(), work(&git, &github, &sandbox));
        let (ours, theirs) = (github.host(), evil.authority());
        assert!(
            fill(&git, &sandbox, &work, &format!("url=http://{ours}/octo-org/hello\n\n"))
                .contains("password=")
        );
        for url in [
            format!("http://{ours}@{theirs}/octo-org/hello"),
            format!("http://{ours}:x@{theirs}/octo-org/hello"),
            format!("http://{}@{theirs}/octo-org/hello", ours.replace(':', "%3a")),
            format!("http://{}.evil.example/octo-org/hello", ours.replace(':', "%3a")),
            format!("http://{ours}%2eevil.example/octo-org/hello"),
            format!("http://{ours}%0ahost={theirs}/octo-org/hello"),
            format!("http://{theirs}%0ahost={ours}/octo-org/hello"),
            format!("http://{theirs}%0d%0ahost={ours}/octo-org/hello"),
            format!("http://{theirs}%00{ours}/octo-org/hello"),
            format!("http://{theirs}#{ours}/octo-org/hello"),
            format!("http://{theirs}?{ours}/octo-org/hello"),
            format!("http://{theirs}\\@{ours}/octo-org/hello"),
            format!("http://{theirs}/{ours}/octo-org/hello"),
            format!("https://{ours}/octo-org/hello"),
            format!("HTTP://{theirs}/octo-org/hello"),
            "http://localhost/octo-org/hello".to_owned(),
            "https://github.com@evil.example/octo-org/hello".to_owned(),
            "https://github.com.evil.example/octo-org/hello".to_owned(),
        ] {
            let answer = fill(&git, &sandbox, &work, &format!("url={url}\n\n"));
            // A name before the @ may have brought a password of its own.
            assert!(!answer.contains("ghs_"), "{url} with {}", git.full_version());
            let output = git.command(&sandbox, &work, &["ls-remote", &url]);
            assert_ne!(output.status, 0, "{url}");
        }
        knows_nothing(&evil);
    }
}

#[test]
fn submodules_of_other_hosts_get_no_credential() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        let (evil, work) = (evil(), work(&git, &github, &sandbox));
        let (ours, theirs) = (github.host(), evil.authority());
        let commit = github.head("octo-org", "hello").expect("a commit");
        for (index, url) in [
            format!("http://{theirs}/octo-org/hello"),
            format!("http://{ours}@{theirs}/octo-org/hello"),
            format!("http://{theirs}/{ours}/octo-org/hello.git"),
            format!("http://{ours}%0a@{theirs}/octo-org/hello"),
            format!("ext::sh -c 'touch {}/ran'", sandbox.path().display()),
            format!("../../../..//{theirs}/x"),
            format!("-u{theirs}"),
        ]
        .into_iter()
        .enumerate()
        {
            let modules = format!("[submodule \"m\"]\n\tpath = m{index}\n\turl = \"{url}\"\n");
            fs::write(work.join(".gitmodules"), modules).expect("a work tree of ours");
            let entry = format!("160000,{commit},m{index}");
            git.command(&sandbox, &work, &["update-index", "--add", "--cacheinfo", &entry]).success();
            let output = git.command(&sandbox, &work, &["submodule", "update", "--init", "--force"]);
            assert_ne!(output.status, 0, "{url}");
            git.command(&sandbox, &work, &["update-index", "--force-remove", &format!("m{index}")]).success();
            let _ = git.command(&sandbox, &work, &["config", "--remove-section", "submodule.m"]);
        }
        knows_nothing(&evil);
        assert!(!sandbox.path().join("ran").exists());
    }
}

#[test]
fn configuration_in_a_repository_changes_none_of_the_helpers_settings() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        let (evil, work) = (evil(), work(&git, &github, &sandbox));
        let mark = sandbox.path().join("mark");
        let settings = format!(
            "host = \"{}\"\napi_url = \"{0}\"\napp_id = \"1\"\nprivate_key_command = \"touch {}\"\n",
            evil.url(),
            mark.display()
        );
        for name in ["config.toml", ".config.toml", "git-credential-github-app/config.toml", ".env"] {
            let file = work.join(name);
            fs::create_dir_all(file.parent().expect("a directory")).expect("a work tree of ours");
            fs::write(file, &settings).expect("a work tree of ours");
        }
        let lfs = format!("[lfs]\n\turl = {}/lfs\n[credential]\n\thelper = x\n", evil.url());
        fs::write(work.join(".lfsconfig"), lfs).expect("a work tree of ours");
        let (host, file) = (evil.url(), work.join("config.toml").display().to_string());
        for (key, value) in [
            ("githubapp.host", host.as_str()),
            ("githubapp.config", &file),
            ("github-app.config", &file),
            ("git-credential-github-app.config", &file),
            ("credential.config", &file),
            ("credential.github-app.host", &host),
            (&format!("credential.{}.host", github.url()), &host),
            (&format!("credential.{}.apiUrl", github.url()), &host),
            (&format!("credential.{}.configFile", github.url()), &file),
            ("http.proxy", &host),
            ("lfs.url", &host),
        ] {
            git.command(&sandbox, &work, &["config", "--local", key, value]).success();
        }
        let before = github.mints();
        let request = request_for(&github, "octo-org/hello");
        let run = |args: &[&str]| sandbox.helper(args).cwd(&work).stdin(&request).run();
        let token = password(&run(&["get"]));
        assert!(github.live_tokens().contains(&token), "the same GitHub as ever");
        run(&["--no-cache", "token"]).success();
        assert_eq!(github.mints(), before + 1);
        let status = run(&["status"]);
        assert!(!status.success().stdout.contains(&evil.authority()), "{}", status.stdout);
        assert!(evil.requests().is_empty() && !mark.exists(), "no request was sent there, nothing was run");
    }
}

#[test]
fn a_helper_line_in_a_repository_for_another_host_gets_no_answer() {
    for git in gits() {
        let (github, sandbox) = app_sandbox();
        let (evil, work) = (evil(), work(&git, &github, &sandbox));
        let config = |key: &str, value: &str| {
            git.command(&sandbox, &work, &["config", "--local", key, value]).success();
        };
        let binary = sandbox.binary().to_string_lossy().into_owned();
        config(&format!("credential.{}.helper", evil.url()), &binary);
        config(&format!("credential.{}.username", evil.url()), "x-access-token");
        config(&format!("url.{}/.insteadOf", evil.url()), "https://mirror.example/");
        config("remote.origin.pushurl", &format!("{}/octo-org/hello", evil.url()));
        for args in [
            &["ls-remote", "https://mirror.example/octo-org/hello"][..],
            &["ls-remote", &format!("{}/octo-org/hello", evil.url())],
            &["push", "origin", "HEAD:main"],
        ] {
            assert_ne!(git.command(&sandbox, &work, args).status, 0, "{args:?}");
        }
        // The other way round: ours by another name is ours, for whoever is asked is our host.
        config(&format!("url.{}/.insteadOf", github.url()), "https://alias.example/");
        git.command(&sandbox, &work, &["ls-remote", "https://alias.example/octo-org/hello"]).success();
        assert!(evil.requests().len() > 2, "it was asked");
        knows_nothing(&evil);
    }
}
