//! A cache on a disk that is full, out of inodes or read-only, in a mount namespace of its own; and one where the user
//! may not write.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use super::{Site, answers};
use crate::common::{REQUEST, broker_sandbox};
use crate::support::broker::FakeBroker;
use crate::support::http_server::Response;
use crate::support::namespace::mounting;
use crate::support::process::{Output, Run};
use crate::support::sandbox::Sandbox;
use crate::support::tls::TestCa;
use crate::support::users::victim_and_attacker;

/// The user and group `nobody`: not the one that made the files here.
const OTHER: u32 = 65534;

/// Runs a script that may mount; `None` where that is not allowed.
fn in_namespace(sandbox: &Sandbox, script: &str) -> Option<Output> {
    let run = mounting(sandbox, sandbox.binary(), "mount -t tmpfs none tmp", script)?;
    Some(run.stdin(REQUEST).run())
}

#[test]
fn a_disk_that_is_full_or_read_only_costs_one_warning_and_no_push() {
    // Mount options, what is done to the disk, warnings of a cold get.
    for (name, options, act, warnings) in [
        ("no inode for the lock", "nr_inodes=1", ":", 1),
        ("no inode for the new file", "nr_inodes=2", ":", 1),
        ("no block for the new file", "size=4k", "head -c 4096 /dev/zero >cache/filler", 1),
        ("room for one entry", "size=4k", ":", 0),
        ("read-only", "size=1m", "mount -o remount,ro none cache", 1),
    ] {
        let site = Site::new();
        let script = format!(
            "mount -t tmpfs -o mode=700,{options} none cache; {act}; \"$0\" get >first 2>warnings; ls -A cache >left; \
             cat first; cat warnings >&2"
        );
        let feed = format!("printf '{REQUEST}' | {{ {script}; }}");
        let Some(output) = in_namespace(&site.sandbox, &feed) else { return };
        // The answer lies in the sandbox for a moment, by the test's own doing.
        fs::remove_file(site.sandbox.path().join("first")).expect("an answer");
        answers(&output, name);
        assert_eq!(output.stderr.lines().count(), warnings, "{name}: {}", output.stderr);
        let left = fs::read_to_string(site.sandbox.path().join("left")).expect("a listing");
        assert!(!left.contains(".new"), "{name}: {left}");
        site.everything_works(name);
    }
}

#[test]
fn a_token_that_git_saw_refused_is_removed_even_from_a_full_disk() {
    let site = Site::new();
    // The first answer is erased while the disk has no free block; the second get must not repeat it.
    let script = "mount -t tmpfs -o mode=700,size=8k none cache
        \"$0\" get <request >one; head -c 65536 /dev/zero >cache/filler 2>/dev/null || :
        { cat request; grep ^password= one; } | \"$0\" erase
        \"$0\" get <request >two
        if grep -qxF \"$(grep ^password= one)\" two; then echo same; else echo other; fi; rm one two";
    site.sandbox.write("request", REQUEST);
    let Some(output) = in_namespace(&site.sandbox, script) else { return };
    assert_eq!(output.stdout, "other\n", "{}", output.stderr);
    site.everything_works("after a full disk");
}

#[test]
fn a_cached_token_is_read_from_a_read_only_disk_without_a_message() {
    let site = Site::new();
    let script = "mount -t tmpfs -o mode=700 none cache; \"$0\" get <request >one
        mount -o remount,ro none cache; \"$0\" get <request | cmp - one; rm one";
    site.sandbox.write("request", REQUEST);
    let Some(output) = in_namespace(&site.sandbox, script) else { return };
    output.expect(0, "", "");
}

#[test]
fn a_system_without_any_ca_gets_a_hint_what_to_install() {
    let broker = FakeBroker::start_tls(&TestCa::new(), |_| Response::empty(204));
    let sandbox = broker_sandbox(&broker.url(), "bearer");
    let script = "for place in /etc/ssl /etc/pki /etc/security/certificates /opt/etc/ssl; do
            [ ! -d $place ] || mount -t tmpfs none $place
        done
        exec \"$0\" token";
    let Some(output) = in_namespace(&sandbox, script) else { return };
    output.expect(
        3,
        "",
        &format!(
            "git-credential-github-app: fetch a token from {}/admin/github-installation-token: this system has no CA certificates to verify servers with\n\
             hint: install them (in most distributions the package ca-certificates), or name a PEM file with --ca-file or GITHUB_APP_CA_FILE\n",
            broker.url()
        ),
    );
}

/// The helper as another user, who may read its settings.
fn as_other(site: &Site, cache: &Path) -> Option<Run> {
    let sandbox = &site.sandbox;
    victim_and_attacker()?;
    // Copied to where others may go; the bearer is theirs.
    let helper = sandbox.path().join("helper");
    // By another program: a file that this one writes is busy while any other test starts a child.
    let args = [sandbox.binary().to_string_lossy(), helper.to_string_lossy()];
    sandbox.command("cp", &[&args[0], &args[1]]).run().success();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    fs::set_permissions(sandbox.path(), fs::Permissions::from_mode(0o711)).expect("a directory of ours");
    chown(sandbox.path().join("bearer"), Some(OTHER), Some(OTHER)).expect("root");
    let (uid, gid) = (format!("--reuid={OTHER}"), format!("--regid={OTHER}"));
    let run = sandbox.command("setpriv", &[&uid, &gid, "--clear-groups"]).arg(helper);
    // The user database may know a home of theirs, and who knows what is in it.
    let run = run.arg("get").env("HOME", sandbox.path().join("no-home"));
    Some(run.env("GITHUB_APP_CACHE_DIR", cache).stdin(REQUEST))
}

#[test]
fn a_directory_that_the_user_may_not_use_or_make_costs_one_warning() {
    // Whose the directory is, its mode, what is asked for below it, and the cause that the warning names.
    for (name, owner, mode, below, cause) in [
        ("may not be made", 0, 0o755, "cache", "Permission denied"),
        ("may not be searched", 0, 0o700, "cache", "Permission denied"),
        ("is another user's", 0, 0o700, "", "it belongs to another user"),
        ("is another user's and open", 0, 0o777, "", "it belongs to another user"),
        ("may not be written", OTHER, 0o500, "", "Permission denied"),
        ("may not be entered", OTHER, 0o600, "", "Permission denied"),
        ("is open to all", OTHER, 0o777, "", "mode 777"),
    ] {
        let site = Site::new();
        let dir = site.sandbox.path().join("theirs");
        fs::create_dir(&dir).expect("a new directory");
        fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).expect("a directory of ours");
        let cache = if below.is_empty() { dir.clone() } else { dir.join(below) };
        let Some(run) = as_other(&site, &cache) else { return };
        chown(&dir, Some(owner), None).expect("root");
        let output = run.run();
        answers(&output, name);
        assert_eq!(output.stderr.lines().count(), 1, "{name}: {}", output.stderr);
        assert!(output.stderr.contains(cause), "{name}: {}", output.stderr);
        assert_eq!(fs::read_dir(&dir).expect("root reads all").count(), 0, "{name}");
    }
}
