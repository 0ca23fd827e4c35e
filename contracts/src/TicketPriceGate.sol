// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {BeaconClock, InvalidClock} from "./BeaconClock.sol";
import {Signature} from "./FrostVerifier.sol";
import {Governed} from "./Governed.sol";
import {GuardianKeys} from "./GuardianKeys.sol";
import {GuardianSigned, StaleReferenceSlot} from "./GuardianSigned.sol";
import {IValidatorTicketPricer} from "./interfaces/IValidatorTicketPricer.sol";

/// @title The price of a validator ticket, by the guardians' signature
/// @notice Holds the role that may post to Puffer's ValidatorTicketPricer, and posts what the guardians signed: what a
/// validator earns in a day, computed from the blocks of one frame of {FRAME_EPOCHS} epochs. Anybody may submit; a frame is
/// posted once, none after a later one, and within {WINDOW} slots of its end.
///
/// Each price names the one before it, so that whoever has them all can check that none is missing, and the rules by which it
/// was computed, so that guardians of two versions never make one signature of two rules. The limits of a change are the
/// pricer's: guardians clamp both values to it, and say so.
contract TicketPriceGate is GuardianSigned, BeaconClock, Governed {
    /// @notice What the guardians sign.
    /// @param keyEpoch key epoch under which it is signed
    /// @param referenceSlot last slot of the frame
    /// @param referenceRoot root of the last beacon block of the frame
    /// @param rules {rules} by which it was computed
    /// @param previous digest of the price before it, {lastPrice}
    /// @param mevPayouts wei that a validator earns in a day from the blocks that it builds
    /// @param consensusRewards wei that it earns in a day on the beacon chain
    /// @param clamped whether a value was changed to what the pricer tolerates
    struct TicketPrice {
        uint64 keyEpoch;
        uint64 referenceSlot;
        bytes32 referenceRoot;
        bytes32 rules;
        bytes32 previous;
        uint104 mevPayouts;
        uint104 consensusRewards;
        bool clamped;
    }

    /// @dev The parts of the gate. One struct, because constructors run out of stack. `maxDaily` is wei.
    struct Setup {
        IValidatorTicketPricer pricer;
        bytes32 rules;
        uint104 maxDaily;
        uint64 genesisTime;
        uint64 secondsPerSlot;
        uint64 slotsPerEpoch;
        address beaconRoots;
    }

    /// @notice Struct type of a price.
    bytes32 public constant TICKET_PRICE_TYPEHASH = keccak256(
        "TicketPrice(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,bytes32 rules,bytes32 previous,uint104 mevPayouts,uint104 consensusRewards,bool clamped)"
    );
    /// @notice Epochs in a frame: a day on mainnet.
    uint64 public constant FRAME_EPOCHS = 225;

    /// @notice Puffer's pricer.
    IValidatorTicketPricer public immutable pricer;
    /// @notice Slots in a frame.
    uint64 public immutable frameSlots;

    /// @notice Last slot of the last frame whose price was posted; 0 before the first.
    uint64 public lastReferenceSlot;
    /// @notice Most wei that a validator can earn in a day: a pricer without a tolerance would take the whole network's income.
    uint104 public maxDaily;
    /// @notice Digest of the last price; 0 before the first.
    bytes32 public lastPrice;
    /// @notice Names the rules by which guardians compute prices: a digest of what they agreed on.
    bytes32 public rules;

    /// @notice A price was posted.
    /// @param referenceSlot last slot of its frame
    /// @param digest what the guardians signed
    /// @param mevPayouts wei
    /// @param consensusRewards wei
    /// @param clamped whether a value was changed to what the pricer tolerates
    event TicketPricePosted(
        uint64 indexed referenceSlot, bytes32 digest, uint104 mevPayouts, uint104 consensusRewards, bool clamped
    );
    /// @notice The governor changed the rules.
    /// @param oldRules the old ones
    /// @param newRules the new ones
    event RulesChanged(bytes32 oldRules, bytes32 newRules);
    /// @notice The governor changed the most that a validator can earn.
    /// @param oldMax wei in a day
    /// @param newMax wei in a day
    event MaxDailyChanged(uint104 oldMax, uint104 newMax);

    /// @notice The pricer has no code.
    /// @param account its address
    error PricerWithoutCode(address account);
    /// @notice The reference slot is not the last one of a frame.
    /// @param given the reference slot submitted
    error NotFrameEnd(uint64 given);
    /// @notice The price was computed by other rules.
    /// @param given the rules signed
    /// @param current the rules that count
    error OtherRules(bytes32 given, bytes32 current);
    /// @notice The price follows another than the last one.
    /// @param given the digest signed
    /// @param last the last price's
    error OtherPrevious(bytes32 given, bytes32 last);
    /// @notice A validator earns nothing, or more than {maxDaily}.
    /// @param daily wei in a day
    error InvalidPrice(uint256 daily);

    /// @param keys_ the guardians' key
    /// @param governor who may set the rules and the most that a validator can earn
    /// @param setup pricer, first rules, most wei in a day, genesis time, seconds in a slot, slots in an epoch, EIP-4788's
    /// contract or 0
    constructor(GuardianKeys keys_, address governor, Setup memory setup)
        GuardianSigned(keys_)
        BeaconClock(setup.genesisTime, setup.secondsPerSlot, setup.beaconRoots)
        Governed(governor)
    {
        if (address(setup.pricer).code.length == 0) revert PricerWithoutCode(address(setup.pricer));
        if (setup.slotsPerEpoch == 0) revert InvalidClock();
        pricer = setup.pricer;
        frameSlots = FRAME_EPOCHS * setup.slotsPerEpoch;
        (rules, maxDaily) = (setup.rules, setup.maxDaily);
    }

    /// @notice Posts a price.
    /// @param price the price
    /// @param signature of the group key over {hashPrice}
    function submitPrice(TicketPrice calldata price, Signature calldata signature) external {
        uint64 slot = price.referenceSlot;
        if (slot <= lastReferenceSlot) revert StaleReferenceSlot(slot, lastReferenceSlot);
        if (slot % frameSlots != frameSlots - 1) revert NotFrameEnd(slot);
        if (price.rules != rules) revert OtherRules(price.rules, rules);
        if (price.previous != lastPrice) revert OtherPrevious(price.previous, lastPrice);
        uint256 daily = uint256(price.mevPayouts) + price.consensusRewards;
        if (daily == 0 || daily > maxDaily) revert InvalidPrice(daily);
        _requireReference(slot, price.referenceRoot);
        bytes32 digest = hashPrice(price);
        _requireSignature(price.keyEpoch, 0, digest, signature);
        (lastReferenceSlot, lastPrice) = (slot, digest);
        emit TicketPricePosted(slot, digest, price.mevPayouts, price.consensusRewards, price.clamped);
        pricer.setDailyRewardsAndPostMintPrice(price.mevPayouts, price.consensusRewards);
    }

    /// @notice Sets the rules by which guardians compute prices. A price that was signed under other rules does not count any more.
    /// @param newRules a digest of what they agreed on
    function setRules(bytes32 newRules) external onlyOwner {
        emit RulesChanged(rules, newRules);
        rules = newRules;
    }

    /// @notice Sets the most that a validator can earn.
    /// @param newMax wei in a day
    function setMaxDaily(uint104 newMax) external onlyOwner {
        emit MaxDailyChanged(maxDaily, newMax);
        maxDaily = newMax;
    }

    /// @notice The digest that the guardians sign for a price. The gate's address stands in the domain, and with it the pricer.
    /// @param price the price
    /// @return the EIP-712 digest
    function hashPrice(TicketPrice calldata price) public view returns (bytes32) {
        // Members of one word each: the ABI encoding is EIP-712's.
        return _hashTypedDataV4(keccak256(abi.encode(TICKET_PRICE_TYPEHASH, price)));
    }
}
