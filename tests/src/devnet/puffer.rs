//! Puffer's contracts on the devnet's EVM, in their stand-ins with Puffer's shape: vault, tickets, oracle, protocol and roles, around the
//! guardians' own module. Every validator is registered with bond and tickets, and provisioned with the group's signature.
//!
//! The last of the guardians is listed with a contract that takes no ether, as somebody's wallet might be: it blocks nobody.

use super::{
    evm::{Action, Evm, ether},
    keys::DevnetManifest,
    oracle::{self, Oracle},
    signers::{CHAIN_ID, Signers},
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, b256, hex, keccak256},
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
            function getDepositDataRoot(bytes memory pubKey, bytes calldata signature, bytes memory credentials) external view returns (bytes32);
        }
    }
}

use abi::{AccessManager, FrostGuardianModule, Permit, PufferProtocol, ValidatorKeyData, Vault};

/// `ROLE_ID_OPERATIONS_PAYMASTER`: who may bring the guardians' verdicts.
const PAYMASTER: u64 = 23;
/// `ROLE_ID_PUFFER_PROTOCOL`: what only the protocol may do to vault and oracle.
const PROTOCOL: u64 = 1234;
/// "PUFFER_MODULE_0".
const MODULE: B256 = b256!("5055464645525f4d4f44554c455f300000000000000000000000000000000000");
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
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
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
    pub payees: Vec<Address>,
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

impl Ground {
    /// Access manager and vault.
    pub(super) async fn lay(evm: &Evm) -> Result<Self> {
        let [manager, vault] = evm.next_addresses().await?;
        evm.send_all(vec![
            Action::contract("AccessManager", evm.account.abi_encode())?,
            Action::contract("DevnetVault", manager.abi_encode())?,
        ])
        .await?;
        Ok(Self { manager, vault })
    }
}

impl Puffer {
    /// Deploys what needs the guardians' module and registers all validators; `callers` may bring counts.
    pub(super) async fn deploy(
        evm: &Evm,
        ground: Ground,
        guardian_module: Address,
        manifest: &DevnetManifest,
        threshold: u16,
    ) -> Result<Self> {
        let Ground { manager, vault } = ground;
        let [oracle, tickets, deposits, protocol, refusing] = evm.next_addresses().await?;
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
        let payees = manifest.guardians.iter().map(|files| Address::from_word(keccak256(&files.name)));
        let mut payees: Vec<Address> = payees.collect();
        payees.pop();
        payees.push(refusing);
        let oracle = Oracle::at(oracle, evm.provider.clone());
        let puffer = Self { protocol, vault, oracle, guardian_module, payees, evm: evm.clone() };

        let mut actions = puffer.arrangements(threshold);
        actions.extend(puffer.roles(manager, manifest.guardians.iter().map(|files| files.account)));
        let stakes = ether(DEPOSITED) * U256::from(manifest.validators.len());
        actions.push(Action::call(vault, &Vault::depositETHCall { receiver: evm.account }).paying(stakes));
        let pubkeys = pubkeys(manifest)?;
        actions.extend(pubkeys.iter().map(|pubkey| puffer.registration(pubkey, threshold)));
        evm.send_all(actions).await?;
        puffer.provision(&pubkeys, &Signers::of_files(&manifest.guardians)?).await?;
        Ok(puffer)
    }

    /// Whom the module serves and lists, and the one module of validators.
    fn arrangements(&self, threshold: u16) -> Vec<Action> {
        // Nobody encrypts a share to these keys here: shares are on the guardians' disks already.
        let key = Bytes::from([vec![4], vec![0; 64]].concat());
        let listed = FrostGuardianModule::setGuardiansCall {
            guardians: self.payees.clone(),
            enclaveKeys: vec![key; self.payees.len()],
            threshold: U256::from(threshold),
        };
        let oracle = self.oracle.address;
        vec![
            Action::call(
                self.guardian_module,
                &FrostGuardianModule::setCallersCall { protocol: self.protocol, oracle },
            ),
            Action::call(self.guardian_module, &listed),
            Action::call(self.vault, &Vault::connectCall { oracle }),
            Action::call(self.protocol, &PufferProtocol::createPufferModuleCall { moduleName: MODULE }),
        ]
    }

    /// Puffer's roles: the protocol's own, the paymaster's, and that of `callers`, who bring counts.
    fn roles(&self, manager: Address, callers: impl Iterator<Item = Address>) -> Vec<Action> {
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
            of(oracle, oracle::COUNT, oracle::OPERATIONS),
        ];
        actions.extend(callers.map(|caller| grant(oracle::OPERATIONS, caller)));
        actions
    }

    /// A node operator pays bond and tickets in ether.
    fn registration(&self, pubkey: &BlsPubkey, threshold: u16) -> Action {
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
            moduleName: MODULE,
            pufETHPermit: none(),
            vtPermit: none(),
        };
        Action::call(self.protocol, &call).paying(U256::from(REGISTRATION))
    }

    /// All who wait get their deposit, each with the group's signature.
    async fn provision(&self, pubkeys: &[BlsPubkey], signers: &Signers) -> Result<()> {
        let protocol = PufferProtocol::new(self.protocol, &self.evm.provider);
        let module = protocol.getModuleAddress(MODULE).call().await?;
        let mut credentials = module.into_word();
        credentials.0[0] = 1;
        let epoch = KeyEpoch(1);
        // The stand-in's root of all deposits: the hash of the one before and the newest.
        let (mut root, mut actions) = (B256::ZERO, Vec::new());
        for (index, pubkey) in pubkeys.iter().enumerate() {
            let (key, signature) = (pubkey.to_vec().into(), NO_SIGNATURE.into());
            let deposit = protocol.getDepositDataRoot(key, signature, credentials.to_vec().into()).call().await?;
            let message = PufferMessage::Provisioning(Provisioning {
                index: U256::from(index),
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
            owed.push(module.owed(ETHER, *payee).call().await?);
            let call = FrostGuardianModule::collectFeesCall { token: ETHER, to: *payee };
            // A contract sends no transactions; what one of its calls would come to can be asked all the same.
            if module.collectFees(ETHER, *payee).from(*payee).call().await.is_err() {
                continue;
            }
            let done = self.evm.in_one_block(*payee, vec![Action::call(self.guardian_module, &call)]).await?;
            ensure!(done == [true], "{payee} could not collect its fees");
            ensure!(module.owed(ETHER, *payee).call().await?.is_zero(), "{payee} is owed them still");
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
