//! The dashboard and the alerts know the metrics that the broker prints, by name, kind and label, and all of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::common::app_sandbox;
use crate::support::http_client::get;
use crate::support::issuer::{LoopbackIssuer, SigningIssuerKey};

const ALERTS: &str = include_str!("../../deploy/monitoring/alerts.yaml");
const DASHBOARD: &str = include_str!("../../deploy/monitoring/dashboard.json");
const RUNBOOK: &str = include_str!("../../docs/runbook.md");
/// Prometheus adds these.
const OF_PROMETHEUS: [&str; 2] = ["job", "instance"];

/// What a broker prints that has done a bit of everything.
fn metrics() -> String {
    let (_github, sandbox) = app_sandbox();
    let issuer = LoopbackIssuer::start(SigningIssuerKey::p256("one"));
    let rule = "[[rule]]\nissuer = \"ci\"\nmatch = { team = \"web\" }\nowner = \"octo-org\"\n";
    sandbox.write_private("trust.toml", format!("{}{rule}", issuer.table("ci")));
    let args = ["serve", "--listen=127.0.0.1:0", "--trust-file=trust.toml", "--audit-log=audit.log"];
    let mut running = sandbox.helper(&args).spawn();
    let port = crate::serve::port(&running.wait_for_stderr("listening on "));
    let token = issuer.token("s", &json!({ "team": "web" }));
    assert_eq!(get(port, "/admin/github-installation-token", &token, "").status, 200);
    get(port, "/metrics", "", "").body
}

/// Names with what may be asked of each: of a histogram, its series.
fn series(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("a name and a kind");
        if kind == "histogram" {
            found.extend(
                ["_bucket", "_sum", "_count"].map(|end| (format!("{name}{end}"), "counter".to_owned())),
            );
        } else {
            found.insert(name.to_owned(), kind.to_owned());
        }
    }
    found
}

/// The labels that a metric's lines have.
fn labels(text: &str, name: &str) -> BTreeSet<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.split_once('}'));
    lines.flat_map(|(labels, _)| names_before(labels, '=')).collect()
}

/// The words that come before this character.
fn names_before(text: &str, end: char) -> Vec<String> {
    let word = |part: &str| {
        let cut = part.trim_end_matches('!').rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
        cut.unwrap_or_default().to_owned()
    };
    let mut parts: Vec<&str> = text.split(end).collect();
    parts.pop();
    parts.into_iter().map(word).filter(|word| !word.is_empty()).collect()
}

/// Each use of a metric of ours in a query: what is before it, its name, and the labels that it is chosen by.
fn uses(query: &str) -> Vec<(String, String, Vec<String>)> {
    let mut found = Vec::new();
    for (at, _) in query.match_indices("github_app_") {
        let rest = &query[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let selector = rest[end..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let chosen = selector.map(|(inside, _)| names_before(inside, '=')).unwrap_or_default();
        found.push((query[..at].to_owned(), rest[..end].to_owned(), chosen));
    }
    found
}

/// The labels that sums are made by.
fn groups(query: &str) -> Vec<String> {
    let lists = query.split(" by (").skip(1).filter_map(|rest| rest.split_once(')'));
    lists
        .flat_map(|(list, _)| list.split(',').map(|label| label.trim().to_owned()).collect::<Vec<_>>())
        .collect()
}

#[track_caller]
fn is_known(query: &str, text: &str) {
    let known = series(text);
    let mut of_metrics = BTreeSet::from(OF_PROMETHEUS.map(str::to_owned));
    for (before, name, chosen) in uses(query) {
        let kind = known.get(&name).unwrap_or_else(|| panic!("nothing prints {name}: {query}"));
        let is_rate = before.ends_with("rate(") || before.ends_with("increase(");
        assert_eq!(kind == "counter", is_rate, "{name} is a {kind}: {query}");
        let mut own = labels(text, &name);
        own.extend(OF_PROMETHEUS.map(str::to_owned));
        assert!(chosen.iter().all(|label| own.contains(label)), "{name} has {own:?}: {query}");
        of_metrics.extend(own);
    }
    for label in groups(query) {
        assert!(of_metrics.contains(&label), "no metric has {label}: {query}");
    }
}

fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    targets.map(|target| target["expr"].as_str().expect("a query").to_owned()).collect()
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_what_the_broker_counts_and_the_dashboard_for_all_of_it() {
    let text = metrics();
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let queries = queries(&dashboard);
    for query in &queries {
        is_known(query, &text);
    }
    let shown: BTreeSet<String> =
        queries.iter().flat_map(|query| uses(query)).map(|(_, name, _)| name).collect();
    let printed: BTreeSet<String> = series(&text).into_keys().collect();
    assert!(printed.len() > 15, "{text}");
    assert_eq!(shown, printed, "the dashboard shows all, and nothing else");

    let mut alerts = 0;
    for alert in ALERTS.split("- alert: ").skip(1) {
        let (_, query) = alert.split_once("expr: ").expect("a query");
        let query: Vec<&str> =
            query.lines().take_while(|line| !line.starts_with("        ") || !line.contains(": ")).collect();
        is_known(&query.join(" "), &text);
        alerts += 1;
    }
    assert!(alerts > 10);
    for variable in dashboard["templating"]["list"].as_array().expect("variables") {
        for (_, name, _) in uses(&variable["query"].to_string()) {
            assert!(printed.contains(&name), "{name}");
        }
    }
}

#[test]
fn the_runbook_says_what_to_do_about_each_alert_and_about_no_other() {
    let alerts: Vec<&str> =
        ALERTS.split("- alert: ").skip(1).filter_map(|alert| alert.lines().next()).collect();
    let rows: Vec<&str> =
        RUNBOOK.lines().filter_map(|row| row.strip_prefix("| `GitHubApp")?.split('`').next()).collect();
    let alerts: Vec<&str> = alerts.iter().filter_map(|name| name.strip_prefix("GitHubApp")).collect();
    assert_eq!(rows, alerts);
}

#[test]
fn no_panel_of_the_dashboard_hides_another() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64()), "{panel}");
        let place = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
        assert!(place("x") + place("w") <= 24, "{panel}");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{} is over another", panel["title"]);
            }
        }
    }
}
