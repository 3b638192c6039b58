/** A line with a marker at each point; `dashed` ones are for comparison and have none. */
export type Series = { name: string; points: readonly (readonly [x: number, y: number])[]; dashed?: boolean };

export type Panel = {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Points at or below 0 are left out of a `log` panel. Defaults to `linear`, which starts from 0. */
  yScale?: 'linear' | 'log';
  series: readonly Series[];
};

const width = 440;
const plot = { left: 64, top: 36, width: 356, height: 240 };
const legend = { top: 330, row: 20, column: 146 };

/** Of middle lightness, so that they stand out from white as from near-black: at least 3 : 1, text more. */
export const colours = [
  '#2f81c9',
  '#d2691e',
  '#2e9461',
  '#c2508f',
  '#8d6cd9',
  '#a88416',
  '#d9485f',
  '#3d919c',
  '#9a6b4f',
];
export const textColour = '#727982';

const style = `text{font:12px system-ui,sans-serif;fill:${textColour}}.title{font-weight:600}
path,line{fill:none;stroke-width:1.5}.dashed{stroke:${textColour};stroke-dasharray:5 4}
.grid{stroke:${textColour};stroke-opacity:.3;stroke-width:1}`;

/**
 * Panels side by side as an SVG document, with one legend: series of one name look the same in all panels. The background is
 * transparent and suits light and dark pages.
 */
export function linePlots(panels: readonly Panel[]): string {
  const names = [
    ...new Map(panels.flatMap(({ series }) => series).map((line) => [line.name, line])).values(),
  ];
  const looks = new Map<string, Look>();
  for (const { name, dashed } of names) looks.set(name, dashed ? dashedLook : solidLook(looks.size));
  const total = width * panels.length;
  const columns = Math.floor(total / legend.column);
  const height = legend.top + legend.row * Math.ceil(names.length / columns);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${height}" role="img">`,
    `<title>${xml(panels.map(({ title }) => title).join('; '))}</title>`,
    `<style>${style}</style>`,
    ...panels.map(
      (panel, i) => `<g transform="translate(${i * width} 0)">\n${drawPanel(panel, looks)}\n</g>`,
    ),
    ...names.map(({ name }, i) =>
      drawKey(
        name,
        looks.get(name)!,
        16 + (i % columns) * legend.column,
        legend.top + Math.floor(i / columns) * legend.row,
      ),
    ),
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel({ title, xLabel, yLabel, yScale, series }: Panel, looks: Map<string, Look>): string {
  const shown = series.map((line) => ({
    ...line,
    points: line.points.filter(([, y]) => yScale !== 'log' || y > 0).sort(([a], [b]) => a - b),
  }));
  const points = shown.flatMap((line) => line.points);
  const x = linearAxis(points.map(([value]) => value));
  const y = (yScale === 'log' ? logAxis : linearAxis)(points.map(([, value]) => value));
  const toX = (value: number) => round(plot.left + plot.width * x.place(value));
  const toY = (value: number) => round(plot.top + plot.height * (1 - y.place(value)));
  const bottom = plot.top + plot.height;
  const right = plot.left + plot.width;
  const middle = plot.top + plot.height / 2;
  return [
    `<text class="title" x="${plot.left}" y="20">${xml(title)}</text>`,
    ...y.ticks.flatMap((tick) => [
      `<line class="grid" x1="${plot.left}" y1="${toY(tick)}" x2="${right}" y2="${toY(tick)}"/>`,
      `<text x="${plot.left - 8}" y="${toY(tick) + 4}" text-anchor="end">${tickText(tick)}</text>`,
    ]),
    ...x.ticks.flatMap((tick) => [
      `<line class="grid" x1="${toX(tick)}" y1="${bottom}" x2="${toX(tick)}" y2="${bottom + 5}"/>`,
      `<text x="${toX(tick)}" y="${bottom + 20}" text-anchor="middle">${tickText(tick)}</text>`,
    ]),
    `<text x="${plot.left + plot.width / 2}" y="${bottom + 40}" text-anchor="middle">${xml(xLabel)}</text>`,
    `<text transform="translate(14 ${middle}) rotate(-90)" text-anchor="middle">${xml(yLabel)}</text>`,
    ...shown
      .filter((line) => line.points.length > 0)
      .map(({ name, points }) =>
        drawLine(
          points.map(([px, py]) => [toX(px), toY(py)]),
          looks.get(name)!,
        ),
      ),
  ].join('\n');
}

// ---- axes

type Axis = { ticks: number[] /** Where a value lies, from 0 to 1. */; place(value: number): number };

/** From 0 to a tick at or above the largest value. */
function linearAxis(values: readonly number[]): Axis {
  const largest = Math.max(...values, 0) || 1;
  const power = 10 ** Math.floor(Math.log10(largest / 5));
  const step = [1, 2, 5, 10]
    .map((factor) => factor * power)
    .find((size) => size * 5 >= largest * (1 - 1e-9))!;
  const count = Math.ceil(largest / step - 1e-9);
  const end = count * step;
  return {
    ticks: Array.from({ length: count + 1 }, (_, i) => i * step),
    place: (value) => value / end,
  };
}

/** Powers of ten around all values, all positive. */
function logAxis(values: readonly number[]): Axis {
  const logs = values.length > 0 ? values.map(Math.log10) : [0];
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(Math.ceil(Math.max(...logs)), low + 1);
  const every = Math.ceil((high - low) / 8);
  const count = Math.floor((high - low) / every) + 1;
  return {
    ticks: Array.from({ length: count }, (_, i) => 10 ** (low + i * every)),
    place: (value) => (Math.log10(value) - low) / (high - low),
  };
}

function tickText(tick: number): string {
  return String(Number(tick.toPrecision(6))); // 0.30000000000000004 is 0.3
}

// ---- lines and markers

type Look = { stroke: string; fill: string; marker?: (x: number, y: number) => string };
type Points = readonly (readonly [number, number])[];

const markers = [
  (x: number, y: number) => `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z`,
  (x: number, y: number) => `M${x - 3.5} ${y - 3.5}h7v7h-7Z`,
  (x: number, y: number) => `M${x} ${y - 4.5}l4.5 8h-9Z`,
  (x: number, y: number) => `M${x} ${y - 5}l5 5l-5 5l-5 -5Z`,
];

const dashedLook: Look = { stroke: 'class="dashed"', fill: '' };

function solidLook(i: number): Look {
  const colour = colours[i % colours.length];
  return {
    stroke: `style="stroke:${colour}"`,
    fill: `style="fill:${colour}"`,
    marker: markers[i % markers.length],
  };
}

function drawLine(points: Points, { stroke, fill, marker }: Look): string {
  const line = `<path ${stroke} d="M${points.map(([x, y]) => `${x} ${y}`).join('L')}"/>`;
  return marker ? `${line}\n<path ${fill} d="${points.map(([x, y]) => marker(x, y)).join('')}"/>` : line;
}

/** The legend's entry for a name. */
function drawKey(name: string, look: Look, x: number, y: number): string {
  const line: Points = look.marker
    ? [[x + 12, y]]
    : [
        [x, y],
        [x + 24, y],
      ];
  return `${drawLine(line, look)}\n<text x="${x + 30}" y="${y + 4}">${xml(name)}</text>`;
}

const round = (value: number) => Math.round(value * 100) / 100;

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
