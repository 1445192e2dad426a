// Package webauthn judges what an authenticator (a security key, a phone, a laptop)
// answers to a relying party: that it made a key pair for this site, and that it
// holds the private key of one. It reads CBOR and COSE as far as these need, with
// limits; it keeps nothing, and asks for no statement of who made the authenticator.
//
// A person must be verified by the authenticator (PIN, finger, face): with the
// password before it these are two factors, and none of them can be shown to another
// site, since the browser signs the origin with it.
//
// https://www.w3.org/TR/webauthn-2/
package webauthn
