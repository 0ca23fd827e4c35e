//! The configuration's text: the annotated template, with what was answered in its places.

use super::{answers::Answers, signer::Signer};
use crate::{
    config::{Config, ProviderConfig, TEMPLATE},
    hint::Hinted,
};
use std::path::Path;
use toml::Value;

/// The text, with who signs for the account, the passphrase's file as it is named there, and the store's folder.
///
/// # Errors
/// If the configuration refuses an answer.
pub(super) fn write(
    answers: &Answers,
    signer: &Signer,
    passphrase_file: &str,
    data_dir: Option<&Path>,
) -> Result<String, Hinted> {
    let mut text = TEMPLATE.to_owned();
    let quoted = |text: &str| Value::String(text.to_owned()).to_string();
    put(&mut text, "network = \"mainnet\"", &format!("network = {}", quoted(answers.network.as_str())))?;
    put(&mut text, "name = \"guardian-1\"", &format!("name = {}", quoted(&answers.name)))?;
    put(&mut text, "\"../guardian.passphrase\"", &quoted(passphrase_file))?;
    put(&mut text, &listed("http://127.0.0.1:5052"), &list(&answers.beacons)?)?;
    put(&mut text, &listed("http://127.0.0.1:8545"), &list(&answers.executions)?)?;
    if let Some(data_dir) = data_dir {
        let data_dir = quoted(&data_dir.to_string_lossy());
        put(&mut text, "# data_dir = \"data\"", &format!("data_dir = {data_dir}"))?;
    }
    for (key, value) in signer.settings() {
        let usual = TEMPLATE.lines().find(|line| line.starts_with(&format!("# {key} = "))).unwrap_or_default();
        put(&mut text, usual, &format!("{key} = {value}"))?;
    }
    if let Some(protocol) = answers.protocol {
        let usual = "# protocol = \"0x0000000000000000000000000000000000000000\"";
        put(&mut text, usual, &format!("protocol = {}", quoted(&protocol.to_string())))?;
    }
    if let Some(block) = answers.start_block {
        put(&mut text, "# start_block = 0", &format!("start_block = {block}"))?;
    }
    Config::parse(&text, Path::new("guardian.toml"))?;
    Ok(text)
}

/// The template's line of a provider at `url`.
fn listed(url: &str) -> String {
    format!("  {{ name = \"own\", url = \"{url}\" }},")
}

fn list(providers: &[ProviderConfig]) -> Result<String, Hinted> {
    let line = |provider: &ProviderConfig| -> Result<String, Hinted> {
        let [name, url] = [provider.name.clone(), provider.address()?.to_string()].map(Value::String);
        Ok(format!("  {{ name = {name}, url = {url} }},"))
    };
    Ok(providers.iter().map(line).collect::<Result<Vec<_>, _>>()?.join("\n"))
}

/// Puts `new` in the one place where the template has `usual`.
fn put(text: &mut String, usual: &str, new: &str) -> Result<(), Hinted> {
    if text.matches(usual).count() != 1 {
        return Err(Hinted::new(format!("the template has no place for {new}"), "this is a defect: report it"));
    }
    *text = text.replace(usual, new);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Network;

    fn answers(name: &str) -> Answers {
        let nodes = |text: &[&str]| text.iter().map(|node| node.parse().unwrap()).collect();
        Answers {
            name: name.to_owned(),
            network: Network::Hoodi,
            beacons: nodes(&["own=http://127.0.0.1:5052", "https://alice:key@b.example/v1?apikey=%22"]),
            executions: nodes(&["http://c.example"]),
            protocol: Some([7; 20].into()),
            start_block: Some(12),
        }
    }

    #[test]
    fn every_answer_is_in_the_configuration_and_every_comment_stays() {
        let text =
            write(&answers("alice"), &Signer::default(), "../home.passphrase", Some(Path::new("/var/lib/guardian")))
                .unwrap();
        let config = Config::parse(&text, Path::new("guardian.toml")).unwrap();
        assert_eq!((config.network, config.guardian.name.as_str()), (Some(Network::Hoodi), "alice"));
        let names: Vec<_> = config.beacon.providers.iter().map(|provider| provider.name.as_str()).collect();
        assert_eq!((names, config.execution.providers.len()), (vec!["own", "b.example"], 1));
        assert_eq!(config.beacon.providers[1].address().unwrap().password(), Some("key"));
        assert_eq!(config.guardian.data_dir, Path::new("/var/lib/guardian"));
        assert_eq!((config.contracts.start_block, config.contracts.protocol.0[0]), (12, 7));
        let comments = |text: &str| text.lines().filter(|line| line.starts_with("# ") && !line.contains(" = ")).count();
        assert_eq!(comments(&text), comments(TEMPLATE));
    }

    #[test]
    fn a_name_can_not_break_out_of_its_place() {
        let name = "alice\"\ndata_dir = \"/tmp";
        let text = write(&answers(name), &Signer::default(), "../home.passphrase", None).unwrap();
        let config = Config::parse(&text, Path::new("guardian.toml")).unwrap();
        assert_eq!((config.guardian.name.as_str(), config.guardian.data_dir.to_str()), (name, Some("data")));
    }

    #[test]
    fn what_the_configuration_refuses_is_refused_before_anything_is_written() {
        let mut twice = answers("alice");
        twice.executions = ["a=http://127.0.0.1:1", "b=http://localhost:1"].map(|node| node.parse().unwrap()).into();
        assert!(write(&twice, &Signer::default(), "x", None).unwrap_err().to_string().contains("same url"));
    }
}
