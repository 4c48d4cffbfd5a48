//! `install.sh` where something is missing, in the way or stops it half way.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::{
    FILES, MANIFEST, NEXT, SCRIPT, files, installed, listing, prefix, sandbox, script, snapshot, stand_in,
    uninstall, uninstalled,
};

#[test]
fn without_cargo_it_says_where_to_get_it() {
    let sandbox = sandbox("1");
    fs::create_dir(sandbox.path().join("few")).expect("a new directory");
    for tool in ["/usr/bin/dirname", "/usr/bin/mktemp", "/usr/bin/sed", "/usr/bin/sort", "/bin/rm"] {
        let link = sandbox.path().join("few").join(tool.rsplit('/').next().unwrap_or_default());
        symlink(tool, link).expect("a new link");
    }
    sandbox.write_script("few/sha256sum", "");
    sandbox.set_env("PATH", sandbox.path().join("few"));
    let said = "install.sh: cargo is missing\n\
                hint: install Rust (https://rustup.rs), or name a built binary with --binary\n";
    sandbox.command(SCRIPT, &[]).run().expect(1, "", said);
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
                "{} prints no completions for bash\nhint: --binary takes a binary of the version that is checked out\n",
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

    // Root may write anywhere.
    if !rustix::process::geteuid().is_root() {
        let locked = sandbox.path().join("locked");
        fs::create_dir(&locked).expect("a new directory");
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).expect("a directory of ours");
        let said = format!(
            "install.sh: {} is not writable\n\
             hint: --prefix DIR installs elsewhere; else run this as a user who may write there\n",
            locked.display()
        );
        script(&sandbox, &["--prefix=locked/below"]).run().expect(1, "", &said);
    }
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
