import { entriesOf } from '../../../lib/evaluation/journal';
import type { DataRecord } from '../../../lib/evaluation/records';
import { jsonlRecords, jsonRecords } from '../../../lib/evaluation/records/json-records';
import { parseLabels } from '../../../lib/vision/labels';
import { attempt, expect } from '../engine/check';
import type { Target } from '../engine/target';
import { mutateJson } from '../mutators/json';

const limit = 100;

/** Rows of a data set, as JSON and as JSONL, with every way of reading a field of them. */
export const records: Target = {
  name: 'records',
  seeds: () =>
    [
      '{"text":"a b","label":1,"endings":["x","y"]}\n{"text":"c","label":"0","inner":{"text":"d"}}\n\n',
      '[{"text":"a","label":2,"tokens":[1,2]},{"text":"","label":null}]',
    ].map((text) => Buffer.from(text)),
  mutators: [mutateJson],
  run(input) {
    for (const read of [jsonRecords, jsonlRecords]) {
      const rows = attempt(['ERR_ARGUMENT'], () => read('file', input, limit));
      expect((rows?.length ?? 0) <= limit, `at most ${limit} rows`);
      for (const row of rows ?? []) for (const use of uses) attempt(['ERR_ARGUMENT'], () => use(row));
    }
  },
};

const uses: ((row: DataRecord) => unknown)[] = [
  (row) => row.filled('text'),
  (row) => row.index('label', 4),
  (row) => row.texts('endings'),
  (row) => row.textOrNumbers('tokens'),
  (row) => row.inner('inner').text('text'),
  (row) => row.text('__proto__'),
];

/** Names of classes, and the journal of a run: the other text files that an evaluation reads. */
export const textFiles: Target = {
  name: 'text-files',
  seeds: () =>
    [
      'n01440764 tench\nn01443537\tgoldfish\nshark\n',
      '["tench","goldfish","shark"]',
      '{"0":"tench","2":"shark","1":"goldfish"}',
      '{"task":"lambada","samples":2}\n{"first":0,"last":1,"reduction":0,"flops":1,"denseFlops":1,"values":{"acc":[1]}}\n',
    ].map((text) => Buffer.from(text)),
  mutators: [mutateJson],
  run(input) {
    const text = input.toString('utf8');
    const labels = attempt(['ERR_ARGUMENT'], () => parseLabels(text, 'labels', 3));
    if (labels)
      expect(labels.length === 3 && labels.every((label) => typeof label === 'string'), 'three labels');
    attempt(['ERR_ARGUMENT'], () => entriesOf('journal', text, { task: 'lambada', samples: 2 }));
  },
};
