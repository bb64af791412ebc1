// SPDX-License-Identifier: Apache-2.0

/** Reads text lines and counted bytes from one connection. */
export class LineReader {
  readonly #reader: { read(buffer: Uint8Array): Promise<number | null> };
  readonly #chunk = new Uint8Array(64 * 1024);
  #rest: Uint8Array = new Uint8Array(0);

  constructor(reader: { read(buffer: Uint8Array): Promise<number | null> }) {
    this.#reader = reader;
  }

  /** The next line without its newline; undefined at the end of the stream. */
  async line(): Promise<string | undefined> {
    let text = "";
    for (;;) {
      const bytes = await this.#next();
      if (bytes === undefined) return undefined;
      const end = bytes.indexOf(10);
      if (end >= 0) {
        this.#rest = bytes.subarray(end + 1);
        return text + new TextDecoder().decode(bytes.subarray(0, end));
      }
      text += new TextDecoder().decode(bytes);
    }
  }

  /** Gives the next `count` bytes to `sink` piece by piece; how many came before the stream's end. */
  async bytes(count: number, sink: (piece: Uint8Array) => void): Promise<number> {
    let got = 0;
    while (got < count) {
      const bytes = await this.#next();
      if (bytes === undefined) break;
      const piece = bytes.subarray(0, count - got);
      this.#rest = bytes.subarray(piece.length);
      got += piece.length;
      sink(piece);
    }
    return got;
  }

  /** Bytes that were read but not yet used, else those of one read. Valid until the next call. */
  async #next(): Promise<Uint8Array | undefined> {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = new Uint8Array(0);
      return rest;
    }
    const count = await this.#reader.read(this.#chunk);
    return count === null ? undefined : this.#chunk.subarray(0, count);
  }
}
