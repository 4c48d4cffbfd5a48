//! Whom to trust with files: this user and root, as ssh does for its configuration. A file that somebody else can
//! change could name commands to run, and a directory that somebody else can change could hold other files tomorrow.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Write permission for the group and for others.
pub const OTHERS_WRITE: u32 = 0o022;
/// Whoever may write to such a directory may still rename and remove none but his own.
const STICKY: u32 = 0o1000;

/// Why a file is not to be trusted, and what fixes that.
#[derive(Debug, PartialEq, Eq)]
pub struct Distrust {
    /// Follows the file's name.
    pub cause: String,
    /// The hint.
    pub fix: String,
}

/// Checks an open file, so that it cannot be another one by the time it is read.
pub fn file(path: &Path, metadata: &Metadata) -> Result<(), Distrust> {
    let me = rustix::process::geteuid().as_raw();
    judge(&path.display().to_string(), metadata.uid(), metadata.mode(), me).map_or(Ok(()), Err)
}

fn judge(shown: &str, owner: u32, mode: u32, me: u32) -> Option<Distrust> {
    if owner != me && owner != 0 {
        return Some(Distrust {
            cause: format!("it belongs to another user (user ID {owner})"),
            fix: format!("make a copy of your own, or: chown {me} {shown}"),
        });
    }
    (mode & OTHERS_WRITE != 0).then(|| Distrust {
        cause: format!("others may change it (mode {:03o})", mode & 0o777),
        fix: format!("chmod go-w {shown}"),
    })
}

/// Who may read or change a private key.
#[derive(Debug, PartialEq, Eq)]
pub enum Readers {
    /// Nobody else, as far as its mode goes, or a group that root lends it to.
    Owner,
    /// Its group, with this mode.
    Group(u32),
    /// Everybody, with this mode.
    Everybody(u32),
}

/// Who may read or change a private key of this mode.
pub fn readers(metadata: &Metadata) -> Readers {
    judge_readers(metadata.uid(), metadata.mode() & 0o777, rustix::process::geteuid().as_raw())
}

/// Root lends a file where one group may read it and nothing more, as Kubernetes (`fsGroup`) and systemd (credentials)
/// do: that is how another user can read it at all, and not this user's to change.
fn judge_readers(owner: u32, mode: u32, me: u32) -> Readers {
    let is_lent_by_root = owner == 0 && me != 0 && mode & 0o077 == 0o040;
    match mode {
        _ if mode & 0o007 != 0 => Readers::Everybody(mode),
        _ if mode & 0o070 != 0 && !is_lent_by_root => Readers::Group(mode),
        _ => Readers::Owner,
    }
}

/// Checks the directory that holds a path: where others may rename and remove, they could put their own in its place.
/// One that is not there is no harm.
///
/// # Errors
/// Others may.
pub fn parent(path: &Path) -> io::Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let mode = match fs::metadata(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?.mode(),
    };
    if mode & OTHERS_WRITE != 0 && mode & STICKY == 0 {
        let (shown, mode) = (parent.display(), mode & 0o777);
        return Err(io::Error::other(format!(
            "others may change its directory {shown} (mode {mode:03o}); fix it with: chmod go-w {shown}, or go one level deeper"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_trusted_that_only_its_owner_or_root_can_change() {
        for (owner, mode, cause) in [
            (1000, 0o100_600, None),
            (1000, 0o100_644, None),
            (0, 0o100_644, None),
            (1000, 0o100_664, Some("others may change it (mode 664)")),
            (1000, 0o100_646, Some("others may change it (mode 646)")),
            (0, 0o100_666, Some("others may change it (mode 666)")),
            (1001, 0o100_600, Some("it belongs to another user (user ID 1001)")),
            (1001, 0o100_444, Some("it belongs to another user (user ID 1001)")),
        ] {
            let found = judge("/f", owner, mode, 1000).map(|distrust| distrust.cause);
            assert_eq!(found.as_deref(), cause, "{owner} {mode:o}");
        }
        assert!(judge("/f", 1000, 0o100_600, 0).is_some(), "root does not run what a user's file names");
    }

    #[test]
    fn a_key_is_its_owners_or_lent_to_a_group_by_root() {
        for (owner, mode, me, readers) in [
            (1000, 0o600, 1000, Readers::Owner),
            (1000, 0o400, 1000, Readers::Owner),
            (0, 0o440, 1000, Readers::Owner),
            (0, 0o640, 1000, Readers::Owner),
            (0, 0o460, 1000, Readers::Group(0o460)),
            (0, 0o444, 1000, Readers::Everybody(0o444)),
            (0, 0o440, 0, Readers::Group(0o440)),
            (1000, 0o440, 1000, Readers::Group(0o440)),
            (1001, 0o440, 1000, Readers::Group(0o440)),
            (1000, 0o644, 1000, Readers::Everybody(0o644)),
            (1000, 0o602, 1000, Readers::Everybody(0o602)),
        ] {
            assert_eq!(judge_readers(owner, mode, me), readers, "{owner} {mode:o} {me}");
        }
    }

    #[test]
    fn a_directory_that_others_may_change_is_trusted_only_if_it_is_sticky() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for (mode, good) in
            [(0o700, true), (0o755, true), (0o1777, true), (0o1770, true), (0o775, false), (0o777, false)]
        {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(parent(&path).is_ok(), good, "{mode:o}");
        }
        assert!(parent(Path::new("/")).is_ok());
        assert!(parent(&path.join("not-there")).is_ok());
    }
}
