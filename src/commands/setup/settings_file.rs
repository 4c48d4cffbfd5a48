//! The settings file: sets keys, and leaves comments, order and all other keys as they are.

use std::path::Path;

use anyhow::{Context, Result};
use toml_edit::{Array, DocumentMut, Item, Value};

use super::files;
use super::record::{Change, Rewritten, hash};
use crate::error::{Failure, Kind};
use crate::settings::FileValue;

/// What the file's text is to be.
pub struct Plan {
    before: Option<String>,
    /// The new text.
    pub text: String,
    keys: Vec<(String, String)>,
}

/// Plans the given settings; `None`: the file says so already.
pub fn plan(path: &Path, given: &[(&'static str, FileValue)]) -> Result<Option<Plan>> {
    let before = files::read(path).with_context(|| format!("read settings file {}", path.display()))?;
    let mut document = parse(path, before.as_deref().unwrap_or_default())?;
    let mut keys = Vec::new();
    for (key, value) in given {
        let value = to_toml(value);
        keys.push(((*key).to_owned(), value.to_string()));
        let same = document.get(key).and_then(Item::as_value).is_some_and(|known| same(known, &value));
        if !same {
            document[key] = Item::Value(value);
        }
    }
    let text = document.to_string();
    let changed = !given.is_empty() && before.as_deref() != Some(&text);
    Ok(changed.then_some(Plan { before, text, keys }))
}

/// Writes it, with mode 0600 if it is new.
pub fn apply(path: &Path, plan: Plan, changes: &mut Vec<Change>) -> Result<()> {
    let context = || format!("write settings file {}", path.display());
    if let Some(dir) = path.parent() {
        let made = files::make_directory(dir, 0o700).with_context(context)?;
        changes.extend(made.into_iter().map(Change::Directory));
    }
    files::replace(path, &plan.text, 0o600).with_context(context)?;
    let Plan { before, text, keys } = plan;
    changes.push(Change::Settings(Rewritten { path: path.to_owned(), before, after: hash(&text), keys }));
    Ok(())
}

/// Puts the old text back; where others have changed the file since, only the keys that still have our values. Returns in
/// words what was done.
pub fn undo(change: &Rewritten) -> Result<String> {
    let Rewritten { path, before, after, keys } = change;
    let shown = path.display();
    let context = || format!("undo the changes in settings file {shown}");
    let Some(now) = files::read(path).with_context(context)? else {
        return Ok(format!("no longer there: {shown}"));
    };
    if hash(&now) == *after {
        return match before {
            Some(text) => files::replace(path, text, 0o600).map(|()| format!("restored {shown}")),
            None => std::fs::remove_file(path).map(|()| format!("removed {shown}")),
        }
        .with_context(context);
    }
    let mut document = parse(path, &now)?;
    let old = parse(path, before.as_deref().unwrap_or_default())?;
    let mut undone = Vec::new();
    for (key, ours) in keys {
        if document.get(key).is_none_or(|item| item.to_string().trim() != ours.trim()) {
            continue;
        }
        undone.push(key.as_str());
        match old.get(key) {
            Some(value) => document[key] = value.clone(),
            None => drop(document.remove(key)),
        }
    }
    files::replace(path, &document.to_string(), 0o600).with_context(context)?;
    Ok(match undone.as_slice() {
        [] => format!("no longer as setup wrote it: {shown}"),
        keys => format!("undid in {shown}: {}", keys.join(", ")),
    })
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

/// Whether two values mean the same, however they are written.
fn same(one: &Value, other: &Value) -> bool {
    let bare = |value: &Value| value.clone().decorated("", "").to_string();
    bare(one) == bare(other) || one.as_str().is_some_and(|text| other.as_str() == Some(text))
}
