//! `install.sh` where something is missing, in the way or stops it half way.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{
    FILES, MANIFEST, NEXT, SCRIPT, files, installed, listing, prefix, sandbox, script, snapshot, stand_in,
    uninstall, uninstalled,
};
use crate::support::sandbox::Sandbox;
use crate::support::users::{Common, mode, victim_and_attacker};

const MANUAL_SOURCE: &str = "man/git-credential-github-app.1";

/// A PATH with what every system has, and these.
fn few_tools(sandbox: &Sandbox, more: &[&str]) -> PathBuf {
    let few = sandbox.path().join("few");
    for tool in ["/usr/bin/dirname", "/usr/bin/sed", "/usr/bin/sort", "/bin/rm"] {
        let link = few.join(tool.rsplit('/').next().unwrap_or_default());
        fs::create_dir_all(&few).and_then(|()| symlink(tool, link)).expect("a new link");
    }
    for tool in more {
        sandbox.write_script(&format!("few/{tool}"), "#!/bin/sh\n");
    }
    few
}

#[test]
fn the_tools_that_a_build_lacks_are_named_before_it_begins() {
    let rust = "hint: install Rust (https://rustup.rs), or name a built binary with --binary\n";
    let c = "hint: install a C compiler: gcc and libc6-dev on Debian and Ubuntu, xcode-select --install on macOS\n";
    for (there, lacks, hints) in [
        (&[][..], "cargo cc", format!("{rust}{c}")),
        (&["cc"], "cargo", rust.to_owned()),
        (&["cargo"], "cc", c.to_owned()),
    ] {
        let sandbox = sandbox("1");
        let run = sandbox.command(SCRIPT, &[]).env("PATH", few_tools(&sandbox, there)).run();
        run.expect(1, "", &format!("install.sh: cannot build without {lacks}\n{hints}"));
    }
    // The cc of macOS is there and says that it is not.
    let sandbox = sandbox("1");
    let few = few_tools(&sandbox, &["cargo"]);
    sandbox.write_script("few/cc", "#!/bin/sh\necho 'no developer tools were found' >&2\nexit 1\n");
    let said = format!("install.sh: cannot build without cc\n{c}");
    sandbox.command(SCRIPT, &[]).env("PATH", &few).run().expect(1, "", &said);
    let said = format!("install.sh: cannot build without no-such-cc\n{c}");
    sandbox.command(SCRIPT, &[]).env("PATH", &few).env("CC", "no-such-cc").run().expect(1, "", &said);
}

#[test]
fn a_binary_of_another_kind_is_refused_before_anything_changes() {
    let sandbox = sandbox("1");
    let at = |name: &str| sandbox.path().join(name).display().to_string();
    sandbox.write("text", "");
    sandbox.write_script("broken", "#!/bin/sh\nexit 1\n");
    sandbox.write_script("silent", "#!/bin/sh\nexit 0\n");
    let before = snapshot(&sandbox);
    for (name, said) in [
        ("text", format!("{} is not a program\nhint: --binary takes a built binary\n", at("text"))),
        ("none", format!("{} is not a program\nhint: --binary takes a built binary\n", at("none"))),
        ("broken", format!("cannot run {}\nhint: --binary takes a binary for this machine\n", at("broken"))),
        (
            "silent",
            format!(
                "cannot make {} with {}\nhint: --binary takes a binary of the version that is checked out\n",
                FILES[2],
                at("silent")
            ),
        ),
    ] {
        sandbox.command(SCRIPT, &["--binary", name]).run().expect(1, "", &format!("install.sh: {said}"));
        assert_eq!(snapshot(&sandbox), before, "{name}");
    }
}

#[test]
fn a_prefix_that_cannot_be_used_is_refused_before_anything_changes() {
    let sandbox = sandbox("1");
    let bin = sandbox.write("not there/a prefix/bin", "a file");
    let before = snapshot(&sandbox);
    let said =
        format!("install.sh: {} is not a directory\nhint: --prefix DIR installs elsewhere\n", bin.display());
    script(&sandbox, &["--force"]).run().expect(1, "", &said);
    assert_eq!(snapshot(&sandbox), before);

    let place = sandbox.path().join("a directory").join(FILES[0]);
    fs::create_dir_all(&place).expect("a new directory");
    let said = format!(
        "install.sh: {} is a directory\nhint: move it away, or choose another --prefix\n",
        place.display()
    );
    script(&sandbox, &["--force", "--prefix=a directory"]).run().expect(1, "", &said);
}

#[test]
fn a_prefix_that_its_user_may_not_write_to_is_refused_before_anything_changes() {
    // Root may write anywhere.
    let Some((user, _)) = victim_and_attacker() else { return };
    let common = Common::new();
    let sandbox = common.sandbox_of(user);
    stand_in(&sandbox, "1");
    let clone = common.directory("clone", 0o755);
    for file in ["install.sh", MANUAL_SOURCE] {
        let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(file), clone.join(file));
        let dir = to.parent().expect("a directory");
        fs::create_dir_all(dir).and_then(|()| fs::copy(from, &to)).expect("a copy");
        mode(dir, 0o755);
        mode(&to, 0o755);
    }
    let locked = common.directory("locked", 0o555);
    let install = |prefix: &Path| {
        let prefix = format!("--prefix={}", prefix.display());
        user.run(&sandbox, clone.join("install.sh"), &["--binary", "stand in", &prefix]).run()
    };
    let said = format!(
        "install.sh: {} is not writable\nhint: --prefix DIR installs elsewhere; or run this as its owner\n",
        locked.display()
    );
    install(&locked.join("below")).expect(1, "", &said);
    install(&sandbox.home()).success();
}

#[test]
fn stopped_before_the_first_file_it_leaves_nothing() {
    let sandbox = sandbox("1");
    sandbox.write_script("stand in", "#!/bin/sh\n[ \"$1\" = --version ] || kill -TERM $PPID\n");
    let before = snapshot(&sandbox);
    script(&sandbox, &[]).run().expect(143, "", "");
    assert_eq!(snapshot(&sandbox), before);
}

#[test]
fn stopped_among_the_files_it_knows_all_of_them_as_its_own() {
    let sandbox = sandbox("1");
    // A mv that is stopped at the fourth of the five files.
    let mv = "#!/bin/sh\ncase $3 in */site-functions/*) kill -TERM $PPID ;; *) exec /bin/mv \"$@\" ;; esac\n";
    sandbox.write_script("tools/mv", mv);
    let before = snapshot(&sandbox);
    let stopped = || {
        let path = std::env::var("PATH").expect("PATH is set");
        let tools = sandbox.path().join("tools");
        script(&sandbox, &[]).env("PATH", format!("{}:{path}", tools.display())).run().expect(143, "", "");
        assert!(listing(&sandbox.path().join("tmp")).is_empty(), "no temporary file is left");
        files(&sandbox)
    };
    let first = FILES[..3].iter().chain([&MANIFEST]);
    assert_eq!(stopped(), first.map(|file| prefix(&sandbox).join(file)).collect());
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), "");
    assert_eq!(snapshot(&sandbox), before);

    script(&sandbox, &[]).run().success();
    stand_in(&sandbox, "2");
    assert_eq!(stopped().len(), FILES.len() + 1, "old files and new ones");
    script(&sandbox, &[]).run().expect(0, &(installed("stand-in 2", &prefix(&sandbox)) + NEXT), "");
    uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), "");
    stand_in(&sandbox, "1");
    assert_eq!(snapshot(&sandbox), before);
}

#[test]
fn a_script_that_was_cut_short_runs_nothing() {
    let sandbox = sandbox("1");
    let whole = fs::read_to_string(SCRIPT).expect("the script");
    let run = |text: &str| sandbox.command("sh", &["-s", "--", "--help"]).stdin(text).run();
    assert!(run(whole.trim_end()).success().stdout.starts_with("Usage: "));
    let last = whole.trim_end().rfind('\n').expect("many lines") + 1;
    let line_ends = whole[..last].match_indices('\n').map(|(end, _)| end + 1).step_by(7);
    for end in line_ends.chain(last..whole.trim_end().len()) {
        let output = run(&whole[..end]);
        let ran = !output.stdout.is_empty() || output.stderr.contains("install.sh: ");
        assert!(!ran, "cut after {:?}: {}", whole[..end].lines().last(), output.stderr);
    }
}
