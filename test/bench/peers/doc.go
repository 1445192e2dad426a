// Package peers measures the FHIR engine beside other Go libraries, in one run,
// so that ratios hold on any machine. It is a module of its own: what it
// compares with never enters the go.mod of the server.
//
//	cd test/bench/peers && go test -bench . -benchtime 200ms
package peers
