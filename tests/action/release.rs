//! Where the Action's binary comes from: nothing is unpacked whose checksum is not the expected one.

use std::fs;
use std::path::PathBuf;

use super::{annotation, github, left, silent};
use crate::support::github::{CLIENT_ID, LoopbackGitHub};
use crate::support::http_server::{HttpServer, Response};
use crate::support::keys::app_key_pem;
use crate::support::runner::{Job, text};
use crate::support::sandbox::Sandbox;

/// The name of the archive for this machine.
fn archive() -> String {
    let system = if cfg!(target_os = "macos") { "apple-darwin" } else { "unknown-linux-musl" };
    let arch = std::env::consts::ARCH;
    format!("git-credential-github-app-{}-{arch}-{system}.tar.gz", env!("CARGO_PKG_VERSION"))
}

/// A directory with a release of the binary under test; returns the archive's checksum too.
fn release(sandbox: &Sandbox) -> (PathBuf, String) {
    let folder = archive().replace(".tar.gz", "");
    let dir = sandbox.path().join("release");
    fs::create_dir_all(dir.join(&folder)).expect("a new directory");
    fs::copy(sandbox.binary(), dir.join(&folder).join("git-credential-github-app")).expect("a copy");
    let made = sandbox.command("tar", &["-C", "release", "-czf"]).arg(dir.join(archive())).arg(&folder);
    silent(&made.run());
    let bytes = fs::read(dir.join(archive())).expect("the archive");
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let sum = digest.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    fs::write(dir.join("SHA256SUMS"), format!("{sum}  {}\n", archive())).expect("a new file");
    (dir, sum)
}

fn job(sandbox: &Sandbox, github: &LoopbackGitHub, from: impl Into<String>) -> Option<Job> {
    let job = Job::new(sandbox)?.with("app-id", CLIENT_ID).with("private-key", app_key_pem());
    Some(job.with("host", github.url()).with("owner", "octo-org").with("release", from))
}

#[test]
fn the_release_for_this_machine_is_installed_from_a_server_or_a_directory() {
    for over_http in [false, true] {
        let (github, sandbox) = github();
        let (dir, _) = release(&sandbox);
        let files = dir.clone();
        let server = HttpServer::start(move |request| {
            let content = fs::read(files.join(request.path.trim_start_matches("/v1/")));
            content.map_or_else(
                |_| Response::text(404, "not found"),
                |bytes| Response::bytes(200, "application/octet-stream", bytes),
            )
        });
        let from = if over_http { format!("{}/v1/", server.url()) } else { dir.display().to_string() };
        let Some(job) = job(&sandbox, &github, from) else { return };
        silent(&job.start(&sandbox));
        let installed = text(&sandbox, "GITHUB_OUTPUT");
        let installed = installed.trim_end().strip_prefix("binary=").expect("the output");
        assert_eq!(fs::read(installed).expect("a program"), fs::read(sandbox.binary()).expect("a program"));
        silent(&job.post(&sandbox).run());
        assert_eq!(left(&sandbox), Vec::<PathBuf>::new());
    }
}

#[test]
fn an_archive_with_another_checksum_is_not_unpacked() {
    let (github, sandbox) = github();
    let (dir, sum) = release(&sandbox);
    let (from, name) = (dir.display(), archive());
    let Some(job) = job(&sandbox, &github, from.to_string()) else { return };
    let wrong = "0".repeat(64);
    let job = job.with("sha256", wrong.clone());
    let said = format!("{name} in {from} has checksum {sum}, but {wrong} is expected");
    job.start(&sandbox).expect(1, &annotation("error", &said), "");
    silent(&job.post(&sandbox).run());
    assert_eq!((left(&sandbox), github.mints()), (Vec::new(), 0));

    let job = job.with("sha256", "");
    fs::write(dir.join("SHA256SUMS"), format!("{sum}  other.tar.gz\n")).expect("a file of ours");
    let said = format!("SHA256SUMS in {from} does not list {name}");
    job.start(&sandbox).expect(1, &annotation("error", &said), "");
}

#[test]
fn a_release_from_afar_needs_https_and_a_local_action_an_input() {
    let (github, sandbox) = github();
    for (from, said) in [
        (
            "http://releases.example.com",
            "http://releases.example.com/SHA256SUMS: over plain http, anybody on the network path could change what is installed",
        ),
        ("", "a local Action has no release: use the input binary or release"),
    ] {
        let _ = fs::remove_dir_all(sandbox.path().join("runner temp"));
        let Some(job) = job(&sandbox, &github, from) else { return };
        job.start(&sandbox).expect(1, &annotation("error", said), "");
    }
}
