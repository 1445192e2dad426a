// Package servertest runs the whole server inside a test: database, files, all
// doors, a listener on loopback. Tests speak to it over HTTP like any client. It
// is for tests only and judges nothing.
package servertest
