package accesspolicy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tenon/server/access"
)

// What a patient withholds, in plain Go: a Consent is a base with exceptions, which
// have exceptions; of those beside each other that apply, one that denies decides.
// What cannot be judged counts against who asks. https://hl7.org/fhir/R4/consent.html

type consent struct {
	patient, giver string
	base           bool // denies
	over           bool // its period
	rules          []rule
}

type rule struct {
	deny           bool
	actor          string // reference
	typ, code      string
	level          int
	named, purpose string
	over           bool
	nested         []rule
}

// answers of a condition.
const (
	no = iota
	perhaps
	sure
)

// barred tells whether a Consent of the patient withholds a thing from a person.
func (p *person) barred(x *thing, v version, current bool) bool {
	if x.typ == "Consent" || slices.Contains(directory, x.typ) {
		return false
	}
	about := []string{v.patient}
	if v.patient == "" && x.typ != "Device" && x.typ != "Substance" {
		about = nil
		for _, c := range x.cases {
			about = append(about, c.patient)
		}
	}
	for _, y := range x.w.things {
		c := y.consent
		if c != nil && !c.over && c.patient != "" && slices.Contains(about, c.patient) && p.principal != c.patient && p.principal != c.giver &&
			p.denied(c.base, c.rules, x, v, current) {
			return true
		}
	}
	return false
}

func (p *person) denied(base bool, rules []rule, x *thing, v version, current bool) bool {
	excepted := false
	for _, r := range rules {
		got := p.meets(r, x, v, current)
		if got != no && p.denied(r.deny, r.nested, x, v, current) {
			return true
		}
		excepted = excepted || got == sure
	}
	return base && !excepted
}

func (p *person) meets(r rule, x *thing, v version, current bool) int {
	got := sure
	and := func(asked bool, answer int) {
		if asked {
			got = min(got, answer)
		}
	}
	is := func(b bool) int { return map[bool]int{true: sure}[b] }
	and(r.over, no)
	if strings.HasPrefix(r.actor, "Group/") {
		and(true, perhaps)
	} else {
		and(r.actor != "", is(r.actor == p.principal || r.actor == p.org))
	}
	and(r.typ != "", is(x.typ == r.typ))
	if r.code != "" && !current {
		and(true, perhaps)
	} else {
		and(r.code != "", is(!v.deleted && v.code == r.code && x.typ != "Patient" && x.typ != "Task" && x.typ != "ImagingStudy" && x.typ != "RelatedPerson"))
	}
	and(r.level > 0 && r.deny, is(v.level >= r.level))
	and(r.level > 0 && !r.deny, is(v.level <= r.level))
	and(r.named != "", is(x.ref() == r.named))
	treats := p.kind == staff || p.kind == patient || p.kind == machine && strings.HasPrefix(p.org, "Organization/m")
	switch {
	case r.purpose == "":
	case !treats:
		and(true, perhaps)
	default:
		and(true, is(r.purpose == "TREAT"))
	}
	return got
}

func (c *consent) body() string {
	base, end := "OPTIN", "2999"
	if c.base {
		base = "OPTOUT"
	}
	if c.over {
		end = "2001"
	}
	// the first provision is the document's: it says its period, and its type is the base
	var nested []string
	for _, r := range c.rules {
		nested = append(nested, r.body())
	}
	return fmt.Sprintf(`,"status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":%q},"performer":[{"reference":%q}],"dateTime":"2026-01-01",
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":%q}]},"provision":{"period":{"end":%q},"provision":[%s]}`,
		c.patient, c.giver, base, end, strings.Join(nested, ","))
}

func (r rule) body() string {
	b := `{"type":"` + map[bool]string{true: "deny", false: "permit"}[r.deny] + `"`
	if r.over {
		b += `,"period":{"end":"2001"}`
	}
	if r.actor != "" {
		b += fmt.Sprintf(`,"actor":[{"role":{"text":"x"},"reference":{"reference":%q}}]`, r.actor)
	}
	if r.typ != "" {
		b += fmt.Sprintf(`,"class":[{"system":"http://hl7.org/fhir/resource-types","code":%q}]`, r.typ)
	}
	if r.code != "" {
		b += fmt.Sprintf(`,"code":[{"coding":[{"system":"urn:c","code":%q}]}]`, r.code)
	}
	if r.level > 0 {
		b += fmt.Sprintf(`,"securityLabel":[{"system":"urn:tenon:data-level","code":"L%d"}]`, r.level)
	}
	if r.named != "" {
		b += fmt.Sprintf(`,"data":[{"meaning":"instance","reference":{"reference":%q}}]`, r.named)
	}
	if r.purpose != "" {
		b += fmt.Sprintf(`,"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":%q}]`, r.purpose)
	}
	var nested []string
	for _, n := range r.nested {
		nested = append(nested, n.body())
	}
	if nested != nil {
		b += `,"provision":[` + strings.Join(nested, ",") + `]`
	}
	return b + "}"
}

// consents gives a third of the patients one or two.
func (w *world) consents(t *testing.T) {
	n := len(w.things)
	for i, x := range w.pats {
		for j := range []int{1, 0, 0, 2, 0, 0}[i%6] {
			c := &consent{patient: x.ref(), giver: x.ref(), base: w.r.IntN(5) == 0, over: w.r.IntN(6) == 0}
			for range 1 + w.r.IntN(3) {
				c.rules = append(c.rules, w.rule(x, 0))
			}
			w.add("Consent", fmt.Sprintf("c%d-%d", i, j), x.owner, version{patient: x.ref()})
			w.things[len(w.things)-1].consent = c
		}
	}
	for _, org := range w.orgs {
		var entries []string
		for _, x := range w.things[n:] {
			if x.owner == org {
				entries = append(entries, put(x.typ, x.id, x.body(x.now())))
			}
		}
		if entries != nil {
			w.bundle(t, org, entries)
		}
	}
	for _, x := range w.things[n:] {
		v, err := w.App.Store.ReadVersion(t.Context(), access.Everything{}, x.typ, x.id, 1)
		if err != nil {
			t.Fatal(err)
		}
		x.versions[0].level = int(v.Level)
	}
}

func (w *world) rule(x *thing, depth int) rule {
	r := rule{deny: w.r.IntN(3) > 0, over: w.r.IntN(8) == 0}
	if depth > 0 {
		r.deny = w.r.IntN(3) == 0
	}
	switch w.r.IntN(6) {
	case 0, 1:
		r.actor = pick(w, w.people).principal
	case 2, 3:
		r.actor = pick(w, w.orgs)
	case 4:
		r.actor = pick(w, []string{"Group/g", "", ""})
	}
	switch w.r.IntN(6) {
	case 0:
		r.typ = pick(w, types)
	case 1, 2:
		r.code = pick(w, codes)
	case 3:
		r.level = 3 + w.r.IntN(3)
	case 4:
		if y := pick(w, w.things); y.now().patient == x.ref() {
			r.named = y.ref()
		}
	case 5:
		r.purpose = pick(w, []string{"TREAT", "HRESCH"})
	}
	for depth < 2 && w.r.IntN(2) == 0 {
		r.nested = append(r.nested, w.rule(x, depth+1))
		depth++
	}
	return r
}

// withheld: the world is one in which consents matter, and by exceptions too.
func (w *world) withheld(t *testing.T) {
	barred, passed := 0, 0
	for _, p := range w.people {
		for _, x := range w.things {
			if v := x.now(); !v.deleted && p.own(x, v) {
				switch {
				case p.barred(x, v, true):
					barred++
				case slices.ContainsFunc(w.things, func(y *thing) bool { return y.consent != nil && !y.consent.over && y.consent.patient == v.patient }):
					passed++
				}
			}
		}
	}
	if barred < 200 || passed < 200 {
		t.Errorf("consents withhold %d and let pass %d of what people reach: too few to prove anything", barred, passed)
	}
	t.Logf("consents withhold %d and let pass %d", barred, passed)
}
