// Uploads a file with tus-js-client and prints what became of it as one line of JSON.
// Usage: node upload.mjs '{"endpoint": …, "file": …, "filename": …, "chunkSize": …, "abortAfter": …, …}'
import { createReadStream, statSync } from "node:fs"
import { basename } from "node:path"
import { Upload } from "tus-js-client"

const wanted = JSON.parse(process.argv[2])
const { file, abortAfter, resumeFrom, ...options } = wanted
const seen = []

function end(result) {
  console.log(JSON.stringify({ seen, ...result }))
  process.exit(0)
}

const upload = new Upload(createReadStream(file), {
  uploadSize: statSync(file).size,
  chunkSize: Infinity,
  retryDelays: [0, 200, 1000, 3000, 5000],
  metadata: { filename: basename(file), ...options.metadata },
  ...options,
  onProgress: (sent) => seen.push(sent),
  onError: (problem) => end({ error: String(problem), status: problem.originalResponse?.getStatus() ?? null }),
  onSuccess: () => end({ url: upload.url }),
  onChunkComplete: async (_size, accepted) => {
    if (abortAfter !== undefined && accepted >= abortAfter) {
      await upload.abort(wanted.terminate === true)
      end({ url: upload.url, accepted })
    }
  },
})
if (resumeFrom) upload.url = resumeFrom
upload.start()
