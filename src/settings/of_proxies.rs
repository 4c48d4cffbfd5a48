//! Which proxy to use: the one of our setting, else the one of the scheme's variable, else that of `ALL_PROXY`. A
//! lower-case variable takes precedence over the upper-case one.

use crate::settings::environment::variable;
use crate::settings::sources::Found;
use crate::tokens::error::Failure;
use crate::tokens::http::proxies::{NO_PROXY, Proxies, Proxy, VARIABLES, is_none};
use crate::tokens::origin::Origin;

fn proxy(found: &Found) -> Proxy {
    Proxy::new(found.origin.clone(), found.text().to_owned())
}

/// The proxy of our own setting for every scheme, else those of the variables.
pub(super) fn read(setting: Option<&Found>) -> Result<Proxies, Failure> {
    if setting.is_some_and(|found| is_none(found.text())) {
        return Ok(Proxies::none_by_setting());
    }
    let setting = setting.map(proxy);
    setting.as_ref().map(Proxy::parse).transpose()?;
    let [of_https, of_all, of_http] = VARIABLES;
    let all = first(of_all)?;
    let of_scheme = |names| match &setting {
        Some(proxy) => Ok(Some(proxy.clone())),
        None => Ok::<_, Failure>(
            first(names)?.or_else(|| all.clone()).map(|(origin, url)| Proxy::new(origin, url)),
        ),
    };
    let (https, http) = (of_scheme(of_https)?, of_scheme(of_http)?);
    let no_proxy = first(NO_PROXY)?.map(|(_, list)| list).unwrap_or_default();
    Ok(Proxies::new(https, http, &no_proxy, setting.is_some()))
}

fn first(names: [&'static str; 2]) -> Result<Option<(Origin, String)>, Failure> {
    for name in names {
        if let Some(text) = variable(name)? {
            return Ok(Some((Origin::Environment(name), text)));
        }
    }
    Ok(None)
}
