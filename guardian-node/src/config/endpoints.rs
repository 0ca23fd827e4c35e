//! Providers and their urls, which are compared as nodes: one that is listed twice, however it is spelled, would be its own majority.

use crate::hint::{Hinted, WithHint};
use guardian_chain::{Endpoint, Role};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
};
use url::{Host, Url};

/// One endpoint.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Its name in logs, metrics and alarms.
    pub name: String,
    /// Its address. Credentials in it are never logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// A file that holds the address instead: for one with credentials. It is read when the address is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    /// A file with headers for each request, `NAME: VALUE` on a line. It is read when they are needed, and no value is ever shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers_file: Option<PathBuf>,
    /// When it is asked. Written only where it was said: an earlier release has no roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ProviderRole>,
}

/// [`Role`] in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderRole {
    /// Always asked, and for whole states before all others.
    Heavy,
    /// Always asked.
    #[default]
    Own,
    /// Asked when the others do not suffice.
    Fallback,
}

impl From<ProviderRole> for Role {
    fn from(role: ProviderRole) -> Self {
        match role {
            ProviderRole::Heavy => Self::Heavy,
            ProviderRole::Own => Self::Own,
            ProviderRole::Fallback => Self::Fallback,
        }
    }
}

impl ProviderConfig {
    /// The provider `name` at `url`.
    #[must_use]
    pub const fn new(name: String, url: Url) -> Self {
        Self { name, url: Some(url), url_file: None, headers_file: None, role: None }
    }

    /// The files that hold what is secret of it.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.url_file.iter().chain(&self.headers_file)
    }

    /// How it is asked.
    ///
    /// # Errors
    /// As of [`Self::address`], and if its file has no headers. What the file holds is not repeated.
    fn endpoint(&self) -> Result<Endpoint, Hinted> {
        let mut endpoint = Endpoint::new(self.name.clone(), self.address()?.into_owned());
        endpoint.role = self.role.unwrap_or_default().into();
        let Some(path) = &self.headers_file else { return Ok(endpoint) };
        let what = format!("can't read the headers for provider {} from {}", self.name, path.display());
        let form = "headers_file names a file that the node's user can read, with NAME: VALUE on each line";
        let text = fs::read_to_string(path).hint(&what, form)?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        if lines.peek().is_none() {
            return Err(Hinted::new(format!("{what}: it is empty"), form));
        }
        lines.try_fold(endpoint, |endpoint, line| {
            let (name, value) = line.split_once(':').unwrap_or_default();
            endpoint.with_header(name.trim(), value.trim()).hint(&what, form)
        })
    }

    /// Where it is.
    ///
    /// # Errors
    /// If that is not said, or said twice, or its file does not hold an address. What the file holds is not repeated.
    pub fn address(&self) -> Result<Cow<'_, Url>, Hinted> {
        let name = &self.name;
        match (&self.url, &self.url_file) {
            (Some(url), None) => Ok(Cow::Borrowed(url)),
            (None, Some(path)) => address_in(path, &format!("provider {name}"), "url_file").map(Cow::Owned),
            (None, None) | (Some(_), Some(_)) => Err(Hinted::new(
                format!("provider {name} has neither or both of url and url_file"),
                "give each provider one of the two",
            )),
        }
    }
}

/// The address in the file at `path`, which `key` names as that of `whose`.
///
/// # Errors
/// If it holds none. What it holds is not repeated.
pub(super) fn address_in(path: &Path, whose: &str, key: &str) -> Result<Url, Hinted> {
    let what = format!("can't read the address of {whose} from {}", path.display());
    let text = fs::read_to_string(path)
        .hint(&what, format!("{key} names a file that the node's user can read, with the address and nothing else"))?;
    text.trim().parse().hint(&what, "it must hold an address like https://host.example/key")
}

impl FromStr for ProviderConfig {
    type Err = String;

    /// From `NAME=URL`, or a url alone, whose host is the name then.
    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split_once('=').filter(|(name, _)| !name.contains(':'));
        let (name, url) = named.map_or((None, text), |(name, url)| (Some(name.to_owned()), url));
        let url: Option<Url> = url.parse().ok().filter(|url: &Url| matches!(url.scheme(), "http" | "https"));
        // What was written may hold a credential: it is not repeated.
        let form = "a node is written as http://HOST:PORT or NAME=http://HOST:PORT";
        let (Some(url), Some(host)) = (url.clone(), url.as_ref().and_then(Url::host_str)) else {
            return Err(form.into());
        };
        Ok(Self::new(name.unwrap_or_else(|| host.to_owned()), url))
    }
}

/// Where `providers` are, as adapters take it.
///
/// # Errors
/// If an address can't be had, or two are of one node.
pub(crate) fn endpoints(layer: &str, providers: &[ProviderConfig]) -> Result<Vec<Endpoint>, Hinted> {
    let endpoints = providers.iter().map(ProviderConfig::endpoint).collect::<Result<Vec<_>, _>>()?;
    once_each(layer, endpoints.iter().map(|endpoint| (endpoint.name.as_str(), &endpoint.url)))?;
    Ok(endpoints)
}

/// No two of `named` are one node.
pub(super) fn once_each<'a>(layer: &str, named: impl Iterator<Item = (&'a str, &'a Url)>) -> Result<(), Hinted> {
    let mut known: Vec<(&str, &Url)> = Vec::new();
    for (name, url) in named {
        if let Some((first, _)) = known.iter().find(|(_, other)| node(other) == node(url)) {
            return Err(Hinted::new(
                format!("[{layer}] the providers `{first}` and `{name}` have the same url"),
                "one node that counts twice would be its own majority: list each once; three independent ones let one of them fail",
            ));
        }
        known.push((name, url));
    }
    Ok(())
}

/// Host, port, path and query of the node behind `url`. Scheme and credentials make no other node of it.
fn node(url: &Url) -> (Option<String>, Option<u16>, &str, Option<&str>) {
    let host = match address(url) {
        Some(address) if is_this_machine(address) => Some("localhost".to_owned()),
        Some(address) => Some(address.to_string()),
        None => url.domain().map(|domain| domain.trim_end_matches('.').to_owned()),
    };
    (host, url.port_or_known_default(), url.path().trim_end_matches('/'), url.query())
}

/// Whether `url` is not encrypted and leads out of this machine and its own network.
pub(super) fn is_readable_on_the_way(url: &Url) -> bool {
    let is_near = match address(url) {
        Some(IpAddr::V4(address)) => {
            is_this_machine(IpAddr::V4(address)) || address.is_private() || address.is_link_local()
        }
        Some(IpAddr::V6(address)) => {
            is_this_machine(IpAddr::V6(address)) || address.is_unique_local() || address.is_unicast_link_local()
        }
        // A name without a dot is of a container or of the local network.
        None => url.domain().is_none_or(|domain| {
            let domain = domain.trim_end_matches('.');
            !domain.contains('.')
                || [".local", ".lan", ".internal", ".home.arpa"].iter().any(|end| domain.ends_with(end))
        }),
    };
    url.scheme() == "http" && !is_near
}

/// Whether `url` leads out of this machine, as far as it says so itself.
pub(super) fn leads_out(url: &Url) -> bool {
    !address(url).is_some_and(is_this_machine)
}

/// The address in `url`, if it has no name; that of `localhost` is known.
fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(domain) => {
            let domain = domain.trim_end_matches('.');
            let local = domain == "localhost" || domain.ends_with(".localhost");
            local.then_some(IpAddr::from([127, 0, 0, 1]))
        }
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address).to_canonical()),
    }
}

/// Unspecified addresses lead to this machine as well.
fn is_this_machine(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}
