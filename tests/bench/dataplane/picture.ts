// SPDX-License-Identifier: Apache-2.0

import { type Metric, METRICS } from "./metric.ts";
import { threeDigits } from "./spread.ts";
import type { Figure } from "./summary.ts";
import type { RowName } from "./table.ts";

/** Sizes in pixels. */
const PANEL = { width: 320, label: 96, bars: 150, head: 40, foot: 14 } as const;
const BAR = { height: 5, gap: 6 } as const;
const COLUMNS = 3;

const HEAD = 34;
const FOOT = 24;

/** Mid-tones that can be read on white and on black alike; where the reader's choice is known, text has more contrast. */
const STYLE = `
text { font: 11px system-ui, sans-serif; fill: #6e7781 }
.title { font-weight: 600; font-size: 12px }
.small { font-size: 10px }
.ours { fill: #d9580d } .theirs { fill: #6f87a6 }
.spread { stroke: #808890; stroke-width: 1 }
@media (prefers-color-scheme: light) { text { fill: #24292f } .small { fill: #57606a } .spread { stroke: #24292f } }
@media (prefers-color-scheme: dark) { text { fill: #d0d7de } .small { fill: #9aa4af } .spread { stroke: #d0d7de } }
`;

/** What to draw. */
export interface PictureOptions {
  readonly figures: readonly Figure[];
  /** In the order of drawing; the first one stands out. */
  readonly contenders: readonly RowName[];
  readonly services: readonly number[];
  /** A line below, such as the machine. */
  readonly note: string;
}

/** An SVG with a panel for each metric: a bar for each contender and number of services, with its spread as a line. */
export function drawPicture({ figures, contenders, services, note }: PictureOptions): string {
  const metrics = METRICS.filter(({ name }) => figures.some(({ metric }) => metric === name));
  const group = services.length * BAR.height + BAR.gap;
  const height = PANEL.head + contenders.length * group + PANEL.foot;
  const rows = Math.ceil(metrics.length / COLUMNS);
  const size = { width: COLUMNS * PANEL.width, height: HEAD + rows * height + FOOT };
  const panels = metrics.map((metric, index) => {
    const x = index % COLUMNS * PANEL.width;
    const y = HEAD + Math.floor(index / COLUMNS) * height;
    const own = figures.filter((figure) => figure.metric === metric.name);
    return `<g transform="translate(${x} ${y})">${drawPanel(metric, own, contenders, services)}</g>`;
  });
  const counts = services.map((count) => count.toLocaleString("en")).join(", ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img">
<title>Blixt beside routing, netfilter and proxies</title>
<style>${STYLE}</style>
<text x="4" y="18" class="small">${
    escape(`Bars from top to bottom: ${counts} services. Lines: least and greatest of all rounds.`)
  }</text>
${panels.join("\n")}
<text x="4" y="${size.height - 8}" class="small">${escape(note)}</text>
</svg>
`;
}

function drawPanel(
  { description, unit, better }: Metric,
  figures: readonly Figure[],
  contenders: readonly RowName[],
  services: readonly number[],
): string {
  const shown = figures.filter(({ contender }) => contenders.some(({ name }) => name === contender));
  const scale = PANEL.bars / Math.max(...shown.map(({ max }) => max));
  const group = services.length * BAR.height + BAR.gap;
  const lines = contenders.flatMap(({ name, title }, row) => {
    const top = PANEL.head + row * group;
    const middle = top + services.length * BAR.height / 2;
    const own = services.map((count) =>
      shown.find((figure) => figure.contender === name && figure.services === count)
    );
    const bars = own.flatMap((figure, index) =>
      figure === undefined
        ? []
        : drawBar(figure, top + index * BAR.height, scale, row === 0 ? "ours" : "theirs")
    );
    const longest = Math.max(0, ...own.map((figure) => (figure?.max ?? 0) * scale));
    const value = own[0] === undefined ? "–" : threeDigits(own[0].median);
    return [
      text(PANEL.label - 6, middle + 4, title, 'text-anchor="end"'),
      ...bars,
      text(PANEL.label + longest + 4, middle + 4, value, 'class="small"'),
    ];
  });
  return [
    text(4, 14, description, 'class="title"'),
    text(4, 28, `${unit}, ${better} is better`, 'class="small"'),
    ...lines,
  ].join("\n");
}

function drawBar({ median, min, max }: Figure, y: number, scale: number, kind: string): string[] {
  const at = (value: number): string => (PANEL.label + value * scale).toFixed(1);
  const middle = (y + (BAR.height - 1) / 2).toFixed(1);
  return [
    `<rect class="${kind}" x="${PANEL.label}" y="${y}" width="${(median * scale).toFixed(1)}" height="${
      BAR.height - 1
    }"/>`,
    `<line class="spread" x1="${at(min)}" x2="${at(max)}" y1="${middle}" y2="${middle}"/>`,
  ];
}

function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escape(words)}</text>`;
}

function escape(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
