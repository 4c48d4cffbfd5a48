//! A timer is run once in its own environment before `setup` says that all is well: what works in a shell need not work
//! there.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{by_cron, crontab, machine, setup, stand_ins};
use crate::common::{Cloud, app_sandbox, broker_sandbox, from_now};
use crate::support::actions::ActionsJob;
use crate::support::at_once::at_once;
use crate::support::broker::{FakeBroker, broker_token, token_response};
use crate::support::connect_proxy::ConnectProxy;
use crate::support::gh::ghs;
use crate::support::keys::app_key_pem;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;

/// Asserts a check of the timer, with its hint, and that everything is written all the same.
#[track_caller]
fn timer_is(output: &Output, sandbox: &Sandbox, state: &str, message: &str, hint: &str) {
    let line = format!("{state}  timer: {message}");
    let after = output.stdout.split_once(&line).map(|(_, after)| after);
    let after = after.unwrap_or_else(|| panic!("no {line:?} in\n{}{}", output.stdout, output.stderr));
    let hints = after.lines().skip(1).take_while(|line| line.starts_with("      hint: "));
    assert!(hints.clone().any(|line| line.contains(hint)), "{hint:?}: {}", output.stdout);
    assert!(crontab(sandbox).exists(), "the line is written");
    assert!(fs::read_to_string(sandbox.gitconfig()).expect("a file").contains("helper = "));
}

fn settings(sandbox: &Sandbox) -> String {
    let path = sandbox.home().join(".config/git-credential-github-app/config.toml");
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn a_timer_for_gh_without_an_owner_is_refused_at_once() {
    at_once(ghs(), |gh| {
        let Cloud { github, sandbox, proxy: _proxy } = &Cloud::new();
        stand_ins(sandbox);
        let path = format!(
            "{}:{}",
            sandbox.path().join("bin").display(),
            gh.path_variable().into_string().expect("UTF-8")
        );
        sandbox.set_env("PATH", path);
        github.add_installation(8, "other-org");
        for kind in ["cron", "systemd"] {
            let timer = format!("--timer={kind}");
            let output = sandbox.helper(&["setup", &timer, "--gh"]).run();
            output.fails_with(3);
            let message =
                "its command fails: look up the App's installations: the App is installed for 2 owners";
            timer_is(&output, sandbox, "fail", message, "choose one with --owner");
            let command = format!("git-credential-github-app setup {timer} --gh");
            let last = format!("hint: follow the hints above, then: {command}\n");
            assert!(output.stderr.ends_with(&last), "{}", output.stderr);
            // Without gh it needs no owner of its own: each token in the cache has one.
            sandbox.helper(&["setup", &timer]).run().success();
        }
        let output = sandbox.helper(&["setup", "--owner=octo-org", "--timer=cron", "--gh"]).run();
        assert_eq!(output.success().stderr, "", "{}", gh.version);
        let line = fs::read_to_string(crontab(sandbox)).expect("a crontab");
        assert!(line.contains(" --gh "), "{line}");
        let kept = || {
            let output = sandbox.command(&gh.path, &["auth", "token", "--hostname", "github.com"]).run();
            output.stdout.trim().to_owned()
        };
        assert_eq!(github.live_tokens(), [kept()], "setup's own run has logged it in: {}", gh.version);
        github.kill_tokens();
        by_cron(sandbox).expect(0, "", "");
        assert_eq!(github.live_tokens(), [kept()], "{}", gh.version);
    });
}

#[test]
fn what_only_the_shell_knows_is_handed_to_the_timer() {
    let Cloud { github, sandbox, proxy } = &Cloud::new();
    stand_ins(sandbox);
    sandbox.set_env("XDG_CACHE_HOME", sandbox.path().join("my cache"));
    let key = sandbox.path().join("app.pem");
    sandbox.set_env("GITHUB_APP_MARGIN", "5m");
    let output = sandbox.helper(&["setup", "--timer=cron"]).run();
    assert_eq!(output.success().stderr, "");
    let text = settings(sandbox);
    for line in [
        "app_id = \"Iv23liTestApp\"\n".to_owned(),
        format!("private_key_file = \"{}\"\n", key.display()),
        "margin = \"5m\"\n".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    // A token that is about to expire, in the cache that git uses: it is renewed through the proxy, by the CA.
    github.set_token_life(600);
    let ask = "protocol=https\nhost=github.com\npath=octo-org/hello\n";
    sandbox.helper(&["get"]).stdin(ask).run().success();
    github.set_token_life(3600);
    let (mints, asked) = (github.mints(), proxy.asked().len());
    by_cron(sandbox).expect(0, "", "");
    assert_eq!(github.mints(), mints + 1, "{}", fs::read_to_string(crontab(sandbox)).expect("a crontab"));
    assert!(proxy.asked().len() > asked);
    sandbox.helper(&["setup", "--undo"]).run().success();
    assert_eq!((settings(sandbox).as_str(), crontab(sandbox).exists()), ("", false));
}

#[test]
fn secrets_of_the_shell_are_named_and_written_nowhere() {
    let (github, sandbox) = machine();
    let pem = app_key_pem();
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY", pem);
    for name in ["GITHUB_APP_HOST", "GITHUB_APP_CLIENT_ID"] {
        sandbox.set_env(name, if name.ends_with("HOST") { github.url() } else { "Iv23liTestApp".to_owned() });
    }
    let output = sandbox.helper(&["setup", "--timer=cron"]).run();
    output.fails_with(3);
    timer_is(
        &output,
        &sandbox,
        "fail",
        "its command fails: ",
        "the timer has no GITHUB_APP_PRIVATE_KEY: write ",
    );
    let broker =
        FakeBroker::guarded("bearer-of-this-shell", |_| token_response(&broker_token(), &from_now(3600)));
    let other = broker_sandbox(&broker.url(), "x");
    stand_ins(&other);
    // The git host is github.com, which cannot be reached here.
    other.set_env("HTTPS_PROXY", "http://127.0.0.1:1");
    other.remove_env("GITHUB_APP_BROKER_TOKEN_FILE");
    other.set_env("GITHUB_APP_BROKER_TOKEN", "bearer-of-this-shell");
    let output = other.helper(&["setup", "--timer=systemd"]).run();
    assert_ne!(output.status, 0);
    let named = "the timer has no GITHUB_APP_BROKER_TOKEN: write the bearer to a file with mode 600, and give setup --broker-token-file";
    assert!(output.stdout.contains(named), "{}", output.stdout);
    for (sandbox, secret) in
        [(&sandbox, pem.lines().nth(1).expect("a line")), (&other, "bearer-of-this-shell")]
    {
        let grep = sandbox.command("grep", &["-rl", "--exclude=app.pem", secret, "."]).run();
        assert_eq!(grep.stdout, "");
    }
}

#[test]
fn a_job_is_warned_that_a_timer_cannot_outlive_its_secret() {
    let (job, broker) =
        (ActionsJob::start("id", "aud"), FakeBroker::start(|_| token_response("t", &from_now(3600))));
    let sandbox = broker_sandbox(&broker.url(), "x");
    stand_ins(&sandbox);
    // The git host is github.com, which cannot be reached here.
    sandbox.set_env("HTTPS_PROXY", "http://127.0.0.1:1");
    sandbox.remove_env("GITHUB_APP_BROKER_TOKEN_FILE");
    sandbox.set_env("GITHUB_APP_BROKER_AUDIENCE", "aud");
    job.set_variables(&sandbox);
    let output = sandbox.helper(&["setup", "--timer=cron"]).run();
    assert_ne!(output.status, 0);
    let hint = "the timer has no ACTIONS_ID_TOKEN_REQUEST_TOKEN: a job's secret ends with the job";
    timer_is(&output, &sandbox, "fail", "its command fails: ", hint);
    assert!(settings(&sandbox).contains("broker_audience = \"aud\"\n"), "{}", settings(&sandbox));
    assert_eq!(sandbox.command("grep", &["-rl", job.bearer(), "."]).run().stdout, "");
}

#[test]
fn a_proxy_with_a_password_is_named_and_the_password_is_not() {
    let Cloud { github, sandbox, proxy } = &Cloud::new();
    stand_ins(sandbox);
    let guarded = ConnectProxy::guarded(github.server().port(), "Basic bWU6aHVudGVyMg==");
    sandbox.set_env("HTTPS_PROXY", format!("http://me:hunter2@{}", guarded.authority()));
    // git has a way of its own, and names that are looked up without the proxy lead nowhere.
    sandbox.command("git", &["config", "--global", "http.proxy", &proxy.url()]).run().success();
    let output = sandbox.helper(&["--timeout=5s", "setup", "--timer=cron"]).run();
    output.fails_with(5);
    let hint = "the timer has no HTTPS_PROXY: it holds a password, which setup writes nowhere";
    timer_is(&output, sandbox, "fail", "its command fails: network: ", hint);
    let grep = sandbox.command("grep", &["-rl", "hunter2", "."]).run();
    assert_eq!((grep.stdout.as_str(), output.stdout.contains("hunter2")), ("", false));
}

#[test]
fn the_platforms_variables_go_with_the_timer() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&seen);
    let broker = FakeBroker::guarded("bearer", move |request| {
        let tenant = request.header("x-molecule-org-id").unwrap_or_default().to_owned();
        log.lock().expect("no panic").push((request.path.clone(), tenant));
        token_response(&broker_token(), &from_now(600))
    });
    let sandbox = Sandbox::new();
    stand_ins(&sandbox);
    for (name, value) in [
        ("PLATFORM_URL", broker.url()),
        ("WORKSPACE_ID", "ws%1".to_owned()),
        ("MOLECULE_ORG_ID", "tenant".to_owned()),
        ("CONFIGS_DIR", sandbox.path().join("configs").display().to_string()),
        ("HTTPS_PROXY", "http://127.0.0.1:1".to_owned()),
    ] {
        sandbox.set_env(name, value);
    }
    sandbox.write_private("configs/.auth_token", "bearer\n");
    let output = sandbox.helper(&["setup", "--timer=cron"]).run();
    let works = "ok    timer: its command works in the timer's own environment\n";
    assert!(output.stdout.contains(works), "{}{}", output.stdout, output.stderr);
    assert_eq!(settings(&sandbox), "", "other shells of this home may be in other workspaces");
    sandbox.helper(&["get"]).stdin(crate::common::REQUEST).run().success();
    let before = seen.lock().expect("no panic").len();
    by_cron(&sandbox).expect(0, "", "");
    let asked = seen.lock().expect("no panic")[before..].to_vec();
    let expected = ("/workspaces/ws%251/github-installation-token".to_owned(), "tenant".to_owned());
    assert_eq!(asked, [expected]);
}

#[test]
fn a_command_that_needs_the_shell_fails_there_also_with_nothing_to_renew() {
    let (github, sandbox) = machine();
    sandbox.set_env("KEY_OF_MINE", sandbox.path().join("app.pem"));
    let host = format!("--host={}", github.url());
    let command = |text: &str, timeout: &str| {
        let key = format!("--private-key-command={text}");
        let args = [host.as_str(), "--app-id=Iv23liTestApp", &key, timeout, "setup", "--timer=cron"];
        let started = Instant::now();
        let output = sandbox.helper(&args).run();
        assert!(started.elapsed() < Duration::from_secs(30), "bounded by --timeout");
        output
    };
    let output = command("cat \"$KEY_OF_MINE\"", "--timeout=5s");
    output.fails_with(3);
    let hint = "commands in the settings do not see this shell's variables there";
    timer_is(&output, &sandbox, "fail", "its command fails: App: the private key command failed", hint);
    let shown = "--private-key-command=... --timeout=5s setup --timer=cron\n";
    assert!(output.stderr.ends_with(shown), "a command line may hold a secret: {}", output.stderr);
    let output = command("[ \"$KEY_OF_MINE\" ] || sleep 60; cat \"$KEY_OF_MINE\"", "--timeout=2s");
    output.fails_with(5);
    let message = "its command fails: doctor in the timer's environment did not end in time and was stopped";
    timer_is(&output, &sandbox, "fail", message, "raise --timeout");
    let path = sandbox.path().join("app.pem").display().to_string();
    command(&format!("KEY='{path}'; cat \"$KEY\""), "--timeout=5s").success();
}

#[test]
fn what_fails_in_the_shell_as_well_is_not_counted_against_the_timer() {
    let (github, sandbox) = app_sandbox();
    stand_ins(&sandbox);
    github.remove_installation(7);
    let output = sandbox.helper(&["setup", "--timer=cron"]).run();
    output.fails_with(3);
    assert!(output.stdout.contains("fail  installation: "), "{}", output.stdout);
    assert!(output.stdout.contains("ok    timer: "), "{}", output.stdout);
    let last = "hint: follow the hints above, then: git-credential-github-app doctor\n";
    assert!(output.stderr.ends_with(last), "{}", output.stderr);
    let other = Path::new("own.toml");
    let output = setup(&sandbox, &github, &["--config", &other.to_string_lossy()]);
    let doctor = format!(
        "hints above, then: git-credential-github-app --config {} doctor\n",
        sandbox.path().join(other).display().to_string().replace(' ', "\\ ")
    );
    assert!(output.stderr.ends_with(&doctor), "{}", output.stderr);
}
