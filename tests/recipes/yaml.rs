//! As much of YAML as the documents and manifests use: maps and lists by indentation, lists in brackets, plain and quoted
//! values, comments of whole lines.

use serde_json::{Map, Value};

/// Reads one document.
///
/// # Panics
/// It is something else.
pub fn read(text: &str) -> Value {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(|line| (line.len() - line.trim_start().len(), line.trim()))
        .collect();
    let (value, rest) = node(&lines);
    assert!(rest.is_empty(), "not indented as the lines before: {rest:?}");
    value
}

type Lines<'a> = &'a [(usize, &'a str)];

fn node(lines: Lines) -> (Value, Lines) {
    let Some(&(indent, first)) = lines.first() else { return (Value::Null, lines) };
    assert!(indent % 2 == 0, "two columns a level: {first}");
    if first.starts_with("- ") { list(lines, indent) } else { map(lines, indent) }
}

fn map(mut lines: Lines, indent: usize) -> (Value, Lines) {
    let mut found = Map::new();
    while let Some(&(here, line)) = lines.first()
        && here == indent
        && !line.starts_with("- ")
    {
        let (key, value) = line.split_once(':').expect("a key");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-./".contains(&byte);
        assert!(key.bytes().all(is_plain), "a plain key: {line}");
        lines = &lines[1..];
        let value = if value.is_empty() {
            let below = lines.first().is_some_and(|(next, _)| *next > indent);
            let (value, rest) = if below { node(lines) } else { (Value::Null, lines) };
            lines = rest;
            value
        } else {
            scalar(value.strip_prefix(' ').expect("a blank after the colon"))
        };
        assert!(found.insert(key.to_owned(), value).is_none(), "twice: {key}");
    }
    (Value::Object(found), lines)
}

fn list(mut lines: Lines, indent: usize) -> (Value, Lines) {
    let mut found = Vec::new();
    while let Some(&(here, line)) = lines.first()
        && here == indent
        && let Some(item) = line.strip_prefix("- ")
    {
        // An item's first key stands two columns further right than its dash.
        let length = lines[1..].iter().take_while(|(next, _)| *next > indent).count() + 1;
        let mut own = lines[..length].to_vec();
        own[0] = (indent + 2, item);
        found.push(if item.contains(": ") || item.ends_with(':') { whole(&own) } else { scalar(item) });
        lines = &lines[length..];
    }
    (Value::Array(found), lines)
}

fn whole(lines: Lines) -> Value {
    let (value, rest) = node(lines);
    assert!(rest.is_empty(), "not indented as the lines before: {rest:?}");
    value
}

fn scalar(text: &str) -> Value {
    if let Some(items) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return items.split(", ").map(scalar).collect();
    }
    if let Some(quoted) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return quoted.into();
    }
    // A number with a 0 before it is octal, as Kubernetes reads modes.
    let octal = text.strip_prefix('0').and_then(|digits| u64::from_str_radix(digits, 8).ok());
    match (text, octal.or_else(|| text.parse().ok())) {
        ("true", _) => true.into(),
        ("false", _) => false.into(),
        (_, Some(number)) => number.into(),
        _ => text.into(),
    }
}
