//! Single lines of a git configuration file: which of them are ours, and the text without them. git decides what a line
//! means; this module only finds where each one is in the text (git-config(1), CONFIGURATION FILE, Syntax). Pure.
//!
//! git can remove a line only by its value, and our empty helper line has the same value as the one of `gh auth
//! setup-git`: ours is identified by the line after it.

use std::ops::Range;

use crate::programs::git::ConfigEntry;

/// A key and its value, as given to `git config`.
pub type Line = (String, String);

/// Which of our lines a file still has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OwnLines {
    /// Their positions among the file's entries.
    pub places: Vec<usize>,
    /// Those that somebody has removed or changed since.
    pub gone: Vec<Line>,
}

/// A key as `git config --list` writes it: section and variable in lower case.
fn normal(key: &str) -> String {
    let (Some(first), Some(last)) = (key.find('.'), key.rfind('.')) else { return key.to_ascii_lowercase() };
    format!("{}{}{}", key[..first].to_ascii_lowercase(), &key[first..last], key[last..].to_ascii_lowercase())
}

/// Finds the lines that we added. Of several equal lines the last is ours, as git appends.
pub fn find(entries: &[ConfigEntry], lines: &[Line]) -> OwnLines {
    let mut ours = OwnLines::default();
    let mut next: Option<(&str, Option<usize>)> = None;
    for line in lines.iter().rev() {
        let (key, value) = line;
        let of_key = |end: usize| (0..end).rev().filter(|&at| entries[at].key == normal(key));
        let place = if value.is_empty() {
            let follower = next.filter(|(other, _)| other == key).and_then(|(_, place)| place);
            // Without our helper after it, it is ours only if nothing follows, as then nobody else needs it.
            of_key(follower.unwrap_or(entries.len())).next().filter(|&at| entries[at].value.is_empty())
        } else {
            of_key(entries.len()).find(|at| entries[*at].value == *value && !ours.places.contains(at))
        };
        match place {
            Some(at) => ours.places.push(at),
            None => ours.gone.insert(0, line.clone()),
        }
        next = Some((key, place));
    }
    ours.places.sort_unstable();
    ours
}

/// The text without some of its entries, and without the sections that become empty.
///
/// `None`: the text does not have as many entries as git found.
pub fn without(text: &str, count: usize, places: &[usize]) -> Option<String> {
    let sections = sections(text);
    if sections.iter().map(|section| section.variables.len()).sum::<usize>() != count {
        return None;
    }
    let mut cut: Vec<Range<usize>> = Vec::new();
    let mut place = 0;
    for section in &sections {
        let ours: Vec<_> = (place..).zip(&section.variables).filter(|(at, _)| places.contains(at)).collect();
        place += section.variables.len();
        if !ours.is_empty() && ours.len() == section.variables.len() && !section.has_comments {
            cut.push(section.header.clone());
        }
        cut.extend(ours.into_iter().map(|(_, range)| range.clone()));
    }
    Some(without_ranges(text, &cut))
}

/// If only blanks are left of a line after the cut, the whole line goes.
fn without_ranges(text: &str, cut: &[Range<usize>]) -> String {
    let mut rest = String::with_capacity(text.len());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let is_cut = |at: usize| cut.iter().any(|range| range.contains(&(start + at)));
        let kept: String =
            line.char_indices().filter(|(at, _)| !is_cut(*at)).map(|(_, character)| character).collect();
        let written = kept.trim_start_matches('\u{feff}');
        let is_left = kept.len() == line.len() || !written.trim().is_empty();
        rest.push_str(if is_left { &kept } else { &kept[..kept.len() - written.len()] });
        start += line.len();
    }
    rest
}

/// A section, from its header to the next.
#[derive(Debug, Default)]
struct Section {
    /// Empty for what comes before the first header.
    header: Range<usize>,
    /// From the name to the end of the last line of the value, with a comment behind it.
    variables: Vec<Range<usize>>,
    /// Lines that are comments, which people have written.
    has_comments: bool,
}

fn sections(text: &str) -> Vec<Section> {
    let bytes = text.as_bytes();
    let mut sections = vec![Section::default()];
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while at < bytes.len() {
        let end = match bytes[at] {
            b'[' => {
                let end = end_of(bytes, at, b"]") + 1;
                sections.push(Section { header: at..end, ..Section::default() });
                end
            }
            blank if blank.is_ascii_whitespace() => at + 1,
            first => {
                let is_comment = matches!(first, b'#' | b';');
                let end = if is_comment { line_end(bytes, at) } else { end_of(bytes, at, b"\n#;") };
                let end = line_end(bytes, end);
                if let Some(section) = sections.last_mut() {
                    section.has_comments |= is_comment;
                    section.variables.extend((!is_comment).then_some(at..end));
                }
                end
            }
        };
        at = end;
    }
    sections
}

/// The position of the first of these bytes that is neither quoted nor escaped; a backslash before a line end continues
/// the line.
fn end_of(bytes: &[u8], start: usize, ends: &[u8]) -> usize {
    let (mut at, mut quoted) = (start, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if bytes[at + 1..].starts_with(b"\r\n") => at += 2,
            b'\\' => at += 1,
            b'"' => quoted = !quoted,
            byte if !quoted && ends.contains(&byte) => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn line_end(bytes: &[u8], start: usize) -> usize {
    bytes.iter().skip(start).position(|byte| *byte == b'\n').map_or(bytes.len(), |length| start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELPER: &str = "credential.https://github.com.helper";
    const PATH: &str = "credential.https://github.com.usehttppath";

    fn entries(lines: &[(&str, &str)]) -> Vec<ConfigEntry> {
        let entry = |(key, value): &(&str, &str)| ConfigEntry {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            origin: String::new(),
        };
        lines.iter().map(entry).collect()
    }

    #[test]
    fn of_equal_lines_ours_is_known_by_its_neighbours() {
        let ours = [(HELPER, ""), (HELPER, "/us"), ("credential.https://github.com.useHttpPath", "true")];
        let ours = ours.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let (reset, us, path, gh) = ((HELPER, ""), (HELPER, "/us"), (PATH, "true"), (HELPER, "!gh"));
        for (now, places, gone) in [
            (&[reset, us, path][..], &[0, 1, 2][..], 0),
            (&[reset, gh, reset, us, path], &[2, 3, 4], 0),
            (&[reset, us, path, reset, gh], &[0, 1, 2], 0),
            // gh auth setup-git has put its own pair in place of ours.
            (&[path, reset, gh], &[0], 2),
            (&[reset, gh, path], &[2], 2),
            // Somebody has removed our helper by hand: the rest of the pair would switch off all helpers.
            (&[reset, path], &[0, 1], 1),
            (&[gh, reset, path], &[1, 2], 1),
            (&[us, path], &[0, 1], 1),
            (&[path, reset, us, path], &[1, 2, 3], 0),
            (&[(PATH, "false")], &[], 3),
            (&[("credential.https://GITHUB.com.helper", "/us")], &[], 3),
        ] {
            let found = find(&entries(now), &ours);
            assert_eq!((found.places.as_slice(), found.gone.len()), (places, gone), "{now:?}");
        }
    }

    #[test]
    fn lines_are_cut_out_of_files_of_every_shape() {
        for (text, count, places, rest) in [
            ("[a]\n\tb = 1\n\tc = 2\n", 2, &[1][..], "[a]\n\tb = 1\n"),
            ("[a]\n\tb = 1\n[c]\n\td = 2\n", 2, &[0], "[c]\n\td = 2\n"),
            ("[a]\n\t# mine\n\tb = 1\n[c]\n\td = 2\n", 2, &[0], "[a]\n\t# mine\n[c]\n\td = 2\n"),
            ("[a] b = 1\n[c] d = 2\n", 2, &[0], "[c] d = 2\n"),
            ("[a] b = 1\n\tc = 2\n", 2, &[0], "[a] \n\tc = 2\n"),
            ("[a \"x]y\\\"\"]\n\tb = \"1;\\\n 2\" # c\n\td\n", 2, &[0], "[a \"x]y\\\"\"]\n\td\n"),
            ("[a]\n\tb = x \\\n  y\n\tc = z", 2, &[0], "[a]\n\tc = z"),
            ("[a]\r\n\tb = x \\\r\n  y\r\n\tc = z\r\n", 2, &[0], "[a]\r\n\tc = z\r\n"),
            ("[a]\n\tb = 1 ; \\\n\tc = 2\n", 2, &[1], "[a]\n\tb = 1 ; \\\n"),
            ("\u{feff}[a]\n\tb = é\n[c]\n", 1, &[0], "\u{feff}[c]\n"),
            ("[a]\n[a]\n\tb = 1\n", 1, &[0], "[a]\n"),
            ("[a]\n\tb = 1", 1, &[0], ""),
        ] {
            assert_eq!(without(text, count, places).as_deref(), Some(rest), "{text:?}");
        }
        assert_eq!(without("[a]\n\tb = 1\n", 2, &[0]), None, "git sees more than we do");
    }
}
