// Entering: the draft saves itself, the upload shows how far it is, and the wait for the film has an end.
// Everything here has a way without a script.

const QUIET = 700; // milliseconds without a keystroke before the draft is saved
const AGAIN = 3000; // until the next try when the connection is away
const entry = document.querySelector("[data-entry]").dataset.entry;

document.querySelectorAll("form[data-autosave]").forEach(keepSaved);
document.querySelectorAll("form[data-upload]").forEach(showUpload);
document.querySelectorAll("[data-waits]").forEach(waitForVideo);
document.querySelectorAll("form[data-poster]").forEach(offerMoment);
document.querySelectorAll("[data-most]").forEach(countLetters);

function keepSaved(form) {
  const note = form.querySelector("[data-saved]");
  const trouble = form.querySelector("[data-trouble]");
  let timer = 0;
  let isDirty = false;
  let isRunning = false;
  let isStopped = false;

  form.addEventListener("input", touch);
  if ([...form.elements].some(isChanged)) touch(); // typed before this script was here
  form.addEventListener("submit", () => {
    isStopped = true;
    clearTimeout(timer);
  });
  addEventListener("pagehide", () => {
    if (isDirty && !isStopped) save(true);
  });

  function touch() {
    isDirty = true;
    plan(QUIET);
  }

  function plan(delay) {
    clearTimeout(timer);
    if (!isStopped) timer = setTimeout(save, delay);
  }

  async function save(isLast = false) {
    if (isRunning && isLast !== true) return plan(QUIET);
    isRunning = true;
    isDirty = false;
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new FormData(form),
        keepalive: isLast === true,
      });
      await tell(answer);
    } catch {
      isDirty = true;
      say("Not saved: the connection is away. Your text is still here, and we keep trying.");
      plan(AGAIN);
    } finally {
      isRunning = false;
    }
  }

  async function tell(answer) {
    const isJson = (answer.headers.get("Content-Type") || "").includes("json");
    if (answer.ok && isJson && !answer.redirected) {
      const told = await answer.json();
      form.elements.edit_count.value = told.edit_count;
      note.textContent = `Saved ${new Date(told.saved_at).toLocaleTimeString()}`;
      trouble.textContent = "";
      return;
    }
    isDirty = true;
    if (answer.status === 412) {
      isStopped = true;
      say("This draft changed in another tab. Press “Save and continue” to see both versions.");
    } else if (answer.status >= 500 || answer.status === 429) {
      say("Not saved yet. Your text is still here, and we keep trying.");
      plan(AGAIN * 3);
    } else {
      isStopped = true;
      say("Not saved: you were signed out, or the page was open too long. Copy your text, then load the page again.");
    }
  }

  function say(words) {
    note.textContent = "";
    if (trouble.textContent !== words) trouble.textContent = words;
  }
}

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  return /^(text|textarea|url|search)$/.test(field.type) && field.value !== field.defaultValue;
}

function showUpload(form) {
  const box = form.querySelector("[data-upload-progress]");
  const bar = box.querySelector("progress");
  const detail = form.querySelector("[data-upload-detail]");
  const status = form.querySelector("[data-upload-status]");
  const trouble = form.querySelector("[data-upload-trouble]");
  const button = form.querySelector("button[type=submit]");
  let percent = 0;

  form.addEventListener("submit", (event) => {
    const file = form.elements.file.files[0];
    if (!file) return;
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    send(file);
  });

  function send(file) {
    const request = new XMLHttpRequest();
    percent = 0; // a second try begins anew
    bar.value = 0;
    detail.textContent = "";
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      percent = Math.floor((100 * event.loaded) / event.total);
      bar.value = percent;
      detail.textContent = `${percent} % of ${size(event.total)}`;
    });
    request.upload.addEventListener("load", () => {
      status.textContent = "All of it is here. One moment…";
    });
    request.addEventListener("load", () => finish(request));
    request.addEventListener("error", breakOff);
    request.addEventListener("abort", breakOff);
    setBusy(true);
    trouble.hidden = true;
    box.hidden = false;
    status.textContent = `Uploading ${file.name}.`;
    request.send(new FormData(form));
  }

  function finish(request) {
    setBusy(false);
    if (request.status === 201) {
      location.assign(`/submit/${entry}?step=video`);
      return;
    }
    box.hidden = true;
    fail(readDetail(request) || "That did not work. Your draft is kept; try again.");
  }

  function breakOff() {
    setBusy(false);
    fail(`The connection broke off at ${percent} %. Your draft is kept: press “Upload” to try again.`);
  }

  function fail(words) {
    status.textContent = "";
    document.querySelectorAll("#file-error, [data-video-trouble]").forEach((older) => (older.hidden = true));
    showTrouble(trouble, words);
  }

  function setBusy(isBusy) {
    button.setAttribute("aria-busy", String(isBusy));
    (isBusy ? addEventListener : removeEventListener)("beforeunload", warn);
  }

  function warn(event) {
    event.preventDefault();
  }
}

function showTrouble(box, words) {
  box.hidden = false;
  box.querySelector("[data-words]").textContent = words;
}

function readDetail(request) {
  try {
    return JSON.parse(request.responseText).detail;
  } catch {
    return request.status === 413 ? "That file is too large. Your draft is kept." : "";
  }
}

function size(bytes) {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(0.1, bytes / 1e6).toFixed(1)} MB`;
}

function waitForVideo(section) {
  const bar = section.querySelector("progress");
  const detail = section.querySelector("[data-progress-detail]");
  const label = section.querySelector("label");
  const status = section.querySelector("[data-video-status]");
  let told = 0;

  async function look() {
    let video;
    try {
      const answer = await fetch(section.dataset.waits, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return setTimeout(look, AGAIN);
      video = await answer.json();
    } catch {
      return setTimeout(look, AGAIN);
    }
    if (video.is_final) return end(video);
    label.textContent = video.words;
    if (video.state === "processing") {
      setBadge("info", "Being prepared");
      bar.value = video.percent;
      detail.textContent = `${video.percent} %`;
      const quarter = Math.floor(video.percent / 25);
      if (quarter > told) {
        told = quarter;
        status.textContent = `${video.words} ${video.percent} %.`;
      }
    }
    setTimeout(look, document.hidden ? AGAIN : 1000);
  }

  function end(video) {
    section.querySelector(".progress").remove();
    setBadge(video.state === "ready" ? "good" : "bad", video.state === "ready" ? "Ready" : "Needs another try");
    status.textContent = video.state === "ready" ? video.words : "";
    if (video.state !== "ready") showTrouble(section.querySelector("[data-video-trouble]"), video.message);
    if (video.state === "ready" && video.src) section.append(buildPlayer(video));
  }

  function setBadge(kind, words) {
    const badge = section.querySelector(".badge");
    if (!badge || badge.lastChild.textContent === words) return;
    badge.className = `badge badge-${kind}`;
    badge.replaceChildren(words);
  }

  setTimeout(look, 600);
}

function buildPlayer(video) {
  const frame = document.createElement("div");
  const screen = document.createElement("div");
  const film = document.createElement("video");
  frame.className = video.height > video.width ? "player player-portrait spread-2" : "player spread-2";
  screen.className = "player-screen";
  film.controls = true;
  film.playsInline = true;
  film.preload = "none";
  film.poster = video.poster;
  film.src = video.src;
  film.setAttribute("aria-label", "Your video");
  screen.append(film);
  frame.append(screen);
  return frame;
}

function offerMoment(form) {
  const film = document.querySelector("[data-video] video");
  const button = form.querySelector("[data-use-moment]");
  const second = form.elements.poster_second;
  if (!film) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    second.value = film.currentTime.toFixed(1);
    form.requestSubmit();
  });
  renewPoster(film, 6);
}

// A new poster is cut by the worker a moment after it was chosen.
async function renewPoster(film, tries) {
  const answer = await fetch(`/submit/${entry}/progress.json`, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer || !answer.ok || answer.redirected) return;
  const video = await answer.json();
  if (video.poster && film.getAttribute("poster") !== video.poster) film.poster = video.poster;
  else if (tries > 0) setTimeout(renewPoster, 1000, film, tries - 1);
}

function countLetters(field) {
  const most = Number(field.dataset.most);
  const note = document.createElement("p");
  note.className = "hint number";
  field.after(note);
  const show = () => {
    const count = field.value.trim().length;
    note.textContent = count > most * 0.7 ? `${count.toLocaleString()} of ${most.toLocaleString()} characters` : "";
  };
  field.addEventListener("input", show);
  show();
}
