//! Which Unix sockets to trust: we send a bearer and use the answer as a token. No other user may have been able to put
//! the socket there: it belongs to root or to us, or to a service's user in directories that no other user can write to.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
pub use std::os::unix::net::{UnixListener as Listener, UnixStream as Stream};
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use rustix::fs::Mode;
use rustix::net::listen;
use rustix::process::{geteuid, umask};
pub use tokio::net::{UnixListener as Accepting, UnixStream as Accepted};

use crate::platform::private_files::{Distrust, OTHERS_WRITE};

/// Whether there are Unix sockets here.
pub const SUPPORTED: bool = true;

const ROOT: u32 = 0;
/// More symbolic links than the system itself follows.
const MOST_LINKS: usize = 40;

/// The users who may answer at a socket.
#[derive(Debug, PartialEq, Eq)]
pub struct Peers {
    me: u32,
    owner: u32,
}

/// Checks a socket before anything is sent to it.
///
/// # Errors
/// Why it is not trusted. A socket that does not exist passes: connecting to it fails.
pub fn check(path: &Path) -> Result<Peers, Distrust> {
    let me = geteuid().as_raw();
    let Ok(socket) = fs::metadata(path) else { return Ok(Peers { me, owner: me }) };
    let owner = socket.uid();
    if owner != me && owner != ROOT {
        for directory in directories(path) {
            let Ok(metadata) = fs::metadata(&directory) else { continue };
            if let Some(cause) = distrust(&directory, metadata.uid(), metadata.mode(), [ROOT, me, owner]) {
                return Err(Distrust {
                    cause: format!("the socket belongs to another user (user ID {owner}), and {cause}"),
                    fix: "let the broker listen where only root and its own user may write, such as in a directory of its own below /run; or run it as you".to_owned(),
                });
            }
        }
    }
    Ok(Peers { me, owner })
}

/// Every directory on the path, as written and after following each link.
fn directories(path: &Path) -> BTreeSet<PathBuf> {
    let names = |path: &Path| -> Vec<OsString> {
        let names =
            path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
        names.map(|part| part.as_os_str().to_owned()).rev().collect()
    };
    let (mut found, mut here, mut ahead) = (BTreeSet::new(), PathBuf::from("/"), names(path));
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        found.insert(here.clone());
        let next = here.join(&name);
        match fs::read_link(&next) {
            Ok(target) if links < MOST_LINKS => {
                links += 1;
                ahead.extend(names(&target));
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
            }
            _ if name == ".." => drop(here.pop()),
            _ => here = next,
        }
    }
    found
}

/// Which other users can create files there.
fn distrust(directory: &Path, owner: u32, mode: u32, good: [u32; 3]) -> Option<String> {
    let shown = directory.display();
    if !good.contains(&owner) {
        return Some(format!("{shown} belongs to another one (user ID {owner})"));
    }
    (mode & OTHERS_WRITE != 0).then(|| format!("others may change {shown} (mode {:03o})", mode & 0o7777))
}

impl Peers {
    /// Checks who listens, if the system can tell: the socket may have been replaced since.
    ///
    /// # Errors
    /// Another user does.
    pub fn check(&self, stream: &Stream) -> Result<(), Distrust> {
        match user_of(stream) {
            Ok(Some(user)) if !self.include(user) => Err(Distrust {
                cause: format!("another user's process answers at the socket (user ID {user})"),
                fix: "run the broker as root, as the owner of its socket, or as you".to_owned(),
            }),
            Ok(_) => Ok(()),
            Err(error) => Err(Distrust {
                cause: format!("cannot tell whose process answers at the socket: {error}"),
                fix: "check that the broker listens at this socket".to_owned(),
            }),
        }
    }

    fn include(&self, user: u32) -> bool {
        [ROOT, self.me, self.owner].contains(&user)
    }
}

/// The user who listens at the other end.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn user_of(stream: &Stream) -> io::Result<Option<u32>> {
    use nix::sys::socket::{getsockopt, sockopt};
    Ok(Some(getsockopt(stream, sockopt::PeerCredentials)?.uid()))
}

/// The same.
#[cfg(target_vendor = "apple")]
fn user_of(stream: &Stream) -> io::Result<Option<u32>> {
    use nix::sys::socket::{getsockopt, sockopt};
    Ok(Some(getsockopt(stream, sockopt::LocalPeerCred)?.uid()))
}

/// The same on systems that cannot tell.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn user_of(_: &Stream) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Creates a socket that is private from the start: a later chmod would leave a gap, and would follow a symbolic link put
/// in its place. Up to `waiting` connections may wait to be accepted.
pub fn bind_private(path: &Path, waiting: i32) -> io::Result<Listener> {
    remove_stale(path);
    // The umask applies to the whole process; the only other thread so far, the log's, creates no files.
    let before = umask(Mode::from_raw_mode(0o177));
    let bound = Listener::bind(path);
    umask(before);
    let bound = bound?;
    bound.set_nonblocking(true)?;
    listen(&bound, waiting)?;
    Ok(bound)
}

/// Removes a stale socket, left by a process that was killed.
fn remove_stale(path: &Path) {
    let is_socket =
        fs::symlink_metadata(path).is_ok_and(|metadata| FileTypeExt::is_socket(&metadata.file_type()));
    if is_socket && Stream::connect(path).is_err() {
        let _ = fs::remove_file(path);
    }
}

/// The socket that systemd passed to this process, of either kind.
pub fn handed_over() -> (Option<std::net::TcpListener>, Option<Listener>) {
    let mut handed = listenfd::ListenFd::from_env();
    match handed.take_tcp_listener(0) {
        Ok(Some(listener)) => (Some(listener), None),
        _ => (None, handed.take_unix_listener(0).ok().flatten()),
    }
}

/// The user who connected, even if that process has ended since; `None`: the kernel cannot tell.
pub fn user_behind(stream: &Accepted) -> Option<u32> {
    stream.peer_cred().ok().map(|credentials| credentials.uid())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_root_we_and_the_sockets_owner_may_write_to_a_directory_on_the_way() {
        for (owner, mode, cause) in [
            (0, 0o40_755, None),
            (7, 0o40_700, None),
            (8, 0o40_755, None),
            (9, 0o40_700, Some("/d belongs to another one (user ID 9)")),
            (0, 0o41_777, Some("others may change /d (mode 1777)")),
            (7, 0o40_770, Some("others may change /d (mode 770)")),
            (8, 0o40_757, Some("others may change /d (mode 757)")),
        ] {
            let found = distrust(Path::new("/d"), owner, mode, [0, 7, 8]);
            assert_eq!(found.as_deref(), cause, "{owner} {mode:o}");
        }
        let peers = Peers { me: 7, owner: 8 };
        assert_eq!([0, 7, 8, 9].map(|user| peers.include(user)), [true, true, true, false]);
    }

    #[test]
    fn every_directory_is_looked_at_that_a_link_leads_through() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["a", "b", "c", "c/d"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        symlink("../b/two", root.join("a/one")).unwrap();
        symlink(root.join("c/d"), root.join("b/two")).unwrap();
        let found = directories(&root.join("a/one/s"));
        let below: Vec<&Path> = found.iter().filter_map(|dir| dir.strip_prefix(&root).ok()).collect();
        assert_eq!(below, ["", "a", "b", "c", "c/d"].map(Path::new));
        assert!(root.ancestors().all(|dir| found.contains(dir)));
        symlink("loop", root.join("loop")).unwrap();
        assert!(directories(&root.join("loop/s")).contains(&root));
    }

    #[test]
    fn a_socket_of_our_own_is_trusted_wherever_it_is_and_its_peer_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let _listener = Listener::bind(&path).unwrap();
        let peers = check(&path).unwrap();
        assert_eq!(peers.owner, peers.me);
        let stream = Stream::connect(&path).unwrap();
        peers.check(&stream).unwrap();
        if let Some(user) = user_of(&stream).unwrap() {
            assert_eq!(user, peers.me);
        }
    }
}
