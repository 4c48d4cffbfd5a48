//! One file of git configuration. git itself adds the lines, so that they go where git would put them. `--undo` cuts
//! out that exact text if nobody has changed the file since, and otherwise removes line by line what is still there.

use std::path::Path;

use anyhow::{Context, Result};

use crate::commands::setup::files;
use crate::commands::setup::record::{Change, Inserted, Part, hash};
use crate::platform::clock::Deadline;
use crate::platform::process;
use crate::programs::git::{self, ConfigEntry, wiring::Wiring};
use crate::tokens::error::{Failure, Kind};
use crate::tokens::host::Host;

mod lines;
mod place;

pub use lines::Line;
pub use place::ConfigPlace;

/// Lines to add to the file.
pub struct GitPlan {
    /// What they are for.
    pub part: Part,
    /// Keys and values, to be added in this order.
    pub lines: Vec<Line>,
}

/// What `undo` did.
pub struct Undone {
    /// Lines that it removed.
    pub removed: Vec<Line>,
    /// Lines that somebody else had removed or changed.
    pub gone: Vec<Line>,
    /// Whether the file was removed: setup had created it, and it is empty without our lines.
    pub file_removed: bool,
}

impl GitPlan {
    /// Makes git ask only this helper for its host, and send the path.
    pub fn helper(host_url: &str, command: &str) -> Self {
        let key = |variable: &str| format!("credential.{host_url}.{variable}");
        let lines = vec![
            (key("helper"), String::new()),
            (key("helper"), command.to_owned()),
            (key("useHttpPath"), "true".to_owned()),
        ];
        Self { part: Part::Helper, lines }
    }

    /// Rewrites ssh URLs to https, because git asks helpers only for https. git takes the longest matching prefix.
    pub fn instead_of(host: &Host) -> Self {
        let key = format!("url.{}/.insteadOf", host.url());
        // ssh has a port of its own.
        let name = host.without_port();
        let lines =
            [format!("git@{name}:"), format!("ssh://git@{name}/")].map(|prefix| (key.clone(), prefix));
        Self { part: Part::InsteadOf, lines: lines.to_vec() }
    }

    /// The bot's name and address.
    pub fn identity(name: &str, email: &str) -> Self {
        let lines =
            vec![("user.name".to_owned(), name.to_owned()), ("user.email".to_owned(), email.to_owned())];
        Self { part: Part::Identity, lines }
    }

    /// Whether the file already does what the lines would do.
    pub fn is_met_by(&self, entries: &[ConfigEntry], host_url: &str) -> bool {
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
            Part::InsteadOf => lines::find(entries, &self.lines).gone.is_empty(),
            Part::Identity => self.lines.iter().all(|(key, value)| {
                let last = entries.iter().rfind(|entry| entry.key == *key);
                last.is_some_and(|entry| entry.value == *value)
            }),
        }
    }
}

/// Lines as a file would hold them.
pub fn to_text(lines: &[Line]) -> String {
    let mut text = String::new();
    let mut section = String::new();
    for (key, value) in lines {
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

/// The same, indented.
pub fn indented(lines: &[Line]) -> String {
    to_text(lines).lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// The entries of one file and of the files it includes; empty if it does not exist.
pub fn entries(path: &Path, deadline: Deadline) -> Result<Vec<ConfigEntry>> {
    if path.exists() { Ok(git::configuration(Some(path), deadline)?) } else { Ok(Vec::new()) }
}

/// Lets git add the lines, and records the inserted text.
pub fn apply(path: &Path, plan: &GitPlan, deadline: Deadline, changes: &mut Vec<Change>) -> Result<()> {
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
        Err(git::failure("git config", &outcome)
            .hint("check that the file can be written, or choose another: GIT_CONFIG_GLOBAL, --file"))
    });
    let after = files::read(path).with_context(context)?.unwrap_or_default();
    let old = before.clone().unwrap_or_default();
    // Even if git stopped half-way: what it wrote must be undone as well.
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
            lines: plan.lines.clone(),
        }));
    }
    outcome.with_context(context)
}

/// Where the new text has more than the old, if the difference is one piece.
fn insertion(old: &str, new: &str) -> Option<(usize, String)> {
    let length = new.len().checked_sub(old.len())?;
    let common = old.bytes().zip(new.bytes()).take_while(|(one, other)| one == other).count();
    // At the end of a line if possible, so that whole lines are cut out later.
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

/// Removes what was inserted, and keeps what others have written since, even in the middle of it.
///
/// # Errors
/// Our lines cannot be told from the others; the file is not changed.
pub fn undo(change: &Inserted, deadline: Deadline) -> Result<Undone> {
    let Inserted { path, offset, text, after, lines, created, .. } = change;
    let context = || format!("undo the changes in {}", path.display());
    let Some(now) = files::read(path).with_context(context)? else {
        return Ok(Undone { removed: Vec::new(), gone: lines.clone(), file_removed: false });
    };
    // The record may have been edited too: its offsets may be outside the file.
    let (rest, gone) = match (now.get(..*offset), now.get(offset.saturating_add(text.len())..)) {
        (Some(before), Some(behind)) if hash(&now) == *after => (format!("{before}{behind}"), Vec::new()),
        _ => without(&now, path, lines, deadline).with_context(context)?,
    };
    let removed = lines.iter().filter(|line| !gone.contains(line)).cloned().collect();
    let file_removed = *created && rest.trim().is_empty();
    if file_removed {
        std::fs::remove_file(path).with_context(context)?;
    } else if rest != now {
        files::replace(path, &rest, 0o644).with_context(context)?;
    }
    Ok(Undone { removed, gone, file_removed })
}

/// The text without our remaining lines, and the lines that were already missing. git confirms that nothing
/// else is missing.
fn without(
    now: &str,
    path: &Path,
    ours: &[Line],
    deadline: Deadline,
) -> Result<(String, Vec<Line>), Failure> {
    let entries = git::lines_of(path, b"", deadline)?;
    let found = lines::find(&entries, ours);
    let pairs =
        |entries: Vec<ConfigEntry>| entries.into_iter().map(|ConfigEntry { key, value, .. }| (key, value));
    let rest = lines::without(now, entries.len(), &found.places);
    let left = entries.into_iter().enumerate().filter(|(at, _)| !found.places.contains(at));
    let left = left.map(|(_, entry)| entry).collect();
    let is_right = |rest: &String| {
        let parsed = git::lines_of(Path::new("-"), rest.as_bytes(), deadline);
        parsed.is_ok_and(|parsed| pairs(parsed).eq(pairs(left)))
    };
    match rest.filter(is_right) {
        Some(rest) if !ours.is_empty() => Ok((rest, found.gone)),
        _ => {
            Err(Failure::new(Kind::Other, "the file was changed since, and the lines cannot be found in it")
                .hint(format!("remove them by hand from {}:", path.display()))
                .hint(to_text(ours).replace(['\n', '\t'], " ")))
        }
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
    fn what_is_printed_is_git_configuration() {
        let plan = GitPlan::helper("https://github.com", "/opt/my\\ tools/x");
        let text = "[credential \"https://github.com\"]\n\thelper =\n\thelper = /opt/my\\\\ tools/x\n\tuseHttpPath = true\n";
        assert_eq!(to_text(&plan.lines), text);
        let ssh = |host: &str| to_text(&GitPlan::instead_of(&Host::parse(host).unwrap()).lines);
        for (host, text) in [
            (
                "github.com",
                "[url \"https://github.com/\"]\n\tinsteadOf = git@github.com:\n\tinsteadOf = ssh://git@github.com/\n",
            ),
            (
                "ghe.test:8443",
                "[url \"https://ghe.test:8443/\"]\n\tinsteadOf = git@ghe.test:\n\tinsteadOf = ssh://git@ghe.test/\n",
            ),
            (
                "http://[::1]:80",
                "[url \"http://[::1]/\"]\n\tinsteadOf = git@[::1]:\n\tinsteadOf = ssh://git@[::1]/\n",
            ),
            (
                "http://[::1]:8080",
                "[url \"http://[::1]:8080/\"]\n\tinsteadOf = git@[::1]:\n\tinsteadOf = ssh://git@[::1]/\n",
            ),
        ] {
            assert_eq!(ssh(host), text);
        }
        let identity = GitPlan::identity("a[bot]", "1+a");
        assert_eq!(to_text(&identity.lines), "[user]\n\tname = a[bot]\n\temail = 1+a\n");
    }
}
