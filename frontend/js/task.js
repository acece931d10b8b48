// Owns one Task as the page knows it: how events, polling answers and whole Tasks change it. Pure: no I/O, no clock.
//
// Two positions: `seq` is what the event stream has delivered (the place to resume it from), `seen` is the newest number
// that the bar has shown, from wherever it came. An answer read over HTTP moves `seen` alone, so the stream still brings
// the segments in between.

export const FINISHED = new Set(["completed", "partial", "failed", "cancelled"]);

const ETA_TRUST = 0.35;

export function newTask(id) {
  return {
    id,
    filename: "",
    status: "queued",
    stage: "queued",
    percentage: 0,
    stagePercentage: 0,
    message: "",
    stalled: false,
    queuePosition: null,
    attempt: 0,
    endsAt: null,
    duration: null,
    engine: null,
    model: null,
    language: null,
    speakerCount: null,
    warnings: [],
    problem: null,
    refusal: null,
    asked: null,
    segments: [],
    text: null,
    createdAt: null,
    startedAt: null,
    completedAt: null,
    lived: false,
    seq: 0,
    seen: 0,
    epoch: null,
    snapshotSeq: null,
  };
}

export const isFinished = (task) => FINISHED.has(task.status);

/** The answer to a subscription: history goes on, or a snapshot follows and replaces what was known. */
export function withSubscription(task, answer) {
  const goesOn = answer.recovered && task.seq > 0 && answer.epoch === task.epoch;
  if (goesOn) return { ...task, snapshotSeq: null };
  const anew = { seq: 0, seen: 0, attempt: 0, percentage: 0, endsAt: null, segments: [] };
  return { ...task, ...anew, epoch: answer.epoch, snapshotSeq: answer.seq };
}

/** One numbered event, at `at` (milliseconds). What was delivered before changes nothing. */
export function withEvent(task, event, at) {
  if (event.seq <= task.seq && event.seq !== task.snapshotSeq) return task;
  const moved = { ...task, seq: Math.max(task.seq, event.seq) };
  const apply = EVENTS[event.type];
  return apply ? apply(moved, event, at) : moved;
}

/** The whole Task, as GET /tasks/{id} tells it. */
export function withWhole(task, whole, at) {
  const told = { ...task, ...factsOf(whole) };
  if (whole.seq < task.seen || whole.attempt < task.attempt) return told;
  const moved = withBar(told, {
    status: whole.status,
    attempt: whole.attempt,
    stage: whole.progress_stage,
    percentage: whole.progress_percentage,
    stagePercentage: whole.stage_percentage,
    message: whole.message,
    stalled: whole.stalled,
    queuePosition: whole.queue_position,
    eta: whole.eta_seconds,
    at,
  });
  return { ...moved, seen: whole.seq, epoch: task.epoch ?? whole.epoch, problem: problemOf(whole) };
}

/** One answer of GET /tasks/{id}/progress. */
export function withPoll(task, poll, at) {
  if (poll.seq < task.seen) return task;
  const moved = withBar(task, {
    status: poll.status,
    attempt: poll.attempt,
    stage: poll.progress_stage,
    percentage: poll.progress_percentage,
    stagePercentage: poll.stage_percentage,
    message: poll.message,
    stalled: poll.stalled,
    queuePosition: poll.queue_position,
    eta: poll.eta_seconds,
    at,
  });
  return { ...moved, seen: poll.seq };
}

/** The segments as GET /tasks/{id}/transcript tells them. */
export function withTranscript(task, transcript) {
  if (transcript.segments.length < task.segments.length && !isFinished(task)) return task;
  return { ...task, segments: transcript.segments.map(segmentOf), text: transcript.text };
}

const EVENTS = {
  status(task, event, at) {
    if (event.attempt < task.attempt || event.seq < task.seen) return task;
    const current = restartedFor(task, event.attempt);
    const finished = FINISHED.has(event.status);
    return {
      ...current,
      status: event.status,
      attempt: event.attempt,
      queuePosition: event.queue_position ?? null,
      problem: event.status === "failed" ? current.problem : null,
      refusal: null,
      asked: null,
      endsAt: finished ? null : current.endsAt,
      stalled: finished ? false : current.stalled,
      completedAt: finished ? (event.timestamp ?? new Date(at).toISOString()) : null,
      lived: current.lived || !finished,
      seen: event.seq,
    };
  },

  progress(task, event, at) {
    if (event.seq < task.seen) return task;
    const moved = withBar(task, {
      stage: event.stage,
      percentage: event.percentage,
      stagePercentage: event.stage_percentage,
      message: event.message,
      stalled: event.stalled,
      eta: event.eta_seconds,
      at,
    });
    return { ...moved, seen: event.seq };
  },

  segment(task, event) {
    const segments = task.segments.slice();
    const last = segments.at(-1);
    const place = !last || last.index < event.index ? segments.length : segments.findIndex((one) => one.index >= event.index);
    segments.splice(place, segments[place]?.index === event.index ? 1 : 0, segmentOf(event));
    return { ...task, segments };
  },

  segments_revised(task, event) {
    return { ...task, segments: event.segments.map(segmentOf) };
  },

  warning(task, event) {
    return task.warnings.includes(event.user_message) ? task : { ...task, warnings: [...task.warnings, event.user_message] };
  },

  error(task, event) {
    const problem = {
      code: event.error_code,
      message: event.user_message,
      detail: event.technical_detail,
      retryable: event.retryable,
      remedy: event.remedy,
    };
    return { ...task, problem, endsAt: null, stalled: false };
  },
};

function withBar(task, bar) {
  const current = bar.attempt === undefined ? task : restartedFor(task, bar.attempt);
  const status = bar.status ?? current.status;
  const finished = FINISHED.has(status);
  return {
    ...current,
    status,
    attempt: bar.attempt ?? current.attempt,
    stage: bar.stage ?? current.stage,
    percentage: Math.max(current.percentage, bar.percentage ?? 0),
    stagePercentage: bar.stagePercentage ?? 0,
    message: bar.message ?? "",
    stalled: finished ? false : Boolean(bar.stalled),
    queuePosition: bar.queuePosition === undefined ? current.queuePosition : bar.queuePosition,
    endsAt: finished || bar.stage === "complete" ? null : smoothedEnd(current.endsAt, bar.eta, bar.at),
    asked: status === current.status ? current.asked : null,
    lived: current.lived || !finished,
  };
}

/** A new attempt starts over: bar, text and problem of the one before are gone. */
function restartedFor(task, attempt) {
  if (attempt <= task.attempt) return task;
  if (task.attempt === 0) return { ...task, attempt };
  const gone = { stage: "queued", percentage: 0, stagePercentage: 0, message: "", stalled: false, endsAt: null };
  return { ...task, ...gone, attempt, segments: [], text: null, problem: null, refusal: null, warnings: [], startedAt: null, completedAt: null };
}

/** Estimates jump; the moment of the end, averaged, does not. */
function smoothedEnd(endsAt, eta, at) {
  if (eta === null || eta === undefined) return null;
  const fresh = at + eta * 1000;
  return endsAt === null ? fresh : endsAt + (fresh - endsAt) * ETA_TRUST;
}

function factsOf(whole) {
  return {
    filename: whole.filename,
    duration: whole.duration_seconds,
    engine: whole.engine,
    model: whole.model,
    language: whole.detected_language,
    speakerCount: whole.speaker_count,
    warnings: [...whole.warnings, ...(whole.diarization_error ? [whole.diarization_error] : [])],
    text: whole.result_text,
    createdAt: whole.created_at,
    startedAt: whole.started_at,
    completedAt: whole.completed_at,
  };
}

function problemOf(whole) {
  if (!whole.error || whole.status !== "failed") return null;
  const { error: message, error_code: code, technical_detail: detail, retryable, remedy } = whole;
  return { code, message, detail, retryable, remedy };
}

const segmentOf = ({ index, start, end, text, speaker }) => ({ index, start, end, text, speaker });
