//! The archive of a release, unpacked.

use std::process::Command;

use super::{app_machine, request};
use crate::common::password;
use crate::released::{archive, files};

#[test]
fn the_program_of_the_archive_for_windows_mints_tokens() {
    let Some(files) = files() else { return };
    let target = "x86_64-pc-windows-gnu";
    let Some(archive) = archive(&files, target, "zip") else { return };
    let Some((github, machine)) = app_machine() else { return };
    let place = machine.file("a release");
    let mut unpack = Command::new("python3");
    let status = unpack.args(["-m", "zipfile", "-e"]).arg(&archive).arg(&place).status();
    assert!(status.expect("python3").success());
    let folder = archive.file_stem().and_then(|stem| stem.to_str()).expect("text");
    for held in ["README.md", "install.ps1", "completions/git-credential-github-app.ps1", "SHA256SUMS"] {
        assert!(place.join(folder).join(held).exists(), "{held}");
    }
    // What wine lacks comes from beside the tests' own helper.
    let program = machine.path(&format!("a release/{folder}/git-credential-github-app.exe"));
    let version = machine.command(&program, &["--version"]).run().success().stdout.clone();
    assert!(version.contains(target), "{version}");
    let token = machine.command(&program, &["--owner", "octo-org", "token"]).run();
    assert_eq!(token.success().stdout.trim_end(), github.live_tokens()[0]);
    let reply = machine.command(&program, &["get"]).stdin(request(&github)).run();
    assert_eq!(password(reply.success()).trim_end(), github.live_tokens()[0]);
    assert_eq!(github.mints(), 1, "the second has it from the cache");
}
