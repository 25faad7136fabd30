// Something is being done elsewhere: look now and then, and show the page anew when it has come to its end.
// Without this script the page's own link does the same.

const BETWEEN = 1500; // milliseconds

async function look() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.ok && !(await answer.text()).includes("data-waiting")) {
      location.replace(location.href);
      return;
    }
  } catch {
    // the connection is away for a moment: look again
  }
  setTimeout(look, BETWEEN);
}

if (document.querySelector("[data-waiting]")) setTimeout(look, BETWEEN);
