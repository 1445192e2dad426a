//go:build tenon_unguarded

package main

// This tag takes the access predicate away, to see that tests notice: no server
// may run with it.
func init() { panic("tenon: built with tenon_unguarded, which shows everything to everybody") }
