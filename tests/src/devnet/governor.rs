//! What the devnet's governor does to the contracts on a bad day.

use super::contracts::Deployment;
use alloy::{sol, sol_types::SolCall};
use eyre::{Result, ensure};

mod abi {
    use super::sol;

    sol! {
        #[sol(rpc)]
        interface ExitLimits {
            function pauseExits() external;
            function unpauseExits() external;
        }
    }
}

use abi::ExitLimits;

impl Deployment {
    /// No exit may be requested any more; orders and reports go on.
    ///
    /// # Errors
    /// If the EVM does not answer or the transaction fails.
    pub async fn pause_exits(&self) -> Result<()> {
        self.govern(ExitLimits::pauseExitsCall {}).await
    }

    /// They may again.
    ///
    /// # Errors
    /// If the EVM does not answer or the transaction fails.
    pub async fn unpause_exits(&self) -> Result<()> {
        self.govern(ExitLimits::unpauseExitsCall {}).await
    }

    async fn govern<C: SolCall>(&self, call: C) -> Result<()> {
        let succeeded = self.send(self.ejection_registry, call.abi_encode()).await?;
        ensure!(succeeded, "{} was refused", C::SIGNATURE);
        Ok(())
    }
}
