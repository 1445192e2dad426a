// Package snapshot makes the snapshot of a StructureDefinition of its
// differential and its base.
//
// https://hl7.org/fhir/R4/profiling.html#snapshot
package snapshot

import (
	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// Generate gives the StructureDefinition with its snapshot made, or made anew,
// of its differential; all else stays byte for byte. Bases and the profiles of
// types come from lib. The error is an *issue.Failure that names each element
// of the differential that can't be applied.
func Generate(sd tree.Node, lib *definition.Library) ([]byte, error) {
	return nil, issue.Errorf(issue.NotSupported, "not yet")
}
