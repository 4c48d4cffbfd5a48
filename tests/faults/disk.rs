//! System calls on the cache that fail: each that a command makes there, one after the other, with each error; and a
//! process that may open few files.

use std::fs;
use std::path::PathBuf;

use super::{Site, answers, ends_well, long, say};
use crate::common::{REQUEST, password};
use crate::support::process::Output;
use crate::support::strace::{Tracer, can_watch};

/// What disks and mounts answer; the first ones are the quick suite's for every command.
const ERRORS: [&str; 8] = ["EIO", "ENOSPC", "EROFS", "EACCES", "EMFILE", "EDQUOT", "ENOLCK", "EPERM"];

/// What is in the cache when the command starts.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// Not even the directory.
    Nothing,
    /// A token that no command has touched yet.
    Fresh,
}

/// What holds if the command said nothing.
#[derive(Clone, Copy)]
enum Silent {
    /// It answered, and its token is in the cache.
    Cached,
    /// The token is gone.
    Gone,
    /// Nothing more.
    Ended,
}

struct Case {
    name: &'static str,
    args: &'static [&'static str],
    before: Before,
    silent: Silent,
}

const CASES: [Case; 8] = [
    Case { name: "cold get", args: &["get"], before: Before::Nothing, silent: Silent::Cached },
    Case { name: "cached get", args: &["get"], before: Before::Fresh, silent: Silent::Cached },
    Case { name: "renewal", args: &["--margin=55m", "get"], before: Before::Fresh, silent: Silent::Cached },
    Case { name: "erase", args: &["erase"], before: Before::Fresh, silent: Silent::Gone },
    Case { name: "store", args: &["store"], before: Before::Fresh, silent: Silent::Ended },
    Case { name: "refresh", args: &["refresh"], before: Before::Nothing, silent: Silent::Ended },
    Case { name: "status", args: &["status"], before: Before::Fresh, silent: Silent::Ended },
    Case { name: "revoke", args: &["revoke", "--local"], before: Before::Fresh, silent: Silent::Gone },
];

/// The directory and all files that belong to an entry.
pub fn watched(site: &Site) -> Vec<PathBuf> {
    vec![site.cache(), site.file("json"), site.file("lock"), site.file("new")]
}

impl Case {
    /// Makes the state before; returns the token in the cache and what the command reads.
    fn prepare(&self, site: &Site) -> (String, String) {
        site.make_cold();
        let token = if self.before == Before::Fresh { password(&site.get()) } else { String::new() };
        let stdin = match self.name {
            "erase" | "store" => format!("{REQUEST}username=x-access-token\npassword={token}\n"),
            _ => REQUEST.to_owned(),
        };
        (token, stdin)
    }

    /// What must hold right after a fault.
    fn check(&self, site: &Site, before: &str, output: &Output, what: &str) {
        if self.args.contains(&"get") {
            answers(output, what);
        } else {
            ends_well(output, what);
        }
        site.no_secret_is_astray(what);
        assert_eq!(site.temporary_files(), [] as [PathBuf; 0], "{what}");
        let next = site.get();
        answers(&next, what);
        assert_eq!(next.stderr, "", "{what}: the fault is gone");
        let next = password(&next);
        match self.silent {
            _ if !output.stderr.is_empty() => {}
            Silent::Cached => assert_eq!(password(output), next, "{what}: not cached, and nothing said"),
            Silent::Gone => assert_ne!(before, next, "{what}: still there, and nothing said"),
            Silent::Ended => {}
        }
    }
}

/// Lets every system call of a case fail with each of these errors; returns the number of runs.
fn sweep(case: &Case, errors: &[&str]) -> usize {
    let site = Site::new();
    if !can_watch(&site.sandbox) {
        return 0;
    }
    let tracer = Tracer::new(&site.sandbox, watched(&site));
    let (_, stdin) = case.prepare(&site);
    let (calls, _) = tracer.count(case.args, &stdin);
    assert!(calls.values().sum::<usize>() >= 3, "{}: {calls:?}", case.name);
    assert!(!calls.contains_key("fsync"), "{}: an entry is not worth a wait: {calls:?}", case.name);
    let mut runs = 0;
    for error in errors {
        // A close that fails has closed.
        for (call, count) in calls.iter().filter(|(call, _)| *call != "close") {
            for nth in 1..=*count {
                let what = format!("{}: {call} {nth} of {count} fails with {error}", case.name);
                let (token, stdin) = case.prepare(&site);
                let injection = format!("{call}:error={error}:when={nth}");
                let output = tracer.helper(Some(&injection), case.args).stdin(&stdin).run();
                assert!(tracer.injected(), "{what}: never met");
                case.check(&site, &token, &output, &what);
                runs += 1;
            }
        }
    }
    site.make_cold();
    site.everything_works(case.name);
    runs
}

#[test]
fn a_cold_get_answers_whatever_system_call_on_the_cache_fails_and_with_which_error() {
    let runs = sweep(&CASES[0], &ERRORS);
    say(&format!("{}: {runs} runs", CASES[0].name));
}

#[test]
fn every_command_survives_each_failing_system_call_on_the_cache() {
    let errors = if long() { &ERRORS[..] } else { &ERRORS[..2] };
    for case in &CASES[1..] {
        let runs = sweep(case, errors);
        say(&format!("{}: {runs} runs", case.name));
    }
}

#[test]
fn a_process_that_may_open_few_files_answers_or_says_so() {
    let site = Site::new();
    let helper = site.sandbox.binary().to_string_lossy().into_owned();
    let mut answered = 0;
    for limit in 3..=16 {
        for args in ["get", "-v token", "status", "refresh", "--on-failure=next get"] {
            let what = format!("{args} with {limit} open files");
            site.make_cold();
            // The dynamic loader opens libraries one at a time: it needs only the first free number.
            let script = format!("ulimit -n {limit}; exec \"$0\" {args}");
            let output = site.sandbox.command("sh", &["-c", &script, &helper]).stdin(REQUEST).run();
            if output.status == 127 && output.stderr.contains("shared libraries") {
                continue;
            }
            ends_well(&output, &what);
            let refused = output.stdout == "quit=1\n";
            assert!(output.status == 0 || !output.stderr.is_empty(), "{what}: no message");
            assert!(!refused || output.stderr.contains("(os error 24)"), "{what}: {}", output.stderr);
            answered += usize::from(args == "get" && output.status == 0 && !refused);
            site.no_secret_is_astray(&what);
        }
    }
    assert!(answered >= 5, "sixteen files are enough: {answered}");
    site.make_cold();
    site.everything_works("after few files");
}

#[test]
fn closed_standard_streams_bring_no_message_into_a_file_of_the_cache() {
    let site = Site::new();
    let helper = site.sandbox.binary().to_string_lossy().into_owned();
    // A file that is opened now would be standard output or error, if the program did not see to that.
    for streams in ["<&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"] {
        for args in ["revoke --local", "token", "status", "refresh", "--no-cache token"] {
            let what = format!("{args} {streams}");
            let script = format!("exec \"$0\" -vv {what}");
            let output = site.sandbox.command("sh", &["-c", &script, &helper]).run();
            assert_eq!(output.status, 0, "{what}: {}", output.stderr);
            site.no_secret_is_astray(&what);
            let entry = fs::read_to_string(site.file("json")).expect("an entry");
            serde_json::from_str::<serde_json::Value>(&entry).expect("JSON and nothing else");
        }
    }
    site.everything_works("after closed streams");
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure_and_a_message_that_cannot_is_none() {
    let site = Site::new();
    let helper = site.sandbox.binary().to_string_lossy().into_owned();
    // Where the standard streams lead, the status, and whether the token arrives.
    for (streams, status, arrives) in [
        (">/dev/full", 1, false),
        ("2>/dev/full", 0, true),
        (">/dev/full 2>/dev/full", 1, false),
        (">&-", 0, false),
        ("2>&-", 0, true),
        (">&- 2>&-", 0, false),
    ] {
        for args in ["get", "-v token", "-v --no-cache get"] {
            let what = format!("{args} {streams}");
            let script = format!("exec \"$0\" {args} {streams}");
            let output = site.sandbox.command("sh", &["-c", &script, &helper]).stdin(REQUEST).run();
            assert_eq!(output.status, status, "{what}: {}", output.stderr);
            assert_eq!(output.stdout.contains("ghs_"), arrives, "{what}");
            assert!(!output.stderr.contains("ghs_"), "{what}: {}", output.stderr);
            let says = streams.contains('2') || status == 0 || output.stderr.contains("write the answer: ");
            assert!(says, "{what}: {}", output.stderr);
            site.no_secret_is_astray(&what);
        }
    }
    site.everything_works("after streams that were full or closed");
}
