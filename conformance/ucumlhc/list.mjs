// The other side of the differential run: every unit that ucum-lhc defines, with
// magnitude and dimension, and its verdict on the codes of standard input.
import { createRequire } from 'node:module';
import fs from 'node:fs';

const require = createRequire(process.env.TENON_UCUM_LHC + '/');
const lhc = require('@lhncbc/ucum-lhc');
const judge = lhc.UcumLhcUtils.getInstance();
const out = [];
for (const u of lhc.UnitTables.getInstance().allUnitsByDef()) {
  out.push({ code: u.csCode_, magnitude: u.magnitude_, dimension: u.dim_?.dimVec_ ?? null, special: !!u.isSpecial_, arbitrary: !!u.isArbitrary_ });
}
console.log = console.error; // the library talks on standard output
for (const code of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  let valid = false;
  try {
    valid = judge.validateUnitString(code).status === 'valid';
  } catch {
    valid = false;
  }
  out.push({ code, valid });
}
process.stdout.write(JSON.stringify(out));
