//! The `[issuer.NAME]` tables of the trust file. Pure.

use std::path::Path;
use std::time::Duration;

use crate::broker::trust::issuer::{ALGORITHMS, DEFAULT_ALGORITHMS, Issuer, KeysFrom};
use crate::broker::trust::tables::{TrustError, TrustTable, line};
use crate::tokens::error::escape;
use crate::tokens::host;
use crate::tokens::scope;

const KEYS: [&str; 7] = ["url", "audience", "ca_file", "token_file", "jwks_file", "algorithms", "max_age"];

/// All of them.
pub fn read(top: &TrustTable, dir: &Path) -> Result<Vec<Issuer>, TrustError> {
    let hint = "add an [issuer.NAME] table with url and audience";
    let item = top.keys.get("issuer").ok_or_else(|| top.missing("issuer", hint))?;
    let tables = item.as_table_like().ok_or_else(|| top.wrong("issuer", "this is not a table", hint))?;
    let mut issuers = Vec::new();
    for (name, item) in tables.iter() {
        let shown = format!("issuer {}", escape(name));
        let span = item.span().or_else(|| tables.get_key_value(name).and_then(|(key, _)| key.span()));
        let at = line(top.text, span).unwrap_or(top.line);
        let Some(keys) = item.as_table_like() else {
            let message = format!("{shown}: this is not a table");
            return Err(TrustError { line: at, message, hint: hint.to_owned() });
        };
        if !scope::is_owner(name) {
            let message = format!("{shown}: bad name");
            return Err(TrustError {
                line: at,
                message,
                hint: "a name has letters, digits, - and _".to_owned(),
            });
        }
        let table = TrustTable { text: top.text, name: shown, line: at, keys };
        let issuer = issuer(&table, name, dir)?;
        let is_same = |other: &Issuer| (&other.url, &other.audience) == (&issuer.url, &issuer.audience);
        if issuers.iter().any(is_same) {
            let what = "another issuer has the same url and audience";
            return Err(table.wrong("url", what, "keep one of them, or give it another audience"));
        }
        issuers.push(issuer);
    }
    if issuers.is_empty() { Err(top.wrong("issuer", "there is none", hint)) } else { Ok(issuers) }
}

fn issuer(table: &TrustTable, name: &str, dir: &Path) -> Result<Issuer, TrustError> {
    table.only(&KEYS)?;
    let url = url(table)?;
    let audience = table.needed_text(
        "audience",
        "choose a word of this broker's own, which workloads ask their issuer for: audience = \"…\"",
    )?;
    Ok(Issuer {
        name: name.to_owned(),
        url: url.to_owned(),
        audience: audience.to_owned(),
        algorithms: algorithms(table)?,
        max_age: max_age(table)?,
        keys: keys_from(table, url, dir)?,
    })
}

fn url<'a>(table: &TrustTable<'a>) -> Result<&'a str, TrustError> {
    let hint = "write the issuer's URL as its tokens have it in iss, such as https://token.actions.githubusercontent.com";
    let url = table.needed_text("url", hint)?;
    let uri = host::check_url(url).map_err(|what| table.wrong("url", what, hint))?;
    if uri.scheme_str() == Some("http") && !host::is_loopback(uri.host().unwrap_or_default()) {
        let what = "plain http, over which anybody on the network path could replace the keys";
        return Err(table.wrong("url", what, "write an https URL; http is for loopback only"));
    }
    if uri.query().is_some() {
        return Err(table.wrong("url", "a query makes no sense here", hint));
    }
    Ok(url)
}

fn algorithms(table: &TrustTable) -> Result<Vec<jsonwebtoken::Algorithm>, TrustError> {
    let names = table.texts("algorithms")?;
    if names.is_empty() {
        return Ok(DEFAULT_ALGORITHMS.to_vec());
    }
    let of_name = |name: &&str| {
        let known = ALGORITHMS.iter().find(|(known, _)| known == name).map(|(_, algorithm)| *algorithm);
        known.ok_or_else(|| {
            let known = ALGORITHMS.map(|(name, _)| name).join(", ");
            let what = "one of them is unknown, or cannot be checked with a public key";
            table.wrong("algorithms", what, format!("choose from {known}"))
        })
    };
    names.iter().map(of_name).collect()
}

fn max_age(table: &TrustTable) -> Result<Option<Duration>, TrustError> {
    let Some(text) = table.text("max_age")? else { return Ok(None) };
    let is_plain = text.starts_with(|c: char| c.is_ascii_digit());
    let duration = text.parse::<jiff::SignedDuration>().ok().filter(|_| is_plain);
    let duration = duration.and_then(|duration| Duration::try_from(duration).ok());
    let duration = duration.filter(|duration| !duration.is_zero());
    duration
        .map(Some)
        .ok_or_else(|| table.wrong("max_age", "this is not a duration", "write one such as 1h or 24h"))
}

fn keys_from(table: &TrustTable, url: &str, dir: &Path) -> Result<KeysFrom, TrustError> {
    let path = |key| Ok(table.text(key)?.map(|path| dir.join(path)));
    let (jwks_file, ca_file, token_file) = (path("jwks_file")?, path("ca_file")?, path("token_file")?);
    match jwks_file {
        None => Ok(KeysFrom::Discovery { url: url.to_owned(), ca_file, token_file }),
        Some(file) if ca_file.is_none() && token_file.is_none() => Ok(KeysFrom::File(file)),
        Some(_) => {
            let what = "it replaces the network, which ca_file and token_file are for";
            Err(table.wrong("jwks_file", what, "remove either it or the other two"))
        }
    }
}
