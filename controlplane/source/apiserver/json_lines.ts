// SPDX-License-Identifier: Apache-2.0

/**
 * The JSON values of a body with one on each line. Throws SyntaxError for a
 * line that is none, and the signal's reason when it aborts: fetch's own
 * signal does not reach a body whose Response was garbage-collected (Deno
 * 2.9). No TextDecoderStream between: under load it went silent (same release).
 */
export async function* jsonLines<T>(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const abort = (): void => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", abort, { once: true });
  let rest = "";
  try {
    signal.throwIfAborted();
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      const lines = (rest + decoder.decode(chunk.value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as T;
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", abort);
    abort();
  }
}
