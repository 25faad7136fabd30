// A receipt, checked in the reader's own browser with WebCrypto: nothing of the server's own check is believed.
// It stands beside the same check made on the server; without a script that one is all there is.

const page = document.querySelector("[data-receipt]");
const box = page.querySelector("[data-check]");
const list = page.querySelector("[data-check-list]");
const note = page.querySelector("[data-check-note]");
const encoder = new TextEncoder();

async function start() {
  box.hidden = false;
  if (!crypto.subtle) {
    note.textContent = "Browsers compute hashes only on pages that came over https. Save the receipt and run verify.py.";
    return;
  }
  const receipt = JSON.parse(await read(page.dataset.receipt));
  const head = JSON.parse(page.dataset.head);
  const keys = (await read(page.dataset.keys)).trim().split("\n").map(fromHex);
  const outcomes = [
    tell(await opens(receipt), "The receipt opens its line: it is this vote, for this story.", "The receipt does not open its line."),
    tell(await leads(receipt, head), `The line leads to the root of all ${head.size.toLocaleString("en")} lines.`, "The line does not lead to the root."),
    await signed(receipt, head, keys),
  ];
  const isWhole = !outcomes.includes(null);
  page.dataset.checked = outcomes.includes(false) ? "no" : isWhole ? "yes" : "partly";
}

async function read(address) {
  const answer = await fetch(address, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${address} answered ${answer.status}`);
  return answer.text();
}

function tell(isRight, rightWords, wrongWords) {
  const line = document.createElement("li");
  line.className = isRight ? "is-right" : "is-wrong";
  line.textContent = isRight ? rightWords : wrongWords;
  list.append(line);
  return isRight;
}

// The commitment: SHA-256 of a name, the salt, the voter, and what the vote is about (docs/integrity.md).
async function opens(receipt) {
  const leaf = JSON.parse(receipt.leaf);
  const about = `${receipt.contest}\n${receipt.entry}\n${receipt.period}`;
  const commit = await sha256(encoder.encode("quilt vote\n"), fromHex(receipt.salt), fromHex(receipt.voter), encoder.encode(about));
  return leaf.commit === toHex(commit) && leaf.entry === receipt.entry && leaf.contest === receipt.contest;
}

// From the leaf to the root, by the definition in RFC 9162: the left child holds the largest power of two.
async function leads(receipt, head) {
  const { index, size, path } = receipt.proof;
  const leaf = await sha256(new Uint8Array([0]), encoder.encode(receipt.leaf));
  const root = await climb(leaf, index, size, path.map(fromHex));
  return size === head.size && root !== null && toHex(root) === head.root;
}

async function climb(leaf, index, size, path) {
  if (size === 1) return path.length ? null : leaf;
  if (!path.length || index >= size) return null;
  let left = 1;
  while (left * 2 < size) left *= 2;
  const isRight = index >= left;
  const below = await climb(leaf, isRight ? index - left : index, isRight ? size - left : left, path.slice(0, -1));
  const other = path[path.length - 1];
  if (below === null) return null;
  return isRight ? sha256(new Uint8Array([1]), other, below) : sha256(new Uint8Array([1]), below, other);
}

// null where this browser cannot tell.
async function signed(receipt, head, keys) {
  const leafHash = toHex(await sha256(new Uint8Array([0]), encoder.encode(receipt.leaf)));
  const { v, contest, number, at, due, key } = receipt;
  const { signature, ...rest } = head;
  try {
    const promise = write("quilt receipt\n", { v, contest, number, at, due, key, leaf_hash: leafHash });
    const isOurs = (await verify(keys, key, receipt.signature, promise)) && (await verify(keys, head.key, signature, write("quilt tree head\n", rest)));
    return tell(isOurs, "Receipt and head are signed by the site’s key.", "A signature does not belong to the site’s key.");
  } catch (error) {
    if (error.name !== "NotSupportedError") throw error;
    note.textContent = "Your browser does not know Ed25519, so the signatures were not checked here. Save the receipt and run verify.py, which does.";
    return null;
  }
}

async function verify(keys, name, signature, message) {
  for (const key of keys) {
    if (toHex(await sha256(key)).slice(0, 16) !== name) continue;
    const known = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return crypto.subtle.verify({ name: "Ed25519" }, known, fromHex(signature), message);
  }
  return false;
}

// The canonical line: names in order, no spaces.
function write(domain, fields) {
  const ordered = Object.fromEntries(Object.keys(fields).sort().map((name) => [name, fields[name]]));
  return encoder.encode(domain + JSON.stringify(ordered));
}

async function sha256(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

function fromHex(text) {
  return new Uint8Array((text.match(/../g) || []).map((pair) => parseInt(pair, 16)));
}

function toHex(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

start().catch((error) => {
  note.textContent = `It could not be checked here (${error.message}). Save the receipt and run verify.py.`;
});
