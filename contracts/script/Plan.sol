// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EjectionRegistry} from "../src/EjectionRegistry.sol";
import {FrostGuardianModule} from "../src/FrostGuardianModule.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {ReserveFeed} from "../src/ReserveFeed.sol";
import {ReservePolicy} from "../src/ReservePolicy.sol";
import {ReserveProxy} from "../src/ReserveProxy.sol";
import {TicketPriceGate} from "../src/TicketPriceGate.sol";
import {IValidatorTicketPricer} from "../src/interfaces/IValidatorTicketPricer.sol";
import {Vm} from "../test/Vm.sol";

/// @title A deployment plan, and the contracts that follow from it
/// @notice The same plan file, addresses and transactions as `guardian contracts deploy`.
abstract contract Plan {
    /// @dev One contract: where it comes to be, and what the factory is called with.
    struct Creation {
        address where;
        bytes data;
    }

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    /// @dev The deterministic deployment proxy.
    address internal constant FACTORY = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    /// @dev The contracts in the order in which they must be created. A gate only where there is a pricer.
    function creationsOf(string memory json, string memory at) internal pure returns (Creation[] memory all) {
        bytes32 salt = vm.parseJsonBytes32(json, string.concat(at, ".salt"));
        address governor = vm.parseJsonAddress(json, string.concat(at, ".governor"));
        address pricer = vm.parseJsonAddress(json, string.concat(at, ".ticket_pricer"));
        all = new Creation[](pricer == address(0) ? 5 : 6);
        all[0] = create(salt, type(GuardianKeys).creationCode, keysArguments(json, at, governor));
        address keys = all[0].where;
        bytes memory registry = registryArguments(json, at, keys, governor);
        all[1] = create(salt, type(EjectionRegistry).creationCode, registry);
        all[2] = create(salt, type(ReserveFeed).creationCode, feedArguments(json, at, keys, governor));
        bytes memory proxy = abi.encode(all[2].where, governor, number(json, at, ".proxy_delay"));
        all[3] = create(salt, type(ReserveProxy).creationCode, proxy);
        bytes memory module = abi.encode(keys, all[1].where, governor, number(json, at, ".slots_per_epoch"));
        all[4] = create(salt, type(FrostGuardianModule).creationCode, module);
        if (pricer == address(0)) return all;
        all[5] = create(salt, type(TicketPriceGate).creationCode, gateArguments(json, at, keys, governor, pricer));
    }

    function create(bytes32 salt, bytes memory code, bytes memory arguments) private pure returns (Creation memory) {
        code = bytes.concat(code, arguments);
        bytes32 hash = keccak256(abi.encodePacked(bytes1(0xff), FACTORY, salt, keccak256(code)));
        return Creation(address(uint160(uint256(hash))), bytes.concat(salt, code));
    }

    function keysArguments(string memory json, string memory at, address governor) private pure returns (bytes memory) {
        return abi.encode(
            vm.parseJsonBytes32(json, string.concat(at, ".group_key.px")),
            vm.parseJsonBytes32(json, string.concat(at, ".group_key.py")),
            governor,
            vm.parseJsonAddress(json, string.concat(at, ".vetoer")),
            number(json, at, ".key_delay")
        );
    }

    function registryArguments(string memory json, string memory at, address keys, address governor)
        private
        pure
        returns (bytes memory)
    {
        EjectionRegistry.Setup memory setup = EjectionRegistry.Setup({
            ejectionThreshold: vm.parseJsonUint(json, string.concat(at, ".ejection_threshold")),
            maxEjectionThreshold: vm.parseJsonUint(json, string.concat(at, ".max_ejection_threshold")),
            genesisTime: number(json, at, ".genesis_time"),
            secondsPerSlot: number(json, at, ".seconds_per_slot"),
            beaconRoots: vm.parseJsonAddress(json, string.concat(at, ".beacon_roots")),
            withdrawalRequests: vm.parseJsonAddress(json, string.concat(at, ".withdrawal_requests"))
        });
        return abi.encode(keys, governor, setup);
    }

    function gateArguments(string memory json, string memory at, address keys, address governor, address pricer)
        private
        pure
        returns (bytes memory)
    {
        TicketPriceGate.Setup memory setup = TicketPriceGate.Setup({
            pricer: IValidatorTicketPricer(pricer),
            rules: vm.parseJsonBytes32(json, string.concat(at, ".ticket_rules")),
            maxDaily: SafeCast.toUint104(vm.parseJsonUint(json, string.concat(at, ".ticket_max_daily"))),
            genesisTime: number(json, at, ".genesis_time"),
            secondsPerSlot: number(json, at, ".seconds_per_slot"),
            slotsPerEpoch: number(json, at, ".slots_per_epoch"),
            beaconRoots: vm.parseJsonAddress(json, string.concat(at, ".beacon_roots"))
        });
        return abi.encode(keys, governor, setup);
    }

    function feedArguments(string memory json, string memory at, address keys, address governor)
        private
        pure
        returns (bytes memory)
    {
        ReserveFeed.Clock memory clock = ReserveFeed.Clock({
            genesisTime: number(json, at, ".genesis_time"),
            secondsPerSlot: number(json, at, ".seconds_per_slot"),
            slotsPerEpoch: number(json, at, ".slots_per_epoch"),
            reportPeriodEpochs: number(json, at, ".report_period"),
            heartbeat: number(json, at, ".heartbeat"),
            historyEpochs: number(json, at, ".history_epochs"),
            beaconRoots: vm.parseJsonAddress(json, string.concat(at, ".beacon_roots"))
        });
        ReservePolicy.Sources memory sources = ReservePolicy.Sources({
            vaults: vm.parseJsonAddressArray(json, string.concat(at, ".vaults")),
            pods: vm.parseJsonAddressArray(json, string.concat(at, ".pods")),
            liabilityToken: vm.parseJsonAddress(json, string.concat(at, ".liability_token"))
        });
        return abi.encode(keys, governor, clock, number(json, at, ".max_change_bps"), sources);
    }

    function number(string memory json, string memory at, string memory key) private pure returns (uint64) {
        return SafeCast.toUint64(vm.parseJsonUint(json, string.concat(at, key)));
    }
}
