//! A process that holds a key or a token protects its memory: no core dump, and no other process of the same user reads its
//! memory or its environment.
#![cfg(target_os = "linux")]

use std::fs;

use rustix::process::Signal;

use crate::support::broker::FakeBroker;
use crate::support::http_server::Response;
use crate::support::process::Running;
use crate::support::sandbox::Sandbox;
use crate::support::users::{Common, User, mode, victim_and_attacker};

/// A program in a shell that allows core dumps, in the directory `dumps`, as an ordinary user.
fn start(sandbox: &Sandbox, user: Option<User>, program: &str) -> Running {
    let script = format!("cd dumps && ulimit -c unlimited; exec {program}");
    match user {
        Some(user) => user.run(sandbox, "sh", &["-c", &script]).spawn(),
        None => sandbox.command("sh", &["-c", &script]).spawn(),
    }
}

/// Whether another process of the same user can read these files of a process.
fn readable(sandbox: &Sandbox, user: Option<User>, id: u32) -> [bool; 3] {
    ["environ", "maps", "auxv"].map(|name| {
        let command = format!("cat /proc/{id}/{name} > /dev/null");
        match user {
            Some(user) => user.can(sandbox, &command),
            None => sandbox.command("sh", &["-c", &command]).run().status == 0,
        }
    })
}

/// Removes what the system has dumped into the current directory, where it does that, and returns how much there was.
fn remove_dumps(sandbox: &Sandbox) -> usize {
    let dumps = fs::read_dir(sandbox.path().join("dumps")).expect("a directory");
    dumps.map(|dump| fs::remove_file(dump.expect("a file").path()).expect("a file of ours")).count()
}

fn wait_until(running: &mut Running, done: impl Fn() -> bool) {
    while !done() {
        assert!(!running.has_ended(), "it has to hang");
        std::thread::yield_now();
    }
}

#[test]
fn no_other_process_reads_the_helpers_memory_and_a_crash_leaves_no_core() {
    // Root reads everything: then it takes an ordinary user.
    let user = if rustix::process::geteuid().is_root() {
        let Some((victim, _)) = victim_and_attacker() else { return };
        Some(victim)
    } else {
        None
    };
    let common = Common::new();
    let sandbox = Sandbox::with_binary(common.binary());
    fs::create_dir(sandbox.path().join("dumps")).expect("a new directory");
    mode(&sandbox.path().join("dumps"), 0o700);
    let broker = FakeBroker::start(|_| Response::hang());
    sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "a bearer that must not be read");
    if let Some(user) = user {
        user.own(sandbox.path());
    }

    // An ordinary program shows that the same looks succeed where nothing is hidden.
    let mut open = start(&sandbox, user, "sleep 60");
    let id = open.id();
    wait_until(&mut open, || {
        fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "sleep")
    });
    assert_eq!(readable(&sandbox, user, id), [true; 3]);
    open.signal(Signal::ABORT);
    open.wait();
    // Where the system dumps elsewhere, the looks from outside are all the proof there is.
    remove_dumps(&sandbox);

    sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "bearer");
    let helper = format!("{} token", common.binary().display());
    for signal in [Signal::ABORT, Signal::QUIT] {
        let asked = broker.requests().len();
        let mut running = start(&sandbox, user, &helper);
        wait_until(&mut running, || broker.requests().len() > asked);
        assert_eq!(readable(&sandbox, user, running.id()), [false; 3]);
        running.signal(signal);
        assert!(running.wait().status >= 128, "it was killed");
        assert_eq!(remove_dumps(&sandbox), 0, "no core");
    }
}

#[test]
fn a_program_that_exec_becomes_is_as_open_as_ever() {
    let Some((user, _)) = victim_and_attacker() else { return };
    let common = Common::new();
    let broker = crate::common::fresh_tokens();
    let sandbox = common.sandbox_of(user);
    sandbox.set_env("GITHUB_APP_BROKER_URL", broker.url());
    sandbox.set_env("GITHUB_APP_BROKER_TOKEN", "bearer");
    let binary = common.binary();
    let mut running = user.run(&sandbox, &binary, &["exec", "--", "sleep", "60"]).spawn();
    let id = running.id();
    wait_until(&mut running, || {
        fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "sleep")
    });
    assert_eq!(readable(&sandbox, Some(user), id), [true; 3]);
}
