// What stands in front of EthereumJS' API, and does what other execution clients do. All else passes as it is.
// - Questions about a block by its hash (EIP-1898), where EthereumJS takes numbers and tags alone: a block parameter that is an object with
//   a `blockHash` becomes that block's number, after a check that the block is canonical.
// - Questions about the pending block, which are answered from the latest one.
// - The fees of as many blocks as there are, where EthereumJS refuses to be asked for more; without tips where it does not find them.
//   node front.mjs LISTEN_PORT UPSTREAM_URL
import http from "node:http";

const [port, upstream] = process.argv.slice(2);
// Which parameter is the block.
const at = {eth_call: 1, eth_getCode: 1, eth_getBalance: 1, eth_getTransactionCount: 1, eth_getStorageAt: 2, eth_getProof: 2, eth_estimateGas: 1};
const agent = new http.Agent({keepAlive: true, maxSockets: 64});
const json = {"content-type": "application/json"};

const read = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
};

const post = (body) =>
  new Promise((resolve, reject) => {
    const headers = {...json, "content-length": Buffer.byteLength(body)};
    const request = http.request(upstream, {method: "POST", agent, headers}, (response) => {
      const type = response.headers["content-type"] ?? json["content-type"];
      read(response).then((body) => resolve({status: response.statusCode, type, body}), reject);
    });
    request.on("error", reject).end(body);
  });

async function ask(method, params) {
  const answer = JSON.parse((await post(JSON.stringify({jsonrpc: "2.0", id: 1, method, params}))).body);
  if (answer.error) throw answer.error;
  return answer.result;
}

/** Throws a JSON-RPC error where the block is unknown or not canonical. */
async function translate(question) {
  if (question.method === "eth_feeHistory") {
    const height = Number(await ask("eth_blockNumber", []));
    question.params[0] = `0x${Math.min(Number(question.params[0]), height).toString(16)}`;
    return;
  }
  const place = at[question.method];
  const block = place === undefined ? undefined : question.params?.[place];
  if (block === "pending" && question.method !== "eth_getTransactionCount") question.params[place] = "latest";
  if (block === null || typeof block !== "object") return;
  if (block.blockNumber !== undefined) {
    question.params[place] = block.blockNumber;
    return;
  }
  const header = await ask("eth_getBlockByHash", [block.blockHash, false]);
  if (!header) throw {code: -32000, message: "header for hash not found"};
  const canonical = await ask("eth_getBlockByNumber", [header.number, false]);
  if (canonical?.hash !== header.hash) throw {code: -32000, message: "hash is not currently canonical"};
  question.params[place] = header.number;
}

async function answer(body) {
  const packet = JSON.parse(body);
  for (const question of Array.isArray(packet) ? packet : [packet]) {
    try {
      await translate(question);
    } catch (error) {
      if (typeof error.code !== "number") throw error;
      return {status: 200, type: json["content-type"], body: JSON.stringify({jsonrpc: "2.0", id: question.id, error})};
    }
  }
  const said = await post(JSON.stringify(packet));
  return packet.method === "eth_feeHistory" && JSON.parse(said.body).error ? withoutTips(packet) : said;
}

/** EthereumJS looks for the tips of a block among its receipts, and fails while it has not kept them. */
async function withoutTips({id, params: [count, block, percentiles]}) {
  const result = await ask("eth_feeHistory", [count, block, []]);
  result.reward = result.gasUsedRatio.map(() => percentiles.map(() => "0x0"));
  return {status: 200, type: json["content-type"], body: JSON.stringify({jsonrpc: "2.0", id, result})};
}

http
  .createServer(async (request, response) => {
    try {
      const {status, type, body} = await answer(await read(request));
      response.writeHead(status, {"content-type": type}).end(body);
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  })
  .listen(Number(port), "127.0.0.1");
