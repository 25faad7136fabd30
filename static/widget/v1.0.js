/*
 * Stories of a quilt, on any page:
 *
 *   <script async src="https://OUR-SITE/widget/v1.js"></script>
 *   <quilt-entry entry="12"></quilt-entry>            one story
 *   <quilt-vote entry="12"></quilt-vote>              its title, its count, one button
 *   <quilt-contest contest="spring"></quilt-contest>  the stories of a contest
 *   <quilt-countdown contest="spring"></quilt-countdown>
 *   <quilt-entry embed="CODE"></quilt-entry>          what a brand has set up under that code
 *
 * or, where an editor strips elements that it does not know: <div data-quilt="entry" data-entry="12"></div>
 *
 * It builds one frame a placement and follows the height that the frame tells. It sets no cookie, stores nothing and
 * asks for nothing but the frame. Quilt.scan() shows divs that came later, Quilt.remove(element) takes one away; the
 * elements do both by themselves. Elements fire quilt:ready, quilt:count (detail.votes) and quilt:failed.
 */
(() => {
  "use strict";

  const script = document.currentScript || document.querySelector('script[src*="/widget/v1"]');
  if (window.Quilt && window.Quilt.scan) {
    window.Quilt.scan();
    return;
  }
  const origin = new URL(script.src, location.href).origin;
  const PATIENCE = 10000; // ms that a frame may take once it is looked at
  const AFTER_LOAD = 2000; // ms between the frame's load and its word, when a blocked frame "loads" at once
  const HIGHEST = 4000; // px
  const KINDS = {
    entry: { of: "entry", path: (id) => `/embed/${id}`, height: 420 },
    vote: { of: "entry", path: (id) => `/embed/${id}/vote`, height: 150 },
    contest: { of: "contest", path: (slug) => `/embed/contests/${slug}`, height: 560 },
    countdown: { of: "contest", path: (slug) => `/embed/contests/${slug}/countdown`, height: 240 },
  };
  const SHAPES = { entry: /^[1-9][0-9]{0,17}$/, contest: /^[a-z0-9][a-z0-9-]{0,79}$/, code: /^[0-9A-Za-z]{11}$/ };
  const OPTIONS = ["theme", "accent", "ground", "corners", "lang", "logos", "counts", "top", "cause", "order"];
  const WORDS = {
    en: ["This does not show here.", "Watch it and vote on its own page", "Watch and vote", "Close"],
    de: ["Das lässt sich hier nicht zeigen.", "Auf der eigenen Seite ansehen und abstimmen", "Ansehen und abstimmen", "Schließen"],
    fr: ["L’affichage n’est pas possible ici.", "Regarder et voter sur sa propre page", "Regarder et voter", "Fermer"],
    es: ["No se puede mostrar aquí.", "Ver y votar en su propia página", "Ver y votar", "Cerrar"],
    ar: ["لا يمكن العرض هنا.", "شاهِد وصوِّت على صفحتها", "شاهِد وصوِّت", "إغلاق"],
  };
  const WHY = {
    site: "this site is not among the verified sites of its owner",
    ended: "its owner has taken it down",
    unknown: "nobody has that code",
    frame: `does this page's Content-Security-Policy allow frame-src ${origin}? Else we are down`,
  };
  const DIVS = "[data-quilt]";
  const placements = new Map();

  /* Inline, important and through the CSSOM: no sheet of the page outranks it, and a strict policy allows it. */
  function pin(element, rules) {
    for (const name of Object.keys(rules)) element.style.setProperty(name, rules[name], "important");
  }

  function wish(element, name) {
    return (element.getAttribute(name) || element.getAttribute("data-" + name) || "").trim();
  }

  function fit(shape, text) {
    return SHAPES[shape].test(text) ? text : "";
  }

  function read(element) {
    const name = element.localName.startsWith("quilt-") ? element.localName.slice(6) : element.getAttribute("data-quilt");
    const kind = KINDS[name] || KINDS.entry;
    const lang = wish(element, "lang");
    return {
      kind,
      id: fit(kind.of, wish(element, kind.of)),
      code: fit("code", wish(element, "embed")),
      via: fit("code", wish(element, "via")),
      options: OPTIONS.map((option) => [option, wish(element, option)]).filter((pair) => pair[1]),
      theme: wish(element, "theme"),
      isModal: wish(element, "mode") === "modal",
      words: WORDS[lang] || WORDS.en,
      direction: lang === "ar" ? "rtl" : "ltr",
      label: wish(element, "label"),
    };
  }

  /* What only the frame's own script needs stands behind the #, so that every page gets the same, kept bytes. */
  function frameAddress(told) {
    const query = new URLSearchParams(told.options);
    if (told.via && !told.code) query.set("via", told.via);
    const path = told.code ? `/embed/by/${told.code}` : told.kind.path(told.id);
    const hash = new URLSearchParams({ o: location.origin, p: location.pathname });
    return `${origin}${path}${query.toString() ? "?" + query : ""}#${hash}`;
  }

  function pageAddress(told) {
    const code = told.via || (told.kind.of === "entry" && told.code);
    if (code) return `${origin}/s/${code}?c=embed`;
    if (!told.id) return origin;
    return `${origin}/${told.kind.of === "entry" ? "entries" : "contests"}/${told.id}?c=embed`;
  }

  function show(element) {
    remove(element);
    const told = read(element);
    const root = element.shadowRoot || element.attachShadow({ mode: "open" });
    const reserved = parseFloat(getComputedStyle(element).minHeight) || 0;
    while (root.firstChild) root.firstChild.remove();
    pin(element, { display: "block", height: "auto", "max-height": "none", overflow: "visible" });
    const placement = {
      element, root, told, reserved, frame: null, message: null, timer: 0, watch: null, hasCome: false, place: root,
    };
    placements.set(element, placement);
    if (!told.id && !told.code) fail(placement, `it needs ${told.kind.of}="…", as in the address of its page`);
    else if (told.isModal && window.HTMLDialogElement) addOpener(placement);
    else addFrame(placement);
  }

  function addFrame(placement) {
    const told = placement.told;
    const frame = document.createElement("iframe");
    placement.frame = frame;
    /* Scripts: the frame tells its height. Its own origin: messages can be checked against it, and our policy's
       'self' means us; it is never the page's origin, so it opens no way out. Popups that leave the sandbox: the
       button opens our page, which needs its forms. The top page only after a press, where no tab can be opened.
       No forms, no downloads, no dialogs. */
    frame.setAttribute(
      "sandbox",
      "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation",
    );
    frame.setAttribute("loading", "lazy");
    frame.setAttribute("title", told.label || told.words[2]);
    frame.setAttribute("allow", "fullscreen");
    frame.setAttribute("referrerpolicy", "strict-origin-when-cross-origin");
    pin(frame, {
      all: "initial", display: "block", "box-sizing": "border-box", width: "100%", "max-width": "720px",
      height: (placement.reserved || told.kind.height) + "px", margin: "0 auto", border: "0",
      "color-scheme": told.theme === "light" || told.theme === "dark" ? told.theme : "inherit",
    });
    frame.addEventListener("load", () => {
      if (!placement.hasCome) startTimer(placement, AFTER_LOAD);
    });
    frame.src = frameAddress(told);
    placement.place.append(frame);
    watch(placement);
  }

  function makeButton(text) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    pin(button, {
      all: "initial", display: "inline-block", "box-sizing": "border-box", padding: "12px 22px", "min-height": "44px",
      "border-radius": "6px", background: "#27406b", color: "#fffdf8", font: "600 17px/1.2 system-ui, sans-serif",
      cursor: "pointer",
    });
    button.addEventListener("focus", () => pin(button, { outline: "3px solid #27406b", "outline-offset": "3px" }));
    button.addEventListener("blur", () => pin(button, { outline: "none" }));
    return button;
  }

  function addOpener(placement) {
    const told = placement.told;
    const opener = makeButton(told.label || told.words[2]);
    const dialog = document.createElement("dialog");
    const closer = makeButton(told.words[3]);
    pin(dialog, {
      "box-sizing": "border-box", width: "min(720px, 96vw)", "max-height": "94vh", margin: "auto", padding: "12px",
      border: "0", "border-radius": "10px", overflow: "auto", background: "#fffcf5", direction: told.direction,
    });
    pin(closer, { margin: "0 0 12px" });
    dialog.setAttribute("aria-label", opener.textContent);
    dialog.append(closer);
    closer.addEventListener("click", () => dialog.close());
    opener.addEventListener("click", () => {
      dialog.showModal();
      if (!placement.frame) addFrame(placement);
    });
    placement.place = dialog;
    placement.root.append(opener, dialog);
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
    placement.timer = setTimeout(() => ask(placement), delay);
  }

  /* The frame keeps silent: the page gets a message at once, and the console the reason once we know it. */
  function ask(placement) {
    const told = placement.told;
    const code = told.code || told.via;
    fail(placement);
    fetch(`${origin}/widget/why.json?via=${code}${told.code ? "&by=code" : ""}`, { credentials: "omit" })
      .then((answer) => answer.json())
      .then((answer) => warn(placement, WHY[answer.reason] || WHY.frame))
      .catch(() => warn(placement, WHY.frame));
  }

  function warn(placement, reason) {
    if (placement.hasCome || placements.get(placement.element) !== placement) return;
    console.warn(`Quilt: ${placement.told.code || placement.told.id || "an embed"} does not show here; ${reason}.`);
    fire(placement, "failed", { reason });
  }

  function fire(placement, name, detail) {
    placement.element.dispatchEvent(new CustomEvent("quilt:" + name, { bubbles: true, detail }));
  }

  function fail(placement, reason) {
    if (placement.message) return;
    if (placement.frame) pin(placement.frame, { display: "none" });
    const told = placement.told;
    const box = document.createElement("p");
    const link = document.createElement("a");
    pin(box, {
      all: "initial", display: "block", "box-sizing": "border-box", "max-width": "720px", margin: "0 auto",
      padding: "16px", border: "1px solid #8d7d69", "border-radius": "6px", direction: told.direction,
      background: "#fffcf5", color: "#2b2420", font: "17px/1.5 system-ui, sans-serif",
    });
    pin(link, { color: "#27406b", "text-decoration": "underline" });
    link.href = pageAddress(told);
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = told.words[1];
    box.setAttribute("role", "status");
    box.append(told.words[0] + " ", link);
    placement.message = box;
    placement.place.append(box);
    if (reason) warn(placement, reason);
  }

  function arrive(placement, height, radius, hasFailed) {
    const isFirst = !placement.hasCome;
    placement.hasCome = true;
    clearTimeout(placement.timer);
    if (placement.message) placement.message.remove();
    placement.message = null;
    pin(placement.frame, { display: "block" });
    if (height > 0) pin(placement.frame, { height: Math.min(Math.max(height, placement.reserved), HIGHEST) + "px" });
    if (radius >= 0 && radius < 50) pin(placement.frame, { "border-radius": radius + "px" });
    if (isFirst) fire(placement, hasFailed ? "failed" : "ready");
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
    for (const element of document.querySelectorAll(DIVS)) {
      if (!placements.has(element) && element.attachShadow) show(element);
    }
    return placements.size;
  }

  /* A message counts when it is our origin's, from one of our frames, and nothing but a height or a count. */
  window.addEventListener("message", (event) => {
    const told = event.data;
    if (event.origin !== origin || typeof told !== "object" || told === null) return;
    for (const placement of placements.values()) {
      if (!placement.frame || placement.frame.contentWindow !== event.source) continue;
      if (told.type === "quilt:height" && Number.isFinite(told.height) && told.height >= 0) {
        arrive(placement, told.height, told.radius, told.failed === true);
      } else if (told.type === "quilt:count" && Number.isSafeInteger(told.votes) && told.votes >= 0) {
        fire(placement, "count", { votes: told.votes });
      }
    }
  });

  function makeElement() {
    return class extends HTMLElement {
      static get observedAttributes() {
        return ["entry", "contest", "embed", "via", "mode", "label", ...OPTIONS];
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
    };
  }

  window.Quilt = Object.freeze({ origin, scan, remove });
  for (const kind of Object.keys(KINDS)) {
    if (!customElements.get("quilt-" + kind)) customElements.define("quilt-" + kind, makeElement());
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", scan);
  else scan();
})();
