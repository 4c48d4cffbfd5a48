//! The bearer file while the server runs: changed, emptied, broken, gone.

use std::fs;
use std::io::{Seek as _, Write as _};
use std::time::{Duration, Instant};

use super::{ADMIN, Server, line};
use crate::common::message;
use crate::support::http_client::get;
use crate::support::users::mode;

/// Waits until a bearer is answered with this status: a look at the file is good for a millisecond.
#[track_caller]
fn becomes(server: &Server, bearer: &str, status: u16) {
    let latest = Instant::now() + Duration::from_secs(10);
    while get(server.port, ADMIN, bearer, "").status != status {
        assert!(Instant::now() < latest, "{bearer} never gets {status}");
    }
}

#[test]
fn a_changed_file_counts_at_once_and_a_broken_one_changes_nothing_and_is_reported_once() {
    let mut server = Server::start_with(&[("one", "")], &[]);
    let status = |server: &Server, bearer: &str| get(server.port, ADMIN, bearer, "").status;
    assert_eq!((status(&server, "one"), status(&server, "two")), (200, 401));
    server.sandbox.write_private("bearers", line(&server.sandbox, "two", "two", ""));
    becomes(&server, "two", 200);
    assert_eq!(status(&server, "one"), 401);
    server.running.wait_for_stderr("read bearer file bearers again: 1 bearer\n");
    let file = server.sandbox.path().join("bearers");
    let limited = line(&server.sandbox, "two", "two", "repository=hello owner=octo-org repository=Hello");
    let steps: [(&str, &dyn Fn()); 5] = [
        ("line 1: no sha256:HEX", &|| drop(server.sandbox.write_private("bearers", "garbage hunter2\n"))),
        ("line 1: a workspace, owner", &|| drop(server.sandbox.write_private("bearers", &limited))),
        ("it is not UTF-8", &|| drop(server.sandbox.write_private("bearers", b"a \xff\n"))),
        ("others may change it (mode 666)", &|| mode(&file, 0o666)),
        ("No such file", &|| fs::remove_file(&file).expect("a file of ours")),
    ];
    for (text, step) in steps {
        step();
        let latest = Instant::now() + Duration::from_secs(10);
        let log = loop {
            assert_eq!(status(&server, "two"), 200, "{text}");
            let log = server.running.stderr_so_far();
            if log.contains(text) {
                break log;
            }
            assert!(Instant::now() < latest, "{text} is never reported");
        };
        assert!(log.contains("; the bearers stay as they were\n") && !log.contains("hunter2"), "{log}");
    }
    // Long enough for a file that is not there to be looked for again.
    let later = Instant::now() + Duration::from_millis(1200);
    while Instant::now() < later {
        assert_eq!(status(&server, "two"), 200);
        std::thread::park_timeout(Duration::from_millis(100));
    }
    let log = server.running.stderr_so_far();
    for (text, _) in steps {
        assert_eq!(log.matches(text).count(), 1, "{text}: {log}");
    }
    server.sandbox.write_private("bearers", line(&server.sandbox, "three", "three", ""));
    becomes(&server, "three", 200);
    assert_eq!(status(&server, "two"), 401);
}

#[test]
fn an_emptied_file_revokes_all_and_one_that_is_empty_at_the_start_does_not_start() {
    for empty in ["", "# nobody\n\n"] {
        let mut server = Server::start_with(&[("one", "")], &[]);
        assert_eq!(get(server.port, ADMIN, "one", "").status, 200);
        server.sandbox.write_private("bearers", empty);
        becomes(&server, "one", 401);
        server.running.wait_for_stderr("again: no bearers: all are revoked\n");
        assert_eq!(get(server.port, ADMIN, "", "").status, 401, "it is not open to all either");
        server.sandbox.write_private("bearers", line(&server.sandbox, "two", "two", ""));
        becomes(&server, "two", 200);
        assert_eq!(get(server.port, ADMIN, "one", "").status, 401);
        server.sandbox.write_private("bearers", empty);
        for listen in ["127.0.0.1:0", "unix:socket"] {
            let serve = ["serve", "--listen", listen, "--bearer-file=bearers"];
            let output = server.sandbox.helper(&serve).run();
            output.fails_with(3);
            assert_eq!(message(&output), "bearer file bearers: it holds no bearer");
        }
    }
}

#[test]
fn an_edit_of_the_same_size_with_the_time_put_back_counts_at_once() {
    let server = Server::start_with(&[("one", "")], &[]);
    let file = fs::File::options().write(true).open(server.sandbox.path().join("bearers"));
    let mut file = file.expect("a file of ours");
    let before = file.metadata().expect("a file of ours");
    for (bearer, other) in [("two", "one"), ("six", "two")] {
        assert_eq!(get(server.port, ADMIN, other, "").status, 200);
        file.rewind().expect("a file");
        file.write_all(line(&server.sandbox, bearer, bearer, "").as_bytes()).expect("room on the disk");
        file.set_modified(before.modified().expect("a time")).expect("a file of ours");
        let after = file.metadata().expect("a file of ours");
        assert_eq!((after.len(), after.modified().ok()), (before.len(), before.modified().ok()));
        becomes(&server, bearer, 200);
        assert_eq!(get(server.port, ADMIN, other, "").status, 401);
    }
}
