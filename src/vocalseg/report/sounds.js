"use strict";

/* Loads the sound of a song from an element of the page or from a separate script. Browsers allow a
   page on disk to run such a script, but not to read other files. */
const registered = new Map(); // song → Ogg Opus in base64 by track

/* Called by the scripts with the sound. */
function registerSounds(song, sounds) {
  registered.set(song, sounds);
}

let sharedContext = null;

function audioContext() {
  if (!window.AudioContext) throw new Error("This browser has no Web Audio; use a newer one.");
  sharedContext ??= new AudioContext();
  return sharedContext;
}

/* Decode the sound of a song; returns buffers by track, and reasons by track that failed. */
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
    throw new Error("No track can be decoded; use a browser with Ogg Opus (Safari from 18.4).");
  }
  return { buffers, failed };
}

function fromPage(song) {
  const block = [...document.querySelectorAll("script.sounds")]
    .find(element => element.dataset.song === song);
  if (!block) throw new Error("The page contains no sound of this song.");
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
  if (!registered.has(song)) {
    throw new Error(`${decodeURIComponent(file)} contains no sound of this song.`);
  }
  return registered.get(song);
}
