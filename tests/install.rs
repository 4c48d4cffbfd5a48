//! `install.sh`, the real script: its files go below a prefix, no other files are touched, and nothing is left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::process::{Output, Run};
use crate::support::sandbox::Sandbox;

mod build;
mod git;
mod paths;
mod release;
mod trouble;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh");
const BINARY: &str = "bin/git-credential-github-app";
const MANUAL: &str = "share/man/man1/git-credential-github-app.1";
const ZSH: &str = "share/zsh/site-functions/_git-credential-github-app";
const FILES: [&str; 5] = [
    BINARY,
    MANUAL,
    "share/bash-completion/completions/git-credential-github-app",
    ZSH,
    "share/fish/vendor_completions.d/git-credential-github-app.fish",
];
const MANIFEST: &str = "share/git-credential-github-app/manifest";
const NEXT: &str = "next: git-credential-github-app setup --help\n";

/// Where a sandbox's script installs unless told otherwise; not there at first.
fn prefix(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join("not there/a prefix")
}

/// A sandbox with a program that stands in for the binary, whose `bin` is on PATH.
fn sandbox(version: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.set_env("PREFIX", prefix(&sandbox));
    put_on_path(&sandbox, &prefix(&sandbox).join("bin"));
    stand_in(&sandbox, version);
    sandbox
}

fn put_on_path(sandbox: &Sandbox, dir: &Path) {
    let path = std::env::var("PATH").expect("PATH is set");
    sandbox.set_env("PATH", format!("{}:{path}", dir.display()));
}

fn stand_in(sandbox: &Sandbox, version: &str) -> PathBuf {
    let script = format!(
        "#!/bin/sh\ncase $1 in\n--version) echo 'stand-in {version}' ;;\ncompletions) echo \"$2 {version}\" ;;\n\
         setup) printf '<%s>' \"$@\" && exit 7 ;;\nesac\n"
    );
    sandbox.write_script("stand in", script)
}

/// Prepares the script with the stand-in.
fn script(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.command(SCRIPT, &[&["--binary", "stand in"], args].concat())
}

fn uninstall(sandbox: &Sandbox, args: &[&str]) -> Output {
    sandbox.command(SCRIPT, &[&["--uninstall"], args].concat()).run()
}

/// What the script says when all is in place, apart from hints.
fn installed(version: &str, prefix: &Path) -> String {
    format!("installed {version} below {}:\n  {}\n", prefix.display(), FILES.join("\n  "))
}

fn uninstalled(sandbox: &Sandbox) -> String {
    format!("uninstalled git-credential-github-app from {}\n", prefix(sandbox).display())
}

/// Everything below a directory, with modes and contents; directories and links have none.
fn listing(dir: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.expect("a readable directory").path();
        let kind = fs::symlink_metadata(&path).expect("it is there");
        if kind.is_dir() {
            all.extend(listing(&path));
        }
        let content = if kind.is_file() { fs::read(&path).expect("a readable file") } else { Vec::new() };
        all.insert(path, (kind.permissions().mode() & 0o7777, content));
    }
    all
}

/// The files below the prefix.
fn files(sandbox: &Sandbox) -> BTreeSet<PathBuf> {
    listing(&prefix(sandbox)).into_keys().filter(|path| !path.is_dir()).collect()
}

/// Everything in the sandbox: what the script leaves anywhere shows in a comparison.
fn snapshot(sandbox: &Sandbox) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    listing(sandbox.path())
}

#[test]
fn binary_manual_page_and_completions_are_installed_below_a_prefix_with_a_space() {
    let sandbox = sandbox("1");
    let prefix = prefix(&sandbox);
    let line = crate::common::version_line(&sandbox);
    let version = line.trim_end();
    let output = sandbox.command(SCRIPT, &["--binary"]).arg(sandbox.binary()).run();
    output.expect(0, &(installed(version, &prefix) + NEXT), "");
    let expected: BTreeSet<_> = FILES.iter().chain([&MANIFEST]).map(|file| prefix.join(file)).collect();
    assert_eq!(files(&sandbox), expected);
    let all = listing(&prefix);
    for path in expected {
        let (mode, content) = &all[&path];
        assert_eq!(*mode, if path.ends_with(BINARY) { 0o755 } else { 0o644 }, "{}", path.display());
        assert!(!content.is_empty(), "{}", path.display());
    }
    assert_eq!(all[&prefix.join(MANUAL)].1, include_bytes!("../man/git-credential-github-app.1"));
    sandbox.command(prefix.join(BINARY), &["--version"]).run().expect(0, &line, "");
    assert!(listing(&sandbox.path().join("tmp")).is_empty(), "no temporary file is left");
}

#[test]
fn uninstalling_leaves_what_was_there_before_and_may_be_repeated() {
    let sandbox = sandbox("1");
    let nothing = format!("nothing to uninstall below {}\n", prefix(&sandbox).display());
    let bare = snapshot(&sandbox);
    script(&sandbox, &[]).run().success();
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), "");
    assert_eq!(snapshot(&sandbox), bare, "directories that it made are gone, up to the first that was there");
    uninstall(&sandbox, &[]).expect(0, &nothing, "");

    sandbox.write("not there/a prefix/bin/other", "other");
    sandbox.write("not there/a prefix/share/man/man1/other.1", "other");
    fs::create_dir(prefix(&sandbox).join("share/zsh")).expect("a new directory");
    let before = snapshot(&sandbox);
    script(&sandbox, &[]).run().success();
    let late = sandbox.write("not there/a prefix/share/fish/late", "came after it");
    sandbox.write("not there/a prefix/share/git-credential-github-app/new.1/bin/x", "of one that was killed");
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), "");
    fs::remove_file(&late).and_then(|()| fs::remove_dir(late.with_file_name(""))).expect("the file is kept");
    assert_eq!(snapshot(&sandbox), before);
}

#[test]
fn an_upgrade_replaces_its_own_files_and_no_program_that_is_running() {
    let sandbox = sandbox("1");
    let before = snapshot(&sandbox);
    script(&sandbox, &[]).run().success();
    let mut running = File::open(prefix(&sandbox).join(BINARY)).expect("it is installed");
    stand_in(&sandbox, "2");
    script(&sandbox, &[]).run().expect(0, &(installed("stand-in 2", &prefix(&sandbox)) + NEXT), "");
    let mut old = String::new();
    running.read_to_string(&mut old).expect("the old file is whole");
    assert!(old.contains("stand-in 1"), "{old}");
    assert_eq!(fs::read_to_string(prefix(&sandbox).join(ZSH)).expect("it is installed"), "zsh 2\n");
    script(&sandbox, &[]).run().success();
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), "");
    stand_in(&sandbox, "1");
    assert_eq!(snapshot(&sandbox), before);
}

#[test]
fn a_file_of_someone_else_stops_it_before_anything_changes_unless_forced() {
    for file in FILES {
        let sandbox = sandbox("1");
        let foreign = sandbox.write(&format!("not there/a prefix/{file}"), "foreign");
        let before = snapshot(&sandbox);
        let refusal = format!(
            "install.sh: {} is not as this script installed it\nhint: --force replaces it\n",
            foreign.display()
        );
        script(&sandbox, &[]).run().expect(1, "", &refusal);
        assert_eq!(snapshot(&sandbox), before);
        script(&sandbox, &["--force"]).run().success();
        assert_ne!(fs::read_to_string(&foreign).expect("it is installed"), "foreign");
        uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), "");
        assert!(!foreign.exists(), "it is the script's own since");
    }
}

#[test]
fn a_link_in_the_way_is_someone_elses_even_to_a_file_of_ours() {
    let sandbox = sandbox("1");
    script(&sandbox, &[]).run().success();
    let (place, elsewhere) = (prefix(&sandbox).join(BINARY), sandbox.path().join("elsewhere"));
    fs::rename(&place, &elsewhere)
        .and_then(|()| std::os::unix::fs::symlink(&elsewhere, &place))
        .expect("ours");
    script(&sandbox, &[]).run().fails_with(1);
    script(&sandbox, &["--force"]).run().success();
    assert!(fs::symlink_metadata(&place).expect("it is installed").is_file());
    assert!(elsewhere.exists(), "the link is replaced, not what it leads to");
}

#[test]
fn a_file_that_was_changed_since_is_neither_replaced_nor_removed_unless_forced() {
    let change = |sandbox: &Sandbox| {
        script(sandbox, &[]).run().success();
        sandbox.write(&format!("not there/a prefix/{MANUAL}"), "changed")
    };
    let sandbox = sandbox("1");
    let before = snapshot(&sandbox);
    let changed = change(&sandbox);
    let refusal = script(&sandbox, &[]).run();
    assert!(refusal.fails_with(1).stderr.contains(&*changed.to_string_lossy()), "{}", refusal.stderr);
    let kept = format!(
        "install.sh: warning: kept {}, which is not as this script installed it\n",
        changed.display()
    );
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), &kept);
    assert_eq!(files(&sandbox), BTreeSet::from([changed]), "all else is gone");

    fs::remove_dir_all(sandbox.path().join("not there")).expect("a directory of ours");
    change(&sandbox);
    uninstall(&sandbox, &["--force"]).expect(0, &uninstalled(&sandbox), "");
    assert_eq!(snapshot(&sandbox), before);
}

#[test]
fn wrong_usage_is_reported_and_changes_nothing() {
    for (args, fault) in [
        (&["--frobnicate"][..], "unknown option: --frobnicate"),
        (&["somewhere"], "unknown option: somewhere"),
        (&["--prefix"], "--prefix needs a value"),
        (&["--prefix="], "--prefix needs a value"),
        (&["--prefix", ""], "--prefix needs a value"),
        (&["--prefix", "--force"], "--prefix needs a value"),
        (&["--binary"], "--binary needs a value"),
        (&["--from"], "--from needs a value"),
        (&["--binary=x", "--from=y"], "--binary and --from exclude each other"),
        (&["--uninstall", "--setup"], "--uninstall and --setup exclude each other"),
        (&["-x"], "unknown option: -x"),
    ] {
        let sandbox = sandbox("1");
        let before = snapshot(&sandbox);
        let said = format!("install.sh: {fault}\nhint: --help lists the options\n");
        script(&sandbox, args).run().expect(2, "", &said);
        assert_eq!(snapshot(&sandbox), before, "{args:?}");
    }
}

#[test]
fn help_is_the_same_by_its_short_name_and_names_every_option() {
    let sandbox = sandbox("1");
    let before = snapshot(&sandbox);
    let help = sandbox.command(SCRIPT, &["--help"]).run();
    assert_eq!(help.success().stderr, "");
    sandbox.command(SCRIPT, &["-h"]).run().expect(0, &help.stdout, "");
    for option in ["--prefix", "--binary", "--from", "--force", "--uninstall", "--setup", "-h, --help"] {
        assert!(help.stdout.contains(&format!("\n  {option} ")), "{option}: {}", help.stdout);
    }
    assert_eq!(snapshot(&sandbox), before);
}

#[test]
fn all_that_follows_setup_is_for_the_setup_command() {
    let sandbox = sandbox("1");
    let output = script(&sandbox, &["--setup", "--force", "a b", "--prefix", ""]).run();
    let said = installed("stand-in 1", &prefix(&sandbox)) + "<setup><--force><a b><--prefix><>";
    output.expect(7, &said, "");
}

#[test]
fn cargo_builds_the_checkout_and_says_where_the_binary_is() {
    let sandbox = sandbox("1");
    let built = sandbox.path().join("stand in");
    let message =
        format!("{{\"executable\":null}}\n{{\"executable\":\"{}\",\"fresh\":true}}", built.display());
    let cargo =
        format!("#!/bin/sh\npwd >&2\necho \"$CARGO_TARGET_DIR $*\" >&2\ncat <<'END'\n{message}\nEND\n");
    sandbox.write_script("tools/cargo", cargo);
    sandbox.write_script("tools/cc", "#!/bin/sh\n");
    sandbox.write_script("tools/rustc", "#!/bin/sh\necho /nowhere\n");
    put_on_path(&sandbox, &sandbox.path().join("tools"));
    let output = sandbox.command(SCRIPT, &[]).env("CARGO_TARGET_DIR", "some where").run();
    assert!(output.success().stdout.starts_with("building git-credential-github-app\ninstalled stand-in 1 "));
    let config = build::remap(&[("HOME", &sandbox.home().to_string_lossy())]);
    let called = format!(
        "{}\n{} build --release --locked --bin git-credential-github-app \
         --config {} --message-format json-render-diagnostics\n",
        env!("CARGO_MANIFEST_DIR"),
        sandbox.path().join("some where").display(),
        config.trim_end()
    );
    assert_eq!(output.stderr, called, "in the checkout, into the target directory as it was meant");

    uninstall(&sandbox, &[]).success();
    sandbox.write_script("tools/cargo", "#!/bin/sh\necho error: broken >&2\nexit 101\n");
    let said = "error: broken\ninstall.sh: cargo build failed\n\
                hint: see what cargo says above; README.md says what a build needs\n";
    sandbox.command(SCRIPT, &[]).run().expect(1, "building git-credential-github-app\n", said);
    assert!(!prefix(&sandbox).exists());
}

#[test]
fn the_build_is_static_where_rustup_has_the_target_and_musls_compiler_is_there() {
    let sandbox = sandbox("1");
    let built = sandbox.path().join("stand in");
    let cargo = format!(
        "#!/bin/sh\nprintf '%s\\n' \"${{*##*-diagnostics}}, $CC_riscv64_unknown_linux_musl\" >&2\n\
         echo '{{\"executable\":\"{}\"}}'\n",
        built.display()
    );
    sandbox.write_script("tools/cargo", cargo);
    sandbox.write_script("tools/cc", "#!/bin/sh\n");
    sandbox.write_script("tools/uname", "#!/bin/sh\ncase $1 in -s) echo Linux ;; -m) echo riscv64 ;; esac\n");
    sandbox.write_script("tools/rustc", format!("#!/bin/sh\necho '{}'\n", sandbox.path().display()));
    put_on_path(&sandbox, &sandbox.path().join("tools"));
    let install = |chosen: &str, said: &str, options: &str| {
        let run = sandbox.command(SCRIPT, &["--force"]).env("CARGO_BUILD_TARGET", chosen).run();
        assert!(run.success().stdout.starts_with(&format!("building git-credential-github-app{said}\n")));
        assert_eq!(run.stderr, format!("{options}\n"));
    };
    let is = " for riscv64-unknown-linux-musl";
    let options = " --target riscv64-unknown-linux-musl --config build.rustflags=['-Crelocation-model=static'], musl-gcc";
    sandbox.write_script("tools/musl-gcc", "#!/bin/sh\n");
    install("", "", ", ");
    sandbox.write("lib/rustlib/riscv64-unknown-linux-musl/lib/libstd.rlib", "");
    install("", is, options);
    install("riscv64gc-unknown-linux-gnu", "", ", ");
    fs::remove_file(sandbox.path().join("tools/musl-gcc")).expect("a file of ours");
    // It may be on the machine's own PATH, too.
    if sandbox.command("sh", &["-c", "command -v musl-gcc"]).run().status != 0 {
        install("", "", ", ");
    }
}
