// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { parseLastStage } from "./containerfile.ts";

Deno.test("parseLastStage() reads the last stage alone, lines joined and comments left out", () => {
  const text = `# a comment
FROM rust AS build
RUN cargo build
COPY . .

FROM scratch
LABEL a=1 b=two
COPY --from=build /out/a /out/b /bin/
# between
env PATH=/bin:/x=y
USER 65532:65532
ENTRYPOINT ["/bin/a", \\
  "--quiet"]
`;
  assertEquals(parseLastStage(text), {
    base: "scratch",
    copies: [{ stage: "build", sources: ["/out/a", "/out/b"], destination: "/bin/" }],
    env: { PATH: "/bin:/x=y" },
    labels: { a: "1", b: "two" },
    user: "65532:65532",
    entrypoint: ["/bin/a", "--quiet"],
  });
});

Deno.test("parseLastStage() refuses what it would have to run or guess", () => {
  for (
    const [line, words] of [
      ["RUN true", "RUN true, which cannot be followed"],
      ["WORKDIR /x", "WORKDIR"],
      ["COPY a /a", "does not name a stage"],
      ["COPY --from=x /a", "does not name a stage"],
      ["ENV NAME value", "NAME is no name=value"],
      ['LABEL name="two words"', "no name=value"],
      ["ENTRYPOINT /bin/a", "JSON"],
    ] as const
  ) assertThrows(() => parseLastStage(`FROM scratch\n${line}\n`), SyntaxError, words);
  assertThrows(() => parseLastStage("RUN true\n"), SyntaxError, "needs a FROM");
});
