// The shapes that the modules of the page share. Global on purpose: a JSDoc comment names them without an import.
// What comes from the server keeps its name on the wire; what the page adds is in camelCase.

/* ---------------------------------------------------------------- markup */

type VNode = import("preact").VNode<any>;
type Children = import("preact").ComponentChildren;
/** What may stand in markup. That functions are named among it gives their parameters a type: handlers need no comments of their own. */
type Hole = string | number | boolean | null | undefined | object | ((...given: any[]) => any);
type Signal<T> = import("@preact/signals").Signal<T>;
type ReadonlySignal<T> = import("@preact/signals").ReadonlySignal<T>;

/* ---------------------------------------------------------------- the server's */

type Status = "queued" | "downloading" | "processing" | "completed" | "partial" | "failed" | "cancelled";
type Stage = "queued" | "downloading" | "transcribing" | "aligning" | "diarizing" | "formatting" | "complete";

interface Word { word: string; start: number | null; end: number | null; score: number | null; speaker: string | null }

/** The machine's segment, as events carry it. */
interface Segment { index: number; start: number; end: number; text: string; speaker: string | null; words: Word[] | null }

/** What moves while a Task runs: the same names in GET /tasks, in polling, and here. */
interface Bar {
  status: Status;
  attempt: number;
  progress_stage: Stage | null;
  progress_percentage: number;
  stage_percentage: number;
  message: string;
  stalled: boolean;
  queue_position: number | null;
}

/** GET /tasks/{id} */
interface WholeTask extends Bar {
  id: string;
  job_id: string;
  file_id: string;
  filename: string;
  eta_seconds: number | null;
  seq: number;
  epoch: string;
  duration_seconds: number | null;
  engine: string | null;
  model: string | null;
  device: string | null;
  detected_language: string | null;
  language_probability: number | null;
  result_text: string | null;
  speaker_count: number | null;
  diarized: boolean | null;
  diarization_error: string | null;
  diarization_error_code: string | null;
  warnings: string[];
  error: string | null;
  error_code: string | null;
  technical_detail: string | null;
  retryable: boolean | null;
  remedy: string | null;
  options: Record<string, any>;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  reused_from?: string | null;
  duplicate_of?: { file_id: string; score: number; task_id: string | null; transcript: string | null; differs: string[] } | null;
}

/** GET /jobs/{id}, POST /transcribe, POST /uploads, … */
interface WholeJob {
  id: string;
  job_type: "process" | "import" | "export";
  status: Status;
  progress_current: number;
  progress_total: number;
  retry_count: number;
  error_message: string | null;
  created_at: string;
  completed_at: string | null;
  tasks: WholeTask[];
  files: { id: string; filename: string }[];
  links: { self: string; socket: string; archive: string | null };
}

interface Engine { name: string; usable: boolean; version: string | null; why: string; remedy: string | null }
interface Engines { engines: Engine[]; default: { engine: string; model: string; device: string; reason: string } | null }

/** GET /tasks/{id}/transcript?format=json */
interface Transcript {
  task_id: string;
  filename: string;
  text: string;
  segments: (Segment & { id: string; edited: boolean; speaker_label: string | null })[];
  version: number;
  speakers: { label: string | null; name: string | null }[];
  duration_seconds: number | null;
  unplaced_edits: number;
}

/** One message of the socket; which fields it has depends on `type` (docs/protocol.md). */
interface Message { type: string; task_id?: string | null; job_id?: string; seq?: number; epoch?: string; [field: string]: any }

/* ---------------------------------------------------------------- the page's */

/** What went wrong, in a person's words: from an error answer, from an event, or made by the page. */
interface ProblemLike {
  code: string | null;
  message: string;
  detail?: string | null;
  retryable?: boolean | null;
  remedy?: string | null;
  requestId?: string | null;
  status?: number;
}

interface TaskState extends Omit<WholeTask, "epoch"> {
  /** Where the bar will be full (ms), averaged over estimates; null while nothing can be estimated. */
  endsAt: number | null;
  /** Seconds of recording per second while transcribing, from what the server reported; null until two reports are there. */
  pace: number | null;
  /** When (ms) and where (stage %) this page first saw the present stage. */
  began: { stage: Stage | null; at: number; percentage: number };
  segments: Segment[];
  /** Why the Task failed. */
  problem: ProblemLike | null;
  /** Why the server refused what a person asked of this Task. */
  refusal: ProblemLike | null;
  /** What a person asked and what has not happened yet: "cancel", "retry". */
  asked: string | null;
  /** The page has seen it unfinished. */
  lived: boolean;
  /** What the event stream delivered: the place to resume from. */
  seq: number;
  /** The newest number that the bar has shown, from wherever it came. */
  seen: number;
  epoch: string | null;
  /** The number that all events of the snapshot on its way have. */
  snapshotSeq: number | null;
}

/** A recording on its way; `taskId` once the server has a Task for it. The queue may add fields of its own. */
interface UploadState { id: string; taskId: string | null; name: string; size: number; sent: number; state: string; problem: ProblemLike | null; [field: string]: any }

interface ConnectionState {
  state: "connecting" | "live" | "reconnecting" | "polling" | "offline";
  /** When the next try is due (ms). */
  retryAt: number | null;
  reason: string | null;
  /** When anything was last heard (ms). */
  lastEventAt: number | null;
}

interface PageState {
  connection: ConnectionState;
  tasks: Record<string, TaskState>;
  /** Newest first. */
  order: string[];
  /** Tasks that a person deleted and may still take back. */
  hidden: string[];
  /** How many Tasks the server has. */
  total: number;
  uploads: UploadState[];
  engines: Engines | null;
  /** Version of the server that gave this page, and of the one that answers now. */
  version: { page: string; server: string } | null;
  listed: boolean;
}

type Action =
  | { type: "connection_changed"; state: ConnectionState["state"]; retryAt?: number | null; reason?: string | null }
  | { type: "heard"; at: number }
  | { type: "engines_loaded"; engines: Engines }
  | { type: "version_told"; version: string }
  | { type: "tasks_listed"; tasks: WholeTask[]; known: string[]; total: number; at: number }
  | { type: "task_loaded"; task: WholeTask; at: number }
  | { type: "task_gone"; id: string }
  | { type: "task_hidden"; id: string }
  | { type: "task_shown"; id: string }
  | { type: "event_received"; event: Message; at: number }
  | { type: "transcript_loaded"; transcript: Transcript }
  | { type: "asked"; id: string; what: string }
  | { type: "refused"; id: string; problem: ProblemLike }
  | { type: "upload_added"; upload: UploadState }
  | { type: "upload_changed"; id: string; change: Partial<UploadState> }
  | { type: "upload_gone"; id: string };

type Reducers = { [T in Action["type"]]: (state: PageState, action: Extract<Action, { type: T }>) => PageState };

type AttemptOnly =
  | "progress_stage" | "progress_percentage" | "stage_percentage" | "message" | "stalled" | "endsAt" | "pace" | "began" | "segments" | "warnings"
  | "problem" | "refusal" | "asked" | "result_text" | "started_at" | "completed_at";

type ToText = (value: number) => string;
type WhenToText = (when: string | number) => string;
type Change<T> = (task: TaskState, told: T, at: number) => TaskState;

/* ---------------------------------------------------------------- how events arrive */

/** Lets go of listeners and timers together. `own`, `listen`, `after` and `every` give a function that lets go of that one. */
interface ScopeLike {
  disposed: boolean;
  /** Keeps `dispose` until this scope ends. */
  own(dispose: () => void): () => void;
  listen(target: EventTarget, type: string, handler: (event: any) => void, options?: AddEventListenerOptions): () => void;
  /** Runs `action` once, after some milliseconds. */
  after(milliseconds: number, action: () => void): () => void;
  every(milliseconds: number, action: () => void): () => void;
  child(): ScopeLike;
  dispose(): void;
}

/** How a socket ended: whether it had been open, what the server said, and when the next try is due (ms; null: never, stay away). */
interface Closing { wasOpen: boolean; problem: Message | null; retryAt: number | null }

interface SocketLike { connect(): void; send(command: object): void; hurry(): void }
type NewSocket = (parts: {
  path: string;
  scope: ScopeLike;
  backoff?: { next(): number; reset(): void };
  opened(): void;
  received(message: Message): void;
  closed(closing: Closing): void;
}) => SocketLike;

interface PollerLike { running(): boolean; start(): void; stop(): void }
type NewPoller = (parts: { scope: ScopeLike; sync: Pick<SyncLike, "tasks" | "reload" | "read">; polled(): void; lost(): void }) => PollerLike;

type NewConnection = (parts: {
  hurry(): void;
  poller: PollerLike;
  api: Pick<ApiLike, "reachable">;
  say(change: { state: ConnectionState["state"]; retryAt?: number | null; reason?: string | null }): void;
  whenOpened(): void;
}) => { opened(): void; closed(closing: Closing): Promise<void>; polled(): void; lost(): void };

interface SyncLike {
  tasks(): TaskState[];
  opened(): Promise<void>;
  /** Reads the newest Tasks. Throws a Problem, as `more` and `read` do. */
  reload(): Promise<void>;
  /** Reads older Tasks too. */
  more(): Promise<void>;
  adopt(job: WholeJob): void;
  /** Reads one Task now, with its segments so far if they are wanted. */
  read(id: string, withText?: boolean): Promise<void>;
  load(id: string): void;
  received(message: Message): void;
}
type NewSync = (parts: { api: ApiLike; model: ModelLike; send(command: object): void; scope: ScopeLike }) => SyncLike;

/* ---------------------------------------------------------------- what views get */

/** The reduced state as signals. Reading `.value` in a component redraws it when that one thing changes. */
interface ModelLike {
  readonly state: PageState;
  dispatch(action: Action): void;
  /** | signal                 | value                                             |
      |------------------------|---------------------------------------------------|
      | connection             | how events arrive                                 |
      | engines                | engines of the server's machine, null until known |
      | order                  | ids of the Tasks, newest first                    |
      | total                  | how many Tasks the server has                     |
      | listed                 | whether the list was read at least once           |
      | task(id)               | that Task, undefined if it is not known           |
      | uploads, upload(task)  | recordings on their way; the one of a Task        |
      | newer                  | version of a newer server, null if there is none  |
      | now                    | ms; ticks once a second while somebody looks      | */
  connection: ReadonlySignal<ConnectionState>;
  engines: ReadonlySignal<Engines | null>;
  order: ReadonlySignal<string[]>;
  total: ReadonlySignal<number>;
  listed: ReadonlySignal<boolean>;
  uploads: ReadonlySignal<UploadState[]>;
  newer: ReadonlySignal<string | null>;
  now: ReadonlySignal<number>;
  task(id: string): ReadonlySignal<TaskState | undefined>;
  upload(taskId: string): ReadonlySignal<UploadState | undefined>;
}

interface AskOptions { body?: any; key?: string; etag?: string | number; signal?: AbortSignal; headers?: Record<string, string>; keepalive?: boolean }

interface ApiLike {
  /** The Response, if it is a good one; else a Problem is thrown (304 is good). A body that is FormData or a Blob goes as it is, others as JSON. */
  ask(method: string, path: string, options?: AskOptions): Promise<Response>;
  /** The JSON of the answer. `etag` is sent as If-Match. */
  json(method: string, path: string, options?: AskOptions): Promise<any>;
  get(path: string, options?: AskOptions): Promise<any>;
  post(path: string, body?: any, options?: AskOptions): Promise<any>;
  reachable(): Promise<boolean>;
}

interface CommandsLike {
  /** Each dispatches `asked`; a refusal is in the Task's `refusal`. */
  cancel(id: string): Promise<void>;
  /** `from`: the stage to repeat from; other fields are options to change. */
  retry(id: string, body?: { from?: Stage } & Record<string, any>): Promise<void>;
  retrySpeakers(id: string, options?: Record<string, any>): Promise<void>;
  /** Hides the Task at once and deletes it when the toast with "Undo" has gone. */
  remove(id: string): void;
  cancelJob(id: string): Promise<void>;
  retryJob(id: string): Promise<void>;
  /** Takes in the Tasks of a Job that this page submitted, and follows them. */
  adopt(job: WholeJob): void;
  /** Reads the next page of Tasks. */
  more(): Promise<void>;
  /** Reads one Task that may not be in the list. Throws a Problem. */
  load(id: string): Promise<void>;
}

interface RouteLike { path: string; parts: string[]; query: Record<string, string> }

interface ShortcutLike {
  /** `KeyboardEvent.key`, or with "Shift+" / "Ctrl+" before it; "Ctrl" is Command on a Mac. Several: `["j", "ArrowDown"]`. */
  keys: string | string[];
  /** Key of the words that say what it does. */
  words: string;
  run(event: KeyboardEvent): void;
  /** Also while a field has the focus (only with Ctrl, or Escape). */
  inFields?: boolean;
  /** Is used only while this is true. */
  when?: () => boolean;
}

interface ShortcutsLike {
  enabled: Signal<boolean>;
  /** Shortcuts that hold now, for the help. */
  list: ReadonlySignal<ShortcutLike[]>;
  /** Adds some; returns a function that takes them away. In a component: `useEffect(() => shortcuts.add([…]), [])`. */
  add(shortcuts: ShortcutLike[]): () => void;
}

/** What every view gets by `useApp()`. */
interface AppLike {
  model: ModelLike;
  api: ApiLike;
  commands: CommandsLike;
  route: ReadonlySignal<RouteLike>;
  scope: ScopeLike;
  uploads: UploadsLike;
  shortcuts: ShortcutsLike;
  /** Says it to screen readers; never more often than every 2 s, the newest of a `topic` only. */
  announce(text: string, topic?: string): void;
  /** `undo` puts a button in it; `ended` is called once it has gone without being used. */
  toast(text: string, options?: { undo?: () => void; ended?: () => void }): void;
  /** `action` is the word of the button that says yes. */
  confirm(question: string, options?: { detail?: string; action?: string }): Promise<boolean>;
}

/* ---------------------------------------------------------------- the transcript view */

/** A segment as it is shown; `key` outlives edits. What comes live has neither id nor key. */
type ShownSegment = Segment & { id?: string; key?: string; edited?: boolean; speaker_label?: string | null };
type Speakers = { label: string | null; name: string | null }[];
interface Shown { version: number; speakers: Speakers; segments: ShownSegment[]; unplaced_edits: number }

/** The answer to an edit. */
interface TranscriptChange extends Shown { removed: string[] }

/** What a person does to the segment `key` (of a name: to the speaker with that label); `base` is the text on which it was done. */
interface Edit { kind: "text" | "speaker" | "name" | "split" | "merge"; key: string; value?: any; base?: string | null }
interface Step { edit: Edit; back: Edit }
interface Conflict { edit: Edit; theirs?: ShownSegment; refusal?: ProblemLike }

/** A stretch of a segment's text. */
interface Place { place: number; from: number; to: number }

type Edits = ReturnType<typeof import("./transcript/edits.js").newEdits>;
type Desk = ReturnType<typeof import("./transcript/desk.js").newDesk>;
interface OfDesk { desk: Desk }

/* ---------------------------------------------------------------- the library */

/** A decision to make, as POST /files/{id}/decisions takes it. */
interface Ruling { decision_type: string; decision_value: any }
interface FilePair { file_id: string; duplicate_of_id: string; match_type: string; similarity_score: number }
interface RecordingTime { value: string | null; source: string | null; confidence: string; precision: "year" | "month" | "day" | "minute" | "second" | null }

/** GET /files and GET /duplicates; what only one of them has is left out of the other. */
interface LibraryFile {
  id: string;
  filename: string;
  mime_type: string | null;
  file_size_bytes: number | null;
  duration_seconds: number | null;
  effective_timestamp: RecordingTime;
  tags: string[];
  hidden: boolean;
  created_at: string;
  tasks: { id: string; job_id: string; status: Status }[];
  decision: "keep" | "discard" | null;
}

/** What stands in the cells of a table, by the key of the column's words. */
type Columns = Record<string, (row: any, index: number) => any>;

/** A component of the library; which properties it gets is said where it is used. */
type LibraryPart = (props: {
  id: string;
  query: Record<string, string>;
  file: LibraryFile;
  files: LibraryFile[];
  group: { files: LibraryFile[]; pairs: FilePair[] };
  kind: string;
  turn: number;
  done: () => void;
}) => VNode;

/** What the modules of the library are to each other. */
interface Lib {
  /** `of`: what the button is about, where several say the same. */
  button(word: string, act: () => any, of?: string): VNode;
  /** Handles the events of a form: `act` gets what is filled in, with the button that was pressed. */
  filled(act: (data: any, form: HTMLFormElement) => any): (event: any) => void;
  /** A description list of one row. */
  facts(columns: Columns, row: any): VNode;
  /** A table, which style sheets turn into cards where the page is narrow. */
  table(label: string, columns: Columns, rows: any[]): VNode;
  /** Reads a path, and again whenever it or `turn` changes; a path of "" reads nothing. `list` names the list in the body, which grows page by page. */
  useReading(path: string, list?: string, turn?: any): {
    body: any;
    items: any[];
    /** Reads again what is shown, or the pages from `first` to `last`. */
    load(first?: number, last?: number): Promise<void>;
    /** Drawn below: how much there is, more of it, or why it could not be read. */
    foot: VNode;
  };
  /** `ask` does something and then `done`; `refused` shows why it could not be done. */
  useAsking(done?: () => any): { ask(act: () => any): Promise<void>; decide: Lib["decide"]; refused: VNode };
  decide(fileId: string, type: string, value: any): Promise<void>;
  /** A text made of a decision. */
  topic(ruling: Ruling): string;
  /** What to decide so that the decision at an index of all (oldest first) no longer counts; undefined where that changes nothing. */
  undoing(all: Ruling[], at: number): Ruling | undefined;
  when(time: RecordingTime): any;
  /** How alike two files are, as a key of the words. */
  likeness(pair: FilePair): string;
}

/** A Task without what moves while it runs; `arriving`: its recording is still on its way. */
type StillTask = Omit<TaskState, keyof Omit<Bar, "status" | "attempt"> | "endsAt" | "pace" | "began" | "segments" | "seq" | "seen" | "snapshotSeq"> & { arriving: boolean };

/** Of a Task what the list of the queue depends on; `batch` is what came together. */
interface Listed extends Pick<TaskState, "id" | "filename" | "status" | "duration_seconds" | "job_id"> { batch: string }

/** What a row's bar shows (0..100; none without `value`), and the words beneath it by their class. */
interface Told { value?: number; busy?: boolean; words: Record<string, string | number | false | null | undefined> }

/** A component of the queue; which properties it gets is said where it is used. */
type QueuePart = (props: {
  id: string;
  uploadId: string;
  name: string;
  task?: StillTask;
  upload: UploadState;
  tasks: Listed[];
  icon: string;
  words: string;
  kind: string;
  disabled: boolean;
  run: (files?: any) => void;
  address: Signal<string>;
  value?: string;
  of: any[][];
  count: number;
  eager: boolean;
}) => VNode | null;

/** What a person can ask of recordings on their way. */
interface UploadsLike {
  /** Something would be lost if the page were closed now. */
  readonly busy: boolean;
  /** Which files came together, by Task: the server has a Job for each. */
  batches: Record<string, string>;
  add(files: File[], options: Record<string, any>): void;
  /** Goes on with what another visit to the page began. */
  goOn(taskId: string, file: File): void;
  pause(id: string): void;
  resume(upload: UploadState): void;
  drop(id: string): void;
}
