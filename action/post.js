// The post step: revokes the tokens of the job's git and gh, and removes everything that the main step created. It also
// runs after a job that failed or was cancelled, and may run twice.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { NAME } = require('./install');
const { annotate, state, step } = require('./runner');

const ATTEMPTS = 3;

/** Whether the main step made this directory: nothing else is ever removed. */
function isOurs(dir) {
  const temporary = process.env.RUNNER_TEMP || '';
  return temporary !== '' && path.dirname(dir) === path.resolve(temporary) && /^[0-9a-f]{16}$/.test(path.basename(dir).slice(NAME.length + 1));
}

/** Revokes the tokens; if that fails, warns and says why. They expire within an hour anyway. */
async function revoke(dir) {
  const binary = path.join(dir, 'bin', process.platform === 'win32' ? `${NAME}.exe` : NAME);
  const settings = path.join(dir, 'config.toml');
  // A job that was cancelled early has neither, and no token.
  if (!fs.existsSync(binary) || !fs.existsSync(settings)) return;
  let said = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (attempt > 1) await new Promise((resolve) => setTimeout(resolve, 500 * attempt));
    const done = spawnSync(binary, ['--config', settings, '--timeout=20s', 'revoke', '--all'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    if (done.status === 0) return;
    said = done.stderr || String(done.error || done.signal);
  }
  annotate('warning', `not all tokens could be revoked; they expire within an hour\n${said}`);
}

step(async () => {
  const dir = state('dir');
  if (!dir || !isOurs(dir) || !fs.existsSync(dir)) return;
  try {
    await revoke(dir);
  } finally {
    // A program of the job may still be running and write to the cache.
    fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
});
