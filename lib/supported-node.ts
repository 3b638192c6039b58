// Imported before anything else: an older Node.js would fail somewhere inside, with words that do not say why.
const oldest = 20; // package.json's engines

if (Number.parseInt(process.versions.node, 10) < oldest) {
  throw new Error(
    `skipscan found Node.js ${process.versions.node} but expected ${oldest} or newer. Update Node.js; \`node --version\` says which one runs.`,
  );
}
