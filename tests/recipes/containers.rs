//! The image, and pods of it.

use super::git::all_is_well;
use super::pod::{Pod, Secret, world_for_all};
use super::world::World;
use super::{documents, yaml};
use crate::support::keys::app_key_pem;

const REPO: &str = "https://github.com/OWNER/REPO";

/// Builds the image on this machine, as far as a shell can, and returns its user.
fn build(world: &World, dockerfile: &str) -> String {
    world.stand_in("apt-get", "case $1 in update | install) ;; *) exit 9 ;; esac");
    world.stand_in("useradd", "[ \"$*\" = '--uid 10001 --create-home agent' ]");
    world.sandbox.remove_env("GIT_CONFIG_NOSYSTEM");
    world.sandbox.set_env("GIT_CONFIG_SYSTEM", world.sandbox.write("etc-gitconfig", ""));
    let mut user = String::new();
    for line in dockerfile.replace("\\\n", "").lines() {
        let (instruction, rest) = line.split_once(' ').expect("an instruction");
        match instruction {
            "FROM" => assert!(rest.starts_with("debian:"), "{line}"),
            "RUN" => world.sh(rest).run().expect(0, "", ""),
            // World has put it there.
            "COPY" => assert_eq!(rest, "git-credential-github-app /usr/local/bin/"),
            "ENV" => {
                let (name, value) = rest.split_once('=').expect("a variable");
                world.sandbox.set_env(name, world.as_written(value));
            }
            "USER" => rest.clone_into(&mut user),
            _ => panic!("what is {line}?"),
        }
    }
    user
}

/// An image, run with a key that only its user may read.
pub fn image(dockerfile: &str) {
    let world = World::new("OWNER", &["REPO"]);
    assert_eq!(build(&world, dockerfile), "agent");
    world.sandbox.write_private("run/secrets/github-app/key.pem", app_key_pem());
    world.clones(REPO);
    all_is_well(&world.sh("git-credential-github-app doctor --repo OWNER/REPO").run());
}

/// A pod of that image: no warning from any command, and the cache outlives the container.
pub fn pod(specification: &str) {
    let Some(place) = world_for_all("OWNER", &["REPO"]) else { return };
    build(&place.0, &documents::text("FROM debian"));
    let secrets: [Secret; 1] = [("github-app", &[("key.pem", app_key_pem())])];
    let pod = Pod::start(place, &yaml::read(specification), &secrets);
    // The image's variable, at its place here.
    let key = pod.inside("/run/secrets/github-app/key.pem");
    pod.world.sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", key);
    pod.sh(&format!("git clone -q {REPO} /cache/work && cd /cache/work && git fetch -q"))
        .run()
        .expect(0, "", "");
    assert_eq!(pod.world.github.mints(), 1);
    pod.sh("git-credential-github-app token >/dev/null").run().expect(0, "", "");
    all_is_well(&pod.sh("cd /cache/work && git-credential-github-app doctor --repo OWNER/REPO").run());
}

#[test]
fn without_a_default_mode_the_key_is_everybodys_and_that_is_said() {
    let Some(place) = world_for_all("OWNER", &["REPO"]) else { return };
    build(&place.0, &documents::text("FROM debian"));
    let specification = documents::text("GITHUB_APP_CACHE_DIR\n        value");
    let secrets: [Secret; 1] = [("github-app", &[("key.pem", app_key_pem())])];
    let open = specification.replace("      defaultMode: 0440\n", "");
    let pod = Pod::start(place, &yaml::read(&open), &secrets);
    let key = pod.inside("/run/secrets/github-app/key.pem");
    pod.world.sandbox.set_env("GITHUB_APP_PRIVATE_KEY_FILE", key);
    let output = pod.sh("git-credential-github-app token >/dev/null").run();
    assert!(output.success().stderr.contains("everybody may read the private key"), "{}", output.stderr);
    pod.sh("git-credential-github-app doctor").run().fails_with(3);
}
