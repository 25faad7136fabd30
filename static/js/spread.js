// The spread page: the replay's slider answers at once, the pictures can be enlarged, and what lies under the
// pointer is told. Everything here has a way without a script.

const page = document.querySelector("[data-spread]");
const PAUSE = 140; // milliseconds that the slider rests before a picture is asked for
const STEPS = [1, 1.6, 2.5, 4, 6.5, 10];

function start() {
  page.dataset.live = "";
  startReplay();
  page.querySelectorAll("[data-picture]").forEach(enlarge);
  page.addEventListener("pointerover", tell);
}

// The replay

function startReplay() {
  const form = page.querySelector("[data-replay]");
  if (!form) return;
  const slider = form.querySelector("input");
  const count = form.querySelector("[data-replay-count]");
  let timer = 0;
  let asked = null;
  slider.addEventListener("input", () => {
    count.textContent = Number(slider.value).toLocaleString("en");
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (asked) asked.abort();
      asked = ask(slider);
    }, PAUSE);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    slider.dispatchEvent(new Event("input"));
  });
}

// The browser itself reads the page that a reader without a script would get.
function ask(slider) {
  const isNow = Number(slider.value) + Number(slider.step) > Number(slider.max);
  const address = isNow ? location.pathname : `${location.pathname}?at=${slider.value}`;
  const request = new XMLHttpRequest();
  request.open("GET", address);
  request.responseType = "document";
  request.addEventListener("load", () => {
    if (request.status === 200 && request.response) swap(request.response);
    else location.assign(address);
  });
  request.addEventListener("error", () => location.assign(address));
  request.send();
  return request;
}

function swap(answer) {
  for (const part of page.querySelectorAll("[data-part]")) {
    const newer = answer.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!newer) continue;
    const open = [...part.querySelectorAll("details")].map((one) => one.open);
    part.replaceChildren(...newer.childNodes);
    part.querySelectorAll("details").forEach((one, place) => (one.open = Boolean(open[place])));
    part.querySelectorAll("[data-picture]").forEach(enlarge);
  }
}

// Enlarging: the box that is shown of a picture grows smaller.

function enlarge(figure) {
  const pictures = [...figure.querySelectorAll("[data-zoom]")];
  if (!pictures.length) return;
  const sheet = pictures[0].parentElement;
  const views = pictures.map((svg) => new View(svg));
  let step = 0;
  const set = (to) => {
    step = Math.max(0, Math.min(STEPS.length - 1, to));
    views.forEach((view) => view.zoom(STEPS[step]));
    closer.disabled = step === STEPS.length - 1;
    whole.disabled = step === 0;
  };
  const closer = makeButton("+", "Enlarge the picture", () => set(step + 1));
  const whole = makeButton("−", "Make the picture smaller", () => set(step - 1));
  const bar = document.createElement("div");
  bar.className = "zoom";
  bar.append(closer, whole);
  sheet.append(bar);
  set(0);
}

function makeButton(sign, words, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = sign;
  button.setAttribute("aria-label", words);
  button.addEventListener("click", act);
  return button;
}

class View {
  constructor(svg) {
    const box = svg.viewBox.baseVal;
    this.svg = svg;
    this.whole = { x: box.x, y: box.y, width: box.width, height: box.height };
    this.across = svg.dataset.zoom === "across";
    this.middle = { x: box.width / 2, y: box.height / 2 };
    this.factor = 1;
    svg.addEventListener("pointerdown", (event) => this.grab(event));
    svg.addEventListener("keydown", (event) => this.walk(event));
  }

  zoom(factor) {
    this.factor = factor;
    this.svg.classList.toggle("is-zoomed", factor > 1);
    // Rows of an icicle stay as high as they are: its blocks alone grow wider.
    if (this.across) this.svg.setAttribute("preserveAspectRatio", factor > 1 ? "none" : "xMidYMid meet");
    if (factor > 1) this.svg.setAttribute("tabindex", "0");
    else this.svg.removeAttribute("tabindex");
    this.show();
  }

  show() {
    const width = this.whole.width / this.factor;
    const height = this.across ? this.whole.height : this.whole.height / this.factor;
    this.middle.x = Math.max(width / 2, Math.min(this.whole.width - width / 2, this.middle.x));
    this.middle.y = Math.max(height / 2, Math.min(this.whole.height - height / 2, this.middle.y));
    const corner = [this.middle.x - width / 2, this.middle.y - height / 2];
    this.svg.setAttribute("viewBox", [...corner, width, height].join(" "));
  }

  grab(event) {
    if (this.factor === 1) return;
    const scale = this.whole.width / this.factor / this.svg.clientWidth;
    let last = event;
    const move = (next) => {
      this.shift((last.clientX - next.clientX) * scale, (last.clientY - next.clientY) * scale);
      last = next;
    };
    const end = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  }

  walk(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (!way || this.factor === 1) return;
    event.preventDefault();
    const stride = this.whole.width / this.factor / 6;
    this.shift(way[0] * stride, way[1] * stride);
  }

  shift(x, y) {
    this.middle.x += x;
    this.middle.y += y;
    this.show();
  }
}

// What a mark stands for, below the picture: the browser's own hint comes late, and on a phone not at all.

function tell(event) {
  const title = event.target.querySelector?.(":scope > title");
  const figure = title && event.target.closest("[data-picture]");
  if (!figure) return;
  const words = figure.querySelector("[data-told]");
  if (words) words.textContent = title.textContent;
}

start();
