// Preload (node --import) of the execution client: receipts are kept. When it is told of its head a second time it takes the block out of
// its chain and puts it in again, and drops the block's receipts with it, so that its logs are missing from then on. They belong to the
// block's hash, and there is no second chain here that they could be mistaken for.
import path from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";

const client = path.join(path.dirname(fileURLToPath(import.meta.url)), "../node_modules/@ethereumjs/client/dist/esm/src");
const {ReceiptsManager} = await import(pathToFileURL(path.join(client, "execution/receipt.js")).href);
ReceiptsManager.prototype.deleteReceipts = async () => {};
