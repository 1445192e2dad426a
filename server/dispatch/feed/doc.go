// Package feed carries what happens in the record to those who subscribed to it.
//
//	leaf gets its index → matched in order → event 1, 2, 3 … of the subscription
//	  → told over its channel, in order, until the endpoint has taken it
//
// The index that the sequencer of the ledger gives is the cursor: one server at a
// time matches, and position and events are one transaction, so that a kill at any
// instant neither loses nor doubles an event. A subscription begins at the leaf of
// its own version. Matching runs the criteria of every subscription with the reach
// that its subscriber has at that moment; what is told is read again with the
// reach at that moment. Sending is at least once: after a crash an event may come
// again, with the same number.
//
// An app subscribes in the name of its user, or as a machine: its scopes are kept with
// the subscription, in the transaction that writes it, and all of the above is judged
// by them as long as its grant lasts (Warrant). A backend's grant lasts two days: it
// writes its subscription again before that.
//
// Subscribers wait for nobody else: each has a queue of its own, those that fail
// have workers of their own, and an endpoint is tried for days.
package feed
