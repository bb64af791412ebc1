// SPDX-License-Identifier: Apache-2.0

/**
 * Takes the lock of a network namespace and writes this process's id into it.
 * The kernel gives it back when the process ends, however it ends. Throws when
 * another process holds it.
 */
export async function takeStartLock(path: string, pid: number = Deno.pid): Promise<Disposable> {
  const file = await Deno.open(path, { create: true, read: true, write: true });
  if (!await file.tryLock(true)) {
    file.close();
    const holder = (await Deno.readTextFile(path)).trim();
    throw new Error(
      `blixt already runs in this network namespace as process ${holder}: stop that one first (kill ${holder})`,
    );
  }
  await file.truncate();
  await file.write(new TextEncoder().encode(`${pid}\n`));
  return { [Symbol.dispose]: () => file.close() };
}

/** The process that holds a lock, or undefined when none does. */
export async function lockHolder(path: string): Promise<number | undefined> {
  const file = await Deno.open(path, { read: true, write: true }).catch(() => undefined);
  if (file === undefined) return undefined;
  using _close = file;
  if (await file.tryLock(true)) return undefined;
  return Number((await Deno.readTextFile(path)).trim());
}
