// SPDX-License-Identifier: Apache-2.0

// What a folder of manifests says at a moment: the objects that count, each
// the last good version of itself, and what is wrong with the rest.

import type { KubernetesObject } from "../../api/object.ts";
import { equal } from "../../equal.ts";
import type { ManifestFile } from "./files.ts";
import { FIRST_GENERATION, lineIn, type ManifestObject, type ParsedFile, parseManifests } from "./parse.ts";
import type { Problem } from "./problem.ts";
import { referenceProblems } from "./references.ts";

/** The folder's answer. */
export interface FolderContent {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly Problem[];
}

interface FileContent {
  readonly source: ManifestFile;
  /** By objectId. */
  readonly objects: ReadonlyMap<string, ManifestObject>;
  readonly problems: readonly Problem[];
  /** As it was read last; absent while it cannot be. */
  readonly parsed?: ParsedFile | undefined;
}

/** Remembers the last good version of every object. */
export class ManifestFolder {
  #files = new Map<string, FileContent>();
  /** By objectId: what was handed out last. */
  #objects = new Map<string, HandedOut>();

  #last: FolderContent | undefined;

  /**
   * Takes in the folder's files as they are now. Files that are the same object as before are not parsed again; where
   * all are, so is the answer.
   */
  update(files: readonly ManifestFile[]): FolderContent {
    const same = files.length === this.#files.size &&
      files.every((source) => this.#files.get(source.path)?.source === source);
    return this.#last = same && this.#last !== undefined ? this.#last : this.#read(files);
  }

  #read(files: readonly ManifestFile[]): FolderContent {
    const contents = new Map<string, FileContent>();
    for (const source of files) contents.set(source.path, readFile(source, this.#files.get(source.path)));
    this.#files = contents;

    const objects = new Map<string, HandedOut>();
    const problems: Problem[] = [];
    for (const content of contents.values()) {
      for (const problem of content.problems) problems.push(problem);
      for (const [id, object] of content.objects) {
        const first = objects.get(id);
        if (first === undefined) objects.set(id, withGeneration(object, this.#objects.get(id)));
        else problems.push(duplicate(id, object, first.manifest));
      }
    }
    this.#objects = objects;
    const all = [...objects.values()].map(({ manifest }) => manifest);
    return { objects: all, problems: [...problems, ...referenceProblems(all)] };
  }
}

function readFile(source: ManifestFile, before: FileContent | undefined): FileContent {
  if (before?.source === source) return before;
  const kept = before?.objects ?? new Map<string, ManifestObject>();
  if (source.text === undefined) {
    const problem: Problem = {
      severity: "error",
      file: source.path,
      reason: source.error ?? "cannot be read",
    };
    return {
      source,
      objects: kept,
      problems: [problem, ...[...kept].map(([id, object]) => stays(id, object))],
    };
  }

  const parsed = parseManifests(source.path, source.text, before?.parsed);
  const problems = [...parsed.problems];
  const objects = new Map<string, ManifestObject>();
  for (const object of parsed.objects) {
    const { id } = object;
    const first = objects.get(id);
    if (first === undefined) objects.set(id, object);
    else problems.push(duplicate(id, object, first));
  }
  for (const [id, object] of kept) {
    if (objects.has(id) || !(parsed.incomplete || parsed.invalid.includes(id))) continue;
    objects.set(id, object);
    problems.push(stays(id, object));
  }
  return { source, objects, problems, parsed };
}

function stays(object: string, { file }: ManifestObject): Problem {
  return {
    severity: "notice",
    file,
    object,
    reason: "stays as it last was right, until the file's errors are mended",
  };
}

function duplicate(id: string, object: ManifestObject, first: ManifestObject): Problem {
  return {
    severity: "error",
    file: object.file,
    line: lineIn(object, []),
    object: id,
    reason: `is defined at ${first.file}:${lineIn(first, [])} too, and that one counts; remove one of them`,
  };
}

/** An object with its generation, and what it was made from. */
interface HandedOut {
  readonly manifest: ManifestObject;
  readonly parsed: KubernetesObject;
}

/**
 * Gives the object metadata.generation the way the API server does: 1 at
 * first, one more with every change outside metadata. An unchanged object
 * keeps its identity.
 */
function withGeneration(manifest: ManifestObject, before: HandedOut | undefined): HandedOut {
  const parsed = manifest.object;
  const known = before?.manifest.object;
  if (known === undefined) return { manifest, parsed };
  const as = (object: KubernetesObject): HandedOut => ({
    manifest: object === parsed ? manifest : { ...manifest, object },
    parsed,
  });
  if (before?.parsed === parsed) return as(known);
  const last = known.metadata.generation ?? FIRST_GENERATION;
  const generation = equal(content(known), content(parsed)) ? last : last + 1;
  const object: KubernetesObject = { ...parsed, metadata: { ...parsed.metadata, generation } };
  return as(equal(known, object) ? known : object);
}

function content(object: KubernetesObject): unknown {
  const { metadata: _, ...rest } = object;
  return rest;
}
