// Owns what the tests of the reducer are fed with: a Task as the server tells it, its events, and numbers that look random.

export const WHOLE = {
  id: "t", job_id: "j", file_id: "f", filename: "a.wav", status: "queued", progress_percentage: 0, progress_stage: "queued", stage_percentage: 0,
  message: "", eta_seconds: null, stalled: false, queue_position: 1, attempt: 1, seq: 0, epoch: "e", duration_seconds: 10, engine: null, model: null,
  device: null, detected_language: null, language_probability: null, speaker_count: null, diarized: null, diarization_error: null,
  diarization_error_code: null, warnings: [], error: null, error_code: null, technical_detail: null, retryable: null, remedy: null, result_text: null,
  options: {}, created_at: "2026-01-01T00:00:00+00:00", started_at: null, completed_at: null,
};

export const loaded = { type: "task_loaded", task: WHOLE, at: 0 };

export const event = (seq, type, fields, at = seq * 1000) => ({ type: "event_received", event: { type, task_id: "t", seq, ...fields }, at });

export const status = (seq, name, attempt = 1) =>
  event(seq, "status", { status: name, attempt, queue_position: null, timestamp: "2026-01-01T00:01:00+00:00" });

export const progress = (seq, percentage, { eta = null, at = seq * 1000, stage = "transcribing", part = 0 } = {}) =>
  event(seq, "progress", { stage, percentage, stage_percentage: part, message: "", eta_seconds: eta, stalled: false }, at);

export const spoken = (index, text = `line ${index}`) => ({ index, start: index, end: index + 1, text, speaker: null, words: null });

export const segment = (seq, index, text) => event(seq, "segment", spoken(index, text));

export const subscribed = (fields) => ({ type: "event_received", event: { type: "subscribed", task_id: "t", epoch: "e", ...fields }, at: 0 });

/** The story of one Task: it runs, is interrupted, runs again, and ends without speakers. */
export function story() {
  const events = [];
  const add = (make, ...rest) => events.push(make(events.length + 1, ...rest));
  add(status, "queued");
  add(status, "processing");
  for (let index = 0; index < 5; index++) {
    add(progress, 10 + index * 4, { eta: 30 - index, part: index * 15 });
    add(segment, index);
  }
  add(event, "error", { error_code: "worker_lost", user_message: "Lost.", technical_detail: null, retryable: true, remedy: "Wait." });
  add(status, "queued", 2);
  add(status, "processing", 2);
  for (let index = 0; index < 5; index++) {
    add(progress, 10 + index * 6, { eta: 20 - index, part: index * 20 });
    add(segment, index, `again ${index}`);
  }
  add(event, "segments_revised", { segments: Array.from({ length: 4 }, (_, index) => spoken(index, `revised ${index}`)) });
  add(event, "warning", { code: "diarization_failed", user_message: "No speakers." });
  add(progress, 100, { stage: "complete", part: 100 });
  add(status, "partial", 2);
  return events;
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export function numbers(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
