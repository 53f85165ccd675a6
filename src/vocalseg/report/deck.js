"use strict";

/* Tracks of equal length that run in lockstep (Web Audio). All of them run all the time, from one
   start on one clock; which are heard is a matter of gains alone. So a switch keeps the position to
   the sample. */
class Deck {
  static LEAD = 0.02; // s between a command and the common start of all sources
  static FADE = 0.003; // s, time constant of every change of level

  /* buffers: AudioBuffers by key of the track. */
  constructor(context, buffers) {
    this.context = context;
    this.duration = Math.min(...[...buffers.values()].map(buffer => buffer.duration));
    this.out = new GainNode(context, { gain: 0 });
    this.out.connect(context.destination);
    this.tracks = new Map();
    for (const [key, buffer] of buffers) {
      const level = new GainNode(context, { gain: 0 });
      level.connect(this.out);
      this.tracks.set(key, { buffer, level, source: null });
    }
    this.playing = false;
    this.at = 0; // s, where the tracks are when they do not play
    this.began = 0; // time of the context at which they were at this.at
    this.region = [0, this.duration];
    this.loops = true;
    this.onend = () => {};
  }

  /* Seconds within the tracks. */
  get position() {
    if (!this.playing) return this.at;
    const [start, end] = this.region;
    const here = this.at + Math.max(0, this.context.currentTime - this.began);
    if (here < end) return here;
    return this.loops ? start + (here - end) % (end - start) : end;
  }

  play(from = this.position) {
    this.halt();
    const [start, end] = this.region;
    this.at = from >= start && from < end - 0.01 ? from : start;
    this.began = this.context.currentTime + Deck.LEAD;
    for (const track of this.tracks.values()) {
      const source = new AudioBufferSourceNode(this.context, {
        buffer: track.buffer, loop: this.loops, loopStart: start, loopEnd: end,
      });
      source.connect(track.level);
      if (this.loops) source.start(this.began, this.at);
      else source.start(this.began, this.at, end - this.at);
      track.source = source;
    }
    const [first] = this.tracks.values();
    first.source.onended = ({ target }) => {
      if (target !== first.source) return; // it was stopped by a later command
      this.pause();
      this.onend();
    };
    this.playing = true;
    this.out.gain.setTargetAtTime(1, this.began, Deck.FADE);
  }

  pause() {
    this.at = this.position;
    this.halt();
  }

  /* Go to a position, playing or not. */
  seek(seconds) {
    const position = Math.min(Math.max(seconds, 0), this.duration);
    if (this.playing) this.play(position);
    else this.at = position;
  }

  /* Play a region, once or in a loop; without one, everything. */
  setLoop(loops, region = [0, this.duration]) {
    const here = this.position;
    this.loops = loops;
    this.region = region;
    if (this.playing) this.play(here);
  }

  /* Set how loud each track is; one that is not named falls silent. */
  setLevels(levels) {
    for (const [key, { level }] of this.tracks) {
      level.gain.setTargetAtTime(levels.get(key) ?? 0, this.context.currentTime, Deck.FADE);
    }
  }

  close() {
    this.pause();
    this.out.disconnect();
  }

  /* Fade out and stop what runs. */
  halt() {
    if (!this.playing) return;
    const now = this.context.currentTime;
    this.out.gain.cancelScheduledValues(now);
    this.out.gain.setTargetAtTime(0, now, Deck.FADE);
    for (const track of this.tracks.values()) {
      track.source.stop(now + Deck.LEAD);
      track.source = null;
    }
    this.playing = false;
  }
}
