// https://github.com/panva/openid-client
import * as oidc from "openid-client";
import { base, found, open, redirect } from "./talk.mjs";

const issuer = new URL(base.replace(/\/fhir$/, ""));
const config = await oidc.discovery(issuer, process.env.CLIENT, undefined, oidc.None(), { execute: [oidc.allowInsecureRequests] });
const verifier = oidc.randomPKCECodeVerifier();
const state = oidc.randomState(), nonce = oidc.randomNonce();
const url = oidc.buildAuthorizationUrl(config, {
  redirect_uri: redirect, scope: process.env.SCOPE, aud: base, state, nonce,
  code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
});
const tokens = await oidc.authorizationCodeGrant(config, await open(url), { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true });
const next = await oidc.refreshTokenGrant(config, tokens.refresh_token);
await oidc.tokenRevocation(config, next.refresh_token);
let ended = false;
await oidc.refreshTokenGrant(config, next.refresh_token).catch((e) => { ended = e.error === "invalid_grant"; });
found({ user: tokens.claims().fhirUser.replace(base + "/", ""), refreshed: next.access_token !== tokens.access_token, ended });
