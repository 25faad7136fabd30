// Passkeys: the form asks the server for a question, the device answers it, and the form carries the answer.

const WORDS = {
  NotAllowedError: "Your device did not confirm it. Try again, or use another way.",
  InvalidStateError: "This device has a passkey for your account already.",
  SecurityError: "Passkeys do not work at this address. Use another way.",
};
const OTHER = "That did not work. Nothing was changed: try again, or use another way.";

function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

function toText(bytes) {
  const plain = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function readQuestion(question) {
  const withId = (credential) => ({ ...credential, id: toBytes(credential.id) });
  const read = { ...question, challenge: toBytes(question.challenge) };
  if (question.user) read.user = { ...question.user, id: toBytes(question.user.id) };
  if (question.excludeCredentials) read.excludeCredentials = question.excludeCredentials.map(withId);
  if (question.allowCredentials) read.allowCredentials = question.allowCredentials.map(withId);
  return read;
}

function writeAnswer(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const written = parts.filter((part) => response[part]).map((part) => [part, toText(response[part])]);
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response: Object.fromEntries(written),
  });
}

async function ask(form) {
  const token = form.elements.csrf_token.value;
  const headers = { "X-CSRFToken": token, Accept: "application/json" };
  const answer = await fetch(form.dataset.question, { method: "POST", headers });
  const question = await answer.json();
  if (!answer.ok || !question.challenge) throw Object.assign(new Error(question.detail || OTHER), { name: "Told" });
  const publicKey = readQuestion(question);
  const credentials = navigator.credentials;
  return form.dataset.passkey === "create" ? credentials.create({ publicKey }) : credentials.get({ publicKey });
}

async function answer(event) {
  const form = event.currentTarget;
  if (form.elements.credential.value) return;
  event.preventDefault();
  const words = form.querySelector("[data-passkey-words]");
  const button = form.querySelector("button");
  words.hidden = true;
  button.setAttribute("aria-busy", "true");
  try {
    form.elements.credential.value = writeAnswer(await ask(form));
    form.submit();
  } catch (error) {
    words.textContent = error.name === "Told" ? error.message : WORDS[error.name] || OTHER;
    words.hidden = false;
    button.removeAttribute("aria-busy");
  }
}

if (window.PublicKeyCredential) {
  for (const missing of document.querySelectorAll("[data-passkey-missing]")) missing.hidden = true;
  for (const form of document.querySelectorAll("[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", answer);
  }
}
