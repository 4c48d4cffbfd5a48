//! `setup --timer`: units that systemd accepts, and a crontab line that runs with an empty environment.

use std::fs;
use std::path::PathBuf;

use crate::common::{app_sandbox, get, message};
use crate::support::github::{CLIENT_ID, LoopbackGitHub};
use crate::support::needs::SYSTEMD_ANALYZE;
use crate::support::process::Output;
use crate::support::sandbox::Sandbox;

mod trial;

/// Settings for setup as options, a crontab that is a file, and a systemctl that notes what it was asked for.
fn machine() -> (LoopbackGitHub, Sandbox) {
    let (github, sandbox) = app_sandbox();
    for name in ["GITHUB_APP_HOST", "GITHUB_APP_CLIENT_ID", "GITHUB_APP_PRIVATE_KEY_FILE"] {
        sandbox.remove_env(name);
    }
    stand_ins(&sandbox);
    (github, sandbox)
}

fn stand_ins(sandbox: &Sandbox) {
    let table = crontab(sandbox);
    sandbox.write_script(
        "bin/crontab",
        format!(
            "#!/bin/sh\ncase $1 in\n\
             -l) cat '{table}' 2>/dev/null || {{ echo 'no crontab for me' >&2; exit 1; }};;\n\
             -r) rm '{table}';;\n-) cat > '{table}';;\n*) exit 2;;\nesac\n",
            table = table.display()
        ),
    );
    let log = sandbox.path().join("systemctl.log");
    sandbox.write_script("bin/systemctl", format!("#!/bin/sh\necho \"$*\" >> '{}'\n", log.display()));
    let path = std::env::var("PATH").expect("PATH is set");
    sandbox.set_env("PATH", format!("{}:{path}", sandbox.path().join("bin").display()));
}

fn crontab(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join("crontab")
}

/// Runs the line of the crontab as cron does: with all that cron sets and nothing else, and the home that the user
/// database knows and the sandbox's shell does not.
fn by_cron(sandbox: &Sandbox) -> Output {
    let table = fs::read_to_string(crontab(sandbox)).expect("a crontab");
    let line = table.lines().find(|line| line.contains(" # git-credential-github-app: ")).expect("our line");
    let command = line.splitn(6, ' ').last().expect("a command").replace("\\%", "%");
    let known = sandbox.command("sh", &["-c", "getent passwd \"$(id -u)\" | cut -d: -f6"]).run();
    let known = known.stdout.trim();
    let home = if known.is_empty() { sandbox.home().display().to_string() } else { known.to_owned() };
    let home = format!("HOME={home}");
    let own = [&home, "LOGNAME=me", "SHELL=/bin/sh", "PATH=/usr/bin:/bin"];
    sandbox.command("/usr/bin/env", &[&["-i"], &own[..], &["/bin/sh", "-c", &command]].concat()).run()
}

fn setup(sandbox: &Sandbox, github: &LoopbackGitHub, more: &[&str]) -> Output {
    let host = format!("--host={}", github.url());
    let id = format!("--app-id={CLIENT_ID}");
    let args = [&[host.as_str(), id.as_str(), "--private-key-file=app.pem", "setup"], more].concat();
    sandbox.helper(&args).run()
}

#[test]
fn cron_gets_one_marked_line_that_runs_with_an_empty_environment() {
    let (github, sandbox) = machine();
    let before = "# mine\nMAILTO=me\n0 1 * * * true\n";
    fs::write(crontab(&sandbox), before).expect("a file of ours");
    let output = setup(&sandbox, &github, &["--timer=cron"]);
    assert_eq!(output.success().stderr, "");
    let works = "ok    timer: its command works in the timer's own environment\n";
    assert!(output.stdout.contains(works), "{}", output.stdout);
    let table = fs::read_to_string(crontab(&sandbox)).expect("a crontab");
    let line = table.strip_prefix(before).expect("the other lines stay").trim_end_matches('\n');
    assert!(!line.contains('\n') && output.stdout.contains(line), "{}", output.stdout);
    let marker = format!(" # git-credential-github-app: {}", github.host());
    assert!(line.ends_with(&marker), "{line}");
    let minutes: Vec<u8> =
        line.split(' ').next().expect("minutes").split(',').map(|m| m.parse().expect("a number")).collect();
    assert_eq!(minutes[1], minutes[0] + 30);
    setup(&sandbox, &github, &["--timer=cron"]).success();
    assert_eq!(
        fs::read_to_string(crontab(&sandbox)).expect("a crontab"),
        table,
        "twice is once, at the same minute"
    );

    github.set_token_life(600);
    get(&sandbox, &github, "octo-org/hello").success();
    github.set_token_life(3600);
    by_cron(&sandbox).expect(0, "", "");
    assert_eq!(github.mints(), 2, "the token with ten minutes left was renewed");

    sandbox.helper(&["setup", "--undo"]).run().success();
    assert_eq!(fs::read_to_string(crontab(&sandbox)).expect("a crontab"), before);
    fs::remove_file(crontab(&sandbox)).expect("a file of ours");
    setup(&sandbox, &github, &["--timer=cron"]).success();
    sandbox.helper(&["setup", "--undo"]).run().success();
    assert!(!crontab(&sandbox).exists(), "a crontab that setup has made is removed");
}

#[test]
fn systemd_accepts_the_units_and_undo_removes_them() {
    let (github, sandbox) = machine();
    let xdg = sandbox.path().join("xdg");
    sandbox.set_env("XDG_CONFIG_HOME", &xdg);
    let output = setup(&sandbox, &github, &["--timer=systemd"]);
    assert_eq!(output.success().stderr, "");
    let name = format!("git-credential-github-app-refresh-{}", github.host().replace(':', "-"));
    let units = xdg.join("systemd/user");
    let service = units.join(format!("{name}.service"));
    let timer = units.join(format!("{name}.timer"));
    let text = fs::read_to_string(&service).expect("a unit");
    let binary = sandbox.binary().display();
    for line in [
        format!("ExecStart=\"{binary}\" \"refresh\" \"--all\" \"--timeout\" \"60s\"\n"),
        "Type=oneshot\n".to_owned(),
        "TimeoutStartSec=120\n".to_owned(),
        // Only this shell knows where its settings are.
        format!("Environment=\"XDG_CONFIG_HOME={}\"\n", xdg.display()),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    let text = fs::read_to_string(&timer).expect("a unit");
    for line in
        ["OnCalendar=*:00/30\n", "Persistent=true\n", "RandomizedDelaySec=120\n", "WantedBy=timers.target\n"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    if SYSTEMD_ANALYZE.is_met() {
        let files = [service.to_string_lossy(), timer.to_string_lossy()];
        let check = sandbox.command("systemd-analyze", &["--man=no", "verify", &files[0], &files[1]]).run();
        assert!(!check.stderr.contains(&name), "{}", check.stderr);
    }
    let log = sandbox.path().join("systemctl.log");
    let asked = fs::read_to_string(&log).expect("systemctl was run");
    let enable = format!("--user --no-ask-password enable --now {name}.timer\n");
    assert_eq!(asked, format!("--user --no-ask-password daemon-reload\n{enable}"));
    assert!(output.stdout.contains(&format!("enabled {name}.timer\n")), "{}", output.stdout);
    let undo = sandbox.helper(&["setup", "--undo"]).run();
    for line in [
        format!("disabled {name}.timer\nremoved {}\nremoved {}\n", timer.display(), service.display()),
        format!("removed the directory {}\n", units.display()),
    ] {
        assert!(undo.success().stdout.contains(&line), "{line}: {}", undo.stdout);
    }
    assert!(!xdg.exists(), "all that was made is gone");
    assert!(fs::read_to_string(&log).expect("a log").ends_with(&format!("disable --now {name}.timer\n")));
}

#[test]
fn a_task_of_windows_is_refused_elsewhere_before_anything_is_written() {
    let (github, sandbox) = machine();
    let output = setup(&sandbox, &github, &["--timer=schtasks"]);
    output.expect(
        2,
        "",
        "git-credential-github-app: there is no Task Scheduler on this system\n\
         hint: use --timer systemd or --timer cron\n",
    );
    assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), "");
}

#[test]
fn an_unreachable_systemd_is_reported_and_is_not_a_failure() {
    let (github, sandbox) = machine();
    sandbox.write_script("bin/systemctl", "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n");
    let output = setup(&sandbox, &github, &["--timer=systemd"]);
    assert_eq!(output.success().stderr, "");
    let said = "warn  timer: systemd could not be reached, so it is not enabled\n      \
                hint: systemctl --user daemon-reload && systemctl --user enable --now ";
    assert!(output.stdout.contains(said), "{}", output.stdout);
    assert!(!output.stdout.contains("enabled git"), "{}", output.stdout);
    sandbox.helper(&["setup", "--undo"]).run().success();
}

#[test]
fn a_crontab_that_cannot_be_changed_ends_setup_and_what_came_before_is_on_record() {
    let (github, sandbox) = machine();
    sandbox.write_script("bin/crontab", "#!/bin/sh\necho 'you are not allowed' >&2\nexit 1\n");
    let output = setup(&sandbox, &github, &["--timer=cron"]);
    output.fails_with(1);
    assert_eq!(message(&output), "set up the crontab: crontab -l: you are not allowed");
    sandbox.helper(&["setup", "--undo"]).run().success();
    assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), "", "what came before it is undone");
}

#[test]
fn what_would_be_a_line_of_its_own_is_refused_before_anything_is_written_or_shown() {
    let (github, sandbox) = machine();
    let evil = format!("{}/x\n* * * * * /bin/evil\nExecStartPre=/bin/evil", sandbox.path().display());
    let copy = std::path::Path::new(&evil).join("bin/git-credential-github-app");
    fs::create_dir_all(copy.parent().expect("a directory")).expect("a new directory");
    assert!(
        std::process::Command::new("cp").arg(sandbox.binary()).arg(&copy).status().expect("cp").success()
    );
    let (host, id) = (format!("--host={}", github.url()), format!("--app-id={CLIENT_ID}"));
    let settings = [host.as_str(), &id, "--private-key-file=app.pem"];
    let path = format!("{}:{evil}", sandbox.env()[std::ffi::OsStr::new("PATH")].to_string_lossy());
    let (config, file) = (format!("--config={evil}"), format!("--file={evil}"));
    let none = ("LC_ALL", "C");
    for (what, program, args, (name, value), status) in [
        ("option --config: this is a text of several lines", None, &[config.as_str()][..], none, 2),
        (
            "environment variable GITHUB_APP_CONFIG: this is a text of several lines",
            None,
            &[],
            ("GITHUB_APP_CONFIG", &evil),
            3,
        ),
        ("the settings file's path holds", None, &[], ("XDG_CONFIG_HOME", &evil), 3),
        ("the settings file's path holds", None, &[], ("HOME", &evil), 3),
        ("the path of git's configuration holds", None, &[file.as_str()], none, 3),
        ("the path of git's configuration holds", None, &[], ("GIT_CONFIG_GLOBAL", &evil), 3),
        ("this program's path holds", Some(&copy), &[], none, 3),
        ("PATH holds", None, &["--gh"], ("PATH", &path), 3),
    ] {
        for kind in ["--timer=systemd", "--timer=cron"] {
            for print in [&["--print"][..], &[]] {
                let args = [&settings[..], &["setup", kind], args, print].concat();
                let program = program.map_or(sandbox.binary(), |program| program.as_path());
                let output = sandbox.command(program, &args).env(name, value).run();
                assert_eq!(
                    (output.status, output.stdout.as_str()),
                    (status, ""),
                    "{what}: {}",
                    output.stderr
                );
                assert!(message(&output).starts_with(what), "{what}: {}", output.stderr);
                assert!(!output.stderr.contains("evil"), "{}", output.stderr);
            }
        }
    }
    assert!(!crontab(&sandbox).exists() && !sandbox.path().join("systemctl.log").exists());
    let written = crate::support::sandbox::files_below(&sandbox.home());
    assert_eq!(written, [] as [PathBuf; 0]);
    assert_eq!(fs::read_to_string(sandbox.gitconfig()).expect("a file"), "");
}
