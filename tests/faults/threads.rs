//! No thread can be started, or the program has a bug: the command, or in `serve` the one request, fails with a message.

use rustix::process::Signal;

use super::ends_well;
use crate::common::{app_sandbox, attribute, message, request_for};
use crate::serve::{ADMIN, port};
use crate::support::http_client::get;
use crate::support::http_server::Response;
use crate::support::keys::app_key_pem;
use crate::support::process::{Output, Run};
use crate::support::sandbox::Sandbox;
use crate::support::strace::available;
use crate::support::users::{Common, victim_and_attacker};

/// System calls that fail, for a program and all that it starts.
fn traced(sandbox: &Sandbox, injection: &str, args: &[&str]) -> Run {
    let injection = format!("inject={injection}");
    let tracing = ["-f", "-qq", "-o", "/dev/null", "-e", &injection];
    let run = tracing.iter().fold(sandbox.command("strace", &[]), Run::arg).arg(sandbox.binary());
    args.iter().fold(run, Run::arg)
}

#[test]
fn a_get_whose_key_command_finds_no_process_or_thread_stops_git_with_a_message() {
    let (github, sandbox) = app_sandbox();
    if !available(&sandbox) {
        return;
    }
    let key = sandbox.path().join("app.pem").display().to_string();
    let command = format!("exec cat '{key}'");
    let request = request_for(&github, "octo-org/hello");
    // The command's process is the first that is started, then come the threads that read its output.
    for nth in 1..=3 {
        let injection = format!("clone,clone3:error=EAGAIN:when={nth}");
        let run = |on_failure: &str| {
            let args = ["--no-cache", "--private-key-command", &command, on_failure, "get"];
            traced(&sandbox, &injection, &args).stdin(&request).run()
        };
        let output = run("--on-failure=quit");
        ends_well(&output, &injection);
        if attribute(&output, "password").is_some() {
            // The standard error of a program that writes nothing to it is not read.
            assert!(nth == 3, "{injection}");
            continue;
        }
        assert_eq!((output.status, output.stdout.as_str()), (0, "quit=1\n"), "{injection}");
        let words = "the private key command cannot be started: Resource temporarily unavailable";
        assert!(message(&output).contains(words), "{injection}: {}", output.stderr);
        assert!(output.stderr.contains("\nhint: try again later"), "{injection}: {}", output.stderr);
        assert_eq!((run("--on-failure=next").status, output.stderr.lines().count()), (5, 2), "{injection}");
    }
}

/// A clock that cannot wait is what the standard library panics at.
const PANIC: &str = "clock_nanosleep,nanosleep:error=EINVAL";

#[test]
fn a_panic_is_one_line_and_stops_git() {
    let sandbox = Sandbox::new();
    if !available(&sandbox) {
        return;
    }
    sandbox.set_env("GITHUB_APP_BROKER_URL", "http://127.0.0.1:9");
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "sentinel-bearer");
    let run = |args: &[&str]| traced(&sandbox, PANIC, args).stdin(crate::common::REQUEST).run();
    let says = |output: &Output| {
        let (line, hint) = output.stderr.split_once('\n').expect("two lines");
        assert!(line.starts_with("git-credential-github-app: internal error at "), "{}", output.stderr);
        assert!(hint.starts_with("hint: this is a fault of git-credential-github-app "), "{}", output.stderr);
        assert!(hint.ends_with(" itself: please report this line, and what was run\n"), "{}", output.stderr);
        assert!(!output.stderr.contains("sentinel"), "{}", output.stderr);
    };
    for (args, status, stdout) in [
        (&["get"][..], 0, "quit=1\n"),
        (&["--on-failure=next", "get"], 1, ""),
        (&["token"], 1, ""),
        (&["refresh"], 1, ""),
    ] {
        let output = run(args);
        assert_eq!((output.status, output.stdout.as_str()), (status, stdout), "{args:?}: {}", output.stderr);
        says(&output);
    }
}

const FAILED: &str = "{\"error\":\"token refresh failed\"}";

#[test]
fn a_broker_survives_a_panic_in_one_request() {
    let (github, sandbox) = app_sandbox();
    if !available(&sandbox) {
        return;
    }
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    sandbox.write_private("bearers", crate::serve::line(&sandbox, "admin", "admin", ""));
    let args = ["serve", "--listen=127.0.0.1:0", "--bearer-file=bearers"];
    let mut running = traced(&sandbox, PANIC, &args).spawn();
    let port = port(&running.wait_for_stderr("listening on "));
    // What is temporary is waited for, and there is the fault.
    github.script_mint(vec![Response::text(503, "")]);
    let lost = get(port, ADMIN, "admin", "");
    assert_eq!((lost.status, lost.body.as_str()), (500, FAILED));
    running.wait_for_stderr("git-credential-github-app: internal error at ");
    assert_eq!(get(port, ADMIN, "admin", "").status, 200, "the next request");
}

#[test]
fn a_broker_that_can_start_no_more_threads_still_mints_and_stops() {
    let Some((victim, _)) = victim_and_attacker() else { return };
    let common = Common::new();
    let (github, app) = app_sandbox();
    let sandbox = common.sandbox_of(victim);
    for name in ["GITHUB_APP_HOST", "GITHUB_APP_CLIENT_ID"] {
        sandbox.set_env(name, &app.env()[std::ffi::OsStr::new(name)]);
    }
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("app.pem", app_key_pem()));
    sandbox.write_private("bearers", crate::serve::line(&app, "admin", "admin", ""));
    victim.own(sandbox.path());
    let args = ["serve", "--listen=127.0.0.1:0", "--bearer-file=bearers", "--drain=300ms"];
    let mut running = victim.run(&sandbox, common.binary(), &args).spawn();
    let port = port(&running.wait_for_stderr("listening on "));
    let pid = running.id().to_string();
    // By prlimit(1) of util-linux: here even root may lack the right to change another user's limits.
    let limit = |processes: &str| {
        let soft = format!("--nproc={processes}:");
        victim.run(&sandbox, "prlimit", &["--pid", &pid, &soft]).run().success();
    };
    limit("1");
    // The threads that mint are there from the start.
    assert_eq!((get(port, ADMIN, "admin", "").status, github.mints()), (200, 1));
    assert_eq!(get(port, "/healthz", "", "").status, 200);
    running.signal(Signal::TERM);
    running.wait().success();
}

#[test]
fn a_broker_that_loses_its_worker_threads_exits() {
    let (_github, sandbox) = app_sandbox();
    if !available(&sandbox) {
        return;
    }
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    sandbox.write_private("bearers", crate::serve::line(&sandbox, "admin", "admin", ""));
    let args = ["serve", "--listen=127.0.0.1:0", "--bearer-file=bearers"];
    let mut running = sandbox.helper(&args).spawn();
    let port = port(&running.wait_for_stderr("listening on "));
    let tasks = std::fs::read_dir(format!("/proc/{}/task", running.id())).expect("its threads");
    let is_worker = |task: &String| {
        std::fs::read_to_string(format!("/proc/{}/task/{task}/comm", running.id()))
            .is_ok_and(|name| name == "worker\n")
    };
    let tasks = tasks.map(|task| task.expect("a thread").file_name().to_string_lossy().into_owned());
    let worker = tasks.filter(is_worker).last().expect("a worker");
    // It waits for connections by one of these calls, which one is up to the C library and the processor. Its runtime
    // panics where that fails.
    let injection = "inject=?epoll_wait,epoll_pwait:error=EBADF";
    let mut strace = sandbox.command("strace", &["-o", "/dev/null", "-e", injection, "-p", &worker]).spawn();
    strace.wait_for_stderr("attached");
    // All workers are woken for a connection.
    let latest = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !running.has_ended() {
        assert!(std::time::Instant::now() < latest, "it serves with a worker less");
        drop(std::net::TcpStream::connect(("127.0.0.1", port)));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let output = running.wait();
    assert_ne!(output.status, 0);
    assert!(output.stderr.contains("git-credential-github-app: internal error at "), "{}", output.stderr);
}
