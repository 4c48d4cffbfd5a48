//! One file of git configuration: git itself adds the lines, so that they go where git would put them; what it has
//! inserted is remembered, and cut out again by `--undo`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::files;
use super::record::{Change, Inserted, Part, hash};
use crate::clock::Deadline;
use crate::error::{Failure, Kind};
use crate::git::{self, Entry, wiring::Wiring};
use crate::process;
use crate::settings::programs;

/// Which file is changed.
pub enum Place {
    /// `--global`.
    Global,
    /// `--system`.
    System,
    /// `--local`.
    Local,
    /// `--file`.
    File(PathBuf),
}

impl Place {
    /// The file's absolute path.
    pub fn path(&self, deadline: Deadline) -> Result<PathBuf> {
        let path = match self {
            Self::Global => programs::git_global_file()?.ok_or_else(|| {
                Failure::new(Kind::Settings, "there is no home directory for git's configuration")
                    .hint("set HOME or GIT_CONFIG_GLOBAL, or choose a file with --file")
            })?,
            Self::System => match programs::git_system_file()? {
                Some(path) => path,
                None => ask_git(&["config", "--system", "--edit"], deadline)?,
            },
            Self::Local => ask_git(&["rev-parse", "--git-path", "config"], deadline)?,
            Self::File(path) => path.clone(),
        };
        std::path::absolute(&path).with_context(|| format!("find {}", path.display()))
    }
}

/// A path that only git knows. As git's editor, `echo` tells which file git would let people edit.
fn ask_git(arguments: &[&str], deadline: Deadline) -> Result<PathBuf> {
    let mut command = process::program("git");
    command.args(arguments).env("GIT_EDITOR", "echo");
    let outcome = git::run_prepared(&mut command, b"", deadline)?;
    let text = String::from_utf8_lossy(&outcome.stdout).trim().to_owned();
    if !outcome.status.success() || text.is_empty() {
        return Err(git::failure(&format!("git {}", arguments.join(" ")), &outcome)
            .hint("run it in a repository, or choose a file with --file")
            .into());
    }
    Ok(text.into())
}

/// Lines that shall be in the file.
pub struct Plan {
    /// What they are for.
    pub part: Part,
    /// Keys and values, to be added in this order.
    pub lines: Vec<(String, String)>,
}

impl Plan {
    /// The helper, asked first and alone for its host, and told the path.
    pub fn helper(host_url: &str, command: &str) -> Self {
        let key = |variable: &str| format!("credential.{host_url}.{variable}");
        let lines = vec![
            (key("helper"), String::new()),
            (key("helper"), command.to_owned()),
            (key("useHttpPath"), "true".to_owned()),
        ];
        Self { part: Part::Helper, lines }
    }

    /// The bot's name and address.
    pub fn identity(name: &str, email: &str) -> Self {
        let lines =
            vec![("user.name".to_owned(), name.to_owned()), ("user.email".to_owned(), email.to_owned())];
        Self { part: Part::Identity, lines }
    }

    /// Whether the file by itself does what the lines would do.
    pub fn is_met_by(&self, entries: &[Entry], host_url: &str) -> bool {
        match self.part {
            Part::Helper => {
                let wiring = Wiring::of(entries, host_url, None);
                let key = format!("credential.{host_url}.helper").to_ascii_lowercase();
                let has_reset = entries
                    .iter()
                    .any(|entry| entry.key.to_ascii_lowercase() == key && entry.value.is_empty());
                let first = wiring.helpers.first().is_some_and(|first| first.command == self.lines[1].1);
                first && has_reset && wiring.use_http_path
            }
            Part::Identity => self.lines.iter().all(|(key, value)| {
                let last = entries.iter().rfind(|entry| entry.key == *key);
                last.is_some_and(|entry| entry.value == *value)
            }),
        }
    }

    /// The lines as a file would hold them, for `--print`.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut section = String::new();
        for (key, value) in &self.lines {
            let (name, variable) = key.rsplit_once('.').unwrap_or(("", key));
            let header = match name.split_once('.') {
                Some((name, subsection)) => format!("[{name} \"{subsection}\"]\n"),
                None => format!("[{name}]\n"),
            };
            if header != section {
                text.push_str(&header);
                section = header;
            }
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let separator = if value.is_empty() { "" } else { " " };
            text.extend(["\t", variable, " =", separator, &escaped, "\n"]);
        }
        text
    }
}

/// The entries of one file; none where it is not there.
pub fn entries(path: &Path, deadline: Deadline) -> Result<Vec<Entry>> {
    if path.exists() { Ok(git::configuration(Some(path), deadline)?) } else { Ok(Vec::new()) }
}

/// Lets git add the lines, and remembers what that has inserted.
pub fn apply(path: &Path, plan: &Plan, deadline: Deadline, changes: &mut Vec<Change>) -> Result<()> {
    let context = || format!("change git's configuration in {}", path.display());
    if let Some(dir) = path.parent() {
        let made = files::make_directory(dir, 0o777).with_context(context)?;
        changes.extend(made.into_iter().map(Change::Directory));
    }
    let before = files::read(path).with_context(context)?;
    let outcome = plan.lines.iter().try_for_each(|(key, value)| {
        let mut command = process::program("git");
        command.arg("config").arg("--file").arg(path).args(["--add", key, value]);
        let outcome = git::run_prepared(&mut command, b"", deadline)?;
        if outcome.status.success() {
            return Ok(());
        }
        Err(git::failure("git config", &outcome).hint("check that the file can be written"))
    });
    let after = files::read(path).with_context(context)?.unwrap_or_default();
    let old = before.clone().unwrap_or_default();
    // Also where git has stopped half-way: what it has written is to be undone as well.
    if after != old {
        let (offset, text) = insertion(&old, &after)
            .ok_or_else(|| Failure::new(Kind::Other, "git has changed more than it was asked to"))
            .with_context(context)?;
        changes.push(Change::Inserted(Inserted {
            path: path.to_owned(),
            part: plan.part,
            created: before.is_none(),
            offset,
            text,
            after: hash(&after),
        }));
    }
    outcome.with_context(context)
}

/// Where the new text has more than the old, if that is one piece.
fn insertion(old: &str, new: &str) -> Option<(usize, String)> {
    let length = new.len().checked_sub(old.len())?;
    let common = old.bytes().zip(new.bytes()).take_while(|(one, other)| one == other).count();
    // At the end of a line if possible: what is cut out by hand later should be whole lines.
    let starts = (0..=common)
        .rev()
        .filter(|&start| new.is_char_boundary(start) && new.is_char_boundary(start + length));
    let mut fitting =
        starts.filter(|&start| new[..start] == old[..start] && new[start + length..] == old[start..]);
    let first = fitting.next()?;
    let at_line = |start: usize| start == 0 || new.as_bytes()[start - 1] == b'\n';
    let start = std::iter::once(first).chain(fitting).find(|&start| at_line(start)).unwrap_or(first);
    Some((start, new[start..start + length].to_owned()))
}

/// Takes the inserted text out again.
///
/// # Errors
/// Others have changed just these lines since; the file is left alone.
pub fn undo(change: &Inserted) -> Result<()> {
    let context = || format!("undo the changes in {}", change.path.display());
    let Some(now) = files::read(&change.path).with_context(context)? else { return Ok(()) };
    let rest = without(&now, change).ok_or_else(|| {
        Failure::new(Kind::Other, "the lines have been changed since")
            .hint(format!("remove them by hand from {}", change.path.display()))
    });
    let rest = rest.with_context(context)?;
    if change.created && rest.is_empty() {
        return std::fs::remove_file(&change.path).with_context(context);
    }
    files::replace(&change.path, &rest, 0o644).with_context(context)
}

fn without(now: &str, change: &Inserted) -> Option<String> {
    let Inserted { offset, text, after, .. } = change;
    if hash(now) == *after {
        return Some(format!("{}{}", &now[..*offset], &now[offset + text.len()..]));
    }
    // Elsewhere by now, but only where it is still whole and there is no doubt which piece is ours.
    let text = text.trim_start_matches('\n');
    let mut found = now.match_indices(text);
    let (start, _) = found.next()?;
    if found.next().is_some() {
        return None;
    }
    let (before, rest) = (&now[..start], &now[start + text.len()..]);
    let header = text.lines().next().filter(|line| line.starts_with('['));
    let others_follow =
        rest.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| !line.starts_with('['));
    match header {
        // Lines that others have added to our section stay in it.
        Some(header) if others_follow => Some(format!("{before}{header}\n{rest}")),
        _ => Some(format!("{before}{rest}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insertion_is_found_as_whole_lines() {
        for (old, new, found) in [
            ("", "[a]\n\tb = 1\n", Some((0, "[a]\n\tb = 1\n"))),
            ("[a]\n\tb = 1\n", "[a]\n\tb = 1\n\tb = 2\n", Some((11, "\tb = 2\n"))),
            ("[a]\n\tb = 1\n[c]\n", "[a]\n\tb = 1\n\tb = 1\n[c]\n", Some((11, "\tb = 1\n"))),
            ("[a]\n\tb = 1", "[a]\n\tb = 1\n\tb = 2\n", Some((10, "\n\tb = 2\n"))),
            ("[a]\n", "[b]\n", None),
            ("[a]\nx\n", "[a]\n", None),
            ("é", "éé", Some((0, "é"))),
        ] {
            let is = insertion(old, new);
            assert_eq!(is.as_ref().map(|(at, text)| (*at, text.as_str())), found, "{old:?} {new:?}");
        }
    }

    #[test]
    fn text_is_cut_out_wherever_it_is_by_now() {
        let change = |text: &str| Inserted {
            path: PathBuf::new(),
            part: Part::Helper,
            created: false,
            offset: 0,
            text: text.into(),
            after: String::new(),
        };
        let ours = "[c \"u\"]\n\thelper =\n";
        for (now, rest) in [
            ("[a]\n[c \"u\"]\n\thelper =\n", Some("[a]\n")),
            ("[c \"u\"]\n\thelper =\n[a]\n", Some("[a]\n")),
            ("[c \"u\"]\n\thelper =\n\tother = 1\n", Some("[c \"u\"]\n\tother = 1\n")),
            ("[a]\n", None),
            ("[c \"u\"]\n\thelper =\n[c \"u\"]\n\thelper =\n", None),
        ] {
            assert_eq!(without(now, &change(ours)).as_deref(), rest, "{now:?}");
        }
    }

    #[test]
    fn what_is_printed_is_git_configuration() {
        let plan = Plan::helper("https://github.com", "/opt/my\\ tools/x");
        let text = "[credential \"https://github.com\"]\n\thelper =\n\thelper = /opt/my\\\\ tools/x\n\tuseHttpPath = true\n";
        assert_eq!(plan.to_text(), text);
        assert_eq!(Plan::identity("a[bot]", "1+a").to_text(), "[user]\n\tname = a[bot]\n\temail = 1+a\n");
    }
}
