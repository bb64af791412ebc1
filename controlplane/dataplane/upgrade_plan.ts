// SPDX-License-Identifier: Apache-2.0

import type { MapInfo, Piece } from "../loader/messages.ts";
import { MAP_TYPE } from "./object.ts";
import type { FieldNote, MapNote, ObjectNote } from "./object_note.ts";

/** Maps that the control plane alone writes. Two versions never share them: one is changed while the other forwards. */
const WRITTEN: readonly string[] = ["services", "tables", "addresses", "nodes", "devices"];

/** Maps that a flow asks when it begins, of what those before it left: copied before and after. */
const ASKED_BY_NEW: readonly string[] = ["affinities"];

const ARRAYS: readonly number[] = [MAP_TYPE.ARRAY, MAP_TYPE.PERCPU_ARRAY, MAP_TYPE.ARRAY_OF_MAPS];

/** A map's type and sizes; what a pinned one must have to be taken over as it is. */
export type MapShape = Omit<MapInfo, "adopted" | "memory">;

/** The maps of a version: their shapes and what their bytes mean. */
export interface Version {
  readonly maps: readonly MapShape[];
  /** Undefined when whoever loaded it left no word. */
  readonly note: ObjectNote | undefined;
}

/** One map's way from the old version into the new. */
export interface MapCopy {
  readonly map: string;
  readonly key: readonly Piece[];
  readonly value: readonly Piece[];
}

/** How a version takes over from the one in the kernel. */
export type UpgradePlan =
  /** Every map that both have is the same: the programs are swapped on the maps that are there. */
  | { readonly kind: "same" }
  /** Nobody knows what the old maps mean, and they do not fit. */
  | { readonly kind: "anew"; readonly changed: readonly string[] }
  /** The new version forwards beside the old one until it holds all that the old one held. */
  | {
    readonly kind: "beside";
    /** What is not the same. */
    readonly changed: readonly string[];
    /** Maps that both use meanwhile, and the new one afterwards. */
    readonly adopt: readonly string[];
    /** Copied before the new version forwards anything. */
    readonly first: readonly MapCopy[];
    /** Copied when the old version begins no flow any more: what packets leave behind. */
    readonly last: readonly MapCopy[];
  };

/**
 * Compares the version in the kernel with the one to come. What packets leave behind, with the backends that it names
 * by number, is shared when all of it is the same, else all of it is copied; counters are shared one by one.
 */
export function planUpgrade(old: Version, next: Required<Version>): UpgradePlan {
  const pinned = new Map(old.maps.map((map) => [map.name, map]));
  const both = next.maps.filter(({ name }) => pinned.has(name));
  const changed = both.filter((map) => {
    const before = pinned.get(map.name) as MapShape;
    return !sameShape(before, map) ||
      old.note !== undefined && !sameNote(old.note[map.name], next.note?.[map.name]);
  }).map(({ name }) => name);
  if (changed.length === 0) return { kind: "same" };
  const { note } = old;
  if (note === undefined) return { kind: "anew", changed };

  const isState = ({ name, type }: MapShape): boolean =>
    !WRITTEN.includes(name) && type !== MAP_TYPE.PERCPU_ARRAY;
  const stateChanged = both.some((map) => isState(map) && changed.includes(map.name));
  const adopt = both.filter((map) =>
    !WRITTEN.includes(map.name) && !changed.includes(map.name) && !(isState(map) && stateChanged)
  ).map(({ name }) => name);
  const copied = both.filter((map) => !adopt.includes(map.name) && pinned.get(map.name)?.type === map.type);
  const copies = (maps: readonly MapShape[]): MapCopy[] =>
    maps.flatMap(({ name }) => mapCopy(name, note[name], next.note?.[name]) ?? []);
  const isLast = (map: MapShape): boolean => isState(map) && !ARRAYS.includes(map.type);
  return {
    kind: "beside",
    changed,
    adopt,
    first: copies(copied.filter((map) => !isLast(map) || ASKED_BY_NEW.includes(map.name))),
    last: copies(copied.filter(isLast)),
  };
}

function sameShape(a: MapShape, b: MapShape): boolean {
  return a.type === b.type && a.keySize === b.keySize && a.valueSize === b.valueSize &&
    a.maxEntries === b.maxEntries;
}

function sameNote(a: MapNote | undefined, b: MapNote | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function mapCopy(map: string, old?: MapNote, next?: MapNote): MapCopy | undefined {
  if (old === undefined || next === undefined) return undefined;
  return { map, key: pieces(old.key, next.key), value: pieces(old.value, next.value) };
}

/**
 * Fields of the same name. One that grew keeps its number, as integers are little-endian; one that shrank loses its
 * upper part.
 */
export function pieces(old: readonly FieldNote[], next: readonly FieldNote[]): Piece[] {
  return next.flatMap(([name, to, size]) => {
    const former = old.find(([candidate]) => candidate === name);
    return former === undefined ? [] : [{ from: former[1], to, length: Math.min(former[2], size) }];
  });
}
