// SPDX-License-Identifier: Apache-2.0

/** Who answered, and whom it took for its client. */
export interface Answer {
  /** The backend's name. */
  readonly backend: string;
  /** "address:port" as the backend saw it. */
  readonly client: string;
}

/** The answer as one line of text. */
export function formatAnswer({ backend, client }: Answer): string {
  return `${backend} ${client}\n`;
}

/** Reads one line of text; undefined when it is something else. */
export function parseAnswer(line: string): Answer | undefined {
  const match = /^(\S+) (\S+)\n?$/.exec(line);
  return match === null ? undefined : { backend: match[1]!, client: match[2]! };
}

/** Splits "address:port" at the last colon; an IPv6 address may be in brackets. */
export function splitHostPort(text: string): { address: string; port: number } {
  const colon = text.lastIndexOf(":");
  return { address: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
}
