// Runs when the package is installed: a binary of this version that loads (of prebuilds/, or built before) is taken; else it is
// compiled.

const path = require('node:path');

const wanted = process.env.npm_config_build_from_source; // npm install --build-from-source[=skipscan]
if (wanted !== 'true' && wanted !== 'skipscan') {
  try {
    const built = require('node-gyp-build')(path.resolve(__dirname, '..')).buildInfo().version;
    const { version } = require('../package.json');
    if (built === version) process.exit(0);
    console.log(
      `skipscan: the binary is of version ${built}, the package of ${version}; building from source.`,
    );
  } catch (error) {
    console.log(
      `skipscan: no binary fits this system (${error.message.split('\n')[0]}); building from source.`,
    );
  }
}
require('./build-native.js');
