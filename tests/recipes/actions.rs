//! A job on GitHub Actions, by a stand-in for its runner.

use super::world::World;
use super::yaml;
use crate::support::keys::app_key_pem;
use crate::support::runner::Job;

/// The Action, and a step after it.
pub fn job(recipe: &str) {
    let world = World::new("OWNER", &["REPO"]);
    let Some(job) = Job::new(&world.sandbox) else { return };
    let workflow = yaml::read(recipe);
    let [action, step] = &workflow["steps"].as_array().expect("a list")[..] else { panic!("two steps") };
    let version = format!("OWNER/git-credential-github-app@v{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(action["uses"], *version);
    let job = job.with("host", "https://github.com").with("owner", "OWNER");
    let mut job = job.with("binary", world.sandbox.binary().display().to_string());
    for (name, value) in action["with"].as_object().expect("a map") {
        let value = value.as_str().expect("a text").replace("${{ secrets.APP_PRIVATE_KEY }}", app_key_pem());
        assert!(!value.contains("${{"), "{value}");
        job = job.with(name, value);
    }
    job.start(&world.sandbox).expect(0, "", "");
    world.sh(step["run"].as_str().expect("a command")).run().expect(0, "", "Cloning into 'REPO'...\n");
    job.post(&world.sandbox).run().expect(0, "", "");
    assert_eq!((world.github.mints(), world.github.live_tokens().len()), (1, 0));
}
