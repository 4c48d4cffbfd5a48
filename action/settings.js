// The files that git, gh and the helper read while the job runs, all in one private directory: removing it undoes
// everything. git finds them through the job's variables; no file of the user or of a clone is changed.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { NAME } = require('./install');
const { Failure, addPath, flag, input, list, required, setEnv } = require('./runner');

/** A TOML string. TOML has JSON's escapes, but also wants the DEL character escaped. */
const quoted = (text) => JSON.stringify(text).replace(/\u007f/g, '\\u007F');

/** A value in git's configuration, quoted so that blanks and comment signs have no meaning. */
const gitQuoted = (text) => `"${text.replace(/[\\"]/g, '\\$&')}"`;

/** A word of a shell command. */
const shellWord = (text) => text.replace(/[^A-Za-z0-9/._+=:,@%-]/g, '\\$&');

/** A path that git, shells and TOML parsers understand, on Windows too. */
const slashes = (file) => (process.platform === 'win32' ? file.replace(/\\/g, '/') : file);

function writePrivate(file, text, mode = 0o600) {
  fs.writeFileSync(file, text, { mode, flag: 'wx' });
}

/** Checks that the inputs name one source of tokens. */
function check() {
  const [key, app, broker, audience] = ['private-key', 'app-id', 'broker-url', 'broker-audience'].map(input);
  if (broker && !audience) throw new Failure('input broker-audience is missing: the id-token is made for it');
  if (audience && !broker) throw new Failure('input broker-url is missing');
  if (key && !app) throw new Failure("input app-id is missing: the App's client ID");
  if (app && !key) throw new Failure("input private-key is missing: is the secret's name right, and may this job read it?");
  if (!key && !broker) throw new Failure('use either app-id and private-key, or broker-url and broker-audience');
  if (broker && !process.env.ACTIONS_ID_TOKEN_REQUEST_URL) {
    throw new Failure('the job may not request id-tokens: it needs the permission id-token: write');
  }
}

/** The broker's route for the job. Only this job has its workspace's token, so the broker may revoke it at its end. */
function brokerUrl() {
  const [url, workspace] = ['broker-url', 'workspace'].map(input);
  if (!url || !workspace) return url;
  return `${url.replace(/\/+$/, '')}/workspaces/${encodeURIComponent(workspace)}/github-installation-token`;
}

/** Writes the settings file, and the key beside it. */
function writeSettings(dir) {
  const lines = [];
  const add = (key, value) => value && lines.push(`${key} = ${quoted(value)}`);
  const addList = (key, values) => values.length > 0 && lines.push(`${key} = [${values.map(quoted).join(', ')}]`);
  // GITHUB_SERVER_URL has a scheme; the setting has one for loopback only.
  add('host', input('host').replace(/^https:\/\//, '').replace(/\/$/, ''));
  add('owner', input('owner'));
  add('app_id', input('app-id'));
  add('broker_url', brokerUrl());
  add('broker_audience', input('broker-audience'));
  addList('repository', list('repositories'));
  addList('permission', list('permissions'));
  if (flag('per-repository')) lines.push('per_repository = true');
  if (input('private-key')) {
    const key = path.join(dir, 'key.pem');
    // A secret that was pasted into one line has \n in place of line breaks.
    writePrivate(key, `${input('private-key').replace(/\\n/g, '\n')}\n`);
    add('private_key_file', slashes(key));
  }
  add('cache_dir', slashes(path.join(dir, 'cache')));
  const file = path.join(dir, 'config.toml');
  writePrivate(file, `${lines.join('\n')}\n${input('settings')}\n`);
  return file;
}

/** Makes git use the helper, by a file that git includes for as long as it is there. */
function configureGit(dir, binary, settings) {
  const url = input('host').includes('://') ? input('host').replace(/\/$/, '') : `https://${input('host')}`;
  const host = url.split('://')[1];
  const command = [binary, '--config', settings].map(slashes).map(shellWord).join(' ');
  const lines = [
    `[credential ${gitQuoted(url)}]`, '\thelper =', `\thelper = ${gitQuoted(command)}`, '\tuseHttpPath = true',
    // A header of actions/checkout would come before any helper.
    `[http ${gitQuoted(`${url}/`)}]`, '\textraHeader =',
  ];
  if (flag('insteadof')) {
    lines.push(`[url ${gitQuoted(`${url}/`)}]`, `\tinsteadOf = ${gitQuoted(`git@${host}:`)}`);
    lines.push(`\tinsteadOf = ${gitQuoted(`ssh://git@${host}/`)}`);
  }
  const file = path.join(dir, 'gitconfig');
  writePrivate(file, `${lines.join('\n')}\n`);
  // Others may have put something there before us.
  const count = /^\d+$/.test(process.env.GIT_CONFIG_COUNT || '') ? Number(process.env.GIT_CONFIG_COUNT) : 0;
  setEnv(`GIT_CONFIG_KEY_${count}`, 'include.path');
  setEnv(`GIT_CONFIG_VALUE_${count}`, slashes(file));
  setEnv('GIT_CONFIG_COUNT', String(count + 1));
}

/** The first program of a name on PATH. */
function find(name) {
  const dirs = (process.env.PATH || '').split(path.delimiter).filter((dir) => path.isAbsolute(dir));
  return dirs.map((dir) => path.join(dir, name)).find((file) => fs.existsSync(file));
}

/** Puts a gh before the real one that starts it with a fresh token: a token in a variable of the job would expire. */
function wrapGh(bin, binary) {
  const real = find(process.platform === 'win32' ? 'gh.exe' : 'gh');
  if (!flag('gh') || !real) return;
  const script = [
    '#!/bin/sh',
    '# A token that the step has set itself is the one that it wants.',
    'if [ -n "${GH_TOKEN:-}${GITHUB_TOKEN:-}${GH_ENTERPRISE_TOKEN:-}${GITHUB_ENTERPRISE_TOKEN:-}" ]; then',
    `    exec ${shellWord(slashes(real))} "$@"`,
    'fi',
    `exec ${shellWord(slashes(binary))} exec -- ${shellWord(slashes(real))} "$@"`,
  ];
  writePrivate(path.join(bin, 'gh'), `${script.join('\n')}\n`, 0o755);
  if (process.platform === 'win32') {
    const lines = ['@echo off', 'if defined GH_TOKEN goto given', 'if defined GITHUB_TOKEN goto given'];
    lines.push(`"${binary}" exec -- "${real}" %*`, 'exit /b', ':given', `"${real}" %*`);
    writePrivate(path.join(bin, 'gh.cmd'), `${lines.join('\r\n')}\r\n`);
  }
}

/** Writes all files, and sets the job's variables. */
function configure(dir, binary) {
  required('GITHUB_ENV');
  const settings = writeSettings(dir);
  configureGit(dir, binary, settings);
  const bin = path.dirname(binary);
  wrapGh(bin, binary);
  addPath(bin);
  setEnv('GITHUB_APP_CONFIG', settings);
  return settings;
}

module.exports = { NAME, check, configure };
