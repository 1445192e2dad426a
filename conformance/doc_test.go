// Package conformance runs official cases against the whole server and keeps
// their verdicts in results/. A verdict that got worse fails the test.
package conformance
