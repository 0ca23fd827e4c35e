// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Plan} from "../script/Plan.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {ReserveProxy} from "../src/ReserveProxy.sol";
import {TicketPriceGate} from "../src/TicketPriceGate.sol";
import {Shares} from "./Fixture.sol";

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
        vm.etch(vm.parseJsonAddress(json, "$.plan.liability_token"), type(Shares).runtimeCode);
        vm.etch(vm.parseJsonAddress(json, "$.plan.ticket_pricer"), hex"00");
    }

    function test_addresses_are_those_of_the_vector() public view {
        Creation[] memory all = creationsOf(json, "$.plan");
        string[6] memory names = [
            "guardian_keys",
            "ejection_registry",
            "reserve_feed",
            "reserve_proxy",
            "guardian_module",
            "ticket_price_gate"
        ];
        for (uint256 i = 0; i < 6; ++i) {
            address expected = vm.parseJsonAddress(json, string.concat("$.", names[i]));
            vm.assertEq(all[i].where, expected, names[i]);
        }
    }

    function test_the_factory_makes_what_the_plan_says() public {
        Creation[] memory all = creationsOf(json, "$.plan");
        for (uint256 i = 0; i < 6; ++i) {
            (bool success,) = FACTORY.call(all[i].data);
            vm.assertTrue(success && all[i].where.code.length != 0, "created");
        }
        GuardianKeys keys = GuardianKeys(all[0].where);
        EjectionRegistry registry = EjectionRegistry(all[1].where);
        ReserveFeed feed = ReserveFeed(all[2].where);
        FrostGuardianModule module = FrostGuardianModule(payable(all[4].where));
        ReserveProxy proxy = ReserveProxy(all[3].where);
        TicketPriceGate gate = TicketPriceGate(all[5].where);
        address governor = vm.parseJsonAddress(json, "$.plan.governor");
        vm.assertTrue(keys.owner() == governor && registry.owner() == governor, "governor");
        vm.assertTrue(feed.owner() == governor && module.owner() == governor, "governor");
        vm.assertTrue(proxy.owner() == governor && gate.owner() == governor, "governor");
        vm.assertTrue(address(proxy.feed()) == address(feed) && gate.keys() == keys, "the feed, and the keys");
        vm.assertTrue(proxy.delay() == 2 days && gate.maxDaily() == 0.02 ether, "numbers");
        vm.assertTrue(
            gate.frameSlots() == 7200 && gate.rules() == bytes32(uint256(0xc3) * (type(uint256).max / 255)), "rules"
        );
        vm.assertEq(registry.maxEjectionThreshold(), 31.9 ether, "highest threshold");
        vm.assertTrue(registry.keys() == keys && feed.keys() == keys && module.keys() == keys, "keys");
        vm.assertEq(keys.vetoer(), vm.parseJsonAddress(json, "$.plan.vetoer"), "vetoer");
        vm.assertEq(module.getEjectionThreshold(), 31.75 ether, "threshold");
        vm.assertEq(feed.heartbeat(), 86_400, "heartbeat");
        vm.assertEq(feed.intervalSlots(), 7200, "interval");
        vm.assertEq(feed.getSources().vaults.length, 1, "vaults");
    }

    function test_without_a_pricer_there_is_no_gate() public view {
        string memory without = vm.replace(
            json, vm.parseJsonString(json, "$.plan.ticket_pricer"), "0x0000000000000000000000000000000000000000"
        );
        vm.assertEq(creationsOf(without, "$.plan").length, 5, "contracts");
    }
}
