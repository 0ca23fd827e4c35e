//! What a call of a contract answers, or the name of the error with which it reverts. Nothing here sends a transaction.

use crate::anvil::{Anvil, DEPLOYER, contracts};
use alloy::primitives::{Address, Bytes, hex, keccak256};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::LazyLock};

/// Files of `contracts/out` that together have every custom error of the contracts, and of OpenZeppelin's in them.
const ARTIFACTS: [&str; 10] = [
    "EjectionRegistry.sol/EjectionRegistry",
    "ReserveFeed.sol/ReserveFeed",
    "GuardianKeys.sol/GuardianKeys",
    "FrostGuardianModule.sol/FrostGuardianModule",
    "BackedMint.sol/BackedMint",
    "ReserveReader.sol/ReserveReader",
    "BeaconProof.sol/ValidatorReader",
    "DevnetProtocol.sol/DevnetProtocol",
    "DevnetWithdrawalRequester.sol/DevnetWithdrawalRequester",
    "MinimalPuffer.sol/MinimalPuffer",
];

/// What the compiler made of a contract: `file.sol/Contract`.
pub(crate) fn artifact(name: &str) -> Value {
    let path = contracts().join(format!("out/{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The names of the custom errors by selector.
static ERRORS: LazyLock<BTreeMap<[u8; 4], String>> = LazyLock::new(|| {
    let abis = ARTIFACTS.map(|name| artifact(name)["abi"].as_array().unwrap().clone());
    let errors = abis.into_iter().flatten().filter(|entry| entry["type"] == "error");
    let named = errors.map(|entry| {
        let inputs = entry["inputs"].as_array().unwrap().iter().map(|input| input["type"].as_str().unwrap());
        let name = entry["name"].as_str().unwrap();
        let hash = keccak256(format!("{name}({})", inputs.collect::<Vec<_>>().join(",")));
        ([hash[0], hash[1], hash[2], hash[3]], name.to_owned())
    });
    named.collect()
});

/// The custom error that a call reverted with.
fn error_name(data: &[u8]) -> String {
    let name = data.first_chunk().and_then(|selector| ERRORS.get(selector));
    name.cloned().unwrap_or_else(|| format!("unknown: {}", hex::encode(data)))
}

async fn answered(anvil: &Anvil, request: Value) -> Result<Bytes, String> {
    let answer = anvil.try_call("eth_call", json!([request, "latest"])).await.unwrap();
    if let Some(result) = answer.get("result") {
        return Ok(serde_json::from_value(result.clone()).unwrap());
    }
    let Some(data) = answer["error"]["data"].as_str() else { panic!("no revert: {answer}") };
    Err(error_name(&data.parse::<Bytes>().unwrap()))
}

/// The name of the error with which a call reverts; `Ok` if it does not.
pub(crate) async fn called(anvil: &Anvil, to: Address, data: Vec<u8>, value: u64) -> Result<Bytes, String> {
    called_by(anvil, DEPLOYER, to, data, value).await
}

/// [`called`] from any account, with or without code.
pub(crate) async fn called_by(
    anvil: &Anvil,
    from: Address,
    to: Address,
    data: Vec<u8>,
    value: u64,
) -> Result<Bytes, String> {
    let data = Bytes::from(data);
    answered(anvil, json!({ "from": from, "to": to, "data": data, "value": format!("{value:#x}") })).await
}

/// The name of the error with which a contract's constructor reverts; `Ok` if it does not.
pub(crate) async fn created(anvil: &Anvil, name: &str, arguments: Vec<u8>) -> Result<Bytes, String> {
    let artifact = artifact(&format!("{name}.sol/{name}"));
    let mut code = hex::decode(artifact["bytecode"]["object"].as_str().unwrap()).unwrap();
    code.extend(arguments);
    answered(anvil, json!({ "from": DEPLOYER, "data": Bytes::from(code) })).await
}
