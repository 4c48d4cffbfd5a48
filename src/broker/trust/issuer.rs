//! An issuer of the trust file: whose tokens are accepted, and where its keys come from. Pure.

use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::Algorithm;

/// An `[issuer.NAME]` table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer {
    /// Its name in rules and logs.
    pub name: String,
    /// The exact value of `iss`.
    pub url: String,
    /// What `aud` must be or contain.
    pub audience: String,
    /// The accepted algorithms.
    pub algorithms: Vec<Algorithm>,
    /// The longest time that a token is accepted since its `iat`.
    pub max_age: Option<Duration>,
    /// Where its keys are.
    pub keys: KeysFrom,
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeysFrom {
    /// Discovery over the network (<https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig>).
    Discovery {
        /// The issuer's URL.
        url: String,
        /// CAs instead of the settings' or the system's.
        ca_file: Option<PathBuf>,
        /// A file with a bearer, for an issuer that guards its keys.
        token_file: Option<PathBuf>,
    },
    /// A file with a JWK Set.
    File(PathBuf),
}

/// The known algorithms; the first two are the default. None is symmetric: with those, an issuer's public key would be
/// enough to make tokens.
pub const ALGORITHMS: [(&str, Algorithm); 5] = [
    ("RS256", Algorithm::RS256),
    ("ES256", Algorithm::ES256),
    ("PS256", Algorithm::PS256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// Where nothing else is said.
pub const DEFAULT_ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];
