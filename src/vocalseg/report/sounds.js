"use strict";

/* Where the sound of a song comes from: a block of the page, or a script beside it. A page on disk
   may run such a script, while browsers refuse it to read any other file. */
const registered = new Map(); // song → Ogg Opus in base64 by track

/* Called by the scripts beside the page. */
function registerSounds(song, sounds) {
  registered.set(song, sounds);
}

let sharedContext = null;

function audioContext() {
  if (!window.AudioContext) throw new Error("This browser has no Web Audio; use a newer one.");
  sharedContext ??= new AudioContext();
  return sharedContext;
}

/* Decoded sound of a song by track, and the tracks that cannot be decoded, with the reason. */
async function decodedSounds(song, file) {
  const context = audioContext();
  const encoded = file ? await fromFile(song, file) : fromPage(song);
  const buffers = new Map(), failed = new Map();
  await Promise.all(Object.entries(encoded).map(async ([track, text]) => {
    try {
      const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
      buffers.set(track, await context.decodeAudioData(bytes.buffer));
    } catch (error) {
      failed.set(track, `cannot be decoded (${error.message || error.name})`);
    }
  }));
  if (!buffers.size) {
    throw new Error("No track can be decoded; the browser must know Ogg Opus (Safari from 18.4).");
  }
  return { buffers, failed };
}

function fromPage(song) {
  const block = [...document.querySelectorAll("script.sounds")]
    .find(element => element.dataset.song === song);
  if (!block) throw new Error("The page holds no sound of this song.");
  return JSON.parse(block.textContent);
}

async function fromFile(song, file) {
  if (!registered.has(song)) {
    await new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = file;
      script.onload = resolve;
      script.onerror = () => reject(new Error(
        `No sound: ${decodeURIComponent(file)} is not beside this page.`));
      document.head.append(script);
    });
  }
  if (!registered.has(song)) throw new Error(`${decodeURIComponent(file)} holds no sound of this song.`);
  return registered.get(song);
}
