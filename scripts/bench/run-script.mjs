/**
 * What every script here does around its work: wrong usage ends with 2 and the usage, a failure with 1 and its message,
 * `--help` prints the usage.
 *
 * @param script.usage the text of --help
 * @param script.parseOptions (args) => options; throws on wrong usage; `options.help` asks for the usage
 * @param script.main (options) => exit code, 0 when it returns none
 */
export async function runScript({ usage, parseOptions, main }) {
  let options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  try {
    process.exitCode = (await main(options)) ?? 0;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
