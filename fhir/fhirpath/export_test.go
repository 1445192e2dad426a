package fhirpath

// The two readings of a narrative, for the test that compares them.
var (
	PlainNarrative = plainNarrative
	SafeNarrative  = safeNarrative
)
