/*
 * Inside the frame: tells the page around it how tall the content is and what the count is, ticks the countdown, asks
 * for new figures when somebody comes back to the tab, and tells us that the frame was seen, played, opened.
 *
 * What is told goes to one exact origin: the one that the page's script names behind the # of the frame's address,
 * else the one that the browser names as the referrer. A page that is not of that origin does not get it. No cookie is
 * sent, nothing is stored, and no message from outside changes anything.
 */
(() => {
  "use strict";

  const box = document.querySelector("[data-embed]");
  const told = new URLSearchParams(location.hash.slice(1));
  const isFramed = window.parent !== window;
  const around = findOrigin();
  const secret = /^[A-Za-z0-9]{6,20}$/.test(told.get("secret") || "") ? told.get("secret") : "";
  const POLL = 20000; // ms between two looks at the figures while the page is visible

  /* A page without an origin of its own (a sandboxed preview) can only be told everything or nothing: it gets the height. */
  function findOrigin() {
    const named = told.get("o") || (document.referrer ? new URL(document.referrer).origin : "");
    const allowed = (box.dataset.origins || "").split(" ").filter(Boolean);
    if (named === "null") return allowed.length ? "" : "*";
    if (!/^https?:\/\/[^/?#]+$/.test(named)) return "";
    return !allowed.length || allowed.includes(named) || named === location.origin ? named : "";
  }

  function say(message) {
    if (isFramed && around && (around !== "*" || message.type === "quilt:height")) {
      window.parent.postMessage(message, around);
    }
  }

  function sayHeight() {
    const height = Math.ceil(box.getBoundingClientRect().height);
    const radius = parseFloat(getComputedStyle(box).borderTopLeftRadius) || 0;
    say({ type: "quilt:height", height, radius, failed: box.hasAttribute("data-failed") });
    if (secret) window.parent.postMessage({ message: "height", value: height, secret }, "*"); // WordPress sizes it so
  }

  /* Our own page opens in a new tab; where the browser refuses one, in this tab. WordPress asks to be asked. */
  function follow(event) {
    const link = event.target.closest("a[href]");
    if (!link || !isFramed) return;
    if (!link.hasAttribute("data-plain")) count("open");
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (secret) window.parent.postMessage({ message: "link", value: link.href, secret }, "*");
    event.preventDefault();
    const opened = window.open(link.href, "_blank");
    if (opened) opened.opener = null;
    else if (!secret) window.top.location.href = link.href;
  }

  function count(kind) {
    if (!box.dataset.code) return;
    fetch("/widget/seen", {
      method: "POST",
      credentials: "omit",
      keepalive: true,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ code: box.dataset.code, kind, path: told.get("p") || "" }),
    }).catch(() => {}); // a number less, nothing else
  }

  function watchSight() {
    if (!box.dataset.code || !isFramed || !window.IntersectionObserver) return;
    let timer = 0;
    const watch = new IntersectionObserver((entries) => {
      clearTimeout(timer);
      if (!entries.some((entry) => entry.isIntersecting)) return;
      timer = setTimeout(() => {
        if (document.visibilityState !== "visible") return;
        watch.disconnect();
        count("seen");
      }, 1000);
    }, { threshold: 0.5 });
    watch.observe(box);
  }

  function write(place, votes) {
    if (place.dataset.votes === String(votes)) return;
    place.textContent = place.textContent.replace(/[\d.,\u202f]*\d/, votes.toLocaleString(document.documentElement.lang));
    place.dataset.votes = votes;
  }

  function show(figures) {
    if (Number.isFinite(figures.votes)) {
      const place = box.querySelector("[data-votes]:not([data-entry])");
      if (place) write(place, figures.votes);
      say({ type: "quilt:count", votes: figures.votes });
    }
    for (const entry of figures.entries || []) {
      const place = box.querySelector(`[data-entry="${Number(entry.id)}"]`);
      if (place && Number.isFinite(entry.votes)) write(place, entry.votes);
    }
  }

  function refresh() {
    if (document.visibilityState !== "visible") return;
    fetch(box.dataset.figures, { credentials: "omit" })
      .then((answer) => (answer.ok ? answer.json() : {}))
      .then(show)
      .catch(() => {}); // the numbers stay as they were
  }

  function tick(time) {
    const minutes = Math.max(0, Math.ceil((new Date(time.dateTime) - Date.now()) / 60000));
    const parts = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
    const first = parts.findIndex((part) => part > 0);
    const units = JSON.parse(time.dataset.units);
    time.replaceChildren();
    for (let index = first < 0 ? 2 : first; index < Math.min(3, (first < 0 ? 2 : first) + 2); index += 1) {
      const span = document.createElement("span");
      const bold = document.createElement("b");
      bold.textContent = String(parts[index]);
      span.append(bold, units[index][parts[index] === 1 ? 0 : 1]);
      time.append(span, " ");
    }
  }

  if (box.dataset.note) console.warn(`Quilt: ${box.dataset.note}`);
  sayHeight();
  new ResizeObserver(sayHeight).observe(box);
  window.addEventListener("message", (event) => {
    if (secret && event.source === window.parent && event.data && event.data.message === "ready") sayHeight();
  });
  document.addEventListener("click", follow);
  watchSight();
  const film = box.querySelector("video");
  if (film) film.addEventListener("play", () => count("play"), { once: true });
  if (box.dataset.figures) {
    document.addEventListener("visibilitychange", refresh);
    setInterval(refresh, POLL);
  }
  const time = box.querySelector("time[data-countdown]");
  if (time) setInterval(() => tick(time), 15000);
})();
