// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {DevnetModuleRequester} from "../src/devnet/DevnetModuleRequester.sol";
import {DevnetPuffer} from "../src/devnet/DevnetPuffer.sol";
import {DevnetQueue} from "../src/devnet/DevnetQueue.sol";
import {Predeploys} from "./Predeploys.sol";
import {PufferFixture} from "./PufferFixture.sol";

/// @title Exits that each module requests for its own validators, on EIP-7002's real contract
contract DevnetModuleRequesterTest is PufferFixture, Predeploys {
    uint64 private constant REQUESTER_ROLE = 1235;

    DevnetModuleRequester private requester;
    address private first;
    address private second;

    function setUp() public override(PufferFixture, Predeploys) {
        super.setUp();
        vm.prank(ADMIN);
        puffer.createPufferModule(SECOND);
        (first, second) = (puffer.getModuleAddress(NAME), puffer.getModuleAddress(SECOND));
        requester = new DevnetModuleRequester(address(registry), puffer);
        allow(address(puffer), DevnetPuffer.requestFullWithdrawals.selector, REQUESTER_ROLE, address(requester));
        vm.deal(address(registry), 1 ether);
    }

    function test_each_module_requests_for_its_own_validators() public {
        bytes memory keys = bytes.concat(pubkeyOf(1), pubkeyOf(2), pubkeyOf(3));
        vm.prank(address(registry));
        requester.requestFullWithdrawals{value: 3}(keys, 1, abi.encodePacked(first, second, first));
        bytes memory requests = bytes.concat(requestOf(first, 1), requestOf(second, 2), requestOf(first, 3));
        vm.assertEq(endBlock(), requests, "queue");
        vm.assertEq(WITHDRAWAL_REQUESTS.balance, 3, "fees");
        vm.assertEq(first.balance + second.balance + address(puffer).balance, 0, "nothing is kept");
    }

    function test_only_the_registry_asks_and_for_modules_alone() public {
        vm.expectRevert(abi.encodeWithSelector(DevnetModuleRequester.NotRegistry.selector, address(this)));
        requester.requestFullWithdrawals{value: 1}(pubkeyOf(1), 1, abi.encodePacked(first));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this)));
        puffer.requestFullWithdrawals{value: 1}(first, pubkeyOf(1), 1);
        vm.expectRevert(abi.encodeWithSelector(DevnetModuleRequester.WrongRouting.selector, 20, 40));
        vm.prank(address(registry));
        requester.requestFullWithdrawals{value: 2}(bytes.concat(pubkeyOf(1), pubkeyOf(2)), 1, abi.encodePacked(first));
        vm.expectRevert(abi.encodeWithSelector(DevnetQueue.NoSuchModule.selector, address(this)));
        vm.prank(address(registry));
        requester.requestFullWithdrawals{value: 1}(pubkeyOf(1), 1, abi.encodePacked(address(this)));
    }

    function requestOf(address module, uint256 number) private pure returns (bytes memory) {
        return abi.encodePacked(module, pubkeyOf(number), bytes8(0));
    }
}
