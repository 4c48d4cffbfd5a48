//! The options of every command: those of the settings, made from the table of all settings, and how much to print.
//! Values stay text: the settings check them, whatever their origin.

#![expect(clippy::doc_markdown, reason = "doc comments here are help texts, where backticks would show")]

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches, Parser, ValueEnum, value_parser};

use crate::settings::Given;
use crate::settings::schema::{KEYS, Key, Opt, Setting};

/// The heading of their help.
const SETTINGS: &str = "Settings";

/// The command line of a helper without git's operation at its end
#[derive(Debug, Parser)]
#[command(disable_help_flag = true)]
pub struct HelperLine {
    /// The helper's options
    #[command(flatten)]
    pub options: Options,
}

/// When messages are coloured
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Settings, and how much is said
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct Options {
    /// Each beats its environment variable and its key in the settings file
    #[command(flatten)]
    pub given: Given,
    /// Say on stderr what is done
    #[arg(short, long, global = true, action = ArgAction::Count, hide_short_help = true, help_heading = SETTINGS)]
    pub verbose: u8,
    /// No warnings
    #[arg(short, long, global = true, conflicts_with = "verbose", hide_short_help = true, help_heading = SETTINGS)]
    pub quiet: bool,
    /// Colour messages: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        hide_short_help = true,
        help_heading = SETTINGS
    )]
    pub color: Color,
}
/// A setting's option; `None`: it has none.
fn option(setting: &'static Setting) -> Option<Arg> {
    let mut help = setting.help.replace('\n', "; ");
    if !setting.variables.is_empty() && setting.option != Opt::Negated {
        help.extend([" [env: ", &setting.variables.join(", "), "]"]);
    } else if let [variable] = setting.variables {
        help.extend([" [env: ", variable, "=false]"]);
    }
    if !setting.default.is_empty() {
        help.extend([" [default: ", setting.default, "]"]);
    }
    let long = setting.option_name().trim_start_matches('-').to_owned();
    let summary = setting.help.lines().next().unwrap_or_default();
    let arg = Arg::new(setting.name).long(long).help(summary).long_help(help).global(true);
    let arg = arg.help_heading(SETTINGS).hide_short_help(true);
    let text = value_parser!(String);
    Some(match setting.option {
        Opt::No => return None,
        Opt::Value(name) => arg.value_name(name).value_parser(text),
        Opt::Repeat(name) => arg.value_name(name).value_parser(text).action(ArgAction::Append),
        Opt::Flag => arg
            .value_name("BOOL")
            .value_parser(text)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Opt::Negated | Opt::Switch => arg.action(ArgAction::SetTrue),
    })
}

/// The settings that a command's short help shows.
const COMMON: [Key; 6] =
    [Key::Profile, Key::Host, Key::AppId, Key::Owner, Key::PrivateKeyFile, Key::BrokerUrl];

/// The options of all settings, in every command in the order of the table.
fn options() -> impl Iterator<Item = (Key, Arg)> {
    let options = KEYS.iter().filter_map(|key| Some((*key, option(key.row())?)));
    options.enumerate().map(|(at, (key, arg))| (key, arg.display_order(at)))
}

/// Makes a command's short help show the usual settings. The program's own does not, as its commands would scroll away.
pub fn show_common(command: clap::Command) -> clap::Command {
    // A command does not inherit an option that it defines itself.
    let common = options().filter(|(key, _)| COMMON.contains(key));
    command.args(common.map(|(_, arg)| arg.hide_short_help(false)))
}

impl Args for Given {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(options().map(|(_, arg)| arg))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Self::default();
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for key in KEYS.iter().copied() {
            let id = key.row().name;
            match key.row().option {
                Opt::Value(_) | Opt::Repeat(_) | Opt::Flag => {
                    let texts = matches.get_many::<String>(id).into_iter().flatten();
                    texts.for_each(|text| self.add(key, text.clone()));
                }
                Opt::Negated if matches.get_flag(id) => self.add(key, "false".to_owned()),
                Opt::Switch if matches.get_flag(id) => self.add(key, "true".to_owned()),
                Opt::No | Opt::Negated | Opt::Switch => {}
            }
        }
        Ok(())
    }
}
