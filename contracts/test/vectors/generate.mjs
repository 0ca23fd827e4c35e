// Writes frost_signatures.json, digests.json and legacy_digests.json, the vectors that the Solidity and the Rust tests share.
//
// It is a third implementation, independent of both: noble's FROST(secp256k1, SHA-256), and EIP-712 written out here over
// noble's keccak256. The output depends on nothing but this file. `--check` compares instead of writing.
//
// It is not a signer: keys and nonces come from a public seed.

import { readFileSync, writeFileSync } from "node:fs";
import { secp256k1, secp256k1_FROST as frost } from "@noble/curves/secp256k1.js";
import { expand_message_xmd } from "@noble/curves/abstract/hash-to-curve.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

const Point = secp256k1.Point;
const P = Point.CURVE().p;
const N = Point.CURVE().n;
const MAX = 2n ** 256n - 1n;

const word = (n) => hexToBytes(BigInt(n).toString(16).padStart(64, "0"));
const hex = (bytes) => `0x${bytesToHex(bytes)}`;
const toBigInt = (bytes) => BigInt(hex(bytes));
const mod = (n, m) => ((n % m) + m) % m;

/** A stream of bytes from a label, in place of randomness. */
function seeded(label) {
  let counter = 0;
  return (length) => {
    const blocks = [];
    for (let have = 0; have < length; have += 32) {
      blocks.push(sha256(utf8ToBytes(`puffer guardian vectors/${label}/${counter++}`)));
    }
    return concatBytes(...blocks).slice(0, length);
  };
}

// ---------------------------------------------------------------------------------------------------------------------
// FROST signatures

/** RFC 9591's challenge; the tag can be changed to make signatures of neighbouring ciphersuites. */
function challenge(R, key, message, tag = "FROST-secp256k1-SHA256-v1chal") {
  const input = concatBytes(R.toBytes(true), key.toBytes(true), message);
  return mod(toBigInt(expand_message_xmd(input, utf8ToBytes(tag), 48, sha256)), N);
}

/** One aggregated signature of `min` out of `max` signers, made by noble's FROST. */
function thresholdSignature(label, min, max, message) {
  const rng = seeded(label);
  const ids = Array.from({ length: max }, (_, i) => frost.Identifier.fromNumber(i + 1));
  const deal = frost.trustedDealer({ min, max }, ids, undefined, rng);
  const signers = ids.slice(max - min);
  const rounds = signers.map((id) => frost.commit(deal.secretShares[id], rng));
  const commitments = rounds.map((round) => round.commitments);
  const shares = {};
  signers.forEach((id, i) => {
    shares[id] = frost.signShare(deal.secretShares[id], deal.public, rounds[i].nonces, commitments, message);
  });
  const signature = frost.aggregate(deal.public, commitments, message, shares);
  const publicKey = deal.public.commitments[0];
  if (!frost.verify(signature, message, publicKey)) throw new Error(`${label}: the aggregate does not verify`);
  return {
    message,
    key: Point.fromBytes(publicKey),
    R: Point.fromBytes(signature.slice(0, 33)),
    z: toBigInt(signature.slice(33)),
  };
}

/** A signature with a chosen secret and nonce. */
function schnorr(secret, nonce, message, tag) {
  const key = Point.BASE.multiply(secret);
  const R = Point.BASE.multiply(nonce);
  return { message, key, R, z: mod(nonce + challenge(R, key, message, tag) * secret, N) };
}

function numbers({ message, key, R, z }) {
  const k = key.toAffine();
  const r = R.toAffine();
  return { message: toBigInt(message), px: k.x, py: k.y, rx: r.x, ry: r.y, z };
}

function signatureVectors() {
  checkAgainstRfc();
  const vectors = [];
  const add = (name, valid, values) => {
    const entry = { name };
    for (const field of ["message", "px", "py", "rx", "ry", "z"]) entry[field] = hex(word(values[field]));
    vectors.push({ ...entry, valid });
  };

  add("safe-frost, test_Verify", true, {
    message: 0x4141414141414141414141414141414141414141414141414141414141414141n,
    px: 0x4f6340cfdd930a6f54e730188e3071d150877fa664945fb6f120c18b56ce1c09n,
    py: 0x802a5e67c00a70d85b9a088eac7cf5b9fb46ac5c0b2bd7d1e189fac210f6b7efn,
    rx: 0x501dcfe29d881aa855bf25979bd79f751aa9536af7a389403cd345b02d1e6f25n,
    ry: 0x839ad3b762f50fe560f4688a15a1caed522919f33928567f95bc48cbd9b8c771n,
    z: 0x4fdea9858f3e6484f1f0d64e7c17879c25f68da8bd0e82b063cf7410ddf5a886n,
  });
  const committees = [[2, 3], [3, 4], [5, 7], [7, 10], [9, 13]];
  for (let i = 0; i < 20; i++) {
    const [min, max] = committees[i % committees.length];
    const message = sha256(utf8ToBytes(`message ${i}`));
    add(`${min} of ${max} signers, ${i}`, true, numbers(thresholdSignature(`threshold ${i}`, min, max, message)));
  }

  const message = sha256(utf8ToBytes("edge"));
  const secret = mod(toBigInt(seeded("edge secret")(48)), N - 1n) + 1n;
  const nonce = mod(toBigInt(seeded("edge nonce")(48)), N - 1n) + 1n;
  add("message of zeros", true, numbers(schnorr(secret, nonce, new Uint8Array(32))));
  add("message of ones", true, numbers(schnorr(secret, nonce, new Uint8Array(32).fill(0xff))));
  add("secret 1", true, numbers(schnorr(1n, nonce, message)));
  add("secret N - 1", true, numbers(schnorr(N - 1n, nonce, message)));
  add("nonce 1", true, numbers(schnorr(secret, 1n, message)));
  add("nonce N - 1", true, numbers(schnorr(secret, N - 1n, message)));
  add("R equal to the key", true, numbers(schnorr(secret, secret, message)));
  add("R equal to the negated key", true, numbers(schnorr(secret, N - secret, message)));

  const good = numbers(schnorr(secret, nonce, message));
  add("edge: as signed", true, good);
  const bad = (name, change) => add(name, false, { ...good, ...change });
  bad("z = 0", { z: 0n });
  bad("z = 1", { z: 1n });
  bad("z = N - 1", { z: N - 1n });
  bad("z = N", { z: N });
  bad("z = N + 1", { z: N + 1n });
  bad("z = 2^256 - 1", { z: MAX });
  bad("z + 1", { z: mod(good.z + 1n, N) });
  bad("-z", { z: N - good.z });
  bad("-R", { ry: P - good.ry });
  bad("-R and -z", { ry: P - good.ry, z: N - good.z });
  bad("Rx = 0", { rx: 0n });
  bad("Rx = p", { rx: P });
  bad("Rx = p + 1", { rx: P + 1n });
  bad("Rx = 2^256 - 1", { rx: MAX });
  bad("Ry = 0", { ry: 0n });
  bad("Ry = p", { ry: P });
  bad("Ry = 2^256 - 1", { ry: MAX });
  bad("R off the curve", { ry: mod(good.ry + 2n, P) });
  bad("R = (0, 0)", { rx: 0n, ry: 0n });
  bad("R and z = 0", { rx: 0n, ry: 0n, z: 0n });
  bad("R the generator", { rx: Point.BASE.x, ry: Point.BASE.y });
  bad("R equal to the key, z of another R", { rx: good.px, ry: good.py });
  bad("R equal to the negated key, z of another R", { rx: good.px, ry: P - good.py });
  bad("R and key exchanged", { px: good.rx, py: good.ry, rx: good.px, ry: good.py });
  bad("Rx and Ry exchanged", { rx: good.ry, ry: good.rx });
  bad("message with one bit changed", { message: good.message ^ 1n });
  bad("message with its first bit changed", { message: good.message ^ (1n << 255n) });
  bad("negated key", { py: P - good.py });
  bad("another key", affineKey(secret + 1n));
  bad("Px = 0", { px: 0n });
  bad("Px = N", { px: N });
  bad("key on the curve with Px not below N", keyAboveOrder());
  bad("Px = p", { px: P });
  bad("Px = 2^256 - 1", { px: MAX });
  bad("everything zero", { message: 0n, px: 0n, py: 0n, rx: 0n, ry: 0n, z: 0n });
  bad("tag of H1", numbers(schnorr(secret, nonce, message, "FROST-secp256k1-SHA256-v1rho")));
  bad("tag of the taproot ciphersuite", numbers(schnorr(secret, nonce, message, "FROST-secp256k1-SHA256-TR-v1chal")));
  bad("tag of the keccak ciphersuite", numbers(schnorr(secret, nonce, message, "FROST-secp256k1-KECCAK256-v1chal")));
  return vectors;
}

function affineKey(secret) {
  const { x, y } = Point.BASE.multiply(secret).toAffine();
  return { px: x, py: y };
}

/** A point of the curve whose x coordinate lies in [N, p): ecrecover cannot take it as r. */
function keyAboveOrder() {
  for (let x = N; ; x++) {
    try {
      const point = Point.fromBytes(concatBytes(Uint8Array.of(2), word(x)));
      return { px: x, py: point.toAffine().y };
    } catch {
      // not on the curve
    }
  }
}

/** RFC 9591, appendix E.5: its message is not 32 bytes long, so it checks this file and is no vector for the contract. */
function checkAgainstRfc() {
  const key = hexToBytes("02f37c34b66ced1fb51c34a90bdae006901f10625cc06c4f64663b0eae87d87b4f");
  const signature = hexToBytes(
    "0205b6d04d3774c8929413e3c76024d54149c372d57aae62574ed74319b5ea14d0" +
      "c65dde8492a7471437e6c2fe3da49b90d23f642b5c6dbe7e36089f096dd97324",
  );
  const message = utf8ToBytes("test");
  const [K, R, z] = [Point.fromBytes(key), Point.fromBytes(signature.slice(0, 33)), toBigInt(signature.slice(33))];
  const right = Point.BASE.multiply(z).equals(R.add(K.multiply(challenge(R, K, message))));
  if (!right || !frost.verify(signature, message, key)) throw new Error("RFC 9591's vector does not verify");
}

// ---------------------------------------------------------------------------------------------------------------------
// EIP-712 digests

const DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const TYPES = {
  EjectionRegistry: "EjectionOrder(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,bytes ejections)",
  ReserveFeed:
    "ReserveReport(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,uint64 sourcesVersion,uint64 validatorCount," +
    "uint64 validatorGwei,uint64 podGwei,uint64 vaultGwei,uint64 pendingGwei,uint64 liabilityGwei,uint64 supplyGwei)",
  GuardianKeys: "KeyRotation(uint64 keyEpoch,uint256 px,uint256 py)",
};
const VETO = "KeyVeto(uint64 keyEpoch,uint64 proposal)";
const PROPOSAL = "KeyProposal(uint64 keyEpoch,uint64 proposal,uint256 px,uint256 py)";
const TICKET_PRICE =
  "TicketPrice(uint64 keyEpoch,uint64 referenceSlot,bytes32 referenceRoot,bytes32 rules,bytes32 previous," +
  "uint104 mevPayouts,uint104 consensusRewards,bool clamped)";
/** A type that others contain; EIP-712 appends it to theirs. */
const STOPPED_VALIDATOR =
  "StoppedValidator(address module,uint256 startEpoch,uint256 endEpoch,bool wasSlashed,bytes32 moduleName," +
  "uint256 pufferModuleIndex,uint256 withdrawalAmount)";
const MODULE_TYPES = {
  provisioning:
    "Provisioning(uint64 keyEpoch,uint256 pufferModuleIndex,bytes pubKey,bytes signature," +
    "bytes withdrawalCredentials,bytes32 depositDataRoot)",
  skip: "SkipProvisioning(uint64 keyEpoch,bytes32 moduleName,uint256 skippedIndex)",
  withdrawals: `BatchWithdrawals(uint64 keyEpoch,StoppedValidator[] validators)${STOPPED_VALIDATOR}`,
  count: "ValidatorCount(uint64 keyEpoch,uint256 numberOfValidators,uint256 epochNumber)",
};

const keccak = (text) => keccak_256(utf8ToBytes(text));

/** EIP-712's encodeData for the types that occur here. */
function encode(type, value) {
  if (type === "bytes") return keccak_256(hexToBytes(value.slice(2)));
  if (type === "string") return keccak(value);
  if (type === "bool") return word(value ? 1 : 0);
  if (type === "StoppedValidator[]") {
    return keccak_256(concatBytes(...value.map((one) => hashStruct(STOPPED_VALIDATOR, one))));
  }
  return word(BigInt(value));
}

function hashStruct(type, fields) {
  const members = type.slice(type.indexOf("(") + 1, type.indexOf(")")).split(",").map((member) => member.split(" "));
  return keccak_256(concatBytes(keccak(type), ...members.map(([kind, name]) => encode(kind, fields[name]))));
}

function digest(type, chainId, verifyingContract, fields) {
  const domain = hashStruct(DOMAIN, { name: "Puffer Guardian", version: "1", chainId, verifyingContract });
  return hex(keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), domain, hashStruct(type, fields))));
}

/** One entry of an order's packed list. */
function ejection(index, label, reason) {
  const pubkey = seeded(label)(48);
  pubkey[0] |= 0x80;
  return concatBytes(word(index).slice(24), pubkey, Uint8Array.of(reason));
}

function digestVectors() {
  const address = (label) => hex(seeded(label)(20));
  const root = (label) => hex(seeded(label)(32));
  const list = (...entries) => hex(concatBytes(...entries));
  const { px, py } = affineKey(mod(toBigInt(seeded("rotated key")(48)), N - 1n) + 1n);
  const one = list(ejection(1234567, "validator a", 1));
  const three = list(
    ejection(0, "validator b", 2),
    ejection(98765, "validator c", 3),
    ejection(2n ** 64n - 1n, "validator d", 5),
  );
  const report = {
    keyEpoch: "3",
    referenceSlot: "9876543",
    referenceRoot: root("report"),
    sourcesVersion: "2",
    validatorCount: "3210",
    validatorGwei: "102754321987654321",
    podGwei: "876543210987",
    vaultGwei: "12345678901234",
    pendingGwei: "96000000000",
    liabilityGwei: "101234567890123456",
    supplyGwei: "95234567890123456",
  };
  const widest = {
    keyEpoch: String(2n ** 64n - 1n),
    referenceSlot: String(2n ** 64n - 1n),
    referenceRoot: hex(new Uint8Array(32).fill(0xff)),
    sourcesVersion: String(2n ** 64n - 1n),
    validatorCount: String(2n ** 64n - 1n),
    validatorGwei: String(2n ** 64n - 1n),
    podGwei: String(2n ** 64n - 1n),
    vaultGwei: String(2n ** 64n - 1n),
    pendingGwei: String(2n ** 64n - 1n),
    liabilityGwei: String(2n ** 64n - 1n),
    supplyGwei: String(2n ** 64n - 1n),
  };
  const order = (keyEpoch, referenceSlot, ejections) => {
    return { keyEpoch, referenceSlot, referenceRoot: root(`order ${referenceSlot}`), ejections };
  };
  const vectors = [];
  const add = (name, contract, chainId, where, fields, type = TYPES[contract]) => {
    const verifyingContract = address(where);
    const value = digest(type, chainId, verifyingContract, fields);
    vectors.push({ name, contract, chainId, verifyingContract, type, fields, digest: value });
  };
  add("order of one validator", "EjectionRegistry", 1, "registry", order("1", "9876544", one));
  add("order of three validators", "EjectionRegistry", 560048, "registry", order("2", "31", three));
  add("order on a development chain", "EjectionRegistry", 31337, "other registry", order("1", "64", one));
  add("report", "ReserveFeed", 1, "feed", report);
  add("the same report on another chain", "ReserveFeed", 560048, "feed", report);
  add("the same report for another contract", "ReserveFeed", 1, "other feed", report);
  add("report with the widest values", "ReserveFeed", 1, "feed", widest);
  add("rotation", "GuardianKeys", 1, "keys", { keyEpoch: "2", px: hex(word(px)), py: hex(word(py)) });
  add("rotation on a development chain", "GuardianKeys", 31337, "keys", {
    keyEpoch: "7",
    px: hex(word(py)),
    py: hex(word(px)),
  });
  add("veto", "GuardianKeys", 1, "keys", { keyEpoch: "2", proposal: "5" }, VETO);
  for (const [kind, fields] of Object.entries(moduleMessages())) {
    add(`module: ${kind}`, "FrostGuardianModule", 1, "module", { keyEpoch: "4", ...fields }, MODULE_TYPES[kind]);
    add(`module: ${kind} elsewhere`, "FrostGuardianModule", 560048, "other module", { keyEpoch: "1", ...fields }, MODULE_TYPES[kind]);
  }
  const proposal = { keyEpoch: "2", proposal: "5", px: hex(word(px)), py: hex(word(py)) };
  add("proposal", "GuardianKeys", 1, "keys", proposal, PROPOSAL);
  const price = {
    keyEpoch: "3",
    referenceSlot: "17877599",
    referenceRoot: root("frame"),
    rules: root("rules"),
    previous: root("previous price"),
    mevPayouts: "921210368400140",
    consensusRewards: "2671196408239692",
    clamped: false,
  };
  add("price of tickets", "TicketPriceGate", 1, "gate", price, TICKET_PRICE);
  const widestPrice = { ...price, mevPayouts: String(2n ** 104n - 1n), consensusRewards: String(2n ** 104n - 1n), clamped: true };
  add("price of tickets with the widest values", "TicketPriceGate", 560048, "gate", widestPrice, TICKET_PRICE);
  return vectors;
}

/** The four messages of Puffer's guardian module. */
function moduleMessages() {
  const stopped = (i, wasSlashed) => ({
    module: hex(seeded(`module ${i}`)(20)),
    startEpoch: String(268828 + i),
    endEpoch: String(300000 + i),
    wasSlashed,
    moduleName: hex(concatBytes(utf8ToBytes(`PUFFER_MODULE_${i}`), new Uint8Array(17))),
    pufferModuleIndex: String(40 + i),
    withdrawalAmount: String(31_980_000_000_000_000_000n + BigInt(i)),
  });
  return {
    provisioning: {
      pufferModuleIndex: "77",
      pubKey: hex(seeded("provisioned key")(48)),
      signature: hex(seeded("deposit signature")(96)),
      withdrawalCredentials: hex(concatBytes(Uint8Array.of(1), new Uint8Array(11), seeded("pod")(20))),
      depositDataRoot: hex(seeded("deposit root")(32)),
    },
    skip: { moduleName: hex(concatBytes(utf8ToBytes("PUFFER_MODULE_0"), new Uint8Array(17))), skippedIndex: "78" },
    withdrawals: { validators: [stopped(0, false), stopped(1, true), stopped(2, false)] },
    count: { numberOfValidators: "1012345", epochNumber: "400000" },
  };
}

// ---------------------------------------------------------------------------------------------------------------------
// Puffer's own digests, EIP-191 over the ABI encoding: of its deployed module, and of the proposed one that binds module and
// chain. Each guardian signs them alone with ECDSA.

/** abi.encode of [kind, value] pairs. Kinds: "word", "bytes", and "tuples", an array of structs of one word each. */
function abiEncode(items) {
  const heads = [];
  let tail = new Uint8Array(0);
  for (const [kind, value] of items) {
    if (kind === "word") {
      heads.push(word(value));
      continue;
    }
    heads.push(word(32 * items.length + tail.length));
    const bytes = kind === "bytes" ? hexToBytes(value.slice(2)) : concatBytes(...value.flat().map(word));
    const padding = new Uint8Array((32 - (bytes.length % 32)) % 32);
    tail = concatBytes(tail, word(kind === "bytes" ? bytes.length : value.length), bytes, padding);
  }
  return concatBytes(...heads, tail);
}

function legacyVectors() {
  const [module, chainId] = [hex(seeded("legacy module")(20)), 1];
  const { provisioning, skip, withdrawals, count } = moduleMessages();
  const rows = withdrawals.validators.map((one) => Object.values(one).map((value) => BigInt(value)));
  const messages = {
    provisioning: [
      provisioning,
      [
        ["word", provisioning.pufferModuleIndex],
        ["bytes", provisioning.pubKey],
        ["bytes", provisioning.withdrawalCredentials],
        ["bytes", provisioning.signature],
        ["word", provisioning.depositDataRoot],
      ],
    ],
    skip: [skip, [["word", skip.moduleName], ["word", skip.skippedIndex]]],
    withdrawals: [withdrawals, [["tuples", rows]]],
    count: [count, [["word", count.numberOfValidators], ["word", count.epochNumber]]],
  };
  const personal = (items) => {
    const prefix = utf8ToBytes("\x19Ethereum Signed Message:\n32");
    return hex(keccak_256(concatBytes(prefix, keccak_256(abiEncode(items)))));
  };
  return Object.entries(messages).map(([kind, [fields, items]]) => ({
    kind,
    fields,
    module,
    chainId,
    deployed: personal(items),
    bound: personal([["word", module], ["word", chainId], ...items]),
  }));
}

// ---------------------------------------------------------------------------------------------------------------------

const files = {
  "frost_signatures.json": signatureVectors(),
  "digests.json": digestVectors(),
  "legacy_digests.json": legacyVectors(),
};
for (const [file, vectors] of Object.entries(files)) {
  const path = new URL(file, import.meta.url);
  const text = `${JSON.stringify(vectors, null, 2)}\n`;
  if (!process.argv.includes("--check")) {
    writeFileSync(path, text);
  } else if (readFileSync(path, "utf8") !== text) {
    console.error(`${file} is not what generate.mjs makes`);
    process.exitCode = 1;
  }
}
