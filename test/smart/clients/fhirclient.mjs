// https://docs.smarthealthit.org/client-js/node.html
// LAUNCH is the launch of an EHR; without it the app begins by itself.
import { createRequire } from "node:module";
import { base, found, open, redirect } from "./talk.mjs";

const smart = createRequire(import.meta.url)("fhirclient");
const kept = new Map();
const storage = { get: async (k) => kept.get(k), set: async (k, v) => (kept.set(k, v), v), unset: async (k) => kept.delete(k) };

// at is what the app's own server sees when the browser comes to it.
function at(url) {
  const u = new URL(url);
  const response = { location: null, writeHead(_, h) { this.location = h.location; }, end() {} };
  return { response, request: { url: u.pathname + u.search, headers: { host: u.host, "x-forwarded-proto": "https" }, socket: {} } };
}

const launched = new URL(process.env.LAUNCH || redirect);
const first = at(launched);
await smart(first.request, first.response, storage).authorize({
  clientId: process.env.CLIENT, scope: process.env.SCOPE, redirectUri: redirect, pkceMode: "required",
  ...(process.env.LAUNCH ? {} : { iss: base }),
});
const back = at(await open(first.response.location));
const client = await smart(back.request, back.response, storage).ready();
const patient = await client.patient.read();
const before = client.state.tokenResponse.access_token;
const observations = await client.request("Observation", { flat: true });
await client.refresh();
const after = client.state.tokenResponse.access_token;
found({
  patient: "Patient/" + patient.id,
  user: client.getFhirUser() && client.getFhirUser().replace(base + "/", ""),
  observations: observations.map((o) => "Observation/" + o.id).sort(),
  refreshed: before !== after && (await client.request("Patient/" + patient.id)).id === patient.id,
});
