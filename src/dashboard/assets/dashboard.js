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
  // What a reader's focus, selection or press is in waits until they have left it: the newest of it is kept by id.
  const kept = new Map();
  const inHand = (part) => {
    if (part.contains(document.activeElement) || part.matches(":active")) return true;
    const selection = getSelection();
    return !selection.isCollapsed && selection.containsNode(part, true);
  };
  const settle = () => {
    const later = [...kept];
    kept.clear();
    for (const [id, html] of later) replace(id, html);
  };
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
    kept.delete(id);
    if (alike(old, next)) return;
    // What a reader has opened stays open.
    for (const open of old.querySelectorAll("details[open][id]")) {
      const same = next.querySelector("#" + CSS.escape(open.id));
      if (same) same.open = true;
    }
    copyable(next);
    if (old.children.length !== next.children.length || old.tagName !== "TR") {
      if (inHand(old)) kept.set(id, html);
      else old.replaceWith(next);
      return;
    }
    old.className = next.className;
    for (const cell of [...old.children]) {
      const other = next.children[0];
      if (alike(cell, other)) other.remove();
      else if (inHand(cell)) { other.remove(); kept.set(id, html); }
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

  // Asked a moment later: while the focus moves, nothing has it.
  for (const left of ["focusout", "selectionchange", "pointerup", "pointercancel"]) document.addEventListener(left, () => { if (kept.size) setTimeout(settle); });

  // A list that begins or ends while one looks: what says that it is empty stands there already.
  const told = () => {
    const rows = document.querySelector("[data-rows]");
    const nothing = document.getElementById("nothing");
    if (!rows || !nothing) return;
    nothing.hidden = rows.children.length > 0;
    rows.closest(".wide").hidden = !nothing.hidden;
  };

  let stream = null, failures = 0, timer = 0;
  const follow = (address) => {
    stream = new EventSource(address);
    stream.addEventListener("open", () => { failures = 0; hide("lost"); });
    stream.addEventListener("units", (event) => {
      const { units, order } = JSON.parse(event.data);
      for (const [id, html] of Object.entries(units)) replace(id, html);
      if (order) moved(order);
      told();
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
  // Whoever speaks to the machine, or touches keys by accident, can switch single keys off; `?` works all the same.
  const single = document.getElementById("keys-on");
  const remembered = (value) => {
    try {
      if (value !== undefined) localStorage.setItem("falaj-keys", value);
      return localStorage.getItem("falaj-keys");
    } catch {
      return null;
    }
  };
  if (single) {
    single.checked = remembered() !== "off";
    single.addEventListener("change", () => remembered(single.checked ? "on" : "off"));
  }
  // An Arabic keyboard writes other letters: then the place of the key counts, as it is printed beside them.
  const pressed = (event) => {
    if (event.key === "؟" || (event.code === "Slash" && event.shiftKey)) return "?";
    // One of its keys writes two letters, so their number tells nothing.
    if (/^[ -~]+$/.test(event.key)) return event.key;
    return event.code === "Slash" ? "/" : event.code.replace(/^Key/, "").toLowerCase();
  };
  // After `g` each place shows its key, and one is waited for without a clock: whoever needs time for two keys has it.
  const leads = (now) => root.classList.toggle("leads", now);
  for (const other of ["pointerdown", "focusin"]) document.addEventListener(other, () => leads(false));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    if (event.key === "Escape") {
      leads(false);
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        const within = menu.contains(document.activeElement);
        menu.open = false;
        if (within) menu.querySelector("summary").focus();
      }
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || (keys && keys.open)) return;
    const key = pressed(event);
    if (key !== "?" && single && !single.checked) return;
    if (root.classList.contains("leads")) {
      if (key === "Shift") return;
      leads(false);
      const place = document.querySelector(`.places [data-key="${CSS.escape(key)}"]`);
      if (place) { event.preventDefault(); place.click(); }
      return;
    }
    const act = {
      "?": () => keys && keys.showModal(),
      "/": () => { const field = document.querySelector("main input[type=search], main select"); if (field) { field.focus(); if (field.select) field.select(); } },
      "g": () => leads(true),
      "j": () => step(1),
      "k": () => step(-1),
      "r": () => location.reload(),
      "l": () => document.querySelector(".tools [hreflang]").click(),
    }[key];
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
  // Browsers keep a page that was left and show it again as it was, also to whoever comes after one has signed out: it is out of sight
  // from when it is left, and comes anew.
  window.addEventListener("pagehide", (event) => { if (event.persisted) root.classList.add("left"); });
  window.addEventListener("pageshow", (event) => {
    root.classList.remove("busy");
    if (event.persisted) location.reload();
  });

  const here = document.querySelector(".places [aria-current]");
  if (here) here.scrollIntoView({ inline: "center", block: "nearest" });
  localize(document);
  copyable(document);
  start();
})();
