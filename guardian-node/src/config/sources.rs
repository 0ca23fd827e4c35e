//! A configuration from all of its sources: defaults, the network that is named, the deployment's file, the configuration file, the
//! environment. A later one wins, but for the chain: two sources that mean different chains are a mistake.

use super::{
    Config, Network,
    environment::Environment,
    layers::{Layers, Origin, Origins},
};
use crate::hint::{Hinted, WithHint};
use guardian_chain::deploy::Deployment;
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

impl Config {
    /// Reads and checks `text`, which stands in the file at `path`, and everything that belongs to it. Relative paths become those
    /// from the file's folder.
    ///
    /// # Errors
    /// If a source is not valid, or they contradict each other.
    pub(super) fn of_sources(text: &str, path: &Path, environment: &Environment) -> Result<(Self, Origins), Hinted> {
        let base = path.parent().unwrap_or_else(|| Path::new("."));
        let file = table(text, path)?;
        let variables = environment.table(base)?;
        let mut said = Layers::default();
        said.lay(file.clone(), Origin::File);
        said.lay(variables.clone(), Origin::Environment);

        let (network, deployment) = (network(&said)?, deployment(&said, base)?);
        same_chain([("network", &network), ("the deployment", &deployment), ("[contracts]", &said.values)])?;

        let mut layers = Layers::default();
        layers.lay(network, Origin::Network);
        layers.lay(deployment, Origin::Deployment);
        layers.lay(file, Origin::File);
        // One place of the passphrase takes the place of another.
        let names_passphrase = |keys: &Table| keys.keys().any(|key| key.starts_with("passphrase_"));
        if variables.get("keys").and_then(Value::as_table).is_some_and(names_passphrase) {
            layers.forget("keys", "passphrase_");
        }
        layers.lay(variables, Origin::Environment);

        let mut config: Self = Value::Table(layers.values).try_into().hint(
            "the settings of the environment are not valid",
            "each has the form that it has in the file; `guardian config show` says which there are",
        )?;
        config.resolve(base);
        config.check()?;
        Ok((config, layers.origins))
    }
}

/// The configuration in `text` and of the network that it names, unchecked.
pub(super) fn of_text(text: &str, path: &Path) -> Result<Config, Hinted> {
    let file = table(text, path)?;
    let mut said = Layers::default();
    said.lay(file.clone(), Origin::File);
    let mut layers = Layers::default();
    layers.lay(network(&said)?, Origin::Network);
    layers.lay(file, Origin::File);
    let what = format!("the configuration {} is not valid", path.display());
    Value::Table(layers.values).try_into().hint(what, "`guardian init` writes one that is")
}

/// The file's own settings. What is wrong in them is told with its line.
fn table(text: &str, path: &Path) -> Result<Table, Hinted> {
    let advice = "every key is explained in the file that `guardian init` writes; unknown keys are refused so that a typing error can't go unnoticed";
    let what = || format!("the configuration {} is not valid", path.display());
    toml::from_str::<Config>(text).hint(what(), advice)?;
    toml::from_str(text).hint(what(), advice)
}

/// What is published of the network that is named.
fn network(said: &Layers) -> Result<Table, Hinted> {
    let Some(name) = said.values.get("network").and_then(Value::as_str) else { return Ok(Table::new()) };
    let network: Network = name.parse().map_err(|error: String| {
        Hinted::new(error, "leave `network` out for another one, and set [contracts] chain_id and protocol")
    })?;
    Ok(network.settings())
}

/// Sources that mean different chains contradict each other: whichever won, contracts of the other chain would be asked for.
fn same_chain(sources: [(&'static str, &Table); 3]) -> Result<(), Hinted> {
    let said =
        |(name, table): (&'static str, &Table)| Some((name, table.get("contracts")?.get("chain_id")?.as_integer()?));
    let mut chains = sources.into_iter().filter_map(said);
    let Some((first, chain)) = chains.next() else { return Ok(()) };
    match chains.find(|(_, other)| *other != chain) {
        None => Ok(()),
        Some((second, other)) => Err(Hinted::new(
            format!("{first} means chain {chain}, and {second} chain {other}"),
            "find out which is meant; a network without a name has no `network`, and [contracts] chain_id instead",
        )),
    }
}

/// What the deployment's file says, if it is there.
fn deployment(said: &Layers, base: &Path) -> Result<Table, Hinted> {
    let path = said.text("contracts", "deployment").map_or_else(|| "deployment.json".into(), PathBuf::from);
    let path = base.join(path);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        // There is none before the contracts are deployed.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Table::new()),
        Err(error) => {
            let what = format!("can't read the deployment {}", path.display());
            return Err(Hinted::caused(what, "check [contracts] deployment and permissions", error));
        }
    };
    let deployment = Deployment::from_json(&text).hint(
        format!("the deployment {} is not usable", path.display()),
        "it is the file that `guardian contracts deploy` writes: get it again from whoever deployed the contracts",
    )?;
    let chain_id = i64::try_from(deployment.plan.chain_id)
        .hint("the deployment's chain id is too large", "get the file again from whoever deployed the contracts")?;
    let address = |key: &str, address: &dyn ToString| (key.to_owned(), Value::String(address.to_string()));
    let duties = [address("ejection", &deployment.ejection_registry), address("reserves", &deployment.reserve_feed)];
    let contracts = [
        ("chain_id".to_owned(), Value::Integer(chain_id)),
        address("guardian_keys", &deployment.guardian_keys),
        address("guardian_module", &deployment.guardian_module),
        ("duties".to_owned(), Value::Table(duties.into_iter().collect())),
    ];
    Ok(Table::from_iter([("contracts".to_owned(), Value::Table(contracts.into_iter().collect()))]))
}
