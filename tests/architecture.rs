//! The storeys of `src/`: each imports only what is below it, and no file imports another in a circle. What is read are the
//! paths that begin with `crate::`, outside of comments and tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom to the top. What the first has are the words for what goes wrong, which all others use.
const STOREYS: [&[&str]; 7] = [
    &["tokens::error", "tokens::secret"],
    &["platform"],
    &["tokens"],
    &["broker"],
    &["settings", "programs", "session", "report"],
    &["commands"],
    &["cli", "lib", "main"],
];

/// Seen by tests and fuzzing alone.
const APART: [&str; 3] = ["properties", "broker::asker", "broker::model"];

/// Modules by name, with all that each imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(dir).expect("a directory of ours").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn module(src: &Path, file: &Path) -> String {
    let parts = file.strip_prefix(src).expect("below it").with_extension("");
    parts.iter().map(|part| part.to_str().expect("text")).collect::<Vec<_>>().join("::")
}

/// The text without comments, and without the tests at its foot.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    body.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The paths below `crate::`, with groups in braces written out.
fn paths(code: &str) -> BTreeSet<String> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let path: String = rest.chars().take_while(|c| is_path(*c)).collect();
        let group = rest[path.len()..].strip_prefix('{').and_then(|rest| rest.split('}').next());
        for name in group.unwrap_or_default().split(',').map(str::trim).filter(|name| *name != "self") {
            found.insert(format!("{path}{}", name.split(' ').next().unwrap_or_default()));
        }
        found.insert(path.trim_end_matches(':').to_owned());
    }
    found
}

fn imports() -> Imports {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = files(&src);
    let modules: BTreeSet<String> = files.iter().map(|file| module(&src, file)).collect();
    // A path ends in a name within a module.
    let known = |path: &str| {
        let ends = path.match_indices("::").map(|(at, _)| at).chain([path.len()]);
        ends.map(|end| &path[..end]).filter(|path| modules.contains(*path)).last().map(str::to_owned)
    };
    let is_test =
        |module: &str| module.ends_with("::tests") || APART.iter().any(|apart| module.ends_with(apart));
    let of_file = |file: &PathBuf| {
        let name = module(&src, file);
        let text = code(&fs::read_to_string(file).expect("text"));
        let imported =
            paths(&text).iter().filter_map(|path| known(path)).filter(|path| *path != name).collect();
        (name, imported)
    };
    files.iter().map(of_file).filter(|(name, _)| !is_test(name)).collect()
}

fn storey(module: &str) -> usize {
    let is_within = |room: &str| module == room || module.starts_with(&format!("{room}::"));
    let storey = STOREYS.iter().position(|storey| storey.iter().any(|room| is_within(room)));
    storey.unwrap_or_else(|| panic!("{module} is in no storey: see tests/architecture.rs"))
}

/// Goes on from the last of the way; the circle that it comes to, if there is one.
fn circle(imports: &Imports, way: &mut Vec<String>, done: &mut BTreeSet<String>) -> Option<String> {
    let here = way.last().expect("a beginning").clone();
    for next in imports.get(&here).into_iter().flatten() {
        if let Some(at) = way.iter().position(|module| module == next) {
            return Some(format!("{} -> {next}", way[at..].join(" -> ")));
        }
        if !done.contains(next) {
            way.push(next.clone());
            let found = circle(imports, way, done);
            way.pop();
            if found.is_some() {
                return found;
            }
        }
    }
    done.insert(here);
    None
}

#[test]
fn every_file_imports_only_what_is_in_its_storey_or_below() {
    let upwards = |(from, all): (&String, &BTreeSet<String>)| {
        let above = |to: &&String| storey(to) > storey(from);
        all.iter().filter(above).map(|to| format!("{from} -> {to}")).collect::<Vec<_>>()
    };
    let imports = imports();
    assert!(imports.len() > 100, "{} files are few", imports.len());
    let found: Vec<String> = imports.iter().flat_map(upwards).collect();
    assert!(found.is_empty(), "arrows upwards:\n{}", found.join("\n"));
}

#[test]
fn no_file_imports_another_in_a_circle() {
    let (imports, mut done) = (imports(), BTreeSet::new());
    let found = imports.keys().find_map(|module| circle(&imports, &mut vec![module.clone()], &mut done));
    assert_eq!(found, None);
}

#[test]
fn the_library_reads_no_environment_knows_no_command_line_and_prints_nothing() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files(&src.join("tokens")) {
        let text = code(&fs::read_to_string(&file).expect("text"));
        for word in ["clap", "std::env", "env::var", "stderr()", "stdout()", "println!", "tokio"] {
            assert!(!text.contains(word), "{} has {word}", file.display());
        }
    }
}

#[test]
fn what_is_read_are_paths_outside_of_comments_and_tests() {
    let text = "use crate::a::{self, b, C as D};\nlet x = crate::e::f(1); // crate::g\n/// crate::h\n#[cfg(test)]\nmod tests {\n    use crate::i;\n}\n";
    let expected = ["a", "a::C", "a::b", "e::f"];
    assert_eq!(paths(&code(text)).iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let of = |pairs: &[(&str, &str)]| {
        let mut imports = Imports::new();
        for (from, to) in pairs {
            imports.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        circle(&imports, &mut vec!["a".to_owned()], &mut BTreeSet::new())
    };
    assert_eq!(of(&[("a", "b"), ("b", "c"), ("a", "c")]), None);
    assert_eq!(of(&[("a", "b"), ("b", "c"), ("c", "b")]).as_deref(), Some("b -> c -> b"));
}

/// `a/{b,c}.rs` is two files.
fn written_out(path: &str) -> Vec<String> {
    let Some((before, (group, after))) =
        path.split_once('{').and_then(|(b, rest)| Some((b, rest.split_once('}')?)))
    else {
        return vec![path.to_owned()];
    };
    group.split(',').map(|name| format!("{before}{}{after}", name.trim())).collect()
}

#[test]
fn every_file_of_ours_that_a_document_or_a_comment_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = files(&root.join("docs"));
    let documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "build.rs"].map(|name| root.join(name));
    let of_ours = |span: &&str| {
        ["src/", "tests/"].iter().any(|dir| span.starts_with(dir)) && !span.contains([' ', '*'])
    };
    let mut seen = 0;
    for file in files(&root.join("src")).into_iter().chain(documents).chain(pages) {
        let text = fs::read_to_string(&file).expect("text");
        let spans: Vec<&str> =
            text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(of_ours).collect();
        for path in spans.into_iter().flat_map(written_out) {
            assert!(root.join(&path).exists(), "{} names {path}", file.display());
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} are few");
}

#[test]
fn no_two_types_have_one_name() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // Of the two halves of `platform`, a build has one.
    let is_other_half = |file: &&PathBuf| file.starts_with(src.join("platform/windows"));
    let all = files(&src);
    for file in all.iter().filter(|file| !file.ends_with("tests.rs") && !is_other_half(file)) {
        let text = code(&fs::read_to_string(file).expect("text"));
        for line in text.lines().map(|line| {
            line.trim_start()
                .trim_start_matches("pub(crate) ")
                .trim_start_matches("pub(super) ")
                .trim_start_matches("pub ")
        }) {
            let Some((kind, rest)) = line.split_once(' ') else { continue };
            if ["struct", "enum", "trait"].contains(&kind) {
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                seen.entry(name).or_default().push(module(&src, file));
            }
        }
    }
    assert!(seen.len() > 200, "{} types are few", seen.len());
    let twice: Vec<_> = seen.iter().filter(|(_, modules)| modules.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// What belongs to one system, in the files that every build has.
const OF_ONE_SYSTEM: [&str; 10] = [
    "cfg!(",
    "cfg(unix",
    "cfg(windows",
    "cfg(not(unix",
    "cfg(not(windows",
    "target_os",
    "std::os::",
    "rustix::",
    "use nix",
    "signal::unix",
];

#[test]
fn only_platform_knows_the_operating_system() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let halves = ["unix", "windows"].map(|half| src.join("platform").join(half));
    let is_half = |file: &PathBuf| halves.iter().any(|half| file.starts_with(half));
    let mut found = Vec::new();
    for file in files(&src).into_iter().filter(|file| !is_half(file) && !file.ends_with("tests.rs")) {
        let text = code(&fs::read_to_string(&file).expect("text"));
        let name = module(&src, &file);
        found.extend(
            OF_ONE_SYSTEM.iter().filter(|word| text.contains(*word)).map(|word| (name.clone(), *word)),
        );
    }
    let halves = ["cfg(unix", "cfg(windows"].map(|word| ("platform".to_owned(), word));
    assert_eq!(found, halves);
}
