// Package oauth identifies the caller: it issues and checks tokens and produces
// the principal that access describes. Tokens are opaque; the database holds
// only their SHA-256.
//
// Provider checks tokens. Server is the authorization server of SMART App Launch
// 2.2 for apps that an operator has registered:
//
//	backend   token(client_credentials + assertion) → access token, 5 minutes
//	app       authorize → sign-in → consent → code → token → access token, refresh token
//	refresh   token(refresh_token) → access token and the successor of the refresh token
//
// A token of an app belongs to a Grant: which app, in whose name, for which scopes
// and patient. Who the principal is now is read anew each second; revoking a grant
// or removing an app ends all of its tokens within a second. Requests are read and
// errors written by fosite; what it grants and keeps is decided here, since its own
// handlers race and forget (see the regression tests F1 to F13).
//
// Who signs in shows a password, or comes from the hospital's own provider, and then
// what is enrolled of second factors: a code (factor.go) or a security key
// (passkey.go, judged by webauthn). Neither alone signs anybody in.
//
// Apps keep small things of their own beside the record (state.go): a Basic, sealed,
// that no search of the record finds.
//
// A link of one Patient to another (Patient.link) widens nothing: the patient in
// context is one record, and what was said of a merged one is moved to it by $merge.
//
// It never sees a resource but those of principals, and keeps no secret in clear.
//
// https://hl7.org/fhir/smart-app-launch/STU2.2/
package oauth
