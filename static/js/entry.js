// The entry page: one beacon that counts a person, their own link in the sheet and the address bar,
// sharing, and figures that stay fresh. Everything here has a way without a script.

const page = document.querySelector("[data-entry]");
const entry = Number(page.dataset.entry);
const began = performance.now();
const DWELL = 1000;
const FRESH = 1500;

let visible = 0;
let since = document.visibilityState === "visible" && !document.prerendering ? began : null;

function watchVisibility() {
  if (document.prerendering) {
    document.addEventListener("prerenderingchange", watchVisibility, { once: true });
    return;
  }
  since = document.visibilityState === "visible" ? performance.now() : null;
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      since = performance.now();
      scheduleBeacon();
    } else if (since !== null) {
      visible += performance.now() - since;
      since = null;
    }
  });
  scheduleBeacon();
}

function dwell() {
  return visible + (since === null ? 0 : performance.now() - since);
}

let isSent = false;

function scheduleBeacon() {
  if (isSent || since === null) return;
  setTimeout(() => {
    if (!isSent && since !== null && dwell() >= DWELL) sendBeacon();
    else scheduleBeacon();
  }, Math.max(20, DWELL - dwell()));
}

async function sendBeacon() {
  isSent = true;
  const told = {
    entry,
    ticket: page.dataset.ticket,
    via: page.dataset.via,
    channel: page.dataset.channel,
    referrer: referrerHost(),
    visible: document.visibilityState === "visible",
    prerendering: Boolean(document.prerendering),
    dwell: Math.round(dwell()),
  };
  const answer = await fetch("/arrivals", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(told),
    keepalive: true,
  });
  if (!answer.ok) return;
  const told_back = await answer.json();
  if (told_back.counted) useOwnPath(told_back.path);
}

function referrerHost() {
  try {
    const host = new URL(document.referrer).host;
    return host === location.host ? "" : host;
  } catch {
    return "";
  }
}

// The visitor's own path takes the place of the one that the page was made with: in the address bar, the
// copy field and every network's link.
function useOwnPath(path) {
  const own = path.replace(/^\//, "");
  const old = page.dataset.ownPath;
  if (old !== own) {
    for (const link of document.querySelectorAll(".share a[href]")) {
      link.href = link.getAttribute("href").replace(encodeURIComponent(old), encodeURIComponent(own));
    }
    for (const field of document.querySelectorAll("#copy-link")) field.value = field.value.replace(old, own);
    for (const sheet of document.querySelectorAll("[data-share-url]")) {
      sheet.dataset.shareUrl = sheet.dataset.shareUrl.replace(old, own);
    }
    page.dataset.ownPath = own;
  }
  tellOwnLink();
  history.replaceState(history.state, "", path + location.hash);
  document.documentElement.dataset.counted = "yes";
}

// Only once the link is the visitor's own does the sheet say so.
function tellOwnLink() {
  const isOwn = page.dataset.ownPath.startsWith("s/");
  for (const words of document.querySelectorAll("[data-own-first]")) words.hidden = isOwn;
  for (const words of document.querySelectorAll("[data-own-later]")) words.hidden = !isOwn;
}

function tellShare(channel) {
  const form = new FormData();
  form.set("ticket", page.dataset.ticket);
  form.set("via", page.dataset.via);
  form.set("c", page.dataset.channel);
  form.set("share_channel", channel);
  fetch(`/entries/${entry}/share`, { method: "POST", body: form, keepalive: true });
}

function tagged(url, channel) {
  return `${url}${url.includes("?") ? "&" : "?"}c=${channel}`;
}

function setUpSharing() {
  for (const link of document.querySelectorAll("a[data-channel]")) {
    link.addEventListener("click", () => tellShare(link.dataset.channel));
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", () => copy(button));
  }
  for (const place of document.querySelectorAll("[data-web-share]")) {
    if (!navigator.share) continue;
    place.hidden = false;
    place.querySelector("button").addEventListener("click", () => webShare(place.closest("[data-share-url]")));
  }
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  const isLink = field.id === "copy-link";
  await navigator.clipboard.writeText(isLink ? tagged(field.value, "copy") : field.value);
  const label = button.querySelector("span");
  const before = label.textContent;
  label.textContent = button.dataset.copied;
  setTimeout(() => { label.textContent = before; }, 2500);
  if (isLink) tellShare("copy");
}

async function webShare(sheet) {
  try {
    await navigator.share({ text: sheet.dataset.shareText, url: tagged(sheet.dataset.shareUrl, "share") });
    tellShare("share");
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

// Figures: asked for while the page is seen, so that each event shows within three seconds. An answer that nothing
// has changed is a few bytes that are kept for everybody.
let etag = "";

async function refreshFigures() {
  try {
    if (document.visibilityState === "visible") {
      const answer = await fetch(`/entries/${entry}/figures.json`, { cache: "no-cache" });
      const fresh = answer.headers.get("ETag") ?? "";
      if (answer.ok && fresh !== etag) {
        etag = fresh;
        showFigures(await answer.json());
      }
    }
  } catch {
    // The line is away for a moment: asked again.
  }
  setTimeout(refreshFigures, FRESH);
}

function showFigures(figures) {
  for (const place of document.querySelectorAll("[data-figure]")) {
    const value = figures[place.dataset.figure];
    if (value === null || value === undefined) continue;
    const digits = place.dataset.figure === "structural_virality" ? 2 : 0;
    const text = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    if (place.textContent !== text) place.textContent = text;
  }
  if (figures.reach !== null) {
    for (const later of document.querySelectorAll("[data-figures-later]")) later.hidden = false;
    for (const young of document.querySelectorAll("[data-spread-young]")) young.hidden = true;
  }
}

// How the vote was cast goes with its form, for the evidence rules; without a script it stays unknown.
let hasPlayed = false;

function tellWithVote() {
  document.addEventListener("play", () => { hasPlayed = true; }, true);
  document.querySelector("#vote form")?.addEventListener("formdata", (event) => {
    event.formData.set("dwell", String(Math.round(dwell())));
    if (document.querySelector("video")) event.formData.set("played", hasPlayed ? "1" : "0");
  });
}

tellOwnLink();
tellWithVote();
if (!("counted" in page.dataset)) watchVisibility();
setUpSharing();
if (document.querySelector("[data-figure]")) setTimeout(refreshFigures, FRESH);
