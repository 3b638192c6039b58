const light = {
  back: '#ffffff',
  border: '#d1d9e0',
  text: '#1f2328',
  muted: '#59636e',
  token: '#ddf4ff',
  edge: '#54aeff',
  gone: '#cf222e',
  band: '#eff2f5',
  none: '#bc4c00',
  next: '#0969da',
  previous: '#1a7f37',
};
const dark = {
  back: '#0d1117',
  border: '#3d444d',
  text: '#f0f6fc',
  muted: '#9198a1',
  token: '#12325c',
  edge: '#388bfd',
  gone: '#ff7b72',
  band: '#1c2128',
  none: '#f0883e',
  next: '#58a6ff',
  previous: '#3fb950',
};

const variables = (palette) =>
  Object.entries(palette)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';');

/** The picture's style sheet. Colours follow what the reader's system prefers. */
export const style = `
svg{${variables(light)}}
@media (prefers-color-scheme:dark){svg{${variables(dark)}}}
text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:var(--text)}
.title{font-weight:600;font-size:14px}
.note,.gap{fill:var(--muted);font-size:11px}
.gap{fill:var(--next);font-size:10px;font-weight:600;text-anchor:middle}
.char{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;text-anchor:middle}
.end{text-anchor:end}
.card{fill:var(--back);stroke:var(--border)}
.kept{fill:var(--token);stroke:var(--edge)}
.removed{fill:none;stroke:var(--gone);stroke-dasharray:2 2}
.char.faded{fill:var(--gone)}
.dot{fill:var(--border)}
.band{fill:var(--band)}
.axis{stroke:var(--border)}
.line{stroke-width:1.8;stroke-linejoin:round}
.residual{stroke-dasharray:4 3}
${['none', 'next', 'previous', 'muted'].map((name) => `.${name}{stroke:var(--${name})}.${name}-fill{fill:var(--${name})}`).join('\n')}
`;
