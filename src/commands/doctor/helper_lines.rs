//! The lines that name this program as a helper, for any host: whether git finds it, whether it is this copy, and
//! whether it understands its options and knows the host.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::commands::doctor::check::Checks;
use crate::commands::doctor::hint::command;
use crate::commands::doctor::hosts;
use crate::commands::doctor::machine::Machine;
use crate::platform::paths::{self, is_executable};
use crate::platform::process;
use crate::platform::shell::{self, quoted};
use crate::programs::git::edit;
use crate::programs::git::helper::{Helper, Program};
use crate::programs::git::remote_url::Url;
use crate::programs::git::{self, ConfigEntry};
use crate::programs::own;
use crate::settings::options::HelperLine;
use crate::settings::{Sources, other_programs};
use crate::tokens::error::{PROGRAM, escape};
use crate::tokens::host::Host;

const NAME: &str = "helper line";

/// Checks every line that git would use.
pub fn examine(machine: &Machine, checks: &mut Checks) {
    for (url, line) in used(machine.entries()) {
        let helper = Helper::from(line);
        let origin = escape(&helper.origin);
        let (program, words) = helper.program();
        let set_up = || {
            let local = if edit::is_local(&helper.origin) { " --local" } else { "" };
            command(format!("{} setup{local}", machine.me))
        };
        match find(&program, machine) {
            ProgramFound::Nobody(name) => {
                let message = format!("git finds no program {} ({origin})", escape(&name));
                let hints = set_up().or("remove the line", line.removal());
                checks.broken(NAME, message, hints);
            }
            ProgramFound::NotExecutable(path) => {
                let shown = escape(&path.to_string_lossy());
                let hints = command(format!("chmod +x {}", quoted(&path.to_string_lossy())));
                checks.broken(NAME, format!("{shown} is not executable ({origin})"), hints);
            }
            ProgramFound::Other(path) => {
                let message = format!(
                    "git runs another copy, {}{} ({origin}), not this one, {}{}",
                    escape(&path.to_string_lossy()),
                    version(&path, machine),
                    own_path().display(),
                    concat!(" (", env!("CARGO_PKG_VERSION"), ")"),
                );
                let other = format!("{} doctor", shell::program(&path.to_string_lossy()));
                checks.warn(NAME, message, set_up().or("check that copy", other));
            }
            ProgramFound::This => options_and_host(url, &words, &origin, line, machine, checks),
            ProgramFound::Unknown => {}
        }
    }
}

/// Whether git can run what a line names.
pub fn is_sound(machine: &Machine, helper: &Helper) -> bool {
    !matches!(find(&helper.program().0, machine), ProgramFound::Nobody(_) | ProgramFound::NotExecutable(_))
}

/// Our lines with the URL that each is for (empty: any), except those that a later reset for the same URL, or for all,
/// removes.
fn used(entries: &[ConfigEntry]) -> Vec<(&str, &ConfigEntry)> {
    let mut found: Vec<(&str, &ConfigEntry)> = Vec::new();
    for entry in entries {
        let Some(url) = git::wiring::subsection(&entry.key, "credential", "helper") else { continue };
        if entry.value.is_empty() {
            found.retain(|(other, _)| !(url.is_empty() || url == *other));
        } else if Helper::from(entry).means_us() {
            found.push((url, entry));
        }
    }
    found
}

enum ProgramFound {
    This,
    Other(PathBuf),
    NotExecutable(PathBuf),
    /// No program has this name.
    Nobody(String),
    /// The shell decides.
    Unknown,
}

fn find(program: &Program, machine: &Machine) -> ProgramFound {
    let (name, directories) = match program {
        Program::Unknown => return ProgramFound::Unknown,
        Program::File(path) => return identify(path),
        Program::OnPath(name) => (name, Vec::new()),
        Program::OfGit(name) => (name, git::exec_path(machine.deadline).into_iter().collect()),
    };
    let search = other_programs::path().ok().flatten().unwrap_or_default();
    let names = paths::program_names(name);
    let places = directories.into_iter().chain(std::env::split_paths(&search));
    let places = places.flat_map(|dir| names.iter().map(move |name| dir.join(name)).collect::<Vec<_>>());
    let mut candidates = places.filter(|path| path.is_file());
    let Some(first) = candidates.next() else { return ProgramFound::Nobody(name.clone()) };
    // As the shell does: skip a file that cannot be run if another can.
    let runnable = std::iter::once(first.clone()).chain(candidates).find(|path| is_executable(path));
    identify(&runnable.unwrap_or(first))
}

fn identify(path: &Path) -> ProgramFound {
    // The shell may append an extension.
    let names = paths::program_names(&path.to_string_lossy());
    let Some(path) = &names.iter().map(PathBuf::from).find(|path| path.is_file()) else {
        return ProgramFound::Nobody(path.display().to_string());
    };
    if !is_executable(path) {
        return ProgramFound::NotExecutable(path.to_owned());
    }
    let is_own = path.canonicalize().ok() == own_path().canonicalize().ok();
    if is_own { ProgramFound::This } else { ProgramFound::Other(path.to_owned()) }
}

fn own_path() -> PathBuf {
    own::path().unwrap_or_else(|_| PROGRAM.into())
}

/// The version that another copy prints, in brackets; it may be anything. A program found through a relative entry of
/// `PATH` depends on the directory, and is not run.
fn version(path: &Path, machine: &Machine) -> String {
    if !path.is_absolute() {
        return String::new();
    }
    let mut other = process::foreign(path);
    process::without_secrets(&mut other).arg("--version");
    let outcome = process::run_in_group(&mut other, b"", machine.short_deadline());
    let text = outcome.ok().and_then(|outcome| String::from_utf8(outcome.stdout.to_vec()).ok());
    let version = text.as_deref().and_then(|text| text.strip_prefix(PROGRAM)?.split_whitespace().next());
    version.map(|version| format!(" ({})", escape(version))).unwrap_or_default()
}

/// What this program will do when git runs it with these words.
fn options_and_host(
    url: &str,
    words: &[String],
    origin: &str,
    line: &ConfigEntry,
    machine: &Machine,
    checks: &mut Checks,
) {
    // A snippet may include the operation.
    let names_operation = words.iter().any(|word| matches!(word.as_str(), "get" | "store" | "erase"));
    let words = if names_operation { &[] } else { words };
    let name = PROGRAM.to_owned();
    let options = match HelperLine::try_parse_from(std::iter::once(&name).chain(words)) {
        Ok(HelperLine { options }) => options,
        Err(error) => {
            let text = error.to_string();
            let wrong = escape(text.lines().next().unwrap_or_default().trim_start_matches("error: "));
            let message = format!("the helper does not understand its line in {origin}: {wrong}");
            return checks.broken(NAME, message, command(line.edit()));
        }
    };
    let sources = Sources::read(&options.given);
    // Without options of its own it has the settings that were already checked.
    let check = || sources.profiles()?.iter().try_for_each(|profile| profile.settings().map(drop));
    if let Some(Err(failure)) = (!words.is_empty()).then(check) {
        let error = anyhow::Error::from(failure).context(format!("the helper with its options in {origin}"));
        return checks.fail(NAME, &error);
    }
    let (Some(asked), hosts) = (Url::parse(url), hosts(&sources)) else { return };
    let is_asked = |host: &Host| host.is_asked_by(asked.scheme.as_bytes(), asked.host.as_bytes());
    if asked.host.contains('*') || hosts.is_empty() || hosts.iter().any(is_asked) {
        return;
    }
    let place = format!("{}://{}", escape(&asked.scheme), escape(&asked.host));
    let known = hosts.iter().map(|host| host.name.as_str()).collect::<Vec<_>>().join(", ");
    let message = format!("git asks the helper for {place} ({origin}), but it only has profiles for {known}");
    let set_up = format!(
        "{} setup --profile NAME --host {} --app-id ID --private-key-file FILE",
        machine.me,
        quoted(&asked.host)
    );
    let hints = command(set_up).or("remove the line", line.removal());
    checks.warn(NAME, message, hints);
}
