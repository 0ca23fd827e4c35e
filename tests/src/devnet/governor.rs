//! What the devnet's governor and vetoer do to the contracts on a bad day. Over the feed the governor has a timelock.

use super::{consumers, contracts::Deployment, evm::Action, feed::Stored, plan};
use alloy::{
    primitives::{Address, B256, U256},
    sol,
    sol_types::{SolCall, SolValue},
};
use eyre::{Result, WrapErr};
use std::time::{Duration, Instant};

#[allow(missing_docs, clippy::allow_attributes_without_reason, reason = "generated from the interfaces")]
mod abi {
    use super::sol;

    sol! {
        interface ExitLimits {
            function pauseExits() external;
            function unpauseExits() external;
        }
        interface GuardianKeys {
            function pause() external;
            function unpause() external;
        }
        #[derive(Debug)]
        struct Bounds { uint64 minAssets; uint64 maxAssets; uint64 minLiabilities; uint64 maxLiabilities; uint64 untilSlot; }
        interface ReserveFeed {
            function transferOwnership(address newOwner) external;
            function acceptOwnership() external;
            function contest(uint64 referenceSlot) external;
            function setBounds(Bounds calldata newBounds) external;
        }
        #[sol(rpc)]
        interface TimelockController {
            function schedule(address target, uint256 value, bytes calldata data, bytes32 predecessor, bytes32 salt, uint256 delay) external;
            function execute(address target, uint256 value, bytes calldata payload, bytes32 predecessor, bytes32 salt) external payable;
        }
    }
}

use abi::{Bounds, ExitLimits, GuardianKeys, ReserveFeed, TimelockController};

/// Seconds for which the timelock waits; days, where it matters.
pub(super) const DELAY: u64 = 3;
/// Slots for which it expects what it once says that it does.
const EXPECTED: u64 = 1_000;

/// The timelock to be created, in which `governor` alone proposes and executes.
pub(super) fn timelock(governor: Address) -> Result<Action> {
    let alone = vec![governor];
    Action::contract("TimelockController", (U256::from(DELAY), alone.clone(), alone, Address::ZERO).abi_encode_params())
}

/// The governor's half of handing `feed` over to `timelock`; the other is [`Deployment::accept_feed`].
pub(super) fn hand_over(feed: Address, timelock: Address) -> [Action; 2] {
    let transfer = ReserveFeed::transferOwnershipCall { newOwner: timelock };
    [Action::call(feed, &transfer), schedule(feed, timelock, &ReserveFeed::acceptOwnershipCall {})]
}

fn schedule<C: SolCall>(feed: Address, timelock: Address, call: &C) -> Action {
    let call = TimelockController::scheduleCall {
        target: feed,
        value: U256::ZERO,
        data: call.abi_encode().into(),
        predecessor: B256::ZERO,
        salt: B256::ZERO,
        delay: U256::from(DELAY),
    };
    Action::call(timelock, &call)
}

impl Deployment {
    /// No exit may be requested any more; orders and reports go on.
    ///
    /// # Errors
    /// If the EVM does not answer or the transaction fails.
    pub async fn pause_exits(&self) -> Result<()> {
        self.govern(self.ejection_registry, &ExitLimits::pauseExitsCall {}).await
    }

    /// They may again.
    ///
    /// # Errors
    /// If the EVM does not answer or the transaction fails.
    pub async fn unpause_exits(&self) -> Result<()> {
        self.govern(self.ejection_registry, &ExitLimits::unpauseExitsCall {}).await
    }

    /// The vetoer pauses the keys and takes back the report of `slot`, and somebody else uses the consumer before, between and after, all in
    /// one block: whether each of the five succeeded.
    ///
    /// # Errors
    /// If the EVM does not answer.
    pub async fn pause_and_retract(&self, slot: u64) -> Result<Vec<bool>> {
        let mint = || consumers::mint(self.consumer);
        let pause = Action::call(self.guardian_keys, &GuardianKeys::pauseCall {});
        let contest = Action::call(self.reserve_feed, &ReserveFeed::contestCall { referenceSlot: slot });
        self.evm.in_one_block(plan::vetoer(), vec![mint(), pause, mint(), contest, mint()]).await
    }

    /// Signatures count again.
    ///
    /// # Errors
    /// If the EVM does not answer or the transaction fails.
    pub async fn unpause(&self) -> Result<()> {
        self.govern(self.guardian_keys, &GuardianKeys::unpauseCall {}).await
    }

    /// The timelock says that it expects reports within a twentieth of this one. Returns the number of the block in which it does.
    ///
    /// # Errors
    /// If the EVM does not answer, or the timelock does not let it pass in time.
    pub(super) async fn expect(&self, report: &Stored) -> Result<u64> {
        let around = |gwei: u64| (gwei.saturating_sub(gwei / 20), gwei.saturating_add(gwei / 20));
        let assets = around(report.validatorGwei.saturating_add(report.otherGwei));
        let liabilities = around(report.liabilityGwei);
        let bounds = Bounds {
            minAssets: assets.0,
            maxAssets: assets.1,
            minLiabilities: liabilities.0,
            maxLiabilities: liabilities.1,
            untilSlot: report.referenceSlot.saturating_add(EXPECTED),
        };
        let call = ReserveFeed::setBoundsCall { newBounds: bounds };
        self.evm.send_all(vec![schedule(self.reserve_feed, self.timelock, &call)]).await?;
        self.execute(&call).await
    }

    /// The timelock takes the feed that was handed over to it.
    ///
    /// # Errors
    /// As [`Deployment::expect`].
    pub(super) async fn accept_feed(&self) -> Result<()> {
        self.execute(&ReserveFeed::acceptOwnershipCall {}).await?;
        Ok(())
    }

    /// Has the timelock do what was scheduled, as soon as it does.
    async fn execute<C: SolCall>(&self, call: &C) -> Result<u64> {
        let call = TimelockController::executeCall {
            target: self.reserve_feed,
            value: U256::ZERO,
            payload: call.abi_encode().into(),
            predecessor: B256::ZERO,
            salt: B256::ZERO,
        };
        let timelock = TimelockController::new(self.timelock, &self.provider);
        let started = Instant::now();
        while let Err(error) = timelock.call_builder(&call).from(self.evm.account).call().await {
            if started.elapsed() > Duration::from_secs(60) {
                return Err(error).wrap_err("the timelock waits too long");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.evm.send_all(vec![Action::call(self.timelock, &call)]).await
    }

    async fn govern<C: SolCall>(&self, contract: Address, call: &C) -> Result<()> {
        self.evm.send_all(vec![Action::call(contract, call)]).await.wrap_err(C::SIGNATURE)?;
        Ok(())
    }
}
