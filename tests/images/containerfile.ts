// SPDX-License-Identifier: Apache-2.0

/** One COPY: files of an earlier stage. */
export interface Copy {
  readonly stage: string;
  readonly sources: readonly string[];
  readonly destination: string;
}

/** What the last stage of a Containerfile says of the image. */
export interface Stage {
  /** The image that it begins with; "scratch" for none. */
  readonly base: string;
  readonly copies: readonly Copy[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly user: string;
  readonly entrypoint: readonly string[];
}

/**
 * Reads the last stage of a Containerfile, in the part of the language that
 * needs nothing run: COPY --from, ENV, LABEL, USER and ENTRYPOINT. Throws on
 * any other instruction, since the image would lack what it does.
 */
export function parseLastStage(text: string): Stage {
  const instructions = readInstructions(text);
  const begin = instructions.findLastIndex(({ name }) => name === "FROM");
  const [first, ...rest] = instructions.slice(begin);
  if (begin < 0 || first === undefined) throw new SyntaxError("A Containerfile needs a FROM");
  const copies: Copy[] = [];
  const env: Record<string, string> = {};
  const labels: Record<string, string> = {};
  let user = "";
  let entrypoint: string[] = [];
  for (const { name, value } of rest) {
    switch (name) {
      case "COPY":
        copies.push(parseCopy(value));
        break;
      case "ENV":
        Object.assign(env, parsePairs(value));
        break;
      case "LABEL":
        Object.assign(labels, parsePairs(value));
        break;
      case "USER":
        user = value;
        break;
      case "ENTRYPOINT":
        entrypoint = JSON.parse(value);
        break;
      default:
        throw new SyntaxError(
          `The last stage has ${name} ${value}, which cannot be followed without an engine`,
        );
    }
  }
  return { base: first.value, copies, env, labels, user, entrypoint };
}

interface Instruction {
  readonly name: string;
  readonly value: string;
}

function readInstructions(text: string): Instruction[] {
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line));
  return lines.join("\n").replaceAll(/\\\n\s*/g, " ").split("\n").map((line) => line.trim()).filter((line) =>
    line !== ""
  ).map((line) => {
    const [name = ""] = line.split(" ");
    return { name: name.toUpperCase(), value: line.slice(name.length).trim() };
  });
}

function parseCopy(value: string): Copy {
  const [from = "", ...files] = value.split(/\s+/);
  const destination = files.pop();
  if (!from.startsWith("--from=") || destination === undefined || files.length === 0) {
    throw new SyntaxError(`COPY ${value} does not name a stage, files and where they go`);
  }
  return { stage: from.slice("--from=".length), sources: files, destination };
}

function parsePairs(value: string): Record<string, string> {
  return Object.fromEntries(
    value.split(/\s+/).map((pair) => {
      const middle = pair.indexOf("=");
      if (middle < 1 || pair.includes('"')) throw new SyntaxError(`${pair} is no name=value`);
      return [pair.slice(0, middle), pair.slice(middle + 1)];
    }),
  );
}
