// The generator: the preview and the snippets follow every change. Without this script the form's button does it.

for (const button of document.querySelectorAll("[data-copy], [data-copy-code]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const words = button.querySelector("span");
    const before = words.textContent;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy || button.dataset.copyCode).value);
    words.textContent = button.dataset.copied;
    setTimeout(() => { words.textContent = before; }, 2000);
  });
}

const printer = document.querySelector("[data-print]");
if (printer) {
  printer.hidden = false;
  printer.addEventListener("click", () => window.print());
}

const preview = document.querySelector("[data-preview]");
window.addEventListener("message", (event) => {
  if (!preview || event.origin !== location.origin || event.source !== preview.contentWindow) return;
  if (event.data && event.data.type === "quilt:height" && event.data.height > 0) {
    preview.style.setProperty("height", `${Math.min(event.data.height + 2, 2000)}px`);
  }
});

const form = document.querySelector("[data-generator]");
if (form) {
  let latest = 0;

  // Every kind has its own questions.
  const fit = () => {
    for (const part of form.querySelectorAll("[data-for]")) {
      part.hidden = !part.dataset.for.split(" ").includes(form.elements.kind.value);
    }
  };

  const say = (problem) => {
    const line = form.querySelector("[data-problem]");
    line.hidden = !problem;
    line.querySelector("span").textContent = problem;
  };

  const keep = (query) => {
    const target = document.querySelector("[data-keep]");
    if (!target) return;
    for (const field of target.querySelectorAll('input[type="hidden"]:not([name="csrf_token"])')) field.remove();
    for (const [name, value] of query) {
      const field = document.createElement("input");
      [field.type, field.name, field.value] = ["hidden", name, value];
      target.append(field);
    }
  };

  const draw = async () => {
    const number = (latest += 1);
    const query = new URLSearchParams(new FormData(form));
    const answer = await fetch(`${form.dataset.generator}?${query}`, { headers: { Accept: "application/json" } });
    if (!answer.ok || number !== latest) return;
    const told = await answer.json();
    say(told.problem);
    keep(query);
    history.replaceState(null, "", `?${query}`);
    if (told.frame && preview && new URL(preview.src).pathname + new URL(preview.src).search !== told.frame) {
      preview.src = told.frame;
    }
    for (const snippet of told.snippets) document.getElementById(`code-${snippet.key}`).value = snippet.text;
  };

  let timer = 0;
  form.addEventListener("input", () => {
    fit();
    clearTimeout(timer);
    timer = setTimeout(draw, 250);
  });
  form.querySelector("[data-without-script]").hidden = true;
  fit();
  keep(new URLSearchParams(new FormData(form)));
}
