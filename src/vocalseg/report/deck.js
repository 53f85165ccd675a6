"use strict";

/* Plays tracks of equal length in synchrony (Web Audio). All of them start at the same time on the
   same clock and run all the time; gains select the audible ones. Switching tracks therefore keeps
   the position exactly. */
class Deck {
  static LEAD = 0.02; // s between a command and the common start of all sources
  static FADE = 0.003; // s, time constant of level changes

  /* buffers: AudioBuffers by track key. */
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
    this.at = 0; // s, position of the tracks while they do not play
    this.began = 0; // context time that corresponds to this.at
    this.region = [0, this.duration];
    this.loops = true;
    this.onend = () => {};
  }

  /* Position in the tracks, in seconds. */
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
      if (target !== first.source) return; // stopped by a later command
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

  /* Move to a position, while playing or not. */
  seek(seconds) {
    const position = Math.min(Math.max(seconds, 0), this.duration);
    if (this.playing) this.play(position);
    else this.at = position;
  }

  /* Select the region to play, once or in a loop; the default is everything. */
  setLoop(loops, region = [0, this.duration]) {
    const here = this.position;
    this.loops = loops;
    this.region = region;
    if (this.playing) this.play(here);
  }

  /* Set the gain of each track; tracks that are not given become silent. */
  setLevels(levels) {
    for (const [key, { level }] of this.tracks) {
      level.gain.setTargetAtTime(levels.get(key) ?? 0, this.context.currentTime, Deck.FADE);
    }
  }

  close() {
    this.pause();
    this.out.disconnect();
  }

  /* Fade out and stop the current sources. */
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
