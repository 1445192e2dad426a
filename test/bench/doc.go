// Command bench measures the whole server over HTTP on loopback, on both engines,
// beside a raw load in the same run: statements written by hand that write or
// select the same rows, and a handler that has the answer in memory and writes
// the same audit (design §12). It fills a server with the resources of a made-up
// hospital (and the Synthea bundles where they are present) through the FHIR door,
// and prints Markdown: three interleaved rounds, median and range.
//
//	go run ./test/bench [-engine sqlite,postgres] [-size 100000] [-grow 1000000] [-results FILE]
//
// The server under test is this program again, as a child of its own process, so
// that its memory is its own. PostgreSQL is started from the binaries on this
// machine, or named by -database. It judges nothing: a figure that misses its goal
// is printed as it is.
package main
