//! What to deploy, and the addresses that follow. Pure: no network.

use crate::deploy::DeploymentError;
use alloy::{
    primitives::{Address, B256, Bytes, U256, address, hex, keccak256},
    sol_types::SolValue,
};
use guardian_crypto::schnorr::GroupKey;
use serde::{Deserialize, Serialize};

/// The deterministic deployment proxy (github.com/Arachnid/deterministic-deployment-proxy), which is on nearly every chain.
/// Call data: salt, creation code.
pub const FACTORY: Address = address!("0x4e59b44847b379578588920cA78FbF26c0B4956C");
/// Who creates the factory: an account that nobody has the key of. It needs 0.01 ether, once on each chain.
pub const FACTORY_CREATOR: Address = address!("0x3fab184622dc19b6109349b94811493bf2a45362");
/// The transaction that creates the factory, for any chain: its signature is a made-up one, and the account follows from it
/// (<https://github.com/Arachnid/deterministic-deployment-proxy>).
pub const FACTORY_TRANSACTION: &str = "0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222";

const KEYS: &str = include_str!("../../../contracts/bytecode/GuardianKeys.hex");
const REGISTRY: &str = include_str!("../../../contracts/bytecode/EjectionRegistry.hex");
const FEED: &str = include_str!("../../../contracts/bytecode/ReserveFeed.hex");
const PROXY: &str = include_str!("../../../contracts/bytecode/ReserveProxy.hex");
const GATE: &str = include_str!("../../../contracts/bytecode/TicketPriceGate.hex");
const MODULE: &str = include_str!("../../../contracts/bytecode/FrostGuardianModule.hex");

/// What governance decides before a deployment; see `docs/contracts.md` for what each is worth. Lasting format, version 2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Of this format: [`Plan::VERSION`].
    pub version: u32,
    /// The chain.
    pub chain_id: u64,
    /// Distinguishes deployments with otherwise equal plans.
    pub salt: B256,
    /// Owner of all contracts.
    pub governor: Address,
    /// Who may veto keys and pause, besides the governor; the zero address for nobody.
    pub vetoer: Address,
    /// The guardians' first group key.
    pub group_key: GroupKeyWords,
    /// Seconds between a proposal of a key and its execution: one to thirty days.
    pub key_delay: u64,
    /// Unix time of slot 0.
    pub genesis_time: u64,
    /// Length of a slot.
    pub seconds_per_slot: u64,
    /// Slots in an epoch.
    pub slots_per_epoch: u64,
    /// EIP-4788's contract; the zero address where a chain has none, and then roots are not compared.
    pub beacon_roots: Address,
    /// EIP-7002's contract; the zero address where a chain has none, and then exits can't be triggered.
    pub withdrawal_requests: Address,
    /// Guardians eject below this balance, wei.
    pub ejection_threshold: U256,
    /// The highest such balance that the governor can set, wei.
    pub max_ejection_threshold: U256,
    /// Epochs between two reports.
    pub report_period: u64,
    /// Seconds after which a report is stale.
    pub heartbeat: u64,
    /// Epochs of which the last report is kept.
    pub history_epochs: u64,
    /// Largest change between two reports, in 1/10,000.
    pub max_change_bps: u16,
    /// Seconds between the naming of another feed and the proxy's switch to it: one to thirty days.
    pub proxy_delay: u64,
    /// Accounts whose ether counts as vaults.
    pub vaults: Vec<Address>,
    /// Accounts whose ether counts as pods.
    pub pods: Vec<Address>,
    /// Token whose supply is owed; the zero address for none.
    pub liability_token: Address,
    /// Puffer's `ValidatorTicketPricer`; the zero address where there is none, and then no gate is created.
    pub ticket_pricer: Address,
    /// Names the rules by which guardians compute the price of tickets.
    pub ticket_rules: B256,
    /// Most wei that a validator can earn in a day.
    pub ticket_max_daily: U256,
}

/// A group key as the contracts take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupKeyWords {
    /// x coordinate.
    pub px: B256,
    /// y coordinate.
    pub py: B256,
}

/// One contract of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// Its name.
    pub name: &'static str,
    /// Where it comes to be.
    pub address: Address,
    /// What [`FACTORY`] is called with.
    pub data: Bytes,
}

impl Plan {
    /// The version of the format that this code writes and reads.
    pub const VERSION: u32 = 2;

    /// Checks what the contracts' constructors do not.
    ///
    /// # Errors
    /// [`DeploymentError`] says what is wrong.
    pub fn check(&self) -> Result<(), DeploymentError> {
        if self.version != Self::VERSION {
            return Err(DeploymentError::Version(self.version));
        }
        if self.governor.is_zero() {
            return Err(DeploymentError::NoGovernor);
        }
        GroupKey::from_coordinates(self.group_key.px.0, self.group_key.py.0).map_err(|_| DeploymentError::GroupKey)?;
        Ok(())
    }

    /// The contracts in the order in which they must be created: keys, registry, feed, proxy, module, and the gate if there is a pricer.
    ///
    /// # Errors
    /// If the plan does not pass [`Self::check`].
    pub fn creations(&self) -> Result<Vec<Creation>, DeploymentError> {
        self.check()?;
        let word = |word: B256| U256::from_be_bytes(word.0);
        let (px, py) = (word(self.group_key.px), word(self.group_key.py));
        let keys = (px, py, self.governor, self.vetoer, self.key_delay).abi_encode_params();
        let keys = self.create("GuardianKeys", KEYS, &keys)?;
        let registry = self.create("EjectionRegistry", REGISTRY, &self.registry(keys.address))?;
        let feed = self.create("ReserveFeed", FEED, &self.feed(keys.address))?;
        let proxy = (feed.address, self.governor, self.proxy_delay).abi_encode_params();
        let proxy = self.create("ReserveProxy", PROXY, &proxy)?;
        let module = (keys.address, registry.address, self.governor, self.slots_per_epoch).abi_encode_params();
        let module = self.create("FrostGuardianModule", MODULE, &module)?;
        let gate = self.gate(keys.address).map(|arguments| self.create("TicketPriceGate", GATE, &arguments));
        Ok([keys, registry, feed, proxy, module].into_iter().chain(gate.transpose()?).collect())
    }

    fn registry(&self, keys: Address) -> Vec<u8> {
        let arguments = (
            keys,
            self.governor,
            self.ejection_threshold,
            self.max_ejection_threshold,
            self.genesis_time,
            self.seconds_per_slot,
            self.beacon_roots,
            self.withdrawal_requests,
        );
        arguments.abi_encode_params()
    }

    fn feed(&self, keys: Address) -> Vec<u8> {
        let clock = (
            self.genesis_time,
            self.seconds_per_slot,
            self.slots_per_epoch,
            self.report_period,
            self.heartbeat,
            self.history_epochs,
            self.beacon_roots,
        );
        let sources = (self.vaults.clone(), self.pods.clone(), self.liability_token);
        (keys, self.governor, clock, self.max_change_bps, sources).abi_encode_params()
    }

    fn gate(&self, keys: Address) -> Option<Vec<u8>> {
        let arguments = (
            keys,
            self.governor,
            self.ticket_pricer,
            self.ticket_rules,
            self.ticket_max_daily,
            self.genesis_time,
            self.seconds_per_slot,
            self.slots_per_epoch,
            self.beacon_roots,
        );
        (!self.ticket_pricer.is_zero()).then(|| arguments.abi_encode_params())
    }

    /// EIP-1014: keccak256(0xff, factory, salt, keccak256(creation code))[12..].
    fn create(&self, name: &'static str, code: &str, arguments: &[u8]) -> Result<Creation, DeploymentError> {
        let mut code = hex::decode(code.trim()).map_err(|_| DeploymentError::Bytecode(name))?;
        code.extend_from_slice(arguments);
        let address = FACTORY.create2(self.salt, keccak256(&code));
        let data = [self.salt.as_slice(), &code].concat().into();
        Ok(Creation { name, address, data })
    }
}
