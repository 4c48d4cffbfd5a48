//! The documents as a whole: the front page is short, links lead somewhere, the book has every page, the words are the
//! glossary's, and the example for contributors is a real test.

use std::collections::BTreeSet;
use std::path::Path;

use crate::recipes::documents::markdown;

const NAME_OF_GLOSSARY: &str = "docs/glossary.md";
/// Phrases that a reader stumbles over, and what to write.
const ODD: [(&str, &str); 14] = [
    ("token in hand", "the current token"),
    ("the detour", "the redirect"),
    ("anew", "again"),
    ("passed over", "skipped"),
    ("for ever", "forever"),
    ("going on without", "continuing without"),
    ("is believed", "is trusted, or is cached for"),
    ("every half an hour", "every 30 minutes"),
    ("is no JWT", "is not a JWT"),
    ("hand out while", "returns during"),
    ("while GitHub is away", "during a GitHub outage"),
    ("to be had", "available"),
    ("nobody has reported of", "no client has reported on"),
    ("mends", "fixes"),
];

fn text_of(name: &str) -> String {
    markdown().into_iter().find(|(page, _)| page == name).expect("a page").1
}

/// The page without its fenced blocks.
fn prose(text: &str) -> String {
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// The anchors that GitHub and mdBook give to headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let kept = line.trim_start_matches('#').trim().to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// Where the links of a page lead.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.map(str::to_owned).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for (page, text) in markdown() {
        for link in links(&text).into_iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let dir = root.join(&page).parent().expect("a directory").to_owned();
            let file = if path.is_empty() { root.join(&page) } else { dir.join(path) };
            assert!(file.exists(), "{page} links to {link}");
            if !anchor.is_empty() {
                let target = std::fs::read_to_string(&file).expect("text");
                assert!(anchors(&target).contains(anchor), "{page} links to {link}: no such heading");
            }
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen} links are few");
}

#[test]
fn the_book_has_every_page() {
    let listed: BTreeSet<String> = links(&text_of("docs/SUMMARY.md")).into_iter().collect();
    for (page, _) in markdown() {
        let Some(name) = page.strip_prefix("docs/").filter(|name| *name != "SUMMARY.md") else { continue };
        assert!(listed.contains(name), "docs/SUMMARY.md lacks {name}");
    }
}

#[test]
fn the_book_links_to_nothing_that_its_site_does_not_have() {
    for (page, text) in markdown().into_iter().filter(|(page, _)| page.starts_with("docs/")) {
        let outside = links(&text).into_iter().find(|link| link.starts_with(['.', '/']));
        assert_eq!(outside, None, "{page} links out of docs/: name the file instead");
    }
}

#[test]
fn the_readme_is_a_front_page() {
    let lines = text_of("README.md").lines().count();
    assert!(lines <= 250, "{lines} lines: move some of it to docs/");
}

#[test]
fn the_documents_use_the_words_of_the_glossary() {
    let glossary = text_of(NAME_OF_GLOSSARY);
    let rows: Vec<Vec<&str>> = glossary
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| word "))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert!(
        rows.len() > 25 && rows.iter().all(|row| row.len() >= 2),
        "a row has a word and a meaning: {rows:?}"
    );
    let avoided = rows.iter().filter_map(|row| row.get(2)).flat_map(|cell| cell.split(", "));
    let avoided: Vec<(&str, &str)> = avoided
        .map(|cell| (cell.trim_end_matches('|').trim(), "the glossary's word"))
        .filter(|(word, _)| !word.is_empty())
        .chain(ODD)
        .collect();
    assert!(avoided.len() > 25, "{avoided:?}");
    let changes = include_str!("../CHANGELOG.md").split("\n## [").nth(1).expect("what is unreleased");
    let changes = ("the changelog".to_owned(), changes.to_owned());
    let manual = ("the manual page".to_owned(), crate::docs::man());
    let help = ("the help".to_owned(), crate::docs::all_help());
    let pages = markdown().into_iter().filter(|(page, _)| page != NAME_OF_GLOSSARY);
    for (page, text) in pages.chain([changes, manual, help]) {
        // As words, and over the ends of lines.
        let words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(str::to_lowercase)
            .collect();
        let text = format!(" {} ", words.join(" "));
        for (odd, better) in &avoided {
            let found = text.contains(&format!(" {} ", odd.to_lowercase()));
            assert!(!found, "{page} says {odd:?}; write {better}");
        }
    }
}

#[test]
fn the_example_for_contributors_is_a_test_of_ours() {
    let contributing = text_of("CONTRIBUTING.md");
    let block = contributing.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    let block = block.expect("a block");
    assert!(include_str!("protocol.rs").contains(block), "not in tests/protocol.rs:\n{block}");
}
