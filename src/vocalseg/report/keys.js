"use strict";

/* Keyboard commands. Space presses the focused button, as on other pages. */
function command(player, event, within) {
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (digit) {
    const track = player.keys[(Number(digit[1]) + 9) % 10]; // 0 selects the tenth track
    return event.shiftKey ? player.solo(track) : player.choose(track);
  }
  const commands = {
    " ": () => player.toggle(),
    ArrowLeft: () => player.seek(player.position - 0.5),
    ArrowRight: () => player.seek(player.position + 0.5),
    s: () => player.solo(player.chosen),
    m: () => player.mute(player.chosen),
    l: () => player.setLoop(!player.loops),
    a: () => player.setEnd(0),
    b: () => player.setEnd(1),
    Escape: () => player.setLoop(player.loops, null),
  };
  if (within || player.playing) { // otherwise these keys scroll the page
    commands.ArrowUp = () => player.step(-1);
    commands.ArrowDown = () => player.step(1);
  }
  if (!Object.hasOwn(commands, key)) return false;
  commands[key]();
}

document.addEventListener("keydown", event => {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (target.closest("input:not([type=range]), select, textarea, .own-keys")) return;
  if (event.key === " " && target.closest("button, summary, a")) return;
  const player = Player.current ?? Player.all[0];
  if (player && command(player, event, target.closest(".player")) !== false) event.preventDefault();
});

// A click does not move the focus, so that Space plays instead of pressing the button again.
document.addEventListener("mousedown", event => {
  if (event.target.closest(".player button")) event.preventDefault();
});
