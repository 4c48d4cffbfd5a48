//! The documents, and the blocks that they show to copy.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const MANUAL: &str = include_str!("../../man/git-credential-github-app.1");

/// A fenced block of a Markdown document, or one between `.nf` and `.fi` of the manual page.
#[derive(Clone, Debug)]
pub struct Block {
    pub document: String,
    pub text: String,
}

/// Their blocks have tests of their own: tests/identities.rs and tests/serve/audit.rs.
const TESTED_ELSEWHERE: [&str; 2] = ["docs/identities.md", "docs/audit.md"];

/// Every Markdown file that people read: its path in the repository, and its text.
pub fn markdown() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = fs::read_dir(root.join("docs")).expect("the directory of pages");
    let mut pages: Vec<String> = pages
        .map(|page| format!("docs/{}", page.expect("a page").file_name().to_string_lossy()))
        .filter(|page| Path::new(page).extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    let top = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned);
    let all = top.into_iter().chain(pages);
    all.map(|name| {
        let text = fs::read_to_string(root.join(&name)).expect("text");
        (name, text)
    })
    .collect()
}

/// The README and the pages of `docs/`, as one text.
pub fn guide() -> String {
    let guide = markdown().into_iter().filter(|(name, _)| name == "README.md" || name.starts_with("docs/"));
    guide.map(|(_, text)| text).collect::<Vec<_>>().join("\n")
}

/// All of them.
pub fn blocks() -> Vec<Block> {
    let mut found = Vec::new();
    for (document, text) in markdown() {
        if TESTED_ELSEWHERE.contains(&document.as_str()) {
            continue;
        }
        let fenced = text.split("\n```").skip(1).step_by(2);
        found.extend(fenced.map(|fenced| {
            let (_language, text) = fenced.split_once('\n').expect("lines after a fence");
            Block { document: document.clone(), text: format!("{text}\n") }
        }));
    }
    let unfilled = MANUAL.split("\n.nf\n").skip(1).filter_map(|rest| rest.split("\n.fi\n").next());
    found
        .extend(unfilled.map(|text| Block { document: "the manual page".to_owned(), text: unescaped(text) }));
    found
}

impl Block {
    /// Whether this text names it: a part of it, or after `=` the whole.
    pub fn is(&self, name: &str) -> bool {
        name.strip_prefix('=').map_or_else(|| self.text.contains(name), |whole| self.text == whole)
    }
}

/// The blocks of this name; one recipe may be in several documents.
///
/// # Panics
/// There is none.
pub fn named(name: &str) -> Vec<Block> {
    let found: Vec<Block> = blocks().into_iter().filter(|block| block.is(name)).collect();
    assert!(!found.is_empty(), "no block of the documents is named by {name:?}");
    found
}

/// The text of the first of them.
pub fn text(name: &str) -> String {
    named(name).swap_remove(0).text
}

/// What roff shows.
fn unescaped(roff: &str) -> String {
    roff.lines().filter(|line| !line.starts_with('.')).fold(String::new(), |mut text, line| {
        let line = line.replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\(rs", "\\").replace(r"\e", "\\");
        let _ = writeln!(text, "{line}");
        text
    })
}
