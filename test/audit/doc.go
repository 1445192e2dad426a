// Package audit holds tests of the audit over HTTP: events, reports, what happens
// when the audit cannot be kept.
package audit
