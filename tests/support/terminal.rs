//! A command on a terminal of its own, by script(1): bsdutils or util-linux on Linux, part of macOS.

use super::process::Run;
use super::sandbox::Sandbox;

/// A shell's command line whose streams are a terminal where it does not redirect them. What it prints, to either
/// stream, and the echo of what is typed come out as standard output with the terminal's line ends.
pub fn on_terminal(sandbox: &Sandbox, line: &str) -> Run {
    if cfg!(target_os = "macos") {
        return sandbox.command("script", &["-q", "/dev/null", "sh", "-c", line]);
    }
    sandbox.command("script", &["-q", "-e", "-c", line, "/dev/null"]).env("SHELL", "/bin/sh")
}
