//! Where `install.sh` installs: prefixes in every form, by option, variable and default.

use std::fs;

use super::{BINARY, NEXT, SCRIPT, installed, put_on_path, sandbox, script, snapshot, uninstall};

#[test]
fn paths_are_meant_as_a_shell_would_mean_them() {
    let sandbox = sandbox("1");
    let (home, here) = (sandbox.home(), sandbox.path());
    for (given, place) in [
        ("~/opt", home.join("opt")),
        ("~/opt//", home.join("opt")),
        ("~", home.clone()),
        ("opt", here.join("opt")),
        ("./an opt/", here.join("an opt")),
        (".", here.to_owned()),
        ("./~", here.join("~")),
        ("home/../opt", here.join("home/../opt")),
    ] {
        for by_variable in [false, true] {
            let run = if by_variable {
                script(&sandbox, &[]).env("PREFIX", given)
            } else {
                script(&sandbox, &[&format!("--prefix={given}")])
            };
            let output = run.run();
            assert!(output.success().stdout.starts_with(&installed("stand-in 1", &place)), "{given}");
            let gone = format!("uninstalled git-credential-github-app from {}\n", place.display());
            uninstall(&sandbox, &[&format!("--prefix={given}")]).expect(0, &gone, "");
        }
    }
    fs::rename(here.join("stand in"), home.join("stand in")).expect("a file of ours");
    sandbox.command(SCRIPT, &["--binary=~/stand in"]).run().success();
}

#[test]
fn a_path_that_means_nothing_is_refused_before_anything_changes() {
    let sandbox = sandbox("1");
    let before = snapshot(&sandbox);
    let hint = "hint: give a path that begins with /, or with ~/ for your own home\n";
    for given in ["~root", "~root/opt", "~+/opt"] {
        let name = given.split('/').next().unwrap_or_default();
        let said = |by: &str| format!("install.sh: {by}: {name} is not expanded\n{hint}");
        script(&sandbox, &["--prefix", given]).run().expect(2, "", &said("--prefix"));
        script(&sandbox, &[]).env("PREFIX", given).run().expect(3, "", &said("PREFIX"));
        sandbox.command(SCRIPT, &["--binary", given]).run().expect(2, "", &said("--binary"));
    }
    let said = "install.sh: --prefix: the path has a control character\nhint: choose a path without\n";
    script(&sandbox, &["--prefix", "a\nb"]).run().expect(2, "", said);
    let said = "install.sh: --prefix: HOME is not set\nhint: give a path that begins with /\n";
    script(&sandbox, &["--prefix", "~/opt"]).env_remove("HOME").run().expect(2, "", said);
    assert_eq!(snapshot(&sandbox), before);
}

#[test]
fn the_prefix_is_the_option_then_the_variable_then_local_in_the_home_directory() {
    let sandbox = sandbox("1");
    for (args, place) in [
        (&["--prefix", "some/where"][..], "some/where"),
        (&["--prefix=some/where else/"], "some/where else"),
        (&[], "not there/a prefix"),
    ] {
        script(&sandbox, args).run().success();
        assert!(sandbox.path().join(place).join(BINARY).exists(), "{place}");
    }
    sandbox.remove_env("PREFIX");
    script(&sandbox, &[]).run().success();
    assert!(sandbox.home().join(".local").join(BINARY).exists());
    sandbox.remove_env("HOME");
    let said = "install.sh: PREFIX: HOME is not set\nhint: give a path that begins with /\n";
    script(&sandbox, &[]).run().expect(3, "", said);
}

#[test]
fn it_says_what_to_add_where_the_binary_is_not_on_path() {
    let sandbox = sandbox("1");
    let elsewhere = sandbox.path().join("else where");
    let hint = format!(
        "not on PATH yet; add this line to your shell's profile: export PATH=\"{}/bin:$PATH\"\n",
        elsewhere.display()
    );
    let said = installed("stand-in 1", &elsewhere);
    let next = format!("next: \"{}\" setup --help\n", elsewhere.join(BINARY).display());
    script(&sandbox, &["--prefix", "else where"]).run().expect(0, &(said.clone() + &hint + &next), "");
    put_on_path(&sandbox, &elsewhere.join("bin"));
    script(&sandbox, &["--prefix", "else where"]).run().expect(0, &(said + NEXT), "");
}
