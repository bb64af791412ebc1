// SPDX-License-Identifier: Apache-2.0

/** The JSON values of a body with one on each line. Throws SyntaxError for a line that is none. */
export async function* jsonLines<T>(body: ReadableStream<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf("\n");
    if (end < 0) {
      rest += text;
      continue;
    }
    const lines = (rest + text.slice(0, end)).split("\n");
    rest = text.slice(end + 1);
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as T;
  }
}
