// Package storetest is the conformance suite of the store: both engines must
// pass the same tests. It knows the contracts of record, search and access, and
// no SQL.
package storetest
