package search

// Key names a search parameter of a resource type in every index table: a
// 32-bit FNV-1a hash of "Type.code", so that index rows need no registry.
// Indexer construction fails if two parameters collide.
type Key int32

// KeyOf is the Key of a parameter, e.g. KeyOf("Patient", "name").
func KeyOf(typ, code string) Key {
	h := uint32(2166136261)
	for _, s := range [...]string{typ, ".", code} {
		for i := range len(s) {
			h = (h ^ uint32(s[i])) * 16777619
		}
	}
	return Key(h)
}

// Rows are the index rows of one version of one resource, by parameter type.
// The store writes them beside the version and replaces them on update.
type Rows struct {
	Tokens     []TokenRow
	Strings    []StringRow
	Dates      []DateRow
	Numbers    []NumberRow
	References []ReferenceRow
	URIs       []URIRow
	Groups     []GroupRow
}

type (
	// TokenRow is one coding, identifier, code, boolean or contact point.
	// System "" means that the value has none.
	TokenRow struct {
		Key          Key
		System, Code string
	}
	// StringRow holds the normalised form (case and accents folded, white space
	// collapsed) and the exact text.
	StringRow struct {
		Key               Key
		Normalised, Exact string
	}
	// DateRow is a closed interval in microseconds since 1970 UTC; an open end
	// is math.MinInt64 or math.MaxInt64.
	DateRow struct {
		Key       Key
		Low, High int64
	}
	// NumberRow is a number or quantity as a closed interval: a point for a
	// plain value, wider for a Range or a comparator (an open end is ±Inf). The
	// precision that counts is that of the query. System and Code name the unit
	// ("" for number); Canonical is true on the extra row that holds the value
	// in UCUM base units.
	NumberRow struct {
		Key          Key
		Low, High    float64
		System, Code string
		Canonical    bool
	}
	// ReferenceRow is one reference: Type and ID for a local target, URL for
	// any other (absolute, canonical or logical identifier as system|value).
	// An identifier is also a token row under the key of "code:identifier".
	ReferenceRow struct {
		Key      Key
		Type, ID string
		URL      string
	}
	// GroupRow is a row of a composite parameter's component: rows of one Group
	// come from one element. Row is one of the types above; its own Key does
	// not count.
	GroupRow struct {
		Key   Key // of the component
		Group int
		Row   any
	}
	// URIRow is one uri, url, canonical or oid.
	URIRow struct {
		Key Key
		URI string
	}
)
