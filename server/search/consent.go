package search

import (
	"strconv"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// A Consent that withholds something (access.Withheld) has rows of its own, which
// no parameter asks for and the predicate of access does: a token with the hash of
// its form, a date with its period, a reference for each resource that it names.
var (
	// WithheldKey is that of the form and of the period.
	WithheldKey = KeyOf("Consent", "withheld")
	// GiverKey is that of who gave the consent, the parameter consentor.
	GiverKey = KeyOf("Consent", "consentor")
)

// NamedKey is that of what a provision names, by its number and the meaning.
func NamedKey(provision int, meaning string) Key {
	return KeyOf("Consent", "withheld-"+strconv.Itoa(provision)+"-"+meaning)
}

// withheld makes the rows of a Consent.
func (x *indexer) withheld(consent tree.Node) {
	w := access.Withheld(consent)
	if w == nil {
		return
	}
	x.addToken(TokenRow{Key: WithheldKey, Code: w.Form.Hash()})
	x.rows.Dates = append(x.rows.Dates, DateRow{Key: WithheldKey, Low: w.Low, High: w.High})
	for _, d := range w.Data {
		x.rows.References = append(x.rows.References, ReferenceRow{Key: NamedKey(d.Provision, d.Meaning), Type: d.Type, ID: d.ID})
	}
}
