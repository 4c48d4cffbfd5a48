//! Shared issuers: GitHub Actions, GitLab.com and Buildkite sign for all their customers alike, so a rule must say
//! whose token it means. Names can be given away and taken by somebody else; IDs cannot. Pure.

use crate::broker::trust::pattern::ClaimPattern;
use crate::broker::trust::rule::Condition;

/// Whether a rule of a shared issuer says whose tokens it means.
#[derive(Debug, PartialEq, Eq)]
pub enum Meant {
    /// It is clear.
    Clear,
    /// Anybody's token would match, as none of these claims is checked.
    Anybody(&'static [&'static str]),
    /// A name decides, which may come to belong to somebody else; this ID cannot.
    ByName(&'static str),
}

struct SharedIssuer {
    is: fn(&str) -> bool,
    /// Whether the issuer signs for the whole world, not for one enterprise.
    is_worldwide: bool,
    /// Claims that identify a tenant permanently.
    ids: &'static [&'static str],
    /// Claims that identify a tenant at present.
    names: &'static [&'static str],
}

/// GitHub Actions on github.com; an enterprise's own issuer is below it.
const ACTIONS: &str = "https://token.actions.githubusercontent.com";

const OF_ACTIONS: SharedIssuer = SharedIssuer {
    is: |url| url == ACTIONS,
    is_worldwide: true,
    ids: &["repository_id", "repository_owner_id", "enterprise_id"],
    names: &["repository", "repository_owner", "sub", "job_workflow_ref", "workflow_ref", "enterprise"],
};

const SHARED: [SharedIssuer; 4] = [
    OF_ACTIONS,
    SharedIssuer { is: is_of_one_enterprise, is_worldwide: false, ..OF_ACTIONS },
    SharedIssuer {
        is: |url| url == "https://gitlab.com",
        is_worldwide: true,
        ids: &["project_id", "namespace_id"],
        names: &["project_path", "namespace_path", "sub", "ci_config_ref_uri"],
    },
    SharedIssuer {
        is: |url| url == "https://agent.buildkite.com",
        is_worldwide: true,
        ids: &["organization_id", "pipeline_id"],
        names: &["organization_slug", "sub"],
    },
];

/// Actions of an enterprise on github.com, or of a GitHub Enterprise Server.
fn is_of_one_enterprise(url: &str) -> bool {
    let below = url.strip_prefix(ACTIONS).is_some_and(|rest| rest.starts_with('/'));
    below || url.ends_with("/_services/token")
}

/// Whose tokens a rule with these conditions means. A pattern with a star in the owner's name identifies nobody: others
/// can register a matching name.
pub fn whose(url: &str, conditions: &[Condition]) -> Meant {
    let Some(shared) = SHARED.iter().find(|shared| (shared.is)(url)) else { return Meant::Clear };
    let names_one = |names: &[&str]| {
        let mut of = conditions.iter().filter(|condition| names.contains(&&*condition.claim.to_string()));
        of.any(|condition| !condition.values.iter().any(is_open))
    };
    if names_one(shared.ids) {
        Meant::Clear
    } else if names_one(shared.names) {
        Meant::ByName(shared.ids[0])
    } else if shared.is_worldwide {
        Meant::Anybody(shared.ids)
    } else {
        Meant::Clear
    }
}

fn is_open(value: &ClaimPattern) -> bool {
    let owner = |text: &str| text.split('/').next().unwrap_or_default().contains('*');
    matches!(value, ClaimPattern::Stars(text) if owner(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::trust::claims::ClaimPath;

    fn condition((claim, value): &(&str, &str)) -> Condition {
        let claim = ClaimPath::parse(claim).unwrap();
        Condition { claim, values: vec![ClaimPattern::of_text(value).unwrap()] }
    }

    #[test]
    fn a_rule_of_a_shared_issuer_has_to_say_whose_tokens_it_means() {
        let main = ("ref", "refs/heads/main");
        let anybody = |shared: &SharedIssuer| Meant::Anybody(shared.ids);
        let by_name = || Meant::ByName("repository_id");
        for (url, conditions, expected) in [
            ("https://ci.example", &[main][..], Meant::Clear),
            (ACTIONS, &[("repository_id", "12"), main], Meant::Clear),
            (ACTIONS, &[("repository_id", "1*"), main], anybody(&SHARED[0])),
            (ACTIONS, &[("repository", "acme/web"), main], by_name()),
            (ACTIONS, &[("repository", "acme/*"), main], by_name()),
            (ACTIONS, &[("repository", "*/web"), main], anybody(&SHARED[0])),
            (ACTIONS, &[("repository_owner", "acme-*")], anybody(&SHARED[0])),
            (ACTIONS, &[("sub", "repo:acme/web:ref:*")], by_name()),
            (ACTIONS, &[("sub", "repo:acme*/web:ref:x")], anybody(&SHARED[0])),
            (ACTIONS, &[main], anybody(&SHARED[0])),
            ("https://token.actions.githubusercontent.com/acme", &[main], Meant::Clear),
            ("https://ghe.example/_services/token", &[main], Meant::Clear),
            ("https://ghe.example/_services/token", &[("sub", "repo:a/b:ref:x")], by_name()),
            ("https://token.actions.githubusercontent.com.evil", &[main], Meant::Clear),
            ("https://gitlab.com", &[("project_path", "a/b")], Meant::ByName("project_id")),
            ("https://gitlab.example", &[main], Meant::Clear),
            ("https://agent.buildkite.com", &[("pipeline_slug", "x")], anybody(&SHARED[3])),
            ("https://agent.buildkite.com", &[("organization_id", "x")], Meant::Clear),
        ] {
            let conditions: Vec<Condition> = conditions.iter().map(condition).collect();
            assert_eq!(whose(url, &conditions), expected, "{url} {conditions:?}");
        }
    }
}
