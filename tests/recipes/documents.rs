//! The blocks that the documents show to copy.

use std::fmt::Write as _;

const MARKDOWN: [(&str, &str); 2] =
    [("README.md", include_str!("../../README.md")), ("SECURITY.md", include_str!("../../SECURITY.md"))];
const MANUAL: &str = include_str!("../../man/git-credential-github-app.1");

/// A fenced block of a Markdown document, or one between `.nf` and `.fi` of the manual page.
#[derive(Clone, Debug)]
pub struct Block {
    pub document: &'static str,
    pub text: String,
}

/// All of them.
pub fn blocks() -> Vec<Block> {
    let mut found = Vec::new();
    for (document, text) in MARKDOWN {
        let fenced = text.split("\n```").skip(1).step_by(2);
        found.extend(fenced.map(|fenced| {
            let (_language, text) = fenced.split_once('\n').expect("lines after a fence");
            Block { document, text: format!("{text}\n") }
        }));
    }
    let unfilled = MANUAL.split("\n.nf\n").skip(1).filter_map(|rest| rest.split("\n.fi\n").next());
    found.extend(unfilled.map(|text| Block { document: "the manual page", text: unescaped(text) }));
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
