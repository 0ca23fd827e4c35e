// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {TicketPriceGate} from "../src/TicketPriceGate.sol";
import {IValidatorTicketPricer} from "../src/interfaces/IValidatorTicketPricer.sol";
import {StoppedValidatorInfo} from "../src/interfaces/IGuardianModule.sol";
import {Fixture} from "./Fixture.sol";

/// @title The digests, against vectors that the guardians' own software is tested with too
contract DigestsTest is Fixture {
    FrostGuardianModule private module;
    TicketPriceGate private gate;
    string private json;

    function setUp() public override {
        super.setUp();
        module = new FrostGuardianModule(keys, registry, GOVERNOR, SLOTS_PER_EPOCH);
        // The digest does not depend on the pricer: any contract will do.
        TicketPriceGate.Setup memory setup = TicketPriceGate.Setup(
            IValidatorTicketPricer(address(feed)), 0, 1, GENESIS_TIME, SECONDS_PER_SLOT, SLOTS_PER_EPOCH, address(0)
        );
        gate = new TicketPriceGate(keys, GOVERNOR, setup);
        json = vm.readFile("test/vectors/digests.json");
    }

    function test_every_shared_vector_has_the_digest_written_beside_it() public {
        uint256 count = 0;
        while (true) {
            string memory at = string.concat("$[", vm.toString(count), "]");
            if (!vm.keyExistsJson(json, at)) break;
            vm.chainId(number(at, ".chainId"));
            bytes32 expected = vm.parseJsonBytes32(json, string.concat(at, ".digest"));
            vm.assertEq(digestOf(at), expected, text(at, ".name"));
            count++;
        }
        vm.assertTrue(count >= 21, "vectors are missing");
    }

    function test_the_types_are_the_ones_in_the_vectors() public view {
        vm.assertEq(registry.EJECTION_ORDER_TYPEHASH(), typeHashIn("$[0]"), "EjectionOrder");
        vm.assertEq(feed.RESERVE_REPORT_TYPEHASH(), typeHashIn("$[3]"), "ReserveReport");
        vm.assertEq(keys.KEY_ROTATION_TYPEHASH(), typeHashIn("$[7]"), "KeyRotation");
    }

    function test_the_domain_is_the_contracts_own_and_follows_the_chain_id() public {
        vm.assertEq(registry.domainSeparator(), domainOf(address(registry), block.chainid), "registry");
        vm.assertEq(feed.domainSeparator(), domainOf(address(feed), block.chainid), "feed");
        vm.assertEq(keys.domainSeparator(), domainOf(address(keys), block.chainid), "keys");
        vm.chainId(560048);
        vm.assertEq(registry.domainSeparator(), domainOf(address(registry), 560048), "after a split of the chain");
    }

    function test_the_domain_can_be_read() public view {
        (, string memory name, string memory version, uint256 chainId, address verifyingContract,,) =
            registry.eip712Domain();
        vm.assertEq(bytes(name), bytes("Puffer Guardian"), "name");
        vm.assertEq(bytes(version), bytes("1"), "version");
        vm.assertEq(chainId, block.chainid, "chain id");
        vm.assertEq(verifyingContract, address(registry), "contract");
    }

    /// @dev Puts the contract's code where the vector says, and asks it.
    function digestOf(string memory at) private returns (bytes32) {
        address where = vm.parseJsonAddress(json, string.concat(at, ".verifyingContract"));
        bytes32 kind = keccak256(bytes(text(at, ".contract")));
        if (kind == keccak256("EjectionRegistry")) {
            vm.etch(where, address(registry).code);
            return EjectionRegistry(where)
                .hashOrder(
                    orderOf(
                        uint64(number(at, ".fields.keyEpoch")),
                        uint64(number(at, ".fields.referenceSlot")),
                        vm.parseJsonBytes32(json, string.concat(at, ".fields.referenceRoot")),
                        vm.parseJsonBytes(json, string.concat(at, ".fields.ejections"))
                    )
                );
        }
        if (kind == keccak256("ReserveFeed")) {
            vm.etch(where, address(feed).code);
            return ReserveFeed(where)
                .hashReport(
                    ReserveFeed.Report({
                    keyEpoch: uint64(number(at, ".fields.keyEpoch")),
                    referenceSlot: uint64(number(at, ".fields.referenceSlot")),
                    referenceRoot: vm.parseJsonBytes32(json, string.concat(at, ".fields.referenceRoot")),
                    sourcesVersion: uint64(number(at, ".fields.sourcesVersion")),
                    validatorCount: uint64(number(at, ".fields.validatorCount")),
                    validatorGwei: uint64(number(at, ".fields.validatorGwei")),
                    podGwei: uint64(number(at, ".fields.podGwei")),
                    vaultGwei: uint64(number(at, ".fields.vaultGwei")),
                    pendingGwei: uint64(number(at, ".fields.pendingGwei")),
                    liabilityGwei: uint64(number(at, ".fields.liabilityGwei")),
                    supplyGwei: uint64(number(at, ".fields.supplyGwei"))
                })
                );
        }
        if (kind == keccak256("FrostGuardianModule")) {
            vm.etch(where, address(module).code);
            return messageOf(FrostGuardianModule(payable(where)), at);
        }
        if (kind == keccak256("TicketPriceGate")) {
            vm.etch(where, address(gate).code);
            return priceOf(TicketPriceGate(where), at);
        }
        vm.assertEq(kind, keccak256("GuardianKeys"), "unknown contract");
        vm.etch(where, address(keys).code);
        if (keccak256(bytes(text(at, ".name"))) == keccak256("proposal")) {
            return GuardianKeys(where)
                .hashProposal(
                    uint64(number(at, ".fields.keyEpoch")),
                    uint64(number(at, ".fields.proposal")),
                    number(at, ".fields.px"),
                    number(at, ".fields.py")
                );
        }
        if (vm.keyExistsJson(json, string.concat(at, ".fields.proposal"))) {
            return GuardianKeys(where)
                .hashVeto(uint64(number(at, ".fields.keyEpoch")), uint64(number(at, ".fields.proposal")));
        }
        return GuardianKeys(where)
            .hashRotation(uint64(number(at, ".fields.keyEpoch")), number(at, ".fields.px"), number(at, ".fields.py"));
    }

    function priceOf(TicketPriceGate where, string memory at) private view returns (bytes32) {
        return where.hashPrice(
            TicketPriceGate.TicketPrice({
                keyEpoch: uint64(number(at, ".fields.keyEpoch")),
                referenceSlot: uint64(number(at, ".fields.referenceSlot")),
                referenceRoot: vm.parseJsonBytes32(json, string.concat(at, ".fields.referenceRoot")),
                rules: vm.parseJsonBytes32(json, string.concat(at, ".fields.rules")),
                previous: vm.parseJsonBytes32(json, string.concat(at, ".fields.previous")),
                mevPayouts: SafeCast.toUint104(number(at, ".fields.mevPayouts")),
                consensusRewards: SafeCast.toUint104(number(at, ".fields.consensusRewards")),
                clamped: vm.parseJsonBool(json, string.concat(at, ".fields.clamped"))
            })
        );
    }

    function messageOf(FrostGuardianModule where, string memory at) private view returns (bytes32) {
        uint64 epoch = uint64(number(at, ".fields.keyEpoch"));
        if (vm.keyExistsJson(json, string.concat(at, ".fields.skippedIndex"))) {
            bytes32 name = vm.parseJsonBytes32(json, string.concat(at, ".fields.moduleName"));
            return where.hashSkipProvisioning(epoch, name, number(at, ".fields.skippedIndex"));
        }
        if (vm.keyExistsJson(json, string.concat(at, ".fields.numberOfValidators"))) {
            return where.hashValidatorCount(
                epoch, number(at, ".fields.numberOfValidators"), number(at, ".fields.epochNumber")
            );
        }
        if (vm.keyExistsJson(json, string.concat(at, ".fields.validators"))) {
            return where.hashBatchWithdrawals(epoch, stoppedAt(at));
        }
        return where.hashProvisioning(
            epoch,
            number(at, ".fields.pufferModuleIndex"),
            vm.parseJsonBytes(json, string.concat(at, ".fields.pubKey")),
            vm.parseJsonBytes(json, string.concat(at, ".fields.signature")),
            vm.parseJsonBytes(json, string.concat(at, ".fields.withdrawalCredentials")),
            vm.parseJsonBytes32(json, string.concat(at, ".fields.depositDataRoot"))
        );
    }

    function stoppedAt(string memory at) private view returns (StoppedValidatorInfo[] memory infos) {
        infos = new StoppedValidatorInfo[](3);
        for (uint256 i = 0; i < 3; ++i) {
            string memory one = string.concat(at, ".fields.validators[", vm.toString(i), "]");
            infos[i] = StoppedValidatorInfo({
                module: vm.parseJsonAddress(json, string.concat(one, ".module")),
                startEpoch: number(one, ".startEpoch"),
                endEpoch: number(one, ".endEpoch"),
                wasSlashed: vm.parseJsonBool(json, string.concat(one, ".wasSlashed")),
                moduleName: vm.parseJsonBytes32(json, string.concat(one, ".moduleName")),
                pufferModuleIndex: number(one, ".pufferModuleIndex"),
                withdrawalAmount: number(one, ".withdrawalAmount")
            });
        }
    }

    function domainOf(address verifyingContract, uint256 chainId) private pure returns (bytes32) {
        bytes32 typeHash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 name = keccak256("Puffer Guardian");
        return keccak256(abi.encode(typeHash, name, keccak256("1"), chainId, verifyingContract));
    }

    function typeHashIn(string memory at) private view returns (bytes32) {
        return keccak256(bytes(text(at, ".type")));
    }

    function number(string memory at, string memory key) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(at, key));
    }

    function text(string memory at, string memory key) private view returns (string memory) {
        return vm.parseJsonString(json, string.concat(at, key));
    }
}
