// Package revision keeps the definitions that are in force as one immutable
// value: what is embedded, what packages brought, what was posted. Whoever
// judges or searches takes the current Revision once and works with it to the
// end; a change makes the next one beside it and swaps a pointer.
//
//	embedded library ─┐
//	packages ─────────┼→ Library ─→ Terminology ─→ Validator
//	posted resources ─┘     └──────→ Search
//
// The number of a Revision is the store's: every commit that changes a
// definition advances it, and a unit that was prepared under another number is
// prepared again (design law 2). Here a change holds before its answer leaves;
// elsewhere on the same database within a second, because every Keeper looks
// for a new number twice a second, and a write under an old one does not commit.
//
// A new definition is tried before it is stored: With makes the Revision that
// would come of it, and refuses one that does not compile.
//
// The room never writes resources and never decides who may post a definition.
package revision
