// A proof of work for the vote's form, done while the address is typed. Without a script, or without WebCrypto,
// the form goes without it: the code by mail alone is enough.

const form = document.querySelector("form[data-challenge]");
const address = form?.querySelector("input[type=email]");

function hasZeroBits(digest, bits) {
  let left = bits;
  for (const byte of digest) {
    if (left <= 0) return true;
    if (left < 8) return byte >> (8 - left) === 0;
    if (byte) return false;
    left -= 8;
  }
  return left <= 0;
}

async function solve({ challenge, bits }) {
  const encoder = new TextEncoder();
  for (let first = 0; first < 1e9; first += 256) {
    const tries = Array.from({ length: 256 }, (_, index) => `${challenge}.${first + index}`);
    const digests = await Promise.all(tries.map((text) => crypto.subtle.digest("SHA-256", encoder.encode(text))));
    const found = digests.findIndex((digest) => hasZeroBits(new Uint8Array(digest), bits));
    if (found >= 0) return tries[found];
  }
  return "";
}

async function prove() {
  const answer = await fetch(form.dataset.challenge, { headers: { Accept: "application/json" } });
  if (answer.ok) form.elements.proof.value = await solve(await answer.json());
}

if (address && crypto.subtle) {
  address.addEventListener("focus", () => prove().catch(() => {}), { once: true });
  if (address.value || document.activeElement === address) address.dispatchEvent(new Event("focus"));
}
