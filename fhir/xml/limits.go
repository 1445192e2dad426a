package xml

import "tenon/fhir/tree"

// Limits bound what one document may cost; a zero field means its default.
// Depth and Nodes are those of tree.Limits, so that what is read here is not
// refused there with a place that the client never saw.
type Limits struct {
	Bytes      int // length of the source: 64 MiB
	Depth      int // arrays and objects of the JSON inside one another: 64
	Nodes      int // values of the JSON: 4 million
	Attributes int // of one element, and namespaces in scope: 64
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = tree.DefaultBytes
	}
	if l.Depth <= 0 {
		l.Depth = tree.DefaultDepth
	}
	if l.Nodes <= 0 {
		l.Nodes = tree.DefaultNodes
	}
	if l.Attributes <= 0 {
		l.Attributes = 64
	}
	return l
}

// maxNarrative is how deep the elements of a narrative may be nested.
const maxNarrative = 100
