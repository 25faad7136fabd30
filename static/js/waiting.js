// Something is awaited: look now and then, and show the page anew when it has come, unless somebody is typing here.
// Without this script the page loads itself anew, and its own link does the same.

const marks = [...document.querySelectorAll("[data-waiting]")].map((one) => `data-waiting="${one.dataset.waiting}"`);
const between = marks.includes('data-waiting="gate"') ? 1500 : 15000; // milliseconds

function isTyped() {
  return [...document.querySelectorAll("textarea, input")].some((field) => field.value !== field.defaultValue);
}

async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = answer.ok ? await answer.text() : "";
    if (page && !isTyped() && marks.some((mark) => !page.includes(mark))) {
      location.replace(location.href);
      return;
    }
  } catch {
    // the connection is away for a moment: look again
  }
  setTimeout(look, between);
}

if (marks.length) setTimeout(look, between);
