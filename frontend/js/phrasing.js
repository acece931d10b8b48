// Owns the words of the page: numbers, times and states as a person would say them.

const STAGES = {
  queued: "Waiting",
  downloading: "Downloading",
  transcribing: "Transcribing",
  aligning: "Placing words in time",
  diarizing: "Telling speakers apart",
  formatting: "Finishing",
  complete: "Done",
};

const STATUSES = { completed: "Done", partial: "Done, without speakers", failed: "Failed", cancelled: "Cancelled" };

const ENGINES = { whisperx: "WhisperX", pocketsphinx: "PocketSphinx" };

export const engineName = (name) => ENGINES[name] ?? name;

/** What a Task is doing, in two or three words. */
export function doing(task) {
  if (task.asked === "cancel") return "Cancelling";
  if (STATUSES[task.status]) return STATUSES[task.status];
  if (task.status === "downloading") return "Downloading the recording";
  if (task.status === "queued") return "Waiting";
  if (task.stage === "queued") return "Starting";
  if (task.stage === "downloading") return "Getting the model ready";
  return STAGES[task.stage] ?? task.stage;
}

/** "1 speaker", "3 speakers". */
export const speakersPhrase = (number) => `${number} ${number === 1 ? "speaker" : "speakers"}`;

/** Seconds as a clock: 0:04, 12:30, 1:02:05. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** How far into the recording: "0:04 of 0:11", only while that is what moves. */
export function audioDone(task) {
  if (task.stage !== "transcribing" || !task.duration || task.status !== "processing") return "";
  return `${clock((task.duration * task.stagePercentage) / 100)} of ${clock(task.duration)}`;
}

/** Time left, no more exact than it is known. */
export function left(endsAt, now) {
  if (endsAt === null) return "";
  const seconds = (endsAt - now) / 1000;
  if (seconds < 5) return "a few seconds left";
  if (seconds < 55) return `about ${Math.round(seconds / 5) * 5} s left`;
  if (seconds < 90) return "about a minute left";
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `about ${minutes} min left`;
  return `about ${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

export function placeInLine(position) {
  if (!position) return "";
  return position === 1 ? "next in line" : `${ordinal(position)} in line`;
}

export function ordinal(number) {
  const teens = number % 100 >= 11 && number % 100 <= 13;
  const ending = teens ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[number % 10] ?? "th");
  return `${number}${ending}`;
}

/** A length in words: "11 s", "4 min 10 s", "1 h 2 min". */
export function length(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
}

export function size(bytes) {
  if (bytes < 1_000_000) return `${Math.max(1, Math.round(bytes / 1000))} kB`;
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}

export const timeOfDay = (time) =>
  new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** "10:04" today, "20 Nov, 10:04" before. */
export function moment(time, now) {
  const then = new Date(time);
  const clockTime = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  if (then.toDateString() === new Date(now).toDateString()) return clockTime;
  return `${then.toLocaleDateString([], { day: "numeric", month: "short" })}, ${clockTime}`;
}

export function languageName(code) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** The state of the connection, and what it means for the reader. */
export function connectionPhrase({ state, retryAt }, now) {
  const seconds = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1000));
  const soon = seconds > 0 ? ` in ${seconds} s` : "…";
  const phrases = {
    connecting: "Connecting…",
    live: "Live",
    reconnecting: `Reconnecting${soon}`,
    polling: "Polling",
    offline: retryAt === null ? "Offline" : `Offline, trying again${soon}`,
  };
  return phrases[state];
}
