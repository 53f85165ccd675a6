"use strict";

/* Trials of a blind test, their random order, and the answers as CSV. */
const REFERENCE = "true vocals"; // name of the hidden reference in the answers

/* Random numbers in [0, 1) from a text: mulberry32, with the FNV-1a hash as its seed. */
function randomNumbers(seed) {
  let state = 2166136261;
  for (const byte of new TextEncoder().encode(seed)) state = Math.imul(state ^ byte, 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled(items, random) {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/* Plan `count` trials. About one in five compares an experiment with the hidden reference; the
   others compare each pair of experiments equally often. The order of the songs and the roles A, B
   and X are random.
   songs: the experiments that have sound, by song. */
function planTrials(songs, experiments, count, seed) {
  const random = randomNumbers(seed);
  const controls = Math.max(1, Math.round(count / 5));
  const pairs = experiments.flatMap((one, place) =>
    experiments.slice(place + 1).map(two => [one, two]));
  const references = experiments.map(one => [one, REFERENCE]);
  const trials = [...take(pairs, count - controls), ...take(references, controls)];
  return shuffled(trials, random).map(({ song, pair }) => {
    const [a, b] = shuffled(pair, random);
    return { song, a, b, x: random() < 0.5 ? a : b };
  });

  function take(pairs, number) {
    const waiting = shuffled(pairs, random).map(pair => {
      const names = [...songs.keys()].filter(song =>
        pair.every(name => name === REFERENCE || songs.get(song).has(name)));
      if (!names.length) throw new Error(`${pair.join(" and ")} have no song in common.`);
      return { pair, names, songs: [] };
    });
    return Array.from({ length: number }, (_, place) => {
      const next = waiting[place % waiting.length];
      if (!next.songs.length) next.songs = shuffled(next.names, random);
      return { song: next.songs.pop(), pair: next.pair };
    });
  }
}

const COLUMNS = ["page", "listener", "seed", "trial", "song", "a", "b", "x", "preferred", "guess"];

function answersAsCsv(answers) {
  const cell = value => /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  const line = answer => COLUMNS.map(column => cell(String(answer[column]))).join(",");
  return [COLUMNS.join(","), ...answers.map(line)].join("\r\n") + "\r\n";
}
