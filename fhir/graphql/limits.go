package graphql

// Limits bound what one request may cost; a zero field means its default.
type Limits struct {
	Bytes   int // of the document: 128 KiB
	Tokens  int // of the document: 20,000
	Depth   int // of selections inside one another, fragments spread: 24
	Fields  int // selected, fragments spread: 4,000
	Aliases int // of fields, fragments spread: 500
	Reads   int // resources read and searches run: 500
	Values  int // in the answer: 1,000,000
	Output  int // bytes of the answer, roughly: 32 MiB
}

func (l Limits) filled() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&l.Bytes, 128 << 10}, {&l.Tokens, 20_000}, {&l.Depth, 24}, {&l.Fields, 4_000},
		{&l.Aliases, 500}, {&l.Reads, 500}, {&l.Values, 1_000_000}, {&l.Output, 32 << 20},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return l
}

// nesting bounds lists and objects inside one another in a document.
const nesting = 64
