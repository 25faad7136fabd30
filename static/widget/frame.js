// Inside the frame: tells the page around it how tall the content is. Any page may know that number, which is why
// it may go to any origin; nothing else is said, and nothing is listened to.

const box = document.querySelector("[data-embed]");

function tell() {
  const height = Math.ceil(box.getBoundingClientRect().height);
  window.parent.postMessage({ type: "quilt:height", height }, "*");
}

if (window.parent !== window) {
  tell();
  new ResizeObserver(tell).observe(box);
}
