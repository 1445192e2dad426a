// Package store keeps the record in SQLite or PostgreSQL. All SQL of Tenon is
// here: the room implements the interfaces that its consumers declare (record,
// ledger, dispatch, oauth) and turns plans and predicates into statements,
// the same ones for both engines wherever these agree.
//
//	plan ∩ reach ─→ statement{text with ?, values} ─→ querier ─→ cursor
//	unit ─→ engine.commit: lock heads → check read set → write → durable
//
// SQLite has one writer, a goroutine that takes what waits in its queue, applies
// each piece under a savepoint and commits the group (at most 50 ms a turn; a
// piece that comes alone starts at once). PostgreSQL commits each unit by itself
// in one pipelined batch.
//
// A version has its time before its commit, so "everything up to now" is a promise
// only below the floor (RaiseFloor): a time below which no commit is taken any
// more. It is the transactionTime of an export; what is later is as it was then.
//
// A read without a reach reads nothing; a predicate that the room does not know
// is refused. Values are always parameters. The room never decides what is
// allowed, never parses a resource beyond what Snapshot says, and knows no HTTP.
package store
