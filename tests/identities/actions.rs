//! `--broker-audience`: the id-token of a GitHub Actions job, from a service that may be slow, broken or lying.

use std::time::Duration;

use serde_json::json;

use super::{broker, taken, workspace};
use crate::common::{app_sandbox, message};
use crate::support::actions::ActionsJob;
use crate::support::broker::FakeBroker;
use crate::support::http_server::{HttpServer, Response};
use crate::support::sandbox::Sandbox;

const AUDIENCE: &str = "api://broker/a?b&c=d+e%f";

fn job_of(sandbox: &Sandbox, job: &ActionsJob) {
    job.set_variables(sandbox);
    sandbox.set_env("GITHUB_APP_BROKER_AUDIENCE", AUDIENCE);
}

/// A workspace in a job, whose broker cannot be reached.
fn in_job(job: &ActionsJob) -> (FakeBroker, Sandbox) {
    let broker = FakeBroker::start(|_| panic!("the broker is asked without a bearer"));
    let sandbox = workspace(&broker);
    job_of(&sandbox, job);
    (broker, sandbox)
}

#[test]
fn each_fetch_asks_for_an_id_token_for_the_audience_and_sends_it() {
    let (broker, seen) = broker();
    let (job, sandbox) = (ActionsJob::start("id", AUDIENCE), workspace(&broker));
    job_of(&sandbox, &job);
    for _ in 0..2 {
        sandbox.helper(&["token"]).run().expect(0, "for-id-1\n", "");
    }
    let verbose = sandbox.helper(&["-vv", "--no-cache", "token"]).run();
    assert_eq!(verbose.success().stdout, "for-id-2\n");
    assert!(!verbose.stderr.contains(job.bearer()) && !verbose.stderr.contains("id-2"), "{}", verbose.stderr);
    assert_eq!(taken(&seen), ["id-1", "id-2"]);
    let [first, _] = &job.requests()[..] else { panic!("one request for each fetch") };
    let target = "/34//idtoken/5f0c/b1d7?api-version=2.0&audience=api%3A%2F%2Fbroker%2Fa%3Fb%26c%3Dd%2Be%25f";
    assert_eq!((first.method.as_str(), first.target.as_str()), ("GET", target));
}

#[test]
fn an_id_token_that_the_broker_refuses_is_not_asked_for_again() {
    let (broker, seen) = broker();
    let (job, sandbox) = (ActionsJob::start("refused", AUDIENCE), workspace(&broker));
    job_of(&sandbox, &job);
    let output = sandbox.helper(&["token"]).run();
    output.fails_with(4);
    assert!(message(&output).ends_with("401: it does not accept the bearer"), "{}", output.stderr);
    assert_eq!((taken(&seen).len(), job.requests().len()), (1, 1));
}

#[test]
fn a_job_never_gets_the_token_that_another_job_has_left_in_the_cache() {
    let (broker, _) = broker();
    let sandbox = workspace(&broker);
    let jobs = [ActionsJob::start("one", AUDIENCE), ActionsJob::start("two", AUDIENCE)];
    for (job, name) in jobs.iter().zip(["one", "two"]).chain(jobs.iter().zip(["one", "two"])) {
        job_of(&sandbox, job);
        sandbox.helper(&["token"]).run().expect(0, &format!("for-{name}-1\n"), "");
    }
}

#[test]
fn every_answer_without_an_id_token_has_its_message_and_code_and_is_not_shown() {
    type Answer = fn() -> Response;
    let table: [(&str, Answer, i32, usize); 14] = [
        (
            "answered 401: it does not accept the job's",
            || Response::json(401, json!({"message": "sentinel"})),
            4,
            1,
        ),
        (
            "answered 403: it does not accept the job's",
            || Response::json(403, json!({"message": "sentinel"})),
            4,
            1,
        ),
        ("answered 400: it gives no id-token for this audience", || Response::text(400, "sentinel"), 4, 1),
        ("answered 404: it gives no id-token for this audience", || Response::text(404, "sentinel"), 4, 1),
        ("answered 501: it gives no id-token for this audience", || Response::text(501, "sentinel"), 4, 1),
        ("GitHub Actions answered 204 instead of an id-token", || Response::empty(204), 1, 1),
        ("is not a JSON object with an id-token", || Response::text(200, "<html>sentinel</html>"), 1, 1),
        ("is not a JSON object with an id-token", || Response::json(200, json!({"token": "sentinel"})), 1, 1),
        (
            "is not a JSON object with an id-token",
            || Response::json(200, json!({"value": ["sentinel"]})),
            1,
            1,
        ),
        ("is not a JSON object with an id-token", || Response::json(200, json!({"value": ""})), 1, 1),
        (
            "is not a JSON object with an id-token",
            || Response::json(200, json!({"value": "sentinel\r\nx-evil: 1"})),
            1,
            1,
        ),
        (
            "is not a JSON object with an id-token",
            || Response::json(200, json!({ "value": "sentinel".repeat(3000) })),
            1,
            1,
        ),
        (
            "the answer of GitHub Actions is larger than 4 MiB",
            || Response::json(200, json!({ "value": "sentinel".repeat(1 << 20) })),
            1,
            1,
        ),
        ("GitHub Actions answered 500", || Response::text(500, "sentinel"), 5, 2),
    ];
    for (text, answer, status, most) in table {
        let job = ActionsJob::answering(move |_| answer());
        let (_broker, sandbox) = in_job(&job);
        let output = sandbox.helper(&["--timeout=1s", "-v", "token"]).run();
        assert_eq!((output.status, output.stdout.as_str()), (status, ""), "{text}: {}", output.stderr);
        assert!(output.stderr.contains(": get an id-token from GitHub Actions: "), "{}", output.stderr);
        assert!(
            output.stderr.contains(text) && output.stderr.contains("\nhint: "),
            "{text}: {}",
            output.stderr
        );
        assert!(
            !output.stderr.contains("sentinel") && !output.stderr.contains(job.bearer()),
            "{}",
            output.stderr
        );
        assert!(job.requests().len() >= most && (most > 1 || job.requests().len() == 1), "{text}");
    }
}

#[test]
fn a_service_that_hangs_costs_no_more_than_the_timeout_and_a_temporary_failure_is_retried() {
    let job = ActionsJob::answering(|_| Response::hang());
    let (_broker, sandbox) = in_job(&job);
    let output = sandbox.helper(&["--timeout=300ms", "token"]).limit(Duration::from_secs(10)).run();
    output.fails_with(5);
    let (broker, seen) = broker();
    let stumbled = std::sync::atomic::AtomicBool::new(false);
    let job = ActionsJob::answering(move |_| {
        if stumbled.swap(true, std::sync::atomic::Ordering::SeqCst) {
            return Response::json(200, json!({ "value": "id" })).after(Duration::from_millis(50));
        }
        Response::text(503, "later")
    });
    let sandbox = workspace(&broker);
    job_of(&sandbox, &job);
    sandbox.helper(&["token"]).run().expect(0, "for-id\n", "");
    assert_eq!(taken(&seen), ["id"]);
}

#[test]
fn the_jobs_secret_does_not_follow_a_redirect_to_another_origin() {
    let thief = HttpServer::start(|_| Response::json(200, json!({ "value": "stolen" })));
    let target = format!("{}/", thief.url());
    let job = ActionsJob::answering(move |_| Response::empty(302).with_header("Location", target.clone()));
    let (_broker, sandbox) = in_job(&job);
    let output = sandbox.helper(&["token"]).run();
    output.fails_with(1);
    assert!(message(&output).contains("GitHub Actions redirects to another place"), "{}", output.stderr);
    assert!(thief.requests().is_empty());
}

#[test]
fn outside_of_a_job_that_may_ask_the_missing_permission_is_named() {
    let job = ActionsJob::start("id", AUDIENCE);
    let (broker, sandbox) = in_job(&job);
    let hints = "hint: in GitHub Actions the job's workflow needs permissions: id-token: write\n\
                 hint: elsewhere use --broker-token-command or --broker-token-file in place of --broker-audience\n";
    for name in ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"] {
        let output = sandbox.helper(&["--no-cache", "token"]).env_remove(name).run();
        let line = format!(
            "git-credential-github-app: fetch a token from {}/admin/github-installation-token: get an id-token from \
             GitHub Actions: environment variable {name} is not set\n{hints}",
            broker.url()
        );
        output.expect(3, "", &line);
        let status = sandbox.helper(&["status"]).env_remove(name).run();
        let line = format!("\nbearer         problem: environment variable {name} is not set\n");
        assert!(status.success().stdout.contains(&line), "{}", status.stdout);
        let doctor = sandbox.helper(&["doctor"]).env_remove(name).run();
        let line = format!("environment variable {name} is not set\n      hint: in GitHub Actions the job's");
        assert!(doctor.stdout.contains(&line), "{}", doctor.stdout);
    }
    let status = sandbox.helper(&["status"]).run();
    let line = format!("\nbearer         an id-token of this job for {AUDIENCE}\n");
    assert!(status.success().stdout.contains(&line), "{}", status.stdout);
    assert!(!status.stdout.contains("ACTIONS_") && job.requests().is_empty(), "{}", status.stdout);
    for (url, wrong) in [
        ("http://runner.example.com/token", "plain http would show the job's secret to the network"),
        ("https://me:hunter2@runner.example.com/", "a user or password inside a URL is not allowed"),
        ("runner", "this is not an http or https URL"),
    ] {
        let output = sandbox.helper(&["token"]).env("ACTIONS_ID_TOKEN_REQUEST_URL", url).run();
        output.fails_with(3);
        assert!(
            message(&output).ends_with(&format!("ACTIONS_ID_TOKEN_REQUEST_URL: {wrong}")),
            "{}",
            output.stderr
        );
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    }
    let output = sandbox.helper(&["token"]).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "two sentinels").run();
    output.fails_with(3);
    assert!(!output.stderr.contains("sentinels"), "{}", output.stderr);
}

#[test]
fn without_an_audience_the_variables_of_a_job_are_ignored() {
    let (broker, seen) = broker();
    let sandbox = workspace(&broker);
    sandbox.set_env("ACTIONS_ID_TOKEN_REQUEST_URL", "-----BEGIN nonsense");
    sandbox.set_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x y");
    sandbox.helper(&["--broker-token-command=echo command", "token"]).run().expect(0, "for-command\n", "");
    assert_eq!(taken(&seen), ["command"]);
}

#[test]
fn the_app_key_is_the_fallback_outside_of_a_job() {
    let (github, sandbox) = app_sandbox();
    let broker = FakeBroker::start(|_| panic!("the broker is asked without a bearer"));
    sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
    sandbox.set_env("GITHUB_APP_BROKER_AUDIENCE", AUDIENCE);
    let output = sandbox.helper(&["token"]).run();
    assert_eq!(output.success().stdout.trim_end(), github.live_tokens()[0]);
}

#[test]
fn a_broker_on_a_socket_does_not_change_the_way_to_the_issuer() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    let hash = sandbox
        .helper(&["serve", "hash-bearer", "job"])
        .stdin("id-token-for-a-socket-1")
        .run()
        .success()
        .stdout
        .clone();
    let bearers = sandbox.write_private("bearers", hash);
    let socket = format!("unix:{}", sandbox.path().join("broker.sock").display());
    let args = ["serve", "--listen", &socket, "--bearer-file", bearers.to_str().expect("UTF-8")];
    let mut server = sandbox.helper(&args).spawn();
    server.wait_for_stderr("listening on ");
    let (job, client) = (ActionsJob::start("id-token-for-a-socket", AUDIENCE), Sandbox::new());
    job_of(&client, &job);
    client.set_env("GITHUB_APP_BROKER_URL", &socket);
    let output = client.helper(&["token"]).run();
    assert_eq!(output.success().stdout.trim_end(), github.live_tokens()[0]);
    assert_eq!(job.requests().len(), 1);
}

#[test]
fn execs_command_loses_the_jobs_secret_only_where_it_is_the_brokers_bearer() {
    let (broker, _) = broker();
    let (job, sandbox) = (ActionsJob::start("id", AUDIENCE), workspace(&broker));
    job.set_variables(&sandbox);
    let names = ["exec", "--", "sh", "-c", "env | grep -o '^ACTIONS_ID_TOKEN_REQUEST_TOKEN=' || echo none"];
    let kept = "ACTIONS_ID_TOKEN_REQUEST_TOKEN=\n";
    let other = sandbox.helper(&names).env("GITHUB_APP_BROKER_TOKEN", "bearer").run();
    other.expect(0, kept, "");
    sandbox.set_env("GITHUB_APP_BROKER_AUDIENCE", AUDIENCE);
    sandbox.helper(&names).run().expect(0, "none\n", "");
    let args = [&["exec", "--with-secrets"], &names[1..]].concat();
    sandbox.helper(&args).run().expect(0, kept, "");
}
