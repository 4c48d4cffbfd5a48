//! Chooses a profile by host and owner; a profile that lists the owner comes before one that lists none. Pure.

use crate::tokens::host::Host;

/// What distinguishes profiles.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    /// Its name in the settings file; `None`: the only one, without a name.
    pub name: Option<&'a str>,
    /// The git host that it is for.
    pub host: Host,
    /// The owners that it is for; empty: all that no other profile of its host lists.
    pub owners: Vec<String>,
    /// Profiles in the user's file come before those in the machine's.
    pub is_system: bool,
}

/// The profiles that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The index of the only one.
    One(usize),
    /// None: the request is not ours.
    None,
    /// The indices of those that match equally well.
    Several(Vec<usize>),
}

/// The profile for a host and an owner, each if known.
pub fn choose(candidates: &[Candidate], host: impl Fn(&Host) -> bool, owner: Option<&str>) -> Choice {
    for is_system in [false, true] {
        let of_host: Vec<usize> = (0..candidates.len())
            .filter(|&index| candidates[index].is_system == is_system && host(&candidates[index].host))
            .collect();
        match among(candidates, of_host, owner) {
            Choice::None => {}
            choice => return choice,
        }
    }
    Choice::None
}

fn among(candidates: &[Candidate], of_host: Vec<usize>, owner: Option<&str>) -> Choice {
    let lists = |index: &usize| {
        let owners = &candidates[*index].owners;
        owner.is_some_and(|owner| owners.iter().any(|listed| listed.eq_ignore_ascii_case(owner)))
    };
    let for_all = |index: &usize| candidates[*index].owners.is_empty();
    let pick = |test: &dyn Fn(&usize) -> bool| of_host.iter().copied().filter(|index| test(index)).collect();
    let mut fitting: Vec<usize> = pick(&lists);
    if fitting.is_empty() {
        fitting = pick(&for_all);
    }
    if fitting.is_empty() && owner.is_none() {
        fitting = of_host;
    }
    match fitting[..] {
        [] => Choice::None,
        [one] => Choice::One(one),
        _ => Choice::Several(fitting),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(host: &str, owners: &[&str], is_system: bool) -> Candidate<'static> {
        let owners = owners.iter().map(|owner| (*owner).to_owned()).collect();
        Candidate { name: Some("x"), host: Host::parse(host).unwrap(), owners, is_system }
    }

    #[test]
    fn a_listed_owner_comes_before_an_unlisted_one() {
        let all = [
            candidate("github.com", &["acme", "Beta"], false),
            candidate("github.com", &[], false),
            candidate("ghe.example.com", &["acme"], false),
            candidate("old.example.com", &["a"], false),
            candidate("old.example.com", &["A", "b"], false),
        ];
        for (host, owner, choice) in [
            ("github.com", Some("ACME"), Choice::One(0)),
            ("github.com", Some("beta"), Choice::One(0)),
            ("github.com", Some("gamma"), Choice::One(1)),
            ("github.com", None, Choice::One(1)),
            ("ghe.example.com", Some("acme"), Choice::One(2)),
            ("ghe.example.com", None, Choice::One(2)),
            ("ghe.example.com", Some("other"), Choice::None),
            ("gitlab.com", Some("acme"), Choice::None),
            ("old.example.com", Some("a"), Choice::Several(vec![3, 4])),
            ("old.example.com", Some("b"), Choice::One(4)),
            ("old.example.com", None, Choice::Several(vec![3, 4])),
        ] {
            assert_eq!(choose(&all, |known| known.name == host, owner), choice, "{host} {owner:?}");
        }
    }

    #[test]
    fn the_users_own_file_comes_before_the_machines() {
        let all = [candidate("github.com", &[], true), candidate("github.com", &["acme"], false)];
        for (owner, choice) in [(Some("acme"), 1), (Some("other"), 0), (None, 1)] {
            assert_eq!(choose(&all, |_| true, owner), Choice::One(choice), "{owner:?}");
        }
    }
}
