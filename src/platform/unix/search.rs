//! How programs are looked for in the directories of the `PATH`. An empty entry, `.` and every other relative one stand
//! for the current directory, or one below it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::platform::search::Search;

/// The default for a `PATH` that is not set or has no absolute entry (environ(7), execvp(3)).
const DEFAULT: &str = "/usr/bin:/bin";

impl Search {
    /// What a `PATH` names.
    pub(in crate::platform) fn of(path: Option<&OsStr>) -> Self {
        let Some(path) = path else {
            return Self { directories: std::env::split_paths(DEFAULT).collect(), instead: None };
        };
        let all = std::env::split_paths(path);
        let (directories, dropped): (Vec<PathBuf>, Vec<PathBuf>) = all.partition(|dir| dir.is_absolute());
        match (directories.is_empty(), dropped.is_empty()) {
            (false, true) => Self { directories, instead: None },
            // Entries that were split at colons contain none.
            (false, false) => Self { instead: std::env::join_paths(&directories).ok(), directories },
            // An empty `PATH` means the current directory.
            (true, _) => Self { instead: Some(DEFAULT.into()), ..Self::of(None) },
        }
    }

    /// The first executable file of this name; otherwise a path that fails to start for the right reason: it is not
    /// executable, or does not exist.
    pub fn find(&self, name: &str) -> PathBuf {
        let is_executable = |path: &Path| access(path, Access::EXEC_OK).is_ok();
        let places = self.directories.iter().map(|dir| dir.join(name));
        let mut found = None;
        for path in places.filter(|path| path.is_file()) {
            if is_executable(&path) {
                return path;
            }
            found.get_or_insert(path);
        }
        found.or_else(|| Some(self.directories.first()?.join(name))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn relative_entries_are_left_out_here_and_for_what_is_run() {
        for (path, directories, instead) in [
            (None, "/usr/bin:/bin", None),
            (Some("/a:/b"), "/a:/b", None),
            (Some(":/a::.:b:../c:~/d:/e:"), "/a:/e", Some("/a:/e")),
            (Some(""), "/usr/bin:/bin", Some("/usr/bin:/bin")),
            (Some(".:bin"), "/usr/bin:/bin", Some("/usr/bin:/bin")),
        ] {
            let search = Search::of(path.map(OsStr::new));
            let expected = directories.split(':').map(PathBuf::from).collect::<Vec<_>>();
            assert_eq!(
                search,
                Search { directories: expected, instead: instead.map(OsString::from) },
                "{path:?}"
            );
        }
    }

    #[test]
    fn the_first_that_can_be_run_is_found_and_else_the_reason_why_not() {
        let dir = tempfile::tempdir().unwrap();
        let [one, two, three] = ["one", "two", "three"].map(|name| dir.path().join(name));
        for dir in [&one, &two, &three, &one.join("git")] {
            fs::create_dir(dir).unwrap();
        }
        for (dir, mode) in [(&two, 0o644), (&three, 0o755)] {
            fs::write(dir.join("git"), "").unwrap();
            fs::set_permissions(dir.join("git"), Permissions::from_mode(mode)).unwrap();
        }
        let search = |dirs: &[&PathBuf]| Search::of(Some(&std::env::join_paths(dirs).unwrap()));
        assert_eq!(search(&[&one, &two, &three]).find("git"), three.join("git"));
        assert_eq!(search(&[&one, &two]).find("git"), two.join("git"), "not executable");
        assert_eq!(search(&[&one, &two]).find("gh"), one.join("gh"), "not there");
    }
}
