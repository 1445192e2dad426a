package store

// EachConcept and AppendConcept are for the fuzz function.
var (
	EachConcept   = eachConcept
	AppendConcept = appendConcept
)
