// SPDX-License-Identifier: Apache-2.0

/** A value for each key, computed when it is first asked for. */
export type Memo<V> = (key: string) => V;

/** Remembers what compute answered for each key. */
export function memo<V>(compute: (key: string) => V): Memo<V> {
  const values = new Map<string, V>();
  return (key) => {
    if (values.has(key)) return values.get(key) as V;
    const value = compute(key);
    values.set(key, value);
    return value;
  };
}
