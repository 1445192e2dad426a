// Package witness is somebody outside who watches a log: it keeps the newest
// checkpoint that it has seen, cosigns only one that extends it, and so finds a
// log that was rolled back or told two stories. It speaks the protocol of
// https://c2sp.org/tlog-witness and never writes to the log that it watches.
//
//	folder/witness.key   Ed25519 key of the witness (mode 0600) and its name
//	folder/<hash of the origin>  the newest checkpoint of a log, cosigned
//
// It runs apart from the server, under somebody else's administration.
package witness
