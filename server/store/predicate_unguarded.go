//go:build tenon_unguarded

package store

const unguarded = true
