import { PickleError, readPickle } from '../../../lib/checkpoints/pickle';

/** Reads operations given as text (each character one byte) without allowing any global. */
function read(operations: string): unknown {
  return readPickle(Buffer.from(operations, 'latin1'), {
    findGlobal: (name) => {
      throw new PickleError(`no ${name}`);
    },
    persistentLoad: (id) => ({ id }),
  });
}

describe('readPickle', () => {
  test.each<[what: string, operations: string, value: unknown]>([
    ['None', 'N.', null],
    ['booleans', '\x88\x89\x86.', [true, false]],
    ['integers', '(J\xfe\xff\xff\xffK\xffM\x00\xfft.', [-2, 255, 65280]],
    [
      'long integers',
      '(\x8a\x00\x8a\x01\xff\x8a\x02\x00\x80\x8a\x09\0\0\0\0\0\0\0\0\x01t.',
      [0, -1, -32768, 2n ** 64n],
    ],
    ['floats', 'G\x3f\xf8\0\0\0\0\0\0.', 1.5],
    ['text', '(X\x02\0\0\0\xc3\xa9\x8c\x01a\x8d\x01\0\0\0\0\0\0\0bt.', ['é', 'a', 'b']],
    ['a byte order mark in text', '\x8c\x04\xef\xbb\xbfa.', '\ufeffa'],
    ['bytes', '(C\x01aB\x01\0\0\0bt.', [Buffer.from('a'), Buffer.from('b')]],
    ['tuples', '()K\x01\x85K\x01K\x02\x86K\x01K\x02K\x03\x87(tt.', [[], [1], [1, 2], [1, 2, 3], []]],
    ['lists', '](K\x01K\x02eK\x03a.', [1, 2, 3]],
    [
      'dicts',
      '}K\x01K\x02s(K\x03K\x04u.',
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    ['the memo', 'K\x05q\x00r\xff\xff\xff\xff0(h\x00j\xff\xff\xff\xfft.', [5, 5]],
    ['the memo of protocol 4', '\x80\x04\x95\0\0\0\0\0\0\0\0(K\x05\x94K\x06\x94h\x00h\x01t.', [5, 6, 5, 6]],
    ['POP of a mark', 'K\x01(0.', 1],
    ['POP_MARK', 'K\x01(K\x02K\x031.', 1],
    ['DUP', 'K\x012\x86.', [1, 1]],
    ['persistent ids', 'K\x01Q.', { id: 1 }],
    ['a list that contains itself', ']q\x00h\x00a0N.', null],
  ])('reads %s', (_what, operations, value) => {
    expect(read(operations)).toEqual(value);
  });

  test.each([
    [
      'an operation of protocol 0',
      'I1\n.',
      'at byte 0: the operation 0x49 is not one that a saved state dict uses',
    ],
    ['INST, which names a global', '(ios\nsystem\n.', 'at byte 1: the operation 0x69'],
    ['OBJ, which calls', '(o.', 'the operation 0x6f'],
    ['an extension', '\x82\x01.', 'the operation 0x82'],
    ['NEWOBJ_EX, which calls', 'N)}\x92.', 'the operation 0x92'],
    ['a global', 'cos\nsystem\n.', 'at byte 0: no os.system'],
    ['a global of protocol 4', '\x8c\x02os\x8c\x06system\x93.', 'at byte 12: no os.system'],
    ['a global of numbers', 'K\x01K\x01\x93.', 'the name of a global is not a string'],
    ['an endless name', 'cos', 'at byte 0: a name does not end'],
    ['protocol 1', '\x80\x01N.', 'protocol 1 is not supported; expected 2 to 5'],
    ['protocol 9', '\x80\x09N.', 'protocol 9 is not supported; expected 2 to 5'],
    ['the end too early', 'K', 'it ends in the middle of a value (1 bytes missing)'],
    ['no end', 'N', 'at byte 1: it ends in the middle of a value'],
    ['nothing', '', 'at byte 0: it ends in the middle of a value'],
    ['text longer than the pickle', 'X\xff\xff\xff\xff.', '4294967294 bytes missing'],
    ['text of 2^63 bytes', '\x8d\0\0\0\0\0\0\0\x80.', 'it ends in the middle of a value'],
    ['text that is not UTF-8', '\x8c\x01\xff.', 'a string is not UTF-8'],
    ['a giant integer', '\x8a\xff.', 'an integer has 255 bytes; at most 64 are read'],
    ['STOP of nothing', '.', 'it takes a value from an empty stack'],
    ['POP of nothing', '0.', 'it closes a group that it never opened'],
    ['a tuple of nothing', 'K\x01\x86.', 'it takes a value from an empty stack'],
    ['a value below a mark', 'K\x01(\x85.', 'it takes a value from an empty stack'],
    ['TUPLE without mark', 't.', 'it closes a group that it never opened'],
    ['an unknown memo', 'h\x05.', 'it recalls value 5, which it never stored'],
    ['APPEND to a number', 'K\x01K\x01a.', 'expected a list to append to, found 1'],
    ['SETITEM on a list', ']K\x01K\x01s.', 'expected a dict to fill, found an array of 0'],
    ['a key without value', '}(K\x01u.', 'a dict key has no value'],
    ['BUILD of a list', ']}b.', 'expected an object and a dict of its attributes, found an array of 0'],
    ['very many operations', '('.repeat(1_000_001), 'it has more than 1000000 operations'],
  ])('refuses %s', (_what, operations, message) => {
    expect(() => read(operations)).toThrow(PickleError);
    expect(() => read(operations)).toThrow(message);
  });

  test('ignores attributes of a dict', () => {
    expect(read('}}K\x01K\x02sb.')).toEqual(new Map());
  });
});
