//! Settings files that another user can change, and that could name commands to run.

use std::fs;
use std::path::Path;

use crate::common::{REQUEST, message};
use crate::support::sandbox::Sandbox;
use crate::support::users::{Common, User, give, mode, victim_and_attacker};

/// Settings whose command leaves a mark.
fn settings(mark: &Path) -> String {
    format!("app_id = \"1\"\ninstallation_id = 1\nprivate_key_command = \"touch '{}'\"\n", mark.display())
}

#[test]
fn a_settings_file_of_another_user_is_refused_and_its_command_is_not_run() {
    let Some((victim, attacker)) = victim_and_attacker() else { return };
    let common = Common::new();
    let home = common.sandbox_of(victim);
    let mark = home.home().join("mark");
    let default = home.home().join(".config/git-credential-github-app/config.toml");
    fs::create_dir_all(default.parent().expect("a directory")).expect("a directory of ours");
    let named = common.directory("shared", 0o1777).join("config.toml");
    for (file, option) in [(&default, None), (&named, Some(named.to_string_lossy().into_owned()))] {
        fs::write(file, settings(&mark)).expect("a file of ours");
        let run = |args: &[&str]| {
            let run = victim.run(&home, common.binary(), args).stdin(REQUEST);
            option.iter().fold(run, |run, path| run.env("GITHUB_APP_CONFIG", path)).run()
        };
        for bits in [0o644, 0o600, 0o444, 0o666] {
            give(file, attacker);
            mode(file, bits);
            if bits & 0o044 == 0 {
                // It cannot even be read.
                run(&["token"]).fails_with(3);
                continue;
            }
            let output = run(&["token"]);
            output.fails_with(3);
            let cause =
                format!("settings file {}: it belongs to another user (user ID 65534)", file.display());
            assert_eq!(message(&output), cause);
            assert!(
                output.stderr.contains("\nhint: make a copy of your own, or: chown "),
                "{}",
                output.stderr
            );
            assert_eq!(run(&["get"]).stdout, "quit=1\n");
        }
        for args in [&["doctor"][..], &["refresh"], &["setup", "--margin=5m"], &["exec", "true"]] {
            assert_ne!(run(args).status, 0, "{args:?}");
        }
        assert!(!mark.exists(), "nothing of it was run");
        // Root may configure every user, and each user only themselves.
        for user in [None, Some(victim)] {
            std::os::unix::fs::chown(file, Some(user.map_or(0, User::id)), None).expect("root gives");
            mode(file, 0o644);
            run(&["token"]).fails_with(3);
            assert!(mark.exists(), "it is believed");
            fs::remove_file(&mark).expect("a file of ours");
        }
        fs::remove_file(file).expect("a file of ours");
    }
}

#[test]
fn a_settings_file_that_others_may_change_is_refused_with_the_command_that_fixes_it() {
    let sandbox = Sandbox::new();
    let mark = sandbox.path().join("mark");
    let file = sandbox.write_private("config.toml", settings(&mark));
    sandbox.set_env("GITHUB_APP_CONFIG", &file);
    for (bits, good) in
        [(0o600, true), (0o640, true), (0o644, true), (0o664, false), (0o622, false), (0o666, false)]
    {
        mode(&file, bits);
        let output = sandbox.helper(&["token"]).run();
        output.fails_with(3);
        assert_eq!(mark.exists(), good, "{bits:o}");
        let _ = fs::remove_file(&mark);
        if !good {
            let shown = file.display();
            let lines = format!(
                "git-credential-github-app: settings file {shown}: others may change it (mode {bits:03o})\n\
                 hint: chmod go-w {shown}\n"
            );
            output.expect(3, "", &lines);
            let status = sandbox.helper(&["status"]).run();
            assert_eq!((status.status, status.stderr.as_str()), (3, lines.as_str()));
            assert!(status.stdout.contains("problem: settings file "), "{}", status.stdout);
        }
    }
    let nothing = sandbox.helper(&["token"]).env("GITHUB_APP_CONFIG", "/dev/null").run();
    assert_eq!(message(&nothing), "no token source is configured", "a device without a word is harmless");
}

#[test]
fn a_bearer_file_that_others_may_change_is_refused() {
    let sandbox = Sandbox::new();
    let file = sandbox.write_private("bearers", format!("admin sha256:{}\n", "0".repeat(64)));
    mode(&file, 0o666);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--bearer-file", "bearers"];
    let output = sandbox.helper(&serve).run();
    output.fails_with(3);
    assert!(message(&output).contains("others may change it (mode 666)"), "{}", output.stderr);
}
