"use strict";

/* Blind test: asks for the settings, runs the trials and offers the answers as a file. */
(() => {
  const root = document.querySelector("#blind");
  const form = root.querySelector(".setup");
  if (!form) return;
  const trial = root.querySelector(".trial");
  const result = root.querySelector(".result");
  const sounds = [...trial.querySelectorAll("[data-sound]")];
  const radios = [...trial.querySelectorAll("input")];
  const { page } = JSON.parse(root.dataset.settings);
  const players = new Map(Player.all.map(player => [player.song, player]));
  let test = null; // {listener, seed, trials, answers}
  let deck = null;
  let heard = "A";
  let saved = true;

  const newSeed = () => String(crypto.getRandomValues(new Uint32Array(1))[0]);
  const answer = name => radios.find(radio => radio.name === name && radio.checked);
  const show = element => {
    for (const other of [form, trial, result]) other.hidden = other !== element;
  };
  const complain = (element, text) => { element.querySelector(".error").textContent = text; };
  form.elements.seed.value = newSeed();

  form.addEventListener("submit", event => {
    event.preventDefault();
    const values = new FormData(form);
    const experiments = values.getAll("experiment");
    complain(form, experiments.length < 2 ? "Choose two experiments or more." : "");
    if (experiments.length < 2) return;
    const songs = new Map([...players].filter(([, player]) => player.playable("vocals")).map(
      ([song, player]) => [song, new Set(player.keys.filter(key => player.playable(key)))]));
    const [listener, seed] = [values.get("listener").trim(), values.get("seed").trim()];
    try {
      const trials = planTrials(songs, experiments, Number(values.get("trials")), seed);
      test = { listener, seed, trials, answers: [] };
    } catch (error) {
      complain(form, error.message);
      return;
    }
    show(trial);
    next();
  });

  async function next() {
    deck?.close();
    deck = null;
    const number = test.answers.length;
    if (number === test.trials.length) return finish();
    trial.querySelector(".progress").textContent = `Trial ${number + 1} of ${test.trials.length}`;
    for (const radio of radios) radio.checked = false;
    trial.querySelector(".next").disabled = true;
    complain(trial, "");
    showSound();
    const mine = test;
    const { song, a, b, x } = test.trials[number];
    const player = players.get(song);
    for (const other of Player.all) other.pause();
    try {
      const running = audioContext().resume();
      await player.load();
      await running;
      const track = name => name === REFERENCE ? "vocals" : name;
      const tracks = { A: track(a), B: track(b), X: track(x), mixture: "mixture" };
      const wanting = Object.values(tracks).find(key => !player.buffers.has(key));
      if (wanting) throw new Error("a sound of this trial cannot be decoded");
      if (test !== mine || trial.hidden) return; // the trial was stopped in the meantime
      deck = new Deck(audioContext(),
        new Map(Object.entries(tracks).map(([name, key]) => [name, player.buffers.get(key)])));
      deck.gains = new Map(Object.entries(tracks).map(([name, key]) =>
        [name, 10 ** (Number(player.lanes.get(key).dataset.gain) / 20)]));
      listen("A");
      deck.play(0);
    } catch (error) {
      complain(trial, `No sound: ${error.message}. Stop here; the answers so far are kept.`);
    }
    showSound();
  }

  function listen(name) {
    heard = name;
    deck?.setLevels(new Map([[name, deck.gains.get(name)]]));
    if (deck && !deck.playing) deck.play();
    showSound();
  }

  function pause() {
    if (!deck) return;
    if (deck.playing) deck.pause();
    else deck.play();
    showSound();
  }

  function showSound() {
    for (const button of sounds) press(button, button.dataset.sound === heard);
    trial.querySelector(".pause").textContent = deck?.playing ? "Pause" : "Play";
  }

  function record() {
    const { song, a, b, x } = test.trials[test.answers.length];
    const chosen = { A: a, B: b, "": "" };
    test.answers.push({
      page, listener: test.listener, seed: test.seed, trial: test.answers.length + 1, song, a, b, x,
      preferred: chosen[answer("preferred").value], guess: chosen[answer("guess").value],
    });
    saved = false;
    next();
  }

  function finish() {
    deck?.close();
    deck = null;
    const { answers } = test;
    const compared = answers.filter(({ a, b }) => a !== REFERENCE && b !== REFERENCE);
    const controls = answers.filter(({ a, b }) => a === REFERENCE || b === REFERENCE);
    const wins = new Map();
    for (const { preferred } of compared) {
      if (preferred) wins.set(preferred, (wins.get(preferred) ?? 0) + 1);
    }
    const shares = [...wins].sort((one, two) => two[1] - one[1])
      .map(([name, count]) => `${name}: ${count}`).join(", ");
    const none = compared.filter(({ preferred }) => !preferred).length;
    const right = answers.filter(({ x, guess }) => x === guess).length;
    const found = controls.filter(({ preferred }) => preferred === REFERENCE).length;
    result.querySelector(".summary").textContent = answers.length === 0 ? "No answers." :
      `Preferred in ${compared.length} comparisons: ${shares || "none"}` +
      `${none ? `, no preference: ${none}` : ""}. ` +
      `X identified correctly: ${right} of ${answers.length}. ` +
      `True vocals preferred: ${found} of ${controls.length}.`;
    result.querySelector(".download").hidden = answers.length === 0;
    show(result);
    result.querySelector(".summary").focus();
  }

  function download() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([answersAsCsv(test.answers)], { type: "text/csv" }));
    link.download = `listening-${test.listener}-${test.seed}.csv`.replaceAll(/[^\w.-]+/g, "_");
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    saved = true;
  }

  for (const button of sounds) button.addEventListener("click", () => listen(button.dataset.sound));
  for (const radio of radios) {
    radio.addEventListener("change", () => {
      trial.querySelector(".next").disabled = !(answer("preferred") && answer("guess"));
    });
  }
  trial.querySelector(".pause").addEventListener("click", pause);
  trial.querySelector(".next").addEventListener("click", record);
  trial.querySelector(".stop").addEventListener("click", finish);
  result.querySelector(".download").addEventListener("click", download);
  result.querySelector(".again").addEventListener("click", () => {
    form.elements.seed.value = newSeed();
    show(form);
  });
  document.addEventListener("plays", () => { if (deck?.playing) pause(); });
  document.addEventListener("keydown", event => {
    if (trial.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if (Player.all.some(player => player.playing)) return; // the keys control the player
    const name = { a: "A", b: "B", x: "X", m: "mixture" }[event.key.toLowerCase()];
    if (name) listen(name);
    else if (event.key === " " && !event.target.closest("button, input, summary, a")) pause();
    else return;
    event.preventDefault();
  }, { capture: true });
  window.addEventListener("beforeunload", event => { if (!saved) event.preventDefault(); });
})();
