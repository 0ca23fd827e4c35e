//! The second line against secrets in a bundle. The first is that none is put into it; but providers, and errors of libraries, say what they
//! like. So every text is searched for what is known here to be secret.

use crate::{
    account,
    config::{Config, ProviderConfig},
};
use guardian_crypto::secret::Secret;
use std::{borrow::Cow, cmp::Reverse, env};
use toml::{Table, Value};
use url::Url;

/// Parts of the names of variables that hold secrets, whosever they are.
const SECRET: [&str; 6] = ["KEY", "SECRET", "TOKEN", "PASS", "CREDENTIAL", "AUTH"];
/// A variable of ours holds no secret but credentials in addresses, which the configuration has, too.
const OURS: &str = "GUARDIAN_";
/// A shorter text is a part of too many others.
const SHORTEST: usize = 4;
/// The same of a variable that need not be a secret.
const SHORTEST_VARIABLE: usize = 8;

/// What must not leave this machine. The longest come first: one may be a part of another.
#[derive(Debug)]
pub(super) struct Secrets(Vec<Secret<String>>);

impl Secrets {
    /// Those that a guardian with this configuration knows, and those of this process's environment.
    pub(super) fn of(config: Option<&Config>) -> Self {
        let mut known = of_environment();
        if let Some(config) = config {
            known.extend(addresses(config).iter().flat_map(guardian_chain::secrets));
            known.extend(account::bearer(config).ok().flatten().map(|bearer| bearer.expose().clone()));
            if let Ok(passphrase) = config.keys.passphrase().and_then(|source| source.read()) {
                known.push(passphrase.expose().clone());
            }
        }
        Self::these(known)
    }

    fn these(mut known: Vec<String>) -> Self {
        // In JSON, quotes and backslashes look otherwise.
        let in_json = known.iter().filter_map(|secret| {
            let quoted = serde_json::to_string(secret).ok()?;
            Some(quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned())
        });
        let in_json: Vec<String> = in_json.collect();
        known.extend(in_json);
        known.retain(|secret| secret.len() >= SHORTEST);
        known.sort_unstable_by(|a, b| (Reverse(a.len()), a).cmp(&(Reverse(b.len()), b)));
        known.dedup();
        Self(known.into_iter().map(Secret::new).collect())
    }

    /// `text` with stars in their place.
    pub(super) fn out_of(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| text.replace(secret.expose(), "***"))
    }
}

fn of_environment() -> Vec<String> {
    let is_secret =
        |name: &str| !name.starts_with(OURS) && SECRET.iter().any(|part| name.to_uppercase().contains(part));
    let variables =
        env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let secret = variables.filter(|(name, value)| is_secret(name) && value.len() >= SHORTEST_VARIABLE);
    secret.map(|(_, value)| value).collect()
}

/// Every address in the configuration, whatever it is for, and those in files of their own.
fn addresses(config: &Config) -> Vec<Url> {
    let providers = config.beacon.providers.iter().chain(&config.execution.providers);
    let mut found: Vec<Url> =
        providers.filter_map(|provider: &ProviderConfig| Some(provider.address().ok()?.into_owned())).collect();
    found.extend(config.account.web3signer().ok().flatten().map(Cow::into_owned));
    let values = Table::try_from(config).map(Value::Table);
    collect(values.as_ref().ok(), &mut found);
    found
}

fn collect(value: Option<&Value>, found: &mut Vec<Url>) {
    match value {
        Some(Value::String(text)) => found.extend(text.parse::<Url>().ok().filter(Url::has_host)),
        Some(Value::Array(values)) => values.iter().for_each(|value| collect(Some(value), found)),
        Some(Value::Table(table)) => table.values().for_each(|value| collect(Some(value), found)),
        Some(Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_)) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_taken_out_however_it_is_written() {
        let secrets = Secrets::these(vec!["hunter2\"".to_owned(), "hunter2\"extra".to_owned(), "abc".to_owned()]);
        let json = serde_json::json!({ "said": "hunter2\" and hunter2\"extra", "other": "abc" }).to_string();
        assert_eq!(secrets.out_of(json), r#"{"other":"abc","said":"*** and ***"}"#);
    }

    #[test]
    fn every_address_in_the_configuration_is_known() {
        let config = crate::config::TEMPLATE
            .replace("http://127.0.0.1:5052", "https://a:password@host.example/v1/0123456789abcdef");
        let config = Config::parse(&config, std::path::Path::new("guardian.toml")).unwrap();
        let found = addresses(&config);
        assert!(found.iter().any(|url| url.password() == Some("password")), "{found:?}");
        let text = Secrets::of(Some(&config)).out_of("password of 0123456789abcdef".to_owned());
        assert_eq!(text, "*** of ***");
    }
}
