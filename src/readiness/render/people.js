// The table of people: filtered, sorted, drawn a page at a time, its state in the address so that a view can be passed on.
"use strict";
(() => {
  const rows = JSON.parse(document.getElementById("people-data").textContent);
  const names = ["domain", "profile", "verdict", "codes", "owner", "cost_centre", "wave", "batch", "bytes", "files"];
  const numbers = new Set(["bytes", "files"]);
  const order = { "blocked": 0, "ready with warnings": 1, "ready": 2 };
  const page = 100;
  const state = { q: "", verdict: "", domain: "", sort: "verdict", desc: "", page: "0" };
  const at = (id) => document.getElementById(id);
  const value = (row, name) => row[names.indexOf(name)];

  const size = (bytes) => {
    if (bytes === null) return "not measured";
    let unit = 0;
    while (bytes >= 1024 && unit < 5) { bytes /= 1024; unit += 1; }
    return (unit ? bytes.toFixed(1) : bytes) + " " + ["B", "KiB", "MiB", "GiB", "TiB", "PiB"][unit];
  };
  const shown = (row, name) => {
    const cell = value(row, name);
    if (name === "bytes") return size(cell);
    if (cell === null || cell === "") return "";
    return numbers.has(name) ? cell.toLocaleString("en") : String(cell);
  };

  const read = () => {
    for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
      if (name in state) state[name] = text;
    }
    if (!names.includes(state.sort)) state.sort = "verdict";
  };
  const write = () => {
    const kept = Object.entries(state).filter(([, text]) => text !== "" && text !== "0");
    history.replaceState(null, "", "#" + new URLSearchParams(kept));
  };

  const chosen = () => {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((row) =>
      (!state.verdict || value(row, "verdict") === state.verdict) &&
      (!state.domain || value(row, "domain") === state.domain) &&
      words.every((word) => row.some((cell) => typeof cell === "string" && cell.toLowerCase().includes(word))));
    const by = names.indexOf(state.sort);
    const way = state.desc ? -1 : 1;
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    const rank = (cell) => (state.sort === "verdict" ? order[cell] : cell);
    return found.sort((one, other) => {
      const [a, b] = [rank(one[by]), rank(other[by])];
      if (a === b) return compare(one[1], other[1]);
      if (a === null || a === "") return 1;
      if (b === null || b === "") return -1;
      return way * (typeof a === "number" ? a - b : compare(a, b));
    });
  };

  const draw = () => {
    const found = chosen();
    const last = Math.max(0, Math.ceil(found.length / page) - 1);
    const now = Math.min(last, Math.max(0, Number.parseInt(state.page, 10) || 0));
    state.page = String(now);
    const body = document.createDocumentFragment();
    for (const row of found.slice(now * page, (now + 1) * page)) {
      const line = document.createElement("tr");
      for (const name of names) {
        const cell = document.createElement("td");
        cell.textContent = shown(row, name);
        if (numbers.has(name)) cell.className = "number";
        if (name === "verdict") cell.className = "tag " + value(row, name).split(" ").join("-");
        line.append(cell);
      }
      body.append(line);
    }
    at("people-rows").replaceChildren(body);
    at("people-count").textContent =
      found.length.toLocaleString("en") + " of " + rows.length.toLocaleString("en") + " people" +
      (last ? ", page " + (now + 1) + " of " + (last + 1) : "");
    at("people-before").disabled = now === 0;
    at("people-after").disabled = now === last;
    for (const head of document.querySelectorAll("#people-table th")) {
      const is = head.dataset.name === state.sort;
      head.setAttribute("aria-sort", is ? (state.desc ? "descending" : "ascending") : "none");
    }
    write();
  };

  const set = (name, text) => { state[name] = text; if (name !== "page") state.page = "0"; draw(); };
  const guard = (text) => (/^[=+\-@\t\r]/.test(text) ? "'" + text : text);
  const copy = () => {
    const quoted = (row) => names.map((name) => {
      const cell = value(row, name);
      return '"' + guard(cell === null ? "" : String(cell)).replaceAll('"', '""') + '"';
    }).join(",");
    const text = [names.join(","), ...chosen().map(quoted)].join("\r\n");
    navigator.clipboard.writeText(text).then(
      () => { at("people-copied").textContent = "copied"; },
      () => { at("people-copied").textContent = "this browser does not allow it"; });
  };

  read();
  const domains = [...new Set(rows.map((row) => row[0]))].sort();
  at("people-domain").append(...domains.map((name) => new Option(name, name)));
  at("people-q").value = state.q;
  at("people-verdict").value = state.verdict;
  at("people-domain").value = state.domain;
  at("people-q").addEventListener("input", (event) => set("q", event.target.value));
  at("people-verdict").addEventListener("change", (event) => set("verdict", event.target.value));
  at("people-domain").addEventListener("change", (event) => set("domain", event.target.value));
  at("people-before").addEventListener("click", () => set("page", String(Number(state.page) - 1)));
  at("people-after").addEventListener("click", () => set("page", String(Number(state.page) + 1)));
  at("people-copy").addEventListener("click", copy);
  for (const head of document.querySelectorAll("#people-table th")) {
    head.querySelector("button").addEventListener("click", () => {
      if (state.sort === head.dataset.name) state.desc = state.desc ? "" : "1";
      else { state.sort = head.dataset.name; state.desc = numbers.has(head.dataset.name) ? "1" : ""; }
      state.page = "0";
      draw();
    });
  }
  at("people-tools").hidden = false;
  draw();
})();
