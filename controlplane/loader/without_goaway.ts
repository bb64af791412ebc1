// SPDX-License-Identifier: Apache-2.0

/** Bytes of the preface with which an HTTP/2 client begins (RFC 9113, section 3.4). */
const PREFACE = 24;
/** Bytes of a frame's header: length in 3, type in 1, flags in 1, stream in 4 (RFC 9113, section 4.1). */
const HEADER = 9;
/** Type of the frame that announces the end of a connection (RFC 9113, section 6.8). */
const GOAWAY = 7;

/**
 * What an HTTP/2 client sends, without its GOAWAY frames: a server in Deno 2.9.6 may abort the process on one
 * that comes while streams are being closed (denoland/deno issue 36788).
 */
export function withoutGoaway(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  /** Bytes of the preface or of a frame that are still to come, and whether they are passed on. */
  let left = PREFACE;
  let passes = true;
  /** The part of a header that has come. */
  let header = new Uint8Array(0);
  return new TransformStream({
    transform(chunk, controller): void {
      let rest = chunk;
      while (rest.length > 0) {
        if (left > 0) {
          const part = rest.subarray(0, left);
          if (passes) controller.enqueue(part);
          left -= part.length;
          rest = rest.subarray(part.length);
          continue;
        }
        const missing = HEADER - header.length;
        header = Uint8Array.from([...header, ...rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < HEADER) return;
        const [a = 0, b = 0, c = 0, type] = header;
        left = a << 16 | b << 8 | c;
        passes = type !== GOAWAY;
        if (passes) controller.enqueue(header);
        header = new Uint8Array(0);
      }
    },
  });
}
