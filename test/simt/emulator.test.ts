import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TemporaryDirectory } from '../helpers/temporary';
import { buildEmulated, runEmulated, type Sanitizer } from './build';

const sources = readdirSync(join(__dirname, 'emulator'))
  .filter((file) => file.endsWith('.cc'))
  .map((file) => join(__dirname, 'emulator', file));

const kernels = [
  'indices',
  'scan_prints_bits',
  'warps',
  'warp_barriers',
  'shared_memory',
  'atomics',
  'last_block',
  'arithmetic',
];

const runtime: [scenario: string, settings: Record<string, string>][] = [
  ['allocations', { SIMT_MEMORY: `${1 << 20}` }],
  ['copies', {}],
  ['work_waits_for_its_stream', {}],
  ['pageable_memory_is_copied_at_once', {}],
  ['eager_work_runs_at_once', { SIMT_QUEUE: 'eager' }],
  ['polling_gets_on', {}],
  ['host_threads_share_the_machine', {}],
  ['graphs', {}],
  ['captures_forbid_waiting', {}],
  ['captures_are_of_a_thread', {}],
  ['launches_that_no_device_can_run', {}],
  ['second_launch_fails', { SIMT_FAIL: 'launch:2' }],
  ['two_devices', { SIMT_DEVICES: '2', SIMT_CAPABILITY: '75' }],
  ['no_device', { SIMT_DEVICES: '0' }],
  ['no_driver', { SIMT_DRIVER: 'none' }],
  ['errors_have_names', {}],
];

type Mistake = [scenario: string, message: RegExp, settings?: Record<string, string>];

// What each build finds that those before it do not, and what it says.
const mistakes: Record<Sanitizer, Mistake[]> = {
  none: [
    ['write_past_the_end', /past the end of an allocation of 100 bytes; found after kernel write_at\(/],
    [
      'write_far_away',
      /illegal address 0x\w+, device memory that is not allocated\n {2}in kernel write_at\(/,
    ],
    ['host_reads_device_memory', /the host has accessed device memory at 0x\w+; copy it/],
    ['kernel_uses_freed_memory', /illegal address 0x\w+, device memory that is not allocated/],
    ['graph_uses_freed_memory', /illegal address 0x\w+, device memory that is not allocated/],
    ['write_past_shared_memory', /past the end of a shared variable of 100 bytes/],
    ['no_dynamic_shared_memory', /illegal address/],
    ['too_much_static_shared_memory', /needs 50000 bytes of shared memory, .* no more than 49152/],
    [
      'thread_leaves_before_a_barrier',
      /at a barrier, but others have left .*mistakes\.cc:\d+ in void some_leave\(\)\n {2}in kernel some_leave\(\), block \(0,0,0\), thread \(16,0,0\)/,
    ],
    [
      'thread_leaves_before_a_barrier',
      /leaves the kernel, but others wait at a barrier: thread \(63,0,0\), .*mistakes\.cc:\d+ .*\n {2}.*block \(0,1,0\), thread \(15,0,0\)/,
      { SIMT_ORDER: 'reverse' },
    ],
    ['barrier_after_threads_have_left', /at a barrier, but others have left/],
    ['different_barriers', /threads of a block are at different barriers/],
    ['deadlock', /deadlock, no thread can run: thread \(0,0,0\), .*; thread \(16,0,0\), which waits at/],
    ['lane_not_in_its_mask', /not in the mask 0x0000ffff of its own warp operation/],
    ['lanes_disagree_on_the_mask', /disagree on the mask: this one says 0x7fffffff, but 0xffffffff says/],
    ['lanes_at_different_shuffles', /lanes of a warp are at different warp operations/],
    ['lane_leaves_while_others_wait', /names lanes that have exited or do not exist, 0x0000ffff/],
    [
      'lane_leaves_while_others_wait',
      /a lane leaves the kernel, but others wait for it/,
      { SIMT_ORDER: 'reverse' },
    ],
    ['mask_names_lanes_that_do_not_exist', /names lanes that have exited or do not exist, 0xffff0000/],
    ['stream_after_its_end', /a stream that does not exist, or no longer/],
    ['graph_after_its_end', /an executable graph that does not exist, or no longer/],
    ['indices', /SIMT_ORDER=backwards, but it must be/, { SIMT_ORDER: 'backwards' }],
    ['indices', /SIMT_MEMORY=8G, but it must be/, { SIMT_MEMORY: '8G' }],
  ],
  'address,undefined': [
    [
      'write_past_the_end',
      /heap-buffer-overflow .*\n(.*\n)*.*SIMT: in kernel write_at\(char\*, int\), block \(0,0,0\), thread \(0,0,0\)/,
    ],
    ['read_past_the_end', /heap-buffer-overflow .*in read_at/],
    ['kernel_uses_freed_memory', /heap-use-after-free .*in write_at/],
    ['graph_uses_freed_memory', /heap-use-after-free .*in write_at/],
    ['write_past_shared_memory', /heap-buffer-overflow .*in write_shared_at/],
    ['read_past_dynamic_shared_memory', /heap-buffer-overflow .*in read_dynamic_at/],
  ],
  thread: [
    ['missing_barrier', /data race .*in without_barrier/],
    ['missing_second_barrier', /data race .*in one_barrier_a_round/],
    ['missing_warp_barrier', /data race .*in without_warp_barrier/],
    ['blocks_write_the_same_place', /data race .*in blocks_share/],
  ],
};

// There is no CUDA on other systems.
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux.each<Sanitizer>(['none', 'address,undefined', 'thread'])(
  'emulated GPU, sanitizer: %s',
  (sanitizer) => {
    const program = join(new TemporaryDirectory().path, 'scenarios');

    beforeAll(() => buildEmulated(program, sources, sanitizer), 600_000);

    test('correct kernels give the right numbers, and the same bits in every order', () => {
      const outputs = ['forward', 'reverse', 'random:1', 'random:2'].map((order) => {
        const { status, stdout, stderr } = runEmulated(program, kernels, { SIMT_ORDER: order });
        expect({ order, status, stderr }).toEqual({ order, status: 0, stderr: '' });
        return stdout;
      });
      expect(outputs[0]).toMatch(/^\w+\nscan_prints_bits: done$/m);
      expect(new Set(outputs).size).toBe(1);
    });

    test.each(runtime)('the runtime answers as CUDA does: %s', (scenario, settings) => {
      expect(runEmulated(program, [scenario], settings)).toEqual({
        status: 0,
        signal: null,
        stdout: `${scenario}: done\n`,
        stderr: '',
      });
    });

    const found = mistakes[sanitizer].map((mistake): [string, Mistake] => [mistake[0], mistake]);
    test.each(found)('a mistake is found: %s', (_name, [scenario, message, settings]) => {
      const run = runEmulated(program, [scenario], settings);
      expect(run.stderr).toMatch(message);
      expect(run.status).not.toBe(0);
      expect(run.stdout).toBe('');
    });
  },
);
