//! Which files to trust: those of this user and of root, as ssh does for its configuration. A file that another user can
//! change could name commands to run, and in a directory that another user can change the files can be replaced.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;

pub use crate::platform::trust::{Distrust, Readers, Use};

/// Write permission for the group and for others.
pub const OTHERS_WRITE: u32 = 0o022;
/// How to let one group read a file, where that is enough for [`others_may`].
pub const FOR_A_GROUP: Option<&str> =
    Some("for a group: chgrp GROUP and chmod 640, in a directory that the group can enter");
/// Users who may write to such a directory may still rename and remove only their own files.
const STICKY: u32 = 0o1000;

/// Checks an open file, so that it cannot be replaced between the check and the read.
pub fn file(path: &Path, metadata: &Metadata) -> Result<(), Distrust> {
    let me = geteuid().as_raw();
    distrust(&path.display().to_string(), metadata.uid(), metadata.mode(), me).map_or(Ok(()), Err)
}

fn distrust(shown: &str, owner: u32, mode: u32, me: u32) -> Option<Distrust> {
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
pub fn readers(_: &Path, metadata: &Metadata) -> Readers {
    readers_by_mode(metadata.uid(), metadata.mode() & 0o777, geteuid().as_raw())
}

/// The command that makes a file accessible only to its owner; the path as a shell reads it.
pub fn remedy(path: &str) -> String {
    format!("chmod 600 {path}")
}

/// Whether root shares a file with one group, read-only, as Kubernetes (`fsGroup`) and systemd (credentials) do: only so
/// can another user read it at all, and this user cannot change the mode.
fn readers_by_mode(owner: u32, mode: u32, me: u32) -> Readers {
    let is_lent_by_root = owner == 0 && me != 0 && mode & 0o077 == 0o040;
    match mode {
        _ if mode & 0o007 != 0 => Readers::Everyone(format!("mode {mode:03o}")),
        _ if mode & 0o070 != 0 && !is_lent_by_root => Readers::Group(format!("mode {mode:03o}")),
        _ => Readers::Owner,
    }
}

/// Checks the directory that holds a path: where others may rename and remove, they could put their own in its place.
/// One that does not exist is harmless.
///
/// # Errors
/// Other users may rename or remove its entries.
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

/// Checks a file or a directory that only this user may own and access.
///
/// # Errors
/// It is not.
pub fn check_private(_: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.uid() != geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        let remedy = if metadata.is_dir() { "chmod 700" } else { "chmod 600" };
        return Err(io::Error::other(format!(
            "others may access it (mode {mode:03o}); {remedy} makes it private"
        )));
    }
    Ok(())
}

/// Whether somebody besides root may use a file; one that does not exist yet is harmless.
pub fn others_may(r#use: Use, path: &Path) -> bool {
    let may = |metadata: &Metadata, bit: u32| {
        metadata.mode() & bit != 0 || metadata.mode() & (bit << 3) != 0 && metadata.gid() != 0
    };
    let Ok(path) = path.canonicalize() else { return true };
    let is_open = |path: &Path, bit| fs::metadata(path).map_or(true, |metadata| may(&metadata, bit));
    let bit = if r#use == Use::Read { 4 } else { 1 };
    is_open(&path, bit) && path.ancestors().skip(1).all(|dir| is_open(dir, 1))
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
            let found = distrust("/f", owner, mode, 1000).map(|found| found.cause);
            assert_eq!(found.as_deref(), cause, "{owner} {mode:o}");
        }
        assert!(distrust("/f", 1000, 0o100_600, 0).is_some(), "root does not run what a user's file names");
    }

    #[test]
    fn a_key_is_its_owners_or_lent_to_a_group_by_root() {
        for (owner, mode, me, readers) in [
            (1000, 0o600, 1000, "owner"),
            (1000, 0o400, 1000, "owner"),
            (0, 0o440, 1000, "owner"),
            (0, 0o640, 1000, "owner"),
            (0, 0o460, 1000, "group, mode 460"),
            (0, 0o444, 1000, "everybody, mode 444"),
            (0, 0o440, 0, "group, mode 440"),
            (1000, 0o440, 1000, "group, mode 440"),
            (1001, 0o440, 1000, "group, mode 440"),
            (1000, 0o644, 1000, "everybody, mode 644"),
            (1000, 0o602, 1000, "everybody, mode 602"),
        ] {
            let found = match readers_by_mode(owner, mode, me) {
                Readers::Owner => "owner".to_owned(),
                Readers::Group(shown) => format!("group, {shown}"),
                Readers::Everyone(shown) => format!("everybody, {shown}"),
            };
            assert_eq!(found, readers, "{owner} {mode:o} {me}");
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
