package index

// Query is one QIDO-RS search. All matches must hold.
type Query struct {
	Level   Level
	Key     Key // the part of the hierarchy that the URL names; empty: all
	Matches []Match
	Limit   int // 1 or more
	Offset  int
	// Content asks for Instance.Content.Metadata, for an includefield that is no
	// column. It is set at InstanceLevel only.
	Content bool
}

// Match is one matching key; the values are alternatives. Attribute belongs to
// the query's level or to one above it.
type Match struct {
	Attribute *Attribute
	Op        Op
	Values    []string // Equal: one or more; Like: one pattern
	From, To  string   // Between: normalised and inclusive, "" open
	// Fuzzy is a further alternative for a Name, nil: none.
	Fuzzy *Fuzzy
}

// Fuzzy matches a name whose rows of words (see Words) begin with every one of
// Each, or of which one begins with Whole.
type Fuzzy struct {
	Each  []string
	Whole string
}

// Op is how values are compared.
type Op uint8

// The comparisons. For Name, values and patterns are folded and any row of
// dicom_name may match; for List, any of the values in the column may match.
const (
	Equal   Op = iota // one of Values
	Like              // * is any run, ? any one character; no escape
	Between           // From <= value <= To; a row without value does not match
)

// Page is the answer to a Query in the order of its level: studies by date,
// newest first, then UID; series by study UID, number and UID; instances by
// study UID, series UID, number and UID (rows without number come last).
type Page struct {
	Results []Result
	More    bool // at least one match lies behind the page
}
