// Light or dark theme: the system's, until the reader chooses. Loaded in the head, so that the page does not flash.
"use strict";

const system = matchMedia("(prefers-color-scheme: dark)");
const remembered = () => {
  try { return localStorage.getItem("theme"); } catch { return null; } // storage may be disabled
};
const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";

document.documentElement.classList.add("js");
if (["light", "dark"].includes(remembered())) document.documentElement.dataset.theme = remembered();

document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const name = () => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try { localStorage.setItem("theme", theme); } catch { /* not stored: it lasts until the next page */ }
    name();
  });
  system.addEventListener("change", name);
  name();
});
