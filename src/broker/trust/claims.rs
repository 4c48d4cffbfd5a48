//! Claims by name, and texts made from them. Pure.

use serde_json::{Map, Value};

/// All claims of a token.
pub type Claims = Map<String, Value>;

/// The longest text made from claims, in bytes.
const LONGEST: usize = 1024;

/// The name of a claim; `/` descends into objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(Vec<String>);

impl ClaimPath {
    /// Parses a name; `None`: a part of it is empty.
    pub fn parse(name: &str) -> Option<Self> {
        let parts: Vec<String> = name.split('/').map(str::to_owned).collect();
        parts.iter().all(|part| !part.is_empty()).then_some(Self(parts))
    }

    /// The value of the claim. Dots belong to the name: `kubernetes.io` is one claim.
    pub fn find<'a>(&self, claims: &'a Claims) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(claims.get(first)?, |value, part| value.as_object()?.get(part))
    }
}

impl std::fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// A text with `${claim}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<TemplatePart>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum TemplatePart {
    Text(String),
    Claim(ClaimPath),
}

impl Template {
    /// Parses a text.
    ///
    /// # Errors
    /// A `${` is not closed, or names no claim.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or("a ${ without its }")?;
            let path = ClaimPath::parse(name).ok_or("a ${} that names no claim")?;
            parts.extend((!before.is_empty()).then(|| TemplatePart::Text(before.to_owned())));
            parts.push(TemplatePart::Claim(path));
            rest = after;
        }
        parts.extend((!rest.is_empty()).then(|| TemplatePart::Text(rest.to_owned())));
        Ok(Self(parts))
    }

    /// The text, if it contains no claims.
    pub fn fixed(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [TemplatePart::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with the claims filled in: strings and whole numbers. `None`: one is missing or of another type, or the
    /// text is too long.
    pub fn fill(&self, claims: &Claims) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                TemplatePart::Text(fixed) => text.push_str(fixed),
                TemplatePart::Claim(path) => match path.find(claims)? {
                    Value::String(value) => text.push_str(value),
                    Value::Number(value) if value.is_i64() || value.is_u64() => {
                        text.push_str(&value.to_string());
                    }
                    _ => return None,
                },
            }
        }
        (text.len() <= LONGEST).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims() -> Claims {
        let claims = json!({
            "sub": "s", "id": 7, "half": 0.5, "flag": true, "list": ["a"], "long": "x".repeat(LONGEST),
            "kubernetes.io": { "namespace": "agents", "pod": { "name": "web-1" } },
        });
        claims.as_object().unwrap().clone()
    }

    #[test]
    fn a_slash_goes_down_into_objects() {
        let find = |name| ClaimPath::parse(name).unwrap().find(&claims()).cloned();
        assert_eq!(find("kubernetes.io/pod/name"), Some(json!("web-1")));
        assert_eq!(find("kubernetes.io/pod"), Some(json!({ "name": "web-1" })));
        for name in ["kubernetes.io/pod/name/x", "kubernetes", "sub/x", "list/0", "pod"] {
            assert_eq!(find(name), None, "{name}");
        }
        for name in ["", "/", "a//b", "/a", "a/"] {
            assert_eq!(ClaimPath::parse(name), None, "{name}");
        }
    }

    #[test]
    fn templates_are_filled_with_strings_and_whole_numbers() {
        for (text, filled) in [
            ("plain", Some("plain")),
            ("", Some("")),
            ("agents/${kubernetes.io/namespace}-${id}", Some("agents/agents-7")),
            ("${sub}${sub}", Some("ss")),
            ("$sub {x}", Some("$sub {x}")),
            ("${half}", None),
            ("${flag}", None),
            ("${list}", None),
            ("${kubernetes.io/pod}", None),
            ("${missing}", None),
            ("x${long}", None),
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.fill(&claims()).as_deref(), filled, "{text}");
            assert_eq!(template.fixed().is_some(), !text.contains("${"), "{text}");
        }
        for wrong in ["${", "a${b", "${}", "${a/}"] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
        // The value of a claim is not expanded again.
        let claims = json!({ "a": "${b}", "b": "secret" }).as_object().unwrap().clone();
        assert_eq!(Template::parse("${a}").unwrap().fill(&claims).as_deref(), Some("${b}"));
    }
}
