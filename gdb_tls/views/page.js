
"use strict";
// Before there are rows: what is shut is never laid out.
document.documentElement.classList.add("js");
document.addEventListener("DOMContentLoaded", function () {
  var collator = new Intl.Collator(undefined, { numeric: true });
  var hex = /^0x[0-9a-f]+$/i;

  function compare(a, b) {
    if (a === b) return 0;
    if (a === "" || b === "") return a === "" ? 1 : -1;
    if (hex.test(a) && hex.test(b)) {
      var x = BigInt(a), y = BigInt(b);
      return x < y ? -1 : x > y ? 1 : 0;
    }
    return collator.compare(a, b);
  }

  function setUp(table) {
    var tools = table.parentNode.parentNode.querySelector(".tools");
    var input = tools.querySelector("input");
    var output = tools.querySelector("output");
    var empty = table.parentNode.parentNode.querySelector(".empty");
    var chips = Array.from(tools.querySelectorAll(".chips button"));
    var openAll = tools.querySelector(".all");
    var rows = Array.from(table.tBodies);
    var texts = null;
    // Thousands of rows take a browser seconds to lay out.
    var more = table.parentNode.parentNode.querySelector(".more");
    var most = more ? Number(more.dataset.most) : Infinity;
    var fitting = null;

    function opener(row) { return row.querySelector(".open"); }

    function tell(count) {
      var what = output.dataset.what;
      if (rows.length === 1) what = what.replace(/s$/, "");
      output.textContent = (count === rows.length ? "" : count.toLocaleString("en") + " of ") + rows.length.toLocaleString("en") + " " + what;
    }

    function show(row, open) {
      var button = opener(row);
      if (!button) return;
      row.classList.toggle("opened", open);
      button.setAttribute("aria-expanded", String(open));
    }

    function limit() {
      var wanted = fitting && new Set(fitting), shown = 0;
      rows.forEach(function (row) {
        var fits = !wanted || wanted.has(row);
        row.hidden = !fits || shown >= most;
        shown += !row.hidden;
      });
      table.classList.remove("begun");
      if (!more) return;
      var all = (fitting || rows).length;
      more.hidden = shown === all;
      more.textContent = "Show all " + all.toLocaleString("en") + ", not only the first " + shown.toLocaleString("en");
    }

    function filter() {
      // textContent takes the details in, so an address or a reason is found in a row that is shut.
      texts = texts || new Map(rows.map(function (row) { return [row, row.textContent.toLowerCase()]; }));
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      var states = chips.filter(function (chip) { return chip.getAttribute("aria-pressed") === "true"; })
        .map(function (chip) { return chip.dataset.state; });
      var count = 0;
      fitting = rows.filter(function (row) {
        var text = texts.get(row);
        var fits = (!states.length || states.indexOf(row.dataset.state) >= 0) &&
          words.every(function (word) { return text.indexOf(word) >= 0; });
        count += fits;
        return fits;
      });
      limit();
      tell(count);
      empty.hidden = count > 0 || !rows.length;
    }

    function sort(heading) {
      var column = Array.from(heading.parentNode.cells).indexOf(heading);
      var down = heading.getAttribute("aria-sort") === "ascending";
      Array.from(heading.parentNode.cells).forEach(function (other) { other.removeAttribute("aria-sort"); });
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      var keys = new Map(rows.map(function (row) {
        var cell = row.rows[0].cells[column];
        var button = cell.querySelector(".open");
        return [row, (button || cell).textContent.trim()];
      }));
      rows.sort(function (a, b) {
        var order = compare(keys.get(a), keys.get(b));
        // What has no value stays at the end, whichever way it is sorted.
        return down && keys.get(a) !== "" && keys.get(b) !== "" ? -order : order;
      });
      var sorted = document.createDocumentFragment();
      rows.forEach(function (row) { sorted.appendChild(row); });
      table.appendChild(sorted);
      limit();
    }

    function step(from, by) {
      var shown = rows.filter(function (row) { return !row.hidden && opener(row); });
      var next = shown[shown.indexOf(from) + by];
      if (next) opener(next).focus();
    }

    Array.from(table.tHead.rows[0].cells).forEach(function (heading) {
      heading.firstChild.addEventListener("click", function () { sort(heading); });
    });
    table.addEventListener("click", function (event) {
      var row = event.target.closest(".rows > tbody");
      if (!row || event.target.closest(".details") || String(window.getSelection())) return;
      show(row, !row.classList.contains("opened"));
    });
    table.addEventListener("keydown", function (event) {
      var row = event.target.closest(".rows > tbody");
      if (!row || !event.target.classList.contains("open")) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        step(row, event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
        event.preventDefault();
        show(row, event.key === "ArrowRight");
      }
    });
    input.addEventListener("input", filter);
    input.addEventListener("keydown", function (event) {
      if (event.key === "Escape") { input.value = ""; filter(); }
    });
    chips.forEach(function (chip) {
      chip.addEventListener("click", function () {
        chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
        filter();
      });
    });
    if (openAll) {
      openAll.addEventListener("click", function () {
        var open = openAll.getAttribute("aria-pressed") !== "true";
        openAll.setAttribute("aria-pressed", String(open));
        rows.forEach(function (row) { show(row, open); });
      });
    }
    if (more) {
      more.addEventListener("click", function () { most = Infinity; limit(); });
      limit();
    }
    tools.hidden = false;
    tell(rows.length);
  }

  document.querySelectorAll("table.rows").forEach(setUp);
  document.addEventListener("keydown", function (event) {
    var input = document.querySelector(".tools input");
    if (event.key === "/" && input && !event.ctrlKey && !event.metaKey && event.target.tagName !== "INPUT") {
      event.preventDefault();
      input.focus();
    }
  });
});
