const light = {
  back: '#ffffff',
  border: '#d1d9e0',
  band: '#eff2f5',
  text: '#1f2328',
  muted: '#59636e',
  token: '#ddf4ff',
  edge: '#54aeff',
  gone: '#cf222e',
  none: '#bc4c00',
  next: '#0969da',
  previous: '#1a7f37',
};
const dark = {
  back: '#0d1117',
  border: '#3d444d',
  band: '#1c2128',
  text: '#f0f6fc',
  muted: '#9198a1',
  token: '#12325c',
  edge: '#388bfd',
  gone: '#ff7b72',
  none: '#f0883e',
  next: '#58a6ff',
  previous: '#3fb950',
};

const shapes = `
text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}
.title{font-weight:600;font-size:14px}
.note{font-size:11px}
.gap{font-size:10px;font-weight:600;text-anchor:middle}
.char{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;text-anchor:middle}
.end{text-anchor:end}
.removed{stroke-dasharray:2 2}
.line{stroke-width:1.8;stroke-linejoin:round}
.dashed{stroke-dasharray:4 3}
`;

/** Concrete colours rather than CSS variables, which not every SVG renderer knows. */
const colours = (c) => `
text{fill:${c.text}}
.note{fill:${c.muted}}
.gap{fill:${c.next}}
.card{fill:${c.back};stroke:${c.border}}
.kept{fill:${c.token};stroke:${c.edge}}
.removed{fill:none;stroke:${c.gone}}
.faded{fill:${c.gone}}
.dot{fill:${c.border}}
.band{fill:${c.band}}
.axis{stroke:${c.border}}
${['none', 'next', 'previous', 'muted'].map((name) => `.line-${name}{stroke:${c[name]}}.fill-${name}{fill:${c[name]}}`).join('\n')}
`;

/** The picture's style sheet: light, or dark where the reader's system prefers it. */
export const style = `${shapes}${colours(light)}@media (prefers-color-scheme:dark){${colours(dark)}}`;
