//! What a build is told, and what its binary must not hold: a folder of the builder's.

use std::fs;
use std::path::Path;

use super::sandbox;

const CHECKOUT: &str = env!("CARGO_MANIFEST_DIR");
const REMAP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/release/remap");

/// What the script prints where cargo's home is this.
pub fn remap(variables: &[(&str, &str)]) -> String {
    let sandbox = sandbox("1");
    let run = sandbox.command(REMAP, &[]).env_remove("HOME");
    let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value));
    run.run().success().stdout.clone()
}

#[test]
fn the_builders_folders_are_given_other_names_whatever_their_own_are() {
    for (variables, home) in [
        (&[("CARGO_HOME", "/c")][..], Some("/c".to_owned())),
        (&[("CARGO_HOME", "/c"), ("HOME", "/h")], Some("/c".to_owned())),
        (&[("HOME", "/h")], Some("/h/.cargo".to_owned())),
        (&[("CARGO_HOME", "")], None),
        (&[], None),
        (&[("CARGO_HOME", "/a b/\"c\\d=e")], Some("/a b/\"c\\d=e".to_owned())),
        (&[("CARGO_HOME", "c")], Some(format!("{CHECKOUT}/c"))),
    ] {
        let printed = remap(variables);
        let document: toml_edit::DocumentMut = printed.parse().expect("TOML");
        let flags = document["build"]["rustflags"].as_array().expect("a list");
        let flags: Vec<&str> = flags.iter().filter_map(toml_edit::Value::as_str).collect();
        let mut expected = vec![format!("--remap-path-prefix={CHECKOUT}=/source")];
        expected.extend(home.map(|home| format!("--remap-path-prefix={home}=/cargo")));
        assert_eq!(flags, expected, "{variables:?}");
    }
}

#[test]
fn a_release_binary_names_no_folder_of_its_builder() {
    // Other builds have the folders in what debuggers read.
    let Some(binary) = std::env::var_os("HELPER_UNDER_TEST") else { return };
    let bytes = fs::read(binary).expect("the binary");
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    let home = home.expect("cargo's home").join("registry").display().to_string();
    for folder in [home.as_str(), CHECKOUT] {
        let found = bytes.windows(folder.len()).filter(|window| *window == folder.as_bytes()).count();
        assert_eq!(found, 0, "{folder} is {found} times in it");
    }
    let crates = b"/cargo/registry/src/";
    assert!(bytes.windows(crates.len()).any(|window| window == crates), "panics say where they were");
}
