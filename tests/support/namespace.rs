//! Scripts that may mount, each in a mount namespace of its own.

use std::path::Path;

use super::needs::{UNSHARE, left_out};
use super::process::Run;
use super::sandbox::Sandbox;

/// Prepares a shell script that begins with mounts, with the helper as `$0`, and further arguments to come; `None`, and a
/// line that says so, where such mounts are not allowed.
pub fn mounting(sandbox: &Sandbox, helper: &Path, mounts: &str, script: &str) -> Option<Run> {
    if cfg!(not(target_os = "linux")) {
        left_out("mount namespaces are for Linux", UNSHARE.tests);
        return None;
    }
    if !UNSHARE.is_met() {
        return None;
    }
    let namespace = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let unshare = |script: &str| {
        let script = format!("{mounts}\n{script}");
        sandbox.command("unshare", &[namespace, "--", "sh", "-euc", &script]).arg(helper)
    };
    let allowed = unshare("true").run().status == 0;
    if !allowed {
        left_out("this machine lets nobody mount", UNSHARE.tests);
    }
    allowed.then(|| unshare(script))
}
