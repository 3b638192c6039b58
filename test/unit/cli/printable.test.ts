import { printable } from '../../../lib/cli/printable';

test('control characters are written out, the rest stays', () => {
  expect(printable('\x1b[2Jtable\tä 😀\n\u009b1m\x7f\r')).toBe('\\x1b[2Jtable\tä 😀\n\\x9b1m\\x7f\\x0d');
});
