package search

import (
	"time"

	"tenon/server/access"
)

// Plan is a search that the store can run: clauses that name index rows, with
// the caller's reach on every alias. All clauses of an alias must hold.
type Plan struct {
	Root     Alias
	Include  []Include
	Sort     []Sort  // empty: ascending order of creation
	Count    int     // page size; 0 asks for the total only
	After    *Cursor // where the page begins or ends
	Total    bool    // the number of matches is wanted
	Estimate bool    // … and may be an estimate where that is cheaper
	MaxPages int     // 0: no limit
	MaxBytes int64   // of the bodies of a page, which ends before Count where it has them; 0: no limit
}

// Alias is one resource in the query: the root, the target of a chain, or the
// source of _has. Reach is never nil.
type Alias struct {
	Types []string // one type, or several for a chain without type; empty: all types
	Reach access.Predicate
	Where []Clause
}

// Clause is one condition on an alias; the values in it are alternatives.
type Clause interface{ clause() }

type (
	// IDs is _id.
	IDs struct{ IDs []string }
	// Updated is _lastUpdated: each part is an alternative.
	Updated struct{ Any []Range }
	// Token matches token rows. A nil System means any, "" means none.
	Token struct {
		Key Key
		Any []TokenMatch
		Not bool // :not, which also holds where no row exists
	}
	// String matches string rows.
	String struct {
		Key Key
		Any []StringMatch
	}
	// Date matches date rows.
	Date struct {
		Key Key
		Any []Range
	}
	// Number matches number and quantity rows.
	Number struct {
		Key Key
		Any []NumberMatch
	}
	// Reference matches reference rows; with Target it is a chain.
	Reference struct {
		Key    Key
		Any    []ReferenceMatch
		Target *Alias
	}
	// Has is _has: a resource of Source refers to this one by Key.
	Has struct {
		Key    Key
		Source Alias
	}
	// URI matches uri rows.
	URI struct {
		Key Key
		Any []URIMatch
	}
	// Composite matches groups: one group meets all clauses of an alternative.
	// The keys of these are those of the components; Key is that of the first.
	Composite struct {
		Key Key
		Any [][]Clause
	}
	// Or is met by what meets all clauses of one alternative.
	Or struct{ Any [][]Clause }
	// Not is met by what does not meet all of these.
	Not struct{ All []Clause }
	// Other is met by what has a value under the key of the clause that does not
	// meet it.
	Other struct{ Than Clause }
	// OfType is met by resources of these types.
	OfType struct{ Types []string }
	// Within is met by what refers to one resource by one of the keys: by what is
	// in its compartment.
	Within struct {
		Keys     []Key
		Type, ID string
	}
	// Member is met by the members of the cases whose root Task the alias covers.
	Member struct{ Of Alias }
	// Near is met by what lies within a distance of a point: as a vector from the
	// middle of the earth (of length 1), with the cosine of the angle between.
	Near struct {
		Key  Key // of x and y; z stands under KeyZ
		KeyZ Key
		Any  []Point
	}
	// Text is met by what has all these words and, if there is a phrase, also
	// that in its text, or in the part of it that is narrative.
	Text struct {
		Key       Key
		Words     []string
		Phrase    string
		Narrative bool
	}
	// Missing is :missing on a parameter of the given type.
	Missing struct {
		Key     Key
		Kind    string // token, string, date, number, quantity, reference, uri, composite
		Missing bool
	}
)

func (IDs) clause()       {}
func (Updated) clause()   {}
func (Token) clause()     {}
func (String) clause()    {}
func (Date) clause()      {}
func (Number) clause()    {}
func (Reference) clause() {}
func (Has) clause()       {}
func (URI) clause()       {}
func (Missing) clause()   {}
func (Composite) clause() {}
func (Or) clause()        {}
func (Not) clause()       {}
func (Other) clause()     {}
func (OfType) clause()    {}
func (Within) clause()    {}
func (Member) clause()    {}
func (Near) clause()      {}
func (Text) clause()      {}

// Point is a place and a distance for Near.
type Point struct{ X, Y, Z, Cos float64 }

// Op is how an interval in a row stands to the interval in the query.
// https://hl7.org/fhir/R4/search.html#prefix
type Op uint8

// The prefixes, with a resource interval [l,h] and a query interval [L,H].
const (
	Equal       Op = iota // eq: L <= l and h <= H
	NotEqual              // ne: not eq
	Greater               // gt: h > H
	Less                  // lt: l < L
	GreaterOrEq           // ge: gt or eq
	LessOrEq              // le: lt or eq
	StartsAfter           // sa: l > H
	EndsBefore            // eb: h < L
	Overlaps              // ap, already widened: l <= H and L <= h
	Includes              // l <= L and H <= h
)

// Range is a date alternative in microseconds since 1970 UTC.
type Range struct {
	Op        Op
	Low, High int64
}

// TokenMatch is one [system]|[code]; with Codes it is any of these.
type TokenMatch struct {
	System, Code *string
	Codes        []string
}

// StringMatch is one value of a string parameter.
type StringMatch struct {
	Mode  StringMode
	Value string // normalised, but for Exact
}

// StringMode is how a string is compared.
type StringMode uint8

// The default is a prefix of the normalised form.
const (
	Prefix StringMode = iota
	Contains
	Exact
	Same   // the whole normalised form
	Suffix // of the normalised form
	From   // what is not before the value
	Before // what is before the value
)

// NumberMatch is one number or quantity; System and Code nil mean any unit.
type NumberMatch struct {
	Op           Op
	Low, High    float64
	System, Code *string
	Canonical    bool
}

// ReferenceMatch is one target; Type may be empty when only the id is known.
type ReferenceMatch struct{ Type, ID, URL string }

// URIMatch is one uri; Below and Above are the modifiers.
type URIMatch struct {
	URI          string
	Below, Above bool
}

// Include asks for resources that matches refer to (or, Reverse, that refer to
// them) by Key; an empty Key means every reference. Reach applies to what is
// included.
type Include struct {
	Source  string // type that holds the reference; "" is any
	Key     Key
	Any     bool   // every reference parameter of Source
	Target  string // wanted type of the target, or ""
	Reverse bool
	Iterate bool
	Looked  access.Level // the highest that the reference can have; 0 as 5
	Reach   access.Predicate
}

// Sort orders by one parameter; rows without a value come last and stay.
type Sort struct {
	By   string // "_lastUpdated", "_id", or "" with a Key
	Key  Key
	Kind string
	Desc bool
}

// Cursor is a place between two matches: the values of the sort keys and the
// row number of the one before it. A page begins behind it or, Back, ends there.
// The door encodes and authenticates it.
type Cursor struct {
	Values []string `json:"v,omitempty"`
	Row    int64    `json:"r"`
	Back   bool     `json:"b,omitempty"`
}

// Hit is a resource found: its stored bytes and what a door must say of it.
type Hit struct {
	Type, ID  string
	Version   int64
	Updated   time.Time
	Body      []byte
	Level     access.Level
	Integrity uint8  // class of the grade beside Level, 0 when the store does not give it
	Patient   string // "Patient/x" that it is about, for the audit
	Included  bool
	// Shown is set where Body is a part of the resource: the level above which its
	// elements have been left out. Level and Integrity are those of the part.
	Shown access.Level
}

// Page is the answer to a Plan.
type Page struct {
	Hits      []Hit // matches in order, then what was included, each once
	Next      *Cursor
	Previous  *Cursor
	Total     *int64
	Estimated bool // Total is an estimate
}
