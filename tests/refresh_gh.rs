//! `refresh --gh` with every real gh on this machine, against github.com on loopback.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{Cloud, message, without_home};
use crate::support::at_once::at_once;
use crate::support::gh::{Gh, ghs};
use crate::support::http_server::Response;
use crate::support::users::{Common, victim_and_attacker};

/// github.com, and this gh as the one on the `PATH`.
fn with_gh(gh: &Gh) -> Cloud {
    let place = Cloud::new();
    place.sandbox.set_env("PATH", gh.path_variable());
    place
}

/// The token of gh's own login.
fn kept(place: &Cloud) -> String {
    let output = place.sandbox.command("gh", &["auth", "token", "--hostname", "github.com"]).run();
    output.stdout.trim().to_owned()
}

#[test]
fn gh_is_logged_in_silently_and_again_whatever_is_in_the_environment() {
    for gh in ghs() {
        let place = with_gh(&gh);
        place.sandbox.helper(&["refresh", "--gh"]).run().expect(0, "", "");
        let [token] = place.github.live_tokens().try_into().expect("one token");
        assert_eq!(kept(&place), token, "{}", gh.version);
        let api = place.sandbox.command("gh", &["api", "repos/octo-org/hello", "--jq", ".name"]).run();
        api.expect(0, "hello\n", "");
        for name in ["GITHUB_TOKEN", "GH_TOKEN"] {
            place.sandbox.set_env(name, "stale");
            place.sandbox.helper(&["refresh", "--gh"]).run().expect(
                0,
                "",
                &format!(
                    "git-credential-github-app: warning: {name} is set and shadows gh's login for github.com: \
                     unset it, or run gh through exec\n"
                ),
            );
        }
        place.sandbox.set_env("GH_ENTERPRISE_TOKEN", "stale");
        let quiet = place.sandbox.helper(&["-q", "refresh", "--gh"]).env_remove("GH_TOKEN");
        quiet.env_remove("GITHUB_TOKEN").run().expect(0, "", "");
        assert_eq!(place.github.mints(), 1, "{}", gh.version);
        let asked = place.proxy.asked();
        assert!(asked.iter().all(|host| host == "api.github.com:443"), "no device login: {asked:?}");
        let hosts = place.sandbox.home().join(".config/gh/hosts.yml");
        assert_eq!(fs::metadata(hosts).expect("gh's file").permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_token_that_was_revoked_unnoticed_is_replaced_and_gh_logged_in_with_the_new_one() {
    for gh in ghs() {
        let place = with_gh(&gh);
        place.sandbox.helper(&["refresh", "--gh"]).run().expect(0, "", "");
        place.github.kill_tokens();
        place.sandbox.helper(&["refresh", "--gh"]).run().expect(0, "", "");
        assert_eq!(place.github.live_tokens(), [kept(&place)], "{}", gh.version);
        assert_eq!(place.github.mints(), 2);
    }
}

#[test]
fn a_failed_mint_starts_no_gh_and_leaves_the_old_login() {
    for gh in ghs() {
        let place = with_gh(&gh);
        place.sandbox.helper(&["refresh", "--gh"]).run().expect(0, "", "");
        let (before, asked) = (kept(&place), place.github.api_requests().len());
        place.github.suspend(7, true);
        let output = place.sandbox.helper(&["refresh", "--gh", "--min-life=61m"]).run();
        output.fails_with(4);
        assert!(message(&output).contains("suspended"), "{}", output.stderr);
        assert_eq!(kept(&place), before);
        let agents = place.github.api_requests().into_iter().skip(asked);
        let by_gh =
            agents.filter(|seen| seen.header("user-agent").is_some_and(|a| a.starts_with("GitHub CLI")));
        assert_eq!(by_gh.count(), 0, "gh was not started with nothing to read");
    }
}

#[test]
fn an_api_that_is_down_for_gh_ends_in_time_with_the_old_login_intact() {
    at_once(ghs(), |gh| {
        let place = with_gh(&gh);
        place.sandbox.helper(&["refresh", "--gh"]).run().expect(0, "", "");
        let before = kept(&place);
        let limited = json!({ "message": "API rate limit exceeded for installation ID 7." });
        for (response, limit) in [
            (Response::text(503, "down"), "20s"),
            (Response::json(403, limited), "20s"),
            (Response::hang(), "1s"),
        ] {
            place.github.script_root((0..3).map(|_| response.clone()).collect());
            let started = Instant::now();
            let output = place.sandbox.helper(&["--timeout", limit, "refresh", "--gh"]).run();
            output.fails_with(5);
            assert!(started.elapsed() < Duration::from_secs(20), "{}", gh.version);
            assert!(message(&output).starts_with("log gh in: gh did not "), "{}", output.stderr);
            assert!(!output.stderr.contains(&before) && !output.stderr.contains("ghs_"), "{}", output.stderr);
            place.github.script_root(Vec::new());
            assert_eq!(kept(&place), before, "{}", gh.version);
        }
        assert!(place.proxy.asked().iter().all(|host| host == "api.github.com:443"), "no device login");
    });
}

#[test]
fn a_gh_that_hangs_is_stopped_with_all_it_has_started() {
    let place = Cloud::new();
    let pids = place.sandbox.path().join("pids");
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'gh version 2.60.0 (x)'; exit; fi\n\
         sleep 300 &\necho $! > '{}'\ncat >/dev/null\nwait\n",
        pids.display()
    );
    place.sandbox.write_script("bin/gh", script);
    let path =
        format!("{}:{}", place.sandbox.path().join("bin").display(), std::env::var("PATH").expect("PATH"));
    let output = place.sandbox.helper(&["--timeout=2s", "refresh", "--gh"]).env("PATH", path).run();
    output.fails_with(5);
    assert_eq!(message(&output), "log gh in: gh did not end in time and was stopped");
    let pid = fs::read_to_string(pids).expect("the child's id");
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "the child is gone: {stat}");
}

#[test]
fn without_home_the_login_goes_to_the_users_home_and_never_below_the_current_directory() {
    for gh in ghs() {
        let place = with_gh(&gh);
        let dir = place.sandbox.path().join("gh-dir");
        let run = without_home(place.sandbox.helper(&["refresh", "--gh"]), &place.sandbox);
        run.env("GH_CONFIG_DIR", &dir).run().expect(0, "", "");
        assert!(dir.join("hosts.yml").exists(), "{}", gh.version);
        assert_eq!(hidden(&place), [] as [String; 0], "the current directory stays clean");
    }
}

#[test]
fn a_user_without_any_home_gets_a_login_and_nothing_below_the_current_directory() {
    let Some((user, _)) = victim_and_attacker() else { return };
    for gh in ghs() {
        let (place, common) = (with_gh(&gh), Common::new());
        user.own(place.sandbox.path());
        if !user.can(&place.sandbox, "gh --version") {
            continue;
        }
        let dir = place.sandbox.path().join("gh-dir");
        let run = user.run(&place.sandbox, common.binary(), &["refresh", "--gh"]).env_remove("HOME");
        let run = run.env("GITHUB_APP_CACHE_DIR", place.sandbox.path().join("cache"));
        run.env("GH_CONFIG_DIR", &dir).run().expect(0, "", "");
        assert!(dir.join("hosts.yml").exists(), "{}", gh.version);
        assert_eq!(hidden(&place), [] as [String; 0], "{}", gh.version);
    }
}

/// What programs keep for themselves in the directory that the helper runs in.
fn hidden(place: &Cloud) -> Vec<String> {
    let entries = fs::read_dir(place.sandbox.path()).expect("a sandbox");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with('.')).collect()
}

#[test]
fn two_hosts_and_two_directories_at_once_lose_no_login() {
    for gh in ghs() {
        let cloud = with_gh(&gh);
        let server = Cloud::at(Some("ghe.test"));
        // Both share one gh directory: without our lock gh would lose one login in most runs.
        server.sandbox.set_env("PATH", gh.path_variable());
        let shared = cloud.sandbox.home().join(".config/gh");
        let own = cloud.sandbox.path().join("other-gh");
        let one = cloud.sandbox.helper(&["refresh", "--gh"]).spawn();
        let two = server.sandbox.helper(&["refresh", "--gh"]).env("GH_CONFIG_DIR", &shared).spawn();
        let three = cloud.sandbox.helper(&["refresh", "--gh"]).env("GH_CONFIG_DIR", &own).spawn();
        for running in [one, two, three] {
            running.wait().expect(0, "", "");
        }
        let hosts = fs::read_to_string(shared.join("hosts.yml")).expect("gh's file");
        assert!(hosts.contains("github.com:") && hosts.contains("ghe.test:"), "{}", gh.version);
        let lone = fs::read_to_string(own.join("hosts.yml")).expect("gh's file");
        assert!(lone.contains("github.com:") && !lone.contains("ghe.test:"), "{}", gh.version);
    }
}

#[test]
fn a_machine_without_gh_and_a_host_with_a_port_are_named() {
    let place = Cloud::new();
    place.sandbox.write_script("bin/sh", "#!/bin/sh\n");
    let path = place.sandbox.path().join("bin");
    let output = place.sandbox.helper(&["refresh", "--gh"]).env("PATH", &path).run();
    output.expect(
        1,
        "",
        "git-credential-github-app: log gh in: gh is not installed, or not on the PATH\n\
         hint: install gh, or add its directory to PATH\n",
    );
    let place = Cloud::at(Some("ghe.test:8443"));
    let output = place.sandbox.helper(&["refresh", "--gh"]).run();
    output.fails_with(3);
    assert_eq!(message(&output), "gh takes no host with a port: ghe.test:8443");
}
