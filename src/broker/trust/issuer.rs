//! An issuer of the trust file: whose tokens are believed, and how its keys are had. Pure.

use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::Algorithm;

/// An `[issuer.NAME]` table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer {
    /// As rules and logs call it.
    pub name: String,
    /// What `iss` has to be, to the letter.
    pub url: String,
    /// What `aud` has to be or contain.
    pub audience: String,
    /// What its tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// The longest that a token is believed since its `iat`.
    pub max_age: Option<Duration>,
    /// Where its keys are.
    pub keys: KeysFrom,
}

/// Where an issuer's keys are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeysFrom {
    /// Discovery over the network (<https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig>).
    Discovery {
        /// The issuer's URL.
        url: String,
        /// CAs in place of the settings' or the system's.
        ca_file: Option<PathBuf>,
        /// Holds a bearer for an issuer that guards its keys.
        token_file: Option<PathBuf>,
    },
    /// A file with a JWK Set.
    File(PathBuf),
}

/// The algorithms there are; the first two are the default. None of them is symmetric: an issuer's public key would then be
/// all that it takes to make tokens.
pub const ALGORITHMS: [(&str, Algorithm); 5] = [
    ("RS256", Algorithm::RS256),
    ("ES256", Algorithm::ES256),
    ("PS256", Algorithm::PS256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// Where nothing else is said.
pub const DEFAULT_ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];
