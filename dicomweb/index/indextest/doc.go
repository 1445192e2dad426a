// Package indextest is the suite that every index.Store passes.
package indextest
