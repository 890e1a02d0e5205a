// The form works without this script. It adds drop, paste, previews, progress, and results without a page load.
"use strict";

const form = document.getElementById("upload");
const results = document.getElementById("results");
const PATIENCE = 60000; // milliseconds without any response

if (form) {
  const input = document.getElementById("file");
  const drop = document.getElementById("drop");
  const previews = document.getElementById("previews");
  const progress = document.getElementById("progress");
  const status = document.getElementById("status");
  const limits = { files: +form.dataset.files, bytes: +form.dataset.bytes, together: +form.dataset.together };
  const inWords = bytes => bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;

  // --- choose: by button, drop or paste ---

  const choose = files => {
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    input.files = transfer.files;
    showChosen();
  };

  const showChosen = () => {
    previews.replaceChildren(...Array.from(input.files, preview));
    previews.hidden = input.files.length === 0;
    status.textContent = input.files.length ? `${input.files.length} chosen.` : "";
  };

  const preview = file => {
    const item = document.createElement("li");
    const image = document.createElement("img");
    image.alt = "";
    image.src = URL.createObjectURL(file);
    image.onload = () => URL.revokeObjectURL(image.src);
    image.onerror = () => { URL.revokeObjectURL(image.src); image.remove(); };
    item.append(image, `${file.name}, ${inWords(file.size)}`);
    return item;
  };

  const hasFiles = event => Array.from(event.dataTransfer?.types ?? []).includes("Files");

  input.addEventListener("change", showChosen);
  document.addEventListener("paste", event => {
    if (event.clipboardData?.files.length) { event.preventDefault(); choose(event.clipboardData.files); }
  });
  document.addEventListener("dragover", event => {
    if (hasFiles(event)) { event.preventDefault(); drop.classList.add("over"); }
  });
  document.addEventListener("dragleave", event => { if (!event.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", event => { // anywhere: a picture dropped outside the frame would replace the page
    if (!hasFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    choose(event.dataTransfer.files);
  });

  // --- send ---

  const problem = () => {
    const files = Array.from(input.files);
    const large = files.find(file => file.size > limits.bytes);
    if (files.length > limits.files) return `${files.length} files are too many. Choose at most ${limits.files}.`;
    if (large) return `${large.name} is larger than ${inWords(limits.bytes)}. Reduce its size, or save it as JPEG.`;
    if (files.reduce((sum, file) => sum + file.size, 0) > limits.together) {
      return `The files are larger than ${inWords(limits.together)} in total. Choose fewer.`;
    }
    return "";
  };

  const show = (title, ...nodes) => {
    if (title) document.title = title;
    results.replaceChildren(...nodes);
    results.focus({ preventScroll: true });
    results.scrollIntoView({ block: "nearest" });
  };

  const complain = sentence => {
    const alert = document.createElement("p");
    alert.className = "error";
    alert.setAttribute("role", "alert");
    alert.textContent = sentence;
    show("", alert);
  };

  const rest = () => {
    for (const button of form.querySelectorAll("button")) button.disabled = false;
    progress.hidden = true;
    status.textContent = "";
  };

  const send = data => {
    const request = new XMLHttpRequest();
    let silence;
    const alive = () => { clearTimeout(silence); silence = setTimeout(() => request.abort(), PATIENCE); };
    const end = finish => () => { clearTimeout(silence); rest(); finish(); };
    request.upload.onprogress = event => {
      alive();
      progress.value = event.loaded / event.total;
      status.textContent = event.loaded < event.total ? "Uploading …" : "Classifying …";
    };
    request.onload = end(() => {
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const fresh = page.getElementById("results");
      if (fresh) show(page.title, ...fresh.childNodes);
      else complain(ofStatus(request.status)); // the response is from a proxy, not from our server
    });
    request.onerror = end(() => complain("The server can't be reached. Check your connection and try again."));
    request.onabort = end(() => complain("The server did not respond. Try again later."));
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    progress.value = 0;
    progress.hidden = false;
    status.textContent = "Uploading …";
    alive();
    request.open("POST", form.action);
    request.send(data);
  };

  const ofStatus = code => code === 413
    ? "The upload is larger than the server accepts. Send fewer or smaller pictures."
    : `The server returned an error (${code}). Try again later.`;

  form.addEventListener("submit", event => {
    event.preventDefault();
    const data = new FormData(form);
    const sample = event.submitter?.name === "sample" ? event.submitter.value : "";
    if (sample) { data.delete("file"); data.set("sample", sample); }
    const sentence = sample ? "" : problem();
    if (sentence) complain(sentence); else send(data);
  });
}
