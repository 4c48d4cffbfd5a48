//! Addresses of hosts and the user's home directory from getent(1), for builds with glibc linked in
//! (`cfg(static_glibc)`, see `build.rs`).
//!
//! glibc loads the modules that nsswitch.conf(5) names, such as systemd's and mDNS's, into the process that asks it.
//! Into a static program of another glibc version they crash it, and the system's glibc is updated more often than we
//! are. getent is part of the system's own glibc and asks in the same way as every other program does.

use std::io;
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::platform::clock::Deadline;
use crate::platform::process::{self, Outcome, RunError};

/// Whether this build must not ask glibc itself.
pub const NEEDED: bool = cfg!(static_glibc);
/// getent(1), EXIT STATUS: the key is not in the database.
const NOT_FOUND: i32 = 2;

/// The addresses of a host, the best one first; empty where it is unknown. `None`: there is no getent that can tell, so
/// there are no modules of another glibc either.
///
/// # Errors
/// getent is there and gave no answer, [`io::ErrorKind::TimedOut`] if none in time: no reason to ask glibc itself.
pub fn addresses(host: &str, deadline: Deadline) -> io::Result<Option<Vec<IpAddr>>> {
    let Some(outcome) = ask("ahosts", host, deadline)? else { return Ok(None) };
    match outcome.status.code() {
        Some(0) => Ok(Some(parse_addresses(&String::from_utf8_lossy(&outcome.stdout)))),
        Some(NOT_FOUND) => Ok(Some(Vec::new())),
        Some(_) => Ok(None),
        None => Err(io::Error::other("getent was killed")),
    }
}

/// The home directory of the user that runs this process; `None` where it is unknown.
pub fn home() -> Option<PathBuf> {
    let user = rustix::process::getuid().as_raw().to_string();
    let outcome = ask("passwd", &user, Deadline::after(process::PATIENCE)).ok()??;
    parse_home(&outcome.stdout).filter(|_| outcome.status.success())
}

/// `None`: there is no getent.
fn ask(database: &str, key: &str, deadline: Deadline) -> io::Result<Option<Outcome>> {
    // A PATH without the system's own directories is no reason to do without.
    for program in ["getent", "/usr/bin/getent"] {
        let mut getent = process::program(program);
        getent.args([database, "--", key]);
        match process::run_alone(process::without_secrets(&mut getent), b"", deadline) {
            Ok(outcome) => return Ok(Some(outcome)),
            Err(RunError::Start(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(RunError::Start(error) | RunError::Lost(error)) => return Err(error),
            Err(RunError::Late) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    Ok(None)
}

/// Reads lines such as `192.0.2.1  STREAM name`; each address comes once for every kind of socket.
fn parse_addresses(output: &str) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for address in output.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// Reads a line of passwd(5): the home directory is its sixth field.
fn parse_home(line: &[u8]) -> Option<PathBuf> {
    let home = line.split(|byte| matches!(byte, b':' | b'\n')).nth(5)?;
    (!home.is_empty()).then(|| std::ffi::OsString::from_vec(home.to_vec()).into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_address_counts_once_and_in_getents_order() {
        let output = "2001:db8::1     STREAM example.com\n2001:db8::1     DGRAM  \n2001:db8::1     RAW    \n\
                      192.0.2.1       STREAM \n192.0.2.1       DGRAM  \nfe80::1%eth0    STREAM \n\n";
        let expected: [IpAddr; 2] = ["2001:db8::1".parse().unwrap(), "192.0.2.1".parse().unwrap()];
        assert_eq!(parse_addresses(output), expected);
        assert!(parse_addresses("").is_empty());
    }

    #[test]
    fn the_home_directory_is_the_sixth_field() {
        for (line, home) in [
            ("root:x:0:0:root:/root:/bin/bash\n", Some("/root")),
            ("app:x:7:7::/srv/with a space:\n", Some("/srv/with a space")),
            ("app:x:7:7:::/bin/sh\n", None),
            ("app:x:7\n", None),
            ("", None),
        ] {
            assert_eq!(parse_home(line.as_bytes()), home.map(PathBuf::from), "{line:?}");
        }
    }

    #[test]
    fn the_systems_getent_is_understood() {
        let deadline = Deadline::after(Duration::from_secs(10));
        // Where there is none, nothing is known, which is an answer as well.
        if let Some(found) = addresses("localhost", deadline).unwrap() {
            assert!(found.iter().any(IpAddr::is_loopback), "{found:?}");
            assert_eq!(addresses("-h", deadline).unwrap(), Some(Vec::new()), "a name is never an option");
        }
    }

    #[test]
    fn a_getent_that_is_late_is_no_reason_to_do_without() {
        if std::path::Path::new("/usr/bin/getent").exists() {
            let error = addresses("localhost", Deadline::after(Duration::ZERO)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
    }
}
