// Owns one Task as the page knows it: how events and whole Tasks change it. Pure: no I/O, no clock.

const FINISHED = new Set(["completed", "partial", "failed", "cancelled"]);
const ETA_TRUST = 0.35;

/** What belongs to one attempt and is gone when the next begins. @type {Fresh} */
const FRESH = {
  progress_stage: "queued",
  progress_percentage: 0,
  stage_percentage: 0,
  message: "",
  stalled: false,
  endsAt: null,
  pace: null,
  began: { stage: null, at: 0, percentage: 0 },
  segments: [],
  warnings: [],
  problem: null,
  refusal: null,
  asked: null,
  beginning: null,
  started_at: null,
  completed_at: null,
};

/** @returns {TaskState} */
export const newTask = (/** @type {string} */ id) => /** @type {any} */ ({ ...FRESH, id, status: "queued", attempt: 0, uploading: false, seq: 0, seen: 0, epoch: null, snapshotSeq: null });

/** @type {Ended} */
export const isFinished = ({ status }) => FINISHED.has(status);

/** The answer to a subscription: history goes on, or a snapshot follows and replaces what was known. @type {Change<Message>} */
export function withSubscription(task, { recovered, epoch = null, seq = null }) {
  if (recovered && (task.seq || isFinished(task)) && epoch === task.epoch) return { ...task, snapshotSeq: null };
  return { ...task, epoch, snapshotSeq: seq, seq: 0, seen: 0, attempt: 0, progress_percentage: 0, endsAt: null, segments: [] };
}

/** One numbered event, at `at` (milliseconds). What was delivered before changes nothing. @type {Change<Message>} */
export function withEvent(task, event, at) {
  const seq = event.seq ?? 0;
  if (seq <= task.seq && seq !== task.snapshotSeq) return task;
  const moved = { ...task, seq: Math.max(task.seq, seq) };
  return EVENTS[event.type]?.(moved, event, at) ?? moved;
}

/** The whole Task, as GET /tasks/{id} tells it: facts always, the bar unless a newer one was seen. @type {Change<WholeTask>} */
export function withWhole(task, { eta_seconds: eta, seq, epoch, ...whole }, at) {
  const stale = seq < task.seen || whole.attempt < task.attempt;
  const moved = stale ? task : { ...withBar(task, { ...barOf(whole), eta }, at), seen: seq, problem: problemOf(whole) };
  return { ...moved, ...whole, ...barOf(moved), duplicate_of: whole.duplicate_of ?? task.duplicate_of, epoch: task.epoch ?? epoch };
}

/** The segments as GET /tasks/{id}/transcript tells them. @type {WithText} */
export const withTranscript = (task, { segments }) =>
  segments.length < task.segments.length && !isFinished(task) ? task : { ...task, segments };

/** @type {Record<string, Change<Message>>} */
const EVENTS = {
  status(task, { status, attempt, queue_position, timestamp, seq = 0 }) {
    if (attempt < task.attempt || seq < task.seen) return task;
    const current = restartedFor(task, attempt);
    const ended = isFinished({ status });
    return {
      ...current,
      ...(ended && { endsAt: null, stalled: false }),
      status,
      attempt,
      queue_position,
      uploading: current.uploading && !ended && !queue_position,
      problem: status === "failed" ? current.problem : null,
      refusal: null,
      asked: null,
      completed_at: ended ? timestamp : null,
      seen: seq,
    };
  },

  progress(task, { stage, percentage, eta_seconds: eta, stage_percentage, message, stalled, seq = 0 }, at) {
    if (seq < task.seen) return task;
    const bar = { ...barOf(task), stage_percentage, message, stalled, progress_stage: stage, progress_percentage: percentage };
    return { ...withBar(task, { ...bar, eta }, at), seen: seq };
  },

  segment(task, event) {
    const segments = task.segments.slice();
    const place = segments.findLastIndex((one) => one.index < event.index) + 1;
    segments.splice(place, segments[place]?.index === event.index ? 1 : 0, /** @type {any} */ (event));
    return { ...task, segments };
  },

  segments_revised: (task, { segments }) => ({ ...task, segments }),

  transcript_changed: (task, { version }) => ({ ...task, version }),

  warning: (task, { user_message: text }) => ({ ...task, warnings: [...new Set([...task.warnings, text])] }),

  error: (task, { error_code: code, user_message: message, technical_detail: detail, retryable, remedy }) => ({
    ...task,
    problem: { code, message, detail, retryable, remedy },
    endsAt: null,
    stalled: false,
  }),
};

/** What moves while a Task runs. @type {(keyof Bar)[]} */
const BAR = ["status", "attempt", "progress_stage", "progress_percentage", "stage_percentage", "message", "stalled", "queue_position", "uploading"];

/** @type {BarOf} */
const barOf = (from) => /** @type {any} */ (Object.fromEntries(BAR.map((name) => [name, from[name]])));

/** @type {Change<TimedBar>} */
function withBar(task, { eta, ...bar }, at) {
  const { asked, status, ...current } = restartedFor(task, bar.attempt);
  const { progress_stage: stage, stage_percentage: percentage } = bar;
  const ended = isFinished(bar);
  const began = current.began.stage === stage ? current.began : { stage, at, percentage };
  return {
    ...current,
    ...bar,
    progress_percentage: Math.max(current.progress_percentage, bar.progress_percentage),
    stalled: !ended && bar.stalled,
    endsAt: ended || stage === "complete" ? null : smoothedEnd(current.endsAt, eta, at),
    began,
    pace: stage === "transcribing" ? ((percentage - began.percentage) * (current.duration_seconds ?? 0) * 10) / (at - began.at) || null : null,
    asked: bar.status === status ? asked : null,
  };
}

/** A new attempt starts over: bar, text and problem of the one before are gone. @type {Restart} */
const restartedFor = (task, attempt) => (attempt <= task.attempt ? task : { ...task, ...(task.attempt && FRESH), attempt });

/** Estimates jump; the moment of the end, averaged, does not. @type {Smooth} */
function smoothedEnd(endsAt, eta, at) {
  if (eta === null) return null;
  const fresh = at + eta * 1000;
  return endsAt === null ? fresh : endsAt + (fresh - endsAt) * ETA_TRUST;
}

/** @type {ProblemOf} */
const problemOf = ({ status, error: message, error_code: code, technical_detail: detail, retryable, remedy }) =>
  status === "failed" && message ? { code, message, detail, retryable, remedy } : null;
