// A Bluesky data server and the directory of accounts, on loopback, with one account. Prints a line of JSON, then
// runs until its standard input ends.
import { mkdtempSync, rmSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const { PlcServer, Database } = await import("@did-plc/server");
const { PDS, envToCfg, envToSecrets, readEnv } = await import("@atproto/pds");
const folder = mkdtempSync(join(tmpdir(), "quilt-bluesky-"));
const [plcPort, port] = [await freePort(), await freePort()];
const plc = PlcServer.create({ db: Database.mock(), port: plcPort });
await plc.start();
Object.assign(process.env, {
  PDS_HOSTNAME: "localhost",
  PDS_PORT: String(port),
  PDS_DEV_MODE: "true",
  PDS_DISABLE_SSRF_PROTECTION: "true",
  PDS_INVITE_REQUIRED: "false",
  PDS_SERVICE_HANDLE_DOMAINS: ".test",
  PDS_DATA_DIRECTORY: folder,
  PDS_BLOBSTORE_DISK_LOCATION: join(folder, "blobs"),
  PDS_BLOBSTORE_DISK_TMP_LOCATION: join(folder, "blobs-tmp"),
  PDS_DID_PLC_URL: `http://localhost:${plcPort}`,
  PDS_BSKY_APP_VIEW_URL: `http://localhost:${port}`,
  PDS_BSKY_APP_VIEW_DID: "did:web:localhost",
  PDS_JWT_SECRET: randomBytes(24).toString("hex"),
  PDS_ADMIN_PASSWORD: randomBytes(12).toString("hex"),
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: randomBytes(32).toString("hex"),
  LOG_ENABLED: "false",
});
const env = readEnv();
const pds = await PDS.create(envToCfg(env), envToSecrets(env));
await pds.start();
const account = { handle: "ana.test", email: "ana@example.org", password: randomBytes(12).toString("hex") };
const made = await fetch(`http://localhost:${port}/xrpc/com.atproto.server.createAccount`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(account),
});
if (!made.ok) throw new Error(await made.text());
const { did } = await made.json();
console.log(JSON.stringify({ url: `http://localhost:${port}`, directory: `http://localhost:${plcPort}`, did, ...account }));
process.stdin.resume();
process.stdin.on("end", async () => {
  await pds.destroy();
  await plc.destroy();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
