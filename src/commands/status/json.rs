//! `status --json`: stable names for scripts. If there is only one profile, its properties are also at the top; all
//! profiles are in the list `profiles`.

use serde_json::{Value, json};

use crate::commands::status::{OfProfile, Status, in_words};
use crate::platform::clock::{self, rfc3339};
use crate::programs::git::helper::Helper;
use crate::settings::Listed;
use crate::tokens::cache::listing::CachedToken;

impl Status {
    pub(super) fn to_json(&self) -> Value {
        let profiles: Vec<Value> = self.profiles.iter().map(profile).collect();
        let mut all = match profiles.as_slice() {
            [only] => only.clone(),
            _ => json!({}),
        };
        all["version"] = env!("CARGO_PKG_VERSION").into();
        all["settings_file"] = self.settings_file.clone().into();
        all["profiles"] = profiles.into();
        let dir = self.cache_dirs.first().map(|dir| dir.display().to_string());
        all["cache"] = json!({ "directory": dir, "problem": self.tokens.as_ref().err() });
        all["tokens"] = self.tokens.iter().flatten().map(token).collect::<Vec<_>>().into();
        all["gh"] = json!({ "directory": self.gh.0, "shadowed_by": self.gh.1 });
        all
    }
}

fn profile(OfProfile { name, settings, source, key, bearer, git }: &OfProfile) -> Value {
    json!({
        "profile": name,
        "settings": settings.iter().map(setting).collect::<Vec<_>>(),
        "source": source.as_ref().ok(),
        "problem": source.as_ref().err().map(in_words),
        "private_key": key.as_ref().map(|key| json!({
            "from": key.from,
            "fingerprint": key.fingerprint.as_ref().ok(),
            "problem": key.fingerprint.as_ref().err(),
        })),
        "bearer": bearer.as_ref().map(|bearer| json!({
            "from": bearer.from,
            "problem": bearer.place.as_ref().err(),
        })),
        "git": {
            "helpers": git.iter().flat_map(|wiring| &wiring.helpers).map(helper).collect::<Vec<_>>(),
            "use_http_path": git.as_ref().ok().map(|wiring| wiring.use_http_path),
            "problem": git.as_ref().err(),
        },
    })
}

fn helper(helper: &Helper) -> Value {
    json!({ "name": helper.name(), "origin": helper.origin, "ours": helper.is_ours() })
}

fn setting(setting: &Listed) -> Value {
    let mut shown = json!({ "name": setting.name, "value": setting.value, "origin": setting.origin() });
    if let Some(problem) = &setting.problem {
        shown["problem"] = problem.message.clone().into();
    }
    shown
}

fn token(cached: &CachedToken) -> Value {
    let (scope, facts) = (&cached.label.scope, &cached.token.facts);
    json!({
        "host": cached.label.host_url,
        "api_url": cached.label.api_url,
        "owner": scope.owner,
        "account": facts.account,
        "installation_id": facts.installation_id,
        "source": facts.source,
        "repositories": scope.repositories,
        "permissions": scope.permissions,
        "expires_at": facts.expiry.map(rfc3339),
        "seconds_left": facts.left(clock::now()),
    })
}
