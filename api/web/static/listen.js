// Plays the recording from a second: that of the address (#t=24.3), or of what is clicked. Without
// this script the player and the links still work.
"use strict";

const audio = document.querySelector("audio");
const button = document.getElementById("play");
const strip = document.querySelector("svg[data-length]");
const head = document.getElementById("head");
const turns = [...document.querySelectorAll("li[data-start]")];

function askedSecond() {
  const found = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
  return found ? Number(found[1]) : null;
}

function place(second) {
  const whole = Math.floor(second);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

function show(second) {
  if (head && strip) {
    const x = (1000 * second) / Number(strip.dataset.length);
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
  }
  const current = turns.findLast((turn) => Number(turn.dataset.start) <= second + 0.05);
  for (const turn of turns) turn.setAttribute("aria-current", turn === current);
}

// The second is part of the address until the recording is loaded: it is not asked for before
// somebody plays it, since each playing stands in the audit trail.
function standAt(second) {
  if (audio.readyState === 0) audio.src = `${audio.dataset.src}#t=${second}`;
  else audio.currentTime = second;
  show(second);
}

function playFrom(second) {
  standAt(second);
  audio.play().catch(() => {}); // what is wrong is told by the error event
}

if (audio) {
  const start = () => {
    const second = askedSecond() ?? Number(button.dataset.at);
    button.dataset.at = second;
    button.textContent = `Play from ${place(second)}`;
    if (askedSecond() !== null) standAt(second);
    else show(second);
  };
  start();
  window.addEventListener("hashchange", start);
  button.hidden = false;
  audio.addEventListener("timeupdate", () => show(audio.currentTime));
  audio.addEventListener("error", () => {
    document.getElementById("unplayable").hidden = false;
  });
  document.addEventListener("click", (event) => {
    const wanted = event.target.closest("[data-at]");
    if (!wanted || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    playFrom(Number(wanted.dataset.at));
  });
}

// A form does not send the second that stands behind the address's #.
const next = document.querySelector(".sign-in input[name=next]");
if (next && askedSecond() !== null) next.value += location.hash;
