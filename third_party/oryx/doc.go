// Package x stands in for the module github.com/ory/x, of which fosite uses two
// small packages only. The module itself brings gRPC and exporters of telemetry
// with it, some 170 packages, into a server that must send nothing out by itself.
// What is here is our own; it does what fosite's calls need and no more.
package x
