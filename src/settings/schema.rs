//! Every setting, one row each: its key in the settings file, what kind of text it holds, its option, its environment
//! variables, its default and its help. The command line, the settings file's keys, the listing and the help texts are
//! made from this table; a new setting is one row here and one use of its [`Key`].

use crate::settings::form::Form;
use crate::tokens::secret::{BEARER_VARIABLE, KEY_VARIABLE};

/// How the command line takes a setting. An option's name is the key with hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opt {
    /// No option: secrets would show in process lists, and the platform's variables belong to the platform.
    No,
    /// `--key VALUE`; holds what the help calls the value.
    Value(&'static str),
    /// The same, and it may be repeated.
    Repeat(&'static str),
    /// `--key`, or `--key=false` to override environment or file.
    Flag,
    /// `--no-key`, which means false.
    Negated,
    /// `--key` without a value, which means true.
    Switch,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key in the settings file, from which its option is made; its variable if only the environment may hold it.
    pub name: &'static str,
    /// Whether the settings file may hold it.
    pub in_file: bool,
    /// How its text is checked, and whether it may be shown.
    pub form: Form,
    /// On the command line.
    pub option: Opt,
    /// In the environment, the first one first.
    pub variables: &'static [&'static str],
    /// The default as the help shows it; empty if there is none.
    pub default: &'static str,
    /// What it is for, in the imperative or as a noun, without a full stop; a second line is only for the long help.
    pub help: &'static str,
    /// Whether it names a source of tokens: if an option or the environment gives one, the file's profiles are ignored.
    pub is_source: bool,
}

impl Setting {
    /// Its key in the settings file; empty if the file may not hold it.
    pub fn key(&self) -> &'static str {
        if self.in_file { self.name } else { "" }
    }

    /// The option's name with its hyphens; empty if there is none.
    pub fn option_name(&self) -> String {
        let dashed = self.name.replace('_', "-");
        match self.option {
            Opt::No => String::new(),
            Opt::Negated => format!("--no-{dashed}"),
            Opt::Value(_) | Opt::Repeat(_) | Opt::Flag | Opt::Switch => format!("--{dashed}"),
        }
    }

    /// Whether its file key is a list.
    pub fn is_list(&self) -> bool {
        matches!(self.option, Opt::Repeat(_)) || self.name == "owners"
    }
}

const fn row(
    name: &'static str,
    form: Form,
    option: Opt,
    variables: &'static [&'static str],
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, in_file: true, form, option, variables, default, help, is_source: false }
}

const fn source(
    name: &'static str,
    form: Form,
    option: Opt,
    variables: &'static [&'static str],
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { is_source: true, ..row(name, form, option, variables, default, help) }
}

/// A setting that the file may not hold.
const fn not_in_file(setting: Setting) -> Setting {
    Setting { in_file: false, ..setting }
}

macro_rules! settings {
    ($($(#[$doc:meta])* $key:ident: $row:expr,)*) => {
        /// Names a row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key { $($(#[$doc])* $key,)* }

        /// All keys, in the order of the manual's table.
        pub const KEYS: &[Key] = &[$(Key::$key,)*];

        static TABLE: &[Setting] = &[$($row,)*];
    };
}

impl Key {
    /// Its row.
    pub fn row(self) -> &'static Setting {
        &TABLE[self as usize]
    }

    /// The key of that name in the settings file.
    pub fn of_file(name: &str) -> Option<Self> {
        KEYS.iter().copied().find(|key| !name.is_empty() && key.row().key() == name)
    }
}

settings! {
    /// Which settings file.
    Config: not_in_file(row("config", Form::Path, Opt::Value("FILE"), &["GITHUB_APP_CONFIG"], "", "Settings file")),
    /// Which profile of it.
    Profile: not_in_file(row("profile", Form::Profile, Opt::Value("NAME"), &["GITHUB_APP_PROFILE"], "by host and owner", "Profile of the settings file")),
    /// The git host.
    Host: row("host", Form::Host, Opt::Value("HOST"), &["GITHUB_APP_HOST"], "github.com", "Git host to answer for"),
    /// The REST API.
    ApiUrl: row("api_url", Form::Url, Opt::Value("URL"), &["GITHUB_APP_API_URL"], "from the host", "REST base URL"),
    /// The issuer.
    AppId: source("app_id", Form::Issuer, Opt::Value("ID"), &["GITHUB_APP_CLIENT_ID", "GITHUB_APP_ID"], "", "Client ID or App ID"),
    /// The installation.
    InstallationId: source("installation_id", Form::Number, Opt::Value("ID"), &["GITHUB_APP_INSTALLATION_ID"], "discovered", "Installation ID"),
    /// The owner if no path names one.
    Owner: row("owner", Form::Owner, Opt::Value("LOGIN"), &["GITHUB_APP_OWNER"], "", "Owner to use if git sends no path"),
    /// The owners that a profile is for.
    Owners: row("owners", Form::Owner, Opt::No, &[], "", "Owners that the profile is for"),
    /// The key's file.
    PrivateKeyFile: source("private_key_file", Form::Path, Opt::Value("FILE"), &["GITHUB_APP_PRIVATE_KEY_FILE"], "", "The App's private key, a PEM file\nthe PEM itself: GITHUB_APP_PRIVATE_KEY"),
    /// The key's text.
    PrivateKeyText: not_in_file(source(KEY_VARIABLE, Form::KeyText, Opt::No, &[KEY_VARIABLE], "", "The App's private key itself")),
    /// Prints the key.
    PrivateKeyCommand: source("private_key_command", Form::Command, Opt::Value("CMD"), &["GITHUB_APP_PRIVATE_KEY_COMMAND"], "", "Command that prints the private key"),
    /// Signs.
    SignCommand: source("sign_command", Form::Command, Opt::Value("CMD"), &["GITHUB_APP_SIGN_COMMAND"], "", "Command that signs its stdin with RS256"),
    /// The broker.
    BrokerUrl: source("broker_url", Form::Broker, Opt::Value("URL"), &["GITHUB_APP_BROKER_URL"], "from PLATFORM_URL", "Broker that mints for us"),
    /// The bearer's file.
    BrokerTokenFile: source("broker_token_file", Form::Path, Opt::Value("FILE"), &["GITHUB_APP_BROKER_TOKEN_FILE"], "with PLATFORM_URL .auth_token in CONFIGS_DIR", "File with the broker's bearer\nthe bearer itself: GITHUB_APP_BROKER_TOKEN"),
    /// The bearer.
    BrokerToken: not_in_file(source(BEARER_VARIABLE, Form::Bearer, Opt::No, &[BEARER_VARIABLE], "", "The broker's bearer itself")),
    /// Prints the bearer.
    BrokerTokenCommand: source("broker_token_command", Form::Command, Opt::Value("CMD"), &["GITHUB_APP_BROKER_TOKEN_COMMAND"], "", "Command that prints the broker's bearer"),
    /// Whom an id-token is for.
    BrokerAudience: source("broker_audience", Form::Word("audience"), Opt::Value("AUD"), &["GITHUB_APP_BROKER_AUDIENCE"], "", "In GitHub Actions: use an id-token for this audience as bearer"),
    /// Which provider.
    Source: row("source", Form::Choice(&["auto", "broker", "app"]), Opt::Value("SOURCE"), &["GITHUB_APP_SOURCE"], "auto", "Where tokens come from: broker, app or auto"),
    /// Narrow to these.
    Repository: row("repository", Form::Repository, Opt::Repeat("NAME"), &[], "", "Narrow the token to this repository (repeat)"),
    /// Narrow to these.
    Permission: row("permission", Form::Permission, Opt::Repeat("NAME=LEVEL"), &[], "", "Narrow the token to this permission (repeat)"),
    /// Narrow to what git asks for.
    PerRepository: row("per_repository", Form::Flag, Opt::Flag, &["GITHUB_APP_PER_REPOSITORY"], "", "Narrow each token to the repository git asks for"),
    /// When to renew.
    Margin: row("margin", Form::Duration, Opt::Value("DUR"), &["GITHUB_APP_MARGIN"], "4m", "Renew a cached token with less time left"),
    /// How long to try.
    Timeout: row("timeout", Form::Duration, Opt::Value("DUR"), &["GITHUB_APP_TIMEOUT"], "30s", "Time limit for network and locks"),
    /// Where tokens are kept.
    CacheDir: row("cache_dir", Form::Path, Opt::Value("DIR"), &["GITHUB_APP_CACHE_DIR"], "", "Cache directory"),
    /// Not at all.
    NoCache: row("no_cache", Form::Flag, Opt::Switch, &[], "", "Keep nothing on disk"),
    /// After a failed get.
    OnFailure: row("on_failure", Form::Choice(&["quit", "next"]), Opt::Value("ACTION"), &["GITHUB_APP_ON_FAILURE"], "quit", "After a failed get: quit (stop git) or next (let git ask its next helper)"),
    /// Bearers over plain http.
    AllowHttp: row("allow_http", Form::Flag, Opt::Flag, &["GITHUB_APP_ALLOW_HTTP"], "", "Allow plain http to any broker"),
    /// Try new tokens.
    Verify: row("verify", Form::Flag, Opt::Negated, &["GITHUB_APP_VERIFY"], "", "Do not try a new token before handing it out"),
    /// Whom to trust.
    CaFile: row("ca_file", Form::Path, Opt::Value("FILE"), &["GITHUB_APP_CA_FILE"], "", "Trust the CAs in this PEM file instead of the system's"),
    /// Through whom.
    Proxy: row("proxy", Form::Proxy, Opt::Value("URL"), &["GITHUB_APP_PROXY"], "from HTTPS_PROXY and the like", "Proxy for all requests, or none"),
    /// Names the broker in a workspace.
    PlatformUrl: not_in_file(source("PLATFORM_URL", Form::Url, Opt::No, &["PLATFORM_URL"], "", "The platform's URL, in its workspaces")),
    /// Names the workspace.
    WorkspaceId: not_in_file(row("WORKSPACE_ID", Form::Word("workspace ID"), Opt::No, &["WORKSPACE_ID"], "", "The workspace's ID")),
    /// Holds the bearer's file in a workspace.
    ConfigsDir: not_in_file(row("CONFIGS_DIR", Form::Path, Opt::No, &["CONFIGS_DIR"], "/configs", "Where the platform keeps a workspace's bearer")),
    /// Names the tenant.
    OrganisationId: not_in_file(row("MOLECULE_ORG_ID", Form::Word("organisation ID"), Opt::No, &["MOLECULE_ORG_ID"], "", "The tenant on the platform")),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_name_means_one_setting() {
        let rows = || KEYS.iter().map(|key| key.row());
        let keys: Vec<&str> = rows().map(Setting::key).filter(|key| !key.is_empty()).collect();
        let variables: Vec<&str> = rows().flat_map(|row| row.variables).copied().collect();
        let options: Vec<String> = rows().map(Setting::option_name).filter(|name| !name.is_empty()).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        assert_eq!(variables.iter().collect::<BTreeSet<_>>().len(), variables.len());
        assert_eq!(options.iter().collect::<BTreeSet<_>>().len(), options.len());
        assert!(rows().all(|row| !row.name.is_empty() && !row.help.ends_with('.')));
    }

    #[test]
    fn what_is_secret_has_neither_option_nor_file_key() {
        for row in KEYS.iter().map(|key| key.row()).filter(|row| row.form.is_secret()) {
            assert_eq!((row.key(), row.option), ("", Opt::No), "{}", row.name);
        }
    }
}
