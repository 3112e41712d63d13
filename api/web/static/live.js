// Puts what the node sends into its place. Without this script the page still shows all there is, as of its loading.
"use strict";

(() => {
  const SETTLED_MS = 1500; // the first sending repeats the page: what differs later is news, and is shown as news
  const state = document.getElementById("state");
  const said = document.getElementById("said"); // for those who listen to the page

  const tell = (name, text) => {
    state.dataset.state = name;
    state.textContent = text;
  };

  const statuses = (place) =>
    new Map([...place.querySelectorAll("[data-status]")].map((row) => [row.id, row.dataset.status]));

  const put = ({ id, html }) => {
    const place = document.getElementById(id);
    if (place === null) return;
    const opened = [...place.querySelectorAll("details[open]")].map((details) => details.id);
    const before = statuses(place);
    place.innerHTML = html;
    for (const name of opened) document.getElementById(name)?.setAttribute("open", "");
    for (const row of place.querySelectorAll("[data-status]")) {
      if (before.get(row.id) === row.dataset.status) continue;
      row.classList.add("changed");
      if (document.body.classList.contains("settled")) said.textContent = row.querySelector(".line").innerText;
    }
  };

  const source = new EventSource("/live/events");
  source.addEventListener("open", () => {
    tell("live", "live");
    setTimeout(() => document.body.classList.add("settled"), SETTLED_MS);
  });
  source.addEventListener("fragment", (event) => put(JSON.parse(event.data)));
  source.addEventListener("ended", () => {
    source.close();
    location.reload();
  });
  source.addEventListener("error", () => {
    document.body.classList.remove("settled");
    tell("lost", "reconnecting");
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (button === null) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, SETTLED_MS);
  });
})();
