//! Parses the trust file: `[issuer.NAME]` tables and `[[rule]]`s, checked as a whole. Pure. Whatever could mean more
//! than its author intended is refused or causes a warning.

use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::{Document, Item, TableLike, Value};

use crate::broker::trust::claims::{ClaimPath, Template};
use crate::broker::trust::issuer::Issuer;
use crate::broker::trust::pattern::ClaimPattern;
use crate::broker::trust::rule::{self, Condition, Misfit, TrustRule};
use crate::broker::trust::tables::{TrustError, TrustTable, line};
use crate::broker::trust::tenants::{Meant, whose};
use crate::broker::trust::{TrustRules, issuers};
use crate::tokens::error::escape;
use crate::tokens::scope::{self, MAX_REPOSITORIES};

const RULE_KEYS: [&str; 7] = ["issuer", "match", "workspace", "name", "owner", "repository", "permission"];
const WRITE_MATCH: &str =
    "write match = { \"claim\" = \"value\" } with at least one claim; / goes down into objects";

/// Parses a file's text. Relative paths in it start at `dir`.
///
/// # Errors
/// The first error.
pub fn parse(text: &str, dir: &Path) -> Result<TrustRules, TrustError> {
    let document = Document::parse(text).map_err(|error| TrustError {
        line: line(text, error.span()).unwrap_or(1),
        // The parser's own message quotes the line.
        message: "this is not valid TOML".to_owned(),
        hint: "write [issuer.NAME] and [[rule]] tables with key = value lines".to_owned(),
    })?;
    let top = TrustTable { text, name: "trust file".to_owned(), line: 1, keys: document.as_table() };
    top.only(&["issuer", "rule"])?;
    let issuers = issuers::read(&top, dir)?;
    let mut rules = TrustRules { issuers, rules: Vec::new(), warnings: Vec::new() };
    for issuer in &rules.issuers {
        if issuer.audience.starts_with("https://github.com/") {
            let what = "is what every workflow of that owner gets by default: choose an audience only for this broker";
            rules.warnings.push(format!("issuer {}: the audience {what}", issuer.name));
        }
    }
    for (number, table) in (1..).zip(tables(&top)?) {
        let name = format!("rule {number}");
        let table = TrustTable { text, name, line: table.1, keys: table.0 };
        let (rule, warning) = read_rule(&table, number, &rules.issuers)?;
        rules.rules.push(rule);
        rules.warnings.extend(warning);
    }
    Ok(rules)
}

/// The rules' tables, with their lines.
fn tables<'a>(top: &TrustTable<'a>) -> Result<Vec<(&'a dyn TableLike, usize)>, TrustError> {
    match top.keys.get("rule") {
        None => Err(top.missing("rule", "add a [[rule]]: without one, no token is accepted")),
        Some(Item::ArrayOfTables(tables)) => Ok(tables
            .iter()
            .map(|table| (table as &dyn TableLike, line(top.text, table.span()).unwrap_or(1)))
            .collect()),
        Some(_) => {
            Err(top.wrong("rule", "this is not a list of tables", "write [[rule]], with two brackets"))
        }
    }
}

fn read_rule(
    table: &TrustTable,
    number: usize,
    issuers: &[Issuer],
) -> Result<(TrustRule, Option<String>), TrustError> {
    table.only(&RULE_KEYS)?;
    let name = table.needed_text("issuer", "name one of the file's issuers: issuer = \"…\"")?;
    let issuer = issuers.iter().find(|issuer| issuer.name == name).ok_or_else(|| {
        let known: Vec<&str> = issuers.iter().map(|issuer| issuer.name.as_str()).collect();
        table.wrong("issuer", "there is no issuer of that name", format!("known are {}", known.join(", ")))
    })?;
    let conditions = conditions(table)?;
    let rule = TrustRule {
        number,
        issuer: name.to_owned(),
        workspace: template(table, "workspace", rule::is_short_workspace)?,
        name: template(table, "name", rule::is_short_name)?,
        owner: template(table, "owner", scope::is_owner)?.ok_or_else(|| {
            table.missing("owner", "name the account whose installation it may use: owner = \"…\"")
        })?,
        repositories: Vec::new(),
        permissions: permissions(table)?,
        conditions,
    };
    let rule = TrustRule { repositories: repositories(table, &rule.owner)?, ..rule };
    let warning = match whose(&issuer.url, &rule.conditions) {
        Meant::Clear => None,
        Meant::Anybody(ids) => {
            let what =
                "this issuer signs tokens for all its customers, and nothing here says whose are meant";
            return Err(table.wrong("match", what, format!("match one of {} as well", ids.join(", "))));
        }
        Meant::ByName(id) => Some(format!(
            "{}: it matches a name, which somebody else may own one day: match {id} instead",
            table.name
        )),
    };
    Ok((rule, warning))
}

fn conditions(table: &TrustTable) -> Result<Vec<Condition>, TrustError> {
    let item = table.keys.get("match").ok_or_else(|| table.missing("match", WRITE_MATCH))?;
    let keys = item.as_table_like().filter(|keys| !keys.is_empty());
    let keys = keys.ok_or_else(|| table.wrong("match", "it names no claim", WRITE_MATCH))?;
    let at = line(table.text, item.span()).unwrap_or(table.line);
    let inner = TrustTable { name: format!("{}: match", table.name), line: at, keys, ..*table };
    keys.iter().map(|(key, item)| condition(&inner, key, item)).collect()
}

fn condition(table: &TrustTable, key: &str, item: &Item) -> Result<Condition, TrustError> {
    let shown = escape(key);
    let wrong = |what: &str, hint: &str| TrustError {
        message: format!("{}: {shown}: {what}", table.name),
        ..table.wrong(key, what, hint)
    };
    let claim = ClaimPath::parse(key).ok_or_else(|| {
        wrong("a part of the claim's name is empty", "write it as in \"kubernetes.io/namespace\"")
    })?;
    let one = |value: &Value| match value {
        Value::String(text) => ClaimPattern::of_text(text.value())
            .map_err(|what| wrong(what, "write the value, or * beside at least one other character")),
        Value::Integer(number) => Ok(ClaimPattern::Number(*number.value())),
        Value::Boolean(flag) => Ok(ClaimPattern::Flag(*flag.value())),
        _ => Err(wrong(
            "this is not a text, whole number or boolean",
            "write a value, or a list of values in [ ]",
        )),
    };
    let values = match item {
        Item::Value(Value::Array(values)) if values.is_empty() => Err(wrong(
            "the list is empty, so that nothing would match",
            "name a value, or leave the claim out",
        )),
        Item::Value(Value::Array(values)) => values.iter().map(one).collect(),
        Item::Value(Value::InlineTable(_)) | Item::Table(_) => Err(wrong(
            "this is a table",
            "put the claim's whole name into quotation marks, as in \"kubernetes.io/namespace\" = \"…\"",
        )),
        Item::Value(value) => one(value).map(|value| vec![value]),
        _ => Err(wrong("this is not a value", "write a value, or a list of values in [ ]")),
    };
    Ok(Condition { claim, values: values? })
}

/// A text that may contain claims; without any, it is checked now.
fn template(
    table: &TrustTable,
    key: &str,
    is_valid: fn(&str) -> bool,
) -> Result<Option<Template>, TrustError> {
    let Some(text) = table.text(key)? else { return Ok(None) };
    let template = of_text(table, key, text)?;
    match template.fixed() {
        Some(fixed) if !is_valid(fixed) => {
            let hint = format!("write a name that can be one, or ${{claim}}: {key} = \"…\"");
            Err(table.wrong(key, &format!("this is not a valid {key}"), hint))
        }
        _ => Ok(Some(template)),
    }
}

fn of_text(table: &TrustTable, key: &str, text: &str) -> Result<Template, TrustError> {
    Template::parse(text).map_err(|what| table.wrong(key, what, "write a claim's name as ${claim}"))
}

fn repositories(table: &TrustTable, owner: &Template) -> Result<Vec<Template>, TrustError> {
    let texts = table.texts("repository")?;
    if texts.len() > MAX_REPOSITORIES {
        let hint = "GitHub takes 500 for one token: leave the key out for all of the owner's";
        return Err(table.wrong("repository", "more than 500 repositories", hint));
    }
    let one = |text: &&str| {
        let template = of_text(table, "repository", text)?;
        let hint = "write NAME, or OWNER/NAME with the rule's owner";
        match (template.fixed(), owner.fixed()) {
            (Some(fixed), Some(owner)) => match rule::repository(fixed, owner) {
                Ok(_) => Ok(template),
                Err(Misfit::OtherOwner) => {
                    Err(table.wrong("repository", "one of them is not the rule's owner's", hint))
                }
                Err(_) => Err(table.wrong("repository", "one of them is not a repository's name", hint)),
            },
            _ => Ok(template),
        }
    };
    texts.iter().map(one).collect()
}

fn permissions(table: &TrustTable) -> Result<BTreeMap<String, String>, TrustError> {
    let mut permissions = BTreeMap::new();
    let hint = "write permission = [\"contents=write\"]; levels are read, write and admin";
    for text in table.texts("permission")? {
        let (name, level) = scope::permission(text)
            .ok_or_else(|| table.wrong("permission", "one of them is not NAME=LEVEL", hint))?;
        if permissions.insert(name, level).is_some() {
            return Err(table.wrong("permission", "one of them is named twice", "name each once"));
        }
    }
    Ok(permissions)
}
