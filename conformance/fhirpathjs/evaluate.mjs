// The other side of the differential run: evaluates expressions with fhirpath.js.
// One JSON line in, one out:
//   {"expressions": [{"base": "Patient.contact", "text": "…"}]}        adds expressions, no answer
//   {"file": "path", "checks": [{"at": ["contact", 0], "expr": 3}]}    answers {"results": [[…] | {"error": "…"}]}
import fs from 'node:fs';
import readline from 'node:readline';
import { createRequire } from 'node:module';

const require = createRequire(process.env.TENON_FHIRPATH_JS + '/');
const fhirpath = require('fhirpath');
const r4 = require('fhirpath/fhir-context/r4');

const compiled = [];
let root = null;

// What a reference says of its target: enough for `resolve() is Patient`.
function target(reference) {
  const text = typeof reference === 'string' ? reference : reference?.reference;
  if (!text) return [];
  if (text.startsWith('#')) {
    return (root.contained ?? []).filter((c) => '#' + c.id === text);
  }
  const match = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]+(?:\/_history\/[^/]+)?$/.exec(text);
  if (match && r4.type2Parent[match[1]]) return [{ resourceType: match[1], id: 'x' }];
  return [];
}

const options = {
  resolveInternalTypes: false,
  traceFn: () => {},
  userInvocationTable: {
    resolve: {
      arity: { 0: [] },
      internalStructures: true,
      fn: (inputs) => inputs.flatMap((r) => target(r.data ?? r).map((d) => r.constructor.makeResNode(r.ctx, d, null, null, null, null))),
    },
  },
};

function expression(i) {
  const e = compiled[i];
  if (!e.run) {
    const path = e.base ? { base: e.base, expression: e.text } : e.text;
    e.run = fhirpath.compile(path, r4, options);
  }
  return e.run;
}

function at(node, path) {
  for (const step of path) node = node?.[step];
  return node;
}

// Values as text or JSON; decimals and quantities keep what the engine writes.
function plain(value) {
  if (value?.constructor?.name === 'ResourceNode') value = value.data;
  if (value === null || value === undefined) return null;
  if (typeof value === 'object' && !Array.isArray(value) && value.constructor !== Object) return String(value);
  return value;
}

function evaluate(resource, check) {
  try {
    const focus = at(resource, check.at);
    const result = expression(check.expr)(focus, { resource, rootResource: resource });
    return result.map(plain);
  } catch (e) {
    return { error: String(e?.message ?? e).slice(0, 200) };
  }
}

for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const message = JSON.parse(line);
  if (message.expressions) {
    compiled.push(...message.expressions);
    continue;
  }
  root = JSON.parse(fs.readFileSync(message.file, 'utf8'));
  const results = message.checks.map((c) => evaluate(root, c));
  process.stdout.write(JSON.stringify({ results }) + '\n');
}
