"use strict";

/* Comparison: shows one song at a time; a row of the table plays its experiment's estimate. */
(() => {
  const chooser = [...document.querySelectorAll(".chooser button")];
  const table = document.querySelector(".experiments");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];

  function showSong(song) {
    const before = Player.current;
    for (const player of Player.all) {
      const shown = player.song === song;
      player.root.closest(".song").hidden = !shown;
      if (shown) Player.current = player;
    }
    for (const button of chooser) press(button, button.dataset.song === song);
    const player = Player.current;
    if (before && before !== player) {
      const plays = before.playing;
      player.choose(before.chosen);
      before.pause();
      if (plays) player.play();
    }
    markRow(player.chosen);
  }

  function markRow(track) {
    for (const row of body.rows) {
      press(row.querySelector("button"), row.dataset.track === track);
      row.classList.toggle("chosen", row.dataset.track === track);
    }
  }

  /* Sort by a column, first click: numbers descending, texts ascending; missing values last. */
  function sortBy(column) {
    const head = heads[column];
    const value = row => row.cells[column].dataset.value;
    const numeric = !body.rows[0].cells[column].matches(".text, th");
    const first = numeric ? "descending" : "ascending";
    const other = numeric ? "ascending" : "descending";
    const order = head.ariaSort === first ? other : first;
    const sign = order === "ascending" ? 1 : -1;
    const compare = (one, two) => {
      const [a, b] = [value(one), value(two)];
      if (a === "" || b === "") return (a === "") - (b === "");
      return sign * (numeric ? a - b : a.localeCompare(b, "en", { numeric: true }));
    };
    for (const cell of heads) cell.ariaSort = cell === head ? order : null;
    body.append(...[...body.rows].sort(compare));
  }

  heads.forEach((head, column) =>
    head.querySelector("button").addEventListener("click", () => sortBy(column)));
  body.addEventListener("click", event => {
    const row = event.target.closest("tr");
    const player = Player.current;
    if (player.playing && player.chosen === row.dataset.track && !player.soloed.size) player.pause();
    else {
      player.choose(row.dataset.track);
      if (player.chosen === row.dataset.track) player.play();
      else player.say(`${row.dataset.track}: no sound of this song`, true);
    }
  });
  for (const button of chooser) {
    button.addEventListener("click", () => showSong(button.dataset.song));
  }
  document.addEventListener("chosen", event => markRow(event.detail));
  showSong(chooser[0].dataset.song);
  if (!location.hash) Player.current.choose(body.rows[0].dataset.track);
})();
