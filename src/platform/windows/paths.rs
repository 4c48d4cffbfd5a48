//! Paths as the system and git write them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use directories::BaseDirs;

/// The prefix of a path that the system takes literally, such as those that `canonicalize` returns.
const VERBATIM: &str = r"\\?\";
/// The same for a share.
const VERBATIM_SHARE: &str = r"\\?\UNC\";

/// Whether the system keeps its CAs in files, which `SSL_CERT_FILE` and `SSL_CERT_DIR` can name; macOS and Windows do
/// not.
pub const CAS_IN_FILES: bool = false;

/// Whether git needs `HOME` to read its user's files; Git for Windows finds the home directory by itself.
pub const GIT_NEEDS_HOME: bool = false;

/// Looks up an environment variable.
pub type Variables<'a> = &'a dyn Fn(&'static str) -> Option<String>;

fn named(variables: Variables, name: &'static str) -> Option<PathBuf> {
    variables(name).map(PathBuf::from).filter(|dir| dir.is_absolute())
}

/// The user's home directory: `HOME`, as for Git for Windows, else the profile.
pub fn home(variables: Variables) -> Option<PathBuf> {
    let profile = || BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
    named(variables, "HOME").or_else(|| named(variables, "USERPROFILE")).or_else(profile)
}

/// Where a program keeps its configuration: in `%APPDATA%`, which follows the user from machine to machine.
pub fn config_dir(variables: Variables, program: &str) -> Option<PathBuf> {
    let known = || BaseDirs::new().map(|dirs| dirs.config_dir().to_owned());
    named(variables, "APPDATA").or_else(known).map(|dir| dir.join(program))
}

/// Where a program keeps its cache: in `%LOCALAPPDATA%`.
pub fn cache_dir(variables: Variables, program: &str) -> Option<PathBuf> {
    let known = || BaseDirs::new().map(|dirs| dirs.cache_dir().to_owned());
    named(variables, "LOCALAPPDATA").or_else(known).map(|dir| dir.join(program))
}

/// Where gh keeps its login (<https://cli.github.com/manual/gh_help_environment>, `GH_CONFIG_DIR`).
pub fn gh_dir(variables: Variables) -> Option<PathBuf> {
    named(variables, "APPDATA").map(|dir| dir.join("GitHub CLI"))
}

/// Where machine-wide settings are kept: in `%ProgramData%`.
pub fn of_all_users(variables: Variables, program: &str) -> PathBuf {
    named(variables, "ProgramData").unwrap_or_else(|| r"C:\ProgramData".into()).join(program)
}

/// Whether this is the name of a variable: letter case does not count here.
pub fn is_variable(name: &OsStr, known: &str) -> bool {
    name.eq_ignore_ascii_case(known)
}

/// A path as git's configuration and git's own shell write it: with slashes, as backslashes escape there.
pub fn for_shell(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = match (text.strip_prefix(VERBATIM_SHARE), text.strip_prefix(VERBATIM)) {
        (Some(share), _) => format!(r"\\{share}"),
        (None, Some(path)) => path.to_owned(),
        (None, None) => text.into_owned(),
    };
    text.replace('\\', "/")
}

/// The file names that a shell tries for a program's name.
pub fn program_names(name: &str) -> Vec<String> {
    vec![format!("{name}.exe"), name.to_owned()]
}

/// Whether a file can be run, as far as its metadata says.
pub fn is_executable(path: &Path) -> bool {
    path.is_file()
}
