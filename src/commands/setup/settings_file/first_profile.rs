//! Adds the first profile to a file. In a file without profiles, the keys at the top are its one profile. With the
//! first `[profile.NAME]` they become mere defaults, which would switch off what they configured. So the keys that make
//! a profile move into one. Pure.

use toml_edit::DocumentMut;

use crate::commands::setup::settings_file::{table, table_mut};
use crate::settings::belongs_to_one_profile;

/// The name of the profile that gets the keys from the top.
pub const NAME: &str = "default";
/// The same if the new profile takes that name.
const OTHER_NAME: &str = "first";

/// Moves the keys of the only profile into a table, if this name is about to be the first. Returns the table's name.
pub fn move_keys(document: &mut DocumentMut, new: &str) -> Option<&'static str> {
    let keys: Vec<String> =
        document.iter().map(|(key, _)| key.to_owned()).filter(|key| belongs_to_one_profile(key)).collect();
    if document.contains_key("profile") || keys.is_empty() {
        return None;
    }
    let name = if new == NAME { OTHER_NAME } else { NAME };
    for key in keys {
        let (formatted, item) = document.remove_entry(&key)?;
        table_mut(document, Some(name))?.entry_format(&formatted).or_insert(item);
    }
    Some(name)
}

/// Where a key that was written at the top is now.
pub fn moved_to(document: &DocumentMut, key: &str) -> Option<&'static str> {
    if document.contains_key(key) {
        return None;
    }
    [NAME, OTHER_NAME]
        .into_iter()
        .find(|name| table(document, Some(name)).is_some_and(|table| table.contains_key(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_a_profile_moves_and_defaults_for_all_stay() {
        for (before, new, after) in [
            (
                "# mine\nmargin = \"5m\"\n# the App\napp_id = \"1\" # one\nprivate_key_file = \"/k\"\n",
                "work",
                "# mine\nmargin = \"5m\"\n\n[profile.default]\n# the App\napp_id = \"1\" # one\nprivate_key_file = \"/k\"\n",
            ),
            ("app_id = \"1\"\n", "default", "[profile.first]\napp_id = \"1\"\n"),
            ("margin = \"5m\"\n", "work", "margin = \"5m\"\n"),
            ("app_id = \"1\"\n[profile.a]\n", "work", "app_id = \"1\"\n[profile.a]\n"),
        ] {
            let mut document: DocumentMut = before.parse().unwrap();
            move_keys(&mut document, new);
            assert_eq!(document.to_string(), after, "{before}");
        }
    }
}
