// What the dashboard can do better with a script: times in the reader's own zone, changes without reloading, shortcuts.
// Every page and every action works without it.
"use strict";
(() => {
  const root = document.documentElement;
  const arabic = root.lang === "ar";
  const main = document.getElementById("main");
  const show = (id) => { const hint = document.getElementById(id); if (hint) hint.hidden = false; return hint; };
  const hide = (id) => { const hint = document.getElementById(id); if (hint) hint.hidden = true; };

  // Times: the server writes UTC; here they are put into the reader's zone, in the page's language and digits.
  const locale = arabic ? "ar-QA-u-ca-gregory-nu-arab" : "en-GB";
  const clock = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZoneName: "short" });
  const hour = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hour12: false });
  const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
  const localize = (part) => {
    for (const time of part.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      if (time.classList.contains("age")) time.title = clock.format(at);
      else if (time.classList.contains("clock")) time.textContent = hour.format(at);
      else if (time.classList.contains("day")) time.textContent = day.format(at);
      else time.textContent = clock.format(at);
    }
  };

  // What can be copied has a button for it.
  const copyable = (part) => {
    for (const block of part.querySelectorAll("[data-copy]")) {
      const text = block.textContent;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = block.dataset.copy;
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(text);
        } catch {
          // Without https browsers have no clipboard for pages: the text is marked, to be copied by hand.
          getSelection().selectAllChildren(block);
          return;
        }
        button.textContent = block.dataset.copied;
        setTimeout(() => { button.textContent = block.dataset.copy; }, 2000);
      });
      block.prepend(button);
    }
  };

  // Fields of times: the reader's zone here, UTC on the way.
  for (const field of document.querySelectorAll("input[type=datetime-local]")) {
    const pad = (n) => String(n).padStart(2, "0");
    const at = field.value && new Date(field.value + (/Z$|[+-]\d\d:\d\d$/.test(field.value) ? "" : "Z"));
    const sent = document.createElement("input");
    sent.type = "hidden";
    sent.name = field.name;
    const keep = () => { sent.value = field.value ? new Date(field.value).toISOString() : ""; };
    if (at) field.value = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}T${pad(at.getHours())}:${pad(at.getMinutes())}`;
    field.removeAttribute("name");
    field.addEventListener("input", keep);
    keep();
    field.after(sent);
    const zone = field.parentElement.querySelector("[data-zone]");
    if (zone) zone.hidden = true;
  }

  // Changes: units come by id and are put in place, cell by cell; nothing moves under a reader's eyes or hands.
  const parse = (html) => { const holder = document.createElement("template"); holder.innerHTML = html; return holder.content.firstElementChild; };
  const alike = (a, b) => a.outerHTML === b.outerHTML;
  const replace = (id, html) => {
    const old = document.getElementById(id);
    const next = parse(html);
    if (!next) return;
    localize(next);
    if (!old) {
      const rows = next.tagName === "TR" && document.querySelector("[data-rows]");
      if (rows) { rows.append(next); next.classList.add("fresh"); }
      return;
    }
    if (alike(old, next)) return;
    // What a reader has opened stays open.
    for (const open of old.querySelectorAll("details[open][id]")) {
      const same = next.querySelector("#" + CSS.escape(open.id));
      if (same) same.open = true;
    }
    copyable(next);
    if (old.children.length !== next.children.length || old.tagName !== "TR") {
      if (!old.contains(document.activeElement)) old.replaceWith(next);
      return;
    }
    old.className = next.className;
    for (const cell of [...old.children]) {
      const other = next.children[0];
      if (alike(cell, other)) other.remove();
      else if (cell.contains(document.activeElement)) other.remove();
      else { cell.replaceWith(other); other.classList.add("fresh"); }
    }
  };
  const moved = (order) => {
    const rows = document.querySelector("[data-rows]");
    if (!rows) return;
    const wanted = order.filter((id) => { const row = document.getElementById(id); return row && row.parentElement === rows; });
    for (const row of [...rows.children]) if (row.id && !order.includes(row.id)) row.remove();
    const stands = [...rows.children].map((row) => row.id);
    const same = wanted.length === stands.length && wanted.every((id, at) => id === stands[at]);
    if (same) { hide("moved"); return; }
    const hint = show("moved");
    hint.querySelector("a").onclick = (event) => {
      event.preventDefault();
      rows.append(...wanted.map((id) => document.getElementById(id)));
      hide("moved");
    };
  };

  let stream = null, failures = 0, timer = 0;
  const follow = (address) => {
    stream = new EventSource(address);
    stream.addEventListener("open", () => { failures = 0; hide("lost"); });
    stream.addEventListener("units", (event) => {
      const { units, order } = JSON.parse(event.data);
      for (const [id, html] of Object.entries(units)) replace(id, html);
      if (order) moved(order);
    });
    stream.addEventListener("over", () => {
      stop();
      main.removeAttribute("data-live");
      show("over").querySelector("a").href = "/dashboard/sign-in?over=1&next=" + encodeURIComponent(location.pathname + location.search);
    });
    stream.addEventListener("error", () => {
      stop();
      failures += 1;
      if (failures > 1) show("lost");
      timer = setTimeout(start, Math.min(60000, 1000 * 2 ** failures) * (0.75 + Math.random() / 2));
    });
  };
  const stop = () => { clearTimeout(timer); if (stream) stream.close(); stream = null; };
  // What the page had when it was loaded is told once; after that this script has other things.
  let first = true;
  const start = () => {
    if (stream || document.hidden || !main.dataset.live) return;
    const address = new URL(main.dataset.live, location.href);
    if (!first) address.searchParams.delete("seen");
    first = false;
    follow(address);
  };
  // A tab that nobody sees takes no line: browsers have few to one server.
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else start(); });
  window.addEventListener("pagehide", stop);

  // Shortcuts, where nothing is being typed.
  const rows = () => [...document.querySelectorAll("[data-rows] > *")];
  const step = (by) => {
    const all = rows();
    const here = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.max(0, Math.min(all.length - 1, here + by))];
    if (!next) return;
    const target = next.querySelector("a, button") || next;
    if (target === next) next.tabIndex = -1;
    target.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const keys = document.getElementById("keys");
  let leader = 0;
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
    if (typing || event.ctrlKey || event.metaKey || event.altKey || (keys && keys.open)) return;
    if (Date.now() - leader < 1500) {
      leader = 0;
      const place = document.querySelector(`.places [data-key="${CSS.escape(event.key)}"]`);
      if (place) { event.preventDefault(); place.click(); }
      return;
    }
    const act = {
      "?": () => keys && keys.showModal(),
      "/": () => { const field = document.querySelector("input[type=search]"); if (field) { field.focus(); field.select(); } },
      "g": () => { leader = Date.now(); },
      "j": () => step(1),
      "k": () => step(-1),
      "r": () => location.reload(),
      "l": () => document.querySelector(".tools [hreflang]").click(),
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  for (const button of document.querySelectorAll("[data-open]")) {
    button.hidden = false;
    button.addEventListener("click", () => document.getElementById(button.dataset.open).showModal());
  }
  // A menu closes when one looks elsewhere.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // A slow line is seen to be at work, and nothing is sent twice.
  document.addEventListener("submit", (event) => {
    if (root.classList.contains("busy") && event.target.method === "post") event.preventDefault();
    root.classList.add("busy");
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const plain = link && !event.defaultPrevented && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (plain && link.pathname + link.search !== location.pathname + location.search) root.classList.add("busy");
  });
  window.addEventListener("pageshow", () => root.classList.remove("busy"));

  const here = document.querySelector(".places [aria-current]");
  if (here) here.scrollIntoView({ inline: "center", block: "nearest" });
  localize(document);
  copyable(document);
  start();
})();
