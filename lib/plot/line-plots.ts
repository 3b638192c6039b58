import { type Axis, fittedAxis, linearAxis, logAxis, tickText } from './axes';

/** A point, and how far its value may be off. */
export type Point = readonly [x: number, y: number, error?: number];

/** A line with a marker at each point; `dashed` ones are for comparison and have none. */
export type Series = { name: string; points: readonly Point[]; dashed?: boolean };

export type Panel = {
  title: string;
  xLabel: string;
  yLabel: string;
  /**
   * `linear`, the default, starts from 0 and is for what is not negative; `fitted` goes from just below the least value to just above
   * the largest. Points at or below 0 are left out of a `log` panel.
   */
  yScale?: 'linear' | 'fitted' | 'log';
  series: readonly Series[];
};

const width = 440;
const height = 330;
const plot = { left: 64, top: 36, width: 356, height: 240 };
const legend = { row: 20, column: 146 };
/** Panels in a row. */
const columns = 3;

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
.grid{stroke:${textColour};stroke-opacity:.3;stroke-width:1}.error{stroke-opacity:.6}`;

/**
 * Panels as an SVG document, three in a row, with one legend: series of one name look the same in all panels. The background is
 * transparent and suits light and dark pages.
 */
export function linePlots(panels: readonly Panel[]): string {
  const names = [
    ...new Map(panels.flatMap(({ series }) => series).map((line) => [line.name, line])).values(),
  ];
  const looks = new Map<string, Look>();
  for (const { name, dashed } of names) looks.set(name, dashed ? dashedLook : solidLook(looks.size));
  const total = width * Math.min(panels.length, columns);
  const top = height * Math.ceil(panels.length / columns);
  const keys = Math.floor(total / legend.column);
  const bottom = top + legend.row * Math.ceil(names.length / keys);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${bottom}" role="img">`,
    `<title>${xml(panels.map(({ title }) => title).join('; '))}</title>`,
    `<style>${style}</style>`,
    ...panels.map((panel, i) => {
      const [x, y] = [(i % columns) * width, Math.floor(i / columns) * height];
      return `<g transform="translate(${x} ${y})">\n${drawPanel(panel, looks)}\n</g>`;
    }),
    ...names.map(({ name }, i) => {
      const [x, y] = [16 + (i % keys) * legend.column, top + Math.floor(i / keys) * legend.row];
      return drawKey(name, looks.get(name)!, x, y);
    }),
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
  const y = axes[yScale ?? 'linear'](points.flatMap(endsOf).filter((value) => yScale !== 'log' || value > 0));
  const toX = (value: number) => round(plot.left + plot.width * x.place(value));
  const toY = (value: number) => round(plot.top + plot.height * (1 - Math.max(y.place(value), 0)));
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
      .map(({ name, points }) => {
        const bars = points.filter(([, , error]) => error);
        const look = looks.get(name)!;
        const drawn = bars.map((point) => errorBar(toX(point[0]), ...endsOf(point).map(toY)));
        return [
          ...(drawn.length > 0 ? [`<path class="error" ${look.stroke} d="${drawn.join('')}"/>`] : []),
          drawLine(
            points.map(([px, py]) => [toX(px), toY(py)]),
            look,
          ),
        ].join('\n');
      }),
  ].join('\n');
}

const axes: Record<NonNullable<Panel['yScale']>, (values: readonly number[]) => Axis> = {
  linear: linearAxis,
  fitted: fittedAxis,
  log: logAxis,
};

/** The value less its error, and plus it. */
function endsOf([, y, error]: Point): number[] {
  return error ? [y - error, y + error] : [y, y]; // of a single sample the error is not a number
}

function errorBar(x: number, ...[low, high]: number[]): string {
  return `M${x - 3} ${low}h6M${x - 3} ${high}h6M${x} ${low}V${high}`;
}

// ---- lines and markers

type Look = { stroke: string; fill: string; marker?: (x: number, y: number) => string };
type Points = readonly (readonly [x: number, y: number])[];

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
