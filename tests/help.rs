//! The short help is for a small terminal; the long help, which `tests/docs.rs` compares with the documents, has it all.

use crate::docs::{commands, long_options};
use crate::support::sandbox::Sandbox;

/// What a terminal of 24 lines and 80 columns has.
const LINES: usize = 24;
const COLUMNS: usize = 80;

fn short_help(args: &[&str]) -> String {
    let output = Sandbox::new().helper(args).env("COLUMNS", "80").run();
    assert_eq!(output.success().stderr, "");
    output.stdout
}

#[test]
fn the_short_help_of_the_program_shows_every_command_and_where_to_begin_on_one_screen() {
    let help = short_help(&["-h"]);
    assert!(help.lines().count() <= LINES, "{help}");
    assert!(help.ends_with("\n\nTo begin: git-credential-github-app setup\n"), "{help}");
    for command in commands().iter().filter(|command| !command.name.contains(' ')) {
        assert!(help.contains(&format!("\n  {} ", command.name)), "{}: {help}", command.name);
    }
    let nothing = Sandbox::new().helper(&[]).env("COLUMNS", "80").run();
    nothing.expect(2, "", &help);
}

#[test]
fn the_short_help_of_each_command_fits_a_screen_and_shows_the_usual_settings() {
    for command in commands() {
        let args: Vec<&str> = command.name.split(' ').chain(["-h"]).collect();
        let help = short_help(&args);
        assert!(help.lines().count() <= LINES, "{help}");
        let settings = help.split("\nSettings:\n").nth(1).expect("settings");
        let shown: Vec<&str> = long_options(settings).into_iter().collect();
        let usual = ["--app-id", "--broker-url", "--host", "--owner", "--private-key-file", "--profile"];
        assert_eq!(shown, usual, "{}", command.name);
    }
}

#[test]
fn the_long_help_lists_the_settings_of_every_command_in_the_order_of_the_programs() {
    let settings = |args: &[&str]| {
        let help = short_help(args);
        let settings = help.split("\nSettings:\n").nth(1).and_then(|rest| rest.split("\nTo begin").next());
        settings.expect("settings").trim_end().to_owned()
    };
    let all = settings(&["--help"]);
    assert!(long_options(&all).len() > 20, "{all}");
    for command in commands() {
        let args: Vec<&str> = command.name.split(' ').chain(["--help"]).collect();
        assert_eq!(settings(&args), all, "{}", command.name);
    }
}

#[test]
fn no_line_of_help_is_wider_than_the_terminal() {
    let programs = commands();
    let names =
        programs.iter().map(|command| -> Vec<&str> { command.name.split(' ').collect() }).chain([vec![]]);
    for name in names {
        for option in ["-h", "--help"] {
            let args: Vec<&str> = name.iter().copied().chain([option]).collect();
            for line in short_help(&args).lines() {
                assert!(line.chars().count() <= COLUMNS, "{args:?}: {line}");
            }
        }
    }
}
