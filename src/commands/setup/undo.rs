//! `setup --undo`: removes what setup wrote for a host, last first, and names each thing.

use std::path::Path;

use anyhow::{Context, Result};

use crate::commands::print_text;
use crate::commands::setup::args::{SetupRequest, place_of};
use crate::commands::setup::placement::Placement;
use crate::commands::setup::record::{Change, Inserted, Record, Recorded, Taken};
use crate::commands::setup::{counted, git_config, settings_file, timer};
use crate::platform::clock::Deadline;
use crate::programs::words::shell_word;
use crate::report::Report;
use crate::tokens::error::{Failure, Kind, shown};

/// Runs the command.
pub fn run(request: &SetupRequest, placement: &Placement, report: Report) -> Result<()> {
    let SetupRequest { profile, arguments, .. } = *request;
    let settings = profile.without_source()?;
    let deadline = Deadline::after(settings.timeout);
    let git_file = place_of(arguments).path(deadline)?;
    let host_url = settings.host.url();
    let mut record = Record::read(&placement.record)?;
    // A set-up made before there were profiles may have become one of them.
    let profile = profile.name.filter(|name| record.has(&host_url, &git_file, name));
    let Taken { changes, kept } = record.take(&host_url, &git_file, profile);
    let is_directory = |change: &Change| matches!(change, Change::Directory(_));
    let (directories, mut changes): (Vec<Change>, Vec<Change>) = changes.into_iter().partition(is_directory);
    let count = changes.len();
    let mut done = undo_if(&mut changes, deadline, report, |_| true);
    let failed = changes.len();
    record.target(&host_url, &git_file, profile).changes = changes;
    done.extend(kept);
    done.extend(forget(&mut record, directories)?);
    let file = shown(&git_file);
    let what = profile.map_or_else(|| settings.host.name.clone(), |name| format!("profile {name}"));
    done.push(match count {
        0 => format!("nothing on record for {what} in {file}"),
        _ => format!("undid {} for {what}", counted(count - failed, "change")),
    });
    done.extend(record.targets.iter().map(|target| still_there(target, placement)));
    print_text(&done.iter().flat_map(|line| [line, "\n"]).collect::<String>())?;
    if failed > 0 {
        let message = format!("{failed} of {} could not be undone", counted(count, "change"));
        return Err(Failure::new(Kind::Other, message)
            .hint("see the warnings above; what is left is still on record")
            .into());
    }
    Ok(())
}

/// Undoes the selected changes, last first, and removes them from the record; one that cannot be undone stays there.
/// Returns what was done, in words.
pub fn undo_if(
    changes: &mut Vec<Change>,
    deadline: Deadline,
    report: Report,
    meant: impl Fn(&Change) -> bool,
) -> Vec<String> {
    let mut done = Vec::new();
    for index in (0..changes.len()).rev().filter(|&index| meant(&changes[index])).collect::<Vec<_>>() {
        match undo_one(&changes[index], deadline) {
            Ok(words) => {
                done.extend(words);
                changes.remove(index);
            }
            Err(error) => {
                let hints = Failure::of(&error).hints;
                let words: Vec<String> = std::iter::once(format!("{error:#}")).chain(hints).collect();
                report.warn(&words.join("; "));
            }
        }
    }
    done
}

fn undo_one(change: &Change, deadline: Deadline) -> Result<Vec<String>> {
    Ok(match change {
        Change::Inserted(inserted) => of_git(inserted, &git_config::undo(inserted, deadline)?),
        Change::Settings(rewritten) => vec![settings_file::undo(rewritten)?],
        Change::File(path, after) => vec![timer::undo_file(path, after)?],
        Change::CrontabLine(line) => vec![timer::undo_crontab(line, deadline)?],
        Change::TimerEnabled(timer) => vec![timer::undo_timer(timer, deadline)],
        Change::Directory(path) => remove_directory(path).into_iter().collect(),
    })
}

fn of_git(Inserted { path, .. }: &Inserted, undone: &git_config::Undone) -> Vec<String> {
    let path = shown(path);
    let listed = |what: String, lines: &[git_config::Line]| {
        (!lines.is_empty()).then(|| format!("{what}:\n{}", git_config::indented(lines)))
    };
    let gone = listed(format!("no longer as setup wrote it in {path}"), &undone.gone);
    let removed = listed(format!("removed from {path}"), &undone.removed);
    let file = undone.file_removed.then(|| format!("removed {path}"));
    gone.into_iter().chain(removed).chain(file).collect()
}

/// Others may have put something there since: then it stays.
fn remove_directory(path: &Path) -> Option<String> {
    std::fs::remove_dir(path).ok().map(|()| format!("removed the directory {}", shown(path)))
}

/// Writes what is left of the record, and removes the now empty directories that setup created. A directory that still
/// holds other files of setup is left to the undo of the next target.
fn forget(record: &mut Record, directories: Vec<Change>) -> Result<Vec<String>> {
    let context = "note what was undone";
    let has_heir = record.targets.iter().any(|target| !target.changes.is_empty());
    if !has_heir {
        // The record itself is in one of them.
        record.write().context(context)?;
    }
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for change in directories.into_iter().rev() {
        let Change::Directory(path) = change else { continue };
        match remove_directory(&path) {
            Some(words) => done.push(words),
            None if path.exists() => left.insert(0, Change::Directory(path)),
            None => {}
        }
    }
    if let Some(heir) = record.targets.iter_mut().find(|target| !target.changes.is_empty()) {
        heir.changes.splice(0..0, left);
        record.write().context(context)?;
    }
    Ok(done)
}

/// What is on record for other hosts and files, with the command that undoes it.
fn still_there(target: &Recorded, placement: &Placement) -> String {
    let Recorded { host_url, git_file, profile, .. } = target;
    let which = match profile {
        Some(name) => format!("--profile {}", shell_word(name)),
        None => format!("--host {host_url}"),
    };
    let place = if placement.all_users {
        "--system".to_owned()
    } else {
        format!("--file {}", shell_word(&git_file.to_string_lossy()))
    };
    format!("still on record: git-credential-github-app setup --undo {which} {place}")
}
