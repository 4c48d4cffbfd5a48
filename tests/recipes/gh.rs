//! gh, timers and cron.

use std::fs;

use super::world::World;
use crate::support::gh::ghs;
use crate::support::needs::GH;

/// A gh for one command.
pub fn exec(recipe: &str) {
    let world = World::configured("OWNER", &["REPO"]);
    world.stand_in("gh", "[ \"$*\" = 'pr list' ] && echo \"$GH_TOKEN $GITHUB_TOKEN\"");
    let output = world.sh(recipe).run();
    let [token] = world.github.live_tokens().try_into().expect("one token");
    output.expect(0, &format!("{token} {token}\n"), "");
}

/// A gh that stays logged in.
pub fn refresh(recipe: &str) {
    for gh in ghs() {
        let world = World::configured("OWNER", &["REPO"]).with_helper();
        world.put_on_path(gh.path.parent().expect("a directory").to_owned());
        world.github.set_token_life(600);
        world.clones("https://github.com/OWNER/REPO");
        world.github.set_token_life(3600);
        world.sh(recipe).run().expect(0, "", "");
        // What git had is kept fresh, and gh has a token that is for no one owner.
        assert_eq!(world.github.mints(), 3, "{}", gh.version);
        let api = world.sh("gh api repos/OWNER/REPO --jq .name").run();
        assert_eq!((api.success().stdout.as_str(), api.stderr.as_str()), ("REPO\n", ""), "{}", gh.version);
    }
}

/// Both timers of `setup`.
pub fn timers(recipe: &str) {
    // Each is tried at once.
    if !GH.is_met() {
        return;
    }
    let world = World::configured("OWNER", &["REPO"]);
    let at = |name: &str| world.sandbox.path().join(name);
    world.stand_in("systemctl", &format!("echo \"$*\" >> '{}'", at("systemctl").display()));
    let table = at("crontab").display().to_string();
    let no_table = "{ echo 'no crontab for me' >&2; exit 1; }";
    world.stand_in(
        "crontab",
        &format!("[ \"$1\" = -l ] || exec cat > '{table}'; cat '{table}' 2>/dev/null || {no_table}"),
    );
    world.sh(recipe).run().success();
    let name = "git-credential-github-app-refresh";
    assert!(
        fs::read_to_string(at("systemctl"))
            .expect("systemctl was run")
            .ends_with(&format!("enable --now {name}.timer\n"))
    );
    for unit in ["service", "timer"] {
        assert!(at("home/.config/systemd/user").join(format!("{name}.{unit}")).exists(), "{unit}");
    }
    let table = fs::read_to_string(at("crontab")).expect("a crontab");
    runs_from_cron(&world, table.trim_end());
}

/// The line of the manual page.
pub fn cron(recipe: &str) {
    let world = World::configured("OWNER", &["REPO"]);
    runs_from_cron(&world, world.as_typed(recipe).trim_end());
}

/// Runs a line of a crontab as cron does, which has a short `PATH`; the loopback github.com needs two variables more.
#[track_caller]
fn runs_from_cron(world: &World, line: &str) {
    assert!(!line.contains('\n'), "{line}");
    let gh = ghs().into_iter().next().map(|gh| gh.path.parent().expect("a directory").to_owned());
    let command = line.splitn(6, ' ').last().expect("a command").replace("\\%", "%");
    let needs_gh = line.contains("--gh");
    if needs_gh && gh.is_none() {
        return;
    }
    let path = format!("/usr/bin:/bin:{}", gh.unwrap_or_default().display());
    let run = world.sandbox.command("/bin/sh", &["-c", &command]).cwd(world.sandbox.home());
    run.env("PATH", path).run().expect(0, "", "");
}
