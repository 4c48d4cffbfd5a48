//! Clients that never say whether a token works: a cached one that was revoked is found out, at a price that git does
//! not pay.

use crate::common::{
    app_sandbox, attribute, broker_in_front_of, broker_sandbox, fresh_tokens, get, let_pass, password,
    request_for, trials,
};
use crate::support::broker::FakeBroker;
use crate::support::git::gits;
use crate::support::github::LoopbackGitHub;
use crate::support::http_server::{HttpServer, Response};
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;
use crate::support::wrong_clock::{library, off_by};

mod limits;

const PATH: &str = "octo-org/hello";

/// A loopback GitHub with tokens of the App's own key, and the same with a broker's.
fn both_providers() -> [(LoopbackGitHub, Option<FakeBroker>, Sandbox); 2] {
    let (github, sandbox) = app_sandbox();
    let (other, _) = app_sandbox();
    let (broker, workspace) = broker_in_front_of(&other);
    [(github, None, sandbox), (other, Some(broker), workspace)]
}

fn token_of(sandbox: &Sandbox, github: &LoopbackGitHub) -> String {
    password(&get(sandbox, github, PATH))
}

/// A broker whose tokens are for a git host that answers so, and a sandbox with one of them in the cache.
fn host_that_answers(
    response: impl Fn() -> Response + Send + Sync + 'static,
) -> (HttpServer, FakeBroker, Sandbox) {
    let (host, broker) = (HttpServer::start(move |_| response()), fresh_tokens());
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    sandbox.set_env("GITHUB_APP_HOST", host.url());
    (host, broker, sandbox)
}

fn get_at(host: &HttpServer, sandbox: &Sandbox) -> Output {
    let request = format!("protocol=http\nhost={}\npath={PATH}\n", host.authority());
    sandbox.helper(&["get"]).stdin(request).run()
}

#[test]
fn a_client_that_never_reports_gets_a_valid_token_at_the_second_get_after_a_revocation() {
    let Some(library) = library() else { return };
    for (github, _broker, sandbox) in both_providers() {
        let at = |seconds| {
            let run = sandbox.helper(&["get"]).stdin(request_for(&github, PATH));
            password(&off_by(run, &library, seconds).run())
        };
        let first = at(0);
        github.kill_tokens();
        assert_eq!(at(1), first, "a report may still come");
        let tried = trials(github.server());
        let second = at(7);
        assert_eq!(github.live_tokens(), std::slice::from_ref(&second));
        assert_eq!(at(8), second);
        assert!(trials(github.server()) <= tried + 2, "the dead one, and with a key the new one");
        github.kill_tokens();
        assert_eq!(at(60), second, "no more than one trial in a minute");
        assert_ne!(at(68), second);
        assert_eq!(github.mints(), 3);
    }
}

#[test]
fn many_processes_at_once_make_one_trial_and_one_mint() {
    for dead in [false, true] {
        for (github, broker, sandbox) in both_providers() {
            let first = token_of(&sandbox, &github);
            let (mints, tried) = (github.mints(), trials(github.server()));
            if dead {
                github.kill_tokens();
            }
            let_pass(&sandbox, 10);
            let request = request_for(&github, PATH);
            let running: Vec<_> = (0..20).map(|_| sandbox.helper(&["get"]).stdin(&request).spawn()).collect();
            let answers: Vec<String> = running.into_iter().map(|running| password(&running.wait())).collect();
            assert!(answers.iter().all(|answer| *answer == answers[0]), "dead: {dead}");
            assert_eq!(answers[0] == first, !dead);
            assert_eq!(github.mints() - mints, usize::from(dead));
            let of_the_new_one = usize::from(dead && broker.is_none());
            assert_eq!(trials(github.server()) - tried, 1 + of_the_new_one, "dead: {dead}");
        }
    }
}

#[test]
fn git_reports_and_never_waits_for_a_trial_nor_do_many_gits_at_once() {
    for git in gits() {
        for (github, broker, sandbox) in both_providers() {
            sandbox.configure_helper(&github.url(), &[]);
            let url = github.clone_url("octo-org", "hello");
            git.command(&sandbox, sandbox.path(), &["clone", "-q", &url, "work"]).success();
            for _ in 0..2 {
                let_pass(&sandbox, 100);
                let many: Vec<_> = (0..4)
                    .map(|_| git.prepare(&sandbox, sandbox.path(), &["ls-remote", &url]).spawn())
                    .collect();
                for running in many {
                    running.wait().success();
                }
            }
            let of_the_mint = usize::from(broker.is_none());
            assert_eq!(trials(github.server()), of_the_mint, "{}", git.full_version());
            assert_eq!(github.mints(), 1);
        }
    }
}

#[test]
fn a_report_ends_the_wait_and_one_about_another_token_does_not() {
    let (github, sandbox) = app_sandbox();
    let request = request_for(&github, PATH);
    let tell = |operation: &str, token: &str| {
        let input = format!("{request}username=x-access-token\npassword={token}\n");
        sandbox.helper(&[operation]).stdin(input).run().expect(0, "", "");
    };
    let token = token_of(&sandbox, &github);
    // After the mint's report an entry is written, after later ones only marked.
    for _ in 0..2 {
        tell("store", &token);
        let_pass(&sandbox, 100);
        assert_eq!(token_of(&sandbox, &github), token);
        assert_eq!(trials(github.server()), 1, "that of the mint");
    }
    tell("store", "another");
    tell("erase", "another");
    let_pass(&sandbox, 100);
    assert_eq!(token_of(&sandbox, &github), token);
    assert_eq!(trials(github.server()), 2);
}

#[test]
fn only_a_plain_401_evicts_a_token_and_after_any_other_answer_it_is_handed_out() {
    let moved = |status| Response::empty(status).with_header("Location", "https://github.com/login");
    let answers: [fn() -> Response; 9] = [
        || Response::empty(200),
        || Response::text(400, "no"),
        || Response::text(403, "The repository owner has an IP allow list enabled"),
        || Response::text(404, "Repository not found."),
        || Response::text(407, "no"),
        || Response::text(429, "no").with_header("Retry-After", "60"),
        || Response::text(500, "no"),
        || Response::text(503, "no"),
        Response::hang,
    ];
    let redirects = [301, 302, 307]
        .map(|status| Box::new(move || moved(status)) as Box<dyn Fn() -> Response + Send + Sync>);
    let answers = answers.into_iter().map(|answer| Box::new(answer) as Box<_>).chain(redirects);
    for (index, answer) in answers.enumerate() {
        let (host, broker, sandbox) = host_that_answers(answer);
        sandbox.set_env("GITHUB_APP_TIMEOUT", "1s");
        let token = password(&get_at(&host, &sandbox));
        let_pass(&sandbox, 10);
        for _ in 0..2 {
            let output = get_at(&host, &sandbox);
            assert_eq!((password(&output), output.stderr.as_str()), (token.clone(), ""), "answer {index}");
        }
        assert_eq!((trials(&host), broker.requests().len()), (1, 1), "answer {index}");
    }
    let (host, broker, sandbox) = host_that_answers(|| Response::text(401, "Invalid username or token."));
    let token = password(&get_at(&host, &sandbox));
    let_pass(&sandbox, 10);
    assert_ne!(password(&get_at(&host, &sandbox)), token);
    assert_eq!(broker.requests()[1].header("cache-control"), Some("no-cache"), "a broker must not repeat it");
}

#[test]
fn a_git_host_that_cannot_be_reached_costs_nothing_but_the_attempt() {
    let (host, broker, sandbox) = host_that_answers(|| Response::empty(200));
    let token = password(&get_at(&host, &sandbox));
    let request = format!("protocol=http\nhost={}\npath={PATH}\n", host.authority());
    drop(host);
    let_pass(&sandbox, 10);
    let output = sandbox.helper(&["get"]).stdin(&request).run();
    assert_eq!((password(&output), output.stderr.as_str()), (token, ""));
    assert_eq!(broker.requests().len(), 1);
}

#[test]
fn refused_trials_do_not_count_as_failures_and_the_new_mints_message_is_shown() {
    let (github, sandbox) = app_sandbox();
    for _ in 0..3 {
        let token = token_of(&sandbox, &github);
        github.kill_tokens();
        let_pass(&sandbox, 100);
        assert_ne!(token_of(&sandbox, &github), token);
    }
    github.kill_tokens();
    github.suspend(7, true);
    github.kill_tokens();
    let_pass(&sandbox, 100);
    let output = get(&sandbox, &github, PATH);
    assert_eq!(output.stdout, "quit=1\n", "never the dead one");
    assert!(output.stderr.contains("This installation has been suspended"), "{}", output.stderr);
}

#[test]
fn clients_that_offer_state_retry_by_themselves_and_are_neither_tried_for_nor_counted() {
    let (github, sandbox) = app_sandbox();
    let offering = format!("capability[]=state\n{}", request_for(&github, PATH));
    let offered = || sandbox.helper(&["get"]).stdin(&offering).run();
    let token = password(&offered());
    for _ in 0..3 {
        let_pass(&sandbox, 100);
        assert_eq!(password(&offered()), token);
    }
    assert_eq!(token_of(&sandbox, &github), token, "nobody else has had it");
    let_pass(&sandbox, 100);
    let output = offered();
    assert_eq!((password(&output), attribute(&output, "continue")), (token, Some("1")));
    assert_eq!(trials(github.server()), 1, "that of the mint");
}

#[test]
fn token_and_exec_hand_out_and_refresh_does_not() {
    let show = ["exec", "--", "sh", "-c", "echo $GH_ENTERPRISE_TOKEN"];
    for (args, counts) in [(&["token"][..], true), (&show, true), (&["refresh"], false)] {
        let (github, sandbox) = app_sandbox();
        let run = |args: &[&str]| sandbox.helper(args).run().success().stdout.clone();
        run(args);
        let tried = trials(github.server());
        github.kill_tokens();
        let_pass(&sandbox, 10);
        let next = run(&["token"]);
        assert_eq!(github.live_tokens().contains(&next.trim().to_owned()), counts, "{args:?}");
        assert_eq!(trials(github.server()) > tried, counts, "{args:?}");
    }
    let (github, sandbox) = app_sandbox();
    sandbox.helper(&["token"]).run().success();
    github.kill_tokens();
    let_pass(&sandbox, 10);
    let shown = sandbox.helper(&show).run().success().stdout.clone();
    assert_eq!(github.live_tokens(), [shown.trim().to_owned()], "exec tries, too");
}

#[test]
fn without_verification_nothing_is_tried() {
    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_VERIFY", "no");
    let token = token_of(&sandbox, &github);
    github.kill_tokens();
    let_pass(&sandbox, 100);
    assert_eq!(token_of(&sandbox, &github), token);
    assert_eq!(trials(github.server()), 0);
}
