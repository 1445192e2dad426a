//go:build !tenon_unguarded

package store

// unguarded replaces every predicate by true, for make leaks alone: a build with
// the tag tenon_unguarded, in which each leak test must fail.
const unguarded = false
