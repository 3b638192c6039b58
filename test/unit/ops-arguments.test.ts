// What the operators say about arguments that do not fit. Nothing here gets as far as the native engine.
import { ops, ScanPath, SkipscanError, Tensor } from '../../lib';

const t = (...shape: number[]) => Tensor.zeros(shape);
const scan = { u: t(5, 6), delta: t(5, 6), A: t(6, 3), B: t(5, 3), C: t(5, 3) };
const ssd = { x: t(5, 4, 2), dt: t(5, 4), A: t(4), B: t(5, 2, 3), C: t(5, 2, 3) };
const conv = { x: t(5, 6), weight: t(6, 4) };
const conv2d = { x: t(6, 4), weight: t(3, 3, 4), grid: [2, 3] as const };
const image = t(1, 3, 8, 6);
const disposed = t(5, 6);
disposed.dispose();

const cases: Record<string, [what: string, call: () => Promise<unknown>, message: string, code?: string][]> =
  {
    selectiveScan: [
      [
        'a missing argument',
        () => ops.selectiveScan({ ...scan, A: undefined as never }),
        'Expected a Tensor for A of ops.selectiveScan but received undefined.',
      ],
      [
        'a typed array',
        () => ops.selectiveScan({ ...scan, u: new Float32Array(30) as never }),
        'Expected a Tensor for u of ops.selectiveScan but received Float32Array(120 bytes).',
      ],
      [
        'no object',
        () => ops.selectiveScan(undefined as never),
        'Expected an object for ops.selectiveScan but received undefined.',
      ],
      [
        'an argument it does not have',
        () => ops.selectiveScan({ ...scan, dt_bias: t(6) } as never),
        'Expected arguments among u, delta, A, B, C, D, z, sumIn, outputScale, dtBias, path, alignment, skippedDt, state, softplus, importance for ops.selectiveScan but received "dt_bias".',
      ],
      [
        'a vector as input',
        () => ops.selectiveScan({ ...scan, u: t(30) }),
        'Expected a tensor of shape [T, E] or [batch, length, E] for u of ops.selectiveScan but received one of shape [30].',
      ],
      [
        'an input of four dimensions',
        () => ops.selectiveScan({ ...scan, u: t(1, 5, 6, 1) }),
        'for u of ops.selectiveScan but received one of shape [1, 5, 6, 1].',
      ],
      [
        'other rows than the input',
        () => ops.selectiveScan({ ...scan, delta: t(4, 6) }),
        'Expected a tensor of shape [T = 5, E = 6] for delta of ops.selectiveScan but received one of shape [4, 6].',
      ],
      [
        'a batch beside packed rows',
        () => ops.selectiveScan({ ...scan, delta: t(1, 5, 6) }),
        'Expected a tensor of shape [T = 5, E = 6] for delta of ops.selectiveScan but received one of shape [1, 5, 6].',
      ],
      [
        'other rows than the batch',
        () =>
          ops.selectiveScan({ u: t(2, 5, 6), delta: t(2, 5, 6), A: t(6, 3), B: t(2, 4, 3), C: t(2, 5, 3) }),
        'Expected a tensor of shape [batch = 2, length = 5, N = 3] or [batch = 2, length = 5, G, N = 3] for B of ops.selectiveScan but received one of shape [2, 4, 3].',
      ],
      [
        'another number of states',
        () => ops.selectiveScan({ ...scan, C: t(5, 4) }),
        'Expected a tensor of shape [T = 5, N = 3] or [T = 5, G = 1, N = 3] for C of ops.selectiveScan but received one of shape [5, 4].',
      ],
      [
        'another number of groups',
        () => ops.selectiveScan({ ...scan, C: t(5, 2, 3) }),
        'for C of ops.selectiveScan but received one of shape [5, 2, 3].',
      ],
      [
        'groups that do not divide the channels',
        () => ops.selectiveScan({ ...scan, B: t(5, 4, 3), C: t(5, 4, 3) }),
        'Expected a divisor of E = 6 for the groups of B of ops.selectiveScan but received 4.',
      ],
      [
        'an integer tensor',
        () => ops.selectiveScan({ ...scan, D: Tensor.zeros([6], { dtype: 'i32' }) }),
        'Expected a tensor of dtype f32, bf16 or f16 for D of ops.selectiveScan but received one of dtype i32.',
      ],
      [
        'a state in half precision',
        () => ops.selectiveScan({ ...scan, state: Tensor.zeros([1, 6, 3], { dtype: 'bf16' }) }),
        'Expected a tensor of dtype f32 for state of ops.selectiveScan but received one of dtype bf16.',
      ],
      [
        'a state of another batch',
        () => ops.selectiveScan({ ...scan, state: t(2, 6, 3) }),
        'Expected a tensor of shape [1, E = 6, N = 3] for state of ops.selectiveScan but received one of shape [2, 6, 3].',
      ],
      [
        'a disposed tensor',
        () => ops.selectiveScan({ ...scan, z: disposed }),
        'The tensor for z of ops.selectiveScan was disposed. Make a new one.',
        'ERR_DISPOSED',
      ],
      [
        'a path over other rows',
        () => ops.selectiveScan({ ...scan, path: ScanPath.full(6) }),
        'Expected a path over the 5 rows of the tensors for path of ops.selectiveScan but received one over 6 rows.',
      ],
      [
        'a path that is none',
        () => ops.selectiveScan({ ...scan, path: [0, 1] as never }),
        'Expected a ScanPath for path of ops.selectiveScan but received an array of 2.',
      ],
      [
        'an unknown alignment',
        () => ops.selectiveScan({ ...scan, alignment: 'nearest' as never }),
        `Expected one of 'none', 'next', 'previous', 'own' for alignment of ops.selectiveScan but received "nearest".`,
      ],
      [
        "alignment 'own' without the skipped dt",
        () => ops.selectiveScan({ ...scan, alignment: 'own' }),
        "Expected skippedDt together with alignment 'own' and only then, but received alignment 'own' without it.",
      ],
      [
        'the skipped dt without alignment',
        () => ops.selectiveScan({ ...scan, skippedDt: t(5, 6) }),
        "but received alignment 'next' with it.",
      ],
      [
        'the skipped dt of rows, not of steps',
        () =>
          ops.selectiveScan({
            ...scan,
            path: ScanPath.full(5).subset([1, 3]),
            alignment: 'own',
            skippedDt: t(5, 6),
          }),
        'Expected a tensor of shape [2, E = 6] for skippedDt of ops.selectiveScan but received one of shape [5, 6].',
      ],
      [
        'an earlier sum of other rows',
        () => ops.selectiveScan({ ...scan, sumIn: t(4, 6) }),
        'Expected a tensor of shape [T = 5, E = 6] for sumIn of ops.selectiveScan but received one of shape [4, 6].',
      ],
      [
        'a factor of 0',
        () => ops.selectiveScan({ ...scan, outputScale: 0 }),
        'Expected a number above 0 for outputScale of ops.selectiveScan but received 0.',
      ],
      [
        'a flag that is none',
        () => ops.selectiveScan({ ...scan, softplus: 1 as never }),
        'Expected true or false for softplus of ops.selectiveScan but received 1.',
      ],
    ],
    ssdScan: [
      [
        'heads that are not there',
        () => ops.ssdScan({ ...ssd, dt: t(5, 8) }),
        'Expected a tensor of shape [T = 5, H = 4] for dt of ops.ssdScan but received one of shape [5, 8].',
      ],
      [
        'channels without heads',
        () => ops.ssdScan({ ...ssd, x: t(5, 8) }),
        'Expected a tensor of shape [T, H, P] or [batch, length, H, P] for x of ops.ssdScan but received one of shape [5, 8].',
      ],
      [
        'one A for each channel',
        () => ops.ssdScan({ ...ssd, A: t(4, 2) }),
        'Expected a tensor of shape [H = 4] for A of ops.ssdScan but received one of shape [4, 2].',
      ],
      [
        'a skip connection of another width',
        () => ops.ssdScan({ ...ssd, D: t(4, 3) }),
        'Expected a tensor of shape [H = 4, P = 2] for D of ops.ssdScan but received one of shape [4, 3].',
      ],
      [
        'groups that do not divide the heads',
        () => ops.ssdScan({ ...ssd, B: t(5, 3, 3), C: t(5, 3, 3) }),
        'Expected a divisor of H = 4 for the groups of B of ops.ssdScan but received 3.',
      ],
      [
        'a state of Mamba-1',
        () => ops.ssdScan({ ...ssd, state: t(1, 8, 3) }),
        'Expected a tensor of shape [1, H = 4, P = 2, N = 3] for state of ops.ssdScan but received one of shape [1, 8, 3].',
      ],
      [
        'a range of dt the wrong way round',
        () => ops.ssdScan({ ...ssd, dtLimit: [1, 0.1] }),
        'Expected [min, max] with 0 <= min <= max for dtLimit of ops.ssdScan but received [1,0.1].',
      ],
      [
        'a range of dt that is a number',
        () => ops.ssdScan({ ...ssd, dtLimit: 1 as never }),
        'Expected [min, max] with 0 <= min <= max for dtLimit of ops.ssdScan but received [1].',
      ],
    ],
    causalConv: [
      [
        'a weight with the taps first',
        () => ops.causalConv({ ...conv, weight: t(4, 6) }),
        'Expected a tensor of shape [C = 6, W] for weight of ops.causalConv but received one of shape [4, 6].',
      ],
      [
        'a convolution that mixes channels',
        () => ops.causalConv({ ...conv, weight: t(6, 6, 4) }),
        'Expected a tensor of shape [C = 6, 1, W] for weight of ops.causalConv but received one of shape [6, 6, 4].',
      ],
      [
        'a weight that is too wide',
        () => ops.causalConv({ ...conv, weight: t(6, 17) }),
        'Expected a width of 1 to 16 for weight of ops.causalConv but received 17.',
        'ERR_UNSUPPORTED',
      ],
      [
        'a bias of another width',
        () => ops.causalConv({ ...conv, bias: t(5) }),
        'Expected a tensor of shape [C = 6] for bias of ops.causalConv but received one of shape [5].',
      ],
      [
        'a state of another width',
        () => ops.causalConv({ ...conv, state: t(1, 5, 6) }),
        'Expected a tensor of shape [1, W = 4, C = 6] for state of ops.causalConv but received one of shape [1, 5, 6].',
      ],
      [
        'an unknown mode',
        () => ops.causalConv({ ...conv, mode: 'same' as never }),
        `Expected one of 'compact', 'aligned' for mode of ops.causalConv but received "same".`,
      ],
      [
        'an unknown activation',
        () => ops.causalConv({ ...conv, activation: 'relu' as never }),
        `Expected one of 'silu', 'none' for activation of ops.causalConv but received "relu".`,
      ],
    ],
    norms: [
      [
        'a residual of other rows',
        () => ops.rmsNorm({ x: t(5, 6), weight: t(6), residual: t(4, 6) }),
        'Expected a tensor of shape [T = 5, D = 6] for residual of ops.rmsNorm but received one of shape [4, 6].',
      ],
      [
        'an eps of 0',
        () => ops.rmsNorm({ x: t(5, 6), weight: t(6), eps: 0 }),
        'Expected a number above 0 for eps of ops.rmsNorm but received 0.',
      ],
      [
        'an eps that is no number',
        () => ops.rmsNorm({ x: t(5, 6), weight: t(6), eps: Number.NaN }),
        'Expected a number above 0 for eps of ops.rmsNorm but received NaN.',
      ],
      [
        'groups that do not divide the channels',
        () => ops.gatedRmsNorm({ x: t(5, 6), z: t(5, 6), weight: t(6), groupSize: 4 }),
        'Expected a divisor of D = 6 for groupSize of ops.gatedRmsNorm but received 4.',
      ],
      [
        'a gate of another width',
        () => ops.gatedRmsNorm({ x: t(5, 6), z: t(5, 5), weight: t(6) }),
        'Expected a tensor of shape [T = 5, D = 6] for z of ops.gatedRmsNorm but received one of shape [5, 5].',
      ],
      [
        'a layer norm without a bias',
        () => ops.layerNorm({ x: t(5, 6), weight: t(6) } as never),
        'Expected a Tensor for bias of ops.layerNorm but received undefined.',
      ],
      [
        'a bias of another width',
        () => ops.layerNorm({ x: t(5, 6), weight: t(6), bias: t(5) }),
        'Expected a tensor of shape [D = 6] for bias of ops.layerNorm but received one of shape [5].',
      ],
    ],
    rows: [
      [
        'offsets that end before the rows',
        () => ops.meanRows({ x: t(5, 6), offsets: [0, 2, 4] }),
        'Expected ascending offsets from 0 to 5, the number of rows, for offsets of ops.meanRows but received [0, 2, 4].',
      ],
      [
        'offsets that descend',
        () => ops.meanRows({ x: t(5, 6), offsets: [0, 3, 2, 5] }),
        'for offsets of ops.meanRows but received [0, 3, 2, 5].',
      ],
      [
        'a table of another width',
        () => ops.addRows({ x: t(5, 6), table: t(4, 5), ids: Tensor.zeros([5], { dtype: 'i32' }) }),
        'Expected a tensor of shape [V, D = 6] for table of ops.addRows but received one of shape [4, 5].',
      ],
      [
        'ids of other rows',
        () => ops.addRows({ x: t(5, 6), table: t(4, 6), ids: Tensor.zeros([4], { dtype: 'i32' }) }),
        'Expected a tensor of shape [5] for ids of ops.addRows but received one of shape [4].',
      ],
      [
        'an id beyond the table to add',
        () => ops.addRows({ x: t(1, 6), table: t(4, 6), ids: Tensor.from(Int32Array.of(4), [1]) }),
        'Expected ids from 0 to 3 for ids of ops.addRows but received 4 at index 0.',
      ],
    ],
    tokenLogprobs: [
      [
        'tokens of other rows',
        () => ops.tokenLogprobs({ logits: t(5, 6), tokens: Tensor.zeros([4], { dtype: 'i32' }) }),
        'Expected a tensor of shape [5] for tokens of ops.tokenLogprobs but received one of shape [4].',
      ],
      [
        'tokens that are no i32',
        () => ops.tokenLogprobs({ logits: t(5, 6), tokens: t(5) }),
        'Expected a tensor of dtype i32 for tokens of ops.tokenLogprobs but received one of dtype f32.',
      ],
      [
        'a token beyond the vocabulary',
        () =>
          ops.tokenLogprobs({
            logits: t(1, 6),
            tokens: Tensor.from(Int32Array.of(6), [1], { dtype: 'i32' }),
          }),
        'Expected ids from 0 to 5 for tokens of ops.tokenLogprobs but received 6 at index 0.',
      ],
    ],
    depthwiseConv2d: [
      [
        'a weight with the channels first',
        () => ops.depthwiseConv2d({ ...conv2d, weight: t(4, 3, 3) }),
        'Expected a tensor of shape [K, K, C = 4] for weight of ops.depthwiseConv2d but received one of shape [4, 3, 3].',
      ],
      [
        'a window without a middle',
        () => ops.depthwiseConv2d({ ...conv2d, weight: t(2, 2, 4) }),
        'Expected an odd K of 1 to 15 for weight of ops.depthwiseConv2d but received 2.',
        'ERR_UNSUPPORTED',
      ],
      [
        'a window that is too large',
        () => ops.depthwiseConv2d({ ...conv2d, weight: t(17, 17, 4) }),
        'but received 17.',
        'ERR_UNSUPPORTED',
      ],
      [
        'no grid',
        () => ops.depthwiseConv2d({ ...conv2d, grid: undefined as never }),
        'Expected [height, width], two whole numbers above 0, for grid of ops.depthwiseConv2d but received undefined.',
      ],
      [
        'a grid without places',
        () => ops.depthwiseConv2d({ ...conv2d, grid: [0, 6] }),
        'above 0, for grid of ops.depthwiseConv2d but received [0, 6].',
      ],
      [
        'a grid of more places than rows',
        () => ops.depthwiseConv2d({ ...conv2d, grid: [2, 4] }),
        'Expected as many places as sequence 0 has rows, which are 6, or positions of these rows, for grid of ops.depthwiseConv2d but received 2 x 4.',
      ],
      [
        'sequences of which one does not fill the grid',
        () => ops.depthwiseConv2d({ ...conv2d, grid: [1, 4], offsets: [0, 4, 6] }),
        'Expected as many places as sequence 1 has rows, which are 2,',
      ],
      [
        'too few positions',
        () => ops.depthwiseConv2d({ ...conv2d, positions: [0, 1] }),
        'Expected 6 numbers, one for each row, for positions of ops.depthwiseConv2d but received 2.',
      ],
      [
        'a position beyond the grid',
        () => ops.depthwiseConv2d({ ...conv2d, positions: [0, 1, 2, 3, 4, 6] }),
        'Expected whole numbers from 0 to 5 that rise within a sequence for positions of ops.depthwiseConv2d but received 6 at index 5.',
      ],
      [
        'two rows at one place',
        () => ops.depthwiseConv2d({ ...conv2d, grid: [3, 3], positions: [0, 1, 2, 2, 4, 6] }),
        'for positions of ops.depthwiseConv2d but received 2 at index 3.',
      ],
      [
        'a second branch of other rows',
        () => ops.depthwiseConv2d({ ...conv2d, added: t(5, 4) }),
        'Expected a tensor of shape [T = 6, C = 4] for added of ops.depthwiseConv2d but received one of shape [5, 4].',
      ],
      [
        'an activation it does not have',
        () => ops.depthwiseConv2d({ ...conv2d, activation: 'relu' as never }),
        `Expected one of 'none', 'silu', 'gelu' for activation of ops.depthwiseConv2d but received "relu".`,
      ],
    ],
    imagePatches: [
      [
        'an image that is no batch',
        () => ops.imagePatches({ x: t(3, 8, 6), kernel: 2 }),
        'Expected a tensor of shape [batch, C, H, W] for x of ops.imagePatches but received one of shape [3, 8, 6].',
      ],
      [
        'no kernel',
        () => ops.imagePatches({ x: image } as never),
        'Expected a whole number above 0 for kernel of ops.imagePatches but received undefined.',
      ],
      [
        'a stride of 0',
        () => ops.imagePatches({ x: image, kernel: 2, stride: 0 }),
        'Expected a whole number above 0 for stride of ops.imagePatches but received 0.',
      ],
      [
        'a padding below 0',
        () => ops.imagePatches({ x: image, kernel: 2, padding: -1 }),
        'Expected a whole number of at least 0 for padding of ops.imagePatches but received -1.',
      ],
      [
        'a window larger than the image',
        () => ops.imagePatches({ x: image, kernel: 9, padding: 1 }),
        'Expected at most 8, the shorter side of the padded image, for kernel of ops.imagePatches but received 9.',
      ],
      [
        'channels that are neither first nor last',
        () => ops.imagePatches({ x: image, kernel: 2, channels: 'middle' as never }),
        `Expected one of 'first', 'last' for channels of ops.imagePatches but received "middle".`,
      ],
      [
        'a grid of half windows',
        () => ops.imagePatches({ x: image, kernel: 2, grid: [2, 1.5] }),
        'Expected [height, width], two whole numbers above 0, for grid of ops.imagePatches but received [2, 1.5].',
      ],
    ],
    importance: [
      [
        'a metric without its object',
        () => ops.selectiveScan({ ...scan, importance: 'clip' as never }),
        'Expected an object for importance of ops.selectiveScan but received "clip".',
      ],
      [
        'no metric',
        () => ops.ssdScan({ ...ssd, importance: {} as never }),
        `Expected one of 'clip', 'l1', 'l2', 'sum', 'delta', 'state' for importance.metric of ops.ssdScan but received undefined.`,
      ],
      [
        'a metric that compares tokens',
        () => ops.selectiveScan({ ...scan, importance: { metric: 'novel' as never } }),
        `'state' for importance.metric of ops.selectiveScan but received "novel".`,
      ],
      [
        'a source that a scan does not have',
        () => ops.ssdScan({ ...ssd, importance: { metric: 'l1', source: 'block' as never } }),
        `Expected one of 'gated', 'ssm' for importance.source of ops.ssdScan but received "block".`,
      ],
      [
        'a field it does not have',
        () => ops.selectiveScan({ ...scan, importance: { metric: 'l1', norm: 2 } as never }),
        'Expected fields among metric, source for importance of ops.selectiveScan but received "norm".',
      ],
      [
        'a metric that a norm does not have',
        () =>
          ops.gatedRmsNorm({
            x: t(5, 6),
            z: t(5, 6),
            weight: t(6),
            importance: { metric: 'delta' as never },
          }),
        `Expected one of 'clip', 'l1', 'l2', 'sum' for importance.metric of ops.gatedRmsNorm but received "delta".`,
      ],
      [
        'the source of a norm',
        () =>
          ops.gatedRmsNorm({
            x: t(5, 6),
            z: t(5, 6),
            weight: t(6),
            importance: { metric: 'l1', source: 'gated' } as never,
          }),
        'Expected fields among metric for importance of ops.gatedRmsNorm but received "source".',
      ],
    ],
    products: [
      [
        'a weight with the inputs first',
        () => ops.linear({ x: t(5, 6), weight: t(6, 8) }),
        'Expected a tensor of shape [O, I = 6] for weight of ops.linear but received one of shape [6, 8].',
      ],
      [
        'a bias of another width',
        () => ops.linear({ x: t(5, 6), weight: t(8, 6), bias: t(6) }),
        'Expected a tensor of shape [O = 8] for bias of ops.linear but received one of shape [6].',
      ],
      [
        'ids that are no integers',
        () => ops.embedding({ ids: t(3), table: t(8, 6) }),
        'Expected a tensor of dtype i32 for ids of ops.embedding but received one of dtype f32.',
      ],
      [
        'an id beyond the table',
        () => ops.embedding({ ids: Tensor.from(Int32Array.of(0, 8, 1), [3]), table: t(8, 6) }),
        'Expected ids from 0 to 7 for ids of ops.embedding but received 8 at index 1.',
      ],
      [
        'a negative id',
        () => ops.embedding({ ids: Tensor.from(Int32Array.of(-1), [1]), table: t(8, 6) }),
        'Expected ids from 0 to 7 for ids of ops.embedding but received -1 at index 0.',
      ],
      [
        'ids of three dimensions',
        () => ops.embedding({ ids: Tensor.from(Int32Array.of(0), [1, 1, 1]), table: t(8, 6) }),
        'Expected a tensor of shape [T] or [batch, length] for ids of ops.embedding but received one of shape [1, 1, 1].',
      ],
    ],
  };

describe.each(Object.entries(cases))('%s refuses', (_op, table) => {
  test.each(table)('%s', async (_what, call, message, code = 'ERR_ARGUMENT') => {
    const error = await call().then(
      () => new Error('expected a rejection'),
      (reason: unknown) => reason as SkipscanError,
    );
    expect(error).toBeInstanceOf(SkipscanError);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(message);
  });
});
