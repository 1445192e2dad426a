package record

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Likeness is https://hl7.org/fhir/R4/valueset-match-grade.html, from the least.
type Likeness uint8

// The grades; Unlikely ones are not told.
const (
	Unlikely Likeness = iota
	Possible
	Probable
	Certain
)

// String is the code.
func (g Likeness) String() string {
	return [...]string{"certainly-not", "possible", "probable", "certain"}[g]
}

// The comparison adds up evidence in bits, as Fellegi and Sunter do
// (https://doi.org/10.1080/01621459.1969.10501049): how much likelier an
// agreement or disagreement is for one person than for two. The sum begins with
// the odds that a candidate is the person at all, and becomes the score by
// 1/(1+2^-sum). The weights are fixed, so the same two records always have the
// same score.
//
//	            | agrees | nearly | differs
//	------------|--------|--------|--------
//	identifier  |  +16   |        |  -6    of the same system
//	name        |  +6.5  |  +3    |  -5
//	birthDate   |  +8    |  +2    |  -6    +4 by month, +2 by year alone
//	gender      |  +0.9  |        |  -4
//	phone,email |  +5    |        |  -0.5
//	address     |  +2    |  +0.5  |  -0.5  nearly: the city or postal code
const prior = -10.0

// Where the grades begin.
const (
	certainFrom  = 0.99
	probableFrom = 0.8
	possibleFrom = 0.05
)

// agreement is how an element of two records compares.
type agreement uint8

const (
	unknown agreement = iota
	differs
	nearly
	partly
	agrees
)

func (a agreement) String() string {
	return [...]string{"unknown", "differs", "nearly agrees", "agrees as far as it is known", "agrees"}[a]
}

// compare scores one record against the description. Certain takes more than a
// score: nothing that identifies differs, and an identifier agrees together with
// name or birth date, or name, full birth date and a way of contact all do.
func compare(asked, known *description) (m Match) {
	sum := prior
	note := func(what string, a agreement, bits float64) {
		if a == unknown {
			return
		}
		sum += bits
		m.Why = append(m.Why, fmt.Sprintf("%s %s (%+.1f)", what, a, bits))
	}
	id, name, gender := identifiers(asked.ids, known.ids), names(asked.names, known.names), same(asked.gender, known.gender)
	if asked.gender == "unknown" || known.gender == "unknown" {
		gender = unknown
	}
	birth, birthBits := births(asked.birth, known.birth)
	contact := max(overlap(asked.phones, known.phones, func(a, b phone) bool { return a.digits == b.digits }),
		overlap(asked.emails, known.emails, func(a, b string) bool { return a == b }))
	place := places(asked.addresses, known.addresses)
	note("identifier", id, pick(id, 16, 0, -6))
	note("name", name, pick(name, 6.5, 3, -5))
	note("birthDate", birth, birthBits)
	note("gender", gender, pick(gender, 0.9, 0, -4))
	note("telecom", contact, pick(contact, 5, 0, -0.5))
	note("address", place, pick(place, 2, 0.5, -0.5))
	m.Score = math.Round(1e4/(1+math.Exp2(-sum))) / 1e4
	sound := !slices.Contains([]agreement{id, name, birth, gender}, differs)
	strong := id == agrees && (name >= nearly || birth >= partly) || name == agrees && birth == agrees && max(contact, place) == agrees
	switch {
	case m.Score >= certainFrom && sound && strong:
		m.Grade = Certain
	case m.Score >= probableFrom:
		m.Grade = Probable
	case m.Score >= possibleFrom, id == agrees: // an identifier that two people share is worth a look
		m.Grade = Possible
	}
	return m
}

func pick(a agreement, agree, near, differ float64) float64 {
	return map[agreement]float64{agrees: agree, partly: near, nearly: near, differs: differ}[a]
}

func same(a, b string) agreement {
	switch {
	case a == "" || b == "":
		return unknown
	case a == b:
		return agrees
	}
	return differs
}

// identifiers agree when one of them does; they differ when both know one of the
// same system and none agrees. Without a system, only values are compared.
func identifiers(a, b []identity) (got agreement) {
	for _, x := range a {
		for _, y := range b {
			equal := squeezed(x.value) == squeezed(y.value)
			switch {
			case equal && (x.system == y.system || x.system == ""):
				return agrees
			case x.system == y.system && x.system != "":
				got = differs
			}
		}
	}
	return got
}

// overlap agrees when two of the items are the same.
func overlap[T any](a, b []T, equal func(a, b T) bool) agreement {
	if len(a) == 0 || len(b) == 0 {
		return unknown
	}
	for _, x := range a {
		if slices.ContainsFunc(b, func(y T) bool { return equal(x, y) }) {
			return agrees
		}
	}
	return differs
}

// births compares dates of any precision.
func births(a, b string) (agreement, float64) {
	n := min(len(a), len(b))
	switch {
	case n == 0:
		return unknown, 0
	case a[:n] == b[:n] && n == len("2006-01-02"):
		return agrees, 8
	case a[:n] == b[:n]:
		return partly, map[int]float64{len("2006"): 2, len("2006-01"): 4}[n]
	case len(a) == len(b) && slipped(a, b):
		return nearly, 2
	}
	return differs, -6
}

// slipped tells whether two dates differ by one digit, or by the order of month
// and day.
func slipped(a, b string) bool {
	wrong := 0
	for i := range len(a) {
		if a[i] != b[i] {
			wrong++
		}
	}
	return wrong == 1 || len(a) == len("2006-01-02") && a[:4] == b[:4] && a[5:7] == b[8:10] && a[8:10] == b[5:7]
}

// names is the best agreement of any two names of both. Hanzi and a
// transcription cannot be compared with each other: that is no difference.
func names(a, b []personName) (best agreement) {
	for _, x := range a {
		for _, y := range b {
			if got := nameOf(x, y); got > best {
				best = got
			}
		}
	}
	return best
}

func nameOf(a, b personName) agreement {
	xs, ys := a.compact(), b.compact()
	for _, x := range xs {
		if slices.Contains(ys, x) {
			return agrees
		}
	}
	if a.han() != b.han() {
		return unknown
	}
	for _, x := range xs {
		for _, y := range ys {
			if closeTo(x, y) {
				return nearly
			}
		}
	}
	family, given := squeezed(a.family), squeezed(a.given)
	if family != "" && family == squeezed(b.family) && given != "" {
		other := squeezed(b.given)
		if strings.HasPrefix(given, other) || strings.HasPrefix(other, given) { // an initial, a second name left out
			return nearly
		}
	}
	return differs
}

// closeTo tells whether two names of some length differ by one letter: another,
// one more or one less. Of three hanzi, two must be the same.
func closeTo(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	least := 5
	if strings.ContainsFunc(a, han) {
		least = 3
	}
	if len(x) < least || len(y)-len(x) > 1 {
		return false
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	if len(x) == len(y) {
		return i < len(x) && string(x[i+1:]) == string(y[i+1:])
	}
	return string(x[i:]) == string(y[i+1:])
}

// places agrees by the whole address, nearly by its city or postal code.
func places(a, b []address) (best agreement) {
	for _, x := range a {
		for _, y := range b {
			got := differs
			switch {
			case x.whole != "" && x.whole == y.whole:
				got = agrees
			case x.city != "" && x.city == y.city, x.post != "" && x.post == y.post:
				got = nearly
			case x.whole == "" || y.whole == "":
				got = unknown
			}
			best = max(best, got)
		}
	}
	return best
}
