// Package suite asks a FHIR R4 server, whichever it is, for what the
// specification demands of it, and says clause by clause what it found. It
// needs nothing but the address of the server, which is asked over HTTP only.
//
// A case is a few requests and what their answers must be. What that is comes
// from the clause that the case cites, never from what a server was seen to
// answer. Cases are written in the files of cases/ (the language is told in
// read.go); those that depend on what the server claims are made in sweep.go.
//
// A case that needs a capability which the server's CapabilityStatement does
// not claim is "not claimed", not failed. Of what the statement cannot tell
// (modifiers, chains, _filter …) a server may refuse all that it does not have:
// such a case is then "declined". Silence is no refusal: a parameter that is
// ignored must be missing in the self link.
//
// Resources that a case writes carry a tag of its own and are deleted after it.
// Resources of a fixture are made once a run, read by the cases of one group
// and changed by none. So cases may run in any order and at the same time, on a
// server that holds other data too.
//
// It imports nothing of the server that lives beside it.
package suite
