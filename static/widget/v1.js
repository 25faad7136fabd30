/*
 * A story of a quilt, on any page:
 *
 *   <script async src="https://OUR-SITE/widget/v1.js"></script>
 *   <quilt-entry entry="12" via="CODE"></quilt-entry>
 *
 * or, where an editor strips elements that it does not know:
 *
 *   <div data-quilt="entry" data-entry="12" data-via="CODE"></div>
 *
 * It builds one frame a placement and follows the height that the frame tells. It sets no cookie, stores nothing and
 * asks for nothing but the frame. Quilt.scan() shows divs that came later, Quilt.remove(element) takes one away;
 * <quilt-entry> does both by itself.
 */
(() => {
  "use strict";

  const script = document.currentScript || document.querySelector('script[src*="/widget/v1.js"]');
  if (window.Quilt && window.Quilt.scan) {
    window.Quilt.scan();
    return;
  }
  const origin = new URL(script.src, location.href).origin;
  const PATIENCE = 10000; // ms that a frame may take once it is looked at
  const AFTER_LOAD = 2000; // ms between the frame's load and its word, when a blocked frame "loads" at once
  const HIGHEST = 2000; // px
  const FIRST_HEIGHT = 420; // px until the frame has told its own
  const DIVS = 'div[data-quilt="entry"]';
  const THEMES = ["light", "dark"];
  const placements = new Map();

  /* Inline, important and through the CSSOM: no sheet of the page outranks it, and a strict policy allows it. */
  function pin(element, rules) {
    for (const name of Object.keys(rules)) element.style.setProperty(name, rules[name], "important");
  }

  function wish(element, name) {
    return (element.getAttribute(name) || element.getAttribute("data-" + name) || "").trim();
  }

  function read(element) {
    const entry = wish(element, "entry");
    const via = wish(element, "via");
    const theme = wish(element, "theme");
    return {
      entry: /^[1-9][0-9]{0,17}$/.test(entry) ? entry : "",
      via: /^[0-9A-Za-z]{11}$/.test(via) ? via : "",
      theme: THEMES.includes(theme) ? theme : "",
      label: wish(element, "label") || "A short film to watch and to vote for",
    };
  }

  function frameAddress(told) {
    const query = new URLSearchParams();
    if (told.via) query.set("via", told.via);
    if (told.theme) query.set("theme", told.theme);
    return `${origin}/embed/${told.entry}${query.toString() ? "?" + query : ""}`;
  }

  function pageAddress(told) {
    if (told.via) return `${origin}/s/${told.via}?c=embed`;
    return told.entry ? `${origin}/entries/${told.entry}?c=embed` : origin;
  }

  function show(element) {
    remove(element);
    const told = read(element);
    const root = element.shadowRoot || element.attachShadow({ mode: "open" });
    while (root.firstChild) root.firstChild.remove();
    pin(element, { display: "block", height: "auto", "max-height": "none", overflow: "visible" });
    const placement = { element, root, told, frame: null, message: null, timer: 0, watch: null, hasCome: false };
    placements.set(element, placement);
    if (told.entry) addFrame(placement);
    else fail(placement, 'it needs entry="…", the number in the address of the story');
  }

  function addFrame(placement) {
    const frame = document.createElement("iframe");
    placement.frame = frame;
    /* Scripts: the frame tells its height. Its own origin: messages can be checked against it, and our policy's
       'self' means us; it is never the page's origin, so it opens no way out. Popups that leave the sandbox: the
       button opens our page, which needs its forms. No forms, no downloads, no dialogs, no navigating of the page. */
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox");
    frame.setAttribute("loading", "lazy");
    frame.setAttribute("title", placement.told.label);
    frame.setAttribute("referrerpolicy", "strict-origin-when-cross-origin");
    pin(frame, {
      all: "initial",
      display: "block",
      "box-sizing": "border-box",
      width: "100%",
      "max-width": "720px",
      height: FIRST_HEIGHT + "px",
      margin: "0 auto",
      border: "0",
      "color-scheme": placement.told.theme || "inherit",
    });
    frame.addEventListener("load", () => {
      if (!placement.hasCome) startTimer(placement, AFTER_LOAD);
    });
    frame.src = frameAddress(placement.told);
    placement.root.append(frame);
    watch(placement);
  }

  /* A lazy frame below the fold has not failed: patience begins when somebody looks at its place. */
  function watch(placement) {
    if (!window.IntersectionObserver) {
      startTimer(placement, PATIENCE);
      return;
    }
    placement.watch = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      placement.watch.disconnect();
      if (!placement.hasCome && !placement.timer) startTimer(placement, PATIENCE);
    });
    placement.watch.observe(placement.frame);
  }

  function startTimer(placement, delay) {
    clearTimeout(placement.timer);
    placement.timer = setTimeout(() => {
      fail(placement, `does this page's Content-Security-Policy allow frame-src ${origin}?`);
    }, delay);
  }

  function fail(placement, reason) {
    if (placement.message) return;
    if (placement.frame) pin(placement.frame, { display: "none" });
    const box = document.createElement("p");
    const link = document.createElement("a");
    pin(box, {
      all: "initial", display: "block", "box-sizing": "border-box", "max-width": "720px", margin: "0 auto",
      padding: "16px", border: "1px solid #8d7d69", "border-radius": "6px",
      background: "#fffcf5", color: "#2b2420", font: "17px/1.5 system-ui, sans-serif",
    });
    pin(link, { color: "#27406b", "text-decoration": "underline" });
    link.href = pageAddress(placement.told);
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = placement.told.entry ? "Watch it and vote on its own page" : "See all the stories";
    box.setAttribute("role", "status");
    box.append("This story does not show here. ", link, ".");
    placement.message = box;
    placement.root.append(box);
    console.warn(`Quilt: entry ${placement.told.entry || "?"} does not show here; ${reason}`);
  }

  function arrive(placement, height) {
    placement.hasCome = true;
    clearTimeout(placement.timer);
    if (placement.message) placement.message.remove();
    placement.message = null;
    pin(placement.frame, { display: "block" });
    if (height > 0) pin(placement.frame, { height: Math.min(height, HIGHEST) + "px" });
  }

  function remove(element) {
    const placement = placements.get(element);
    if (!placement) return;
    placements.delete(element);
    clearTimeout(placement.timer);
    if (placement.watch) placement.watch.disconnect();
    while (placement.root.firstChild) placement.root.firstChild.remove();
  }

  function scan() {
    for (const element of [...placements.keys()]) if (!element.isConnected) remove(element);
    for (const element of document.querySelectorAll(DIVS)) if (!placements.has(element)) show(element);
    return placements.size;
  }

  /* A message counts when it is our origin's, from one of our frames, and nothing but a height. */
  window.addEventListener("message", (event) => {
    const told = event.data;
    if (event.origin !== origin || typeof told !== "object" || told === null) return;
    if (told.type !== "quilt:height" || !Number.isFinite(told.height) || told.height < 0) return;
    for (const placement of placements.values()) {
      if (placement.frame && placement.frame.contentWindow === event.source) arrive(placement, told.height);
    }
  });

  class QuiltEntry extends HTMLElement {
    static get observedAttributes() {
      return ["entry", "via", "theme", "label"];
    }

    connectedCallback() {
      show(this);
    }

    disconnectedCallback() {
      remove(this);
    }

    attributeChangedCallback(_name, before, after) {
      if (before !== after && placements.has(this)) show(this);
    }
  }

  window.Quilt = Object.freeze({ origin, scan, remove });
  if (!customElements.get("quilt-entry")) customElements.define("quilt-entry", QuiltEntry);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", scan);
  else scan();
})();
