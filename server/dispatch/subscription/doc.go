// Package subscription is the language of subscriptions: it reads a Subscription
// resource (https://hl7.org/fhir/R4/subscription.html, with criteria or in the
// form of http://hl7.org/fhir/uv/subscriptions-backport), knows the topics of
// this server, and writes the bundles that subscribers are sent. It performs no
// I/O, and decides nothing about who may see what.
//
//	requested ──(handshake, or none is asked for)──> active
//	active    ──(the endpoint fails)──────────────> error ──(it answers)──> active
//	any       ──(the subscriber, the end, a subscriber that is no more)──> off
package subscription
