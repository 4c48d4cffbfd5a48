//! Keys that are kept by other programs: commands that are slow, fail or print the wrong thing.

use std::path::Path;

use crate::common::{app_sandbox, message};
use crate::support::keys::{app_key_pem, other_key_pem, pkcs8_pem};
use crate::support::needs::OPENSSL;

#[test]
fn a_key_that_was_flattened_on_its_way_is_read_from_variable_file_and_command() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let (github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_INSTALLATION_ID", "7");
    sandbox.set_env("GITHUB_APP_VERIFY", "0");
    sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
    let mut mints = 0;
    for pem in [app_key_pem().to_owned(), pkcs8_pem()] {
        for (name, text) in [
            ("blanks", pem.replace('\n', " ")),
            ("nothing", pem.replace('\n', "")),
            ("doubled and CRLF", pem.replace('\n', "\r\n\r\n")),
            ("escaped twice, in quotes", format!("\"{}\"", pem.replace('\n', "\\\\n"))),
            ("base64 of tabs", STANDARD.encode(pem.replace('\n', "\t"))),
        ] {
            let file = sandbox.write_private("flat.pem", &text).display().to_string();
            for (variable, value) in [
                ("GITHUB_APP_PRIVATE_KEY", text.as_str()),
                ("GITHUB_APP_PRIVATE_KEY_FILE", &file),
                ("GITHUB_APP_PRIVATE_KEY_COMMAND", &format!("cat '{file}'")),
            ] {
                let output = sandbox.helper(&["--no-cache", "token"]).env(variable, value).run();
                assert_eq!(output.success().stderr, "", "{name} by {variable}");
                mints += 1;
            }
        }
    }
    assert_eq!(github.mints(), mints);
}

#[test]
fn a_slow_command_is_waited_for_within_the_timeout() {
    if !OPENSSL.is_met() {
        return;
    }
    let (github, sandbox) = app_sandbox();
    let key = sandbox.path().join("app.pem");
    let sign = |key: &Path| format!("sleep 0.3; openssl dgst -sha256 -sign '{}'", key.display());
    sandbox.helper(&["--sign-command", &sign(&key), "token"]).run().success();
    assert_eq!(github.mints(), 1);
    let output =
        sandbox.helper(&["--no-cache", "--timeout=200ms", "--sign-command", &sign(&key), "token"]).run();
    output.fails_with(5);
    assert_eq!(message(&output), "look up the App's installations: the sign command did not end in time");
}

#[test]
fn a_command_may_talk_on_stderr_and_its_output_is_never_shown() {
    let (_github, sandbox) = app_sandbox();
    for option in ["--private-key-command", "--sign-command"] {
        let output =
            sandbox.helper(&["-v", option, "echo touch the token >&2; echo sentinel", "token"]).run();
        output.fails_with(3);
        assert!(output.stderr.contains("touch the token\n"), "{}", output.stderr);
        assert!(!output.stderr.contains("sentinel"), "{}", output.stderr);
    }
}

#[test]
fn a_key_of_another_app_is_named_by_its_fingerprint() {
    let (_github, sandbox) = app_sandbox();
    sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", sandbox.write_private("other.pem", other_key_pem()));
    let status = sandbox.helper(&["status"]).run();
    let print =
        status.stdout.split_whitespace().find(|word| word.starts_with("SHA256:")).expect("a fingerprint");
    let output = sandbox.helper(&["token"]).run();
    output.fails_with(4);
    let hint = format!("hint: the key in use has the fingerprint {print}, as that page shows its keys\n");
    assert!(output.stderr.ends_with(&hint), "{}", output.stderr);
}
