// How the runner and its steps communicate: inputs, variables, files and commands on stdout.
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
'use strict';

const fs = require('node:fs');

/** An input, trimmed; the runner passes inputs as environment variables. */
function input(name) {
  return (process.env[`INPUT_${name.toUpperCase()}`] || '').trim();
}

/** An input that is on or off. */
function flag(name) {
  const text = input(name).toLowerCase();
  if (text !== '' && text !== 'true' && text !== 'false') {
    throw new Failure(`input ${name}: true or false is expected`);
  }
  return text === 'true';
}

/** The parts of an input that commas or lines separate. */
function list(name) {
  return input(name)
    .split(/[\n,]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** A variable that the runner always sets. */
function required(name) {
  const value = process.env[name];
  if (!value) throw new Failure(`the variable ${name} is not set: this runs only in GitHub Actions`);
  return value;
}

/** Adds a line to one of the runner's files. None of our values may hold a line break. */
function append(variable, line) {
  if (/[\r\n]/.test(line)) throw new Failure(`a line break in a value for ${variable}`);
  fs.appendFileSync(required(variable), `${line}\n`);
}

const setEnv = (name, value) => append('GITHUB_ENV', `${name}=${value}`);
const setOutput = (name, value) => append('GITHUB_OUTPUT', `${name}=${value}`);
const addPath = (dir) => append('GITHUB_PATH', dir);
const saveState = (name, value) => append('GITHUB_STATE', `${name}=${value}`);

/** What the main step saved for the post step. */
const state = (name) => process.env[`STATE_${name}`] || '';

/** Shows a message on the job's page; line breaks and percent signs must be escaped. */
function annotate(level, message) {
  const escaped = message.trim().replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
  process.stdout.write(`::${level}::${escaped}\n`);
}

/** An error with a message for the workflow's author. */
class Failure extends Error {}

/** Runs a step; an error is reported and fails it. */
async function step(run) {
  try {
    await run();
  } catch (error) {
    annotate('error', error instanceof Failure ? error.message : String(error.stack || error));
    process.exitCode = 1;
  }
}

module.exports = {
  Failure, addPath, annotate, flag, input, list, required, saveState, setEnv, setOutput, state, step,
};
