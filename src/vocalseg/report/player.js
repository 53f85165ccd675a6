"use strict";

/* Player of one song: keeps and shows its state (chosen, solo, mute, loop) and controls a Deck. */
class Player {
  static all = [];
  static current = null; // controlled by the keyboard

  constructor(root) {
    this.root = root;
    this.song = root.dataset.song;
    this.seconds = Number(root.dataset.seconds);
    this.lanes = new Map([...root.querySelectorAll(".lane")].map(l => [l.dataset.track, l]));
    this.keys = [...this.lanes.keys()];
    this.chosen = this.keys.find(key => this.playable(key));
    this.soloed = new Set();
    this.muted = new Set();
    this.region = null; // [start, end] in s; null: everything
    this.loops = true;
    this.matched = true;
    this.deck = null;
    this.loading = null;
    this.wanted = false; // whether to play when the sound is loaded
    this.at = 0;
    this.part = Object.fromEntries(["play", "seek", "time", "loop", "whole", "match", "status"]
      .map(name => [name, root.querySelector(`.${name}`)]));
    this.listen();
    this.show();
  }

  playable(key) { return !this.lanes.get(key).classList.contains("missing"); }
  get playing() { return this.wanted; }
  get position() { return this.deck ? this.deck.position : this.at; }

  /* Audible tracks. */
  get heard() {
    const tracks = this.soloed.size ? this.keys.filter(key => this.soloed.has(key)) : [this.chosen];
    return tracks.filter(key => !this.muted.has(key));
  }

  // ---------------------------------------------------------------- commands

  load() {
    this.loading ??= decodedSounds(this.song, this.root.dataset.file).then(
      ({ buffers, failed }) => {
        for (const [key, reason] of failed) this.lose(key, reason);
        this.buffers = buffers;
        this.deck = new Deck(audioContext(), buffers);
        this.deck.onend = () => { this.wanted = false; this.show(); };
        this.deck.at = this.at;
        this.deck.setLoop(this.loops, this.region ?? undefined);
      },
      error => { this.loading = null; throw error; }
    );
    return this.loading;
  }

  async play() {
    for (const other of Player.all) if (other !== this) other.pause();
    Player.current = this;
    this.wanted = true;
    this.root.dispatchEvent(new CustomEvent("plays", { bubbles: true }));
    this.say("");
    this.show();
    try {
      const context = audioContext(); // in the event handler: phones allow sound only there
      const running = context.resume();
      await this.load();
      await running;
    } catch (error) {
      this.wanted = false;
      this.say(error.message, true);
    }
    if (this.wanted && !this.deck.playing) {
      this.deck.play();
      this.follow();
    }
    this.show();
  }

  pause() {
    this.wanted = false;
    if (this.deck?.playing) this.deck.pause();
    this.show();
  }

  toggle() { return this.playing ? this.pause() : this.play(); }

  seek(seconds) {
    this.at = Math.min(Math.max(seconds, 0), this.seconds);
    this.deck?.seek(this.at);
    this.show();
  }

  choose(key) {
    if (!this.lanes.has(key) || !this.playable(key)) return;
    this.chosen = key;
    this.soloed.clear();
    this.show();
    this.root.dispatchEvent(new CustomEvent("chosen", { bubbles: true, detail: key }));
  }

  step(by) {
    const playable = this.keys.filter(key => this.playable(key));
    const place = playable.indexOf(this.chosen) + by;
    this.choose(playable[(place + playable.length) % playable.length]);
  }

  solo(key) { this.flip(this.soloed, key); }
  mute(key) { this.flip(this.muted, key); }

  flip(set, key) {
    if (!this.lanes.has(key) || !this.playable(key)) return;
    if (!set.delete(key)) set.add(key);
    this.show();
  }

  setLoop(loops, region = this.region) {
    const long = region && region[1] - region[0] >= 0.05;
    this.loops = loops;
    this.region = long ? region : null;
    this.deck?.setLoop(loops, this.region ?? undefined);
    this.show();
  }

  /* Set the start (0) or the end (1) of the loop to the current position. */
  setEnd(which) {
    const region = this.region ? [...this.region] : [0, this.seconds];
    region[which] = this.position;
    if (region[0] < region[1]) this.setLoop(true, region);
  }

  // ---------------------------------------------------------------- display

  show() {
    const heard = this.heard;
    for (const [key, lane] of this.lanes) {
      press(lane.querySelector(".pick"), key === this.chosen && !this.soloed.size);
      press(lane.querySelector(".solo"), this.soloed.has(key));
      press(lane.querySelector(".mute"), this.muted.has(key));
      lane.classList.toggle("heard", heard.includes(key));
    }
    // Tracks played together keep their levels: estimate and accompaniment add up to the mixture.
    const matches = this.matched && heard.length === 1;
    this.deck?.setLevels(new Map(heard.map(key =>
      [key, matches ? 10 ** (Number(this.lanes.get(key).dataset.gain) / 20) : 1])));
    this.root.classList.toggle("matched", matches);
    press(this.part.match, this.matched);
    press(this.part.loop, this.loops);
    const [start, end] = this.region ?? [0, this.seconds];
    this.part.loop.textContent = this.region ? `Loop ${start.toFixed(1)}–${end.toFixed(1)} s` : "Loop all";
    this.part.whole.hidden = !this.region;
    this.mark(start, end);
    this.part.play.textContent = this.playing ? "❚❚" : "▶";
    this.part.play.ariaLabel = this.playing ? "Pause" : "Play";
    this.root.classList.toggle("playing", this.playing);
    this.point();
  }

  mark(start, end) {
    this.root.classList.toggle("region", end - start < this.seconds - 0.001);
    this.root.style.setProperty("--from", start / this.seconds);
    this.root.style.setProperty("--to", end / this.seconds);
  }

  /* Move the cursor to the current position. */
  point() {
    const position = Math.min(this.position, this.seconds);
    this.root.style.setProperty("--at", position / this.seconds);
    this.part.seek.value = position;
    this.part.seek.ariaValueText = `${position.toFixed(1)} s`;
    this.part.time.textContent = `${position.toFixed(1)} / ${this.seconds.toFixed(1)} s`;
  }

  follow() {
    if (!this.playing) return;
    this.point();
    requestAnimationFrame(() => this.follow());
  }

  say(text, wrong = false) {
    this.part.status.textContent = text;
    this.part.status.classList.toggle("error", wrong);
  }

  /* Mark a track as having no sound. */
  lose(key, reason) {
    const lane = this.lanes.get(key);
    if (!lane) return;
    lane.classList.add("missing");
    for (const button of lane.querySelectorAll("button")) button.disabled = true;
    this.soloed.delete(key);
    if (this.chosen === key) this.chosen = this.keys.find(other => this.playable(other));
    this.say(`${lane.querySelector(".pick").textContent.trim()}: ${reason}`, true);
  }

  // ---------------------------------------------------------------- mouse and touch

  listen() {
    const { root, part } = this;
    root.addEventListener("focusin", () => { Player.current = this; });
    root.addEventListener("pointerdown", () => { Player.current = this; });
    part.play.addEventListener("click", () => this.toggle());
    part.seek.addEventListener("input", () => this.seek(Number(part.seek.value)));
    part.loop.addEventListener("click", () => this.setLoop(!this.loops));
    part.whole.addEventListener("click", () => this.setLoop(true, null));
    part.match.addEventListener("click", () => { this.matched = !this.matched; this.show(); });
    for (const [key, lane] of this.lanes) {
      lane.querySelector(".pick").addEventListener("click", () => this.choose(key));
      lane.querySelector(".solo")?.addEventListener("click", () => this.solo(key));
      lane.querySelector(".mute")?.addEventListener("click", () => this.mute(key));
      const image = lane.querySelector(".image");
      if (image) this.select(image, key);
    }
  }

  /* Drag to loop a region; click to choose the track and move to the position. */
  select(image, key) {
    let began = null; // {x, time} of the pressed pointer
    let drags = false;
    const time = ({ clientX }) => {
      const { left, width } = image.getBoundingClientRect();
      return Math.min(Math.max((clientX - left) / width, 0), 1) * this.seconds;
    };
    const sorted = event => [began.time, time(event)].sort((a, b) => a - b);
    image.addEventListener("pointerdown", event => {
      if (event.button) return;
      began = { x: event.clientX, time: time(event) };
      drags = false;
      image.setPointerCapture(event.pointerId);
    });
    image.addEventListener("pointermove", event => {
      if (!began) return;
      drags ||= Math.abs(event.clientX - began.x) > 4;
      if (drags) this.mark(...sorted(event));
    });
    image.addEventListener("pointerup", event => {
      if (!began) return;
      if (drags) {
        const region = sorted(event);
        this.setLoop(true, region);
        if (!this.playing) this.seek(region[0]);
      } else {
        this.choose(key);
        this.seek(began.time);
      }
      began = null;
    });
    image.addEventListener("pointercancel", () => { began = null; this.show(); });
  }
}

function press(button, on) {
  if (button) button.ariaPressed = String(on);
}

Player.all = [...document.querySelectorAll(".player")].map(root => new Player(root));
