// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Plan} from "../script/Plan.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";

/// @title A plan, its addresses, and what comes to be there
contract DeploymentTest is Plan {
    /// @dev The factory's code, as it is on every chain that has it.
    bytes private constant FACTORY_CODE =
        hex"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3";

    string private json;

    function setUp() public {
        json = vm.readFile("test/vectors/deployment.json");
        vm.etch(FACTORY, FACTORY_CODE);
        vm.etch(0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02, hex"00");
        vm.etch(0x00000961Ef480Eb55e80D19ad83579A64c007002, hex"00");
    }

    function test_addresses_are_those_of_the_vector() public view {
        Creation[4] memory all = creationsOf(json, "$.plan");
        string[4] memory names = ["guardian_keys", "ejection_registry", "reserve_feed", "guardian_module"];
        for (uint256 i = 0; i < 4; ++i) {
            address expected = vm.parseJsonAddress(json, string.concat("$.", names[i]));
            vm.assertEq(all[i].where, expected, names[i]);
        }
    }

    function test_the_factory_makes_what_the_plan_says() public {
        Creation[4] memory all = creationsOf(json, "$.plan");
        for (uint256 i = 0; i < 4; ++i) {
            (bool success,) = FACTORY.call(all[i].data);
            vm.assertTrue(success && all[i].where.code.length != 0, "created");
        }
        GuardianKeys keys = GuardianKeys(all[0].where);
        EjectionRegistry registry = EjectionRegistry(all[1].where);
        ReserveFeed feed = ReserveFeed(all[2].where);
        FrostGuardianModule module = FrostGuardianModule(payable(all[3].where));
        address governor = vm.parseJsonAddress(json, "$.plan.governor");
        vm.assertTrue(keys.owner() == governor && registry.owner() == governor, "governor");
        vm.assertTrue(feed.owner() == governor && module.owner() == governor, "governor");
        vm.assertTrue(registry.keys() == keys && feed.keys() == keys && module.keys() == keys, "keys");
        vm.assertEq(keys.vetoer(), vm.parseJsonAddress(json, "$.plan.vetoer"), "vetoer");
        vm.assertEq(module.getEjectionThreshold(), 31.75 ether, "threshold");
        vm.assertEq(feed.heartbeat(), 86_400, "heartbeat");
        vm.assertEq(feed.intervalSlots(), 7200, "interval");
        vm.assertEq(feed.getSources().vaults.length, 1, "vaults");
    }
}
