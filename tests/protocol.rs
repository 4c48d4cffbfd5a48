//! The helper's answers: exact bytes for requests that are ours, silence for everything else.

use crate::common::{
    REQUEST, app_sandbox, attribute, broker_sandbox, configure_app, fresh_tokens, from_now, now, password,
    request_for,
};
use crate::support::broker::{FakeBroker, broker_token};
use crate::support::sandbox::Sandbox;

fn serving() -> (FakeBroker, String) {
    let token = broker_token();
    (FakeBroker::serving("bearer", &token, &from_now(3600)), token)
}

#[test]
fn a_request_without_capabilities_gets_exactly_three_lines() {
    let (broker, token) = serving();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let output = sandbox.helper(&["get"]).stdin(REQUEST).run();
    let expiry: i64 =
        attribute(&output, "password_expiry_utc").expect("an expiry").parse().expect("a number");
    assert!((3590..=3600).contains(&(expiry - now())), "{expiry}");
    let expected = format!("username=x-access-token\npassword={token}\npassword_expiry_utc={expiry}\n");
    output.expect(0, &expected, "");
    assert!((500..540).contains(&token.len()) && token.contains('.') && token.contains('_'), "the 2026 form");
}

#[test]
fn a_request_for_another_host_gets_no_answer() {
    let sandbox = Sandbox::new();
    let output = sandbox.helper(&["get"]).stdin("protocol=https\nhost=gitlab.com\n\n").run();
    output.expect(0, "", "");
}

#[test]
fn capabilities_are_used_only_where_offered_and_continue_only_for_a_cached_token() {
    let (broker, token) = serving();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let get = |lines: &str| sandbox.helper(&["get"]).stdin(format!("{lines}{REQUEST}")).run();
    let tail = |output: &crate::support::process::Output| {
        let expiry = attribute(output, "password_expiry_utc").expect("an expiry").to_owned();
        format!("username=x-access-token\npassword={token}\npassword_expiry_utc={expiry}\n")
    };
    let both = "capability[]=authtype\ncapability[]=state\n";
    let fresh = get(both);
    fresh.expect(0, &format!("capability[]=authtype\nephemeral=1\n{}", tail(&fresh)), "");
    let cached = get(both);
    let state = attribute(&cached, "state[]").expect("a state").to_owned();
    assert!(state.starts_with("github-app:") && !token.contains(&state["github-app:".len()..]));
    let lines = "capability[]=authtype\ncapability[]=state\nephemeral=1\nstate[]=";
    cached.expect(0, &format!("{lines}{state}\ncontinue=1\n{}", tail(&cached)), "");
    let only_authtype = get("capability[]=authtype\n");
    only_authtype.expect(0, &format!("capability[]=authtype\nephemeral=1\n{}", tail(&only_authtype)), "");
    assert_eq!(broker.requests().len(), 1, "all but the first come from the cache");
}

#[test]
fn everything_that_is_not_ours_gets_no_answer_even_without_settings() {
    let sandbox = Sandbox::new();
    let table: &[&[u8]] = &[
        b"",
        b"\n",
        b"protocol=https\n",
        b"host=github.com\n",
        b"protocol=https\nhost=\n",
        b"protocol=HTTPS\nhost=github.com\npath=o/r\n",
        b"protocol=http\nhost=github.com\n",
        b"protocol=ssh\nhost=github.com\n",
        b"protocol=https\nhost=gitlab.com\n",
        b"protocol=https\nhost=github.com.\n",
        b"protocol=https\nhost=github.com:8443\n",
        b"protocol=https\nhost=gist.github.com\n",
        b"protocol=https\nhost=github.com.attacker.example\n",
        b"protocol=https\nhost=evil.example\nusername=github.com\n",
        b"protocol=https\nhost=github.com/evil.example\n",
        b"protocol=https\nhost=github.com\npath=?.evil.example/o/r\n",
        b"protocol=https\nhost=github.com\npath=o//r.git\n",
        b"protocol=https\nhost=github.com\npath=o/../p/r.git\n",
        b"protocol=https\nhost=github.com\npath=o/r\xff.git\n",
        b"protocol=https\nhost=github.com\npath=o/r%00.git\n",
        b"protocol=https\nhost=github.com\npath=\n",
        b"protocol=https\nhost=github.com\npath=owner\n",
        b"protocol=https\nhost=github.com\nusername=somebody\n",
        b"protocol=https\nhost=github.com\nhost=evil.example\n",
        b"protocol=https\nhost=evil.example\nhost=github.com\n",
        b"protocol=https\nhost=git\rhub.com\n",
        b"protocol=https\nhost=github.com\0\n",
        b"protocol=https\nhost=\xff\xfe\n",
        b"protocol=https\nhost=github.com\nno equals sign\n",
        b"url=https://github.com@evil.example/o/r\n",
        b"\xef\xbb\xbfprotocol=https\nhost=github.com\n",
    ];
    for input in table {
        for operation in ["get", "store", "erase"] {
            let output = sandbox.helper(&[operation]).stdin(input).run();
            assert!(
                output.status == 0 && output.stdout.is_empty() && output.stderr.is_empty(),
                "{operation} {:?}: {output:?}",
                String::from_utf8_lossy(input)
            );
        }
    }
}

#[test]
fn lines_and_inputs_of_a_mebibyte_are_not_requests() {
    let sandbox = Sandbox::new();
    let long = [b"protocol=https\nhost=github.com\npath=".as_slice(), &vec![b'a'; 1 << 20], b"\n"].concat();
    let many = [REQUEST.as_bytes(), &b"x=y\n".repeat(1 << 19)].concat();
    for input in [long, many, vec![b'='; 3 << 20], vec![0; 1 << 20]] {
        sandbox.helper(&["get"]).stdin(&input).run().expect(0, "", "");
    }
}

#[test]
fn the_spellings_that_mean_our_host_are_answered() {
    let (broker, token) = serving();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    for input in [
        "protocol=https\nhost=GitHub.COM\npath=O/R\n",
        "protocol=https\r\nhost=github.com\r\n\r\n",
        "protocol=https\nhost=github.com:443\npath=o/r.git\n",
        "protocol=https\nhost=github.com\nusername=\n",
        "protocol=https\nhost=github.com\nusername=x-access-token\npath=o/r.wiki.git\n",
        "protocol=https\nhost=github.com\npath=o/r.git/info/lfs\nwwwauth[]=Basic realm=\"GitHub\"\n",
        "protocol=https\nhost=github.com\npath=o/r.git?x=1",
        "url=https://github.com/o/r.git\n",
        "capability[]=unknown\nstate[]=other:1\nprotocol=https\nhost=github.com\nnew_key=1\n\nignored",
    ] {
        assert_eq!(password(&sandbox.helper(&["get"]).stdin(input).run()), token, "{input:?}");
    }
}

/// Placeholder user names, in the forms that people write.
const PLACEHOLDERS: [&str; 8] =
    ["x-access-token", "git", "Git", "oauth2", "OAUTH2", "x-oauth-basic", "token", "Token"];

#[test]
fn placeholder_user_names_are_ours_and_repeated_also_from_a_url() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let run = |operation: &str, input: &str| sandbox.helper(&[operation]).stdin(input).run();
    for name in PLACEHOLDERS {
        let fields = format!("{REQUEST}path=o/r\nusername={name}\n");
        for input in [&fields, &format!("url=https://{name}@github.com/o/r\n")] {
            let output = run("get", input);
            assert_eq!(attribute(&output, "username"), Some(name), "{input:?}: {}", output.stderr);
            let token = password(&output);
            run("store", &format!("{fields}password={token}\n")).expect(0, "", "");
            assert_eq!(password(&run("get", input)), token, "{name}: cached");
            run("erase", &format!("{input}password={token}\n")).expect(0, "", "");
            assert_ne!(password(&run("get", input)), token, "{name}: evicted");
        }
    }
}

#[test]
fn a_persons_user_name_is_not_ours_in_any_operation() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let run = |operation: &str, input: &str| sandbox.helper(&[operation]).stdin(input).run();
    let token = password(&run("get", REQUEST));
    for name in ["me", "github", "git2", "oauth", "x-access-token2", "token-bot"] {
        for input in [format!("{REQUEST}username={name}\n"), format!("url=https://{name}@github.com\n")] {
            run("get", &input).expect(0, "", "");
            run("store", &format!("{input}password={token}\n")).expect(0, "", "");
            run("erase", &format!("{input}password={token}\n")).expect(0, "", "");
            run("erase", &input).expect(0, "", "");
        }
    }
    assert_eq!(password(&run("get", REQUEST)), token, "no such erase is about our token");
}

#[test]
fn capability_lists_what_is_used_and_unknown_operations_are_silent() {
    let sandbox = Sandbox::new();
    sandbox.helper(&["capability"]).run().expect(0, "version 0\ncapability authtype\ncapability state\n", "");
    sandbox.helper(&["renew"]).stdin(REQUEST).run().expect(0, "", "");
    sandbox.helper(&["--owner", "acme", "renew"]).stdin(REQUEST).run().expect(0, "", "");
}

#[test]
fn erase_evicts_only_the_matching_password_and_the_next_get_asks_for_a_new_token() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let get = || password(&sandbox.helper(&["get"]).stdin(REQUEST).run());
    let erase =
        |extra: &str| sandbox.helper(&["erase"]).stdin(format!("{REQUEST}{extra}")).run().expect(0, "", "");
    let first = get();
    erase("password=another\n");
    erase("username=somebody\n");
    assert_eq!(get(), first);
    erase(&format!("username=x-access-token\npassword={first}\n"));
    let second = get();
    assert_ne!(second, first);
    assert_eq!(broker.requests()[1].header("cache-control"), Some("no-cache"), "a broker must not repeat it");
    erase("");
    assert_ne!(get(), second, "without a password the rest has to match");
    assert_eq!(broker.requests().len(), 3);
}

#[test]
fn an_erase_of_another_helpers_credential_is_not_about_our_token() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let get = || password(&sandbox.helper(&["get"]).stdin(REQUEST).run());
    let token = get();
    // As git tells all helpers of a header that one of them gave and the host refused.
    for path in ["", "path=o/r\n"] {
        let input = format!("capability[]=authtype\nauthtype=Bearer\ncredential=refused\n{REQUEST}{path}");
        sandbox.helper(&["erase"]).stdin(input).run().expect(0, "", "");
        assert_eq!(get(), token);
    }
}

#[test]
fn a_path_that_is_not_a_repository_is_not_ours_whatever_installation_is_configured() {
    let broker = fresh_tokens();
    let (github, app) = app_sandbox();
    let installed = Sandbox::new();
    configure_app(&installed, &github);
    installed.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    let fixed = broker_sandbox(&broker.url(), "bearer");
    fixed.set_env("GITHUB_APP_HOST", github.url());
    for path in [
        "",
        "/",
        "octo-org",
        "octo-org/",
        "octo-org//hello",
        "octo-org/./hello",
        "octo-org/../hello",
        "./hello",
    ] {
        for (sandbox, owner) in [(&app, false), (&app, true), (&installed, false), (&fixed, false)] {
            let owner = if owner { &["--owner=octo-org"][..] } else { &[] };
            for operation in ["get", "store", "erase"] {
                let run = sandbox.helper(&[owner, &[operation]].concat()).stdin(request_for(&github, path));
                run.run().expect(0, "", "");
            }
        }
    }
    assert_eq!((github.api_requests().len(), broker.requests().len()), (0, 0));
}

#[test]
fn two_fresh_tokens_refused_in_a_row_stop_minting_until_one_is_stored() {
    let broker = fresh_tokens();
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let get = || sandbox.helper(&["get"]).stdin(REQUEST).run();
    let tell = |operation: &str, token: &str| {
        let input = format!("{REQUEST}username=x-access-token\npassword={token}\n");
        sandbox.helper(&[operation]).stdin(input).run().expect(0, "", "");
    };
    tell("erase", &password(&get()));
    let second = password(&get());
    tell("erase", &second);
    let stopped = get();
    assert_eq!((stopped.status, stopped.stdout.as_str()), (0, "quit=1\n"));
    assert!(
        stopped.stderr.contains("the last 2 new tokens were refused by the git host"),
        "{}",
        stopped.stderr
    );
    assert_eq!(broker.requests().len(), 2);
    tell("store", &second);
    password(&get());
    assert_eq!(broker.requests().len(), 3);
}
