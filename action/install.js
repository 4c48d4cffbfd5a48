// Puts the release's binary for this runner into a directory. An archive is unpacked only if its checksum is the expected one.
'use strict';

const { spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const { Failure, input } = require('./runner');

const NAME = 'git-credential-github-app';
const ATTEMPTS = 3;

/** Rust's name for this runner. */
function target() {
  const known = {
    'linux x64': 'x86_64-unknown-linux-musl',
    'linux arm64': 'aarch64-unknown-linux-musl',
    'darwin x64': 'x86_64-apple-darwin',
    'darwin arm64': 'aarch64-apple-darwin',
    'win32 x64': 'x86_64-pc-windows-msvc',
  };
  const found = known[`${process.platform} ${process.arch}`];
  if (!found) throw new Failure(`there is no release for ${process.platform} on ${process.arch}: use the input binary`);
  return found;
}

/** The version of the Action's own checkout: the Action and the helper are tested together. */
function version() {
  const manifest = fs.readFileSync(path.join(__dirname, '..', 'Cargo.toml'), 'utf8');
  return manifest.match(/^version = "([^"]+)"$/m)[1];
}

/** Where the release's files are. */
function source(wanted) {
  const given = input('release');
  if (given) return given;
  const repository = process.env.GITHUB_ACTION_REPOSITORY;
  if (!repository) throw new Failure('a local Action has no release: use the input binary or release');
  return `https://github.com/${repository}/releases/download/v${wanted}`;
}

/** Whether the connection is protected from being read or changed on the network. */
function isSafe(url) {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(hostname));
}

/** Fetches a file; retries if the server or the network fails. */
async function fetchFile(url) {
  if (!isSafe(url)) throw new Failure(`${url}: over plain http, anybody on the network path could change what is installed`);
  let fault = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (attempt > 1) await new Promise((resolve) => setTimeout(resolve, 1000 * attempt));
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(60_000) });
      if (answer.ok) return Buffer.from(await answer.arrayBuffer());
      fault = `answered ${answer.status}`;
      if (answer.status < 500 && answer.status !== 429) break;
    } catch (error) {
      fault = error.cause ? `${error.message}: ${error.cause.message}` : error.message;
    }
  }
  throw new Failure(`cannot fetch ${url}: ${fault}`);
}

/** A file of the release. */
async function read(from, name) {
  if (/^https?:\/\//.test(from)) return fetchFile(`${from.replace(/\/+$/, '')}/${name}`);
  try {
    return fs.readFileSync(path.join(from, name));
  } catch (error) {
    throw new Failure(`cannot read ${path.join(from, name)}: ${error.code}`);
  }
}

/** The checksum that the archive must have. */
async function expected(from, archive) {
  const given = input('sha256').toLowerCase();
  if (given) {
    if (!/^[0-9a-f]{64}$/.test(given)) throw new Failure('input sha256: 64 hexadecimal digits are expected');
    return given;
  }
  const lines = (await read(from, 'SHA256SUMS')).toString('utf8').split('\n');
  const found = lines.map((line) => line.match(/^([0-9a-f]{64}) [ *](.+)$/)).find((parts) => parts && parts[2] === archive);
  if (!found) throw new Failure(`SHA256SUMS in ${from} does not list ${archive}`);
  return found[1];
}

/** Unpacks the release's binary into the directory. */
async function download(dir, program) {
  const wanted = version();
  const folder = `${NAME}-${wanted}-${target()}`;
  const archive = `${folder}${process.platform === 'win32' ? '.zip' : '.tar.gz'}`;
  const from = source(wanted);
  const sum = await expected(from, archive);
  const bytes = await read(from, archive);
  const found = crypto.createHash('sha256').update(bytes).digest('hex');
  if (found !== sum) throw new Failure(`${archive} in ${from} has checksum ${found}, but ${sum} is expected`);
  const file = path.join(dir, archive);
  fs.writeFileSync(file, bytes, { mode: 0o600 });
  // Windows' own tar unpacks zip files; another tar on PATH may not.
  const tar = process.platform === 'win32' ? path.join(process.env.SYSTEMROOT || 'C:\\Windows', 'System32', 'tar.exe') : 'tar';
  const done = spawnSync(tar, ['-xf', archive, '--strip-components=1', `${folder}/${program}`], { cwd: dir, encoding: 'utf8' });
  if (done.status !== 0) throw new Failure(`cannot unpack ${archive}: ${done.stderr || done.error}`);
  fs.rmSync(file);
}

/** Installs the binary in a new directory, and returns its path. */
async function install(dir) {
  fs.mkdirSync(dir, { mode: 0o700 });
  const program = process.platform === 'win32' ? `${NAME}.exe` : NAME;
  const binary = path.join(dir, program);
  const given = input('binary');
  if (!given) {
    await download(dir, program);
  } else if (fs.existsSync(given)) {
    fs.copyFileSync(given, binary);
  } else {
    throw new Failure(`input binary: there is no ${given}`);
  }
  fs.chmodSync(binary, 0o755);
  return binary;
}

module.exports = { NAME, install };
