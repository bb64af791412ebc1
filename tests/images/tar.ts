// SPDX-License-Identifier: Apache-2.0

/** A tar archive is made of blocks of this many bytes. */
const BLOCK = 512;

/** What a header says of an entry; owner is user 0, and the time 1970, so that equal files give equal archives. */
export interface TarHeader {
  /** Without a leading slash. */
  readonly path: string;
  readonly type: "file" | "directory";
  /** Permission bits. */
  readonly mode: number;
  /** Bytes; 0 for a directory. */
  readonly size: number;
}

/** The end of an archive: two empty blocks. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK);

/** Bytes of an entry with its header and padding. */
export function entrySize(size: number): number {
  return BLOCK + size + padding(size);
}

/** Bytes that fill an entry's last block. */
export function padding(size: number): number {
  return (BLOCK - size % BLOCK) % BLOCK;
}

/** Encodes a header in the ustar format (POSIX.1-1988). Throws a RangeError when the path does not fit. */
export function encodeHeader({ path, type, mode, size }: TarHeader): Uint8Array {
  const { prefix, name } = splitPath(type === "directory" ? `${path}/` : path);
  const header = new Uint8Array(BLOCK);
  const encoder = new TextEncoder();
  const put = (offset: number, text: string): void => header.set(encoder.encode(text), offset);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  put(0, name);
  put(100, octal(mode, 7));
  put(108, octal(0, 7)); // user
  put(116, octal(0, 7)); // group
  put(124, octal(size, 11));
  put(136, octal(0, 11)); // time
  put(148, " ".repeat(8)); // the checksum counts as spaces in itself
  put(156, type === "directory" ? "5" : "0");
  put(257, "ustar\x0000");
  put(345, prefix);
  put(148, `${octal(header.reduce((sum, byte) => sum + byte), 6)} `);
  return header;
}

/** A path longer than a name may be goes in two, at a slash. */
function splitPath(path: string): { readonly prefix: string; readonly name: string } {
  const length = (text: string): number => new TextEncoder().encode(text).length;
  if (length(path) <= 100) return { prefix: "", name: path };
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
    if (name !== "" && length(prefix) <= 155 && length(name) <= 100) return { prefix, name };
  }
  throw new RangeError(`The path ${path} is too long for a tar archive`);
}
