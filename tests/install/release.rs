//! `install.sh --from`: an unpacked release, whose checksums are verified.

use std::fs;

use super::{NEXT, SCRIPT, installed, prefix, sandbox, snapshot, uninstall, uninstalled};
use crate::support::process::Run;
use crate::support::sandbox::Sandbox;

const NAMES: [&str; 2] = ["git-credential-github-app", "man/git-credential-github-app.1"];

/// A release of the stand-in in `a release`, with checksums.
fn release(sandbox: &Sandbox) {
    let program = fs::read(sandbox.path().join("stand in")).expect("the stand-in");
    sandbox.write_script("a release/git-credential-github-app", program);
    sandbox.write("a release/man/git-credential-github-app.1", "the release's manual");
    let mut sums = String::new();
    for name in NAMES {
        let bytes = fs::read(sandbox.path().join("a release").join(name)).expect("a file of ours");
        let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
        sums.extend(digest.as_ref().iter().map(|byte| format!("{byte:02x}")));
        sums.extend(["  ", name, "\n"]);
    }
    sandbox.write("a release/SHA256SUMS", sums);
}

fn from(sandbox: &Sandbox) -> Run {
    sandbox.command(SCRIPT, &["--from", "a release"])
}

#[test]
fn an_unpacked_release_is_installed_and_uninstalled_like_a_build() {
    for with_sums in [true, false] {
        let sandbox = sandbox("3");
        release(&sandbox);
        if !with_sums {
            fs::remove_file(sandbox.path().join("a release/SHA256SUMS")).expect("a file of ours");
        }
        let before = snapshot(&sandbox);
        from(&sandbox).run().expect(0, &(installed("stand-in 3", &prefix(&sandbox)) + NEXT), "");
        let manual = fs::read_to_string(prefix(&sandbox).join(super::MANUAL)).expect("it is installed");
        assert_eq!(manual, "the release's manual");
        uninstall(&sandbox, &[]).expect(0, &uninstalled(&sandbox), "");
        assert_eq!(snapshot(&sandbox), before);
    }
}

#[test]
fn a_release_that_was_changed_or_is_none_changes_nothing() {
    let place = |sandbox: &Sandbox| sandbox.path().join("a release").display().to_string();
    let again = "hint: download and unpack the release again\n";
    for name in NAMES {
        let sandbox = sandbox("3");
        release(&sandbox);
        sandbox.write_script(&format!("a release/{name}"), "changed");
        let before = snapshot(&sandbox);
        let said = format!("install.sh: {} is not as SHA256SUMS has it\n{again}", place(&sandbox));
        from(&sandbox).run().expect(1, "", &said);
        sandbox.write("a release/SHA256SUMS", "");
        let said = format!("install.sh: {}/SHA256SUMS does not list {}\n{again}", place(&sandbox), NAMES[0]);
        from(&sandbox).run().expect(1, "", &said);
        sandbox.write("a release/SHA256SUMS", before[&sandbox.path().join("a release/SHA256SUMS")].1.clone());
        assert_eq!(snapshot(&sandbox), before);
    }
    let sandbox = sandbox("3");
    let hint = "hint: --from takes an unpacked release\n";
    let said = format!("install.sh: {} is not a directory\n{hint}", place(&sandbox));
    from(&sandbox).run().expect(1, "", &said);
    sandbox.write("a release/README.md", "");
    let said = format!("install.sh: {} has no git-credential-github-app\n{hint}", place(&sandbox));
    from(&sandbox).run().expect(1, "", &said);
}
