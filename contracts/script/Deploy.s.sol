// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Plan} from "./Plan.sol";

/// @title Deploys a plan
/// @notice `node forge.mjs script script/Deploy.s.sol --sig "run(string)" deployments/plan.json --rpc-url <url> --broadcast
/// --private-key <key>`. What exists is passed over, so it can be run again. `guardian contracts deploy` does the same and
/// writes the record of the deployment.
contract Deploy is Plan {
    /// @notice The plan is for another chain.
    error OtherChain(uint256 plan, uint256 chain);
    /// @notice The chain has no factory at its address.
    error NoFactory();
    /// @notice A contract was not created: its constructor refused.
    error NotCreated(uint256 number, address where);

    /// @param path of the plan
    function run(string calldata path) external {
        string memory json = vm.readFile(path);
        uint256 chain = vm.parseJsonUint(json, "$.chain_id");
        if (chain != block.chainid) revert OtherChain(chain, block.chainid);
        if (FACTORY.code.length == 0) revert NoFactory();
        Creation[] memory all = creationsOf(json, "$");
        vm.startBroadcast();
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i].where.code.length != 0) continue;
            (bool success,) = FACTORY.call(all[i].data);
            if (!success || all[i].where.code.length == 0) revert NotCreated(i, all[i].where);
        }
        vm.stopBroadcast();
    }
}
