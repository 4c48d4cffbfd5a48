//! What other programs are told: no secret among their arguments, and in their environment only what they need.

use std::fs;
use std::path::Path;

use super::hunt::Hunt;
use crate::common::Cloud;
use crate::support::inherited::directory;
use crate::support::keys::app_key_pem;
use crate::support::sandbox::Sandbox;
use crate::support::tokens::random_text;

const PROGRAMS: [&str; 5] = ["gh", "git", "crontab", "systemctl", "recorded"];

/// What the programs of other people do here, after they have written down what they were told.
const GH: &str = r#"case "$1 $2" in
'--version ') echo 'gh version 2.60.0 (2024-11-01)' ;;
'auth login') umask 077; mkdir -p "$GH_CONFIG_DIR"; cat > "$GH_CONFIG_DIR/hosts.yml" ;;
'auth token') cat "$GH_CONFIG_DIR/hosts.yml" ;;
esac"#;

/// Puts programs on the `PATH` that record their arguments and their environment.
fn record(sandbox: &Sandbox, records: &Path) {
    let path = std::env::var("PATH").expect("PATH is set");
    let real = |name: &str| {
        let mut places = std::env::split_paths(&path).map(|dir| dir.join(name));
        let real = places.find(|file| file.is_file()).unwrap_or_else(|| "/bin/true".into());
        format!("exec {} \"$@\"", real.display())
    };
    for name in PROGRAMS {
        let act = match name {
            "gh" => GH.to_owned(),
            "crontab" | "systemctl" => "cat > /dev/null".to_owned(),
            "recorded" => "cat \"$RECORDED\" 2> /dev/null || true".to_owned(),
            name => real(name),
        };
        let place = records.display();
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\" >> {place}/{name}.arguments\nenv >> {place}/{name}.environment\n{act}\n"
        );
        sandbox.write_script(&format!("bin/{name}"), script);
    }
    sandbox.set_env("PATH", format!("{}:{path}", sandbox.path().join("bin").display()));
}

fn recorded(records: &Path, name: &str, what: &str) -> Vec<u8> {
    fs::read(records.join(format!("{name}.{what}"))).unwrap_or_default()
}

#[test]
fn programs_are_told_no_secret_that_they_do_not_need() {
    let place = Cloud::new();
    let (sandbox, records) = (&place.sandbox, directory("github-app-records-"));
    let (bearer, job, key) = (random_text(40), random_text(40), sandbox.path().join("app.pem"));
    record(sandbox, records.path());
    sandbox.remove_env("GITHUB_APP_PRIVATE_KEY_FILE");
    sandbox.set_env("GITHUB_APP_OWNER", "octo-org");
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN", &bearer);
    sandbox.set_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &job);
    let in_environment = ("GITHUB_APP_PRIVATE_KEY", app_key_pem().replace('\n', "\\n"));
    let by_command = ("GITHUB_APP_PRIVATE_KEY_COMMAND", format!("RECORDED={} recorded", key.display()));
    let signing = format!("recorded; openssl dgst -sha256 -sign {}", key.display());
    let by_signing = ("GITHUB_APP_SIGN_COMMAND", signing);
    for (name, value) in [in_environment, by_command, by_signing] {
        for args in [
            &["token"][..],
            &["refresh", "--gh"],
            &["exec", "--with-secrets", "--", "recorded"],
            &["setup", "--identity", "--timer", "cron"],
            &["setup", "--undo"],
            &["setup", "--timer", "systemd", "--gh"],
            &["setup", "--undo"],
            &["doctor"],
            &["revoke", "--all"],
        ] {
            sandbox.helper(args).env(name, &value).run();
        }
    }
    let mut hunt = Hunt::default();
    hunt.add("bearer", &bearer);
    hunt.add("job's secret", &job);
    hunt.add_key(app_key_pem());
    place.github.minted_tokens().iter().for_each(|token| hunt.add_token(token));
    for seen in place.github.api_requests() {
        if let Some(jwt) = seen.header("authorization").and_then(|sent| sent.strip_prefix("Bearer eyJ")) {
            hunt.add_jwt(jwt);
        }
    }
    for name in PROGRAMS {
        let kinds = hunt.kinds_in(&recorded(records.path(), name, "arguments"));
        assert!(kinds.is_empty(), "{kinds:?} among the arguments of {name}");
        let kinds = hunt.kinds_in(&recorded(records.path(), name, "environment"));
        // `exec`'s command gets a token and, where asked for, keeps the environment as it was; a command of the settings
        // keeps it in any case.
        let rightful = name == "recorded";
        assert!(rightful || kinds.is_empty(), "{kinds:?} in the environment of {name}");
        assert!(
            !rightful || kinds.len() == 4,
            "only {kinds:?} in the environment of the user's own commands"
        );
        let ran = !recorded(records.path(), name, "arguments").is_empty();
        assert!(ran, "{name} was run");
    }
}
