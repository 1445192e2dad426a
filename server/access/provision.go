package access

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tenon/fhir/tree"
)

// Consent.provision as a part of the policy: what a patient withholds.
// https://hl7.org/fhir/R4/consent.html
//
// An active Consent says a base, permit or deny, and provisions that are exceptions
// to it; a provision within another is an exception to that. Of those beside each
// other that apply, one that denies decides. A Consent only ever takes away: what
// it permits must be reached by another rule. Where several Consents meet, each of
// them must let a thing pass.
//
// The base is policyRule: OPTIN permits, OPTOUT denies. Where neither stands there,
// a privacy consent (scope patient-privacy) that permits something permits nothing
// else; any other denies what its provisions deny. The period of the first
// provision is that of the Consent.
//
// A condition that cannot be judged (a Group as the actor, an unknown class, a
// period of the data) counts against who asks: a provision that denies applies, one
// that permits does not.

// Withholding is what one Consent withholds, in a form that many Consents share:
// what differs from patient to patient (period, resources that it names) stands
// beside it.
type Withholding struct {
	Form Form
	Low  int64 // period in microseconds, with its ends
	High int64
	Data []Datum
}

// Form is the base and the provisions.
type Form struct {
	Deny   bool        `json:"deny,omitempty"`
	Nested []Provision `json:"provision,omitempty"`
}

// Provision is one exception. Number counts them in the order of the document.
type Provision struct {
	Number   int         `json:"n"`
	Deny     bool        `json:"deny,omitempty"`
	Period   *[2]int64   `json:"period,omitempty"` // of a nested one
	Actors   []Actor     `json:"actor,omitempty"`
	Actions  []Code      `json:"action,omitempty"`
	Labels   []Code      `json:"label,omitempty"`
	Purposes []Code      `json:"purpose,omitempty"`
	Classes  []Code      `json:"class,omitempty"`
	Codes    []Code      `json:"code,omitempty"`
	Data     []string    `json:"data,omitempty"` // meanings of what it names
	Dated    bool        `json:"dated,omitempty"`
	Nested   []Provision `json:"provision,omitempty"`
}

// Actor is whom a provision is about: a role of urn:tenon:role, a reference, or both.
type Actor struct {
	Roles     []string `json:"role,omitempty"`
	Reference string   `json:"reference,omitempty"` // unknownActor where it names no resource here
}

// Code is one coding; Code "" stands for one that says nothing.
type Code struct{ System, Code string }

// Datum is a resource that a provision names.
type Datum struct {
	Provision         int
	Meaning, Type, ID string
}

const unknownActor = "?"

// Bounds of one Consent; one beyond them withholds all.
const (
	mostProvisions = 64
	mostValues     = 64
	deepest        = 8
)

// Systems and codes of Consent.
const (
	systemScope    = "http://terminology.hl7.org/CodeSystem/consentscope"
	systemAct      = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	systemRole     = "urn:tenon:role"
	systemLevel    = "urn:tenon:data-level"
	systemPurpose  = "urn:tenon:consent-purpose"
	systemReason   = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemAction   = "http://terminology.hl7.org/CodeSystem/consentaction"
	systemResource = "http://hl7.org/fhir/resource-types"
)

// Hash names a form.
func (f *Form) Hash() string {
	text, _ := json.Marshal(f) // strings and numbers always encode
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Withheld reads what a Consent withholds; nil where it withholds nothing.
func Withheld(consent tree.Node) *Withholding {
	if consent.Field("status").Str() != "active" {
		return nil
	}
	root := consent.Field("provision")
	low, high := spanOf(root.Field("period"))
	r := reading{low: low, high: high}
	f := Form{Deny: baseOf(consent)}
	if root.Exists() {
		f.Nested = []Provision{r.provision(root, f.Deny, 0)}
		f.Nested[0].Period = nil
	}
	if r.beyond {
		f, r.data = Form{Deny: true}, nil
	}
	if !f.Deny && !denies(f.Nested) {
		return nil
	}
	return &Withholding{Form: f, Low: low, High: high, Data: r.data}
}

func denies(list []Provision) bool {
	return slices.ContainsFunc(list, func(p Provision) bool { return p.Deny || denies(p.Nested) })
}

// baseOf tells whether what no provision is about is denied.
func baseOf(consent tree.Node) bool {
	for c := range consent.Path("policyRule", "coding").Items() {
		if c.Field("system").Str() != systemAct {
			continue
		}
		switch c.Field("code").Str() {
		case "OPTOUT", "OPTOUTE":
			return true
		case "OPTIN", "OPTINR":
			return false
		}
	}
	privacy := slices.Contains(codesOf(consent.Field("scope")), Code{systemScope, "patient-privacy"})
	return privacy && consent.Path("provision", "type").Str() == "permit"
}

// reading counts what one Consent says.
type reading struct {
	low, high int64
	count     int
	beyond    bool
	data      []Datum
}

// provision reads one; inherited is what holds where it says no type.
func (r *reading) provision(n tree.Node, inherited bool, depth int) Provision {
	p := Provision{Number: r.count, Deny: inherited}
	if r.count++; r.count > mostProvisions || depth > deepest {
		r.beyond = true
		return p
	}
	if typ := n.Field("type").Str(); typ != "" {
		p.Deny = typ != "permit"
	}
	if period := n.Field("period"); period.Exists() {
		low, high := spanOf(period)
		p.Period = &[2]int64{low, high}
	}
	for a := range r.items(n.Field("actor")) {
		p.Actors = append(p.Actors, actorOf(a))
	}
	p.Actions, p.Codes = r.concepts(n.Field("action")), r.concepts(n.Field("code"))
	p.Labels, p.Purposes, p.Classes = r.codings(n.Field("securityLabel")), r.codings(n.Field("purpose")), r.codings(n.Field("class"))
	p.Dated = n.Field("dataPeriod").Exists()
	for d := range r.items(n.Field("data")) {
		r.datum(&p, d)
	}
	for nested := range n.Field("provision").Items() {
		p.Nested = append(p.Nested, r.provision(nested, p.Deny, depth+1))
	}
	return p
}

// items are those of a list, as far as it may be long.
func (r *reading) items(list tree.Node) func(yield func(tree.Node) bool) {
	return func(yield func(tree.Node) bool) {
		n := 0
		for item := range list.Items() {
			if n++; n > mostValues {
				r.beyond = true
				return
			}
			if !yield(item) {
				return
			}
		}
	}
}

func (r *reading) concepts(list tree.Node) (all []Code) {
	for c := range r.items(list) {
		all = append(all, codesOf(c)...)
	}
	return inOrder(all)
}

func (r *reading) codings(list tree.Node) (all []Code) {
	for c := range r.items(list) {
		all = append(all, codeOf(c))
	}
	return inOrder(all)
}

func inOrder(all []Code) []Code {
	slices.SortFunc(all, func(a, b Code) int { return strings.Compare(a.System+"|"+a.Code, b.System+"|"+b.Code) })
	return slices.Compact(all)
}

// codesOf are the codings of a concept; a text alone is a code that says nothing.
func codesOf(concept tree.Node) (all []Code) {
	for c := range concept.Field("coding").Items() {
		all = append(all, codeOf(c))
	}
	if all == nil {
		all = []Code{{}}
	}
	return all
}

func codeOf(c tree.Node) Code { return Code{c.Field("system").Str(), c.Field("code").Str()} }

func (r *reading) datum(p *Provision, d tree.Node) {
	meaning := d.Field("meaning").Str()
	typ, id, ok := localRef(d.Field("reference"))
	if !ok {
		meaning = unknownActor
	} else {
		r.data = append(r.data, Datum{p.Number, meaning, typ, id})
	}
	if !slices.Contains(p.Data, meaning) {
		p.Data = append(p.Data, meaning)
		slices.Sort(p.Data)
	}
}

func actorOf(n tree.Node) (a Actor) {
	for c := range n.Path("role", "coding").Items() {
		if c.Field("system").Str() == systemRole {
			a.Roles = append(a.Roles, c.Field("code").Str())
		}
	}
	slices.Sort(a.Roles)
	reference := n.Field("reference")
	switch typ, id, ok := localRef(reference); {
	case ok:
		a.Reference = typ + "/" + id
	case reference.Exists() || len(a.Roles) == 0:
		a.Reference = unknownActor
	}
	return a
}

// localRef reads "Type/id", with or without a version.
func localRef(reference tree.Node) (typ, id string, ok bool) {
	parts := strings.Split(reference.Field("reference").Str(), "/")
	if len(parts) != 2 && (len(parts) != 4 || parts[2] != "_history") || !typeName(parts[0]) || parts[1] == "" {
		return "", "", false
	}
	return parts[0], parts[1], true
}

// The ends of a period that has none.
const (
	always = -1 << 62
	never  = 1 << 62
)

// spanOf is a Period in microseconds, as wide as its precision. One that cannot be
// read never ends.
func spanOf(period tree.Node) (low, high int64) {
	low, high = always, never
	if at, _, ok := dateSpan(period.Field("start").Str()); ok {
		low = at
	}
	if _, at, ok := dateSpan(period.Field("end").Str()); ok {
		high = at
	}
	return low, high
}

// dateSpan is a FHIR dateTime from its first to its last microsecond, in UTC where
// it names no zone.
func dateSpan(text string) (low, high int64, ok bool) {
	for _, f := range []struct {
		layout string
		next   func(time.Time) time.Time
	}{
		{time.RFC3339, func(t time.Time) time.Time { return t.Add(time.Second) }},
		{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
		{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
		{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	} {
		if t, err := time.Parse(f.layout, text); err == nil {
			return t.UnixMicro(), f.next(t).UnixMicro() - 1, true
		}
	}
	return 0, 0, false
}
