//! Keys that are kept by other programs: the README's examples with stand-ins that want what the real tools want, and
//! commands that are slow, fail or print the wrong thing.

use std::path::Path;

use crate::common::{app_sandbox, message};
use crate::support::github::{LoopbackGitHub, Options};
use crate::support::keys::{app_key_pem, other_key_pem, pkcs8_pem};
use crate::support::sandbox::Sandbox;

const README: &str = include_str!("../README.md");

/// Each stand-in checks its arguments and then does with openssl what the service would do with its key.
const STAND_INS: [(&str, &str); 6] = [
    (
        "aws",
        r#"[ "$1 $2" = 'kms sign' ]; has '--signing-algorithm RSASSA_PKCS1_V1_5_SHA_256'; has '--message-type RAW'
has '--message fileb:///dev/stdin'; has '--query Signature'; has '--output text'
openssl dgst -sha256 -sign "$KEY" | base64 -w0; echo"#,
    ),
    (
        "gcloud",
        r#"[ "$1 $2" = 'kms asymmetric-sign' ]; has '--digest-algorithm=sha256'; has '--version=1'
has '--input-file=/dev/stdin'; has '--signature-file=-'
openssl dgst -sha256 -sign "$KEY""#,
    ),
    (
        "az",
        r#"[ "$1" = rest ]; has '--method post'; has '--resource https://vault.azure.net'; has '--query value'
has '--output tsv'; body=${all#*--body }; body=${body%% --query*}
digest=${body#'{"alg":"RS256","value":"'}; digest=${digest%'"}'}
[ "${#digest}" = 43 ]
printf '%s=' "$digest" | tr -- '-_' '+/' | base64 -d |
    openssl pkeyutl -sign -inkey "$KEY" -pkeyopt digest:sha256 | base64 -w0 | tr '+/' '-_' | tr -d =; echo"#,
    ),
    (
        "vault",
        r#"[ "$1 $2" = 'write -field=signature' ]; has 'transit/sign/github-app/sha2-256'
has 'signature_algorithm=pkcs1v15'; has 'input=-'
printf 'vault:v3:'; base64 -d | openssl dgst -sha256 -sign "$KEY" | base64 -w0"#,
    ),
    ("op", r#"[ "$1 $2" = 'read op://Bots/GitHub App/private key' ]; cat "$KEY""#),
    ("pass", r#"[ "$1 $2" = 'show github-app/private-key' ]; cat "$KEY""#),
];

fn stand_ins(sandbox: &Sandbox) {
    for (name, body) in STAND_INS {
        let checks =
            "all=$*; has() { case \" $all \" in *\" $1 \"*) ;; *) echo \"no $1\" >&2; exit 9;; esac; }";
        sandbox.write_script(&format!("bin/{name}"), format!("#!/bin/sh\nset -e\n{checks}\n{body}\n"));
    }
    let path = std::env::var("PATH").expect("PATH is set");
    sandbox.set_env("PATH", format!("{}:{path}", sandbox.path().join("bin").display()));
    sandbox.set_env("KEY", sandbox.write_private("kms.pem", app_key_pem()));
}

#[test]
fn every_example_of_a_key_kept_elsewhere_mints_a_token() {
    let issuers = vec!["Iv23liExample".to_owned()];
    let github = LoopbackGitHub::start(Options { issuers, ..Options::default() });
    github.add_installation(7, "octo-org");
    let sandbox = Sandbox::new();
    stand_ins(&sandbox);
    sandbox.set_env("GITHUB_APP_HOST", github.url());
    let blocks = README.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let examples: Vec<&str> = blocks.filter(|block| block.contains("_command = ")).collect();
    for (name, _) in STAND_INS {
        let calling =
            |example: &&&str| example.lines().any(|line| line.split([' ', '"']).any(|word| word == name));
        let example = examples.iter().find(calling).unwrap_or_else(|| panic!("an example with {name}"));
        let file = sandbox.write("config.toml", example);
        let args = ["--no-cache", "--config", &file.to_string_lossy(), "token"];
        let output = sandbox.helper(&args).run();
        assert_eq!((output.status, output.stderr.as_str()), (0, ""), "{name}");
        assert!(github.live_tokens().contains(&output.stdout.trim().to_owned()), "{name}");
    }
    assert_eq!(examples.len(), STAND_INS.len(), "each example is tried");
}

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
