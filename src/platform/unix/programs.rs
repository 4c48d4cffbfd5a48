//! How programs are started and ended.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::platform::command::foreign;
use crate::platform::search;

/// Whether the Task Scheduler of Windows runs programs at times, and not systemd or cron.
pub const HAS_TASK_SCHEDULER: bool = false;

/// What runs a line of the settings: the shell.
pub fn shell(line: &str) -> Command {
    let mut shell = foreign(search::own().find("sh"));
    shell.args(["-c", line]);
    shell
}

/// Puts a program in a group of its own, so that all it starts can be ended with it.
pub fn set_apart(command: &mut Command) {
    command.process_group(0);
}

/// Ends a program that was set apart, and all it has started.
pub fn end_all(child: &Child) {
    if let Some(group) = Pid::from_raw(child.id().cast_signed()) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Becomes another program; returns only where that fails.
pub fn become_another(command: &mut Command) -> io::Error {
    command.exec()
}

/// Keeps this process's memory and environment, where keys and tokens are, out of core dumps and, on Linux, from the
/// other processes of its user. A program that is started by it, or takes its place, is as any other.
pub fn hide_memory() {
    // Either can fail only where the system does not know it, and then it has no better.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let none = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
        let _ = setrlimit(Resource::Core, none);
    }
}
