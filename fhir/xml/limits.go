package xml

// Limits bound what one document may cost; a zero field means its default.
type Limits struct {
	Bytes int // length of the source: 64 MiB
	// Depth is how many elements may stand inside one another: 64. Those of a
	// narrative are counted by themselves, up to 100.
	Depth      int
	Elements   int // elements of the document: 4 million
	Attributes int // of one element, namespace declarations counted: 64
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 64 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 64
	}
	if l.Elements <= 0 {
		l.Elements = 4 << 20
	}
	if l.Attributes <= 0 {
		l.Attributes = 64
	}
	return l
}

// maxNarrative is how deep the elements of a narrative may be nested.
const maxNarrative = 100
