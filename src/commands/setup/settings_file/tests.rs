//! Files of every shape, with and without profiles.

use super::*;

fn text(value: &str) -> FileValue {
    FileValue::Text(value.to_owned())
}

fn planned(path: &Path, profile: Option<&str>, given: &[Pair]) -> String {
    plan(path, profile, given).unwrap().map_or_else(|| "unchanged".to_owned(), |plan| plan.text)
}

#[test]
fn keys_go_to_the_top_or_into_a_profile_and_all_else_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let (app, margin) = ([("app_id", text("B"))], [("margin", text("5m"))]);
    for (before, profile, given, after) in [
        ("", Some("work"), &app[..], "[profile.work]\napp_id = \"B\"\n"),
        (
            "# me\nmargin = '4m'\n",
            Some("work"),
            &app,
            "# me\nmargin = '4m'\n\n[profile.work]\napp_id = \"B\"\n",
        ),
        (
            "[profile.a]\napp_id = \"A\" # first\n\n[profile.z]\n",
            Some("work"),
            &app,
            "[profile.a]\napp_id = \"A\" # first\n\n[profile.z]\n\n[profile.work]\napp_id = \"B\"\n",
        ),
        (
            "[profile.work] # w\n# c\napp_id = \"A\" # d\n[profile.z]\nhost = \"h\"\n",
            Some("work"),
            &app,
            "[profile.work] # w\n# c\napp_id = \"B\" # d\n[profile.z]\nhost = \"h\"\n",
        ),
        (
            "profile.work.host = \"h\"\n",
            Some("work"),
            &app,
            "profile.work.host = \"h\"\nprofile.work.app_id = \"B\"\n",
        ),
        ("[profile.work]\napp_id = 'B'\n", Some("work"), &app, "unchanged"),
        ("[profile.\"a b\"]\n", Some("a b"), &app, "[profile.\"a b\"]\napp_id = \"B\"\n"),
        ("[profile.a]\n", None, &margin, "margin = \"5m\"\n[profile.a]\n"),
        ("margin = \"5m\"\n", None, &margin, "unchanged"),
    ] {
        std::fs::write(&path, before).unwrap();
        assert_eq!(planned(&path, profile, given), after, "{before:?}");
    }
    std::fs::write(&path, "profile = 1\n").unwrap();
    assert!(plan(&path, Some("work"), &app).is_err());
}

#[test]
fn a_way_to_the_key_takes_the_place_of_another_until_undo() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let before = "# ours\nsign_command = \"kms\" # c\nmargin = \"4m\"\n";
    std::fs::write(&path, before).unwrap();
    let plan = plan(&path, None, &[("private_key_file", text("/k"))]).unwrap().unwrap();
    assert_eq!(plan.text, "margin = \"4m\"\nprivate_key_file = \"/k\"\n");
    let mut changes = Vec::new();
    apply(&path, plan, 0o600, &mut changes).unwrap();
    std::fs::write(&path, "margin = \"4m\"\nprivate_key_file = \"/k\"\nowner = \"me\"\n").unwrap();
    let Some(Change::Settings(rewritten)) = changes.pop() else { panic!("one change") };
    let words = undo(&rewritten).unwrap();
    assert_eq!(words, format!("undid in {}: private_key_file, sign_command", path.display()));
    let now = std::fs::read_to_string(&path).unwrap();
    assert_eq!(now, "margin = \"4m\"\nowner = \"me\"\n# ours\nsign_command = \"kms\" # c\n");
}

#[test]
fn profiles_are_undone_in_any_order_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let mine = "# mine\nmargin = \"4m\"\n";
    for before in [None, Some(mine)] {
        for order in [["a", "b"], ["b", "a"]] {
            let mut changes = Vec::new();
            let _ = std::fs::remove_file(&path);
            if let Some(text) = before {
                std::fs::write(&path, text).unwrap();
            }
            for name in ["a", "b"] {
                let given = [("host", text("github.com")), ("app_id", text(name))];
                let plan = plan(&path, Some(name), &given).unwrap().unwrap();
                apply(&path, plan, 0o600, &mut changes).unwrap();
            }
            for name in order {
                let of_name = |change: &&Change| matches!(change, Change::Settings(rewritten) if rewritten.profile.as_deref() == Some(name));
                let Some(Change::Settings(rewritten)) = changes.iter().find(of_name) else { panic!() };
                undo(rewritten).unwrap();
                let left = files::read(&path).unwrap().unwrap_or_default();
                assert!(!left.contains(&format!("[profile.{name}]")), "{left}");
            }
            assert_eq!(files::read(&path).unwrap().as_deref(), before, "{order:?}");
        }
    }
}
