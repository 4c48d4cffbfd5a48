//! `status` for people: aligned columns, one profile after the other.

use crate::commands::status::bearer::BearerState;
use crate::commands::status::{KeyState, OfProfile, Status};
use crate::platform::clock::{self, span};
use crate::programs::git::wiring::Wiring;
use crate::report::{HEADING, Report};
use crate::settings::Listed;
use crate::tokens::cache::listing::CachedToken;
use crate::tokens::error::{Failure, escape, one_line};
use crate::tokens::token::Source;

type Row = Vec<String>;

fn row(name: &str, text: String) -> Row {
    vec![name.to_owned(), text]
}

fn problem(problem: &String) -> String {
    format!("problem: {problem}")
}

impl Status {
    pub(super) fn to_text(&self, report: Report) -> String {
        let none = || "none".to_owned();
        let file = row("settings file", self.settings_file.as_ref().map_or_else(none, file_in_words));
        let dirs: Vec<String> = self.cache_dirs.iter().map(|dir| dir.display().to_string()).collect();
        let cache = row("cache", if dirs.is_empty() { none() } else { dirs.join(", ") });
        let gh = row("gh", self.gh_in_words());
        let mut text = String::new();
        if let [only] = self.profiles.as_slice()
            && only.name.is_none()
        {
            let mut rows = only.rows();
            let git = rows.pop().unwrap_or_default();
            text += &table("", &[vec![file], rows, vec![cache, git, gh]].concat());
            text += &(report.paint("settings", HEADING) + "\n");
            text += &table("  ", &only.settings.iter().map(setting_row).collect::<Vec<_>>());
        } else {
            text += &table("", &[file, cache, gh]);
            for profile in &self.profiles {
                let name = profile.name.as_deref().unwrap_or("(without a name)");
                text += &(report.paint(&format!("profile {name}"), HEADING) + "\n");
                text += &table("  ", &profile.rows());
                text += "  settings\n";
                text += &table("    ", &profile.settings.iter().map(setting_row).collect::<Vec<_>>());
            }
        }
        let tokens = match &self.tokens {
            Err(wrong) => vec![vec![problem(wrong)]],
            Ok(list) if list.is_empty() => vec![vec![none()]],
            Ok(list) => token_rows(list),
        };
        text + &report.paint("tokens", HEADING) + "\n" + &table("  ", &tokens)
    }

    fn gh_in_words(&self) -> String {
        let (directory, shadowing) = &self.gh;
        let directory = directory.as_deref().unwrap_or("no directory for its login");
        match shadowing.as_slice() {
            [] => directory.to_owned(),
            names => format!("{directory}, shadowed by {}", names.join(" and ")),
        }
    }
}

impl OfProfile {
    /// Source, key and bearer if there is one, git.
    fn rows(&self) -> Vec<Row> {
        // doctor says how to fix it.
        let wrong = |failure: &Failure| problem(&failure.message);
        let source = self.source.as_ref().map_or_else(wrong, |source| (*source).to_owned());
        let key = self.key.as_ref().map(|key| row("private key", key.in_words()));
        let bearer = |bearer: &BearerState| bearer.place.as_ref().map_or_else(problem, Clone::clone);
        let bearer = self.bearer.as_ref().map(|found| row("bearer", bearer(found)));
        let git = self.git.as_ref().map_or_else(problem, wiring_in_words);
        let rows = [Some(row("source", source)), key, bearer, Some(row("git", git))];
        rows.into_iter().flatten().collect()
    }
}

fn file_in_words(path: &String) -> String {
    let there = std::path::Path::new(path).exists();
    if there { path.clone() } else { format!("{path} (does not exist)") }
}

/// What git does for the host, in one line.
fn wiring_in_words(wiring: &Wiring) -> String {
    let path = if wiring.use_http_path { "with the path" } else { "without the path" };
    match wiring.ours() {
        Some(place) => {
            let origin = escape(&wiring.helpers[place].origin);
            let when =
                if place == 0 { "asks this helper first" } else { "asks other helpers before this one" };
            format!("{when}, {path} ({origin})")
        }
        None => "does not ask this helper (doctor says what to do)".to_owned(),
    }
}

impl KeyState {
    fn in_words(&self) -> String {
        let Self { from, fingerprint } = self;
        match fingerprint {
            Ok(Some(print)) => format!("{print} ({from})"),
            Ok(None) => format!("not known without running the {from}"),
            Err(wrong) => format!("problem: {wrong}"),
        }
    }
}

fn setting_row(setting: &Listed) -> Row {
    let value = match (&setting.problem, &setting.value) {
        (Some(wrong), _) => format!("problem: {}", wrong.message),
        (None, Some(value)) => format!("{value} ({})", setting.short_origin()),
        (None, None) => format!("(not shown) ({})", setting.short_origin()),
    };
    row(setting.name, value)
}

/// The tokens. If several look alike, such as those of two brokers, each shows its entry's name.
fn token_rows(list: &[CachedToken]) -> Vec<Row> {
    let rows: Vec<Row> = list.iter().map(token_row).collect();
    // The second column is the time left.
    let is_like = |one: &Row, other: &Row| one.first() == other.first() && one.get(2..) == other.get(2..);
    let named = |(row, cached): (&Row, &CachedToken)| {
        let mut row = row.clone();
        if rows.iter().filter(|other| is_like(other, &row)).count() > 1 {
            row.push(format!("entry {:.8}", cached.key()));
        }
        row
    };
    rows.iter().zip(list).map(named).collect()
}

fn token_row(cached: &CachedToken) -> Row {
    let (scope, facts) = (&cached.label.scope, &cached.token.facts);
    let repositories = match scope.repositories.as_slice() {
        [] => "all repositories".to_owned(),
        names => names.join(", "),
    };
    let permissions = scope.permissions.iter().map(|(name, level)| format!("{name}={level}"));
    let permissions = permissions.collect::<Vec<_>>().join(", ");
    let permissions = if permissions.is_empty() { "all permissions".to_owned() } else { permissions };
    let left = span(facts.left(clock::now()).unwrap_or(0));
    let source = match (facts.source, facts.installation_id) {
        (Source::App, Some(id)) => format!("app, installation {id}"),
        (Source::App, None) => "app".to_owned(),
        (Source::Broker, _) => "broker".to_owned(),
    };
    vec![cached.name(), format!("{left} left"), format!("{repositories}; {permissions}"), source]
}

/// Rows in aligned columns, each line indented; the last column is not padded.
fn table(indent: &str, rows: &[Row]) -> String {
    let printable = |row: &Row| row.iter().map(|cell| one_line(cell).into_owned()).collect();
    let rows: Vec<Row> = rows.iter().map(printable).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{indent}{}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_aligned_and_lines_end_without_blanks() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        assert_eq!(
            table("  ", &[row(["a", "long value", "x"]), row(["name", "b", ""])]),
            "  a     long value  x\n  name  b\n"
        );
        assert_eq!(table("", &[]), "");
    }
}
