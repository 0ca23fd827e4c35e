#!/usr/bin/env node
// Mutation testing: changes one thing in a contract that must not be changed, runs the tests that should notice, and tells
// which changes nobody noticed. The list is the documentation of what the tests protect. `node mutants.mjs [filter]`.
//
// Each mutant is [file, what is replaced, what by, tests]. What is replaced must occur exactly once.

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = new URL(".", import.meta.url).pathname;
const VERIFIER = "Verifier|Differential";
const MODULE = "Module|GuardianFees|GuardianList";
// Left out, because nothing can tell them apart: without the range of Rx or Ry, a second spelling needs a point with a coordinate
// below 2^33 and a known logarithm; without `px == 0`, the curve's equation still refuses 0, since 7 is not a square.
const MUTANTS = [
  // The verifier: every condition of the equation.
  ["FrostVerifier", "lt(sub(z, 1), N_MINUS_1)", "iszero(iszero(z))", VERIFIER],
  ["FrostVerifier", "lt(sub(z, 1), N_MINUS_1)", "lt(z, N)", VERIFIER],
  ["FrostVerifier", "eq(mulmod(ry, ry, P), addmod(mulmod(mulmod(rx, rx, P), rx, P), 7, P))", "1", VERIFIER],
  ["FrostVerifier", "lt(sub(returndatasize(), 0x20), mload(0x103))", "1", VERIFIER],
  ["FrostVerifier", "mstore8(0xc1, add(2, and(py, 1)))", "mstore8(0xc1, 2)", VERIFIER],
  ["FrostVerifier", "add(27, and(py, 1))", "27", VERIFIER],
  ["FrostVerifier", "px == 0 || px >= N", "px == 0 || px > N", VERIFIER],
  ["FrostVerifier", "shr(128, mload(0x00))", "mload(0x00)", VERIFIER],
  ["FrostVerifier", "            mstore(0x80, 0)\n", "", VERIFIER],
  ["FrostVerifier", "if lt(mload(0x40), 0x140) { mstore(0x40, 0x140) }", "", VERIFIER],
  // The keys.
  ["GuardianKeys", "        if (_isPaused(status)) revert KeysPaused();\n        _keys", "        _keys", "Key"],
  ["GuardianKeys", "        delete _keys[keyId];\n", "", "Key"],
  ["GuardianKeys", "if (status & UNTIL_MASK == 0) delete _keys[status & KEY_ID_MASK];", "", "Key"],
  ["GuardianKeys", " && !_isPaused(status)) status = _resumed(status);", ") status = _resumed(status);", "Key"],
  ["GuardianKeys", "if (block.timestamp < waiting.readyAt)", "if (false)", "Key"],
  ["GuardianKeys", "if (block.timestamp > until)", "if (block.timestamp >= until)", "Key"],
  ["GuardianKeys", "if (status & WAITING != 0) _dropProposal();", "", "Key"],
  ["GuardianKeys", "if (msg.sender != owner() && msg.sender != vetoer)", "if (msg.sender != owner())", "Key"],
  ["GuardianKeys", "proposal = Proposal(0, 0, proposal.number, 0, false);", "delete proposal;", "Key"],
  ["GuardianKeys", "if (status & UNTIL_MASK == 0) _keys[keyId] = px;\n        else _pausedPx = px;", "_keys[keyId] = px;", "Key"],
  ["GuardianKeys", "status & (VETOER_PAUSED | UNTIL_MASK) | keyId", "status & UNTIL_MASK | keyId", "Key"],
  ["GuardianKeys", "if (_isPaused(status)) revert KeysPaused();\n        if (_until", "if (_until", "Key"],
  ["GuardianKeys", "_untilOf(status) == 0 || epoch != _epochOf(status)", "_untilOf(status) == 0", "Key"],
  ["GuardianKeys", "if (_isPaused(status)) _checkOwner();", "", "Key"],
  ["GuardianKeys", "if (_isPaused(status)) _checkOwner();", "_checkOwner();", "Key"],
  ["GuardianKeys", "if (status & VETOER_PAUSED != 0) revert VetoerNotArmed();", "", "Key"],
  ["GuardianKeys", "block.timestamp <= _untilOf(status);", "block.timestamp < _untilOf(status);", "Key"],
  ["GuardianKeys", "if (!_isPaused(status)) return _veto(address(this));", "return _veto(address(this));", "Key"],
  ["GuardianKeys", "if (proposal.slowed) revert AlreadySlowed(number);", "", "Key"],
  ["GuardianKeys", "block.timestamp <= proposal.readyAt + EXECUTION_PERIOD", "true", "Key"],
  ["GuardianKeys", "block.timestamp <= proposal.readyAt + EXECUTION_PERIOD", "false", "Key"],
  ["GuardianKeys", "hashProposal(next, number, px, py), byNewKey", "hashRotation(next, px, py), byNewKey", "Key"],
  ["Succession", "if (successorAt == 0) revert NoSuccessor();", "", "Key|Proxy"],
  ["Succession", "if (block.timestamp < successorAt)", "if (false)", "Key|Proxy"],
  ["Succession", "if (block.timestamp < successorAt)", "if (block.timestamp <= successorAt)", "Key|Proxy"],
  ["Succession", "next = successor;\n        (successor, successorAt) = (address(0), 0);", "next = successor;", "Key|Proxy"],
  ["Succession", "external onlyOwner {\n        (successor, successorAt) = (address(0), 0);", "external onlyOwner {", "Proxy"],
  ["Succession", "delay_ < MIN_DELAY || ", "", "Key|Proxy"],
  ["Succession", "delay_ > MAX_DELAY", "false", "Key|Proxy"],
  ["Vetoer", "if (msg.sender != vetoer) revert", "if (false) revert", "Key"],
  ["Governed", "revert GovernorStays();", "", "Key"],
  ["GuardianSigned", "and(eq(returndatasize(), 0x20), staticcall(gas(), target, input, 0xc4, 0x00, 0x20))", "staticcall(gas(), target, input, 0xc4, 0x00, 0x20)", "Registry"],
  ["GuardianSigned", "epoch.length != 32", "false", "EjectionRegistry"],
  // The clock.
  ["BeaconClock", "if (time > block.timestamp)", "if (false)", "Clock|Feed"],
  ["BeaconClock", "if (time + WINDOW * secondsPerSlot < block.timestamp)", "if (false)", "Clock|Feed"],
  ["BeaconClock", "if (time + WINDOW * secondsPerSlot < block.timestamp)", "if (time + WINDOW * secondsPerSlot <= block.timestamp)", "Clock|Trigger"],
  ["BeaconClock", "actual != root && (", "false && (", "Clock"],
  ["BeaconClock", "root == 0 || _proven", "_proven", "Headers"],
  ["BeaconClock", "(root == 0 || _proven[slot] != root)", "root == 0", "Headers"],
  ["BeaconClock", "_rootOf(headers[i]) != root || ", "", "Headers"],
  ["BeaconClock", " || (headers[i].slot <= slot) != last", "", "Headers"],
  ["BeaconClock", "(headers[i].slot <= slot) != last", "headers[i].slot > slot && last", "Headers"],
  ["BeaconClock", "if (headers.length == 0) revert WrongHeader(0);", "", "Headers"],
  ["BeaconClock", "if (!found)", "if (false)", "Clock"],
  ["BeaconClock", "MOST_MISSED = 32", "MOST_MISSED = 31", "Clock"],
  ["BeaconClock", "if gt(time, timestamp()) { break }", "", "Clock"],
  // The registry.
  ["EjectionRegistry", "if (slot <= lastSlot)", "if (slot < lastSlot)", "EjectionRegistry"],
  ["EjectionRegistry", "hint << HINT_AT | order.referenceSlot;", "hint << HINT_AT;", "EjectionRegistry"],
  ["EjectionRegistry", "setup.maxEjectionThreshold > EJECTION_THRESHOLD_CEILING", "false", "EjectionRegistry"],
  ["EjectionRegistry", "newThreshold > maxEjectionThreshold", "newThreshold >= maxEjectionThreshold", "EjectionRegistry"],
  ["EjectionRegistry", "newThreshold > maxEjectionThreshold", "newThreshold > EJECTION_THRESHOLD_CEILING", "EjectionRegistry"],
  ["EjectionRegistry", "lowest := add(index, 1)", "lowest := index", "EjectionRegistry"],
  ["EjectionRegistry", "iszero(lt(sub(reason, 1), MAX_REASON))", "gt(reason, MAX_REASON)", "EjectionRegistry"],
  ["EjectionRegistry", "positions == 0 || ", "", "Trigger"],
  ["EjectionRegistry", "positions >> length != 0", "false", "Trigger"],
  ["EjectionRegistry", "if (!_isAccepted(digest)) revert OrderNotAccepted(digest);", "", "Trigger"],
  ["EjectionRegistry", " || _triggered[digest] != 0;", ";", "Trigger"],
  ["EjectionRegistry", "positions & ~before", "positions", "Trigger"],
  ["EjectionRegistry", "_triggered[digest] = before | fresh;", "_triggered[digest] = fresh;", "Trigger"],
  ["EjectionRegistry", "(digest,) = _requireOrder(order, signature);", "digest = hashOrder(order);", "Trigger"],
  ["EjectionRegistry", "if (payment.requester != target)", "if (false)", "Trigger"],
  ["WithdrawalTrigger", "payment.refundTo == address(0) ? msg.sender : payment.refundTo", "msg.sender", "Trigger"],
  ["WithdrawalTrigger", "if (fee > maxFee)", "if (false)", "Trigger"],
  ["WithdrawalTrigger", "if (!success) revert RefundRefused();", "success;", "Trigger"],
  ["EjectionRegistry", "_takeExits(count);", "", "ExitLimits"],
  ["ExitLimits", "block.timestamp <= limits.pausedUntil) revert", "block.timestamp < limits.pausedUntil) revert", "ExitLimits"],
  ["ExitLimits", "if (count > _left(limits))", "if (count > _left(limits) + 1)", "ExitLimits"],
  ["ExitLimits", "limits.used += SafeCast.toUint32(count);", "", "ExitLimits"],
  ["ExitLimits", "from += RAISE_DELAY;", "", "ExitLimits"],
  ["ExitLimits", "block.timestamp >= limits.raisedAt)", "true)", "ExitLimits"],
  ["ExitLimits", "(limits.day, limits.used) = (today, 0);", "limits.day = today;", "ExitLimits"],
  ["ExitLimits", "(limits.perDay, limits.nextPerDay, limits.raisedAt) = (perDay, 0, 0);", "limits.perDay = perDay;", "ExitLimits"],
  ["ExitLimits", "now_ <= last + EXIT_PAUSE) revert", "now_ < last + EXIT_PAUSE) revert", "ExitLimits"],
  ["ExitLimits", "limits.used < limits.perDay ? limits.perDay - limits.used : 0", "limits.perDay - limits.used", "ExitLimits"],
  ["examples/BeaconProof", "if (index >= MAX_VALIDATORS)", "if (index > MAX_VALIDATORS)", "BeaconProof"],
  // The feed.
  ["ReserveFeed", "if (slot <= _slotOf(last))", "if (slot < _slotOf(last))", "Feed"],
  ["ReserveFeed", "if (interval + INTERVALS <= newest)", "if (false)", "Feed"],
  ["ReserveFeed", "next = _judged(last, next, interval);", "", "Limits"],
  ["ReserveFeed", "if iszero(contested) {", "if 1 {", "Limits"],
  ["ReserveFeed", "log3(data, 0x80, topic, slot, digest)", "log3(data, 0x80, topic, slot, root)", "Feed"],
  ["ReserveFeed", "mul(liabilities, GWEI)", "liabilities", "Feed"],
  ["ReserveFeed", "mul(supply, GWEI)", "supply", "Feed"],
  ["ReserveFeed", "_announce(digest, root, next, head & MASK);", "_announce(digest, root, next, head >> VALIDATORS_IN_HEAD & MASK);", "Feed"],
  ["ReserveFeed", "word == 0 || _isContested(word) || block", "word == 0 || block", "Limits"],
  ["ReserveFeed", "return keys.isPaused();", "return false;", "Feed"],
  ["ReserveFeed", "if (_isContested(word)) revert Contested(SafeCast.toUint64(slot));", "", "Limits"],
  ["ReserveFeed", "msg.sender != owner() && msg.sender != keys.vetoer()", "msg.sender != owner()", "Limits"],
  ["ReserveFeed", "_isContested(word) ? int256(0) :", "", "Limits"],
  ["ReserveFeed", "(INTERVALS - 1) * interval < clock.heartbeat", "INTERVALS * interval < clock.heartbeat", "Feed"],
  ["ReservePolicy", "uint256(newPeriod) + MARGIN_EPOCHS", "uint256(newPeriod)", "Feed"],
  ["ReserveFeed", "if (counted != current)", "if (false)", "Feed"],
  ["ReserveFeed", "last == 0 ? sourcesVersion : last >> VERSION_AT", "sourcesVersion", "Gas"],
  ["ReservePolicy", "_stampVersion(sourcesVersion);", "", "Feed"],
  ["ReservePolicy", "known && worth && ", "known && ", "Policy"],
  ["ReservePolicy", "known && worth && ", "worth && ", "Policy"],
  ["ReservePolicy", "decimals.length == 32 && assets.length == 32", "decimals.length == 32", "Policy"],
  ["ReservePolicy", "abi.decode(decimals, (uint256)) != TOKEN_DECIMALS", "false", "Policy"],
  ["ReserveFeed", "if (validators + other == 0)", "if (false)", "Feed"],
  ["ReserveFeed", "if (_slotOf(word) != id) word = 0;", "", "Feed"],
  ["ReserveFeed", "interval + INTERVALS > newest ? _at(interval) : 0", "true ? _at(interval) : 0", "Feed"],
  ["ReserveLimits", "assets - before) * BPS <= before * allowed", "assets - before) * BPS < before * allowed", "Limits"],
  ["ReserveLimits", "liabilities - before) * BPS <= before * allowed", "liabilities - before) * BPS < before * allowed", "Limits"],
  ["ReserveLimits", "near && (before > liabilities", "(before > liabilities", "Limits"],
  ["ReserveLimits", "if (_intervalOf(_slotOf(last)) < interval) return last;\n        base", "return last;\n        base", "Limits"],
  ["ReserveLimits", "if (_isContested(base) && !_isContested(last)) return _trusted;", "", "Limits"],
  ["ReserveLimits", "allowed == 0 ? 1 : allowed", "allowed", "Limits"],
  ["ReserveLimits", "allowed > MAX_SCALE ? MAX_SCALE : allowed", "allowed", "Limits"],
  ["ReserveLimits", "if (!stands) contestedSince = slot;", "", "Limits"],
  ["ReserveLimits", "slot < contestedSince + STANDING", "slot <= contestedSince + STANDING", "Limits"],
  ["ReserveLimits", "        _trusted = next;\n", "", "Limits"],
  ["ReserveLimits", "base == last ? 0 : base", "base", "Limits"],
  ["ReserveLimits", "if (slot > bounds.untilSlot) return false;", "", "Limits"],
  ["ReserveLimits", "assets >= bounds.minAssets && ", "", "Limits"],
  ["ReserveLimits", "assets <= bounds.maxAssets && ", "", "Limits"],
  ["ReserveLimits", " && liabilities <= bounds.maxLiabilities", "", "Limits"],
  ["ReserveHistory", "_slotOf(other) > _slotOf(word) && ", "", "Limits"],
  ["ReserveHistory", "if (_intervalOf(_slotOf(word)) != interval) word = 0;", "", "Feed"],
  ["ReserveHistory", "interval + depth > newest; --interval", "interval + depth >= newest; --interval", "Feed"],
  ["ReserveReader", "if (time > block.timestamp || block.timestamp - time > maxAge)", "if (block.timestamp - time > maxAge)", "Reader"],
  ["ReserveReader", "if (signedAnswer <= 0)", "if (signedAnswer < 0)", "Reader"],
  ["ReserveReader", "if (feed.isStale())", "if (false)", "Reader"],
  ["examples/BackedMint", "reserves.assets - reserves.liabilities", "reserves.assets", "Reader"],
  ["ReserveReader", "if (reserves.liabilities == 0) revert NoLiabilities();", "", "Reader"],
  // The price of tickets.
  ["TicketPriceGate", "if (slot <= lastReferenceSlot)", "if (slot < lastReferenceSlot)", "TicketPrice"],
  ["TicketPriceGate", "if (slot % frameSlots != frameSlots - 1)", "if (false)", "TicketPrice"],
  ["TicketPriceGate", "if (price.rules != rules)", "if (false)", "TicketPrice"],
  ["TicketPriceGate", "if (price.previous != lastPrice)", "if (false)", "TicketPrice"],
  ["TicketPriceGate", "daily == 0 || ", "", "TicketPrice"],
  ["TicketPriceGate", "daily > maxDaily", "daily >= maxDaily + 2", "TicketPrice"],
  ["TicketPriceGate", "_requireReference(slot, price.referenceRoot);", "", "TicketPrice"],
  ["TicketPriceGate", "_requireSignature(price.keyEpoch, 0, digest, signature);", "", "TicketPrice"],
  // The module.
  ["FrostGuardianModule", "if (signatures.length != 1)", "if (signatures.length == 0)", MODULE],
  ["FrostGuardianModule", "if (only.length != SIGNATURE_LENGTH)", "if (only.length < SIGNATURE_LENGTH)", MODULE],
  ["FrostGuardianModule", "if (newNumberOfValidators == 0) revert EmptyCount();", "", MODULE],
  ["FrostGuardianModule", "if (epochNumber > current)", "if (epochNumber > current + 1)", MODULE],
  ["FrostGuardianModule", "if (msg.sender != caller) revert NotCaller(msg.sender);", "", MODULE],
  ["FrostGuardianModule", "if (_guardians.length == 0) revert GuardiansNotSet();", "", MODULE],
  ["FrostGuardianModule", "if (registry_.keys() != keys_)", "if (false)", MODULE],
  ["FrostGuardianModule", "splitFees(IERC20(address(0)));", "", MODULE],
  ["GuardianFees", "balance - _owedInAll[token];", "balance;", MODULE],
  ["GuardianFees", "owed[token][msg.sender] = 0;", "", MODULE],
  ["GuardianFees", "_owedInAll[token] -= amount;", "", MODULE],
  ["FrostGuardianModule", "known = known || guardians[i] == guardians[j];", "", MODULE],
];

const filter = process.argv[2] ?? "";
const folder = mkdtempSync(join(tmpdir(), "mutants-"));
for (const path of ["src", "test", "script", "foundry.toml", "solc-wasm", "package.json", "forge.mjs", "cache", "out"]) {
  cpSync(join(here, path), join(folder, path), { recursive: true });
}
symlinkSync(join(here, "node_modules"), join(folder, "node_modules"));

let killed = 0;
const survivors = [];
const chosen = MUTANTS.filter(([name]) => name.includes(filter));
for (const [name, from, to, tests] of chosen) {
  const path = join(folder, `src/${name}.sol`);
  const source = readFileSync(path, "utf8");
  if (source.split(from).length !== 2) {
    console.error(`${name}: not exactly once: ${from}`);
    process.exitCode = 1;
    continue;
  }
  writeFileSync(path, source.replace(from, () => to));
  const test = (linking) =>
    spawnSync("node", ["forge.mjs", "test", "--match-contract", tests, "--fuzz-runs", "64"], {
      cwd: folder,
      encoding: "utf8",
      // Lints and warnings of a mutant are not the question, nor is its gas; and only what changed is compiled again.
      env: {
        ...process.env,
        FOUNDRY_DENY: "never",
        FOUNDRY_LINT_LINT_ON_BUILD: "false",
        FOUNDRY_OPTIMIZER: "false",
        FOUNDRY_DYNAMIC_TEST_LINKING: linking,
      },
    });
  let run = test("true");
  // With dynamic linking, a test that expects a constructor to revert does not compare what it reverts with.
  if (run.status === 0) run = test("false");
  writeFileSync(path, source);
  const compiled = !`${run.stdout}${run.stderr}`.includes("Compiler run failed");
  if (compiled && run.status !== 0) killed++;
  else survivors.push(`${compiled ? "survived" : "does not compile"}: ${name}: ${from}  ->  ${to}`);
  process.stdout.write(compiled && run.status !== 0 ? "." : "S");
}
rmSync(folder, { recursive: true });
console.log(`\nmutation score: ${killed} of ${chosen.length} killed`);
for (const survivor of survivors) console.log(survivor);
if (survivors.length) process.exitCode = 1;
