// Owns playing the recording: its moment as a signal, its buttons, its speed.

import { computed, html, signal, useSignalEffect } from "../lib.js";
import { clock, number, t } from "../words.js";
import { Outline } from "./outline.js";
import { SaveState } from "./save-state.js";
import { Tool } from "./tool.js";

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];

export function newPlayer() {
  const media = /** @type {{ current: HTMLMediaElement | null }} */ ({ current: null });
  const time = signal(0);
  const seek = (/** @type {number} */ to) => {
    time.value = Math.max(0, to);
    if (media.current) media.current.currentTime = time.value;
  };
  /** What broke off is fetched again. */
  const toggle = () => {
    const { current } = media;
    if (current?.error) current.load();
    if (current?.paused) current.play().catch(() => {});
    else current?.pause();
  };
  return { media, time, speed: signal(localStorage.getItem("cesar.speed") ?? "1"), playing: signal(false), broken: signal(false), at: computed(() => clock(time.value)), seek, toggle };
}

/** @type {DeskPart} */
export function Player({ desk, file, length }) {
  const { media, time, playing, speed, broken, at, seek, toggle } = desk.player;
  const isSeen = file.streams.some((/** @type {{ type: string }} */ { type }) => type === "video");
  const setSpeed = (chosen = speed.value) => {
    localStorage.setItem("cesar.speed", (speed.value = chosen));
    if (media.current) media.current.playbackRate = Number(chosen);
  };
  const ready = () => {
    setSpeed();
    seek(time.value);
    broken.value = false;
  };
  const look = () => (playing.value = !media.current?.paused);
  const failed = () => {
    playing.value = false;
    broken.value = media.current?.error?.code !== MediaError.MEDIA_ERR_NETWORK;
  };
  useSignalEffect(() => {
    let frame = 0;
    const follow = () => {
      time.value = media.current?.currentTime ?? 0;
      frame = requestAnimationFrame(follow);
    };
    if (playing.value) follow();
    return () => cancelAnimationFrame(frame);
  });
  return html`<section class="player" aria-label=${t("transcript.player")}>
    <${isSeen ? "video" : "audio"} ref=${media} src=${file.links.media} preload="metadata" playsinline onLoadedMetadata=${ready}
      onPlay=${look} onPause=${look} onEnded=${look} onError=${failed} />
    <${Outline} ...${{ desk, file, length }} />
    <${Tool} name="back" icon="rewind" run=${() => seek(time.value - 5)} />
    <${Tool} name=${playing.value ? "pause" : "play"} run=${toggle} />
    <${Tool} name="forward" run=${() => seek(time.value + 5)} />
    <span class="player-time">${at} / ${clock(length)}</span>
    <${SaveState} desk=${desk} />
    <select aria-label=${t("transcript.speed")} value=${speed} onChange=${({ target }) => setSpeed(target.value)}>
      ${SPEEDS.map((one) => html`<option value=${one}>${number(one)}×</option>`)}
    </select>
  </section>`;
}
