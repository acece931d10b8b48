// The shapes that the modules of the page share. Global on purpose: a JSDoc comment names them without an import.
// What comes from the server keeps its name on the wire; what the page adds is in camelCase.

/* ---------------------------------------------------------------- markup */

type VNode = import("preact").VNode<any>;
type Children = import("preact").ComponentChildren;
/** What may stand in markup. That functions are named among it gives their parameters a type: handlers need no comments of their own. */
type Hole = string | number | boolean | null | undefined | object | ((...given: any[]) => any);
type Signal<T> = import("@preact/signals").Signal<T>;
type ReadonlySignal<T> = import("@preact/signals").ReadonlySignal<T>;

type Component = (props: any) => VNode | false | null;

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
  /** The recording is still on its way in, or being looked at. */
  uploading: boolean;
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
  /** The first words of the result. */
  beginning: string | null;
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
  /** Of the transcript, since somebody edited it. */
  version?: number;
  /** Why the Task failed. */
  problem: ProblemLike | null;
  /** Why the server refused what a person asked of this Task. */
  refusal: ProblemLike | null;
  /** What a person asked and what has not happened yet: "cancel", "retry". */
  asked: string | null;
  /** What the event stream delivered: the place to resume from. An answer read over HTTP moves `seen` alone, so the stream still brings the segments in between. */
  seq: number;
  /** The newest number that the bar has shown, from wherever it came. */
  seen: number;
  epoch: string | null;
  /** The number that all events of the snapshot on its way have. */
  snapshotSeq: number | null;
}

/** A recording that this page sends for the Task `id`; `sent` is 0 to 1. */
interface UploadState { id: string; size: number; sent: number; state: string; problem: ProblemLike | null; told: Told }

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
  /** Those that a person looked for, in the order that was asked for; null while nothing is looked for. */
  found: string[] | null;
  /** Tasks that a person deleted and may still take back. */
  hidden: string[];
  /** How many more Tasks the server had of those that are listed, when it was asked. */
  older: number;
  uploads: Record<string, UploadState>;
  listed: boolean;
}

type Action =
  | { type: "connection_changed"; state: ConnectionState["state"]; retryAt?: number | null; reason?: string | null; lastEventAt?: number }
  | { type: "heard"; at: number }
  | { type: "tasks_listed"; tasks: WholeTask[]; known: string[]; total: number; wished: boolean; at: number }
  | { type: "task_loaded"; task: WholeTask; at: number }
  | { type: "task_gone"; id: string }
  | { type: "task_hidden"; id: string }
  | { type: "task_shown"; id: string }
  | { type: "event_received"; event: Message; at: number }
  | { type: "transcript_loaded"; transcript: Transcript }
  | { type: "asked"; id: string; what: string }
  | { type: "refused"; id: string; problem: ProblemLike }
  | { type: "upload_changed"; id: string; upload: UploadState }
  | { type: "upload_gone"; id: string };

type Reducers = { [T in Action["type"]]: (state: PageState, action: Extract<Action, { type: T }>) => PageState };

type AttemptOnly =
  | "progress_stage" | "progress_percentage" | "stage_percentage" | "message" | "stalled" | "endsAt" | "pace" | "began" | "segments" | "warnings"
  | "problem" | "refusal" | "asked" | "beginning" | "started_at" | "completed_at";

type OwnProblem = (code: string, detail: unknown, status?: number) => import("./api.js").Problem;
type AnswerProblem = (status: number, body: any) => import("./api.js").Problem;
type Later = (fetch: () => Promise<Component>) => Component;
type Words = Record<string, Record<string, string | Record<string, string>>>;
type ToText = (value: number) => string;
type NumberToText = (value: number, options?: Intl.NumberFormatOptions) => string;
type WhenToText = (when: string | number, options?: Intl.DateTimeFormatOptions) => string;
type Say = (key: string, values?: Record<string, any>) => string;
type Change<T> = (task: TaskState, told: T, at: number) => TaskState;
type Fresh = Pick<TaskState, AttemptOnly>;
type TimedBar = Bar & { eta: number | null };
type BarOf = (from: Bar) => Bar;
type Ended = (task: { status: Status }) => boolean;
type ProblemOf = (task: Pick<WholeTask, Failing>) => ProblemLike | null;
type Failing = "status" | "error" | "error_code" | "technical_detail" | "retryable" | "remedy";
type Restart = (task: TaskState, attempt: number) => TaskState;
type Smooth = (endsAt: number | null, eta: number | null, at: number) => number | null;
type Reduce = (state: PageState, action: Action) => PageState;
type InTask = InState<string | null | undefined, [(task: TaskState) => TaskState]>;
type InState<T, U extends any[] = []> = (state: PageState, told: T, ...more: U) => PageState;
type WithText = (task: TaskState, transcript: Transcript) => TaskState;
type Steady = <T>(compute: () => T) => ReadonlySignal<T>;
type Without = <T>(all: Record<string, T>, id: string) => Record<string, T>;
type Headed = (shown: Listed[], all: Listed[]) => Map<string, Listed[]>;

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

interface SocketLike { connect(): void; send(command: object): unknown; hurry(): void }
type NewSocket = (parts: {
  path: string;
  scope: ScopeLike;
  backoff?: { next(): number; reset(): void };
  opened(): void;
  received(message: Message): void;
  closed(closing: Closing): void;
}) => SocketLike;

/** Asks for as long as `scope` lives. */
type Poll = (parts: { scope: ScopeLike; sync: Pick<SyncLike, "tasks" | "reload" | "read">; polled(): void; lost(): void }, count?: number) => Promise<void>;

type NewConnection = (parts: {
  scope: ScopeLike;
  /** Begins to ask, until the scope ends. */
  poll(scope: ScopeLike): Promise<void>;
  hurry(): void;
  api: Pick<ApiLike, "reachable">;
  say(change: { state: ConnectionState["state"]; retryAt?: number | null; reason?: string | null; lastEventAt?: number }): void;
  whenOpened(): void;
}) => { opened(): void; closed(closing: Closing): Promise<void>; polled(): void; lost(): void };

interface SyncLike {
  tasks(): TaskState[];
  opened(): Promise<void>;
  /** Reads what is listed again. Throws a Problem, as `read` does. */
  reload(): Promise<void>;
  /** Lists what GET /tasks finds for more parameters ("&q=talk"); without any, the newest. */
  list(wish: string): void;
  /** Lists older Tasks too. */
  more(): void;
  adopt(job: WholeJob): void;
  /** Takes in all Tasks of a Job. */
  whole(id: string): void;
  /** Listens to this finished Task, too, until another one is watched. */
  watch(id: string): void;
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
      | order                  | ids of the Tasks, newest first                    |
      | older                  | how many Tasks the server has besides             |
      | listed                 | whether the list was read at least once           |
      | task(id)               | that Task, undefined if it is not known           |
      | found                  | ids of what a person looked for, null if nothing  |
      | upload(id)             | the recording that this page sends for that Task  |
      | now                    | ms; ticks once a second while somebody looks      | */
  connection: ReadonlySignal<ConnectionState>;
  order: ReadonlySignal<string[]>;
  older: ReadonlySignal<number>;
  listed: ReadonlySignal<boolean>;
  found: ReadonlySignal<string[] | null>;
  now: ReadonlySignal<number>;
  task(id: string): ReadonlySignal<TaskState | undefined>;
  upload(id: string): ReadonlySignal<UploadState | undefined>;
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
  retry(id: string, body?: { from?: Stage } & Record<string, any>, what?: string): Promise<void>;
  /** Hides the Task at once and deletes it when the toast with "Undo" has gone. */
  remove(id: string): void;
  askJob(id: string, what: "cancel" | "retry"): Promise<void>;
  /** Takes in the Tasks of a Job that this page submitted, and follows them. */
  adopt(job: WholeJob): void;
  whole: SyncLike["whole"];
  list: SyncLike["list"];
  more: SyncLike["more"];
  /** Hears of a finished Task's transcript, when somebody edits it. */
  watch(id: string): void;
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
  /** Does something with what sends recordings, once that is fetched. */
  uploads(act: (uploads: UploadsLike) => void): Promise<void>;
  shortcuts: ShortcutsLike;
  /** Says it to screen readers; never more often than every 2 s, the newest of a `topic` only. */
  announce(text: string, topic?: string): void;
  /** Shows which keys hold now. */
  help(): void;
  /** `undo` puts a button in it; `ended` is called once it has gone without being used. */
  toast(text: string, options?: { undo?: () => void; ended?: () => void }): void;
  /** `action` is the word of the button that says yes. */
  confirm(question: string, options?: { detail?: string; action?: string }): Promise<boolean>;
}

type ProblemPart = (props: { problem: ProblemLike | null | undefined; more?: [string, string][] }) => VNode | null;
type Pictured = (props: { name: string; label: string; onClick: () => void }) => VNode;
type NewCommands = (app: Pick<AppLike, "api" | "model" | "toast"> & { sync: SyncLike }) => CommandsLike;
type Soon = (what: string, read: () => Promise<void>, wait?: number) => void;
type Compare = (before: TaskState, after: TaskState) => boolean;

/* ---------------------------------------------------------------- the transcript view */

/** A segment as it is shown; `key` outlives edits. What comes live has no id. */
type ShownSegment = Segment & { id?: string; key?: string; edited?: boolean; speaker_label?: string | null };
type Speakers = { label: string | null; name: string | null }[];
interface Shown { version: number; speakers: Speakers; segments: ShownSegment[]; unplaced_edits: number }

/** The answer to an edit. */
interface TranscriptChange extends Shown { removed: string[] }

/** What a person does to the segment `key` (of a name: to the speaker with that label); `base` is the text on which it was done. */
interface Edit {
  /** `restore`: the machine's segments again. `give`: all that one speaker says to another one, label to label. */
  kind: "text" | "speaker" | "name" | "split" | "merge" | "restore" | "give";
  key: string;
  value?: any;
  base?: string | null;
  /** Give only these. */
  of?: string[];
}
interface Step { edit: Edit; back: Edit }
interface Conflict { edit: Edit; theirs?: ShownSegment; refusal?: ProblemLike }

/** A stretch of a segment's text. */
interface Place { place: number; from: number; to: number }

type Edits = ReturnType<typeof import("./transcript/edits.js").newEdits>;
type Desk = ReturnType<typeof import("./transcript/desk.js").newDesk>;
/** A component of the transcript view; which properties it gets is said where it is used. */
type DeskPart = (props: {
  desk: Desk;
  id: string;
  task: any;
  file: any;
  length: number;
  segment: ShownSegment;
  index: number;
  open(dialog: string): void;
  close(): void;
  [more: string]: any;
}) => VNode | null;

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
  has_media: boolean;
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
  path: string;
  name: string;
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

type ListedById = Record<string, ReadonlySignal<Listed>>;
type Choices = Record<string, Record<string, string>>;
/** A Task without what moves while it runs; `arriving`: its recording is still on its way. */
type StillTask = Omit<TaskState, keyof Omit<Bar, "status" | "attempt" | "uploading"> | "endsAt" | "pace" | "began" | "segments" | "seq" | "seen" | "snapshotSeq">;

/** Of a Task what the list of the queue depends on. */
type Listed = Pick<TaskState, "id" | "status" | "job_id">;

/** What a row's bar shows (0..100; none without `value`), and the words beneath it by their class. */
interface Told { value?: number; busy?: boolean; words: Record<string, string | number | false | null | undefined> }

type TellTask = (task: TaskState, now: number, freeAt: number) => Told;

/** Whether it can be asked for now, its picture, its words, what it does. */
type Deed = [unknown, string, string, (event: any) => void];

/** The options of what is sent next: as they go over the wire, as the form has them, in its words. */
interface Chosen { values: Record<string, any>; filled: Record<string, string>; told: string }

type Sorted = (files: File[], problem: ProblemLike) => { refused: File[]; rest: File[] };
type Tell = (...problems: ProblemLike[]) => void;

/** What was dropped or chosen: its files, and of a drop the entries that may be folders. */
interface Goods { files: File[]; entries: any[] }

/** A component of the queue; which properties it gets is said where it is used. */
type QueuePart = (props: {
  id: string;
  name: string;
  task?: StillTask;
  upload: UploadState;
  tasks: Listed[];
  partly: boolean;
  rest: number;
  more: () => void;
  icon: string;
  words: string;
  kind: string;
  disabled: boolean;
  run: (files?: any) => void;
  address: Signal<string>;
  tell: Tell;
  value?: string;
  of: any[][];
}) => VNode | null;

/** What a person can ask of recordings on their way. */
interface UploadsLike {
  /** Something would be lost if the page were closed now. */
  readonly busy: boolean;
  /** `tell` says why something was not taken in, and nothing once all was. */
  add(goods: Goods, options: Record<string, any>, tell: Tell): Promise<void>;
  /** Goes on with what another visit to the page began. */
  goOn(id: string, file: File): void;
  pause(id: string): void;
  resume(id: string): void;
  drop(id: string): void;
}
