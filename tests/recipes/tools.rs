//! The script, completions and single commands.

use std::fs;

use super::documents;
use super::git::LINES;
use super::world::World;

/// `install.sh` in a clone, with a cargo that has built already.
pub fn install(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]);
    let built = world.sandbox.binary().display().to_string();
    world.stand_in("cargo", &format!("echo '{{\"executable\":\"{built}\"}}'"));
    world.stand_in("cc", "");
    world.sh(recipe).cwd(env!("CARGO_MANIFEST_DIR")).run().success();
    let version = crate::common::version_line(&world.sandbox);
    world.sh("~/.local/bin/git-credential-github-app --version").run().expect(0, &version, "");
}

/// Completions for bash in a home directory that has none yet.
pub fn completions(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]);
    world.sh(recipe).run().expect(0, "", "");
    let file =
        world.sandbox.home().join(".local/share/bash-completion/completions/git-credential-github-app");
    assert!(fs::read_to_string(file).expect("a file").contains("complete -F "));
}

/// What a request does, without its token.
pub fn verbose_token(recipe: &str) {
    let world = World::configured("OWNER", &["REPO"]);
    let output = world.sh(recipe).run();
    assert_eq!(output.success().stdout, "");
    let [token] = world.github.live_tokens().try_into().expect("one token");
    assert!(!output.stderr.is_empty() && !output.stderr.contains(&token), "{}", output.stderr);
}

/// A token for one repository.
pub fn narrow_token(recipe: &str) {
    let world = World::configured("acme", &["website", "docs"]);
    let token = world.sh(recipe).run();
    assert_eq!(token.success().stderr, "");
    let json = world.sh(&format!("{} --json", recipe.trim_end())).run().success().stdout.clone();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["repositories"], serde_json::json!(["website"]));
    assert_eq!(json["permissions"], serde_json::json!({ "contents": "read", "metadata": "read" }));
    assert_eq!(json["token"], token.stdout.trim());
}

/// What is configured, and the end of all tokens.
pub fn status_and_revoke(recipe: &str) {
    let world = World::configured("OWNER", &["REPO"]);
    world.sh(&documents::text(LINES)).run().success();
    world.clones("https://github.com/OWNER/REPO");
    let output = world.sh(recipe).run();
    assert!(output.success().stdout.contains("owner at github.com"), "{}", output.stdout);
    assert_eq!((world.github.mints(), world.github.live_tokens().len()), (1, 0));
}
