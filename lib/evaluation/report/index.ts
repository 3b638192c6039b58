export { markdownTable, reportMarkdown } from './markdown';
export { taskPlots } from './plots';
export { publishedTables } from './published-tables';
export type { Cell, Report, ReportedModel, TaskReport } from './report';
export { journalsOf, runSweep, type SweepOptions, type SweptTask } from './run-sweep';
export type { Axis, AxisValue, Sweep, SweptPolicy } from './sweep';
export { metricTables, type Table } from './tables';
