//! `refresh`: tokens that are valid long enough, for every scope on request; silent, as cron needs it.

use crate::common::{app_sandbox, broker_sandbox, from_now, get, message, password};
use crate::support::broker::{FakeBroker, token_response};

#[test]
fn the_cache_holds_a_token_with_enough_life_and_nothing_is_said() {
    let (github, sandbox) = app_sandbox();
    sandbox.helper(&["refresh"]).run().expect(0, "", "");
    sandbox.helper(&["refresh"]).run().expect(0, "", "");
    assert_eq!(github.mints(), 1, "an hour is more than 40 minutes");
    sandbox.helper(&["refresh", "--min-life=61m"]).run().expect(0, "", "");
    assert_eq!(github.mints(), 2, "more than there can be is tried once");
    let token = sandbox.helper(&["token"]).run().success().stdout.clone();
    assert!(github.live_tokens().contains(&token.trim().to_owned()) && github.mints() == 2);
    let verbose = sandbox.helper(&["-v", "refresh"]).run();
    assert!(verbose.success().stderr.contains("the token of octo-org has "), "{}", verbose.stderr);
}

#[test]
fn a_token_with_less_than_forty_minutes_is_renewed() {
    let (github, sandbox) = app_sandbox();
    github.set_token_life(39 * 60);
    sandbox.helper(&["token"]).run().success();
    github.set_token_life(3600);
    sandbox.helper(&["token"]).run().success();
    assert_eq!(github.mints(), 1, "enough for git");
    sandbox.helper(&["refresh"]).run().expect(0, "", "");
    assert_eq!(github.mints(), 2, "too little for the next half hour");
}

#[test]
fn all_renews_every_scope_of_these_settings_and_no_other() {
    let (github, sandbox) = app_sandbox();
    github.create_repository("octo-org", "second");
    github.add_installation(8, "other-org");
    github.set_token_life(600);
    sandbox.set_env("GITHUB_APP_VERIFY", "0");
    get(&sandbox, &github, "octo-org/hello").success();
    get(&sandbox, &github, "other-org/x").success();
    sandbox.helper(&["--owner=octo-org", "--permission=contents=read", "token"]).run().success();
    let other_app = sandbox.helper(&["--app-id=12345", "--owner=octo-org", "token"]).run();
    other_app.success();
    github.set_token_life(3600);
    sandbox.helper(&["refresh", "--all"]).run().expect(0, "", "");
    assert_eq!(github.mints(), 4 + 3);
    sandbox.helper(&["refresh", "--all"]).run().expect(0, "", "");
    assert_eq!(github.mints(), 7);
    // What was revoked is not brought back; what was uninstalled is forgotten.
    sandbox.helper(&["revoke", "--owner=octo-org", "--permission=contents=read"]).run().expect(0, "", "");
    github.remove_installation(8);
    sandbox.helper(&["refresh", "--all", "--min-life=61m"]).run().expect(0, "", "");
    sandbox.helper(&["refresh", "--all"]).run().expect(0, "", "");
    assert_eq!(github.mints(), 8, "only octo-org's wide token");
}

#[test]
fn one_scope_that_fails_does_not_keep_the_others_from_new_tokens() {
    let (github, sandbox) = app_sandbox();
    github.add_installation(8, "other-org");
    github.add_installation(9, "third-org");
    github.set_token_life(600);
    sandbox.set_env("GITHUB_APP_VERIFY", "0");
    for owner in ["octo-org", "other-org", "third-org"] {
        password(&get(&sandbox, &github, &format!("{owner}/x")));
    }
    github.suspend(8, true);
    let output = sandbox.helper(&["refresh", "--all", "--min-life=30m"]).run();
    output.fails_with(4);
    assert!(message(&output).contains("This installation has been suspended"), "{}", output.stderr);
    assert_eq!(github.mints(), 5);
}

#[test]
fn a_failed_renewal_keeps_the_valid_token_and_sets_the_exit_code() {
    let (github, sandbox) = app_sandbox();
    github.set_token_life(1800);
    let first = password(&get(&sandbox, &github, "octo-org/hello"));
    github.suspend(7, true);
    sandbox.helper(&["--owner=octo-org", "refresh"]).run().fails_with(4);
    assert_eq!(password(&get(&sandbox, &github, "octo-org/hello")), first);
}

#[test]
fn a_broker_is_asked_for_as_much_life_and_the_best_it_has_is_kept() {
    let expiry = from_now(1200);
    let broker = FakeBroker::guarded("bearer", move |_| token_response("ghs_best", &expiry));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    sandbox.helper(&["refresh"]).run().expect(0, "", "");
    assert_eq!(broker.requests()[0].header("cache-control"), Some("min-fresh=2400"));
    assert_eq!(sandbox.helper(&["token"]).run().success().stdout, "ghs_best\n");
    assert_eq!(broker.requests().len(), 1);
}
