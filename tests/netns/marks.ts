// SPDX-License-Identifier: Apache-2.0

/** Files by which a test tells shell scripts to go on. */
export class Marks implements AsyncDisposable {
  private constructor(private readonly folder: string) {}

  static async create(): Promise<Marks> {
    return new Marks(await Deno.makeTempDir({ prefix: "blixt-marks-" }));
  }

  /** A command of sh that ends once the mark is set, or nobody can set it any more. */
  wait(name: string): string {
    return `while test -d ${this.folder} && ! test -e ${this.folder}/${name}; do sleep 0.05; done`;
  }

  async set(name: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/${name}`, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
