//! How programs are started and stopped.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::platform::command::foreign;
use crate::platform::search;

/// Whether timers are the Windows Task Scheduler's, not systemd's or cron's.
pub const HAS_TASK_SCHEDULER: bool = false;

/// Runs a command line from the settings: the shell.
pub fn shell(line: &str) -> Command {
    let mut shell = foreign(search::own().find("sh"));
    shell.args(["-c", line]);
    shell
}

/// Puts a program in its own process group, so that its children can be stopped with it.
pub fn set_apart(command: &mut Command) {
    command.process_group(0);
}

/// Stops a program that was set apart, and its children.
pub fn end_all(child: &Child) {
    if let Some(group) = Pid::from_raw(child.id().cast_signed()) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Replaces this process with another program; returns only if that fails.
pub fn become_another(command: &mut Command) -> io::Error {
    command.exec()
}

/// Keeps this process's memory and environment, which hold keys and tokens, out of core dumps and, on Linux, out of reach
/// of the user's other processes. Programs that it starts, or that replace it, are not affected.
pub fn hide_memory() {
    // Either fails only on systems that do not support it, and those offer nothing better.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let none = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
        let _ = setrlimit(Resource::Core, none);
    }
}
