// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {FutureReferenceSlot, InvalidClock, ReferenceSlotTooOld, WrongReferenceRoot} from "../src/BeaconClock.sol";
import {Signature} from "../src/FrostVerifier.sol";
import {GuardianKeys} from "../src/GuardianKeys.sol";
import {StaleReferenceSlot} from "../src/GuardianSigned.sol";
import {TicketPriceGate} from "../src/TicketPriceGate.sol";
import {IValidatorTicketPricer} from "../src/interfaces/IValidatorTicketPricer.sol";
import {FrostSigner} from "./FrostSigner.sol";
import {Predeploys} from "./Predeploys.sol";

/// @dev Puffer's pricer, as far as the gate meets it: one poster, a tolerance, and a price of what was set.
contract Pricer is IValidatorTicketPricer {
    uint256 private constant BPS = 10_000;

    address public immutable poster;
    uint256 public immutable toleranceBps;
    uint256 public mev;
    uint256 public consensus;

    error InvalidValue();
    error Unauthorized();

    constructor(address poster_, uint256 toleranceBps_) {
        (poster, toleranceBps) = (poster_, toleranceBps_);
    }

    function setDailyRewardsAndPostMintPrice(uint104 newMev, uint104 newConsensus) external {
        if (msg.sender != poster) revert Unauthorized();
        if (!near(mev, newMev) || !near(consensus, newConsensus)) revert InvalidValue();
        (mev, consensus) = (newMev, newConsensus);
    }

    function near(uint256 old, uint256 next) private view returns (bool) {
        uint256 change = old > next ? old - next : next - old;
        return old == 0 || change <= old * toleranceBps / BPS;
    }
}

/// @title Prices of tickets that guardians signed
contract TicketPriceGateTest is Predeploys {
    uint64 private constant FRAME = 225 * 32;
    /// @dev The last slot of a frame.
    uint64 private constant END = FIRST_SLOT / FRAME * FRAME + FRAME - 1;
    bytes32 private constant RULES = keccak256("rules 1");
    uint104 private constant MEV = 921_210_368_400_140;
    uint104 private constant CONSENSUS = 2_671_196_408_239_692;

    Pricer private pricer;
    TicketPriceGate private gate;

    function setUp() public override {
        super.setUp();
        // The address of the gate, which is created next.
        pricer = new Pricer(vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1), 2000);
        gate = newGate(pricer, SLOTS_PER_EPOCH);
        endFrame(END);
    }

    function test_a_signed_price_is_posted_by_anybody() public {
        TicketPriceGate.TicketPrice memory price = priceAt(END);
        bytes32 digest = gate.hashPrice(price);
        Signature memory signature = FrostSigner.sign(SECRET, digest);
        vm.expectEmit(address(gate));
        emit TicketPriceGate.TicketPricePosted(END, digest, MEV, CONSENSUS, false);
        vm.prank(STRANGER);
        gate.submitPrice(price, signature);
        vm.assertEq(pricer.mev(), MEV, "block payments");
        vm.assertEq(pricer.consensus(), CONSENSUS, "consensus rewards");
        vm.assertEq(gate.lastReferenceSlot(), END, "last frame");
        vm.assertEq(gate.lastPrice(), digest, "last price");
        expectRefused(price, abi.encodeWithSelector(StaleReferenceSlot.selector, END, END));
    }

    function test_prices_form_a_chain_and_a_frame_may_be_left_out() public {
        submitPrice(priceAt(END));
        endFrame(END + 2 * FRAME);
        TicketPriceGate.TicketPrice memory next = priceAt(END + 2 * FRAME);
        expectRefused(
            next, abi.encodeWithSelector(TicketPriceGate.OtherPrevious.selector, bytes32(0), gate.lastPrice())
        );
        next.previous = gate.lastPrice();
        submitPrice(next);
        TicketPriceGate.TicketPrice memory late = priceAt(END + FRAME);
        late.previous = gate.lastPrice();
        expectRefused(late, abi.encodeWithSelector(StaleReferenceSlot.selector, END + FRAME, END + 2 * FRAME));
    }

    function testFuzz_a_price_is_of_a_whole_frame(uint64 slot) public {
        slot = uint64(bound(slot, 1, type(uint64).max));
        vm.assume(slot % FRAME != FRAME - 1);
        expectRefused(priceAt(slot), abi.encodeWithSelector(TicketPriceGate.NotFrameEnd.selector, slot));
    }

    function test_a_frame_that_is_not_over_or_over_too_long_is_refused() public {
        uint64 next = END + FRAME;
        expectRefused(priceAt(next), abi.encodeWithSelector(FutureReferenceSlot.selector, next, timeOf(next)));
        vm.warp(timeOf(END) + 8191 * 12 + 1);
        expectRefused(priceAt(END), abi.encodeWithSelector(ReferenceSlotTooOld.selector, END, timeOf(END)));
    }

    function test_a_price_of_another_history_is_refused() public {
        TicketPriceGate.TicketPrice memory price = priceAt(END);
        price.referenceRoot = keccak256("other");
        expectRefused(price, abi.encodeWithSelector(WrongReferenceRoot.selector, price.referenceRoot, ROOT));
    }

    function test_a_price_by_other_rules_is_refused() public {
        TicketPriceGate.TicketPrice memory price = priceAt(END);
        bytes32 next = keccak256("rules 2");
        vm.expectEmit(address(gate));
        emit TicketPriceGate.RulesChanged(RULES, next);
        vm.prank(GOVERNOR);
        gate.setRules(next);
        expectRefused(price, abi.encodeWithSelector(TicketPriceGate.OtherRules.selector, RULES, next));
        price.rules = next;
        submitPrice(price);
    }

    function test_a_price_of_nothing_or_of_the_whole_network_is_refused() public {
        TicketPriceGate.TicketPrice memory price = priceAt(END);
        (price.mevPayouts, price.consensusRewards) = (0, 0);
        expectRefused(price, abi.encodeWithSelector(TicketPriceGate.InvalidPrice.selector, 0));
        (price.mevPayouts, price.consensusRewards) = (0.004 ether, 0.006 ether + 1);
        expectRefused(price, abi.encodeWithSelector(TicketPriceGate.InvalidPrice.selector, 0.01 ether + 1));
        vm.expectEmit(address(gate));
        emit TicketPriceGate.MaxDailyChanged(0.01 ether, 0.02 ether);
        vm.prank(GOVERNOR);
        gate.setMaxDaily(0.02 ether);
        submitPrice(price);
    }

    function test_what_the_pricer_does_not_tolerate_leaves_no_trace() public {
        submitPrice(priceAt(END));
        bytes32 last = gate.lastPrice();
        endFrame(END + FRAME);
        TicketPriceGate.TicketPrice memory price = priceAt(END + FRAME);
        (price.previous, price.mevPayouts) = (last, MEV * 2);
        expectRefused(price, abi.encodeWithSelector(Pricer.InvalidValue.selector));
        vm.assertEq(gate.lastPrice(), last, "last price");
        // Clamped, and said so.
        (price.mevPayouts, price.clamped) = (MEV * 12 / 10, true);
        submitPrice(price);
        vm.assertEq(pricer.mev(), MEV * 12 / 10, "clamped");
    }

    function testFuzz_every_signed_field_is_bound(uint256 field) public {
        TicketPriceGate.TicketPrice memory price = priceAt(END);
        Signature memory signature = FrostSigner.sign(SECRET, gate.hashPrice(price));
        field = field % 3;
        if (field == 0) price.mevPayouts++;
        if (field == 1) price.consensusRewards++;
        if (field == 2) price.clamped = true;
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        gate.submitPrice(price, signature);
        price.keyEpoch = 2;
        vm.expectRevert(abi.encodeWithSelector(GuardianKeys.WrongKeyEpoch.selector, 2, 1));
        gate.submitPrice(price, signature);
        gate.submitPrice(priceAt(END), signature);
    }

    function test_a_price_for_another_gate_is_refused() public {
        TicketPriceGate other = newGate(pricer, SLOTS_PER_EPOCH);
        Signature memory signature = FrostSigner.sign(SECRET, other.hashPrice(priceAt(END)));
        vm.expectRevert(GuardianKeys.InvalidSignature.selector);
        gate.submitPrice(priceAt(END), signature);
    }

    function test_nobody_else_governs_and_what_cannot_serve_is_refused() public {
        bytes memory why = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        gate.setRules(0);
        vm.expectRevert(why);
        vm.prank(STRANGER);
        gate.setMaxDaily(0);
        vm.expectRevert(abi.encodeWithSelector(TicketPriceGate.PricerWithoutCode.selector, STRANGER));
        newGate(Pricer(STRANGER), SLOTS_PER_EPOCH);
        vm.expectRevert(InvalidClock.selector);
        newGate(pricer, 0);
    }

    function endFrame(uint64 last) private {
        vm.warp(timeOf(last + 1));
        beginBlock(last + 1, ROOT);
    }

    function newGate(IValidatorTicketPricer pricer_, uint64 slotsPerEpoch) private returns (TicketPriceGate) {
        TicketPriceGate.Setup memory setup = TicketPriceGate.Setup(
            pricer_, RULES, 0.01 ether, GENESIS_TIME, SECONDS_PER_SLOT, slotsPerEpoch, BEACON_ROOTS
        );
        return new TicketPriceGate(keys, GOVERNOR, setup);
    }

    function priceAt(uint64 slot) private pure returns (TicketPriceGate.TicketPrice memory) {
        return TicketPriceGate.TicketPrice(1, slot, ROOT, RULES, 0, MEV, CONSENSUS, false);
    }

    function submitPrice(TicketPriceGate.TicketPrice memory price) private {
        gate.submitPrice(price, FrostSigner.sign(SECRET, gate.hashPrice(price)));
    }

    /// @dev Well signed, so that it is refused for `why` alone.
    function expectRefused(TicketPriceGate.TicketPrice memory price, bytes memory why) private {
        Signature memory signature = FrostSigner.sign(SECRET, gate.hashPrice(price));
        vm.expectRevert(why);
        gate.submitPrice(price, signature);
    }
}
