//! Puffer's contracts on the devnet's EVM, in their stand-ins with Puffer's shape: vault, tickets, oracle, protocol and roles, around the
//! guardians' own module. Every validator is registered with bond and tickets, and provisioned with the group's signature.
//!
//! The last of the guardians is listed with a contract that takes no ether, as somebody's wallet might be: it blocks nobody.

use super::{
    chains::CHAIN_ID,
    evm::{Account, Action, Evm, ether},
    keys::DevnetManifest,
    oracle::{self, Oracle},
    signers::Signers,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, b256, hex, keccak256},
    signers::local::PrivateKeySigner,
    sol,
    sol_types::{SolCall, SolValue},
};
use eyre::{Result, ensure, eyre};
use guardian_protocol::{
    BlsPubkey, KeyEpoch,
    testing::{Provisioning, PufferMessage},
};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        #[sol(rpc)]
        interface AccessManager {
            function setTargetFunctionRole(address target, bytes4[] calldata selectors, uint64 roleId) external;
            function grantRole(uint64 roleId, address account, uint32 executionDelay) external;
        }
        #[sol(rpc)]
        interface FrostGuardianModule {
            function setCallers(address protocol, address oracle) external;
            function setGuardians(address[] calldata guardians, bytes[] calldata enclaveKeys, uint256 threshold) external;
            function splitGuardianFunds() external;
            function owed(address token, address guardian) external view returns (uint256);
            function collectFees(address token, address to) external;
        }
        #[sol(rpc)]
        interface Vault {
            function connect(address oracle) external;
            function depositETH(address receiver) external payable returns (uint256 shares);
            function transferETH(address to, uint256 amount) external;
        }
        #[derive(Debug)]
        struct Permit { uint256 deadline; uint256 amount; uint8 v; bytes32 r; bytes32 s; }
        #[derive(Debug)]
        struct ValidatorKeyData {
            bytes blsPubKey;
            bytes signature;
            bytes32 depositDataRoot;
            bytes[] blsEncryptedPrivKeyShares;
            bytes blsPubKeySet;
            bytes raveEvidence;
        }
        #[sol(rpc)]
        interface PufferProtocol {
            function createPufferModule(bytes32 moduleName) external returns (address);
            function registerValidatorKey(ValidatorKeyData calldata data, bytes32 moduleName, Permit calldata pufETHPermit, Permit calldata vtPermit) external payable;
            function provisionNode(bytes[] calldata guardianEnclaveSignatures, bytes calldata validatorSignature, bytes32 depositRootHash) external;
            function getModuleAddress(bytes32 moduleName) external view returns (address);
            function requestFullWithdrawals(address module, bytes calldata pubkeys, uint256 fee) external payable;
            function getDepositDataRoot(bytes memory pubKey, bytes calldata signature, bytes memory credentials) external view returns (bytes32);
        }
    }
}

use abi::{AccessManager, FrostGuardianModule, Permit, PufferProtocol, ValidatorKeyData, Vault};

/// `ROLE_ID_OPERATIONS_PAYMASTER`: who may bring the guardians' verdicts.
const PAYMASTER: u64 = 23;
/// `ROLE_ID_PUFFER_PROTOCOL`: what only the protocol may do to vault and oracle.
const PROTOCOL: u64 = 1234;
/// Who may have modules ask for withdrawals.
const REQUESTER: u64 = 1235;
/// "PUFFER_MODULE_0" and "PUFFER_MODULE_1". They take turns: validator i is in module i modulo 2.
const MODULES: [B256; 2] = [
    b256!("5055464645525f4d4f44554c455f300000000000000000000000000000000000"),
    b256!("5055464645525f4d4f44554c455f310000000000000000000000000000000000"),
];
/// Which contract of its account the protocol is.
const PROTOCOL_NONCE: u64 = 5;
/// A validator's bond in ether.
const BOND: u64 = 2;
/// What a registration pays, in wei: the bond, and 28 days' tickets at 0.01 ether.
const REGISTRATION: u64 = 2_280_000_000_000_000_000;
/// Ether in the vault for each validator: 32 for its deposit, and 20 that stay.
const DEPOSITED: u64 = 32 + 20;
/// Creation code of a contract whose code is PUSH0 PUSH0 REVERT: it takes no ether.
const REFUSES: [u8; 11] = hex!("625f5ffd5f526003601df3");
/// Stands for ether where a token is named.
const ETHER: Address = Address::ZERO;
/// The deposits are made in name only: the beacon chain has had these validators since its genesis.
const NO_SIGNATURE: [u8; 96] = [0; 96];

/// What exists before the guardians' contracts, which are told of it.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    evm: Evm,
    /// Who may do what.
    manager: Address,
    /// pufETH, whose ether is counted and whose shares are what is owed.
    pub(super) vault: Address,
}

/// Puffer's contracts.
#[derive(Clone, Debug)]
pub struct Puffer {
    /// The protocol, whose events name the validators.
    pub protocol: Address,
    /// pufETH.
    pub vault: Address,
    /// The oracle, which has the network's count.
    pub oracle: Oracle,
    /// `FrostGuardianModule`.
    pub guardian_module: Address,
    /// To whom the guardians' fees are owed, in their order.
    payees: Vec<Payee>,
    evm: Evm,
}

/// What became of the guardians' part of the sales of tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fees {
    /// What the module owed to each guardian before anybody collected, wei.
    pub owed: Vec<U256>,
    /// Those who got it, by their place in the list.
    pub collected: Vec<usize>,
}

/// Where the protocol will be, on every devnet.
pub(super) fn protocol() -> Result<Address> {
    Ok(Account::Puffer.address()?.create(PROTOCOL_NONCE))
}

/// Where its modules will be, which are its first contracts.
pub(super) fn modules() -> Result<[Address; 2]> {
    let protocol = protocol()?;
    Ok([1, 2].map(|nonce| protocol.create(nonce)))
}

/// Who gets a guardian's part of the fees.
#[derive(Clone, Copy, Debug)]
enum Payee {
    /// An account, by its key.
    Account(B256),
    /// A contract, which nobody can send transactions for.
    Contract(Address),
}

/// The module of the validator with this index.
pub(super) fn module_of(index: u64) -> Result<Address> {
    let [first, second] = modules()?;
    Ok(if index.is_multiple_of(2) { first } else { second })
}

impl Payee {
    fn address(&self) -> Result<Address> {
        match self {
            Self::Account(key) => Ok(PrivateKeySigner::from_bytes(key)?.address()),
            Self::Contract(address) => Ok(*address),
        }
    }
}

impl Ground {
    /// Access manager and vault, by the account of Puffer.
    pub(super) async fn lay(evm: Evm) -> Result<Self> {
        let [manager, vault] = evm.next_addresses().await?;
        evm.send_all(vec![
            Action::contract("AccessManager", evm.account.abi_encode())?,
            Action::contract("DevnetVault", manager.abi_encode())?,
        ])
        .await?;
        Ok(Self { evm, manager, vault })
    }
}

impl Puffer {
    /// Deploys what needs the guardians' module and registers all validators, for whose exits `requester` asks. The guardians may bring
    /// counts. `governor` is that of the guardians' contracts.
    pub(super) async fn deploy(
        governor: &Evm,
        ground: Ground,
        guardian_module: Address,
        requester: Address,
        manifest: &DevnetManifest,
        threshold: u16,
    ) -> Result<Self> {
        let Ground { evm, manager, vault } = ground;
        let [oracle, tickets, deposits, protocol, refusing] = evm.next_addresses().await?;
        ensure!(protocol == self::protocol()?, "the account of Puffer has done something else before");
        let treasury = Address::from_word(keccak256("treasury"));
        let of_protocol = (guardian_module, vault, tickets, deposits, oracle, manager).abi_encode_params();
        evm.send_all(vec![
            // Nothing was counted yet: any count is newer.
            Action::contract(
                "DevnetOracle",
                (guardian_module, vault, manager, U256::ONE, U256::ZERO).abi_encode_params(),
            )?,
            Action::contract("DevnetTickets", (guardian_module, vault, treasury, oracle).abi_encode_params())?,
            Action::contract("DevnetDeposit", Vec::new())?,
            Action::contract("DevnetPuffer", of_protocol)?,
            Action::creation(REFUSES.to_vec()),
        ])
        .await?;
        let mut payees: Vec<Payee> =
            manifest.guardians.iter().map(|files| Payee::Account(keccak256(&files.name))).collect();
        payees.pop();
        payees.push(Payee::Contract(refusing));
        let oracle = Oracle::at(oracle, evm.provider.clone());
        let puffer = Self { protocol, vault, oracle, guardian_module, payees, evm };

        governor.send_all(puffer.listing(threshold)?).await?;

        let mut actions = vec![Action::call(vault, &Vault::connectCall { oracle: puffer.oracle.address })];
        let create = |name: &B256| PufferProtocol::createPufferModuleCall { moduleName: *name };
        actions.extend(MODULES.iter().map(|name| Action::call(protocol, &create(name))));
        actions.extend(puffer.roles(manager, requester, manifest.guardians.iter().map(|files| files.account)));
        let stakes = ether(DEPOSITED) * U256::from(manifest.validators.len());
        actions.push(Action::call(vault, &Vault::depositETHCall { receiver: puffer.evm.account }).paying(stakes));
        let pubkeys = pubkeys(manifest)?;
        let modules = MODULES.iter().cycle();
        actions.extend(
            pubkeys.iter().zip(modules).map(|(pubkey, module)| puffer.registration(pubkey, *module, threshold)),
        );
        puffer.evm.send_all(actions).await?;
        puffer.provision(&pubkeys, &Signers::of_files(&manifest.guardians)?).await?;
        Ok(puffer)
    }

    /// For the governor: whom the guardians' module serves and lists.
    fn listing(&self, threshold: u16) -> Result<Vec<Action>> {
        // Nobody encrypts a share to these keys here: shares are on the guardians' disks already.
        let key = Bytes::from([vec![4], vec![0; 64]].concat());
        let listed = FrostGuardianModule::setGuardiansCall {
            guardians: self.payees.iter().map(Payee::address).collect::<Result<_>>()?,
            enclaveKeys: vec![key; self.payees.len()],
            threshold: U256::from(threshold),
        };
        let callers = FrostGuardianModule::setCallersCall { protocol: self.protocol, oracle: self.oracle.address };
        Ok(vec![Action::call(self.guardian_module, &callers), Action::call(self.guardian_module, &listed)])
    }

    /// Puffer's roles: the protocol's own, the paymaster's, that of the requester of exits, and that of `callers`, who bring counts.
    fn roles(&self, manager: Address, requester: Address, callers: impl Iterator<Item = Address>) -> Vec<Action> {
        let oracle = self.oracle.address;
        let of = |target: Address, selector: [u8; 4], role: u64| {
            let selectors = vec![selector.into()];
            Action::call(manager, &AccessManager::setTargetFunctionRoleCall { target, selectors, roleId: role })
        };
        let grant = |role: u64, account: Address| {
            Action::call(manager, &AccessManager::grantRoleCall { roleId: role, account, executionDelay: 0 })
        };
        let mut actions = vec![
            of(oracle, oracle::PROVISION, PROTOCOL),
            of(self.vault, Vault::transferETHCall::SELECTOR, PROTOCOL),
            grant(PROTOCOL, self.protocol),
            of(self.protocol, PufferProtocol::provisionNodeCall::SELECTOR, PAYMASTER),
            grant(PAYMASTER, self.evm.account),
            of(self.protocol, PufferProtocol::requestFullWithdrawalsCall::SELECTOR, REQUESTER),
            grant(REQUESTER, requester),
            of(oracle, oracle::COUNT, oracle::OPERATIONS),
        ];
        actions.extend(callers.map(|caller| grant(oracle::OPERATIONS, caller)));
        actions
    }

    /// A node operator pays bond and tickets in ether.
    fn registration(&self, pubkey: &BlsPubkey, module: B256, threshold: u16) -> Action {
        let data = ValidatorKeyData {
            blsPubKey: pubkey.to_vec().into(),
            signature: NO_SIGNATURE.into(),
            depositDataRoot: B256::ZERO,
            blsEncryptedPrivKeyShares: vec![Bytes::new(); self.payees.len()],
            blsPubKeySet: pubkey.repeat(threshold.into()).into(),
            raveEvidence: Bytes::new(),
        };
        let none = || Permit { deadline: U256::ZERO, amount: U256::ZERO, v: 0, r: B256::ZERO, s: B256::ZERO };
        let call = PufferProtocol::registerValidatorKeyCall {
            data,
            moduleName: module,
            pufETHPermit: none(),
            vtPermit: none(),
        };
        Action::call(self.protocol, &call).paying(U256::from(REGISTRATION))
    }

    /// All who wait get their deposit, each with the group's signature.
    async fn provision(&self, pubkeys: &[BlsPubkey], signers: &Signers) -> Result<()> {
        let protocol = PufferProtocol::new(self.protocol, &self.evm.provider);
        let modules = modules()?;
        for (name, module) in MODULES.iter().zip(modules) {
            ensure!(protocol.getModuleAddress(*name).call().await? == module, "a module is elsewhere than expected");
        }
        let credentials = modules.map(|module| {
            let mut credentials = module.into_word();
            credentials.0[0] = 1;
            credentials
        });
        let epoch = KeyEpoch(1);
        // The stand-in's root of all deposits: the hash of the one before and the newest.
        let (mut root, mut actions) = (B256::ZERO, Vec::new());
        for ((index, pubkey), credentials) in pubkeys.iter().enumerate().zip(credentials.into_iter().cycle()) {
            let (key, signature) = (pubkey.to_vec().into(), NO_SIGNATURE.into());
            let deposit = protocol.getDepositDataRoot(key, signature, credentials.to_vec().into()).call().await?;
            let message = PufferMessage::Provisioning(Provisioning {
                index: U256::from(index / MODULES.len()),
                pubkey: *pubkey,
                signature: NO_SIGNATURE,
                withdrawal_credentials: credentials,
                deposit_data_root: deposit,
            });
            let signature = signers.sign(message.digest(CHAIN_ID, self.guardian_module, epoch))?;
            let words = [signature.rx(), signature.ry(), signature.z()].concat();
            let call = PufferProtocol::provisionNodeCall {
                guardianEnclaveSignatures: vec![[epoch.0.to_be_bytes().as_slice(), &words].concat().into()],
                validatorSignature: NO_SIGNATURE.into(),
                depositRootHash: root,
            };
            actions.push(Action::call(self.protocol, &call));
            root = self.evm.sha256([root, deposit].concat()).await?;
        }
        self.evm.send_all(actions).await?;
        Ok(())
    }

    /// The guardians' part of what so many registrations paid for tickets, in wei: half a percent.
    #[must_use]
    pub fn ticket_fees(&self, registrations: usize) -> U256 {
        (U256::from(REGISTRATION) - ether(BOND)) * U256::from(registrations) / U256::from(200)
    }

    /// The fees that came with the sales of tickets are divided, and every guardian asks for its part.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn collect_fees(&self) -> Result<Fees> {
        let module = FrostGuardianModule::new(self.guardian_module, &self.evm.provider);
        let split = Action::call(self.guardian_module, &FrostGuardianModule::splitGuardianFundsCall {});
        self.evm.send_all(vec![split]).await?;
        let (mut owed, mut collected) = (Vec::new(), Vec::new());
        for (place, payee) in self.payees.iter().enumerate() {
            let address = payee.address()?;
            owed.push(module.owed(ETHER, address).call().await?);
            // A contract sends no transactions; what one of its calls would come to can be asked all the same.
            let collects = module.collectFees(ETHER, address).from(address).call().await.is_ok();
            let Payee::Account(key) = payee else {
                ensure!(!collects, "a contract that takes no ether would get some");
                continue;
            };
            ensure!(collects, "{address} could not collect its fees");
            let call = FrostGuardianModule::collectFeesCall { token: ETHER, to: address };
            let their = self.evm.as_owner_of(*key).await?;
            their.send_all(vec![Action::call(self.guardian_module, &call)]).await?;
            ensure!(module.owed(ETHER, address).call().await?.is_zero(), "{address} is owed them still");
            collected.push(place);
        }
        Ok(Fees { owed, collected })
    }
}

fn pubkeys(manifest: &DevnetManifest) -> Result<Vec<BlsPubkey>> {
    let decoded = manifest.validators.iter().map(|pubkey| {
        BlsPubkey::try_from(hex::decode(pubkey)?.as_slice()).map_err(|_| eyre!("{pubkey} is no public key"))
    });
    decoded.collect()
}
