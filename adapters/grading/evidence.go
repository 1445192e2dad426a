package grading

import "tenon/fhir/tree"

// Evidence is what is known of a de-identified copy (§3.5); its zero value is
// that of an original, which nothing lowers.
type Evidence struct {
	// Pseudonym tells whether a value is a pseudonym that was made for this
	// copy. An element that points to a person directly counts as pseudonymised
	// only if all its values pass.
	Pseudonym func(value string) bool
	// K is the measured size of the smallest group that a person of the copy
	// hides in; 0 when it was not measured.
	K int
}

// lower returns the identifiability of an element of the copy (§3.1): a
// pseudonym whose k is unknown is an indirect identifier, with k ≥ K it is I1.
// What still points to a person directly is never lowered.
func (e Evidence) lower(i uint8, k int, proven bool) uint8 {
	if i == 3 && proven && e.Pseudonym != nil {
		i = 2
	}
	if i == 2 && e.Pseudonym != nil && e.K >= k {
		i = 1
	}
	return i
}

// hold keeps a copy at L3 unless W2 lets it lower: k ≥ 10 and nothing special.
func (e Evidence) hold(y *tally) {
	if e.Pseudonym == nil {
		return
	}
	special := false
	for _, f := range y.flags {
		special = special || f == Special
	}
	if e.K < y.t.rules.K.Limited || special {
		y.raise("W2", min(y.original, 3))
	}
}

// proves reports whether every identifying value under n is a pseudonym of the
// copy: a reference without display and identifier, the value of an
// identifier, a plain string.
func (e Evidence) proves(n tree.Node) bool {
	if e.Pseudonym == nil || !n.Exists() {
		return false
	}
	for item := range n.Items() {
		switch item.Kind() {
		case tree.String:
			if !e.Pseudonym(item.Str()) {
				return false
			}
		case tree.Object:
			if !e.provesObject(item) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func (e Evidence) provesObject(n tree.Node) bool {
	value := n.Field("value")
	if !value.Exists() {
		value = n.Field("reference")
	}
	if !e.Pseudonym(value.Str()) {
		return false
	}
	for name := range n.Fields() {
		switch name {
		case "value", "reference", "system", "use":
		default:
			return false
		}
	}
	return true
}
