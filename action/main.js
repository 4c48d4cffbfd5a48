// The main step: installs the helper and sets up git and gh for the rest of the job. Everything it creates is in one
// directory. The post step gets its name before anything is in it, as a job may be cancelled at any time.
'use strict';

const { spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const { NAME, install } = require('./install');
const { Failure, flag, input, required, saveState, setOutput, step } = require('./runner');
const { check, configure } = require('./settings');

/** Fetches one token, so that wrong settings fail here and not in the middle of the job. */
function tryOut(binary, settings) {
  if (!input('owner')) return;
  const done = spawnSync(binary, ['--config', settings, 'token'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (done.error) throw new Failure(`cannot run ${binary}: ${done.error.code}`);
  if (done.status !== 0) throw new Failure(done.stderr || `${NAME} ended with ${done.status ?? done.signal}`);
  process.stderr.write(done.stderr);
}

step(async () => {
  ['per-repository', 'insteadof', 'gh'].forEach(flag);
  check();
  const dir = path.join(required('RUNNER_TEMP'), `${NAME}-${crypto.randomBytes(8).toString('hex')}`);
  saveState('dir', dir);
  fs.mkdirSync(dir, { mode: 0o700 });
  const binary = await install(path.join(dir, 'bin'));
  const settings = configure(dir, binary);
  tryOut(binary, settings);
  setOutput('binary', binary);
});
