//! The settings file: sets keys, at its top or in a profile's table, and leaves comments, order and all other keys
//! alone.

use std::path::Path;

use anyhow::{Context, Result};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use crate::commands::setup::files;
use crate::commands::setup::record::{Change, Rewritten, hash};
use crate::settings::{FileValue, Pair};
use crate::tokens::error::{self, Failure, Kind};

mod conflict;
mod first_profile;
#[cfg(test)]
mod tests;

/// Settings of which only one takes effect. Setting one removes the others of its row.
const ALTERNATIVES: [&[&str]; 2] = [
    &["private_key_file", "private_key_command", "sign_command"],
    &["broker_token_file", "broker_token_command", "broker_audience"],
];

/// The planned change.
#[derive(Debug)]
pub struct FilePlan {
    before: Option<String>,
    /// The new text.
    pub text: String,
    /// Each key with the text of its value; an empty text means removed.
    keys: Vec<(String, String)>,
    profile: Option<String>,
}

impl FilePlan {
    /// The new text to show, without a proxy's password.
    pub fn shown(&self) -> String {
        self.text.split_inclusive('\n').map(without_password).collect()
    }
}

fn without_password(line: &str) -> String {
    let is_proxy = line.split_once('=').is_some_and(|(key, _)| key.trim() == "proxy");
    match (line.split_once("://"), line.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) if is_proxy => format!("{scheme}://...@{place}"),
        (None, Some((_, place))) if is_proxy => format!("proxy = \"...@{place}"),
        _ => line.to_owned(),
    }
}

/// Plans the given settings, for the whole file or for one profile; `None` if the file already has them.
///
/// # Errors
/// Without a profile, they would change the file's host, App or broker.
pub fn plan(path: &Path, profile: Option<&str>, given: &[Pair]) -> Result<Option<FilePlan>> {
    let before = files::read(path).with_context(|| format!("read settings file {}", path.display()))?;
    let mut document = parse(path, before.as_deref().unwrap_or_default())?;
    match profile {
        None => conflict::check(path, &document, given)?,
        Some(name) if !given.is_empty() => drop(first_profile::move_keys(&mut document, name)),
        Some(_) => {}
    }
    if given.is_empty() {
        return Ok(None);
    }
    let mut keys = Vec::new();
    let table = table_mut(&mut document, profile).ok_or_else(|| not_tables(path))?;
    for (key, value) in given {
        let mut value = to_toml(value);
        keys.push(((*key).to_owned(), value.to_string()));
        match table.get_mut(key) {
            Some(Item::Value(known)) if same(known, &value) => {}
            // A comment behind the value or above the key is about the setting.
            Some(Item::Value(known)) => {
                *value.decor_mut() = known.decor().clone();
                *known = value;
            }
            Some(item) => *item = Item::Value(value),
            None => drop(table.insert(key, Item::Value(value))),
        }
    }
    let is_given = |key: &str| given.iter().any(|(known, _)| *known == key);
    let replaced = ALTERNATIVES.iter().filter(|row| row.iter().any(|key| is_given(key))).copied().flatten();
    for key in replaced.filter(|key| !is_given(key)) {
        keys.extend(table.remove(key).map(|_| ((*key).to_owned(), String::new())));
    }
    let text = document.to_string();
    let changed = before.as_deref() != Some(&text);
    Ok(changed.then_some(FilePlan { before, text, keys, profile: profile.map(str::to_owned) }))
}

/// Writes it, with this mode if it is new.
pub fn apply(path: &Path, plan: FilePlan, mode: u32, changes: &mut Vec<Change>) -> Result<()> {
    let context = || format!("write settings file {}", path.display());
    if let Some(dir) = path.parent() {
        let everybody = mode & 0o004 != 0;
        let dirs =
            if everybody { files::make_public_directory(dir) } else { files::make_directory(dir, 0o700) };
        changes.extend(dirs.with_context(context)?.into_iter().map(Change::Directory));
    }
    files::replace(path, &plan.text, mode).with_context(context)?;
    let FilePlan { before, text, keys, profile } = plan;
    let path = path.to_owned();
    changes.push(Change::Settings(Rewritten { path, profile, before, after: hash(&text), keys }));
    Ok(())
}

/// Restores the old text. If others have changed the file since, resets only the keys that still have our values.
/// Returns what was done, in words.
pub fn undo(change: &Rewritten) -> Result<String> {
    let Rewritten { path, before, after, .. } = change;
    let shown = error::shown(path);
    let context = || format!("undo the changes in settings file {shown}");
    let Some(now) = files::read(path).with_context(context)? else {
        return Ok(format!("no longer there: {shown}"));
    };
    let (text, words) = if hash(&now) == *after {
        (before.clone(), format!("restored {shown}"))
    } else {
        let (text, undone) = without(path, &now, change)?;
        let words = match undone.as_slice() {
            [] => format!("no longer as setup wrote it: {shown}"),
            keys => format!("undid in {shown}: {}", keys.join(", ")),
        };
        // The file had nothing but blanks before, and so it has now.
        let had_text = before.as_ref().is_some_and(|before| before.trim().is_empty());
        (Some(text).filter(|text| had_text || !text.trim().is_empty()), words)
    };
    match text {
        Some(text) => files::replace(path, &text, 0o600).map(|()| words),
        None => std::fs::remove_file(path).map(|()| format!("removed {shown}")),
    }
    .with_context(context)
}

/// The text with the old values of the keys that still have ours, and the names of these keys.
fn without(path: &Path, now: &str, change: &Rewritten) -> Result<(String, Vec<String>), Failure> {
    let Rewritten { before, keys, profile, .. } = change;
    let mut document = parse(path, now)?;
    let old = parse(path, before.as_deref().unwrap_or_default())?;
    let old = table(&old, profile.as_deref());
    let mut undone = Vec::new();
    if table(&document, profile.as_deref()).is_none() {
        return Ok((now.to_owned(), undone));
    }
    for (key, ours) in keys {
        let moved = if profile.is_none() { first_profile::moved_to(&document, key) } else { None };
        let place = moved.or(profile.as_deref());
        let table = table_mut(&mut document, place).ok_or_else(|| not_tables(path))?;
        let now = table.get(key).and_then(Item::as_value).map_or_else(String::new, bare);
        if now != ours.trim() {
            continue;
        }
        undone.push(key.clone());
        let old = old.and_then(|old| Some((old.key(key)?, old.get(key)?)));
        match (old, table.get_mut(key)) {
            (Some((_, value)), Some(item)) => *item = value.clone(),
            (Some((key, value)), None) => drop(table.entry_format(key).or_insert(value.clone())),
            (None, _) => drop(table.remove(key)),
        }
    }
    let emptied = [profile.as_deref(), Some(first_profile::NAME)].into_iter().flatten();
    for name in emptied.collect::<Vec<_>>() {
        let is_empty = table(&document, Some(name)).is_some_and(TableLike::is_empty);
        if is_empty && old.is_none_or(|_| profile.is_none()) && !undone.is_empty() {
            remove_profile(&mut document, name);
        }
    }
    Ok((document.to_string(), undone))
}

/// The table that the settings are in, if it exists.
fn table<'a>(document: &'a DocumentMut, profile: Option<&str>) -> Option<&'a dyn TableLike> {
    match profile {
        None => Some(document.as_table()),
        Some(name) => document.get("profile")?.as_table_like()?.get(name)?.as_table_like(),
    }
}

/// The same, created at the end of the file if missing. `None`: the name is taken by something else.
fn table_mut<'a>(document: &'a mut DocumentMut, profile: Option<&str>) -> Option<&'a mut dyn TableLike> {
    let Some(name) = profile else { return Some(document.as_table_mut()) };
    let is_first = document.is_empty();
    let mut parent = Table::new();
    // Only the profiles' own tables have headers.
    parent.set_implicit(true);
    let profiles = document.entry("profile").or_insert(Item::Table(parent)).as_table_like_mut()?;
    let mut new = Table::new();
    new.decor_mut().set_prefix(if is_first { "" } else { "\n" });
    profiles.entry(name).or_insert(Item::Table(new)).as_table_like_mut()
}

fn remove_profile(document: &mut DocumentMut, name: &str) {
    if let Some(profiles) = document.get_mut("profile").and_then(Item::as_table_like_mut) {
        profiles.remove(name);
        if profiles.is_empty() {
            document.remove("profile");
        }
    }
}

fn not_tables(path: &Path) -> Failure {
    Failure::new(Kind::Settings, format!("settings file {}: profile is not a table", path.display()))
        .hint("a profile is a table of settings under a header such as [profile.work]")
}

fn parse(path: &Path, text: &str) -> Result<DocumentMut, Failure> {
    text.parse().map_err(|_| {
        Failure::new(Kind::Settings, format!("settings file {}: not valid TOML", path.display()))
            .hint("fix it first: git-credential-github-app status names the line")
    })
}

fn to_toml(value: &FileValue) -> Value {
    match value {
        FileValue::Text(text) => text.into(),
        FileValue::Flag(flag) => (*flag).into(),
        FileValue::List(list) => list.iter().collect::<Array>().into(),
    }
}

/// A value without the blanks and comments around it.
fn bare(value: &Value) -> String {
    value.clone().decorated("", "").to_string()
}

/// Whether two values mean the same, however they are written.
fn same(one: &Value, other: &Value) -> bool {
    bare(one) == bare(other) || one.as_str().is_some_and(|text| other.as_str() == Some(text))
}
