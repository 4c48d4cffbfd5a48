//! Paths as the system and git write them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};
use rustix::fs::{Access, access};

/// Whether the system keeps its CAs in files, which `SSL_CERT_FILE` and `SSL_CERT_DIR` can name; macOS and Windows do
/// not.
pub const CAS_IN_FILES: bool = cfg!(not(target_vendor = "apple"));

/// Whether git needs `HOME` to read its user's files; Git for Windows finds the home directory by itself.
pub const GIT_NEEDS_HOME: bool = true;

/// Looks up an environment variable.
pub type Variables<'a> = &'a dyn Fn(&'static str) -> Option<String>;

/// The user's home directory: `HOME`, else the user database's.
pub fn home(_: Variables) -> Option<PathBuf> {
    BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

/// Where a program keeps its configuration.
pub fn config_dir(_: Variables, program: &str) -> Option<PathBuf> {
    ProjectDirs::from("", "", program).map(|dirs| dirs.config_dir().to_owned())
}

/// Where a program keeps its cache.
pub fn cache_dir(_: Variables, program: &str) -> Option<PathBuf> {
    ProjectDirs::from("", "", program).map(|dirs| dirs.cache_dir().to_owned())
}

/// Where gh keeps its login other than below the home directory: nowhere.
pub fn gh_dir(_: Variables) -> Option<PathBuf> {
    None
}

/// Where machine-wide settings are kept.
pub fn of_all_users(_: Variables, program: &str) -> PathBuf {
    Path::new("/etc").join(program)
}

/// Whether this is the name of a variable.
pub fn is_variable(name: &OsStr, known: &str) -> bool {
    name == known
}

/// A path as git's configuration and a shell write it.
pub fn for_shell(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The file names that a shell tries for a program's name.
pub fn program_names(name: &str) -> Vec<String> {
    vec![name.to_owned()]
}

/// Whether a file can be run.
pub fn is_executable(path: &Path) -> bool {
    access(path, Access::EXEC_OK).is_ok()
}
