//! The GitHub Action in a job: what its main step gives git and gh, and that the post step leaves nothing of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::common::{Cloud, tls_github};
use crate::serve::Server;
use crate::support::actions::ActionsJob;
use crate::support::connect_proxy::ConnectProxy;
use crate::support::gh::ghs;
use crate::support::git::Git;
use crate::support::github::{CLIENT_ID, LoopbackGitHub, Options};
use crate::support::http_server::Response;
use crate::support::issuer::{LoopbackIssuer, SigningIssuerKey};
use crate::support::keys::app_key_pem;
use crate::support::process::Output;
use crate::support::runner::{Job, hand_over, text};
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;

mod release;

/// A GitHub with a repository, and a sandbox that knows nothing of it.
fn github() -> (LoopbackGitHub, Sandbox) {
    let github = LoopbackGitHub::start(Options::default());
    github.add_installation(7, "octo-org");
    github.create_repository("octo-org", "hello");
    github.commit_file("octo-org", "hello", "README.md", b"hello\n");
    (github, Sandbox::new())
}

/// A job with the App's key as its secret.
fn job(sandbox: &Sandbox, github: &LoopbackGitHub) -> Option<Job> {
    let job = Job::new(sandbox)?.with("app-id", CLIENT_ID).with("private-key", app_key_pem());
    Some(job.with("host", github.url()).with("owner", "octo-org").with("binary", binary(sandbox)))
}

fn binary(sandbox: &Sandbox) -> String {
    sandbox.binary().display().to_string()
}

/// Clones, commits and pushes, as the steps of a job do.
fn work(sandbox: &Sandbox, github: &LoopbackGitHub, url: &str) {
    let git = Git::default_git();
    git.command(sandbox, sandbox.path(), &["clone", "-q", url, "work"]).success();
    let work = sandbox.path().join("work");
    fs::write(work.join("new"), "new\n").expect("a file of ours");
    let before = github.head("octo-org", "hello");
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b"];
    git.command(sandbox, &work, &["add", "new"]).success();
    git.command(sandbox, &work, &[&identity[..], &["commit", "-q", "-m", "new"]].concat()).success();
    git.command(sandbox, &work, &["push", "-q", "origin", "HEAD:main"]).success();
    assert_ne!(github.head("octo-org", "hello"), before, "the push has arrived");
}

/// What is left in the runner's temporary directory.
fn left(sandbox: &Sandbox) -> Vec<PathBuf> {
    let dir = fs::read_dir(sandbox.path().join("runner temp")).expect("a directory");
    dir.map(|entry| entry.expect("an entry").path()).collect()
}

/// A line of an error or a warning for the job's page.
fn annotation(level: &str, message: &str) -> String {
    format!("::{level}::{}\n", message.replace('%', "%25").replace('\n', "%0A"))
}

/// All that a git command of a later job would see of us: nothing.
fn nothing_is_left(sandbox: &Sandbox, github: &LoopbackGitHub) {
    assert_eq!(left(sandbox), Vec::<PathBuf>::new());
    assert_eq!(github.live_tokens(), Vec::<String>::new(), "every token is revoked");
    let listed = Git::default_git().command(sandbox, sandbox.path(), &["config", "--list"]);
    assert!(!listed.success().stdout.contains("credential."), "{}", listed.stdout);
    assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("the user's own"), "");
}

fn silent(output: &Output) {
    output.expect(0, "", "");
}

#[test]
fn a_job_with_a_key_clones_and_pushes_and_leaves_nothing_behind() {
    let (github, sandbox) = github();
    let Some(job) = job(&sandbox, &github) else { return };
    silent(&job.start(&sandbox));
    work(&sandbox, &github, &github.clone_url("octo-org", "hello"));
    let output = sandbox.command("git-credential-github-app", &["token"]).run();
    assert_eq!(output.success().stdout.trim_end(), github.live_tokens()[0], "the steps find it on PATH");
    assert_eq!(github.mints(), 1, "all of them share one token");
    for name in ["GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STATE"] {
        let text = text(&sandbox, name);
        assert!(!text.contains(&github.live_tokens()[0]) && !text.contains("PRIVATE KEY"), "{text}");
    }
    silent(&job.post(&sandbox).run());
    nothing_is_left(&sandbox, &github);
    let again = github.api_requests().len();
    silent(&job.post(&sandbox).run());
    assert_eq!(github.api_requests().len(), again, "a second time there is nothing to do");
}

#[test]
fn a_job_with_a_broker_has_no_secret_and_its_token_is_revoked_there() {
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let rules = "[[rule]]\nissuer = \"ci\"\nmatch = { sub = \"job\" }\nworkspace = \"${run_id}\"\nowner = \"octo-org\"\n";
    let server = crate::serve::oidc::start(&issuer, rules, &[]);
    let Server { github, port, .. } = &server;
    let id_token = issuer.token("job", &json!({ "run_id": "42" }));
    let service = ActionsJob::answering(move |_| Response::json(200, json!({ "value": id_token })));
    let sandbox = Sandbox::new();
    let Some(job) = Job::new(&sandbox) else { return };
    let job = job
        .with("host", github.url())
        .with("owner", "octo-org")
        .with("broker-url", format!("http://127.0.0.1:{port}"))
        .with("workspace", "42")
        .with("broker-audience", crate::support::issuer::AUDIENCE)
        .with("binary", binary(&sandbox));
    let refused = job.main(&sandbox).run();
    let said = "the job may not request id-tokens: it needs the permission id-token: write";
    refused.expect(1, &annotation("error", said), "");
    service.set_variables(&sandbox);
    silent(&job.start(&sandbox));
    work(&sandbox, github, &github.clone_url("octo-org", "hello"));
    assert_eq!(github.live_tokens().len(), 1);
    silent(&job.post(&sandbox).run());
    nothing_is_left(&sandbox, github);
}

#[test]
fn every_gh_has_a_fresh_token_at_each_call_unless_the_step_sets_one() {
    for gh in ghs() {
        let Cloud { github, sandbox, proxy: _proxy } = Cloud::new();
        sandbox.remove_env("GITHUB_APP_CLIENT_ID");
        sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
        sandbox.set_env("PATH", gh.path_variable());
        let Some(job) = Job::new(&sandbox) else { return };
        let job = job.with("app-id", CLIENT_ID).with("private-key", app_key_pem());
        let job = job.with("host", "https://github.com").with("binary", binary(&sandbox));
        silent(&job.with("owner", "octo-org").start(&sandbox));
        let api = ["api", "repos/octo-org/hello", "--jq", ".name"];
        sandbox.command("gh", &api).run().expect(0, "hello\n", "");
        github.kill_tokens();
        let refused = sandbox.command("gh", &api).env("GH_TOKEN", "stale").run();
        assert_ne!(refused.status, 0, "the step's own token is used: {}", refused.stderr);
    }
}

#[test]
fn a_job_that_is_cancelled_in_the_middle_leaves_nothing_either() {
    let (github, sandbox) = github();
    let Some(job) = job(&sandbox, &github) else { return };
    github.script_mint(vec![Response::hang()]);
    let running = job.main(&sandbox).spawn();
    while github.mint_requests() == 0 {
        std::thread::yield_now();
    }
    running.signal(rustix::process::Signal::INT);
    assert_ne!(running.wait().status, 0);
    hand_over(&sandbox);
    assert_eq!(left(&sandbox).len(), 1, "the post step knows of it");
    silent(&job.post(&sandbox).run());
    nothing_is_left(&sandbox, &github);
}

#[test]
fn a_post_step_without_a_main_step_removes_nothing() {
    let (github, sandbox) = github();
    let Some(job) = job(&sandbox, &github) else { return };
    silent(&job.post(&sandbox).run());
    let precious = sandbox.write("precious/file", "kept");
    let planted = precious.parent().expect("a directory").display().to_string();
    for dir in [&planted, "/", &sandbox.path().join("runner temp").display().to_string()] {
        silent(&job.post(&sandbox).env("STATE_dir", dir).run());
    }
    assert!(precious.exists() && sandbox.path().join("runner temp").exists());
}

#[test]
fn a_revocation_that_fails_is_tried_again_and_then_a_warning_with_its_reason() {
    let (github, sandbox) = github();
    let Some(job) = job(&sandbox, &github) else { return };
    silent(&job.start(&sandbox));
    github.script_revocations((0..20).map(|_| Response::text(403, "no")).collect());
    let output = job.post(&sandbox).run();
    assert_eq!((output.status, output.stderr.as_str()), (0, ""), "the job is none the worse for it");
    let warning = "::warning::not all tokens could be revoked; they expire within an hour%0Agit-credential-github-app: ";
    assert!(output.stdout.starts_with(warning) && output.stdout.lines().count() == 1, "{}", output.stdout);
    assert_eq!(left(&sandbox), Vec::<PathBuf>::new(), "the files go all the same");
}

#[test]
fn the_header_of_a_checkout_does_not_hide_the_helper_and_ssh_urls_work_while_the_job_runs() {
    let ca = TestCa::new();
    let github = tls_github(&ca);
    let proxy = ConnectProxy::to(github.server().port());
    let sandbox = Sandbox::new();
    let pem = ca.ca_pem_path(sandbox.path());
    for name in ["SSL_CERT_FILE", "GIT_SSL_CAINFO"] {
        sandbox.set_env(name, &pem);
    }
    sandbox.set_env("HTTPS_PROXY", proxy.url());
    let Some(job) = Job::new(&sandbox) else { return };
    let job = job.with("app-id", CLIENT_ID).with("private-key", app_key_pem()).with("insteadof", "true");
    let job =
        job.with("host", "https://github.com").with("owner", "octo-org").with("binary", binary(&sandbox));
    sandbox.set_env("GIT_CONFIG_COUNT", "1");
    sandbox.set_env("GIT_CONFIG_KEY_0", "http.https://github.com/.extraHeader");
    sandbox.set_env("GIT_CONFIG_VALUE_0", "Authorization: basic AAAA");
    silent(&job.start(&sandbox));
    work(&sandbox, &github, "git@github.com:octo-org/hello.git");
    silent(&job.post(&sandbox).run());
    assert_eq!(github.live_tokens(), Vec::<String>::new());
    let url =
        Git::default_git().command(&sandbox, &sandbox.path().join("work"), &["remote", "get-url", "origin"]);
    url.expect(0, "git@github.com:octo-org/hello.git\n", "");
}

#[test]
fn mistakes_in_the_workflow_are_reported_before_anything_is_created() {
    let (github, sandbox) = github();
    let Some(_) = Job::new(&sandbox) else { return };
    let key = app_key_pem();
    for (inputs, said) in [
        (&[][..], "use either app-id and private-key, or broker-url and broker-audience"),
        (&[("private-key", key)][..], "input app-id is missing: the App's client ID"),
        (
            &[("app-id", CLIENT_ID)],
            "input private-key is missing: is the secret's name right, and may this job read it?",
        ),
        (
            &[("broker-url", "https://b.example")],
            "input broker-audience is missing: the id-token is made for it",
        ),
        (&[("broker-audience", "b")], "input broker-url is missing"),
        (&[("gh", "yes")], "input gh: true or false is expected"),
    ] {
        fs::remove_dir(sandbox.path().join("runner temp")).expect("nothing is in it");
        let job = Job::new(&sandbox).expect("node").with("host", github.url());
        let job = inputs.iter().fold(job, |job, (name, value)| job.with(name, *value));
        job.start(&sandbox).expect(1, &annotation("error", said), "");
        assert_eq!(left(&sandbox), Vec::<PathBuf>::new(), "{said}");
    }
}

#[test]
fn settings_that_github_refuses_fail_the_step_with_the_helpers_hints() {
    let (github, sandbox) = github();
    let Some(job) = job(&sandbox, &github) else { return };
    let output = job.with("owner", "nobody-org").start(&sandbox);
    assert_eq!((output.status, output.stderr.as_str()), (1, ""));
    assert!(output.stdout.starts_with("::error::git-credential-github-app: "), "{}", output.stdout);
    assert!(output.stdout.contains("%0Ahint: "), "{}", output.stdout);
}

#[test]
fn the_action_declares_the_inputs_and_outputs_that_its_steps_use_and_no_other() {
    let file = |name: &str| {
        fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a file of the Action")
    };
    let action = file("action.yml");
    let section = |name: &str| {
        let text = action.split(&format!("\n{name}:\n")).nth(1).expect("a section");
        let lines = text.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
        let names = lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
        names.filter(|name| !name.starts_with(' ')).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let code =
        ["main", "post", "install", "settings", "runner"].map(|name| file(&format!("action/{name}.js")));
    let code = code.concat();
    let lists = ["flag", "list", "input", "setOutput"];
    let used = |word: &str| code.contains(&format!("'{word}'"));
    for name in section("inputs") {
        assert!(used(&name), "nothing reads the input {name}");
    }
    for call in lists {
        for name in code.split(&format!("{call}('")).skip(1).filter_map(|rest| rest.split('\'').next()) {
            let kind = if call == "setOutput" { "outputs" } else { "inputs" };
            assert!(section(kind).contains(name), "{name} is not among the {kind}");
        }
    }
    for script in ["main", "post"] {
        assert!(action.contains(&format!("  {script}: action/{script}.js\n")), "{script}");
    }
}
