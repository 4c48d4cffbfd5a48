//! Chooses the profile for a request from git or for a command.

use crate::settings::lookup::Sources;
use crate::settings::profile::Profile;
use crate::settings::profiles::{Choice, choose};
use crate::settings::schema::Key;
use crate::settings::values;
use crate::tokens::error::{Failure, Kind};
use crate::tokens::host::Host;

/// The profile that a request from git is for.
pub enum Fit<'a> {
    /// This one.
    Ours(Profile<'a>),
    /// None: the request is not ours.
    NotOurs,
    /// Several match, or the one cannot be read: a failure to report to the client.
    Failed(Failure),
    /// Unknown: the settings cannot be read.
    Unknown(Failure),
}

impl<'a> Sources<'a> {
    /// The host given by options or environment.
    fn wanted_host(&self) -> Result<Option<Host>, Failure> {
        let found = match self.given.get(Key::Host)? {
            Some(found) => Some(found),
            // A profile named on the command line overrides the host in the environment.
            None if self.given.has(Key::Profile) => None,
            None => self.environment.get(Key::Host)?,
        };
        found.map(|found| values::host(&found)).transpose()
    }

    /// The owner given by options or environment.
    fn wanted_owner(&self) -> Result<Option<String>, Failure> {
        let found = self.outside(Key::Owner)?;
        found.map(|found| values::owner(&found)).transpose()
    }

    /// The profile for a request from git.
    pub fn for_request(&'a self, is_asked: impl Fn(&Host) -> bool, owner: Option<&str>) -> Fit<'a> {
        match self.try_request(&is_asked, owner) {
            Ok(fit) => fit,
            // Options and environment are known even then.
            Err(failure) => match self.wanted_host() {
                Ok(Some(host)) if is_asked(&host) => Fit::Failed(failure),
                Ok(Some(_)) => Fit::NotOurs,
                _ => Fit::Unknown(failure),
            },
        }
    }

    fn try_request(
        &'a self,
        is_asked: &dyn Fn(&Host) -> bool,
        owner: Option<&str>,
    ) -> Result<Fit<'a>, Failure> {
        let profiles = self.profiles()?;
        let wanted = self.wanted_host()?;
        let fits = |host: &Host| is_asked(host) && wanted.as_ref().is_none_or(|wanted| wanted == host);
        let given = if owner.is_none() { self.wanted_owner()? } else { None };
        Ok(match pick(&profiles, fits, owner.or(given.as_deref()))? {
            Picked::One(profile) => Fit::Ours(profile),
            Picked::None => Fit::NotOurs,
            Picked::Several(failure) => Fit::Failed(failure),
        })
    }

    /// One profile for each host, for programs with one login per host: the only one, or the one that lists no owners.
    pub fn for_each_host(&'a self) -> Result<Vec<Profile<'a>>, Failure> {
        let profiles = self.profiles()?;
        let owner = self.wanted_owner()?;
        let mut hosts: Vec<Host> = Vec::new();
        let mut found = Vec::new();
        for profile in &profiles {
            let host = profile.host()?;
            if hosts.contains(&host) {
                continue;
            }
            match pick(&profiles, |known| *known == host, owner.as_deref())? {
                Picked::One(profile) => found.push(profile),
                Picked::None => {}
                Picked::Several(failure) => return Err(failure),
            }
            hosts.push(host);
        }
        Ok(found)
    }

    /// The profile chosen by options and environment or, if several match, by the clone in the current directory. `clone`
    /// returns the owner of its repository if that is at this host; it is called only if needed.
    pub fn chosen(&'a self, clone: impl Fn(&Host) -> Option<String>) -> Result<Profile<'a>, Failure> {
        let profiles = self.profiles()?;
        let named = self.given.has(Key::Profile) || profiles.len() == 1;
        let wanted = self.wanted_host()?;
        let fits = |host: &Host| wanted.as_ref().is_none_or(|wanted| wanted == host);
        if named && let [only] = profiles.as_slice() {
            let host = only.host()?;
            if only.name.is_some() && !fits(&host) {
                return Err(no_profile(&profiles, wanted.as_ref()));
            }
            return Ok(only.clone());
        }
        let owner = self.wanted_owner()?;
        let decided = match pick(&profiles, fits, owner.as_deref())? {
            Picked::One(profile) if owner.is_some() => return Ok(profile),
            Picked::One(profile) if wanted.is_some() || of_one_host(&profiles)? => Ok(profile),
            Picked::One(_) => {
                Err(several(&profiles.iter().map(|profile| profile.name).collect::<Vec<_>>(), None))
            }
            Picked::None => return Err(no_profile(&profiles, wanted.as_ref())),
            Picked::Several(failure) => Err(failure),
        };
        for profile in &profiles {
            let here = profile.host()?;
            let Some(of_clone) = clone(&here).filter(|_| fits(&here)) else { continue };
            let owner = owner.as_deref().unwrap_or(&of_clone);
            return match pick(&profiles, |host| *host == here, Some(owner))? {
                Picked::One(profile) => Ok(profile),
                Picked::None | Picked::Several(_) => decided,
            };
        }
        decided
    }
}

fn of_one_host(profiles: &[Profile]) -> Result<bool, Failure> {
    let hosts = profiles.iter().map(Profile::host).collect::<Result<Vec<_>, _>>()?;
    Ok(hosts.windows(2).all(|pair| pair[0] == pair[1]))
}

enum Picked<'a> {
    One(Profile<'a>),
    None,
    Several(Failure),
}

fn pick<'a>(
    profiles: &[Profile<'a>],
    host: impl Fn(&Host) -> bool,
    owner: Option<&str>,
) -> Result<Picked<'a>, Failure> {
    let candidates = profiles.iter().map(Profile::candidate).collect::<Result<Vec<_>, _>>()?;
    Ok(match choose(&candidates, host, owner) {
        Choice::None => Picked::None,
        Choice::One(index) => Picked::One(profiles[index].clone()),
        Choice::Several(fitting) => {
            let names: Vec<Option<&str>> = fitting.iter().map(|&index| candidates[index].name).collect();
            Picked::Several(several(&names, owner))
        }
    })
}

fn several(names: &[Option<&str>], owner: Option<&str>) -> Failure {
    let names: Vec<&str> = names.iter().map(|name| name.unwrap_or("(without a name)")).collect();
    let subject = owner.map_or_else(String::new, |owner| format!(" for {owner}"));
    Failure::new(Kind::Settings, format!("several profiles fit{subject}: {}", names.join(", "))).hint(
        "choose one with --profile, --host or --owner, or give each profile its owners in the settings file",
    )
}

fn no_profile(profiles: &[Profile], wanted: Option<&Host>) -> Failure {
    let hosts: Vec<String> = profiles.iter().filter_map(|p| Some(p.host().ok()?.name)).collect();
    let subject = wanted.map_or_else(|| "these".to_owned(), |host| host.name.clone());
    Failure::new(Kind::Settings, format!("no profile of the settings file is for {subject}"))
        .hint(format!("its profiles are for: {}", hosts.join(", ")))
}
