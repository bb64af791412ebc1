// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { drawPicture } from "./picture.ts";
import type { Figure } from "./summary.ts";

function figure(contender: string, services: number, metric: string, median: number): Figure {
  return { contender, services, metric, median, min: median / 2, max: median };
}

const contenders = [{ name: "blixt", title: "Blixt" }, { name: "haproxy", title: "HAProxy <TCP> & more" }];

function draw(figures: readonly Figure[]): string {
  return drawPicture({ figures, contenders, services: [1, 1_000], note: "a machine" });
}

/** Widths of all bars of a kind. */
function widths(svg: string, kind: string): number[] {
  return [...svg.matchAll(new RegExp(`class="${kind}" x="\\d+" y="\\d+" width="([\\d.]+)"`, "g"))]
    .map(([, width]) => Number(width));
}

Deno.test("drawPicture() has a bar for each contender and number of services, as long as its figure", () => {
  const svg = draw([
    figure("blixt", 1, "throughput1", 40),
    figure("blixt", 1_000, "throughput1", 20),
    figure("haproxy", 1, "throughput1", 10),
    figure("haproxy", 1_000, "throughput1", 10),
  ]);
  assertEquals(widths(svg, "ours"), [150, 75]);
  assertEquals(widths(svg, "theirs"), [37.5, 37.5]);
  assert(svg.includes("TCP throughput, 1 stream") && !svg.includes("TCP throughput, 8 streams"));
});

Deno.test("drawPicture() shows a dash for what a contender cannot do", () => {
  const svg = draw([figure("blixt", 1, "datagrams", 400), figure("blixt", 1_000, "datagrams", 400)]);
  assertEquals(widths(svg, "theirs"), []);
  assert(svg.includes(">–</text>"));
});

Deno.test("drawPicture() is whole XML whatever the names are, and follows the reader's colours", () => {
  const svg = draw([figure("blixt", 1, "p50", 10), figure("haproxy", 1, "p50", 20)]);
  assert(svg.includes("HAProxy &lt;TCP&gt; &amp; more"));
  assert(svg.includes("prefers-color-scheme: dark"));
  const open = [...svg.matchAll(/<(svg|g|text|style|title)\b/g)].length;
  assertEquals([...svg.matchAll(/<\/(svg|g|text|style|title)>/g)].length, open);
});
