//! How programs are started and stopped.

use std::io;
use std::os::windows::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::platform::command::foreign;
use crate::platform::search;
use crate::platform::windows::search::{complete, system_program};

/// `CREATE_NEW_PROCESS_GROUP`.
const NEW_GROUP: u32 = 0x0000_0200;
/// The status of a program that was killed.
const NO_STATUS: i32 = 1;

/// Whether timers are the Windows Task Scheduler's, not systemd's or cron's.
pub const HAS_TASK_SCHEDULER: bool = true;

/// Runs a command line from the settings: git's own shell, else Windows'.
pub fn shell(line: &str) -> Command {
    if let Some(shell) = git_shell() {
        let mut command = foreign(shell);
        command.args(["-c", line]);
        return command;
    }
    let mut command = foreign(system_program("cmd.exe"));
    // cmd takes the rest of the line as it is, without the outer quotes.
    command.args(["/d", "/s", "/c"]).raw_arg(format!("\"{line}\""));
    command
}

/// `sh` as Git for Windows finds it for its helpers, or beside the git on the `PATH`.
fn git_shell() -> Option<PathBuf> {
    let search = search::own();
    if let Some(shell) = search.found("sh") {
        return Some(shell);
    }
    let git = search.found("git")?;
    let roots = git.ancestors().skip(2).take(2);
    roots
        .flat_map(|root| [root.join("bin/sh.exe"), root.join("usr/bin/sh.exe")])
        .find(|shell| shell.is_file())
}

/// Keeps Ctrl-C for this process from reaching a program, as far as Windows can.
pub fn set_apart(command: &mut Command) {
    command.creation_flags(NEW_GROUP);
}

/// Stops a program that was set apart, and its children.
pub fn end_all(child: &Child) {
    let mut kill = foreign(system_program("taskkill.exe"));
    kill.args(["/T", "/F", "/PID", &child.id().to_string()]);
    let _ = kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// Stands in for replacing this process: runs the program, and exits with its exit code. Returns only if it cannot be
/// started.
#[expect(clippy::exit, reason = "another program takes this one's place")]
pub fn become_another(command: &mut Command) -> io::Error {
    // Ctrl-C reaches both; the program decides what it means, and this process, which handles it too, stays.
    let _ctrl_c = tokio::signal::windows::ctrl_c();
    let _ctrl_break = tokio::signal::windows::ctrl_break();
    complete(command);
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(NO_STATUS)),
        Err(error) => error,
    }
}

/// Keeps this process's memory out of dumps: not possible on Windows without unsafe code.
pub fn hide_memory() {}
