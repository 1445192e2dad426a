// A script asks the test to open an address as a person would; the test answers
// with where the browser was sent. The last line is what the script has found.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function open(url) {
  console.log(JSON.stringify({ open: String(url) }));
  const { value } = await lines.next();
  return new URL(value);
}

export function found(result) {
  console.log(JSON.stringify({ found: result }));
  process.exit(0);
}

export const base = process.env.FHIR_BASE;
export const redirect = process.env.REDIRECT;
