// Time left, kept true while the page is open, and the instant on the visitor's own clock.
// Without this script the page says the time left as of its loading, and the instant in the contest's zone.

const MINUTE = 60_000;

function parts(milliseconds) {
  const minutes = Math.max(0, Math.ceil(milliseconds / MINUTE));
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  if (days) return [[days, "day"], [hours, "hour"]];
  return hours ? [[hours, "hour"], [rest, "minute"]] : [[rest, "minute"]];
}

function draw(time) {
  const left = new Date(time.dateTime) - Date.now();
  time.replaceChildren();
  parts(left).forEach(([number, unit], index) => {
    if (index) time.append(" ");
    const span = document.createElement("span");
    const bold = document.createElement("b");
    bold.textContent = String(number);
    span.append(bold, number === 1 ? unit : `${unit}s`);
    time.append(span);
  });
  return left;
}

for (const time of document.querySelectorAll("time[data-countdown]")) {
  const wasComing = new Date(time.dateTime) > Date.now();
  const timer = setInterval(() => {
    if (draw(time) > 0) return;
    clearInterval(timer);
    // What may be done has changed: show it, once, and not at the same second for everybody.
    if (wasComing) setTimeout(() => location.reload(), 1000 + Math.random() * 9000);
  }, 15_000);
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const city = zone.split("/").at(-1).replaceAll("_", " ");
for (const place of document.querySelectorAll("[data-local]")) {
  if (place.dataset.zone === zone) continue;
  const instant = new Date(place.dataset.local);
  // Written as the page writes dates: 3 December 2026, 20:00 (New York).
  const [day, hour] = [{ dateStyle: "long" }, { timeStyle: "short" }].map((style) => new Intl.DateTimeFormat("en-GB", style));
  place.querySelector("span").textContent = `${day.format(instant)}, ${hour.format(instant)} (${city})`;
  place.hidden = false;
}
