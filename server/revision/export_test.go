package revision

// ReadConcepts and ReadHead are for the fuzz function.
var (
	ReadConcepts = readConcepts
	ReadHead     = readHead
)
