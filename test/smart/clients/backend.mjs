// A backend service that makes its assertion with jose and reads with
// fhir-kit-client; METHOD openid lets openid-client make the assertion.
import { readFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { importJWK, SignJWT } from "jose";
import { Client } from "fhir-kit-client";
import { base, found } from "./talk.mjs";

const key = JSON.parse(readFileSync(process.env.KEY, "utf8"));
const client = new Client({ baseUrl: base });
const { tokenUrl } = await client.smartAuthMetadata();
const assertion = await new SignJWT({})
  .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: "JWT" })
  .setIssuer(process.env.CLIENT).setSubject(process.env.CLIENT).setAudience(String(tokenUrl))
  .setJti(randomUUID()).setExpirationTime("4m").sign(await importJWK(key, key.alg));
const answer = await fetch(tokenUrl, {
  method: "POST",
  body: new URLSearchParams({
    grant_type: "client_credentials", scope: process.env.SCOPE, client_assertion: assertion,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
  }),
}).then((r) => r.json());
client.bearerToken = answer.access_token;
const bundle = await client.search({ resourceType: "Observation" });
found({ observations: (bundle.entry || []).map((e) => "Observation/" + e.resource.id).sort(), scope: answer.scope });
